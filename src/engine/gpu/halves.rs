//! The halves of a step one by one: the gradient leaves, and one comes back. A step as a whole has no use for any of
//! this, and what is not its own anyway is made when it is asked for.

use super::form::{Form, Layer};
use super::network::{Network, Rule, download};
use super::step_members::StepMembers;
use super::training::STEP_BYTES;
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{Advance, Layout, Matrix};
use crate::network::{Dense, Parameters};
use crate::step::optimizer::Step;

/// Gradients in device memory, and the step along them.
pub(super) struct Halves {
    pub gradients: Vec<Matrix>,
    /// The numbers of the step.
    step: Buffer,
    /// The second half.
    launches: Vec<Launch>,
}

impl Halves {
    /// Takes the gradients that the network stores in every step, or makes room for some.
    pub async fn new(network: &Network, members: &StepMembers) -> Result<Self> {
        let (gpu, layers) = (&network.gpu, &network.layers);
        let layouts: Vec<Layout> = layers.iter().map(|layer| layer.w.layout).collect();
        let own;
        let advance = match &network.rule {
            Rule::Stored(stored) => &stored.advance,
            Rule::Fused => {
                own = Advance::new(gpu).await?;
                gpu.keep_pipelines();
                &own
            }
        };
        let one = |(l, &layout)| Matrix::zeros(gpu, &format!("gradient {l}"), layout);
        let gradients: Vec<Matrix> = match (&network.rule, &network.form) {
            // It keeps none, or together with what the second half changes.
            (_, Form::OneLaunch(_)) | (Rule::Fused, Form::ManyLaunches) => {
                layouts.iter().enumerate().map(one).collect::<Result<_>>()?
            }
            // Its kernels take those of all layers from one buffer.
            (Rule::Fused, Form::ThreeLaunches(_)) => Matrix::zeros_together(gpu, "gradient", &layouts, 1)?,
            (Rule::Stored(_), _) => layers.iter().map(|layer| layer.g.clone()).collect(),
        };
        let (step, mut launches) =
            (gpu.rows("step", (STEP_BYTES / Gpu::ROW) as usize), network.shorten(members)?);
        for (Layer { w, moments, .. }, g) in layers.iter().zip(&gradients) {
            launches.push(advance.launch(gpu, step.slice(0, STEP_BYTES), g, w, moments)?);
        }
        Ok(Self { gradients, step, launches })
    }

    /// What the first half has left.
    pub async fn read(&self, gpu: &Gpu) -> Result<Parameters> {
        let mut layers = Vec::new();
        for gradient in &self.gradients {
            layers.push(download(gpu, gradient).await?);
        }
        Ok(Parameters { layers })
    }

    /// Brings a gradient of the network's shape and the numbers of its step, and says what to launch then.
    pub fn write(&self, gpu: &Gpu, gradient: &Parameters, step: &Step) -> Result<Vec<&Launch>> {
        for (matrix, Dense { w, b }) in self.gradients.iter().zip(&gradient.layers) {
            matrix.write(gpu, &matrix.layout.pack_weights(w.data(), b.data()))?;
        }
        gpu.write(&self.step, 0, std::slice::from_ref(step));
        Ok(self.launches.iter().collect())
    }
}
