//! The curves of a bug in a few lines of text, from a training that takes a second.

use super::injection::Injection;
use super::{Config, Curve, Plan, Point, Watch, replay, with_and_without};
use crate::data::{self, Dataset};
use crate::error::Result;
use crate::network::Activation;

/// Heights, from the lowest.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// For what is no number.
const NO_NUMBER: char = '×';

/// Of so many evaluations one is drawn: a line holds them all.
const DRAWN: usize = 2;

const HIDDEN: [usize; 2] = [32, 16];
const EPOCHS: usize = 3;

/// Watches nothing.
struct Unwatched;

impl Watch for Unwatched {
    fn measured(&self, _plan: usize, _point: &Point) -> bool {
        true
    }
}

/// Printed loss and accuracy of a small network on the built-in digits, right and with a bug, one line each.
///
/// A loss is drawn from 0 to that of the untrained network, and above it as high as that; an accuracy from 0 to 100 %.
///
/// # Errors
/// None that a user could cause: the data are built in.
pub fn sketch(injection: &Injection) -> Result<Vec<String>> {
    let dataset = data::built_in()?;
    let plans = with_and_without(std::slice::from_ref(injection));
    let (mut config, mut curves) = trained(&dataset, &plans, Activation::Relu)?;
    let acted = |curves: &[Curve]| curves.iter().all(|curve| curve.never_applied.is_empty());
    if !acted(&curves) {
        // Some need a derivative that is not 0 or 1.
        (config, curves) = trained(&dataset, &plans, Activation::Tanh)?;
    }
    let top = curves.first().and_then(|right| right.points.first()).map_or(1.0, |point| point.measured.loss);
    let mut lines: Vec<String> =
        ["right", "wrong"].iter().zip(&curves).map(|(name, curve)| line(name, curve, top)).collect();
    if !acted(&curves) {
        lines.push("The bug never acted in this network.".to_owned());
    }
    let sizes = [vec![dataset.train.features()], HIDDEN.to_vec(), vec![dataset.classes]].concat();
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let (setting, _) = config.setting(&plans);
    let words: String = setting.words().iter().map(|word| format!(", {word}")).collect();
    lines.push(format!(
        "({} {}{words}, on the built-in digits: {EPOCHS} epochs, the first of which takes most of the line)",
        sizes.join("-"),
        config.act.name()
    ));
    Ok(lines)
}

/// Both trainings.
fn trained(dataset: &Dataset, plans: &[Plan], act: Activation) -> Result<(Config, Vec<Curve>)> {
    let config = Config { hidden: HIDDEN.to_vec(), batch_size: 128, epochs: EPOCHS, lr: None, seed: 1, act };
    let curves = replay(dataset, &config, plans, &Unwatched)?.unwrap_or_default();
    Ok((config, curves))
}

/// One training: how loss and accuracy went, and how they began and ended.
fn line(name: &str, curve: &Curve, top: f64) -> String {
    let drawn = |of: fn(&Point) -> f64, top: f64| -> String {
        curve.points.iter().step_by(DRAWN).map(|point| level(of(point) / top)).collect()
    };
    let loss = |point: &Point| point.measured.printed_loss;
    let accuracy = |point: &Point| point.measured.accuracy;
    let ends =
        |of: fn(&Point) -> f64| [curve.points.first(), curve.points.last()].map(|p| p.map_or(f64::NAN, of));
    let ([first, last], [from, to]) = (ends(loss), ends(accuracy));
    format!(
        "{name}  loss {} {first:.2} to {last:.2}   accuracy {} {:.0} to {:.0} %",
        drawn(loss, top),
        drawn(accuracy, 1.0),
        100.0 * from,
        100.0 * to
    )
}

/// The height of a share of the whole.
fn level(share: f64) -> char {
    match share.is_finite() {
        true => LEVELS[((share * LEVELS.len() as f64) as usize).min(LEVELS.len() - 1)],
        false => NO_NUMBER,
    }
}
