//! Evaluates a trained network on the device that the user chose, for `eval` and `report`.

use super::choice::DeviceChoice;
use super::output::note;
use crate::data::{Dataset, Split};
use crate::engine::{self, Engine, EngineInfo, Residency};
use crate::error::Result;
use crate::network::Parameters;
use crate::step::StepOptions;
use crate::training::checkpoint::ModelInfo;
use crate::training::evaluation::{self, Evaluation};

/// Evaluates a network on a part of a data set and keeps the given number of mistakes. Also returns the device.
///
/// # Errors
/// What the device reports.
pub(super) fn measure(
    device: &DeviceChoice,
    (parameters, info): (&Parameters, &ModelInfo),
    dataset: &Dataset,
    split: Split,
    mistakes: usize,
) -> Result<(Evaluation, EngineInfo)> {
    pollster::block_on(async {
        let (device, notice) = device.open().await?;
        if let Some(notice) = notice {
            note(&notice);
        }
        // Streamed: what is measured is gone through twice at most.
        let mut engine =
            engine::open(&device, &info.spec, StepOptions::default(), Residency::Streamed).await?;
        engine.set_parameters(parameters, None).await?;
        let loss = info.spec.loss();
        let evaluation = evaluation::evaluate(&mut engine, loss, dataset, split, mistakes).await?;
        Ok((evaluation, engine.info()))
    })
}
