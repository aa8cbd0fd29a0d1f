//! Training on the CPU's cores, in f32, with matrix products of our own on `fearless_simd`'s vectors.
//!
//! A batch's rows are split over the threads: each takes its rows forward through all layers and back again. Then each
//! thread takes a step on its rows of all weights, `w -= lr · xᵀ · dz`, which adds up over the batch and is written
//! right into w. So a step waits for all threads twice. Everything is made once: a step allocates nothing, and
//! activations and weights lie as the products read them, so that nothing is repacked.

mod activation;
mod halves;
mod lines;
mod loss;
mod optimizer;
mod product;
mod rows;
mod timed;
mod weights;

pub use timed::{Product, ProductKind};

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use self::activation::Place;
use self::lines::share;
use self::rows::{Network, Rows};
use self::weights::{Bias, Kept, Slab};
use super::contract::{Engine, EngineInfo, Given};
use crate::data::{Chunk, Reader, Samples, Split};
use crate::error::Result;
use crate::network::{Dense, MlpSpec, OptimizerState, Parameters};
use crate::step::metrics::Sums;
use crate::step::optimizer::{CLIP_EPSILON, Step};
use crate::step::{Sgd, StepOptions};
use crate::tensor::Tensor;

/// Batches between two looks at whether to go on.
const BATCHES_PER_CALL: usize = 16;

/// Rows that an evaluation takes at once.
const EVALUATION_ROWS: usize = 512;

/// A network in host memory.
pub struct CpuEngine {
    spec: MlpSpec,
    options: StepOptions,
    /// The vector instructions that this CPU has.
    level: Level,
    /// Each thread's rows of each layer's weights.
    slabs: Vec<Vec<Slab>>,
    biases: Vec<Bias>,
    /// Each thread's rows of a batch.
    rows: Vec<Rows>,
    sums: Sums,
    /// Taken since the run began.
    steps: u64,
    given: Given,
    /// Of the samples of each split.
    readers: [Reader; Split::ALL.len()],
}

impl CpuEngine {
    /// The memory that an engine takes, in bytes: weights as they are and transposed, what the optimiser keeps, and both
    /// matrices of a batch's rows.
    pub fn memory(spec: &MlpSpec, options: &StepOptions) -> u64 {
        let kept = 2 + options.moments() + usize::from(options.fused(0).is_none());
        let rows = options.batch_size.max(EVALUATION_ROWS);
        let columns = 2 * spec.sizes().iter().sum::<usize>();
        let values =
            (spec.parameter_count() as u64 * kept as u64).saturating_add(rows as u64 * columns as u64);
        values.saturating_mul(size_of::<f32>() as u64)
    }

    /// A network of the spec's sizes with all parameters zero, for as many threads as rayon has here.
    pub fn new(spec: &MlpSpec, options: StepOptions) -> Self {
        let kept = Kept { moments: options.moments(), gradient: options.fused(0).is_none() };
        let threads = rayon::current_num_threads();
        let capacity = options.batch_size.max(EVALUATION_ROWS).div_ceil(threads);
        Self {
            spec: spec.clone(),
            level: Level::new(),
            slabs: (0..threads).map(|index| Slab::of_layers(spec, kept, index, threads)).collect(),
            biases: spec.layers().map(|(_, outs)| Bias::zeros(outs, kept)).collect(),
            rows: (0..threads).map(|_| Rows::new(spec, &options, capacity)).collect(),
            sums: Sums::default(),
            steps: 0,
            given: Given::default(),
            readers: Default::default(),
            options,
        }
    }

    /// One step: forward and backward by rows of the batch, then the update by rows of the weights.
    fn step(&mut self, data: &Chunk<'_>, samples: &[u32]) {
        let number = self.steps;
        self.there_and_back(data, samples);
        self.steps += 1;
        match self.options.fused(number) {
            Some(sgd) => self.descend(sgd),
            None => self.differentiate_and_advance(&self.options.step(number)),
        }
    }

    /// Forward and backward by rows of a batch.
    fn there_and_back(&mut self, data: &Chunk<'_>, samples: &[u32]) {
        let (level, number, scale) = (self.level, self.steps, data.scale(samples));
        self.pass(samples, |rows, network, samples, first| {
            let place = Place { step: number as u32, first };
            dispatch!(level, s => rows.gradients(s, network, data, samples, scale, place));
        });
        self.add_sums(samples.len());
    }

    /// The update in the product that makes the gradient, which is a sum over the threads' samples.
    fn descend(&mut self, sgd: Sgd) {
        let (level, rows) = (self.level, &self.rows);
        for (l, bias) in self.biases.iter_mut().enumerate() {
            let terms = rows.iter().map(|rows| rows.bias_gradient(l));
            dispatch!(level, s => bias.descend(s, sgd, terms));
        }
        self.slabs.par_iter_mut().with_max_len(1).for_each(|slabs| {
            for (l, slab) in slabs.iter_mut().enumerate() {
                let terms = rows.iter().map(
                    #[inline(always)]
                    |rows| rows.term(l),
                );
                dispatch!(level, s => slab.descend(s, sgd, terms));
            }
        });
    }

    /// The update by a rule that needs the gradient first: all of it, if it is to be clipped.
    fn differentiate_and_advance(&mut self, step: &Step) {
        let (level, rows, clip) = (self.level, &self.rows, self.options.clip_norm);
        for (l, bias) in self.biases.iter_mut().enumerate() {
            let terms = rows.iter().map(|rows| rows.bias_gradient(l));
            dispatch!(level, s => bias.differentiate(s, terms));
        }
        self.slabs.par_iter_mut().with_max_len(1).for_each(|slabs| {
            for (l, slab) in slabs.iter_mut().enumerate() {
                let terms = rows.iter().map(
                    #[inline(always)]
                    |rows| rows.term(l),
                );
                dispatch!(level, s => slab.differentiate(s, terms));
                if clip.is_none() {
                    dispatch!(level, s => slab.advance(s, step, 1.0));
                }
            }
        });
        let factor = clip.map_or(1.0, |most| self.clip_factor(most));
        self.biases.iter_mut().for_each(|bias| dispatch!(level, s => bias.advance(s, step, factor)));
        if clip.is_some() {
            self.slabs.par_iter_mut().with_max_len(1).flatten_iter().for_each(|slab| {
                dispatch!(level, s => slab.advance(s, step, factor));
            });
        }
    }

    /// What the gradient is multiplied by so that its norm is no more than this.
    fn clip_factor(&self, most: f32) -> f32 {
        let weights: f64 = self.slabs.iter().flatten().map(Slab::squares).sum();
        let biases: f64 = self.biases.iter().map(Bias::squares).sum();
        (f64::from(most) / ((weights + biases).sqrt() + CLIP_EPSILON)).min(1.0) as f32
    }

    /// Each thread does something with its rows and its share of the samples, and is told where that begins.
    fn pass(&mut self, samples: &[u32], each: impl Fn(&mut Rows, Network<'_>, &[u32], usize) + Sync) {
        let network = Network { slabs: &self.slabs, biases: &self.biases };
        let threads = self.rows.len();
        let part = |(index, rows): (usize, &mut Rows)| {
            let share = share(samples.len(), index, threads);
            each(rows, network, &samples[share.clone()], share.start);
        };
        // To wake another thread takes longer than a row does.
        match samples.len() {
            1 => self.rows.iter_mut().enumerate().for_each(part),
            _ => self.rows.par_iter_mut().with_max_len(1).enumerate().for_each(part),
        }
    }

    /// Runs the samples forward, a few hundred at a time, and hands each thread's rows to `each`, in order.
    fn forward_all(&mut self, split: Split, samples: &[u32], mut each: impl FnMut(&Rows)) -> Result<()> {
        let (level, all) = (self.level, self.given.of(split)?.clone());
        let mut pieces = samples.chunks(EVALUATION_ROWS).peekable();
        while let Some(piece) = pieces.next() {
            let next = pieces.peek().copied().unwrap_or_default();
            let data = self.readers[split as usize].chunk(&all, piece, next)?;
            self.pass(data.indices(), |rows, network, samples, _| {
                dispatch!(level, s => rows.evaluate(s, network, &data, samples));
            });
            self.rows.iter().for_each(&mut each);
        }
        Ok(())
    }

    fn add_sums(&mut self, samples: usize) {
        // A run that began on another engine may have left several partial sums.
        if self.sums.loss.is_empty() {
            self.sums.loss.push(0.0);
        }
        self.sums.samples += samples as u64;
        for rows in &self.rows {
            self.sums.loss[0] += rows.loss;
            self.sums.hits += rows.hits;
        }
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> EngineInfo {
        EngineInfo::of_threads(self.rows.len())
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.readers[split as usize] = Reader::default();
        self.given.put(&self.spec, split, samples)
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let batch = self.options.batch_size;
        let taken = samples.len().min(batch * BATCHES_PER_CALL);
        let (now, rest) = samples.split_at(taken);
        let (all, next) = (self.given.of(Split::Train)?.clone(), &rest[..taken.min(rest.len())]);
        let data = self.readers[Split::Train as usize].chunk(&all, now, next)?;
        // In a thread of the pool, so that the steps are not handed over to it one by one.
        rayon::scope(|_| data.indices().chunks(batch).for_each(|batch| self.step(&data, batch)));
        Ok(taken)
    }

    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        self.gradients_of(samples)
    }

    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        self.advance_along(gradient)
    }

    async fn sums(&mut self) -> Result<Sums> {
        Ok(self.sums.clone())
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.sums = sums.clone();
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let mut sums = Sums { samples: samples.len() as u64, ..Sums::default() };
        self.forward_all(split, samples, |rows| {
            sums.loss.push(rows.loss);
            sums.hits += rows.hits;
        })?;
        Ok(sums)
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let mut values = Vec::with_capacity(samples.len() * self.spec.classes());
        self.forward_all(split, samples, |rows| rows.append_logits(&mut values))?;
        Tensor::new([samples.len(), self.spec.classes()], values)
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        let mut parameters = Parameters::zeros(&self.spec);
        for (l, Dense { w, b }) in parameters.layers.iter_mut().enumerate() {
            self.slabs.iter().for_each(|slabs| slabs[l].read(w));
            self.biases[l].read(b);
        }
        Ok(parameters)
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        let mut state = OptimizerState { steps: self.steps, moments: Vec::new() };
        for index in 0..self.options.moments() {
            let mut moments = Parameters::zeros(&self.spec);
            for (l, Dense { w, b }) in moments.layers.iter_mut().enumerate() {
                self.slabs.iter().for_each(|slabs| slabs[l].read_moment(index, w));
                self.biases[l].read_moment(index, b);
            }
            state.moments.push(moments);
        }
        Ok(state)
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        parameters.check(&self.spec)?;
        if let Some(state) = optimizer {
            state.check(&self.spec, self.options.moments())?;
        }
        self.steps = optimizer.map_or(0, |state| state.steps);
        let moments = optimizer.map_or(&[][..], |state| &state.moments);
        for (l, Dense { w, b }) in parameters.layers.iter().enumerate() {
            let weights = || moments.iter().map(|moment| &moment.layers[l].w);
            self.slabs.iter_mut().for_each(|slabs| slabs[l].set(w, weights()));
            self.biases[l].set(b, moments.iter().map(|moment| &moment.layers[l].b));
        }
        Ok(())
    }
}
