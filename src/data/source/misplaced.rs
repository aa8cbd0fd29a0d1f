//! Options that say nothing about data of this kind: they are errors, since whoever gives one expects something of it.

use std::path::Path;

use super::Reading;
use crate::data::TableOptions;
use crate::error::{Error, Result, Setting, message};

/// What options are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tables of text, JSON or Parquet.
    Table,
    /// Arrays, `.npz` or `.npy`.
    Arrays,
    /// IDX files.
    Idx,
    /// Encoded images, in folders or in Parquet.
    Images,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Table => "is for tables",
            Self::Arrays => "names arrays of .npz and .npy files",
            Self::Idx => "is for IDX files",
            Self::Images => "is for folders of images",
        }
    }
}

/// Whether all options that are set are for one of these kinds, of which the data at `path` are. Options that other data have to share
/// with the set that they are read for are left alone.
///
/// # Errors
/// [`Error::Usage`] that names the first that is not.
pub fn check(path: &Path, what: &str, kinds: &[Kind], reading: Reading<'_>) -> Result<()> {
    let default = TableOptions::default();
    let Reading { table, pictures, .. } = reading;
    let alone = reading.schema.is_none() && reading.size.is_none() && !reading.plain;
    let asked = [
        (Kind::Table, Setting::LabelColumn, reading.label_column.is_some()),
        (Kind::Table, Setting::WeightColumn, reading.weight_column.is_some()),
        (Kind::Arrays, Setting::NpzKeys, reading.npz_keys.is_some()),
        (Kind::Table, Setting::Columns, alone && table.columns.is_some()),
        (Kind::Table, Setting::Exclude, alone && table.exclude.is_some()),
        (Kind::Table, Setting::MaxCategories, alone && table.max_categories != default.max_categories),
        (Kind::Table, Setting::Missing, alone && table.missing != default.missing),
        (Kind::Table, Setting::Header, alone && table.header.is_some()),
        (Kind::Table, Setting::Separator, alone && table.separator.is_some()),
        (Kind::Table, Setting::DecimalComma, alone && table.decimal_comma),
        (Kind::Table, Setting::NaValues, alone && table.na_values.is_some()),
        (Kind::Images, Setting::Resize, alone && pictures.resize.is_some()),
        (Kind::Images, Setting::SkipBroken, alone && pictures.skip_broken),
        (Kind::Idx, Setting::Transpose, alone && pictures.transpose),
    ];
    match asked.into_iter().find(|(kind, _, asked)| *asked && !kinds.contains(kind)) {
        None => Ok(()),
        Some((kind, setting, _)) => {
            let words = format!(": {} is {what}, and the option {}", path.display(), kind.words());
            Err(Error::usage(message![setting, words]).hint(setting.without()))
        }
    }
}
