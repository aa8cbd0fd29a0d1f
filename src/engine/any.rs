//! The device and its engine: the only place that distinguishes the CPU from a GPU.

use super::contract::{Engine, EngineInfo};
use super::cpu::CpuEngine;
use super::gpu::{GpuEngine, Member, Population, Residency};
use crate::data::{Samples, Split};
use crate::error::Result;
use crate::gpu::{Gpu, Pipelines, Precision};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// What computes.
#[derive(Clone)]
pub enum Device {
    /// The CPU's cores.
    Cpu,
    /// An adapter.
    Gpu(Gpu),
    /// An adapter that several trainings share.
    Shared(Population),
}

impl Device {
    /// Whether it is an adapter.
    pub fn is_gpu(&self) -> bool {
        self.gpu().is_some()
    }

    /// The adapter, if it is one.
    pub fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Cpu => None,
            Self::Gpu(gpu) => Some(gpu),
            Self::Shared(population) => Some(population.gpu()),
        }
    }

    /// What it is, for people.
    pub fn info(&self) -> EngineInfo {
        match self.gpu() {
            None => EngineInfo::of_threads(rayon::current_num_threads()),
            Some(gpu) => EngineInfo::of(gpu),
        }
    }

    /// How its kernels were compiled; the CPU has none.
    pub fn pipelines(&self) -> Option<Pipelines> {
        self.gpu().map(Gpu::pipelines)
    }

    /// The memory that an engine takes of the host's, in bytes.
    pub fn host_memory(&self, spec: &MlpSpec, options: &StepOptions) -> u64 {
        match self {
            Self::Cpu => CpuEngine::memory(spec, options),
            Self::Gpu(_) | Self::Shared(_) => 0,
        }
    }
}

impl EngineInfo {
    /// Of an adapter.
    pub fn of(gpu: &Gpu) -> Self {
        let summary = gpu.summary();
        Self {
            backend: summary.backend.name().into(),
            adapter: summary.name.clone(),
            device_type: summary.device_type.name().into(),
        }
    }
}

/// An engine on whatever computes.
pub enum AnyEngine {
    /// On the CPU's cores.
    Cpu(Box<CpuEngine>),
    /// On an adapter.
    Gpu(Box<GpuEngine>),
    /// On an adapter, beside others.
    Member(Box<Member>),
}

/// A network of the spec's sizes on a device, with all parameters zero and no samples. `residency` says where a GPU is
/// to keep samples; the CPU reads them where they are.
///
/// # Errors
/// As [`GpuEngine::new`]; none on the CPU.
pub async fn open(
    device: &Device,
    spec: &MlpSpec,
    options: StepOptions,
    residency: Residency,
) -> Result<AnyEngine> {
    Ok(match device {
        Device::Cpu => AnyEngine::Cpu(Box::new(CpuEngine::new(spec, options))),
        Device::Gpu(gpu) => {
            AnyEngine::Gpu(Box::new(GpuEngine::new(gpu.clone(), spec, options, residency).await?))
        }
        Device::Shared(population) => {
            AnyEngine::Member(Box::new(Member::open(population, spec, options, residency).await?))
        }
    })
}

impl AnyEngine {
    /// How many products of a step have operands rounded to f16, and how many there are: of an adapter that was opened for it.
    pub fn in_f16(&self) -> Option<[usize; 2]> {
        match self {
            Self::Gpu(engine) if engine.gpu().precision() == Precision::F16 => Some(engine.in_f16()),
            _ => None,
        }
    }
}

/// The same call on whichever engine it is.
macro_rules! on {
    ($any:expr, $engine:ident => $call:expr) => {
        match $any {
            AnyEngine::Cpu($engine) => $call,
            AnyEngine::Gpu($engine) => $call,
            AnyEngine::Member($engine) => $call,
        }
    };
}

impl Engine for AnyEngine {
    fn info(&self) -> EngineInfo {
        on!(self, engine => engine.info())
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        on!(self, engine => engine.load(split, samples).await)
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        on!(self, engine => engine.train(samples).await)
    }

    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        on!(self, engine => engine.gradients(samples).await)
    }

    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        on!(self, engine => engine.advance(gradient).await)
    }

    async fn sums(&mut self) -> Result<Sums> {
        on!(self, engine => engine.sums().await)
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        on!(self, engine => engine.set_sums(sums).await)
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        on!(self, engine => engine.evaluate(split, samples).await)
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        on!(self, engine => engine.logits(split, samples).await)
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        on!(self, engine => engine.parameters().await)
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        on!(self, engine => engine.optimizer_state().await)
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        on!(self, engine => engine.set_parameters(parameters, optimizer).await)
    }
}
