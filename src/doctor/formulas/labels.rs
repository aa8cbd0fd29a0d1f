//! Any label bug without a hypothesis: the labels that were used are those of which each row of `dz_L` is the gradient.

use super::catalogue::Bug;
use crate::doctor::file::case::Case;
use crate::reference::Matrix;

/// With more classes than this they are not tried one by one.
const CLASSES: usize = 100;

/// For each sample the labels that its row of `dz_L` may have been made with, and the scale of `dz_L`: one of `scales`.
/// `delta` is the right `dz_L` of any targets. Behind some outputs several labels give the same row.
pub fn solve(
    case: &Case,
    delta: impl Fn(&Matrix) -> Matrix,
    dz: &Matrix,
    scales: &[f64],
    single: bool,
) -> Option<(Vec<Vec<usize>>, f64)> {
    if case.classes() > CLASSES {
        return None;
    }
    let of = |label: &dyn Fn(usize) -> usize| {
        delta(&Matrix::from_fn(case.n, case.classes(), |r, c| f64::from(c == label(r))))
    };
    let slack = if single { 1e-3 } else { 1e-6 };
    let size = |values: &[f64]| values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let own = of(&|r| case.labels[r]);
    let mut used = vec![vec![Vec::new(); case.n]; scales.len()];
    // One class at a time: all together they would take as many times the memory of dz.
    for class in 0..case.classes() {
        let right = of(&|_| class);
        for (used, scale) in used.iter_mut().zip(scales) {
            for (r, labels) in used.iter_mut().enumerate() {
                let near = slack * size(right.row(r)).max(size(own.row(r))) * scale.abs();
                if right.row(r).iter().zip(dz.row(r)).all(|(right, dz)| (right * scale - dz).abs() <= near) {
                    labels.push(class);
                }
            }
        }
    }
    let whole = |(used, _): &(Vec<Vec<usize>>, &f64)| used.iter().all(|labels| !labels.is_empty());
    used.into_iter().zip(scales).find(whole).map(|(used, &scale)| (used, scale))
}

/// One label for each sample: the file's, where it may be.
pub fn chosen(case: &Case, used: &[Vec<usize>]) -> Vec<usize> {
    let label = |(may, own): (&Vec<usize>, &usize)| if may.contains(own) { *own } else { may[0] };
    used.iter().zip(&case.labels).map(label).collect()
}

/// What is wrong with labels other than the file's: the bug, and the labels in words.
pub fn diagnose(case: &Case, used: &[Vec<usize>]) -> Option<(Bug, String)> {
    let (n, classes, labels) = (case.n, case.classes(), chosen(case, used));
    let differ: Vec<usize> = (0..n).filter(|&r| labels[r] != case.labels[r]).collect();
    if differ.is_empty() {
        return None;
    }
    let example: Vec<String> = differ
        .iter()
        .take(4)
        .map(|&r| format!("sample {r}: {} instead of {}", labels[r], case.labels[r]))
        .collect();
    let example = example.join(", ");
    let all = |of: &dyn Fn(usize) -> usize| (0..n).all(|r| used[r].contains(&of(r)));
    if let Some(shift) = (1..classes).find(|shift| all(&|r| (case.labels[r] + shift) % classes)) {
        let shift = if shift * 2 > classes { shift as i64 - classes as i64 } else { shift as i64 };
        return Some((Bug::LabelsShifted, format!("every label shifted by {shift:+} ({example})")));
    }
    let permuted = |how: String| Some((Bug::LabelsPermuted, format!("the right labels {how} ({example})")));
    if let Some(roll) = (1..n).find(|roll| all(&|r| case.labels[(r + roll) % n])) {
        return permuted(format!("rolled by {roll} rows"));
    }
    if all(&|r| case.labels[n - 1 - r]) {
        return permuted("in reverse order".to_owned());
    }
    let sorted = |labels: &[usize]| {
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        labels
    };
    if sorted(&labels) == sorted(&case.labels) {
        return permuted("in another order".to_owned());
    }
    Some((Bug::LabelsWrong, format!("{} of {n} labels are others ({example})", differ.len())))
}
