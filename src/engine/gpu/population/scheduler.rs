//! Which trainings share the device, and when their steps are submitted.

use std::sync::Arc;

use futures_intrusive::channel::shared::{OneshotReceiver, OneshotSender, oneshot_channel};
use futures_intrusive::sync::Mutex;

use super::group::{Group, OwnedIndex, StepRequest, by};
use crate::engine::gpu::residency::Residency;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::network::MlpSpec;
use crate::step::StepOptions;

/// Trainings, each in a thread of its own, that share a GPU: networks that are alike take their steps together. Each opens its
/// engine by [`Member::open`](crate::engine::Member::open), trains, and opens another one or [leaves](Self::leave).
#[derive(Clone)]
pub struct Population {
    gpu: Gpu,
    scheduler: Arc<Mutex<Scheduler>>,
}

/// Groups of networks that are alike, and what their trainings wait for.
pub(super) struct Scheduler {
    gpu: Gpu,
    /// Trainings that have not left.
    members: usize,
    groups: Vec<Group>,
    opens: Vec<OpenRequest>,
    steps: Vec<StepRequest>,
    /// Groups that there have been.
    opened: u64,
}

/// A training that waits for room.
struct OpenRequest {
    spec: MlpSpec,
    options: StepOptions,
    residency: Residency,
    answer: OneshotSender<Result<OwnedIndex>>,
}

impl Population {
    /// Of so many trainings.
    #[cfg_attr(
        target_family = "wasm",
        allow(clippy::arc_with_non_send_sync, reason = "a browser's objects belong to one thread")
    )]
    pub fn new(gpu: Gpu, members: usize) -> Self {
        let scheduler = Scheduler {
            gpu: gpu.clone(),
            members,
            groups: Vec::new(),
            opens: Vec::new(),
            steps: Vec::new(),
            opened: 0,
        };
        Self { gpu, scheduler: Arc::new(Mutex::new(scheduler, true)) }
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// A network beside those of the same shape, batch size and kind of step. Waits until there is room.
    pub(super) async fn open(
        &self,
        spec: &MlpSpec,
        options: StepOptions,
        residency: Residency,
    ) -> Result<OwnedIndex> {
        let (answer, answered) = oneshot_channel();
        let mut scheduler = self.scheduler.lock().await;
        scheduler.opens.push(OpenRequest { spec: spec.clone(), options, residency, answer });
        scheduler.advance().await;
        drop(scheduler);
        received(answered).await
    }

    /// A training has ended: nobody waits for it any more.
    pub async fn leave(&self) {
        let mut scheduler = self.scheduler.lock().await;
        scheduler.members = scheduler.members.saturating_sub(1);
        scheduler.advance().await;
    }

    pub(super) fn scheduler(&self) -> &Mutex<Scheduler> {
        &self.scheduler
    }
}

/// What a training has waited for.
pub(super) async fn received<T: Send + 'static>(answered: OneshotReceiver<Result<T>>) -> Result<T> {
    match answered.receive().await {
        Some(answer) => answer,
        None => Err(Error::Internal("a training was forgotten by its population".into())),
    }
}

impl Scheduler {
    /// The group with that id.
    pub fn group(&mut self, id: u64) -> Result<&mut Group> {
        let group = self.groups.iter_mut().find(|group| group.id == id);
        group.ok_or_else(|| Error::Internal("a member of a group that is gone".into()))
    }

    /// A training waits for steps.
    pub async fn request(&mut self, request: StepRequest) {
        self.steps.push(request);
        self.advance().await;
    }

    /// Once all trainings wait: makes room for those that have none, or else lets all networks take steps.
    async fn advance(&mut self) {
        if self.members == 0 || self.opens.len() + self.steps.len() < self.members {
            return;
        }
        if self.open_networks().await {
            return;
        }
        for requests in by(std::mem::take(&mut self.steps), |request| request.group) {
            match self.groups.iter_mut().find(|group| group.id == requests[0].group) {
                Some(group) => group.step(requests).await,
                // Dropped senders tell.
                None => log::error!("steps of a group that is gone"),
            }
        }
    }

    /// Whether anybody has got an answer.
    async fn open_networks(&mut self) -> bool {
        let mut waiting = Vec::new();
        let before = self.opens.len();
        for request in std::mem::take(&mut self.opens) {
            let alike = |group: &&mut Group| group.takes(&request.spec, &request.options, request.residency);
            let network = self.groups.iter_mut().filter(alike).find_map(|group| group.add(request.options));
            match network {
                // The receiver waits as long as its thread lives.
                Some(network) => drop(request.answer.send(Ok(network))),
                None => waiting.push(request),
            }
        }
        // Nobody comes back to a group that all have left.
        self.groups.retain(Group::has_members);
        let mut given = before - waiting.len();
        while let Some(first) = waiting.first() {
            let kind = (first.spec.clone(), first.options, first.residency);
            let alike =
                |request: &OpenRequest| Group::alike((&kind.0, &kind.1), (&request.spec, &request.options));
            let count = waiting.iter().filter(|request| alike(request)).count();
            self.opened += 1;
            match Group::open(self.opened, &self.gpu, &kind.0, &kind.1, kind.2, count).await {
                Ok(mut group) => {
                    let mut rest = Vec::new();
                    for request in waiting {
                        let network = alike(&request).then(|| group.add(request.options)).flatten();
                        match network {
                            Some(network) => {
                                drop(request.answer.send(Ok(network)));
                                given += 1;
                            }
                            None => rest.push(request),
                        }
                    }
                    waiting = rest;
                    self.groups.push(group);
                }
                // Somebody may make room.
                Err(Error::TooLarge { .. }) if !self.groups.is_empty() => break,
                Err(error) => {
                    drop(waiting.remove(0).answer.send(Err(error)));
                    given += 1;
                    break;
                }
            }
        }
        self.opens = waiting;
        given > 0
    }
}
