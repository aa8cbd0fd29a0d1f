//! The columns of a Parquet file, which it calls leaves: their names, and their values one after another.

use std::fs::File;
use std::path::Path;

use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use crate::error::{Error, Message, Result};

/// Records read between two looks at the memory left.
const PIECE: usize = 512;

pub(super) const NEW_COPY: &str = "download the file again, or write it again";

/// The groups of rows of a file.
pub(super) type Groups<'r> = [Box<dyn RowGroupReader + 'r>];

/// The leaves of a file.
pub(super) struct Leaves<'a> {
    pub path: &'a Path,
    pub reader: &'a SerializedFileReader<File>,
}

impl Leaves<'_> {
    pub fn column(&self, leaf: usize) -> ColumnDescPtr {
        self.reader.metadata().file_metadata().schema_descr().column(leaf)
    }

    pub fn name(&self, leaf: usize) -> String {
        self.column(leaf).path().string()
    }

    pub fn wrong(&self, row: usize, leaf: usize, problem: &str, hint: impl Into<Message>) -> Error {
        Error::file(self.path, format!("row {row}, from 0, column `{}`: {problem}", self.name(leaf)), hint)
    }

    /// Hands on each value of a column.
    pub fn each(
        &self,
        groups: &Groups<'_>,
        leaf: usize,
        take: &mut dyn FnMut(Value<'_>) -> Result<()>,
    ) -> Result<()> {
        groups.iter().try_for_each(|group| self.each_of(&**group, leaf, take))
    }

    fn each_of(
        &self,
        group: &dyn RowGroupReader,
        leaf: usize,
        take: &mut dyn FnMut(Value<'_>) -> Result<()>,
    ) -> Result<()> {
        let reader = group.get_column_reader(leaf).map_err(|error| unreadable(error, self.path))?;
        let column = self.column(leaf);
        let unsigned = matches!(column.logical_type_ref(), Some(LogicalType::Integer(int)) if !int.is_signed);
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(u8::from(*v)).into(), take)
            }
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                self.drain(reader, leaf, &|v| f64::from(v.cast_unsigned()).into(), take)
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(*v).into(), take)
            }
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                self.drain(reader, leaf, &|v| (v.cast_unsigned() as f64).into(), take)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.drain(reader, leaf, &|v| (*v as f64).into(), take)
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(*v).into(), take)
            }
            ColumnReader::DoubleColumnReader(reader) => self.drain(reader, leaf, &|v| (*v).into(), take),
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.drain(reader, leaf, &|v: &ByteArray| Value::Bytes(v.data()), take)
            }
            _ => {
                let problem = format!("column `{}` has values of a kind that is not read", self.name(leaf));
                Err(Error::file(self.path, problem, "turn it into numbers"))
            }
        }
    }

    fn drain<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        leaf: usize,
        value: &dyn for<'v> Fn(&'v T::T) -> Value<'v>,
        take: &mut dyn FnMut(Value<'_>) -> Result<()>,
    ) -> Result<()> {
        let whole = self.column(leaf).max_def_level();
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        loop {
            levels.clear();
            values.clear();
            let read = reader.read_records(PIECE, Some(&mut levels), None, &mut values);
            let (records, ..) = read.map_err(|error| unreadable(error, self.path))?;
            if records == 0 {
                return Ok(());
            }
            let mut present = values.iter();
            for record in 0..records {
                let is_present = levels.get(record).is_none_or(|&level| level == whole);
                take(if is_present { present.next().map_or(Value::Missing, value) } else { Value::Missing })?;
            }
        }
    }
}

/// One value of a column.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(f64),
    Bytes(&'a [u8]),
    Missing,
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

pub(super) fn unreadable(error: ParquetError, path: &Path) -> Error {
    Error::file(path, format!("cannot be read as Parquet: {error}"), NEW_COPY)
}
