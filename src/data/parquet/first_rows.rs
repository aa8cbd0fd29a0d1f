//! The first rows as text, by which the column of labels is chosen as in a text table.

use std::collections::VecDeque;

use csv::StringRecord;

use super::Leaves;
use crate::data::columns::Value as Cell;
use crate::data::table::{LOOKED_AT, Spelling};
use crate::error::Result;

/// As much of a text as tells it from others.
const LETTERS: usize = 256;

/// The first rows, as many as are looked at of a text table; only these columns are read, and the cells of the others are empty.
///
/// # Errors
/// [`Error::File`](crate::error::Error::File) for a column that is damaged.
pub fn first_rows(leaves: &Leaves, columns: &[usize], spelling: &Spelling) -> Result<VecDeque<StringRecord>> {
    let (most, bytes) = LOOKED_AT;
    let (mut rows, mut most) = (VecDeque::new(), most);
    for leaf in 0..leaves.columns().len() {
        let cells = if columns.contains(&leaf) { cells(leaves, leaf, most, spelling)? } else { Vec::new() };
        if rows.len() < cells.len() {
            rows.resize_with(cells.len(), || StringRecord::from(vec![""; leaf]));
        }
        let (mut left, mut at) = (bytes, 0);
        rows.retain_mut(|row: &mut StringRecord| {
            row.push_field(cells.get(at).map_or("", String::as_str));
            at += 1;
            let is_seen = left > 0;
            left = left.saturating_sub(row.as_slice().len());
            is_seen
        });
        if left == 0 {
            most = rows.len();
        }
    }
    Ok(rows)
}

/// The first cells of a column.
fn cells(leaves: &Leaves, leaf: usize, most: usize, spelling: &Spelling) -> Result<Vec<String>> {
    let (kind, mut cells) = (leaves.kind(leaf), Vec::new());
    for group in 0.. {
        let Some(columns) = leaves.group(group, &[leaf])? else { break };
        for mut column in columns {
            column.take(most - cells.len(), &mut |value| {
                cells.push(match kind.cell(value, spelling) {
                    // What is no text is an error where it is read.
                    Ok(Cell::Missing) | Err(_) => String::new(),
                    Ok(Cell::Number(number)) => number.to_string(),
                    // A word, as the date of a text table.
                    Ok(Cell::Date(seconds)) => format!("{seconds} s"),
                    Ok(Cell::Word(word)) => word.chars().take(LETTERS).collect(),
                });
                Ok(())
            })?;
        }
        if cells.len() == most {
            break;
        }
    }
    Ok(cells)
}
