//! The configuration of a training: options with their defaults, and what they mean for a data set and an engine.

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Message, Result, Setting, message};
use crate::network::{Activations, Loss, MlpSpec, Task};
use crate::step::optimizer::Algorithm;
use crate::step::schedule::{Curve, Schedule};

/// The configuration of a training. The names are those in `config.json` and on the command line; values that a file lacks are the
/// defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// Sizes of the hidden layers; without any, the network is a softmax regression.
    pub hidden: Vec<usize>,
    /// Activation after the hidden layers.
    pub activation: Activations,
    /// Loss to minimise; the default of the task if `None`.
    pub loss: Option<Loss>,
    /// Samples per batch; the last batch of an epoch may be shorter, and so may be the only one of a small set.
    pub batch_size: usize,
    /// Passes over the training samples.
    pub epochs: usize,
    /// The optimiser.
    pub optimizer: Algorithm,
    /// Learning rate; with a schedule, the highest one.
    pub lr: f32,
    /// Momentum of gradient descent.
    pub momentum: f32,
    /// Whether to use Nesterov momentum.
    pub nesterov: bool,
    /// L2 penalty; with AdamW, decoupled weight decay.
    pub weight_decay: f32,
    /// Schedule of the learning rate.
    pub lr_schedule: Curve,
    /// For the schedule `step`: epochs between two reductions of the learning rate.
    pub lr_step_epochs: Option<usize>,
    /// For the schedule `step`: the factor of each reduction.
    pub lr_gamma: f32,
    /// For the schedule `cosine`: the learning rate at the end.
    pub lr_min: f32,
    /// Epochs in which the learning rate rises to its value; fractions are allowed.
    pub warmup_epochs: f32,
    /// Probability that a hidden unit is dropped in a training step.
    pub dropout: f32,
    /// Fraction of each label that is spread evenly over all classes.
    pub label_smoothing: f32,
    /// Largest norm of a gradient; a longer one is scaled down to it.
    pub clip_norm: Option<f32>,
    /// Seed of the initial weights, the shuffles, dropout and the choice of validation samples.
    pub seed: u64,
    /// Fraction of the training samples that is held out for validation.
    pub validation_fraction: f64,
    /// Stop after this many epochs without a lower validation loss; keep the best parameters.
    pub early_stopping: Option<usize>,
    /// Train on this many batches only, the same ones in every epoch: a working network can memorise them.
    pub overfit_batches: Option<usize>,
    /// Run one batch through everything, then stop.
    pub dry_run: bool,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            hidden: vec![300, 75],
            activation: Activations::default(),
            loss: None,
            batch_size: 64,
            epochs: 10,
            optimizer: Algorithm::Sgd,
            lr: Algorithm::Sgd.default_lr(),
            momentum: 0.0,
            nesterov: false,
            weight_decay: Algorithm::Sgd.default_weight_decay(),
            lr_schedule: Curve::Constant,
            lr_step_epochs: None,
            lr_gamma: 0.1,
            lr_min: 0.0,
            warmup_epochs: 0.0,
            dropout: 0.0,
            label_smoothing: 0.0,
            clip_norm: None,
            seed: 1,
            validation_fraction: 0.0,
            early_stopping: None,
            overfit_batches: None,
            dry_run: false,
        }
    }
}

/// An error that says what an option is and what it may be.
fn refuse(setting: Setting, got: &dyn std::fmt::Display, wanted: impl Into<Message>) -> Result<()> {
    Err(Error::usage(message![setting.set(got), ": expected "].and(wanted)))
}

/// An error for two options that exclude each other, with a hint.
fn contradiction(problem: Message, hint: impl Into<Message>) -> Result<()> {
    Err(Error::usage(problem).hint(hint))
}

impl TrainConfig {
    /// The defaults that go with an optimiser: its learning rate and its weight decay are its own.
    pub fn for_optimizer(optimizer: Algorithm) -> Self {
        let (lr, weight_decay) = (optimizer.default_lr(), optimizer.default_weight_decay());
        Self { optimizer, lr, weight_decay, ..Self::default() }
    }

    /// Checks every value, and all of them together.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the option, its value and the allowed values.
    pub fn check(&self) -> Result<()> {
        self.check_numbers()?;
        self.check_optimizer()?;
        self.check_schedule()?;
        if self.early_stopping.is_some() && self.validation_fraction == 0.0 {
            return contradiction(
                message![Setting::EarlyStopping, " needs a validation loss, but no samples are held out"],
                message!["add ", Setting::ValidationFraction.set(0.1)],
            );
        }
        if self.dropout > 0.0 && self.hidden.is_empty() {
            return contradiction(
                message![Setting::Dropout, " drops hidden units, but there is no hidden layer"],
                message![Setting::Dropout.without(), ", or give ", Setting::Hidden, " sizes"],
            );
        }
        if !self.activation.fit(self.hidden.len()) {
            return contradiction(
                message![
                    Setting::Activation.set(&self.activation),
                    " and ",
                    Setting::Hidden,
                    " have different numbers of layers"
                ],
                "give one activation for all, or one for each hidden layer",
            );
        }
        let counts = [
            (Setting::BatchSize, Some(self.batch_size)),
            (Setting::Epochs, Some(self.epochs)),
            (Setting::LrStepEpochs, self.lr_step_epochs),
            (Setting::EarlyStopping, self.early_stopping),
            (Setting::OverfitBatches, self.overfit_batches),
        ];
        match counts.into_iter().find(|(_, count)| *count == Some(0)) {
            Some((setting, _)) => refuse(setting, &0, "1 or more"),
            None => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<()> {
        // NaN fails every one of these comparisons.
        let positive = |value: f32| value > 0.0 && value.is_finite();
        let zero_or_more = |value: f32| value >= 0.0 && value.is_finite();
        let below_one = |value: f64| (0.0..1.0).contains(&value);
        let (dropout, smoothing) = (f64::from(self.dropout), f64::from(self.label_smoothing));
        let checks: [(Setting, f64, bool, &str); 10] = [
            (Setting::Lr, self.lr.into(), positive(self.lr), "a number greater than 0"),
            (Setting::Momentum, self.momentum.into(), below_one(self.momentum.into()), BELOW_ONE),
            (
                Setting::WeightDecay,
                self.weight_decay.into(),
                zero_or_more(self.weight_decay),
                "a number of 0 or more",
            ),
            (
                Setting::ValidationFraction,
                self.validation_fraction,
                below_one(self.validation_fraction),
                BELOW_ONE,
            ),
            (
                Setting::LrGamma,
                self.lr_gamma.into(),
                self.lr_gamma > 0.0 && self.lr_gamma <= 1.0,
                "a number above 0, up to 1",
            ),
            (Setting::LrMin, self.lr_min.into(), zero_or_more(self.lr_min), "a number of 0 or more"),
            (
                Setting::WarmupEpochs,
                self.warmup_epochs.into(),
                zero_or_more(self.warmup_epochs),
                "a number of 0 or more",
            ),
            (Setting::Dropout, dropout, below_one(dropout), BELOW_ONE),
            (Setting::LabelSmoothing, smoothing, below_one(smoothing), BELOW_ONE),
            (
                Setting::ClipNorm,
                self.clip_norm.unwrap_or(1.0).into(),
                self.clip_norm.is_none_or(positive),
                "a number greater than 0",
            ),
        ];
        // As f32, so that 0.1 is not shown as 0.10000000149011612.
        match checks.into_iter().find(|(_, _, fine, _)| !fine) {
            Some((setting, got, _, wanted)) => refuse(setting, &(got as f32), wanted),
            None => Ok(()),
        }
    }

    fn check_optimizer(&self) -> Result<()> {
        let adam = self.optimizer != Algorithm::Sgd;
        if adam && (self.momentum != 0.0 || self.nesterov) {
            return contradiction(
                message![
                    Setting::Momentum,
                    " and ",
                    Setting::Nesterov,
                    " belong to ",
                    Setting::Optimizer.set("sgd")
                ],
                "leave them out: Adam has its own moments, with β₁ = 0.9 and β₂ = 0.999",
            );
        }
        if self.lr_schedule == Curve::OneCycle && self.momentum != 0.0 {
            return contradiction(
                message![
                    Setting::LrSchedule.set("one-cycle"),
                    " sets the momentum itself, between 0.95 and 0.85"
                ],
                Setting::Momentum.without(),
            );
        }
        if self.nesterov && self.momentum == 0.0 && self.lr_schedule != Curve::OneCycle {
            return contradiction(
                message![Setting::Nesterov, " needs a momentum"],
                message!["add ", Setting::Momentum.set(0.9)],
            );
        }
        Ok(())
    }

    fn check_schedule(&self) -> Result<()> {
        if self.lr_schedule == Curve::Step && self.lr_step_epochs.is_none() {
            return contradiction(
                message![
                    Setting::LrSchedule.set("step"),
                    " needs the number of epochs between two reductions"
                ],
                message!["add ", Setting::LrStepEpochs.set(5)],
            );
        }
        if self.lr_schedule == Curve::OneCycle && self.warmup_epochs > 0.0 {
            return contradiction(
                message![Setting::LrSchedule.set("one-cycle"), " has its own warm-up, 30 % of all steps"],
                Setting::WarmupEpochs.without(),
            );
        }
        if f64::from(self.warmup_epochs) > self.epochs as f64 {
            return refuse(
                Setting::WarmupEpochs,
                &self.warmup_epochs,
                message!["no more than ", Setting::Epochs],
            );
        }
        if self.lr_schedule == Curve::Cosine && self.lr_min > self.lr {
            return refuse(Setting::LrMin, &self.lr_min, message!["no more than ", Setting::Lr]);
        }
        let unused = [
            (Setting::LrStepEpochs, Curve::Step, self.lr_step_epochs.is_some()),
            (Setting::LrGamma, Curve::Step, self.lr_gamma != Self::default().lr_gamma),
            (Setting::LrMin, Curve::Cosine, self.lr_min != Self::default().lr_min),
        ];
        match unused.into_iter().find(|(_, curve, given)| *given && self.lr_schedule != *curve) {
            Some((setting, curve, _)) => contradiction(
                message![setting, " belongs to another ", Setting::LrSchedule],
                message!["add ", Setting::LrSchedule.set(curve.name()), ", or ", setting.without()],
            ),
            None => Ok(()),
        }
    }

    /// The same with the learning rate halved `times` times; with a schedule, all of its rates.
    #[must_use]
    pub fn with_lr_halved(&self, times: u32) -> Self {
        let factor = 0.5_f32.powi(times.try_into().unwrap_or(i32::MAX));
        Self { lr: self.lr * factor, lr_min: self.lr_min * factor, ..self.clone() }
    }

    /// Epochs of the complete run.
    pub fn total_epochs(&self) -> usize {
        if self.dry_run { 1 } else { self.epochs }
    }

    /// The network for a data set.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size of 0, or sizes beyond any machine.
    pub fn spec(&self, dataset: &Dataset) -> Result<MlpSpec> {
        let spec = MlpSpec::with_hidden(dataset.train.features(), &self.hidden, dataset.classes)?;
        Ok(spec.with_activation(self.activation.clone()).with_loss(self.loss_for(dataset)?))
    }

    /// The loss for a data set.
    fn loss_for(&self, dataset: &Dataset) -> Result<Loss> {
        let task = dataset.preparation.task();
        let loss = self.loss.unwrap_or(task.loss());
        if loss.task() != task {
            contradiction(
                message![
                    Setting::Loss.set(loss.name()),
                    " is for ",
                    Setting::Task.set(loss.task().name()),
                    format!(", but the data are for {}", task.name())
                ],
                "leave one of them out",
            )?;
        }
        if self.label_smoothing > 0.0 && task != Task::Classification {
            contradiction(
                message![
                    Setting::LabelSmoothing,
                    format!(" is for classification, but the data are for {}", task.name())
                ],
                Setting::LabelSmoothing.without(),
            )?;
        }
        Ok(loss)
    }

    /// The learning rate of all steps, for a number of steps per epoch.
    pub(super) fn schedule(&self, steps_per_epoch: u64) -> Schedule {
        Schedule {
            curve: self.lr_schedule,
            lr: self.lr.into(),
            warmup: (f64::from(self.warmup_epochs) * steps_per_epoch as f64).round() as u64,
            total: (self.total_epochs() as u64).saturating_mul(steps_per_epoch),
            every: (self.lr_step_epochs.unwrap_or(1).max(1) as u64).saturating_mul(steps_per_epoch),
            gamma: self.lr_gamma.into(),
            min: self.lr_min.into(),
        }
    }
}

const BELOW_ONE: &str = "a number from 0 to less than 1";
