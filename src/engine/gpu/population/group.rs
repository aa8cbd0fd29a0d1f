//! Networks of one shape and one kind of step, side by side in the same buffers.

use std::sync::{Arc, Mutex, PoisonError};

use futures_intrusive::channel::shared::OneshotSender;

use crate::data::{Samples, Split};
use crate::engine::gpu::core::Core;
use crate::engine::gpu::residency::Residency;
use crate::engine::gpu::step_members::{Kind, StepMembers};
use crate::engine::gpu::training::MAX_SLOTS;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::network::MlpSpec;
use crate::step::StepOptions;

/// The indices of networks that nobody has.
type Free = Arc<Mutex<Vec<u32>>>;

/// The index of a network that somebody has. It is free again when this is dropped.
pub(super) struct OwnedIndex {
    pub group: u64,
    pub index: u32,
    free: Free,
}

impl Drop for OwnedIndex {
    fn drop(&mut self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
    }
}

/// Networks side by side.
pub(super) struct Group {
    pub id: u64,
    pub core: Core,
    residency: Residency,
    pub members: Vec<MemberState>,
    free: Free,
}

/// How far a network has come.
pub(super) struct MemberState {
    pub options: StepOptions,
    /// In its sums.
    pub samples: u64,
    /// Steps taken since its run began.
    pub steps: u64,
}

/// A training that waits for steps on the first of these samples.
pub(super) struct StepRequest {
    pub group: u64,
    pub index: u32,
    pub samples: Vec<u32>,
    pub answer: OneshotSender<Result<usize>>,
}

impl StepRequest {
    /// Of so many samples, those that a turn looks at: of each network as many, so that all take the same steps.
    pub fn samples_of(samples: &[u32], batch_size: usize) -> Vec<u32> {
        samples[..samples.len().min(2 * MAX_SLOTS * batch_size)].to_vec()
    }
}

impl Group {
    /// With room for so many, or for fewer where the adapter has no room for more.
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
        let members = (0..count).map(|_| MemberState { options: *options, samples: 0, steps: 0 }).collect();
        let free = Arc::new(Mutex::new((0..count as u32).rev().collect()));
        Ok(Self { id, core, residency, members, free })
    }

    /// Whether networks can lie side by side.
    pub fn alike(one: (&MlpSpec, &StepOptions), other: (&MlpSpec, &StepOptions)) -> bool {
        one.0 == other.0 && one.1.batch_size == other.1.batch_size && Kind::of(one.1) == Kind::of(other.1)
    }

    /// Whether such a network belongs here.
    pub fn takes(&self, spec: &MlpSpec, options: &StepOptions, residency: Residency) -> bool {
        self.residency == residency
            && Self::alike((&self.core.spec, &self.members[0].options), (spec, options))
    }

    /// Room for a network with these options, if there is some.
    pub fn add(&mut self, options: StepOptions) -> Option<OwnedIndex> {
        let index = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        self.members[index as usize] = MemberState { options, samples: 0, steps: 0 };
        Some(OwnedIndex { group: self.id, index, free: self.free.clone() })
    }

    /// Whether anybody has a network here.
    pub fn has_members(&self) -> bool {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len() < self.members.len()
    }

    /// Takes the samples of a split, which are those of all networks here.
    pub async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        match self.core.given.of(split) {
            Ok(there) if there.is(&samples) => return Ok(()),
            Ok(_)
                if self.free.lock().unwrap_or_else(PoisonError::into_inner).len() + 1
                    < self.members.len() =>
            {
                return Err(Error::usage(format!(
                    "networks that train side by side share their {} samples, and these are others",
                    split.name()
                )));
            }
            _ => {}
        }
        let members = (0..).zip(self.members.iter().map(|member| member.options));
        self.core.load(split, samples, &StepMembers::new(members)).await
    }

    /// Lets networks take steps: together those that have as many batches left.
    pub async fn step(&mut self, mut requests: Vec<StepRequest>) {
        requests.sort_by_key(|request| request.index);
        let (size, slots) = (self.core.batch_size, self.core.slots());
        let ahead = |request: &StepRequest| match request.samples.len() / size {
            0 => (0, request.samples.len()),
            batches => (batches.min(slots), size),
        };
        for requests in by(requests, ahead) {
            let options =
                requests.iter().map(|request| (request.index, self.members[request.index as usize].options));
            let members = StepMembers::new(options);
            let taken: Vec<u64> =
                requests.iter().map(|request| self.members[request.index as usize].steps).collect();
            let samples: Vec<&[u32]> = requests.iter().map(|request| &request.samples[..]).collect();
            let mut done = self.core.train(&members, &taken, &samples).await;
            for StepRequest { index, answer, .. } in requests {
                let state = &mut self.members[index as usize];
                if let Ok(count) = done {
                    state.samples += count as u64;
                    state.steps += count.div_ceil(size) as u64;
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
