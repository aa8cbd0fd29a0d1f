//! Targets that are not quite 0 and 1: label smoothing.
//!
//! Source: Szegedy et al., *Rethinking the Inception architecture* (2016).

use crate::doctor::file::case::Case;
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::{minus, scaled};
use crate::doctor::formulas::trial::residual;

/// The furthest that smoothed targets lie from 0 and 1.
const MOST: f64 = 0.35;

/// Two numbers in place of 0 and 1 in the targets, where p and the last dz show them: `y' = p - k·dz` with k = ±1 or ±N.
pub fn smooth(case: &mut Case, slack: f64) {
    let (Some(p), Some(dz)) = (case.get(Slot::P), case.get(Slot::Dz(case.depth()))) else { return };
    let y = &case.y;
    if y.data().len() <= 4 || y.data().iter().any(|&y| y != 0.0 && y != 1.0) || p.shape() != dz.shape() {
        return;
    }
    let n = case.count();
    let used = [1.0, n, -1.0, -n].map(|k| minus(p, &scaled(dz, k)));
    if used.iter().any(|used| residual(used, y) < slack) {
        return;
    }
    let found = used.iter().find_map(|used| {
        let mean = |of: f64| {
            let all = used.data().iter().zip(y.data()).filter(|(_, y)| **y == of).map(|(value, _)| *value);
            let count = y.data().iter().filter(|y| **y == of).count();
            all.sum::<f64>() / count as f64
        };
        let (off, on) = (mean(0.0), mean(1.0));
        let near = (0.0..MOST).contains(&off) && (1.0 - MOST..=1.0).contains(&on);
        let smoothed = y.map(|y| if y == 1.0 { on } else { off });
        (near && residual(used, &smoothed) < slack).then_some((off, on, smoothed))
    });
    if let Some((off, on, smoothed)) = found {
        case.notes
            .push(format!("targets count as {off:.6} and {on:.6} in place of 0 and 1: label smoothing"));
        case.y = smoothed;
    }
}
