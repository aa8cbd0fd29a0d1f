//! Trained networks on the device that the user chose, for `eval`, `report` and `predict`.

use super::choice::DeviceChoice;
use super::output::note;
use crate::data::{Dataset, Split};
use crate::engine::{self, AnyEngine, Device, Residency};
use crate::error::Result;
use crate::step::StepOptions;
use crate::step::metrics::Score;
use crate::training::ensemble::Ensemble;
use crate::training::evaluation::{Question, evaluate_some};
use crate::training::run::networks::Networks;

/// The networks on an engine, to which data are given later.
///
/// # Errors
/// What the device reports.
pub(super) async fn opened(device: &DeviceChoice, networks: &Networks) -> Result<Ensemble<AnyEngine>> {
    networks.notes.iter().for_each(|text| note(text));
    let (device, notice) = device.open().await?;
    if let Some(notice) = notice {
        note(&notice);
    }
    on(&device, networks).await
}

/// The same on a device that is open.
///
/// # Errors
/// What the device reports.
pub(super) async fn on(device: &Device, networks: &Networks) -> Result<Ensemble<AnyEngine>> {
    let Networks { members, info, .. } = networks;
    // Streamed: what is measured is gone through a few times at most.
    let engine = engine::open(device, &info.spec, StepOptions::default(), Residency::Streamed).await?;
    Ok(Ensemble::new(engine, members.clone(), info.preparation.outputs.clone()))
}

/// The members of an ensemble and the score of each on a part that all have been given; of a single network nothing.
///
/// # Errors
/// What the engine reports.
pub(super) async fn members(
    ensemble: &mut Ensemble<AnyEngine>,
    networks: &Networks,
    (dataset, split): (&Dataset, Split),
    thresholds: Option<&[f64]>,
) -> Result<Vec<(usize, Score)>> {
    let mut scores = Vec::new();
    if !networks.is_ensemble() {
        return Ok(scores);
    }
    let all: Vec<u32> = (0..dataset.split(split)?.len() as u32).collect();
    let question = Question { thresholds: thresholds.map(<[f64]>::to_vec), ..Question::default() };
    for (index, &number) in networks.numbers.iter().enumerate() {
        let (model, loss) = (ensemble.member(index).await?, networks.info.spec.loss());
        scores.push((number, evaluate_some(model, loss, dataset, (split, &all), &question).await?.score));
    }
    Ok(scores)
}
