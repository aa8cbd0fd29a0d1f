//! Tables in Parquet are read by the rules of text tables, however they are written.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gpu_mlp::data::{LoadOptions, TableOptions};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use tempfile::tempdir;

use crate::data::{lines, says};
use crate::forms::{encoded, load_with};
use crate::parquet::{Column, IMAGES, images, write};
use crate::program::Place;

const ROWS: i64 = 90;

/// A column by its name: as text, and as Parquet has it.
fn column(name: &str) -> (Vec<String>, &'static str, Column) {
    let rows = || 0..ROWS;
    let whole = |of: fn(i64) -> i64| {
        let values: Vec<i64> = rows().map(of).collect();
        (values.iter().map(i64::to_string).collect(), "int64", Column::Int64(values))
    };
    let text = |of: &dyn Fn(i64) -> String| {
        let texts: Vec<String> = rows().map(of).collect();
        let bytes = texts.iter().map(|text| text.clone().into_bytes()).collect();
        (texts, "binary", Column::Bytes(bytes, vec![]))
    };
    match name {
        "few" => whole(|row| row % 3),
        "default" => whole(|row| row % 2),
        "many" => whole(|row| 7 * row % 83),
        "more" | "price" => whole(|row| 100 + 37 * row % 89),
        "truth" => {
            let values: Vec<bool> = rows().map(|row| row % 3 == 0).collect();
            (values.iter().map(bool::to_string).collect(), "boolean", Column::Bool(values))
        }
        "marked" => text(&|row| ["ja", "nein", "-"][row as usize % 3].to_owned()),
        _ => text(&|row| format!("{}{}", &name[..1], row % 4)),
    }
}

/// The same table as CSV and as Parquet.
fn both(folder: &Path, columns: &[&str]) -> [std::path::PathBuf; 2] {
    let paths = [folder.join("table.csv"), folder.join("table.parquet")];
    let (mut csv, mut schema, mut values) = (columns.join(","), "message m {".to_owned(), Vec::new());
    let all: Vec<_> = columns.iter().map(|name| column(name)).collect();
    for row in 0..ROWS as usize {
        let cells: Vec<&str> = all.iter().map(|(texts, ..)| texts[row].as_str()).collect();
        csv += &format!("\n{}", cells.join(","));
    }
    for (name, (_, kind, column)) in columns.iter().zip(all) {
        let is_text = if kind == "binary" { "(UTF8)" } else { "" };
        schema += &format!(" required {kind} {name} {is_text};");
        values.push(column);
    }
    fs::write(&paths[0], csv).unwrap();
    write(&paths[1], &(schema + "}"), &[values], Compression::SNAPPY, None);
    paths
}

/// The columns, the label column asked for, the columns left out, and what is said.
type Case<'a> = (&'a [&'a str], Option<&'a str>, Option<&'a str>, &'a str);

#[test]
fn a_table_gives_the_same_answer_as_csv_and_as_parquet() {
    let folder = tempdir().unwrap();
    let options = |label: Option<&str>, exclude: Option<&str>| LoadOptions {
        label_column: label.map(str::to_owned),
        table: TableOptions { exclude: exclude.map(str::to_owned), ..TableOptions::default() },
        test_fraction: 0.0,
        ..LoadOptions::default()
    };
    let cases: [Case<'_>; 14] = [
        // In doubt: which one is an error that lists them.
        (&["many", "more"], None, None, "`many` (83), `more` (89)"),
        (&["colour", "many", "size"], None, None, "`colour` (4, words), `many` (83), `size` (4, words)"),
        (&["default", "many", "few"], None, None, "`default` (2), `many` (83), `few` (3)"),
        (&["price", "few"], None, None, "not clear which column has the labels"),
        // Clear.
        (&["many", "few"], None, None, "labels in column `few`"),
        (&["many", "few", "colour"], None, None, "labels in column `colour`"),
        (&["few", "default"], None, None, "labels in column `default`"),
        (&["many", "few", "default"], None, Some("default"), "labels in column `few`"),
        (&["price", "many", "size"], None, Some("2"), "labels in column `price`"),
        (&["many", "truth"], Some("truth"), None, "labels in column `truth`"),
        (&["few", "many"], Some("-2"), None, "labels in column `few`"),
        (&["few", "many"], Some("FEW"), None, "labels in column `few`"),
        (&["few", "many"], Some("absent"), None, "it has no column `absent`; it has 2 columns: few, many"),
        (&["many", "marked"], None, None, "taken for missing labels, as the other labels look: `-`"),
    ];
    for (columns, label, exclude, words) in cases {
        let [csv, parquet] = both(folder.path(), columns).map(|path| {
            let name = path.display().to_string();
            match load_with(&path, &options(label, exclude)) {
                Ok(loaded) => {
                    let set = loaded.dataset;
                    let said = format!("{}\n{}", loaded.notice.unwrap(), lines(&loaded.notes));
                    let said = said.replace("a Parquet file of a table", "a text table");
                    (said.replace(&name, "FILE"), Some((set.preparation, set.train)))
                }
                Err(error) => (error.to_string().replace(&name, "FILE"), None),
            }
        });
        says(&csv.0, &[words]);
        assert_eq!(parquet, csv, "{columns:?}");
    }
}

#[test]
fn words_for_missing_values_are_remembered_with_the_model() {
    let folder = tempdir().unwrap();
    let table = TableOptions { na_values: Some("c1".to_owned()), ..TableOptions::default() };
    let label_column = Some("few".to_owned());
    let options = LoadOptions { table, label_column, test_fraction: 0.0, ..LoadOptions::default() };
    let schemas = both(folder.path(), &["many", "colour", "few"])
        .map(|path| load_with(&path, &options).unwrap().dataset.preparation.schema.unwrap());
    assert_eq!(schemas[0].na_values, ["c1"]);
    assert_eq!(schemas[0], schemas[1]);
}

/// Newer writers pack texts by their lengths, and by what they share with those before.
#[test]
fn texts_are_the_same_in_every_encoding() {
    let folder = tempdir().unwrap();
    let rows = 1200_usize;
    let word = |row: usize| ["red", "reddish", "", "blue", "bluish green"][(row + row / 7) % 5];
    let want: Vec<&str> = vec!["blue", "bluish green", "red", "reddish"];
    let encodings = [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for encoding in encodings {
            let path = folder.path().join("texts.parquet");
            let schema =
                "message m { required int64 x; optional binary colour (UTF8); required int64 label; }";
            let properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_dictionary_enabled(false)
                .set_data_page_row_count_limit(500)
                .set_write_batch_size(100)
                .set_column_encoding(ColumnPath::from("colour"), encoding)
                .set_compression(Compression::SNAPPY)
                .build();
            let schema = Arc::new(parse_message_type(schema).unwrap());
            let file = fs::File::create(&path).unwrap();
            let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
            let mut group = writer.next_row_group().unwrap();
            for leaf in 0..3 {
                let mut column = group.next_column().unwrap().unwrap();
                if leaf == 1 {
                    let there = (0..rows).filter(|&row| !word(row).is_empty());
                    let values: Vec<ByteArray> = there.map(|row| ByteArray::from(word(row))).collect();
                    let levels: Vec<i16> = (0..rows).map(|row| i16::from(!word(row).is_empty())).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
                } else {
                    let values: Vec<i64> =
                        (0..rows as i64).map(|row| row * (2 - leaf) % 7 + row % 2).collect();
                    column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
                }
                column.close().unwrap();
            }
            group.close().unwrap();
            writer.close().unwrap();
            let options = LoadOptions { test_fraction: 0.0, ..LoadOptions::default() };
            let loaded = load_with(&path, &options).unwrap();
            let schema = loaded.dataset.preparation.schema.unwrap();
            let names: Vec<String> = want.iter().map(|colour| format!("colour={colour}")).collect();
            assert_eq!(schema.features()[1..5], names, "{encoding} {version:?}");
            let inputs = loaded.dataset.train.inputs(&(0..rows as u32).collect::<Vec<_>>()).unwrap();
            for row in (0..rows).filter(|&row| !word(row).is_empty()) {
                let own: Vec<bool> = want.iter().map(|colour| *colour == word(row)).collect();
                let got: Vec<bool> = inputs.row(row)[1..5].iter().map(|&value| value == 1.0).collect();
                assert_eq!(got, own, "{encoding} {version:?}: row {row}");
            }
        }
    }
}

#[test]
fn a_folder_of_files_is_predicted_as_they_are_one_by_one() {
    let place = Place::new();
    let two = || images(6, 0);
    fs::create_dir_all(place.path("shards/more")).unwrap();
    for name in ["set.parquet", "shards/b.parquet", "shards/a.parquet", "shards/more/c.PARQUET"] {
        write(&place.path(name), IMAGES, &[two()], Compression::SNAPPY, None);
    }
    fs::write(place.path("shards/README.md"), "a set").unwrap();
    fs::write(place.path("shards/._a.parquet"), "of an archive").unwrap();
    let mut columns = two();
    let Column::Bytes(files, _) = &mut columns[0] else { unreachable!() };
    files[4] = encoded(&[200; 24], [4, 6], image::ColorType::L8, image::ImageFormat::Png);
    write(&place.path("sizes.parquet"), IMAGES, &[columns], Compression::SNAPPY, None);
    let train = ["train", "--backend", "cpu", "--hidden", "4", "--epochs", "1", "--test-fraction", "0"];
    let ran = place.run(&[&train[..], &["--data", "sizes.parquet", "--out", "sized"]].concat());
    says(&ran.err, &["(--resize WxH chooses another)"]);
    place.run(&[&train[..], &["--data", "set.parquet", "--out", "run"]].concat()).ok();
    let ran = place.run(&["predict", "run", "shards", "--json"]);
    says(&ran.err, &["shards: 1 file left out: only Parquet is answered"]);
    let inputs: Vec<String> =
        ran.lines().iter().map(|line| line["input"].as_str().unwrap().replace('\\', "/")).collect();
    let want = ["shards/a.parquet", "shards/b.parquet", "shards/more/c.PARQUET"];
    assert_eq!(inputs, want.iter().flat_map(|name| [*name; 6]).collect::<Vec<_>>());
    fs::create_dir(place.path("none")).unwrap();
    place.run(&["predict", "run", "none"]).fails(2, &["no image and no Parquet file in this folder"]);
}
