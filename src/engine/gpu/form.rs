//! How a training step is cut into launches: chosen once, for a network and its device.

use std::fmt;
use std::sync::Arc;

use super::step_members::StepMembers;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::gpu::adapter::DeviceType;
use crate::kernels::{
    BoundSteps, FusedMiddle, FusedSteps, FusedUpdate, Layout, Matrix, Pieces, Slots, State,
};
use crate::network::{Loss, MlpSpec};
use crate::step::StepOptions;

/// How a training step is cut into launches.
pub(super) enum Form {
    /// One for each product, and for whatever else there is to do.
    ManyLaunches,
    /// Kernels that take several layers at once.
    ThreeLaunches(Fused),
    /// One kernel that takes many steps.
    OneLaunch(Whole),
}

/// A layer in device memory, of one network or of several.
pub(super) struct Layer {
    pub w: Matrix,
    /// The optimiser's; those that it does not keep are one block that no kernel touches.
    pub moments: [Matrix; 2],
    /// The gradient, or such a block.
    pub g: Matrix,
}

impl Layer {
    /// Of these networks.
    pub fn of(&self, networks: &Arc<[u32]>) -> Self {
        let moments = self.moments.each_ref().map(|moment| moment.of(networks));
        Self { w: self.w.of(networks), moments, g: self.g.of(networks) }
    }
}

/// The kernels of a small network's step, for which all weights lie in one buffer, and so do all outputs.
pub(super) struct Fused {
    pub middle: FusedMiddle,
    pub update: FusedUpdate,
}

/// The kernel of a network so small that one workgroup takes it through its steps: everything that changes from step to step
/// lies in one buffer.
pub(super) struct Whole {
    kernel: FusedSteps,
    pieces: Pieces,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ManyLaunches => f.write_str("a launch for each product of a step"),
            Self::ThreeLaunches(_) => f.write_str("three launches a step"),
            Self::OneLaunch(whole) => write!(f, "one launch for up to {} steps", whole.pieces.steps),
        }
    }
}

impl Form {
    /// The one with the fewest launches that suits the network, the options and the device. Hidden layers are ReLUs, none of
    /// whose outputs are dropped, if they are `plain`. It is the same for one network as for `count` of them.
    pub async fn of(
        gpu: &Gpu,
        spec: &MlpSpec,
        options: &StepOptions,
        plain: bool,
        count: usize,
    ) -> Result<Self> {
        if !plain || spec.loss() != Loss::SoftmaxCrossEntropy {
            return Ok(Self::ManyLaunches);
        }
        if let Some(whole) = Whole::new(gpu, spec, options, count).await? {
            return Ok(Self::OneLaunch(whole));
        }
        let fused = Fused::new(gpu, spec, options.batch_size).await?;
        Ok(fused.map_or(Self::ManyLaunches, Self::ThreeLaunches))
    }

    /// Layers of `count` networks with all parameters zero, so many moments of each and, if they are to be stored, gradients.
    pub fn layers(
        &self,
        gpu: &Gpu,
        spec: &MlpSpec,
        moments: usize,
        gradients: bool,
        count: usize,
    ) -> Result<Vec<Layer>> {
        let layouts: Vec<Layout> = layouts(spec).collect();
        let kinds = [
            ("w", true),
            ("first moment", moments > 0),
            ("second moment", moments > 1),
            ("gradient", self.keeps_gradients(gradients)),
        ];
        let kept = kinds.iter().filter(|(_, kept)| *kept).count();
        let mut state = match self {
            Self::OneLaunch(_) => Matrix::zeros_together(gpu, "parameters", &layouts.repeat(kept), count)?,
            _ => Vec::new(),
        };
        let mut matrices = |(label, kept): (&str, bool)| -> Result<Vec<Matrix>> {
            if kept && !state.is_empty() {
                return Ok(state.drain(..layouts.len()).collect());
            }
            let (layouts, count) = match kept {
                true => (layouts.clone(), count),
                false => (vec![Layout::weights(1, 1); layouts.len()], 1),
            };
            if matches!(self, Self::ThreeLaunches(_)) {
                return Matrix::zeros_together(gpu, label, &layouts, count);
            }
            let each = layouts
                .iter()
                .enumerate()
                .map(|(l, &layout)| Matrix::zeros_together(gpu, &format!("{label} {l}"), &[layout], count));
            Ok(each.collect::<Result<Vec<_>>>()?.concat())
        };
        let [w, first, second, g] =
            [matrices(kinds[0])?, matrices(kinds[1])?, matrices(kinds[2])?, matrices(kinds[3])?];
        let both = w.into_iter().zip(g).zip(first.into_iter().zip(second));
        Ok(both.map(|((w, g), (first, second))| Layer { w, moments: [first, second], g }).collect())
    }

    /// Whether gradients are kept, of a rule that stores them or not.
    fn keeps_gradients(&self, stored: bool) -> bool {
        match self {
            Self::OneLaunch(whole) => whole.pieces.count > 1,
            _ => stored,
        }
    }
}

/// The weights of each layer.
fn layouts(spec: &MlpSpec) -> impl Iterator<Item = Layout> {
    spec.layers().map(|(ins, outs)| Layout::weights(ins, outs))
}

impl Fused {
    /// Nothing where they do not suit the network or the device: a software adapter has few threads, for which products one
    /// by one are better cut.
    async fn new(gpu: &Gpu, spec: &MlpSpec, batch_size: usize) -> Result<Option<Self>> {
        let outs: Vec<usize> = spec.layers().map(|(_, outs)| outs).collect();
        let weights = Matrix::size_together(layouts(spec));
        let outputs = Matrix::size_together(outs.iter().map(|&outs| Layout::activations(batch_size, outs)));
        let fits = weights.max(2 * outputs) <= gpu.max_binding_size()
            && FusedMiddle::runs_on(gpu)
            && FusedUpdate::runs_on(gpu);
        if gpu.summary().device_type == DeviceType::Cpu || !fits {
            return Ok(None);
        }
        let fused = Self { middle: FusedMiddle::new(gpu).await?, update: FusedUpdate::new(gpu).await? };
        Ok(fused.middle.takes(&outs).then_some(fused))
    }
}

impl Whole {
    /// Nothing where it does not suit the network, the options or the device: a gradient is nowhere as a whole, to be measured
    /// and clipped.
    async fn new(gpu: &Gpu, spec: &MlpSpec, options: &StepOptions, count: usize) -> Result<Option<Self>> {
        if options.clip_norm.is_some() || !FusedSteps::runs_on(gpu) {
            return Ok(None);
        }
        let kernel = FusedSteps::new(gpu, count).await?;
        let weights: Vec<Layout> = layouts(spec).collect();
        let pieces = kernel.pieces(gpu, &weights, options.batch_size);
        Ok(pieces.map(|pieces| Self { kernel, pieces }))
    }

    /// Steps of a launch at most.
    pub fn steps(&self) -> usize {
        self.pieces.steps
    }

    /// Sums that steps add to.
    pub fn sums(&self) -> usize {
        self.kernel.sums()
    }

    /// Binds layers that were [made](Form::layers) for it, and slots of batches.
    pub fn bind(
        &self,
        gpu: &Gpu,
        layers: &[Layer],
        moments: usize,
        slots: Slots<'_>,
        members: &StepMembers,
    ) -> Result<BoundSteps> {
        let all = |kept: bool, matrix: fn(&Layer) -> &Matrix| -> Vec<Matrix> {
            layers.iter().filter(|_| kept).map(|layer| matrix(layer).of(&members.networks)).collect()
        };
        let w = all(true, |layer| &layer.w);
        let (first, second) =
            (all(moments > 0, |layer| &layer.moments[0]), all(moments > 1, |layer| &layer.moments[1]));
        let gradients = all(self.pieces.count > 1, |layer| &layer.g);
        let state = State { w: &w, moments: [&first, &second], gradients: &gradients };
        self.kernel.bind(gpu, &self.pieces, state, slots)
    }
}
