//! Work under way: handing it to the device, and waiting for it.

use std::sync::PoisonError;

use web_time::Instant;

use super::buffer::Buffer;
use super::device::Gpu;
use super::launch::Launch;
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
    /// Records the launches in order and hands them to the device. Results are visible to later submissions.
    ///
    /// # Errors
    /// [`Error::Device`] if the device has complained since it was last asked.
    pub fn submit<'a>(&self, launches: impl IntoIterator<Item = &'a Launch>) -> Result<Submission> {
        let encoder = self.device.create_command_encoder(&Default::default());
        self.submit_recorded(encoder, launches)
    }

    /// As [`submit`](Self::submit), after what the encoder already holds.
    pub(super) fn submit_recorded<'a>(
        &self,
        mut encoder: wgpu::CommandEncoder,
        launches: impl IntoIterator<Item = &'a Launch>,
    ) -> Result<Submission> {
        #[cfg(debug_assertions)]
        self.lose_if_told();
        let mut launches = launches.into_iter().peekable();
        while let Some(launch) = launches.next() {
            launch.record_fills(&mut encoder);
            let mut pass = encoder.begin_compute_pass(&Default::default());
            launch.record(&mut pass);
            while let Some(launch) = launches.next_if(|launch| !launch.has_fills()) {
                launch.record(&mut pass);
            }
        }
        let submission = self.hand_over(encoder);
        self.check()?;
        Ok(submission)
    }

    /// Runs each launch by itself, and waits for it: a driver that compiles a kernel when it is launched for the first time
    /// has done so then, in time that counts as compiling.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn warm_up<'a>(&self, launches: impl IntoIterator<Item = &'a Launch>) -> Result<()> {
        let begun = Instant::now();
        for launch in launches {
            let mut encoder = self.device.create_command_encoder(&Default::default());
            launch.record_fills(&mut encoder);
            launch.record(&mut encoder.begin_compute_pass(&Default::default()));
            self.wait(&self.hand_over(encoder)).await?;
        }
        *self.compiling.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        Ok(())
    }

    /// Copies one buffer over another of the same size, so many times in one submission.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn copy(&self, from: &Buffer, to: &Buffer, times: usize) -> Result<Submission> {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for _ in 0..times {
            encoder.copy_buffer_to_buffer(&from.raw, 0, &to.raw, 0, from.size());
        }
        self.submit_recorded(encoder, [])
    }

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
