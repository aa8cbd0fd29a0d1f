//! What is to be said of the inputs that columns of words have become, and of columns that never change.

use super::cells::{Cells, Value};
use super::input::{Input, Kind};
use crate::data::listed::listed;

/// How words became inputs, for the columns of which `inputs` were fitted to these training rows.
pub fn of_words(inputs: &[Input], columns: &[Cells]) -> Vec<String> {
    let of = |is: fn(&Kind) -> bool| {
        let names: Vec<String> =
            inputs.iter().filter(|input| is(&input.kind)).map(|input| input.name.clone()).collect();
        (!names.is_empty()).then(|| listed(&names))
    };
    let truths = of(|kind| matches!(kind, Kind::Boolean { .. }))
        .map(|names| format!("truth values become one input, 1 for yes and 0 for no: {names}"));
    let words = of(|kind| matches!(kind, Kind::Category { .. }))
        .map(|names| format!("words become inputs of 0 and 1, one for each value: {names}"));
    let shared = inputs.iter().zip(columns).filter_map(|(input, cells)| match &input.kind {
        Kind::Category { values, other: true, .. } => {
            let different = cells.counts().len();
            let rest = different.saturating_sub(values.len());
            let name = &input.name;
            Some(format!(
                "of the {different} values of `{name}` the {rest} rarest share one input, `{name}=other`"
            ))
        }
        _ => None,
    });
    truths.into_iter().chain(words).chain(shared).collect()
}

/// The columns that have one value in all of these rows, so that their inputs say nothing.
pub fn constant(inputs: &[Input], columns: &[Cells]) -> Option<String> {
    let is_constant = |cells: &Cells| {
        let mut values = cells.values().filter(|value| *value != Value::Missing);
        let first = values.next();
        values.all(|value| Some(value) == first)
    };
    let own = inputs.iter().zip(columns).filter(|(input, cells)| !input.indicator && is_constant(cells));
    let names: Vec<String> = own.map(|(input, _)| input.name.clone()).collect();
    (!names.is_empty()).then(|| {
        format!("the same in every training sample, so nothing can be learnt from it: {}", listed(&names))
    })
}
