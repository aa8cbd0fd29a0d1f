//! The columns of a Parquet file.

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::ColumnDescriptor;

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

pub(super) fn is_text(leaf: &ColumnDescriptor) -> bool {
    leaf.logical_type_ref() == Some(&LogicalType::String) || leaf.converted_type() == ConvertedType::UTF8
}

/// Whether values are plain numbers: no dates, and no numbers in another unit.
pub(super) fn is_number(leaf: &ColumnDescriptor) -> bool {
    let plain = match leaf.logical_type_ref() {
        None | Some(LogicalType::Integer(_)) => true,
        Some(_) => false,
    };
    let physical = matches!(
        leaf.physical_type(),
        Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE
    );
    plain && physical && leaf.converted_type() != ConvertedType::DECIMAL
}
