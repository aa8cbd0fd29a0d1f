//! The network to measure, the watcher, and the number of repetitions.

use std::sync::Arc;

use crate::data::{self, Dataset, Split};
use crate::engine::{self, AnyEngine, Device, Engine, GpuEngine, Product, ProductKind, Residency};
use crate::error::{Error, Result, Setting, message};
use crate::gpu::Gpu;
use crate::network::{MlpSpec, Parameters};
use crate::step::{Sgd, StepOptions};

/// So small that weights stay what they are, however often a launch is repeated.
pub(super) const LEARNING_RATE: f32 = 1e-6;

/// Times that step, device and kernels are measured in turn: what disturbs the machine for a while disturbs all alike.
pub(super) const ROUNDS: usize = 5;

/// Who watches a measurement.
pub trait Observer {
    /// Whether to end early, with what there is.
    fn should_stop(&self) -> bool;

    /// What is measured now.
    fn progress(&mut self, now: &str);
}

/// A network, its weights and samples to train it on: the built-in digits, which need no file.
pub struct Subject {
    pub(super) dataset: Arc<Dataset>,
    pub(super) spec: MlpSpec,
    pub(super) parameters: Arc<Parameters>,
    pub(super) batch_size: usize,
}

impl Subject {
    /// A network with these hidden layers, and a batch.
    ///
    /// # Errors
    /// [`Error::Usage`] for sizes that no network has, and for a batch of no samples or of more than there are.
    pub fn new(hidden: &[usize], batch_size: usize) -> Result<Self> {
        let digits = data::Request { data: Some(data::catalog::DIGITS), ..data::Request::default() };
        let dataset = data::load(digits)?.dataset;
        Self::of(Arc::new(dataset), hidden)?.with_batch(batch_size)
    }

    pub(super) fn of(dataset: Arc<Dataset>, hidden: &[usize]) -> Result<Self> {
        let spec = MlpSpec::with_hidden(dataset.train.features(), hidden, dataset.classes)?;
        let parameters = Arc::new(Parameters::he_uniform(&spec, 1));
        Ok(Self { dataset, spec, parameters, batch_size: 1 })
    }

    /// The same network and samples with another batch.
    pub(super) fn with_batch(&self, batch_size: usize) -> Result<Self> {
        let most = self.dataset.train.len();
        if !(1..=most).contains(&batch_size) {
            return Err(Error::usage(message![
                Setting::BatchSize.set(batch_size),
                format!(": expected 1 to {most}, the samples that are measured with")
            ]));
        }
        let (dataset, parameters) = (self.dataset.clone(), self.parameters.clone());
        Ok(Self { dataset, spec: self.spec.clone(), parameters, batch_size })
    }

    /// The samples, for [`Engine::train`].
    pub fn samples(&self) -> Vec<u32> {
        (0..self.dataset.train.len() as u32).collect()
    }

    /// Additions and multiplications of a step's matrix products: forward, weight gradients, and input gradients of
    /// all layers but the first.
    pub fn flops(&self) -> u64 {
        let layer = |(l, (ins, outs)): (usize, (usize, usize))| (if l == 0 { 4 } else { 6 }) * ins * outs;
        self.spec.layers().enumerate().map(layer).map(|flops| (flops * self.batch_size) as u64).sum()
    }

    /// The matrix products of a step on the CPU, in their order.
    pub fn products(&self) -> Vec<Product> {
        let shapes: Vec<[usize; 3]> =
            self.spec.layers().map(|(ins, outs)| [self.batch_size, ins, outs]).collect();
        let forward = shapes.iter().map(|&shape| Product::new(ProductKind::Forward, shape));
        let backward = shapes.iter().skip(1).rev().map(|&shape| Product::new(ProductKind::Backward, shape));
        let update = shapes.iter().map(|&shape| Product::new(ProductKind::Update, shape));
        forward.chain(backward).chain(update).collect()
    }

    fn options(&self) -> StepOptions {
        let sgd = Sgd { lr: LEARNING_RATE, momentum: 0.0, weight_decay: 0.0 };
        StepOptions::sgd(self.batch_size, sgd)
    }

    /// The network on a GPU, with the samples.
    ///
    /// # Errors
    /// As [`GpuEngine::new`] and [`Engine::load`].
    pub async fn on_gpu(&self, gpu: &Gpu) -> Result<GpuEngine> {
        let residency = Residency::WhereTheyFit;
        let mut engine = GpuEngine::new(gpu.clone(), &self.spec, self.options(), residency).await?;
        self.fill(&mut engine).await?;
        Ok(engine)
    }

    /// The network on any device, with the samples.
    ///
    /// # Errors
    /// As [`engine::open`] and [`Engine::load`].
    pub async fn on(&self, device: &Device) -> Result<AnyEngine> {
        let mut engine = engine::open(device, &self.spec, self.options(), Residency::WhereTheyFit).await?;
        self.fill(&mut engine).await?;
        Ok(engine)
    }

    async fn fill(&self, engine: &mut impl Engine) -> Result<()> {
        engine.load(Split::Train, self.dataset.train.clone()).await?;
        engine.set_parameters(&self.parameters, None).await
    }
}
