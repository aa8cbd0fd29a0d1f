//! The columns of a table of any format, by their names, their places and its first rows.

use std::collections::VecDeque;
use std::path::Path;

use csv::StringRecord;

use super::cell::Spelling;
use super::label;
use crate::error::{Error, Result, Setting, message};
use crate::words::numerals::counted;

/// As many names as a message lists.
const LISTED: usize = 20;

/// What is known of a table before it is read.
pub struct Head<'t> {
    /// The file, as errors name it.
    pub path: &'t Path,
    /// The names of the columns, if they have names.
    pub names: Option<Vec<&'t str>>,
    /// How many columns.
    pub width: usize,
    /// Those that may have labels.
    pub columns: Vec<usize>,
    /// Its first rows, as text.
    pub rows: &'t VecDeque<StringRecord>,
    /// How it writes numbers and missing values.
    pub spelling: &'t Spelling,
}

impl Head<'_> {
    /// The column of this name or place.
    ///
    /// # Errors
    /// [`Error::File`] if there is no such column.
    pub fn column(&self, asked: &str) -> Result<usize> {
        let named = |is: &dyn Fn(&str) -> bool| self.names.as_ref()?.iter().position(|name| is(name));
        let by_place = || {
            let place: i64 = asked.parse().ok()?;
            let place = if place < 0 { place + self.width as i64 } else { place };
            usize::try_from(place).ok().filter(|&place| place < self.width)
        };
        let exactly = named(&|name| name == asked);
        let found = exactly.or_else(|| named(&|name| name.eq_ignore_ascii_case(asked))).or_else(by_place);
        found.ok_or_else(|| {
            let columns = match &self.names {
                Some(names) => format!(": {}", names[..names.len().min(LISTED)].join(", ")),
                None => ", and no header".into(),
            };
            let problem =
                format!("it has no column `{asked}`; it has {}{columns}", counted(self.width, "column"));
            let hint = "give a name from the header, or a position: from 0, or from the end with -1";
            Error::file(self.path, problem, hint)
        })
    }

    /// Columns by names and places with commas between them; a name may have a comma.
    ///
    /// # Errors
    /// As [`column`](Self::column).
    pub fn listed(&self, asked: &str) -> Result<Vec<usize>> {
        let is_one = self.names.as_ref().is_some_and(|names| names.contains(&asked));
        match is_one {
            true => Ok(vec![self.column(asked)?]),
            false => asked.split(',').map(|name| self.column(name.trim())).collect(),
        }
    }

    /// The columns of targets: those asked for, else the one that looks like labels and is not excluded.
    ///
    /// # Errors
    /// [`Error::File`] if there is no such column, one is named twice, or it is not clear which one it is.
    pub fn targets(&self, asked: Option<&str>, exclude: Option<&str>) -> Result<Vec<usize>> {
        let Some(asked) = asked else {
            let excluded = exclude.map_or(Ok(Vec::new()), |names| self.listed(names))?;
            let columns = self.columns.iter().copied().filter(|column| !excluded.contains(column));
            return Ok(vec![self.label(&columns.collect::<Vec<_>>())?]);
        };
        let columns = self.listed(asked)?;
        match (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
            None => Ok(columns),
            Some(at) => {
                let problem = message![
                    Setting::LabelColumn.set(asked),
                    format!(" names column {} twice, from 0", columns[at])
                ];
                Err(Error::file(self.path, problem, "name each column once"))
            }
        }
    }

    /// The one of these columns that looks like labels.
    fn label(&self, columns: &[usize]) -> Result<usize> {
        label::chosen(self.names.as_deref(), self.rows, columns, self.spelling).map_err(|candidates| {
            let hint = message![
                "name the column of the labels with ",
                Setting::LabelColumn,
                "; -1 is the last column"
            ];
            let problem = format!("it is not clear which column has the labels; {candidates}");
            Error::file(self.path, problem, hint)
        })
    }

    /// Words in a column of labels that stand for missing ones, by its first rows.
    pub fn placeholders(&self, column: usize) -> Vec<String> {
        let texts = self.rows.iter().filter_map(|row| row.get(column)).map(str::trim);
        label::placeholders(texts, self.spelling)
    }
}
