//! A trained network measured on the device that the user chose: what `eval` prints and `report` draws.

use std::sync::Arc;

use super::choice::DeviceChoice;
use super::output::note;
use crate::data::{Dataset, Split};
use crate::engine::{CpuEngine, Engine, EngineInfo, GpuEngine, Residency};
use crate::error::Result;
use crate::network::Parameters;
use crate::step::StepOptions;
use crate::training::checkpoint::ModelInfo;
use crate::training::evaluation::{self, Evaluation};

/// Measures a network on a part of a data set; keeps so many mistakes. Also says what computed.
///
/// # Errors
/// What the device reports.
pub(super) fn measure(
    device: &DeviceChoice,
    (parameters, info): (&Parameters, &ModelInfo),
    dataset: &Arc<Dataset>,
    split: Split,
    mistakes: usize,
) -> Result<(Evaluation, EngineInfo)> {
    pollster::block_on(async {
        let (gpu, notice) = device.open().await?;
        if let Some(notice) = notice {
            note(&notice);
        }
        let options = StepOptions::default();
        match gpu {
            None => {
                let engine = CpuEngine::new(&info.spec, dataset.clone(), options);
                measure_with(engine, (parameters, info), dataset, split, mistakes).await
            }
            Some(gpu) => {
                let residency = Residency::Streamed; // the training split has no business on the device
                let engine = GpuEngine::new(gpu, &info.spec, dataset.clone(), options, residency).await?;
                measure_with(engine, (parameters, info), dataset, split, mistakes).await
            }
        }
    })
}

async fn measure_with(
    mut engine: impl Engine,
    (parameters, info): (&Parameters, &ModelInfo),
    dataset: &Dataset,
    split: Split,
    mistakes: usize,
) -> Result<(Evaluation, EngineInfo)> {
    engine.set_parameters(parameters, None).await?;
    let evaluation = evaluation::evaluate(&mut engine, info.spec.loss(), dataset, split, mistakes).await?;
    Ok((evaluation, engine.info()))
}
