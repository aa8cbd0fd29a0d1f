//! The values of a part, as numbers.

use crate::data::Format;
use crate::data::columns::Value;
use crate::data::source::{Part, Rows, floats};
use crate::error::Result;

/// The values of these rows of a part.
pub(super) fn values(part: &Part, rows: std::ops::Range<usize>) -> Result<Vec<f32>> {
    let size = part.features * part.format.size();
    let read;
    let bytes = match &part.rows {
        Rows::Memory(bytes) => &bytes[rows.start * size..rows.end * size],
        Rows::Disk(file) => {
            read = file.read(&(rows.start as u32..rows.end as u32).collect::<Vec<_>>())?;
            &read
        }
        Rows::Columns(columns) => {
            let number = |value| if let Value::Number(number) = value { number as f32 } else { f32::NAN };
            return Ok(rows
                .flat_map(|row| columns.iter().map(move |cells| number(cells.value(row))))
                .collect());
        }
    };
    Ok(match part.format {
        Format::Bytes => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        Format::Floats => floats(bytes).collect(),
    })
}
