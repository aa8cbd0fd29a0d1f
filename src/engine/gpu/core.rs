//! What a network alone and several together have in common: device memory, samples, and which launches are submitted.

use super::flight::Flight;
use super::network::Network;
use super::residency::Residency;
use super::source::Source;
use super::stage::{Room, Stage};
use super::step_members::StepMembers;
use crate::data::{Samples, Split};
use crate::engine::contract::Given;
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu};
use crate::kernels::{Kernels, Sum};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// Networks of one shape in device memory, with their samples.
pub(super) struct Core {
    pub spec: MlpSpec,
    pub batch_size: usize,
    residency: Residency,
    pub network: Network,
    pub given: Given,
    /// For the samples that it was given, if it was given any.
    pub stage: Option<Stage>,
    pub flight: Flight,
    /// Partial sums of loss and hits, those of each network after those of the one before.
    sums: Buffer,
    /// Whether no parameter can be anything but zero yet.
    pub blank: bool,
}

impl Core {
    /// So many networks with all parameters zero, and no samples.
    pub async fn new(
        gpu: Gpu,
        spec: &MlpSpec,
        options: &StepOptions,
        residency: Residency,
        count: usize,
    ) -> Result<Self> {
        let kernels = Kernels::new(&gpu).await?;
        let network = Network::new(gpu.clone(), kernels, spec, options, count).await?;
        let sums = vec![Sum::default(); count * network.sums_apart(options.batch_size)];
        Ok(Self {
            spec: spec.clone(),
            batch_size: options.batch_size,
            residency,
            network,
            given: Given::default(),
            stage: None,
            flight: Flight::new(),
            sums: gpu.upload("sums", &sums)?,
            blank: true,
        })
    }

    /// Takes the samples of a split, makes room for them, and runs all launches of the members' step once if they are new.
    pub async fn load(&mut self, split: Split, samples: Samples, members: &StepMembers) -> Result<()> {
        self.given.put(&self.spec, split, samples)?;
        let placed = self.place(split, members).await;
        if placed.is_err() {
            (self.given, self.stage) = (Given::default(), None);
        }
        placed
    }

    async fn place(&mut self, split: Split, members: &StepMembers) -> Result<()> {
        let format = self.given.of(split)?.format();
        // Nothing under way may still need what is replaced.
        self.flight.land(&self.network.gpu).await?;
        let (network, batch_size) = (&self.network, self.batch_size);
        let room = Room::of(network, &self.spec, batch_size, &self.given, format);
        if let Some(stage) = self.stage.as_mut().filter(|stage| stage.room.holds(&room)) {
            stage.put(network, split, self.given.of(split)?, self.residency).await?;
            return self.warm_up(split == Split::Train, members).await;
        }
        self.stage = None;
        let mut stage = Stage::new(network, &self.spec, batch_size, room, &self.sums)?;
        for split in Split::ALL.into_iter().filter(|&split| self.given.count(split) > 0) {
            stage.put(network, split, self.given.of(split)?, self.residency).await?;
        }
        self.stage = Some(stage);
        self.warm_up(true, members).await
    }

    /// Runs every launch of a step and of an evaluation once, if they are `new`. But a step on padding leaves parameters
    /// as they are only while they are zero: weight decay moves others.
    async fn warm_up(&mut self, new: bool, members: &StepMembers) -> Result<()> {
        let network = &self.network;
        let stage = self.stage.as_mut().filter(|_| new && self.blank);
        let Some(Stage { training, evaluation, sources, .. }) = stage else { return Ok(()) };
        let gather = sources.iter().flatten().next().map(|source| source.gather(1));
        network.gpu.warm_up(gather.iter().chain(evaluation.forward(network, 0)?)).await?;
        let Some(source) = &sources[Split::Train as usize] else { return Ok(()) };
        let taken = vec![0; members.networks.len()];
        let step = training.launches(network, source, (members, &taken), self.batch_size)?;
        network.gpu.warm_up(step).await
    }

    /// Takes steps of the members on the first of each network's samples, before which it has taken so many, and says how many
    /// samples of each it took: all networks have a whole batch or more, or equally many samples less than that.
    pub async fn train(&mut self, members: &StepMembers, taken: &[u64], samples: &[&[u32]]) -> Result<usize> {
        let (network, all) = (&self.network, self.given.of(Split::Train)?);
        let Stage { training, sources, .. } = staged(&mut self.stage)?;
        let (gpu, source) = (&network.gpu, source(sources, Split::Train)?);
        self.flight.make_room(gpu).await?;
        self.blank = false;
        let steps = self.flight.steps(training.cost(network, source, members)?);
        let least = samples.iter().map(|own| own.len()).min().unwrap_or(0);
        let are_all = samples.iter().all(|own| own.len() == least);
        let count = training.taken(network, steps, least, are_all);
        let now: Vec<u32> = samples.iter().flat_map(|own| &own[..count]).copied().collect();
        let soon = count + count.min(least - count);
        let next: Vec<u32> = samples.iter().flat_map(|own| &own[count..soon]).copied().collect();
        let chunk = source.chunk(all, &now, &next)?;
        let order = training.order(&chunk, &members.networks, count);
        let launches = training.launches(network, source, (members, taken), count)?;
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await?;
        Ok(count)
    }

    /// Batches of each network in a submission at most.
    pub fn slots(&self) -> usize {
        self.stage.as_ref().map_or(1, |stage| stage.training.slots())
    }

    /// Loss and hits of a network since [`set_sums`](Self::set_sums), of so many samples.
    pub async fn sums(&mut self, network: usize, samples: u64) -> Result<Sums> {
        let gpu = &self.network.gpu;
        self.flight.land(gpu).await?;
        if log::log_enabled!(log::Level::Debug) {
            let allocated = gpu.allocated().map_or("unknown".into(), |bytes| bytes.to_string());
            log::debug!("{}; bytes on the device: {allocated}", self.flight.so_far());
        }
        let (begin, count) = self.sums_of(network);
        read_sums(gpu, &self.sums, (begin, count), samples).await
    }

    /// Overwrites loss and hits of a network.
    pub fn set_sums(&mut self, network: usize, sums: &Sums) {
        let (begin, count) = self.sums_of(network);
        let mut partial = vec![Sum::default(); count];
        for (index, &loss) in sums.loss.iter().enumerate() {
            // What this engine summed was f32 to begin with, so that nothing is rounded on the way back. Another may have had
            // more sums.
            partial[index % count].loss += loss as f32;
        }
        partial[0].hits = sums.hits as u32;
        self.network.gpu.write(&self.sums, (begin * size_of::<Sum>()) as u64, &partial);
    }

    /// The first sum of a network, and how many are its own.
    fn sums_of(&self, network: usize) -> (usize, usize) {
        (network * self.network.sums_apart(self.batch_size), self.network.sums(self.batch_size))
    }

    /// Loss and hits of one network as it is.
    pub async fn evaluate(&mut self, network: usize, split: Split, samples: &[u32]) -> Result<Sums> {
        self.given.of(split)?;
        let (gpu, Stage { evaluation, .. }) = (self.network.gpu.clone(), staged(&mut self.stage)?);
        let (sums, rows) = (evaluation.sums.clone(), evaluation.rows);
        let count = sums.size() as usize / size_of::<Sum>();
        gpu.write(&sums, 0, &vec![Sum::default(); count]);
        let mut pieces = samples.chunks(rows).peekable();
        while let Some(piece) = pieces.next() {
            let next = pieces.peek().copied().unwrap_or_default();
            self.evaluate_piece(network, split, piece, next).await?;
        }
        self.flight.land(&gpu).await?;
        read_sums(&gpu, &sums, (0, count), samples.len() as u64).await
    }

    /// The logits of one network, `[samples, classes]`.
    pub async fn logits(&mut self, network: usize, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.given.of(split)?;
        let (gpu, Stage { evaluation, .. }) = (self.network.gpu.clone(), staged(&mut self.stage)?);
        let (matrix, rows) = (evaluation.logits.clone(), evaluation.rows);
        let mut all = Vec::with_capacity(samples.len() * self.spec.classes());
        let mut pieces = samples.chunks(rows).peekable();
        while let Some(piece) = pieces.next() {
            let next = pieces.peek().copied().unwrap_or_default();
            self.evaluate_piece(network, split, piece, next).await?;
            let logits = matrix.layout.unpack(&matrix.read(&gpu).await?);
            all.extend_from_slice(&logits[..piece.len() * self.spec.classes()]);
        }
        Tensor::new([samples.len(), self.spec.classes()], all)
    }

    /// Runs samples forward, up to as many as an evaluation takes at once.
    async fn evaluate_piece(
        &mut self,
        number: usize,
        split: Split,
        piece: &[u32],
        next: &[u32],
    ) -> Result<()> {
        let (network, samples) = (&self.network, self.given.of(split)?);
        let Stage { evaluation, sources, .. } = staged(&mut self.stage)?;
        let (gpu, source) = (&network.gpu, source(sources, split)?);
        self.flight.make_room(gpu).await?;
        let chunk = source.chunk(samples, piece, next)?;
        let order = evaluation.order_of(&chunk);
        let measure = evaluation.measure(network, &source.targets)?;
        let launches: Vec<_> = evaluation.forward(network, number)?.iter().chain([&measure]).collect();
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await
    }

    /// Replaces a network's weights and biases, and what its optimiser remembers, of `moments` kinds.
    pub fn set(
        &mut self,
        network: usize,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
        moments: usize,
    ) -> Result<()> {
        parameters.check(&self.spec)?;
        if let Some(state) = optimizer {
            state.check(&self.spec, moments)?;
        }
        self.blank = false;
        self.network.set(network, parameters, optimizer)
    }
}

/// The stage, of an engine that has samples.
pub(super) fn staged(stage: &mut Option<Stage>) -> Result<&mut Stage> {
    stage.as_mut().ok_or_else(|| Error::Internal("samples without room for them".into()))
}

/// The samples of a split on the device, of an engine that has them.
pub(super) fn source(sources: &mut [Option<Source>; Split::ALL.len()], split: Split) -> Result<&mut Source> {
    sources[split as usize].as_mut().ok_or_else(|| Error::Internal("samples that are nowhere".into()))
}

async fn read_sums(gpu: &Gpu, sums: &Buffer, (begin, count): (usize, usize), samples: u64) -> Result<Sums> {
    let size = size_of::<Sum>();
    let partial: Vec<Sum> = gpu.read_slice(sums.slice((begin * size) as u64, (count * size) as u64)).await?;
    Ok(Sums {
        loss: partial.iter().map(|sum| f64::from(sum.loss)).collect(),
        hits: partial.iter().map(|sum| u64::from(sum.hits)).sum(),
        samples,
    })
}
