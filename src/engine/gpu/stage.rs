//! Buffers for the samples of an engine: room for chunks of them, and the launches on it.

use super::evaluation::Evaluation;
use super::network::Network;
use super::residency::Residency;
use super::rows::evaluation_rows;
use super::source::Source;
use super::training::{Training, layout_of, slots};
use crate::data::{Format, Samples, Split};
use crate::engine::contract::Given;
use crate::error::Result;
use crate::gpu::Buffer;
use crate::network::MlpSpec;

/// The room that samples take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    format: Format,
    slots: usize,
    evaluation_rows: usize,
}

impl Room {
    /// For all samples that were given, which are of that format.
    pub fn of(network: &Network, spec: &MlpSpec, batch_size: usize, given: &Given, format: Format) -> Self {
        let layout = layout_of(format);
        let counts = Split::ALL.map(|split| given.count(split));
        Self {
            format,
            slots: slots(network, spec, batch_size, counts[0].div_ceil(batch_size), layout),
            evaluation_rows: evaluation_rows(
                &network.gpu,
                spec,
                layout,
                counts.into_iter().max().unwrap_or(0),
            ),
        }
    }

    /// Whether it is enough for what needs that much.
    pub fn holds(&self, needed: &Self) -> bool {
        self.format == needed.format
            && self.slots >= needed.slots
            && self.evaluation_rows >= needed.evaluation_rows
    }
}

/// Room for chunks of samples, the launches of steps and of an evaluation on it, and the samples themselves.
pub(super) struct Stage {
    pub room: Room,
    spec: MlpSpec,
    pub training: Training,
    pub evaluation: Evaluation,
    pub sources: [Option<Source>; Split::ALL.len()],
}

impl Stage {
    /// Without samples; `sums` is where steps add up loss and hits.
    pub fn new(
        network: &Network,
        spec: &MlpSpec,
        batch_size: usize,
        room: Room,
        sums: &Buffer,
    ) -> Result<Self> {
        let (layout, rows) = (layout_of(room.format), room.evaluation_rows);
        let training = Training::new(network, spec, (batch_size, room.slots), rows, layout, sums)?;
        let evaluation = Evaluation::new(network, spec, &training, rows)?;
        Ok(Self { room, spec: spec.clone(), training, evaluation, sources: Default::default() })
    }

    /// Puts the samples of a split in the place of those that were there.
    pub async fn put(
        &mut self,
        network: &Network,
        split: Split,
        samples: &Samples,
        residency: Residency,
    ) -> Result<()> {
        let Network { gpu, kernels, .. } = network;
        let place = &mut self.sources[split as usize];
        let restarted = match place.as_mut().filter(|_| residency == Residency::Streamed) {
            Some(source) => source.restart(gpu, samples, &self.spec)?,
            None => false,
        };
        if !restarted {
            // What was there has to go first: there may be no room for both.
            *place = None;
            let Training { x, order, .. } = &self.training;
            *place = Some(Source::new(gpu, kernels, samples, residency, order, (x, &self.spec)).await?);
        }
        if split == Split::Train {
            self.training.restart();
        }
        Ok(())
    }

    /// What trains, if there are samples to train on.
    pub fn trained(&mut self) -> Option<(&mut Training, &Source)> {
        Some((&mut self.training, self.sources[Split::Train as usize].as_ref()?))
    }
}
