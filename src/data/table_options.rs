//! How a table is to be read.

use serde::{Deserialize, Serialize};

/// How a table is to be read, as far as its content does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableOptions {
    /// The columns to learn from, by name or place, with commas between them; all if `None`.
    pub columns: Option<String>,
    /// Columns that are left out, by name or place, with commas between them.
    pub exclude: Option<String>,
    /// The most inputs that a column of words becomes.
    pub max_categories: usize,
    /// What is done about missing values.
    pub missing: Missing,
    /// Whether the first line names the columns; as it looks if `None`.
    pub header: Option<bool>,
    /// What stands between two values; as it looks if `None`.
    pub separator: Option<Separator>,
    /// Whether numbers have a comma where others have a point.
    pub decimal_comma: bool,
    /// What else stands for a missing value, with commas between the words.
    pub na_values: Option<String>,
}

/// What holds if nobody says anything.
pub static DEFAULTS: TableOptions = TableOptions {
    columns: None,
    exclude: None,
    max_categories: 50,
    missing: Missing::Auto,
    header: None,
    separator: None,
    decimal_comma: false,
    na_values: None,
};

impl Default for TableOptions {
    fn default() -> Self {
        DEFAULTS.clone()
    }
}

/// What is done about missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// As `impute`; columns that lack more than 5 % get an input that says where.
    #[default]
    Auto,
    /// The first one is an error.
    Error,
    /// Rows with a missing value are left out.
    Drop,
    /// The mean of the training rows, of words the most frequent one, stands for it.
    Impute,
}

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Separator {
    /// A comma.
    Comma,
    /// A semicolon.
    Semicolon,
    /// A tab.
    Tab,
    /// One blank or more.
    Blanks,
}

impl Missing {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Error, Self::Drop, Self::Impute];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Error => "error",
            Self::Drop => "drop",
            Self::Impute => "impute",
        }
    }
}

impl Separator {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Blanks];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Blanks => "blanks",
        }
    }

    /// The byte; runs of blanks are read as one tab.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab | Self::Blanks => b'\t',
        }
    }
}
