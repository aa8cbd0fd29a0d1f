//! What a file is beside the calculation, before any bug is looked for: weights saved after the step, X saved before
//! it was scaled, and numbers that are missing or no longer true. Each is accepted only where one or two numbers,
//! fitted, explain whole tensors to rounding.

mod inputs;
mod layers;
mod numbers;
mod saved;
mod smoothing;
mod sums;

use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;

/// The cases with what was restored in them, and the numbers of the file with those that its tensors show.
pub fn understood(dump: &mut Dump, mut cases: Vec<Case>) -> Vec<Case> {
    let slack = if dump.single { 1e-4 } else { 1e-8 };
    for case in &mut cases {
        smoothing::smooth(case, slack);
        inputs::rescale_inputs(case, slack);
        // Both at once: of the old weights the scale of X shows.
        if !saved::restore(dump, case)
            && let Some(mut bytes) = inputs::as_bytes(case)
            && saved::restore(dump, &mut bytes)
        {
            *case = bytes;
        }
        sums::set_aside(case, slack);
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
        // It is fitted to the steps again, and says nothing of their scale.
        dump.numbers.remove("lr");
        dump.notes.push(format!(
            "lr = {lr} in the file, but every step is {rate:.6} times its gradient: a schedule?"
        ));
    }
    cases
}
