//! A trained network on the device that the user chose, for `eval`, `report` and `predict`.

use super::choice::DeviceChoice;
use super::output::note;
use crate::engine::{self, AnyEngine, Engine, Residency};
use crate::error::Result;
use crate::network::Parameters;
use crate::step::StepOptions;
use crate::training::checkpoint::ModelInfo;

/// An engine with the network, to which data are given later.
///
/// # Errors
/// What the device reports.
pub(super) async fn opened(
    device: &DeviceChoice,
    (parameters, info): (&Parameters, &ModelInfo),
) -> Result<AnyEngine> {
    let (device, notice) = device.open().await?;
    if let Some(notice) = notice {
        note(&notice);
    }
    // Streamed: what is measured is gone through a few times at most.
    let mut engine = engine::open(&device, &info.spec, StepOptions::default(), Residency::Streamed).await?;
    engine.set_parameters(parameters, None).await?;
    Ok(engine)
}
