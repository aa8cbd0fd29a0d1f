//! Work under way: handing it to the device, and waiting for it.

use super::Gpu;
use crate::error::{Error, Result};

/// Work handed to the device, to be waited for.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What to poll for.
    #[cfg(not(target_family = "wasm"))]
    index: wgpu::SubmissionIndex,
    /// A browser lets nobody poll: its event loop tells when all that was submitted so far is done.
    #[cfg(target_family = "wasm")]
    done: futures_intrusive::channel::shared::StateReceiver<()>,
}

impl Gpu {
    /// Hands over what was recorded.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn hand_over(&self, encoder: wgpu::CommandEncoder) -> Submission {
        Submission { index: self.queue.submit([encoder.finish()]) }
    }

    /// Hands over what was recorded.
    #[cfg(target_family = "wasm")]
    pub(super) fn hand_over(&self, encoder: wgpu::CommandEncoder) -> Submission {
        let (sender, done) = futures_intrusive::channel::shared::state_broadcast_channel();
        self.queue.submit([encoder.finish()]);
        self.queue.on_submitted_work_done(move || {
            // Nobody listens any more if the submission was dropped.
            let _ = sender.send(());
        });
        Submission { done }
    }

    /// Waits until a submission has been carried out.
    ///
    /// # Errors
    /// [`Error::Device`] if the device was lost or complained meanwhile.
    #[cfg(not(target_family = "wasm"))]
    pub async fn wait(&self, submission: &Submission) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission.index.clone()), timeout: None };
        self.poll(wait)
    }

    /// Waits until a submission has been carried out.
    ///
    /// # Errors
    /// [`Error::Device`] if the device was lost or complained meanwhile.
    #[cfg(target_family = "wasm")]
    pub async fn wait(&self, submission: &Submission) -> Result<()> {
        submission.done.receive(Default::default()).await;
        self.check()
    }

    /// Has the device carry on with what was submitted; in a browser, where it does so by itself, nothing.
    pub(super) fn poll(&self, how: wgpu::PollType) -> Result<()> {
        let polled = self.device.poll(how);
        self.check()?;
        // A device that nobody says was lost has not taken the work that is waited for.
        polled.map(|_| ()).map_err(|error| Error::Device(format!("the device takes no work: {error}")))
    }
}
