//! One of several trainings: a run in a folder of its own.

use std::path::Path;
use std::time::Instant;

use crate::cli::choice::DeviceChoice;
use crate::cli::train::{Face, Session, TrainArgs, recovery};
use crate::data::Dataset;
use crate::engine::Device;
use crate::error::{Error, Result};
use crate::training::Plan;
use crate::training::run::stand::note_divergence;
use crate::training::run::{RunConfig, RunDir};

/// What it takes to train one.
pub(in crate::cli) struct Training<'a> {
    pub args: TrainArgs,
    pub config: RunConfig,
    pub dataset: &'a Dataset,
    pub choice: DeviceChoice,
    /// The device, if somebody has opened it.
    pub device: Option<Device>,
    pub face: Box<dyn Face>,
}

impl Training<'_> {
    /// Trains in the folder that `args` name, from where its run stands.
    ///
    /// # Errors
    /// What training and writing the run report.
    pub fn train(self, resumed: Option<RunDir>) -> Result<()> {
        let session = Session {
            args: &self.args,
            plan: Plan::new(&self.config.train, self.dataset)?,
            face: self.face,
            config: self.config,
            dataset: self.dataset.clone(),
            init: None,
            begun: Instant::now(),
            teamwork: None,
        };
        pollster::block_on(recovery::run(&session, self.choice, self.device, resumed)).map(|_| ())
    }

    /// The same in this folder, where a run may have begun. That it diverges is noted there, and returned.
    ///
    /// # Errors
    /// As [`train`](Self::train), but for a divergence.
    pub fn train_in(mut self, run: &Path) -> Result<Option<Error>> {
        self.args.out = Some(run.to_owned());
        let resumed = RunDir::open(run).ok().map(RunDir::to_train).transpose()?;
        match self.train(resumed) {
            Err(error) if diverged(&error) => note_divergence(run, &error).map(|()| Some(error)),
            ended => ended.map(|()| None),
        }
    }
}

/// Whether a training ended since a loss or a weight is no longer a number.
fn diverged(error: &Error) -> bool {
    match error {
        Error::Diverged { .. } => true,
        Error::Run { cause, .. } => diverged(cause),
        _ => false,
    }
}
