//! The ways of columns into a network, fitted to the training rows.

use super::cells::{Cells, Value};
use super::date::{DateOrder, DatePart, days};
use super::input::{Input, Kind, LONGEST_VALUE, truth};
use crate::data::table_options::{Missing, TableOptions};

/// A column of which more than this part is missing gets an input that says where.
const MANY_MISSING: f64 = 0.05;

/// The drafts of inputs with what the training rows say: values of categories, what is filled in, and where an input says
/// that a value is missing.
pub fn fitted(drafts: &[Input], columns: &[Cells], options: &TableOptions) -> Vec<Input> {
    drafts.iter().zip(columns).map(|(draft, cells)| fit(draft, cells, options)).collect()
}

fn fit(draft: &Input, cells: &Cells, options: &TableOptions) -> Input {
    let fills = matches!(options.missing, Missing::Auto | Missing::Impute);
    let kind = match draft.kind {
        Kind::Number { .. } => Kind::Number { fill: mean(cells).filter(|_| fills) },
        Kind::Date { order, .. } => dates(cells, order, fills),
        Kind::Boolean { .. } => {
            let counts = cells.counts();
            let yes: usize =
                counts.iter().filter(|(word, _)| truth(word) == Some(true)).map(|(_, count)| count).sum();
            let all: usize = counts.iter().map(|(_, count)| count).sum();
            Kind::Boolean { fill: fills.then_some(2 * yes > all) }
        }
        Kind::Category { .. } => category(cells, options.max_categories, fills),
    };
    let indicator =
        options.missing == Missing::Auto && cells.missing() as f64 > MANY_MISSING * cells.len() as f64;
    Input { name: draft.name.clone(), kind, indicator }
}

fn mean(cells: &Cells) -> Option<f64> {
    mean_of(
        cells
            .values()
            .filter_map(|value| if let Value::Number(number) = value { Some(number) } else { None }),
    )
}

/// Welford's update, in f64; nothing if there is no value.
fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut mean, mut count) = (0.0, 0.0);
    for value in values {
        count += 1.0;
        mean += (value - mean) / count;
    }
    (count > 0.0 && f64::is_finite(mean)).then_some(mean)
}

/// The days since the first date, and the parts that are not always the same.
fn dates(cells: &Cells, order: DateOrder, fills: bool) -> Kind {
    let seconds = || {
        cells.values().filter_map(|value| if let Value::Date(seconds) = value { Some(seconds) } else { None })
    };
    let first = seconds().map(days).fold(f64::INFINITY, f64::min);
    let first = if first.is_finite() { first } else { 0.0 };
    // A time alone is all that there is.
    let parts = if order == DateOrder::Clock { Vec::new() } else { DatePart::varying(seconds()) };
    let of_days = mean_of(seconds().map(|seconds| days(seconds) - first));
    let of_parts = parts.iter().map(|part| mean_of(seconds().map(|seconds| part.of(seconds))));
    let fill = std::iter::once(of_days).chain(of_parts).collect::<Option<Vec<f64>>>().filter(|_| fills);
    Kind::Date { order, first, parts, fill }
}

/// The most frequent values, sorted by the alphabet, so that their order says nothing; of values that occur as often the
/// first by the alphabet.
fn category(cells: &Cells, most: usize, fills: bool) -> Kind {
    let mut counts = cells.counts();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let fill = counts.first().map(|(word, _)| (*word).to_owned()).filter(|_| fills);
    let known = counts.iter().filter(|(word, _)| word.len() <= LONGEST_VALUE).count();
    let other = counts.len() > most || known < counts.len();
    let most = if other { most.saturating_sub(1) } else { most };
    let mut values: Vec<String> = counts
        .iter()
        .filter(|(word, _)| word.len() <= LONGEST_VALUE)
        .take(most)
        .map(|(word, _)| (*word).to_owned())
        .collect();
    values.sort_unstable();
    Kind::Category { values, other, fill }
}
