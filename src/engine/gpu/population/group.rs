//! Networks of one shape and one kind of step, side by side in the same buffers.

use std::sync::{Arc, Mutex, PoisonError};

use futures_intrusive::channel::shared::OneshotSender;

use crate::data::{Samples, Split};
use crate::engine::gpu::core::Core;
use crate::engine::gpu::party::{Kind, Party};
use crate::engine::gpu::residency::Residency;
use crate::engine::gpu::training::MAX_SLOTS;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::network::MlpSpec;
use crate::step::StepOptions;

/// The numbers of seats that nobody has.
type Free = Arc<Mutex<Vec<u32>>>;

/// A seat that somebody has. It is free again when this is dropped.
pub(super) struct Place {
    pub group: u64,
    pub number: u32,
    free: Free,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

/// Networks side by side.
pub(super) struct Group {
    pub id: u64,
    pub core: Core,
    residency: Residency,
    pub seats: Vec<Standing>,
    free: Free,
}

/// How far the network of a seat has come.
pub(super) struct Standing {
    pub options: StepOptions,
    /// In its sums.
    pub samples: u64,
    /// Steps taken since its run began.
    pub steps: u64,
}

/// A training that waits for steps on the first of these samples.
pub(super) struct StepWish {
    pub group: u64,
    pub seat: u32,
    pub samples: Vec<u32>,
    pub answer: OneshotSender<Result<usize>>,
}

impl StepWish {
    /// Of so many samples, those that a turn looks at: of each network as many, so that all take the same steps.
    pub fn samples_of(samples: &[u32], batch_size: usize) -> Vec<u32> {
        samples[..samples.len().min(2 * MAX_SLOTS * batch_size)].to_vec()
    }
}

impl Group {
    /// With seats for so many, or for fewer where the adapter has no room for more.
    ///
    /// # Errors
    /// As [`Core::new`], if there is no room for one.
    pub async fn open(
        id: u64,
        gpu: &Gpu,
        spec: &MlpSpec,
        options: &StepOptions,
        residency: Residency,
        wanted: usize,
    ) -> Result<Self> {
        let mut count = wanted.min(Kind::of(options).most(gpu, spec, options.batch_size));
        let core = loop {
            match Core::new(gpu.clone(), spec, options, residency, count).await {
                Err(Error::TooLarge { .. }) if count > 1 => count /= 2,
                core => break core?,
            }
        };
        let seats = (0..count).map(|_| Standing { options: *options, samples: 0, steps: 0 }).collect();
        let free = Arc::new(Mutex::new((0..count as u32).rev().collect()));
        Ok(Self { id, core, residency, seats, free })
    }

    /// Whether networks can lie side by side.
    pub fn alike(one: (&MlpSpec, &StepOptions), other: (&MlpSpec, &StepOptions)) -> bool {
        one.0 == other.0 && one.1.batch_size == other.1.batch_size && Kind::of(one.1) == Kind::of(other.1)
    }

    /// Whether such a network belongs here.
    pub fn takes(&self, spec: &MlpSpec, options: &StepOptions, residency: Residency) -> bool {
        self.residency == residency && Self::alike((&self.core.spec, &self.seats[0].options), (spec, options))
    }

    /// A seat for a network with these options, if one is free.
    pub fn sit(&mut self, options: StepOptions) -> Option<Place> {
        let number = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        self.seats[number as usize] = Standing { options, samples: 0, steps: 0 };
        Some(Place { group: self.id, number, free: self.free.clone() })
    }

    /// Whether anybody sits here.
    pub fn is_taken(&self) -> bool {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len() < self.seats.len()
    }

    /// Takes the samples of a split, which are those of all networks here.
    pub async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        match self.core.given.of(split) {
            Ok(there) if there.is(&samples) => return Ok(()),
            Ok(_)
                if self.free.lock().unwrap_or_else(PoisonError::into_inner).len() + 1 < self.seats.len() =>
            {
                return Err(Error::usage(format!(
                    "networks that train side by side share their {} samples, and these are others",
                    split.name()
                )));
            }
            _ => {}
        }
        let members = (0..).zip(self.seats.iter().map(|seat| seat.options));
        self.core.load(split, samples, &Party::new(members)).await
    }

    /// Lets networks take steps: together those that have as many batches left.
    pub async fn step(&mut self, mut wishes: Vec<StepWish>) {
        wishes.sort_by_key(|wish| wish.seat);
        let (size, slots) = (self.core.batch_size, self.core.slots());
        let ahead = |wish: &StepWish| match wish.samples.len() / size {
            0 => (0, wish.samples.len()),
            batches => (batches.min(slots), size),
        };
        for wishes in by(wishes, ahead) {
            let seats = wishes.iter().map(|wish| (wish.seat, self.seats[wish.seat as usize].options));
            let party = Party::new(seats);
            let taken: Vec<u64> = wishes.iter().map(|wish| self.seats[wish.seat as usize].steps).collect();
            let samples: Vec<&[u32]> = wishes.iter().map(|wish| &wish.samples[..]).collect();
            let mut done = self.core.train(&party, &taken, &samples).await;
            for StepWish { seat, answer, .. } in wishes {
                let standing = &mut self.seats[seat as usize];
                if let Ok(count) = done {
                    standing.samples += count as u64;
                    standing.steps += count.div_ceil(size) as u64;
                }
                // Of an error one of them hears. The others have come no further, and hear of it when they ask again.
                let again = Ok(*done.as_ref().unwrap_or(&0));
                let told = std::mem::replace(&mut done, again);
                // The receiver waits as long as its thread lives.
                drop(answer.send(told));
            }
        }
    }
}

/// Lists of things that have the same key, in the order of their first.
pub(super) fn by<T, K: PartialEq>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
    let mut lists: Vec<(K, Vec<T>)> = Vec::new();
    for one in all {
        let own = key(&one);
        match lists.iter_mut().find(|(key, _)| *key == own) {
            Some((_, list)) => list.push(one),
            None => lists.push((own, vec![one])),
        }
    }
    lists.into_iter().map(|(_, list)| list).collect()
}
