//! The pages of a column. The crate reserves what a page claims to hold, up to 2 GiB for one of a few bytes, so claims are checked first.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescPtr;

use super::delta;
use super::header::Header;

/// Bytes that any page may take. Writers make pages of 1 MiB, some one of all rows of a group.
const ALWAYS: u64 = 32 << 20;

/// How many times its bytes in the file a page may take beyond that: values compress as well, and seldom better.
const TIMES: u64 = 64;

/// How many times its file a page may take at least: all rows of a column may be the same.
const TIMES_FILE: u64 = 4;

/// The pages of a column in a group of rows, from the crate.
pub struct Pages {
    pages: Box<dyn PageReader>,
    file: Arc<File>,
    leaf: ColumnDescPtr,
    /// Where the next header begins, and where the column ends.
    at: u64,
    end: u64,
    /// Rows that may come.
    rows: u64,
    /// Whether the values may be written as the ends of words with what they share with the ones before.
    has_prefixes: bool,
}

impl Pages {
    /// The pages that `chunk` of `file` has, for so many rows.
    pub fn new(
        pages: Box<dyn PageReader>,
        file: Arc<File>,
        leaf: ColumnDescPtr,
        chunk: &ColumnChunkMetaData,
        rows: i64,
    ) -> Self {
        let (at, length) = chunk.byte_range();
        let rows = u64::try_from(rows).unwrap_or(0);
        Self { pages, file, leaf, at, end: at + length, rows, has_prefixes: has_prefixes(chunk) }
    }

    /// Checks the header of the next page, and says how much the page may take.
    fn check(&mut self) -> Result<u64> {
        let mut may_take = 0;
        let mut is_index = true;
        // The crate passes over these, too.
        while is_index && self.at < self.end {
            let at = self.at;
            let wrong = |problem: String| wrong(at, &problem);
            let from = self.file.get_read(at)?.take(self.end - at);
            let header = Header::read(from).map_err(|error| wrong(error.to_string()))?;
            let left = self.end - at - header.length;
            if header.packed > left {
                return Err(wrong(format!("it claims {} bytes, but its column has {left}", header.packed)));
            }
            may_take = ALWAYS + (TIMES * header.packed).max(TIMES_FILE * self.file.len());
            let entries = header.entries.saturating_mul(size_of::<ByteArray>() as u64);
            check(may_take, header.unpacked.saturating_add(entries)).map_err(wrong)?;
            // A row of a list has any number of values.
            if self.leaf.max_rep_level() == 0 {
                let rows = self.rows.checked_sub(header.values);
                self.rows = rows.ok_or_else(|| {
                    wrong(format!("it claims {} values, but only {} rows are left", header.values, self.rows))
                })?;
            }
            self.at += header.length + header.packed;
            is_index = header.is_index;
        }
        Ok(may_take)
    }
}

/// Whether a column has values that repeat any number of bytes of the ones before: 512 together may take 512 times their page.
pub fn has_prefixes(chunk: &ColumnChunkMetaData) -> bool {
    chunk.encodings().any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY)
}

fn wrong(at: u64, problem: &str) -> ParquetError {
    ParquetError::General(format!("the page at byte {at}: {problem}"))
}

/// Whether a page may take so many bytes.
fn check(may_take: u64, bytes: u64) -> Result<(), String> {
    match bytes <= may_take {
        true => Ok(()),
        false => Err(format!(
            "it claims {bytes} bytes of memory; at most {may_take} are given to it: the file is damaged, or its pages have to be smaller"
        )),
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let at = self.at;
        let may_take = self.check()?;
        let page = self.pages.get_next_page()?;
        // Lengths of texts are claimed within the page.
        let lists = match page.as_ref().map(|page| page.encoding()) {
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY) => 1,
            Some(Encoding::DELTA_BYTE_ARRAY) if self.has_prefixes => 2,
            Some(Encoding::DELTA_BYTE_ARRAY) => {
                return Err(wrong(at, "its column does not say that it has prefixes"));
            }
            _ => 0,
        };
        if let (Some(page), 1..) = (&page, lists) {
            let lengths = delta::values(page, &self.leaf).and_then(|values| delta::longest(values, lists));
            let lengths = lengths.ok_or_else(|| "the lengths of its texts are damaged".to_owned());
            lengths
                .and_then(|lengths| check(may_take, lengths.saturating_mul(4)))
                .map_err(|problem| wrong(at, &problem))?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
