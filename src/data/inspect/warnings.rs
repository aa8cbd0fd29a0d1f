//! Warnings about a data set.

use super::columns::Column;
use super::summary::Summary;
use crate::data::classes;
use crate::data::scaling::{Scale, Scaling};
use crate::data::source::LARGE;
use crate::words::numerals::counted;

pub(super) fn of(summary: &Summary, scaling: Option<&Scaling>, scale: Scale, fills: bool) -> Vec<String> {
    [missing(summary, fills), constant(summary), unscaled(summary, scaling, scale)]
        .into_iter()
        .flatten()
        .chain(classes::warnings(&summary.classes, summary.test_samples.is_some()))
        .collect()
}

/// The columns of which something is true, by name or by place.
fn named(summary: &Summary, of: impl Fn(&Column) -> bool) -> String {
    let columns: Vec<(usize, &Column)> =
        summary.columns.iter().enumerate().filter(|(_, column)| of(column)).collect();
    classes::some(&columns, |(place, column)| column.name.clone().unwrap_or_else(|| place.to_string()))
}

fn missing(summary: &Summary, fills: bool) -> Option<String> {
    let count = summary.range.missing;
    (count > 0).then(|| {
        let does = match fills {
            true => "training fills them in with the mean or the most frequent value",
            false => "training does not accept them; fill them in or remove the rows",
        };
        let columns = named(summary, |column| column.missing > 0);
        format!("missing or not finite: {}, in {columns}: {does}", counted(count, "value"))
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

fn unscaled(summary: &Summary, scaling: Option<&Scaling>, scale: Scale) -> Option<String> {
    let (min, max) = (summary.range.min?, summary.range.max?);
    match scaling? {
        Scaling::Bytes => None,
        Scaling::None if max.max(-min) > LARGE.into() && scale == Scale::Auto => Some(format!(
            "the values range from {min} to {max}, and a few lie far from all others: correct them if they are mistakes"
        )),
        Scaling::None if max.max(-min) > LARGE.into() => Some(format!(
            "the values are not scaled and range from {min} to {max}: without scaling, training is likely to diverge"
        )),
        Scaling::None => None,
        Scaling::Columns { .. } => Some(format!(
            "the values are not scaled and range from {min} to {max}: training scales each column, and the model keeps how"
        )),
    }
}
