//! Warnings about a data set.

use super::columns::Column;
use super::summary::{Class, Summary};
use crate::data::scaling::Scaling;

/// Names that a warning lists.
const NAMES: usize = 5;

/// The largest class has more than so many times the samples of the smallest: it is worth a warning.
const IMBALANCE: usize = 4;

pub(super) fn of(summary: &Summary, scaling: Option<&Scaling>, fills: bool) -> Vec<String> {
    [missing(summary, fills), constant(summary), scale(summary, scaling), imbalance(summary)]
        .into_iter()
        .flatten()
        .chain(absent(summary))
        .collect()
}

/// Some names, and how many more there are.
fn some<T>(items: &[T], name: impl Fn(&T) -> String) -> String {
    let names: Vec<String> = items.iter().take(NAMES).map(name).collect();
    let more = items.len().saturating_sub(NAMES);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// The columns of which something is true, by name or by place.
fn named(summary: &Summary, of: impl Fn(&Column) -> bool) -> String {
    let columns: Vec<(usize, &Column)> =
        summary.columns.iter().enumerate().filter(|(_, column)| of(column)).collect();
    some(&columns, |(place, column)| column.name.clone().unwrap_or_else(|| place.to_string()))
}

fn missing(summary: &Summary, fills: bool) -> Option<String> {
    let count = summary.range.missing;
    (count > 0).then(|| {
        let does = match fills {
            true => "training fills them in with the mean or the most frequent value",
            false => "training does not accept them; fill them in or remove the rows",
        };
        let columns = named(summary, |column| column.missing > 0);
        format!("{count} values are missing or not finite, in columns {columns}: {does}")
    })
}

fn constant(summary: &Summary) -> Option<String> {
    let (constant, features) = (summary.constant, summary.features);
    let image = summary.image_shape.is_some();
    // Images often have an empty border.
    let many = if image { constant > features / 2 } else { constant > 0 };
    many.then(|| {
        let which = if image { String::new() } else { format!(": {}", named(summary, Column::is_constant)) };
        let what = if image { "values of an image" } else { "columns" };
        format!(
            "{constant} of {features} {what} are the same in every sample and carry no information{which}"
        )
    })
}

fn scale(summary: &Summary, scaling: Option<&Scaling>) -> Option<String> {
    let (min, max) = (summary.range.min?, summary.range.max?);
    match scaling? {
        Scaling::Bytes => None,
        Scaling::None if max.max(-min) > 10.0 => Some(format!(
            "the values are not scaled and range from {min} to {max}: without scaling, training is likely to diverge"
        )),
        Scaling::None => None,
        Scaling::Columns { .. } => Some(format!(
            "the values are not scaled and range from {min} to {max}: training scales each column, and programs that \
             use an exported model must do the same"
        )),
    }
}

fn imbalance(summary: &Summary) -> Option<String> {
    let size = |class: &&Class| class.train;
    let (largest, smallest) =
        (summary.classes.iter().max_by_key(size)?, summary.classes.iter().min_by_key(size)?);
    if summary.classes.iter().filter(|class| class.train > 0).count() == 1 {
        return Some(format!("all samples are of class {}: there is nothing to learn", largest.name));
    }
    (largest.train > IMBALANCE * smallest.train).then(|| {
        format!(
            "the classes are not balanced: {} has {} samples and {} has {}; always predicting {} is right {:.1} % of the \
             time",
            largest.name,
            largest.train,
            smallest.name,
            smallest.train,
            largest.name,
            100.0 * largest.train as f64 / summary.train_samples as f64
        )
    })
}

/// Classes that one of the parts lacks.
fn absent(summary: &Summary) -> impl Iterator<Item = String> {
    let lacking = |of: &dyn Fn(&Class) -> usize| {
        let classes: Vec<&Class> = summary.classes.iter().filter(|&class| of(class) == 0).collect();
        (!classes.is_empty()).then(|| some(&classes, |class| class.name.clone()))
    };
    let train = lacking(&|class| class.train);
    let test = summary.test_samples.and_then(|_| lacking(&|class| class.test));
    let train = train.map(|names| format!("there are no training samples of class {names}"));
    train.into_iter().chain(test.map(|names| format!("there are no test samples of class {names}")))
}
