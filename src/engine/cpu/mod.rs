//! Training on the CPU's cores, in f32, with the matrix products of `ndarray` (the `matrixmultiply` crate).
//!
//! A batch's rows are split over the threads: each takes its rows forward through all layers and back again. Then the
//! weights are split over the threads by their rows, and `w -= lr · xᵀ · dz` is one product that is added right into
//! w. So a step waits for all threads twice, and makes no matrix.

mod batch;
mod layer;
mod product;

pub use product::{Product, ProductKind};

use std::sync::Arc;

use ndarray::Array2;
use ndarray::parallel::prelude::*;

use self::batch::{Batch, Part, Rows};
use self::layer::{Layer, Update};
use super::{Engine, EngineInfo, StepOptions};
use crate::data::{Chunk, Dataset, Reader, Split};
use crate::error::Result;
use crate::metrics::Sums;
use crate::model::{Dense, MlpSpec, Parameters};
use crate::tensor::Tensor;

/// Batches between two looks at whether to go on.
const BATCHES_PER_CALL: usize = 16;

/// Rows that an evaluation takes at once.
const EVALUATION_ROWS: usize = 512;

/// A network in host memory.
pub struct CpuEngine {
    spec: MlpSpec,
    dataset: Arc<Dataset>,
    options: StepOptions,
    layers: Vec<Layer>,
    batch: Batch,
    /// The input of every bias, as long as a batch.
    ones: Array2<f32>,
    sums: Sums,
    /// Of the rows of each split.
    readers: [Reader; 2],
}

impl CpuEngine {
    /// A network of the spec's sizes with all parameters zero.
    pub fn new(spec: &MlpSpec, dataset: Arc<Dataset>, options: StepOptions) -> Self {
        let momentum = options.sgd.momentum != 0.0;
        Self {
            spec: spec.clone(),
            layers: spec.layers().map(|(ins, outs)| Layer::zeros(ins, outs, momentum)).collect(),
            batch: Batch::new(spec, options.batch_size.max(EVALUATION_ROWS)),
            ones: Array2::ones((1, options.batch_size)),
            sums: Sums::default(),
            readers: Default::default(),
            dataset,
            options,
        }
    }

    /// One step: forward and backward by rows of the batch, then the update by rows of the weights.
    fn step(&mut self, data: &Chunk<'_>, samples: &[u32]) {
        let layers = &self.layers;
        let scale = 1.0 / samples.len() as f32;
        let pass = |mut rows: Rows<'_>| {
            rows.forward(layers, data);
            let part = rows.score(data);
            rows.backward(layers, data, scale);
            part
        };
        let parts: Vec<Part> = self.batch.split(samples).into_par_iter().map(pass).collect();
        self.add(samples.len(), &parts);

        let ones = self.ones.view().split_at(ndarray::Axis(1), samples.len()).0;
        let mut updates: Vec<Vec<Update<'_>>> = Vec::new();
        updates.resize_with(rayon::current_num_threads(), Vec::new);
        for (l, layer) in self.layers.iter_mut().enumerate() {
            let (x, dz) = self.batch.gradients(l, samples.len());
            layer.updates(x, dz, ones, &mut updates);
        }
        let sgd = self.options.sgd;
        updates.into_par_iter().for_each(|part| part.into_iter().for_each(|update| update.apply(sgd)));
    }

    fn add(&mut self, samples: usize, parts: &[Part]) {
        // A run that began on another engine may have left several partial sums.
        if self.sums.loss.is_empty() {
            self.sums.loss.push(0.0);
        }
        self.sums.samples += samples as u64;
        for part in parts {
            self.sums.loss[0] += part.loss;
            self.sums.hits += part.hits;
        }
    }

    /// Runs the samples forward, a few hundred at a time, and hands each piece's rows to `each`.
    fn forward_all<T: Send>(
        &mut self,
        split: Split,
        samples: &[u32],
        each: impl Fn(&Rows<'_>, &Chunk<'_>) -> T + Sync,
    ) -> Result<Vec<T>> {
        let (layers, data) = (&self.layers, self.dataset.split(split));
        let mut all = Vec::new();
        let mut pieces = samples.chunks(EVALUATION_ROWS).peekable();
        while let Some(piece) = pieces.next() {
            let next = pieces.peek().copied().unwrap_or_default();
            let chunk = self.readers[split as usize].chunk(data, piece, next)?;
            let pass = |mut rows: Rows<'_>| {
                rows.forward(layers, &chunk);
                each(&rows, &chunk)
            };
            all.extend(self.batch.split(chunk.indices()).into_par_iter().map(pass).collect::<Vec<T>>());
        }
        Ok(all)
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> EngineInfo {
        let threads = rayon::current_num_threads();
        let adapter = format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
        EngineInfo { backend: "cpu".into(), adapter, device_type: "cpu".into() }
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let batch = self.options.batch_size;
        let taken = samples.len().min(batch * BATCHES_PER_CALL);
        let (now, rest) = samples.split_at(taken);
        let (dataset, next) = (self.dataset.clone(), &rest[..taken.min(rest.len())]);
        let chunk = self.readers[Split::Train as usize].chunk(&dataset.train, now, next)?;
        chunk.indices().chunks(batch).for_each(|batch| self.step(&chunk, batch));
        Ok(taken)
    }

    async fn sums(&mut self) -> Result<Sums> {
        Ok(self.sums.clone())
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.sums = sums.clone();
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let parts = self.forward_all(split, samples, |rows, data| rows.score(data))?;
        Ok(Sums {
            loss: parts.iter().map(|part| part.loss).collect(),
            hits: parts.iter().map(|part| part.hits).sum(),
            samples: samples.len() as u64,
        })
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let values = |rows: &Rows<'_>, _: &Chunk<'_>| rows.logits().iter().copied().collect::<Vec<f32>>();
        let pieces = self.forward_all(split, samples, values)?;
        Tensor::new([samples.len(), self.spec.classes()], pieces.concat())
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        Ok(Parameters { layers: self.layers.iter().map(Layer::dense).collect::<Result<_>>()? })
    }

    async fn velocities(&mut self) -> Result<Option<Parameters>> {
        let layers: Option<Result<Vec<Dense>>> = self.layers.iter().map(Layer::velocity).collect();
        Ok(layers.transpose()?.map(|layers| Parameters { layers }))
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        velocities: Option<&Parameters>,
    ) -> Result<()> {
        let zeros = Parameters::zeros(&self.spec);
        for given in [Some(parameters), velocities].into_iter().flatten() {
            given.check(&self.spec)?;
        }
        let both = parameters.layers.iter().zip(&velocities.unwrap_or(&zeros).layers);
        self.layers.iter_mut().zip(both).try_for_each(|(layer, (w, v))| layer.set(w, v))
    }
}
