//! Parquet files whose pages claim more than they have. No writer makes such pages, so they are put together here.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::data_type::Int64Type;
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use crate::place;
use crate::targets::parquet::parquet;

/// As many rows as each file has.
const ROWS: i32 = 6;

/// The numbers of encodings.
const PLAIN: i32 = 0;
const LENGTHS: i32 = 6;
const PREFIXES: i32 = 7;

/// Seven bits in each byte, the lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Fields of numbers, one after another, and the end of them.
fn numbers(values: &[i32]) -> Vec<u8> {
    let number = |&value: &i32| [&[0x15][..], &varint(u64::from((value << 1) as u32))].concat();
    values.iter().flat_map(number).collect()
}

/// A page of data that claims to unpack to so many bytes and to have so many values.
fn data(unpacked: i32, values: i32, encoding: i32, body: &[u8]) -> Vec<u8> {
    let page = numbers(&[0, unpacked, body.len() as i32]);
    [&page[..], &[0x2c], &numbers(&[values, encoding, 3, 3]), &[0, 0], body].concat()
}

/// A dictionary that claims to have so many entries.
fn dictionary(entries: i32, body: &[u8]) -> Vec<u8> {
    let page = numbers(&[2, body.len() as i32, body.len() as i32]);
    [&page[..], &[0x4c], &numbers(&[entries, PLAIN]), &[0, 0], body].concat()
}

/// A list of so many numbers, all the same, packed as differences of no bits.
fn list(count: u64, value: u64) -> Vec<u8> {
    let block = count.next_multiple_of(128);
    [varint(block), vec![1], varint(count), varint(value << 1), vec![0, 0]].concat()
}

/// A file whose first column has these bytes, and says that it has these encodings.
fn file(schema: &str, encodings: &[Encoding], compression: Compression, pages: &[u8]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let leaf = writer.schema_descr().column(0);
    let mut rows = writer.next_row_group().unwrap();
    let metadata = ColumnChunkMetaData::builder(leaf)
        .set_encodings(encodings.to_vec())
        .set_compression(compression)
        .set_num_values(ROWS.into())
        .set_total_compressed_size(pages.len() as i64)
        .set_total_uncompressed_size(pages.len() as i64)
        .build()
        .unwrap();
    let close = ColumnCloseResult {
        bytes_written: pages.len() as u64,
        rows_written: ROWS as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    let mut chunk = tempfile::tempfile().unwrap();
    chunk.write_all(pages).unwrap();
    rows.append_column(&chunk, close).unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[0, 1, 0, 1, 1, 0], None, None).unwrap();
    column.close().unwrap();
    rows.close().unwrap();
    writer.into_inner().unwrap()
}

const NUMBERS: &str = "message table { required double a; required int64 label; }";
const TEXTS: &str = "message table { required binary a (UTF8); required int64 label; }";

/// The crate reserved as much as each of these claims: gigabytes.
pub fn pages_that_claim_to_be_large() {
    let half: Vec<u8> = (0..ROWS).flat_map(|row| f64::from(row % 3).to_le_bytes()).collect();
    let texts = |encoding: Encoding, body: &[u8]| {
        let number = if encoding == Encoding::DELTA_BYTE_ARRAY { PREFIXES } else { LENGTHS };
        file(TEXTS, &[encoding], Compression::UNCOMPRESSED, &data(body.len() as i32, ROWS, number, body))
    };
    let plain = |page: &[u8]| file(NUMBERS, &[Encoding::PLAIN], Compression::SNAPPY, page);
    let (few, many) = (list(6, 1), list(1 << 28, 1));
    let cases = [
        (plain(&data(1 << 30, ROWS, PLAIN, &half)), "it claims 1073741824 bytes of memory"),
        (plain(&data(48, 1 << 28, PLAIN, &half)), "it claims 268435456 values, but only 6 rows are left"),
        (plain(&dictionary(1 << 26, &half)), "it claims 2147483696 bytes of memory"),
        (texts(Encoding::DELTA_LENGTH_BYTE_ARRAY, &many), "it claims 1073741824 bytes of memory"),
        (texts(Encoding::DELTA_BYTE_ARRAY, &[few, many].concat()), "it claims 1073741824 bytes of memory"),
        (texts(Encoding::DELTA_BYTE_ARRAY, &[0; 9]), "the lengths of its texts are damaged"),
    ];
    let prefixes = data(9, ROWS, PREFIXES, &[0; 9]);
    let unsaid = file(TEXTS, &[Encoding::PLAIN], Compression::UNCOMPRESSED, &prefixes);
    let other = (unsaid, "its column does not say that it has prefixes");
    let (_folder, path) = place::file("set.parquet");
    for (input, words) in cases.into_iter().chain([other]) {
        std::fs::write(&path, &input).unwrap();
        let error = place::load(&path).unwrap_err();
        assert!(error.contains(words), "`{words}` is not in: {error}");
        parquet().one(&input).unwrap_err();
    }
    // A dictionary of 372 million images was to take 12 GB, in a column that only `predict` reads.
    parquet().one(include_bytes!("found/dictionary-of-millions.parquet")).unwrap_err();
}
