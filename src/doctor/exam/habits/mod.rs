//! What a file is beside the calculation, before any bug is looked for: weights saved after the step, X saved before
//! it was scaled, and numbers that are missing or no longer true. Each is accepted only where one or two numbers,
//! fitted, explain whole tensors to rounding.

mod inputs;
mod numbers;
mod saved;

use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::slot::Slot;
use crate::reference::Matrix;
use std::ops::RangeInclusive;

/// The cases with what was restored in them, and the numbers of the file with those that its tensors show.
pub fn understood(dump: &mut Dump, mut cases: Vec<Case>) -> Vec<Case> {
    let slack = if dump.single { 1e-4 } else { 1e-8 };
    for case in &mut cases {
        inputs::rescale_inputs(case, slack);
        saved::restore(dump, case);
    }
    cases.extend(inputs::of_bytes(&cases));
    if !dump.numbers.contains_key("l2")
        && let Some(decay) = cases.iter().find_map(|case| numbers::decay(case, slack))
    {
        dump.numbers.insert("l2", decay);
        dump.notes.push(format!("λ is not in the file; every dW has λ·W in it with λ = {decay:.6}"));
    }
    if let Some(&lr) = dump.numbers.get("lr")
        && let Some(rate) = cases.iter().find_map(|case| numbers::scheduled(case, lr, slack))
    {
        dump.numbers.insert("lr", rate);
        dump.notes.push(format!(
            "lr = {lr} in the file, but every step is {rate:.6} times its gradient: a schedule?"
        ));
    }
    cases
}

/// A value that all have in common, if there is one; each comes with how exactly it is known, relatively.
fn common(values: &[(f64, f64)]) -> Option<f64> {
    let &(sure, _) = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    values.iter().all(|(value, slack)| (value - sure).abs() <= slack * sure.abs()).then_some(sure)
}

/// The numbers of a case's layers.
fn layers(case: &Case) -> RangeInclusive<usize> {
    1..=case.depth()
}

/// The input of a layer, if the file has it.
fn input(case: &Case, l: usize) -> Option<&Matrix> {
    if l == 1 { Some(&case.x) } else { case.get(Slot::A(l - 1)) }
}
