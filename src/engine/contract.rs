//! The interface of all engines, and their description.

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Samples, Split, Targets};
use crate::error::{Error, Result};
use crate::network::{MlpSpec, OptimizerState, Parameters, Task};
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// What computes, for people and for the `start` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `vulkan`, `metal`, `dx12`, `gl` or `cpu`.
    pub backend: String,
    /// The adapter's name, or the CPU's threads.
    pub adapter: String,
    /// As [`DeviceType`](crate::gpu::adapter::DeviceType) spells it.
    pub device_type: String,
}

impl EngineInfo {
    /// Of so many threads of the CPU.
    pub(super) fn of_threads(threads: usize) -> Self {
        let adapter = format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
        Self { backend: "cpu".into(), adapter, device_type: "cpu".into() }
    }
}

/// A network and its optimiser, on the device that computes, with the samples that it was given.
///
/// Everything is asynchronous, since a device may have to be waited for. The same calls with the same arguments give
/// the same bits on the same device.
#[allow(async_fn_in_trait)] // Engines are used by generic code in one thread; nobody needs the futures to be Send.
pub trait Engine {
    /// What computes.
    fn info(&self) -> EngineInfo;

    /// Gives it the samples of a split, in the place of those that it had, of any number and format; a copy of
    /// [`Samples`] shares the rows. Those of other splits go if they have another format. All else stays as it is:
    /// parameters, what the optimiser remembers, and sums.
    ///
    /// # Errors
    /// [`Error::Shape`] if their rows are not as wide as the network's input, or their targets as its output;
    /// [`Error::Usage`] if their targets are none for the network's loss; [`Error::TooLarge`] if the device's limits are too
    /// small for a batch; [`Error::Device`] if it fails.
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()>;

    /// Gives it the parts of a data set.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn load_dataset(&mut self, dataset: &Dataset) -> Result<()> {
        self.load(Split::Train, dataset.train.clone()).await?;
        self.load(Split::Test, dataset.test.clone()).await?;
        match &dataset.validation {
            Some(validation) => self.load(Split::Validation, validation.clone()).await,
            None => Ok(()),
        }
    }

    /// Trains on the first of these samples of the training split, batch by batch, and says how many it took: as many
    /// whole batches as make a piece of work short enough to be interrupted, or all that are left.
    ///
    /// # Errors
    /// [`Error::Usage`] if the split's samples were never [loaded](Self::load); what reading them reports;
    /// [`Error::Device`] if the device fails.
    async fn train(&mut self, samples: &[u32]) -> Result<usize>;

    /// The first half of a step, for gradients that are to leave it: the gradient g of the batch's loss by every
    /// parameter, as the step that comes next would take it, with its dropout and before it is clipped. A batch is 1 to
    /// `batch_size` samples of the training split; its loss is the mean over them, of weighted samples the weighted mean.
    /// Loss and hits are added to the sums as [`train`](Self::train) adds them; nothing else changes.
    ///
    /// [`advance`](Self::advance) with g is the second half: both together do what `train` does with the same batch, but
    /// for rounding. The mean of several engines' gradients is the gradient of all their batches as one, if these are
    /// equally long; with dropout, if [`first_row`](crate::step::dropout::Dropout::first_row) tells each engine where its batch begins in all.
    ///
    /// # Errors
    /// [`Error::Usage`] for another number of samples; as [`train`](Self::train), and [`Error::TooLarge`] if there is no
    /// memory for a gradient.
    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters>;

    /// The second half of a step: the optimiser's, along a gradient, with weight decay, momentum, clipping and the
    /// learning rate of the step that it is, which then counts as taken.
    ///
    /// # Errors
    /// [`Error::Shape`] if the gradient is of another network; as [`gradients`](Self::gradients).
    async fn advance(&mut self, gradient: &Parameters) -> Result<()>;

    /// Loss and hits of the samples trained on since [`set_sums`](Self::set_sums).
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn sums(&mut self) -> Result<Sums>;

    /// Starts an epoch (with [`Sums::default`]), or goes on with one that was interrupted.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn set_sums(&mut self, sums: &Sums) -> Result<()>;

    /// Loss and hits of the network as it is.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums>;

    /// The logits of each sample, `[samples, classes]`.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor>;

    /// The weights and biases.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn parameters(&mut self) -> Result<Parameters>;

    /// What the optimiser remembers.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn optimizer_state(&mut self) -> Result<OptimizerState>;

    /// Replaces weights and biases, and what the optimiser remembers: if `None`, nothing, as before the first step.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are of another network, or of another optimiser.
    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()>;
}

/// Whether so many samples are a batch.
pub(super) fn check_batch(samples: &[u32], batch_size: usize) -> Result<()> {
    match samples.len() {
        count if (1..=batch_size).contains(&count) => Ok(()),
        count => Err(Error::usage(format!(
            "a gradient of {count} samples: expected 1 to {batch_size}, a batch of this engine"
        ))),
    }
}

/// The samples that an engine was given.
#[derive(Debug, Default)]
pub(super) struct Given([Option<Samples>; Split::ALL.len()]);

impl Given {
    /// Keeps the samples of a split, if they fit the network, and of other splits those of the same format.
    pub fn put(&mut self, spec: &MlpSpec, split: Split, samples: Samples) -> Result<()> {
        if samples.features() != spec.inputs() {
            let [wanted, got] = [spec.inputs(), samples.features()].map(|width| [samples.len(), width]);
            return Err(Error::shape("samples", wanted, got));
        }
        check_targets(spec, &samples)?;
        self.0.iter_mut().for_each(|there| {
            there.take_if(|there| there.format() != samples.format());
        });
        self.0[split as usize] = Some(samples);
        Ok(())
    }

    /// The samples of a split.
    pub fn of(&self, split: Split) -> Result<&Samples> {
        self.0[split as usize].as_ref().ok_or_else(|| {
            Error::usage(format!("the engine has no {} samples: `Engine::load` gives it some", split.name()))
        })
    }

    /// How many samples of a split there are.
    pub fn count(&self, split: Split) -> usize {
        self.0[split as usize].as_ref().map_or(0, Samples::len)
    }
}

/// Whether a network can be trained or measured on these targets. Classes pass where its loss needs numbers, too: of
/// samples without an answer, whose loss nobody asks for.
fn check_targets(spec: &MlpSpec, samples: &Samples) -> Result<()> {
    let (outputs, loss) = (spec.classes(), spec.loss());
    let of_classes = loss.task() == Task::Classification;
    match samples.targets() {
        Targets::Values { .. } if of_classes => {
            Err(Error::usage(format!("the loss {loss} takes classes, and the samples have numbers")))
        }
        Targets::Values { width, .. } if *width != outputs => {
            Err(Error::shape("targets", [samples.len(), outputs], [samples.len(), *width]))
        }
        Targets::Values { .. } => Ok(()),
        Targets::Classes(classes) => match classes.iter().find(|&&class| class as usize >= outputs) {
            Some(class) if of_classes => Err(Error::usage(format!(
                "a sample has class {class}, but the {outputs} classes of the network go from 0 to {}",
                outputs - 1
            ))),
            _ => Ok(()),
        },
    }
}
