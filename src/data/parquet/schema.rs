//! The columns of a Parquet file.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::ColumnDescriptor;

use super::value::Value;
use crate::data::columns::Value as Cell;
use crate::data::table::Spelling;

/// What a column has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Plain numbers.
    Number,
    /// True and false.
    Truth,
    /// Text.
    Text,
    /// Dates or times, whose unit is so many seconds.
    Date(f64),
    /// Bytes, such as encoded images.
    Bytes,
    /// Anything else.
    Other,
}

/// What a column has, wherever it stands.
pub fn kind(leaf: &ColumnDescriptor) -> Kind {
    match (leaf.physical_type(), date_unit(leaf)) {
        (_, Some(unit)) => Kind::Date(unit),
        _ if is_text(leaf) => Kind::Text,
        (Type::BYTE_ARRAY, None) => Kind::Bytes,
        (Type::BOOLEAN, None) if is_number(leaf) => Kind::Truth,
        _ if is_number(leaf) => Kind::Number,
        _ => Kind::Other,
    }
}

impl Kind {
    /// It in words.
    pub fn name(self) -> String {
        match self {
            Self::Number => "numbers".to_owned(),
            Self::Truth => "true and false".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Date(unit) => format!("dates in units of {unit} s"),
            Self::Bytes => "bytes".to_owned(),
            Self::Other => "something else".to_owned(),
        }
    }

    /// Whether a table may have it.
    pub fn is_plain(self) -> bool {
        !matches!(self, Self::Bytes | Self::Other)
    }

    /// A value of it as a table has it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn cell<'v>(self, value: Value<'v>, spelling: &Spelling) -> Result<Cell<'v>, String> {
        Ok(match (value, self) {
            (Value::Missing, _) => Cell::Missing,
            (Value::Number(number), Self::Truth) => Cell::Word(if number == 1.0 { "true" } else { "false" }),
            (Value::Number(number), _) if number.is_nan() => Cell::Missing,
            (Value::Number(number), Self::Date(unit)) => Cell::Date(number * unit),
            (Value::Number(number), _) => Cell::Number(number),
            (Value::Bytes(bytes), _) => {
                spelling.value(std::str::from_utf8(bytes).map_err(|_| "this is not UTF-8 text".to_owned())?)
            }
        })
    }
}

/// Whether every column lies inside the file: the crate takes that for granted, and panics.
pub(super) fn inside(metadata: &ParquetMetaData, length: u64) -> Result<(), &'static str> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let begin = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let end = u64::try_from(begin).ok().zip(u64::try_from(column.compressed_size()).ok());
        let end = end.and_then(|(begin, size)| begin.checked_add(size));
        if column.data_page_offset() < 0 || end.is_none_or(|end| end > length) {
            return Err("a column lies outside of the file");
        }
    }
    Ok(())
}

fn is_text(leaf: &ColumnDescriptor) -> bool {
    leaf.logical_type_ref() == Some(&LogicalType::String) || leaf.converted_type() == ConvertedType::UTF8
}

/// Whether values are plain numbers: no dates, and no numbers in another unit.
fn is_number(leaf: &ColumnDescriptor) -> bool {
    let plain = match leaf.logical_type_ref() {
        None | Some(LogicalType::Integer(_)) => true,
        Some(_) => false,
    };
    let physical = matches!(
        leaf.physical_type(),
        Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE
    );
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UINT_64};
    let unit = [NONE, INT_8, INT_16, INT_32, INT_64, UINT_8, UINT_16, UINT_32, UINT_64]
        .contains(&leaf.converted_type());
    plain && physical && unit
}

/// Of dates and times: how many seconds their unit is. A time without a date is none.
fn date_unit(leaf: &ColumnDescriptor) -> Option<f64> {
    match (leaf.logical_type_ref(), leaf.converted_type()) {
        (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Some(86_400.0),
        (Some(LogicalType::Timestamp(of)), _) => Some(match of.unit {
            TimeUnit::MILLIS => 1e-3,
            TimeUnit::MICROS => 1e-6,
            TimeUnit::NANOS => 1e-9,
        }),
        (None, ConvertedType::TIMESTAMP_MILLIS) => Some(1e-3),
        (None, ConvertedType::TIMESTAMP_MICROS) => Some(1e-6),
        _ => None,
    }
}
