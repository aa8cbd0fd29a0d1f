//! Who trains together, and the turns that they take.

use std::sync::Arc;

use futures_intrusive::channel::shared::{OneshotReceiver, OneshotSender, oneshot_channel};
use futures_intrusive::sync::Mutex;

use super::group::{Group, Place, StepWish, by};
use crate::engine::gpu::residency::Residency;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::network::MlpSpec;
use crate::step::StepOptions;

/// Trainings, each in a thread of its own, that share a GPU: networks that are alike take their steps together. Each opens its
/// engine by [`Seat::open`](crate::engine::Seat::open), trains, and opens another one or [leaves](Self::leave).
#[derive(Clone)]
pub struct Crowd {
    gpu: Gpu,
    turns: Arc<Mutex<Turns>>,
}

/// Groups of networks that are alike, and what their trainings wait for.
pub(super) struct Turns {
    gpu: Gpu,
    /// Trainings that have not left.
    members: usize,
    groups: Vec<Group>,
    seats: Vec<SeatWish>,
    steps: Vec<StepWish>,
    /// Groups that there have been.
    opened: u64,
}

/// A training that waits for a seat.
struct SeatWish {
    spec: MlpSpec,
    options: StepOptions,
    residency: Residency,
    answer: OneshotSender<Result<Place>>,
}

impl Crowd {
    /// Of so many trainings.
    pub fn new(gpu: Gpu, members: usize) -> Self {
        let turns = Turns {
            gpu: gpu.clone(),
            members,
            groups: Vec::new(),
            seats: Vec::new(),
            steps: Vec::new(),
            opened: 0,
        };
        Self { gpu, turns: Arc::new(Mutex::new(turns, true)) }
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// A place beside networks of the same shape, batch size and kind of step. Waits until there is one.
    pub(super) async fn place(
        &self,
        spec: &MlpSpec,
        options: StepOptions,
        residency: Residency,
    ) -> Result<Place> {
        let (answer, answered) = oneshot_channel();
        let mut turns = self.turns.lock().await;
        turns.seats.push(SeatWish { spec: spec.clone(), options, residency, answer });
        turns.take_turn().await;
        drop(turns);
        received(answered).await
    }

    /// A training has ended: nobody waits for it any more.
    pub async fn leave(&self) {
        let mut turns = self.turns.lock().await;
        turns.members = turns.members.saturating_sub(1);
        turns.take_turn().await;
    }

    pub(super) fn turns(&self) -> &Mutex<Turns> {
        &self.turns
    }
}

/// What a training has waited for.
pub(super) async fn received<T: Send + 'static>(answered: OneshotReceiver<Result<T>>) -> Result<T> {
    match answered.receive().await {
        Some(answer) => answer,
        None => Err(Error::Internal("a training was forgotten by its population".into())),
    }
}

impl Turns {
    /// The group of that number.
    pub fn group(&mut self, id: u64) -> Result<&mut Group> {
        let group = self.groups.iter_mut().find(|group| group.id == id);
        group.ok_or_else(|| Error::Internal("a seat in a group that is gone".into()))
    }

    /// A training waits for steps.
    pub async fn wish(&mut self, wish: StepWish) {
        self.steps.push(wish);
        self.take_turn().await;
    }

    /// Once all trainings wait: gives seats to those that have none, or else lets all networks take steps.
    async fn take_turn(&mut self) {
        if self.members == 0 || self.seats.len() + self.steps.len() < self.members {
            return;
        }
        if self.give_seats().await {
            return;
        }
        for wishes in by(std::mem::take(&mut self.steps), |wish| wish.group) {
            match self.groups.iter_mut().find(|group| group.id == wishes[0].group) {
                Some(group) => group.step(wishes).await,
                // Dropped senders tell.
                None => log::error!("steps of a group that is gone"),
            }
        }
    }

    /// Whether anybody has got an answer.
    async fn give_seats(&mut self) -> bool {
        let mut waiting = Vec::new();
        let before = self.seats.len();
        for wish in std::mem::take(&mut self.seats) {
            let alike = |group: &&mut Group| group.takes(&wish.spec, &wish.options, wish.residency);
            let place = self.groups.iter_mut().filter(alike).find_map(|group| group.sit(wish.options));
            match place {
                // The receiver waits as long as its thread lives.
                Some(place) => drop(wish.answer.send(Ok(place))),
                None => waiting.push(wish),
            }
        }
        // Nobody comes back to a group that all have left.
        self.groups.retain(Group::is_taken);
        let mut given = before - waiting.len();
        while let Some(first) = waiting.first() {
            let kind = (first.spec.clone(), first.options, first.residency);
            let alike = |wish: &SeatWish| Group::alike((&kind.0, &kind.1), (&wish.spec, &wish.options));
            let count = waiting.iter().filter(|wish| alike(wish)).count();
            self.opened += 1;
            match Group::open(self.opened, &self.gpu, &kind.0, &kind.1, kind.2, count).await {
                Ok(mut group) => {
                    let mut rest = Vec::new();
                    for wish in waiting {
                        let place = alike(&wish).then(|| group.sit(wish.options)).flatten();
                        match place {
                            Some(place) => {
                                drop(wish.answer.send(Ok(place)));
                                given += 1;
                            }
                            None => rest.push(wish),
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
        self.seats = waiting;
        given > 0
    }
}
