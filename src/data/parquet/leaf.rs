//! The columns of a file, or of several that have the same ones: their names, and their values one after another.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::pages::{Pages, has_prefixes};
use super::schema::{Kind, inside, kind};
use super::value::Value;
use crate::error::{Error, Message, Result};

/// Records read between two looks at the memory left.
const PIECE: usize = 512;

/// The most files of a set: all are open at once.
const MOST_SHARDS: usize = 500;

pub const NEW_COPY: &str = "download the file again, or write it again";

/// One of the files.
struct Shard {
    path: PathBuf,
    file: Arc<File>,
    reader: SerializedFileReader<File>,
}

/// The leaves of a set.
pub struct Leaves {
    /// The file or the folder, as errors name it.
    path: PathBuf,
    /// At least one; all have the same leaves.
    shards: Vec<Shard>,
}

impl Leaves {
    /// Opens the files of the set at `path`.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is damaged, and for columns that are not those of the first file; [`Error::Io`] if one
    /// cannot be read.
    pub fn open(path: &Path, files: &[PathBuf]) -> Result<Self> {
        if files.len() > MOST_SHARDS {
            let problem = format!("it has {} Parquet files: at most {MOST_SHARDS} are read", files.len());
            return Err(Error::file(path, problem, "write it as fewer files"));
        }
        let shards = files.iter().map(|file| Shard::open(file)).collect::<Result<Vec<_>>>()?;
        let Some((first, rest)) = shards.split_first() else {
            return Err(Error::file(path, "it has no Parquet file", "name one"));
        };
        for shard in rest {
            first.same_columns(shard)?;
        }
        Ok(Self { path: path.to_owned(), shards })
    }

    /// The file or the folder, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many files.
    pub fn files(&self) -> usize {
        self.shards.len()
    }

    pub fn columns(&self) -> &[ColumnDescPtr] {
        self.shards[0].columns()
    }

    pub fn kind(&self, leaf: usize) -> Kind {
        kind(&self.columns()[leaf])
    }

    pub fn name(&self, leaf: usize) -> String {
        self.columns()[leaf].path().string()
    }

    pub fn names(&self) -> Vec<String> {
        (0..self.columns().len()).map(|leaf| self.name(leaf)).collect()
    }

    /// Whether a table may have a column.
    pub fn is_plain(&self, leaf: usize) -> bool {
        let column = &self.columns()[leaf];
        column.path().parts().len() == 1 && column.max_rep_level() == 0 && self.kind(leaf).is_plain()
    }

    /// The column of encoded images, if there is one.
    pub fn image(&self) -> Option<usize> {
        (0..self.columns().len()).find(|&leaf| {
            let column = &self.columns()[leaf];
            let parts = column.path().parts();
            kind(column) == Kind::Bytes
                && column.max_rep_level() == 0
                && (parts.len() == 1 || parts[parts.len() - 1] == "bytes")
        })
    }

    /// What the first file says under a key.
    pub fn metadata(&self, key: &str) -> Option<&String> {
        let all = self.shards[0].reader.metadata().file_metadata().key_value_metadata()?;
        all.iter().find(|entry| entry.key == key)?.value.as_ref()
    }

    /// The error for a value; `row` is counted from 0 over all files.
    pub fn wrong(&self, row: usize, leaf: usize, problem: &str, hint: impl Into<Message>) -> Error {
        let (mut own, mut shard) = (row, &self.shards[0]);
        for next in &self.shards[1..] {
            let rows = usize::try_from(shard.reader.metadata().file_metadata().num_rows()).unwrap_or(0);
            if own < rows {
                break;
            }
            (own, shard) = (own - rows, next);
        }
        Error::file(&shard.path, format!("row {own}, from 0, column `{}`: {problem}", self.name(leaf)), hint)
    }

    /// The columns of a group of rows, from 0 over all files; nothing if there is no such group.
    ///
    /// # Errors
    /// [`Error::File`] if it is damaged.
    pub fn group(&self, mut group: usize, leaves: &[usize]) -> Result<Option<Vec<Column>>> {
        for shard in &self.shards {
            let own = shard.reader.num_row_groups();
            if group < own {
                return leaves.iter().map(|&leaf| shard.column(group, leaf)).collect::<Result<_>>().map(Some);
            }
            group -= own;
        }
        Ok(None)
    }

    /// Hands on each value of a column.
    pub fn each(&self, leaf: usize, take: &mut dyn FnMut(Value<'_>) -> Result<()>) -> Result<()> {
        for shard in &self.shards {
            for group in 0..shard.reader.num_row_groups() {
                shard.column(group, leaf)?.take(usize::MAX, take)?;
            }
        }
        Ok(())
    }
}

impl Shard {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let same = file.try_clone().map_err(Error::io("read", path))?;
        let reader = SerializedFileReader::new(same).map_err(|error| unreadable(error, path))?;
        inside(reader.metadata(), length).map_err(|problem| {
            Error::file(path, format!("cannot be read as Parquet: {problem}"), NEW_COPY)
        })?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file), reader })
    }

    fn columns(&self) -> &[ColumnDescPtr] {
        self.reader.metadata().file_metadata().schema_descr().columns()
    }

    fn column(&self, group: usize, leaf: usize) -> Result<Column> {
        let refused = |error| unreadable(error, &self.path);
        let group = self.reader.get_row_group(group).map_err(refused)?;
        let pages = group.get_column_page_reader(leaf).map_err(refused)?;
        let (chunk, rows) = (group.metadata().column(leaf), group.metadata().num_rows());
        let leaf = self.columns()[leaf].clone();
        let pages = Pages::new(pages, self.file.clone(), leaf.clone(), chunk, rows);
        let piece = if has_prefixes(chunk) { 1 } else { PIECE };
        let reader = get_column_reader(leaf.clone(), Box::new(pages));
        Ok(Column { reader, piece, leaf, path: self.path.clone() })
    }

    /// Whether another file of the set has the same columns.
    fn same_columns(&self, other: &Self) -> Result<()> {
        let words = |leaf: &ColumnDescPtr| format!("`{}` ({})", leaf.path().string(), kind(leaf).name());
        let of = |shard: &Self, at: usize| shard.columns().get(at).map_or("nothing".to_owned(), words);
        let most = self.columns().len().max(other.columns().len());
        let Some(at) = (0..most).find(|&at| of(self, at) != of(other, at)) else { return Ok(()) };
        let problem = format!(
            "its column {at}, from 0, is {}, but in {} it is {}",
            of(other, at),
            self.path.display(),
            of(self, at)
        );
        Err(Error::file(
            &other.path,
            problem,
            "the files of a set have the same columns: name one file, or move it away",
        ))
    }
}

/// A column of a group of rows, while it is read.
pub struct Column {
    reader: ColumnReader,
    /// Records read at once.
    piece: usize,
    leaf: ColumnDescPtr,
    path: PathBuf,
}

impl Column {
    /// Hands on the next values, so many or as many as are left, and says how many.
    ///
    /// # Errors
    /// Those of `take`; [`Error::File`] if the column is damaged, or has values of a kind that is not read.
    pub fn take(&mut self, most: usize, take: &mut dyn FnMut(Value<'_>) -> Result<()>) -> Result<usize> {
        let mut taken = 0;
        while taken < most {
            match self.take_piece(most - taken, take)? {
                0 => break,
                more => taken += more,
            }
        }
        Ok(taken)
    }

    fn take_piece(&mut self, most: usize, take: &mut dyn FnMut(Value<'_>) -> Result<()>) -> Result<usize> {
        let Self { reader, piece, leaf, path } = self;
        let unsigned = matches!(leaf.logical_type_ref(), Some(LogicalType::Integer(int)) if !int.is_signed);
        let mut drain = Drain { whole: leaf.max_def_level(), path, most: most.min(*piece), take };
        match reader {
            ColumnReader::BoolColumnReader(reader) => drain.all(reader, &|v| f64::from(u8::from(*v)).into()),
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                drain.all(reader, &|v| f64::from(v.cast_unsigned()).into())
            }
            ColumnReader::Int32ColumnReader(reader) => drain.all(reader, &|v| f64::from(*v).into()),
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                drain.all(reader, &|v| (v.cast_unsigned() as f64).into())
            }
            ColumnReader::Int64ColumnReader(reader) => drain.all(reader, &|v| (*v as f64).into()),
            ColumnReader::FloatColumnReader(reader) => drain.all(reader, &|v| f64::from(*v).into()),
            ColumnReader::DoubleColumnReader(reader) => drain.all(reader, &|v| (*v).into()),
            ColumnReader::ByteArrayColumnReader(reader) => {
                drain.all(reader, &|v: &ByteArray| Value::Bytes(v.data()))
            }
            _ => {
                let name = leaf.path().string();
                let problem = format!("column `{name}` has values of a kind that is not read");
                Err(Error::file(path, problem, "turn it into numbers"))
            }
        }
    }
}

/// Where the values of a column go.
struct Drain<'a> {
    /// The level of a value that is there.
    whole: i16,
    path: &'a Path,
    most: usize,
    take: &'a mut dyn FnMut(Value<'_>) -> Result<()>,
}

impl Drain<'_> {
    fn all<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        value: &dyn for<'v> Fn(&'v T::T) -> Value<'v>,
    ) -> Result<usize> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let read = reader.read_records(self.most, Some(&mut levels), None, &mut values);
        let (records, ..) = read.map_err(|error| unreadable(error, self.path))?;
        let mut present = values.iter();
        for record in 0..records {
            let is_present = levels.get(record).is_none_or(|&level| level == self.whole);
            let value =
                if is_present { present.next().map_or(Value::Missing, value) } else { Value::Missing };
            (self.take)(value)?;
        }
        Ok(records)
    }
}

fn unreadable(error: ParquetError, path: &Path) -> Error {
    Error::file(path, format!("cannot be read as Parquet: {error}"), NEW_COPY)
}
