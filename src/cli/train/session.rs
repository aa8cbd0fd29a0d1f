//! One call of `gpu-mlp train` after its options were read: the start of each of its sittings.

use std::time::Instant;

use super::args::TrainArgs;
use super::face::Face;
use crate::data::Dataset;
use crate::engine::team::Teamwork;
use crate::error::Result;
use crate::network::Parameters;
use crate::training::checkpoint::{ModelInfo, State};
use crate::training::run::{RunConfig, RunDir};
use crate::training::{Plan, initial_state};

pub(in crate::cli) struct Session<'a> {
    pub args: &'a TrainArgs,
    pub config: RunConfig,
    pub dataset: Dataset,
    pub plan: Plan,
    /// The weights that a new run starts with, if they are not random.
    pub init: Option<(Parameters, ModelInfo)>,
    pub begun: Instant,
    pub face: Box<dyn Face>,
    /// The processes that train it together, if it is not this one alone.
    pub teamwork: Option<Teamwork<'a>>,
}

impl Session<'_> {
    /// The newest state of a run, which may be its initial one.
    pub fn state_of(&self, run: &RunDir) -> Result<State> {
        let (config, dataset) = (&self.config.train, &self.dataset);
        match run.state(&config.spec(dataset)?)? {
            Some(state) => Ok(state),
            None => Ok(State { parameters: self.weights()?, ..initial_state(config, dataset)? }),
        }
    }

    /// The weights of a new run.
    pub fn weights(&self) -> Result<Parameters> {
        match &self.init {
            Some((parameters, _)) => Ok(parameters.clone()),
            None => Ok(Parameters::initial(&self.config.train.spec(&self.dataset)?, self.config.train.seed)),
        }
    }

    /// What the model's file says of the model.
    pub fn model_info(&self) -> Result<ModelInfo> {
        let spec = self.config.train.spec(&self.dataset)?;
        Ok(ModelInfo { spec, preparation: self.dataset.preparation.clone() })
    }
}
