//! Options for the text of tables.

use crate::data::{Separator, TableOptions};

/// How the text of a table is written.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TextChoice {
    /// For text tables: the first line names the columns
    #[arg(long, conflicts_with = "no_header")]
    header: bool,
    /// For text tables: the first line is a row of values [default: as it looks]
    #[arg(long)]
    no_header: bool,
    /// For text tables: what stands between two values [default: as it looks]
    #[arg(long, value_enum)]
    separator: Option<Separator>,
    /// For text tables: numbers have a comma where others have a point [default: as it looks]
    #[arg(long)]
    decimal_comma: bool,
    /// For text tables: more words that stand for a missing value, separated by commas
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    na_values: Option<String>,
}

impl TextChoice {
    /// How a table of such a text is read.
    pub fn options(&self) -> TableOptions {
        TableOptions {
            header: (self.header || self.no_header).then_some(self.header),
            separator: self.separator,
            decimal_comma: self.decimal_comma,
            na_values: self.na_values.clone(),
            ..TableOptions::default()
        }
    }
}
