//! Parquet files: a table, and images as data hubs publish them.

use std::fs;
use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use gpu_mlp::data::{Frame, Outputs, PARQUET_THREAD, Preparation, Scaling};
use gpu_mlp::inputs::Look;
use image::{ColorType, ImageFormat};

use super::data::encoded;
use super::exchange::answered;
use crate::driver::{Mutate, Target};
use crate::mutate::edited;
use crate::place;

const TABLE: &str = "message table { optional double a; required int64 label; }";
const IMAGES: &str =
    "message images { optional group image { optional binary bytes; } required int64 label; }";
const TEXTS: &str = "message texts { optional binary word (UTF8); required int64 label; }";
const NAMES: &str = r#"{"info":{"features":{"label":{"names":["cat","dog"]}}}}"#;

fn file(schema: &str, compression: Compression) -> Vec<u8> {
    written(schema, WriterProperties::builder().set_compression(compression))
}

/// Texts as newer writers may write them.
fn texts(encoding: Encoding) -> Vec<u8> {
    let properties = WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_2_0);
    written(
        TEXTS,
        properties.set_dictionary_enabled(false).set_column_encoding(ColumnPath::from("word"), encoding),
    )
}

fn written(schema: &str, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let key = KeyValue::new("huggingface".to_owned(), NAMES.to_owned());
    let properties = properties.set_key_value_metadata(Some(vec![key])).build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let kind = schema.name().to_owned();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    match &kind[..] {
        "table" => {
            let values: Vec<f64> = (0..6).map(|i| f64::from(i) + 0.5).collect();
            column.typed::<DoubleType>().write_batch(&values, Some(&[1; 6]), None).unwrap();
        }
        "texts" => {
            let words = ["red", "reddish", "blue", "red", "blue", "red"].map(ByteArray::from);
            column.typed::<ByteArrayType>().write_batch(&words, Some(&[1; 6]), None).unwrap();
        }
        _ => {
            let image = ByteArray::from(encoded(ColorType::L8, ImageFormat::Png));
            column.typed::<ByteArrayType>().write_batch(&vec![image; 6], Some(&[2; 6]), None).unwrap();
        }
    }
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[0, 1, 0, 1, 1, 0], None, None).unwrap();
    column.close().unwrap();
    rows.close().unwrap();
    writer.into_inner().unwrap()
}

/// The reader of Parquet, whose crate panics at some damage: on a thread of its own that makes an error of it.
pub fn parquet() -> Target {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(PARQUET_THREAD) {
            report(panic);
        }
    }));
    let kinds = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ];
    let files = [TABLE, IMAGES].into_iter().flat_map(|schema| kinds.map(|kind| file(schema, kind)));
    let texts = [Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY].map(texts);
    let seeds = files.chain(texts).collect();
    let (folder, path) = place::file("set.parquet");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let frame = Some(Frame { rows: 4, columns: 4, colour: false, digits: false });
        let predicted =
            [(1, Scaling::None, None), (16, Scaling::Bytes, frame)].map(|(features, scaling, frame)| {
                let class_names = vec!["no".to_owned(), "yes".to_owned()];
                let outputs = Outputs::Classes;
                let preparation = Preparation { scaling, class_names, outputs, schema: None, frame };
                answered(&path, features, preparation, Look::AsTrained)
            });
        predicted.into_iter().fold(place::load(&path), Result::or)
    };
    let mutate: Mutate = |rng, input, other| edited(rng, input, other, &["PAR1", "label", "bytes"]);
    Target { name: "parquet", seeds, mutate, read: Box::new(read) }
}
