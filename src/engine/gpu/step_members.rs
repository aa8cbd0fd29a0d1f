//! Networks that take a step together, and what must be the same of them.

use std::sync::Arc;

use super::rows::rows_apart;
use crate::gpu::Gpu;
use crate::kernels::NETWORKS;
use crate::network::MlpSpec;
use crate::step::dropout::Dropout;
use crate::step::optimizer::Step;
use crate::step::{Sgd, StepOptions};

/// Which networks take a step together, and how each of them takes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StepMembers {
    /// Their indices among all that lie in the same buffers.
    pub networks: Arc<[u32]>,
    /// Of each, in the same order.
    pub options: Vec<StepOptions>,
}

impl StepMembers {
    /// Networks by their indices.
    pub fn new(members: impl IntoIterator<Item = (u32, StepOptions)>) -> Self {
        let (networks, options): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        Self { networks: networks.into(), options }
    }

    pub fn label_smoothing(&self) -> Vec<f32> {
        self.options.iter().map(|options| options.label_smoothing).collect()
    }

    pub fn dropout(&self) -> Vec<Dropout> {
        self.options.iter().map(|options| options.dropout).collect()
    }

    /// The norms that gradients are shortened to.
    pub fn clip_norm(&self) -> Vec<f32> {
        self.options.iter().map(|options| options.clip_norm.unwrap_or(f32::MAX)).collect()
    }

    /// The steps that are fused into the products, where the [kind](Kind) is that.
    pub fn sgd(&self) -> Vec<Sgd> {
        self.options.iter().filter_map(|options| options.fused(0)).collect()
    }

    /// The numbers of the next step but `later`, where each network has taken so many before.
    pub fn step(&self, taken: &[u64], later: u64) -> Vec<Step> {
        self.options.iter().zip(taken).map(|(options, taken)| options.step(taken + later)).collect()
    }
}

/// What of a step's options decides which kernels take it, and which buffers they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// Whether the product that makes the gradient takes the step along it.
    pub fused: bool,
    pub moments: usize,
    /// Whether gradients are clipped.
    pub clips: bool,
    /// Whether there is dropout.
    pub drops: bool,
}

impl Kind {
    pub fn of(options: &StepOptions) -> Self {
        Self {
            fused: options.fused(0).is_some() && options.schedule.is_constant(),
            moments: options.moments(),
            clips: options.clip_norm.is_some(),
            drops: options.dropout.is_on(),
        }
    }

    /// How many networks may lie side by side: as many as a launch takes, if a buffer has room for them, and if what is kept of
    /// all, and their batches, take 256 MiB each. What is larger keeps a device busy by itself.
    pub fn most(&self, gpu: &Gpu, spec: &MlpSpec, batch_size: usize) -> usize {
        const BYTES: u64 = 256 << 20;
        let kept = (2 + self.moments) * spec.parameter_count();
        let outputs: usize = spec.layers().map(|(_, outs)| outs + 8).sum();
        let batches = rows_apart(batch_size) * (spec.inputs() + 8 + 2 * outputs);
        let bytes = (kept.max(batches) * size_of::<f32>()) as u64;
        (BYTES.min(gpu.max_binding_size()) / bytes.max(1)).clamp(1, NETWORKS as u64) as usize
    }
}
