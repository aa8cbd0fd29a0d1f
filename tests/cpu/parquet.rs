//! Parquet files, written here: tables of numbers, images as data hubs publish them, and what is refused.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gpu_mlp::Error;
use gpu_mlp::data::{Dataset, Format, LoadOptions, Loaded, Scale};
use image::{ColorType, ImageFormat};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tempfile::{TempDir, tempdir};

use crate::data::{refusal, says};
use crate::forms::{encoded, load_with};

/// A column to write: its values and, if some are missing, the levels that say which.
pub enum Column {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    OptionalInt64(Vec<i64>, Vec<i16>),
    Bool(Vec<bool>),
    Double(Vec<f64>, Vec<i16>),
    Bytes(Vec<Vec<u8>>, Vec<i16>),
}

pub fn write(path: &Path, schema: &str, groups: &[Vec<Column>], compression: Compression, key: Option<&str>) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let metadata = key.map(|value| vec![KeyValue::new("huggingface".to_owned(), value.to_owned())]);
    let properties =
        WriterProperties::builder().set_compression(compression).set_key_value_metadata(metadata).build();
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    for group in groups {
        let mut rows = writer.next_row_group().unwrap();
        for column in group {
            let mut writer = rows.next_column().unwrap().unwrap();
            fn put<T: DataType>(
                writer: &mut parquet::file::writer::SerializedColumnWriter<'_>,
                values: &[T::T],
                levels: &[i16],
            ) {
                let levels = (!levels.is_empty()).then_some(levels);
                writer.typed::<T>().write_batch(values, levels, None).unwrap();
            }
            match column {
                Column::Int32(values) => put::<Int32Type>(&mut writer, values, &[]),
                Column::Int64(values) => put::<Int64Type>(&mut writer, values, &[]),
                Column::OptionalInt64(values, levels) => put::<Int64Type>(&mut writer, values, levels),
                Column::Bool(values) => put::<BoolType>(&mut writer, values, &[]),
                Column::Double(values, levels) => put::<DoubleType>(&mut writer, values, levels),
                Column::Bytes(values, levels) => {
                    let values: Vec<ByteArray> = values.iter().cloned().map(ByteArray::from).collect();
                    put::<ByteArrayType>(&mut writer, &values, levels);
                }
            }
            writer.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.close().unwrap();
}

fn file() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.bin");
    (folder, path)
}

fn halves() -> LoadOptions {
    LoadOptions { test_fraction: 0.5, ..LoadOptions::default() }
}

fn load(path: &Path) -> Result<Loaded, Error> {
    load_with(path, &halves())
}

pub const TABLE: &str = "message table { required int32 a; optional double b; required int64 label; }";

pub fn table(rows: std::ops::Range<i32>, missing: bool) -> Vec<Column> {
    let count = rows.len();
    let mut levels = vec![1; count];
    let mut doubles: Vec<f64> = rows.clone().map(|i| f64::from(i) * 10.0 + 0.5).collect();
    if missing {
        levels[2] = 0;
        doubles.remove(2);
    }
    let labels = rows.clone().map(|i| i64::from(i % 3)).collect();
    vec![
        Column::Int32(rows.map(|i| 7 * i % 1200).collect()),
        Column::Double(doubles, levels),
        Column::Int64(labels),
    ]
}

#[test]
fn a_table_is_the_same_as_its_csv_in_every_compression() {
    let (folder, path) = file();
    let csv = folder.path().join("set.csv");
    let line = |i: i32| format!("{},{},{}\n", 7 * i % 1200, f64::from(i) * 10.0 + 0.5, i % 3);
    fs::write(&csv, format!("a,b,label\n{}", (0..1200).map(line).collect::<String>())).unwrap();
    let want = load(&csv).unwrap().dataset;
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(Default::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, gzip, Compression::LZ4_RAW] {
        write(&path, TABLE, &[table(0..700, false), table(700..1200, false)], compression, None);
        let Loaded { dataset, notice, .. } = load(&path).unwrap();
        says(
            &notice.unwrap(),
            &["a Parquet file of a table: 1200 rows of 2 values, labels in column `label`"],
        );
        let parts = |set: &Dataset| (set.train.clone(), set.test.clone(), set.preparation.clone());
        assert_eq!(parts(&dataset), parts(&want), "{compression}");
    }
}

pub const IMAGES: &str = "message images {
    optional group image { optional binary bytes; optional binary path (STRING); }
    required int64 label;
}";

/// Images of 2 x 3 whose pixels are 50 times their number, labels that take turns, and the first of them.
pub fn images(count: usize, first: i64) -> Vec<Column> {
    let png = |i: usize| encoded(&[i as u8 * 50; 6], [2, 3], ColorType::L8, ImageFormat::Png);
    vec![
        Column::Bytes((0..count).map(png).collect(), vec![2; count]),
        Column::Bytes((0..count).map(|i| format!("{i}.png").into_bytes()).collect(), vec![2; count]),
        Column::Int64((0..count as i64).map(|i| if i == 0 { first } else { i % 2 }).collect()),
    ]
}

#[test]
fn images_of_a_data_hub_keep_the_names_of_its_classes() {
    let (_folder, path) = file();
    let key = r#"{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["zebra", "ape"], "_type": "ClassLabel"}}}}"#;
    write(&path, IMAGES, &[images(6, 0)], Compression::SNAPPY, Some(key));
    let Loaded { dataset, notice, .. } = load(&path).unwrap();
    says(&notice.unwrap(), &["a Parquet file of images: 6 rows of 2 x 3 pixels, labels in column `label`"]);
    assert_eq!(
        (dataset.image_shape, dataset.train.format(), dataset.train.features()),
        ([2, 3], Format::Bytes, 6)
    );
    assert_eq!(dataset.preparation.class_names, ["zebra", "ape"], "in the order of their numbers");
    for samples in [&dataset.train, &dataset.test] {
        for sample in 0..3 {
            let row = samples.read(&[sample]).unwrap();
            let even = u32::from(row[0] / 50 % 2);
            assert_eq!((row.len(), samples.labels()[sample as usize]), (6, even), "{row:?}");
        }
    }
    write(&path, IMAGES, &[images(6, 0)], Compression::SNAPPY, None);
    assert_eq!(load(&path).unwrap().dataset.preparation.class_names, ["0", "1"]);
    write(&path, IMAGES, &[images(6, 2)], Compression::SNAPPY, Some(key));
    says(
        &refusal(load(&path)),
        &["row 0, from 0, column `label`: the label 2 is not one of the file's 2 names"],
    );
}

#[test]
fn files_that_hold_no_set_are_refused() {
    let (_folder, path) = file();
    let refused = |schema: &str, columns: Vec<Column>, fragments: &[&str]| {
        write(&path, schema, &[columns], Compression::SNAPPY, None);
        let text = refusal(load(&path));
        says(&text, &["set.bin", "hint:"]);
        says(&text, fragments);
    };
    let infinite = Column::Double(vec![1.0, f64::INFINITY, 1e300], vec![1; 3]);
    let columns = vec![Column::Int32(vec![1, 2, 3]), infinite, Column::Int64(vec![0, 1, 0])];
    refused(TABLE, columns, &["row 1, from 0, column `b`: inf is not a finite number"]);
    let unnamed = "message m { required int32 a; required int64 b; }";
    let two = || vec![Column::Int32(vec![1, 2]), Column::Int64(vec![0, 1])];
    let doubt = "it is not clear which column has the labels; columns and their different values in the first 2 rows: `a` (2), `b` (2)";
    refused(unnamed, two(), &[doubt, "label_column"]);
    let times = "message m { required int32 at (TIME_MILLIS); required int64 label; }";
    refused(times, two(), &["column `at` has neither plain numbers, text nor dates", "exclude"]);
    refused(
        "message m { required int64 label; }",
        vec![Column::Int64(vec![1, 2])],
        &["a column of labels and no others"],
    );
    refused(TABLE, table(0..0, false), &["it has no rows with a label"]);
    let mut broken = images(6, 0);
    broken[0] = Column::Bytes(vec![b"GIF89a".to_vec(); 6], vec![2; 6]);
    refused(
        IMAGES,
        broken,
        &["row 0, from 0, column `image.bytes`: these bytes are not a PNG or JPEG image"],
    );
    let mut absent = images(2, 0);
    absent[0] = Column::Bytes(vec![], vec![0, 1]);
    refused(IMAGES, absent, &["row 0, from 0, column `image.bytes`: the image is missing"]);
}

/// Every damage is refused in words, or does not matter; nothing panics.
#[test]
fn damaged_files_never_panic() {
    let (_folder, path) = file();
    let mut damaged = 0;
    for (compression, mask) in [(Compression::UNCOMPRESSED, 0xff), (Compression::SNAPPY, 0x55)] {
        write(&path, TABLE, &[table(0..60, true)], compression, None);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= mask;
            fs::write(&path, &broken).unwrap();
            damaged += usize::from(
                load(&path).map_err(|error| assert_eq!(error.exit_code(), 2, "{error}")).is_err(),
            );
            if at % 7 == 0 {
                fs::write(&path, &whole[..at]).unwrap();
                assert!(load(&path).is_err(), "cut at {at}");
            }
        }
    }
    assert!(damaged > 300, "{damaged}");
}

#[test]
fn labels_that_are_words_are_classes() {
    let (_folder, path) = file();
    let schema = "message m { required double x; required binary kind (STRING); }";
    let words = ["ja", "nein", "ja", "nein"].map(|word| word.as_bytes().to_vec()).to_vec();
    let x = Column::Double(vec![1.0, 20.0, 3.0, 40.0], vec![]);
    write(&path, schema, &[vec![x, Column::Bytes(words, vec![])]], Compression::SNAPPY, None);
    let dataset = load(&path).unwrap().dataset;
    assert_eq!(dataset.preparation.class_names, ["ja", "nein"]);
    let options = LoadOptions { label_column: Some("absent".into()), ..halves() };
    says(&refusal(load_with(&path, &options)), &["it has no column `absent`; it has 2 columns: x, kind"]);
}

#[test]
fn dates_and_timestamps_become_days_and_parts() {
    let (_folder, path) = file();
    let schema = "message m { required int32 day (DATE); optional int64 at (TIMESTAMP_MICROS); required int64 label; }";
    let at = |day: i64, hour: i64| (day * 24 + hour) * 3_600_000_000;
    let columns = vec![
        Column::Int32(vec![19_783, 19_781, 19_786, 20_147]),
        Column::OptionalInt64(vec![at(0, 6), at(0, 18), at(1, 0)], vec![1, 1, 0, 1]),
        Column::Int64(vec![0, 1, 0, 1]),
    ];
    write(&path, schema, &[columns], Compression::SNAPPY, None);
    let options = LoadOptions { test_fraction: 0.0, scale: Scale::None, ..LoadOptions::default() };
    let loaded = load_with(&path, &options).unwrap();
    says(&crate::data::lines(&loaded.notes), &["dates become the days since the first", "`day`, `at`"]);
    let schema = loaded.dataset.preparation.schema.as_ref().unwrap();
    assert_eq!(
        schema.features(),
        ["day: days", "day: month", "day: weekday", "at: days", "at: weekday", "at: hour", "at is missing"]
    );
    let inputs = loaded.dataset.train.inputs(&[0, 1, 2]).unwrap();
    assert_eq!(inputs.row(0), [2.0, 3.0, 4.0, 0.0, 3.0, 6.0, 0.0]);
    assert_eq!(inputs.row(1), [0.0, 2.0, 2.0, 0.5, 3.0, 18.0, 0.0]);
    let mean = inputs.row(2)[3];
    assert!((mean - (0.5 + 0.75) / 3.0).abs() < 1e-6 && inputs.row(2)[6] == 1.0, "{:?}", inputs.row(2));
    // The same model reads them from text.
    let csv = path.with_extension("csv");
    std::fs::write(&csv, "at,day,label\n1970-01-01 06:00,2024-03-01,0\n1970-01-02,2024-02-28,1\n").unwrap();
    let preparation = loaded.dataset.preparation.clone();
    let fitted = gpu_mlp::data::Fitted { preparation: &preparation, inputs: 7, whole: true };
    let request = gpu_mlp::data::Request { data: csv.to_str(), fitted: Some(fitted), ..Default::default() };
    let other = gpu_mlp::data::load_from(request, &gpu_mlp::data::Places::default()).unwrap().dataset;
    assert_eq!(other.test.inputs(&[0]).unwrap().row(0), inputs.row(0));
}

#[test]
fn words_truths_and_missing_values_become_inputs() {
    let (_folder, path) = file();
    let schema =
        "message m { required int64 __index_level_0__; optional binary colour (STRING); required boolean new;
                  optional double size; optional int64 label; }";
    let words = ["red", "blue", "red"].map(|word| word.as_bytes().to_vec()).to_vec();
    let columns = vec![
        Column::Int64(vec![7, 3, 5, 9]),
        Column::Bytes(words, vec![1, 1, 0, 1]),
        Column::Bool(vec![true, false, true, true]),
        Column::Double(vec![1.5, 2.5, 3.5], vec![1, 0, 1, 1]),
        Column::OptionalInt64(vec![0, 1, 1], vec![1, 1, 0, 1]),
    ];
    write(&path, schema, &[columns], Compression::SNAPPY, None);
    let options = LoadOptions { test_fraction: 0.0, scale: Scale::None, ..LoadOptions::default() };
    let loaded = load_with(&path, &options).unwrap();
    let schema = loaded.dataset.preparation.schema.as_ref().unwrap();
    assert_eq!(schema.features(), ["colour=blue", "colour=red", "new", "size", "size is missing"]);
    let inputs = loaded.dataset.train.inputs(&[0, 1, 2]).unwrap();
    assert_eq!(inputs.row(0), [0.0, 1.0, 1.0, 1.5, 0.0]);
    assert_eq!(inputs.row(1), [1.0, 0.0, 0.0, 2.5, 1.0], "the mean of the rows that have a label");
    assert_eq!(inputs.row(2), [0.0, 1.0, 1.0, 3.5, 0.0]);
    let said = crate::data::lines(&loaded.notes);
    says(&said, &["1 row without a label is left out", "left out: `__index_level_0__`", "1 missing value"]);
}
