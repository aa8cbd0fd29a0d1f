//! Any label bug without a hypothesis: the labels that were used are `Y = p - N·dz`, if that is one-hot.

use super::catalogue::Bug;
use crate::doctor::file::case::Case;
use crate::reference::{Matrix, argmax};

/// The labels that `dz_L` was made with, where `dz = scale·(p - Y)` with one of `scales`; and their scale.
pub fn solve(p: &Matrix, dz: &Matrix, scales: &[f64], single: bool) -> Option<(Vec<usize>, f64)> {
    let slack = if single { 1e-3 } else { 1e-6 };
    scales.iter().find_map(|&scale| {
        let used = super::algebra::zip(p, dz, |p, dz| p - dz / scale);
        let label = |r: usize| {
            let row = used.row(r);
            let best = argmax(row);
            let fits = |(c, &value): (usize, &f64)| (value - f64::from(c == best)).abs() < slack;
            row.iter().enumerate().all(fits).then_some(best)
        };
        (0..p.rows()).map(label).collect::<Option<Vec<_>>>().map(|labels| (labels, scale))
    })
}

/// What is wrong with labels other than the file's: the bug, and the labels in words.
pub fn diagnose(case: &Case, used: &[usize]) -> Option<(Bug, String)> {
    let differ: Vec<usize> = (0..case.n).filter(|&r| used[r] != case.labels[r]).collect();
    let first = *differ.first()?;
    let classes = case.classes();
    let shift = (used[first] + classes - case.labels[first]) % classes;
    let example: Vec<String> = differ
        .iter()
        .take(4)
        .map(|&r| format!("sample {r}: {} instead of {}", used[r], case.labels[r]))
        .collect();
    let example = example.join(", ");
    if (0..case.n).all(|r| used[r] == (case.labels[r] + shift) % classes) {
        let shift = if shift * 2 > classes { shift as i64 - classes as i64 } else { shift as i64 };
        return Some((Bug::LabelsShifted, format!("every label shifted by {shift:+} ({example})")));
    }
    let sorted = |labels: &[usize]| {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        labels
    };
    if sorted(used) == sorted(&case.labels) {
        let roll = (1..case.n).find(|&k| (0..case.n).all(|r| used[r] == case.labels[(r + k) % case.n]));
        let how = roll.map_or("in another order".to_owned(), |k| format!("rolled by {k} rows"));
        return Some((Bug::LabelsPermuted, format!("the right labels {how} ({example})")));
    }
    Some((Bug::LabelsWrong, format!("{} of {} labels are others ({example})", differ.len(), case.n)))
}
