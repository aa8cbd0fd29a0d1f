//! Everything that a report shows of a run, including an evaluation of its network.

use std::path::Path;
use std::sync::Arc;

use crate::data::Dataset;
use crate::engine::EngineInfo;
use crate::error::{Error, Result};
use crate::network::Parameters;
use crate::step::metrics::{EpochRecord, Score};
use crate::training::checkpoint::ModelInfo;
use crate::training::evaluation::Evaluation;
use crate::training::run::history::History;
use crate::training::run::{self, RunConfig, RunDir};

/// Everything that a report shows of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its folder, as the user named it.
    pub name: String,
    /// Its configuration.
    pub config: RunConfig,
    /// Its metrics.
    pub history: History,
    /// Its network, if there is one.
    pub model: Option<(Parameters, ModelInfo)>,
    /// The network on the test samples.
    pub test: Option<Test>,
    /// The parts that are left out, and why.
    left_out: Vec<String>,
}

/// An evaluation of the network, for numbers that the metrics do not have.
#[derive(Debug, Clone)]
pub struct Test {
    /// The evaluation, on the test samples.
    pub evaluation: Evaluation,
    /// The device that computed it.
    pub device: EngineInfo,
    /// The data set.
    pub dataset: Arc<Dataset>,
    /// From which probability on the answer is yes, of the second class or of each label; empty if nobody asked for that.
    pub thresholds: Vec<f64>,
}

impl Run {
    /// Reads the folder of a run; the network need not be there.
    ///
    /// # Errors
    /// [`Error::File`] if it is not the folder of a run; [`Error::File`] or [`Error::Io`] if its configuration or its metrics cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let folder = RunDir::open(path)?;
        let (config, history) = (folder.config()?, folder.history()?);
        let name = path.display().to_string();
        let mut run = Self { name, config, history, model: None, test: None, left_out: Vec::new() };
        match run::load_model(path) {
            Ok(model) => run.model = Some(model),
            Err(error) => run.leave_out("the weights and the evaluation on the test samples", &error),
        }
        Ok(run)
    }

    /// Notes why the network could not be measured on the test samples.
    pub fn untested(&mut self, why: &Error) {
        self.left_out.push(untested(why));
    }

    fn leave_out(&mut self, what: &str, why: &dyn std::fmt::Display) {
        self.left_out.push(format!("{what}: {why}"));
    }

    /// The parts that are left out, and why: one paragraph each.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The record of the epoch that the model comes from.
    pub(super) fn of_model(&self) -> Option<&EpochRecord> {
        self.history.of_model(self.config.train.early_stopping.is_some())
    }

    /// The scores of that epoch on the test samples, with what was measured at the end of the run.
    pub(super) fn test_score(&self) -> Option<Score> {
        self.history.scores(self.config.train.early_stopping.is_some()).0
    }

    /// The last part of the folder's name.
    pub(super) fn short_name(&self) -> &str {
        Path::new(&self.name).file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
    }

    /// The sizes of the layers, as `784-300-10`.
    pub(super) fn network(&self) -> Option<String> {
        let layers = match (&self.history.start, &self.model) {
            (Some(start), _) => &start.layers,
            (None, Some((_, info))) => info.spec.sizes(),
            (None, None) => return None,
        };
        Some(layers.iter().map(usize::to_string).collect::<Vec<_>>().join("-"))
    }

    /// The name of the data set.
    pub(super) fn data(&self) -> &str {
        self.history.start.as_ref().map_or(&self.config.data, |start| &start.data)
    }

    /// How the run ended, in a word or two.
    pub(super) fn outcome(&self) -> &'static str {
        self.history.end.as_ref().map_or("not finished", |end| end.outcome.name())
    }

    /// The state of the run.
    pub(super) fn state(&self) -> String {
        let (done, asked) = (self.history.epochs.len(), self.config.train.epochs);
        let guess = match self.history.end {
            Some(_) => "",
            None => " (it is in training, was killed, or diverged)",
        };
        let epochs = if asked == 1 { "epoch" } else { "epochs" };
        format!("{} after {done} of {asked} {epochs}{guess}", self.outcome())
    }
}

/// That a network could not be measured on the test samples, and why.
pub fn untested(why: &Error) -> String {
    let hint = "gpu-mlp report --data NAME|PATH says where the data are now";
    format!("the evaluation on the test samples: {why}\n  hint: {hint}")
}

/// The name of a class, which may be empty.
pub(super) fn class_name(names: &[String], class: usize) -> String {
    names
        .get(class)
        .filter(|name| !name.trim().is_empty())
        .cloned()
        .unwrap_or_else(|| format!("class {class}"))
}
