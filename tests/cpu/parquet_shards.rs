//! Parquet as people have it: sets in several files as data hubs lay them out, and files whose rows are to be predicted.

use std::fs;
use std::path::Path;

use gpu_mlp::data::{LoadOptions, Loaded, PictureOptions};
use image::{ColorType, ImageFormat};
use parquet::basic::Compression;
use serde_json::Value;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::{encoded, load, load_with};
use crate::parquet::{Column, IMAGES, TABLE, images, table, write};
use crate::program::Place;

fn shard(path: &Path, rows: std::ops::Range<i32>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(path, TABLE, &[table(rows, false)], Compression::SNAPPY, None);
}

#[test]
fn the_files_of_a_hub_are_one_set_wherever_they_lie() {
    let folder = tempdir().unwrap();
    let csv = folder.path().join("csv");
    fs::create_dir(&csv).unwrap();
    let line = |i: i32| format!("{},{},{}\n", 7 * i % 1200, f64::from(i) * 10.0 + 0.5, i % 3);
    for (name, rows) in [("train", 0..1200), ("test", 1200..1500), ("val", 1500..1600)] {
        let text = format!("a,b,label\n{}", rows.map(line).collect::<String>());
        fs::write(csv.join(format!("{name}.csv")), text).unwrap();
    }
    let want = load(&csv).unwrap().dataset;
    let layouts = [
        [
            "train-00000-of-00002.parquet",
            "train-00001-of-00002.parquet",
            "test-00000-of-00001.parquet",
            "validation.parquet",
        ],
        ["data/train-0-a09b.parquet", "data/train-1-c1.parquet", "data/test-0.parquet", "data/val-0.parquet"],
        [
            "plain/train/0000.parquet",
            "plain/train/0001.parquet",
            "plain/test/0000.parquet",
            "plain/valid/0.parquet",
        ],
    ];
    for (at, [first, second, test, validation]) in layouts.into_iter().enumerate() {
        let set = folder.path().join(format!("set{at}"));
        shard(&set.join(first), 0..700);
        shard(&set.join(second), 700..1200);
        shard(&set.join(test), 1200..1500);
        shard(&set.join(validation), 1500..1600);
        fs::write(set.join("README.md"), "a set").unwrap();
        let Loaded { dataset, notice, .. } = load(&set).unwrap();
        says(&notice.unwrap(), &["a folder with 2 Parquet files of a table: 1200 rows of 2 values"]);
        let parts = |set: &gpu_mlp::data::Dataset| {
            (set.train.clone(), set.validation.clone(), set.test.clone(), set.preparation.clone())
        };
        assert_eq!(parts(&dataset), parts(&want), "{first}");
    }
    // Other files of the set are left out, and that is said.
    shard(&folder.path().join("set0/train_extra-0.parquet"), 0..10);
    says(
        &crate::data::lines(&load(&folder.path().join("set0")).unwrap().notes),
        &["left out: train_extra-0.parquet"],
    );
    // Without the names of parts all files are one set.
    let unnamed = folder.path().join("unnamed");
    shard(&unnamed.join("part-0-aa.snappy.parquet"), 0..700);
    shard(&unnamed.join("part-1-bb.snappy.parquet"), 700..1200);
    let dataset = load(&unnamed).unwrap().dataset;
    assert_eq!(dataset.train.len() + dataset.test.len(), 1200);
}

#[test]
fn files_of_a_set_have_the_same_columns_and_its_test_files_may_lack_labels() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    shard(&path("train-0.parquet"), 0..60);
    let unlabelled = "message m { required int32 a; optional double b; }";
    let mut columns = table(60..80, false);
    columns.pop();
    write(&path("test-0.parquet"), unlabelled, &[columns], Compression::SNAPPY, None);
    let Loaded { dataset, notes, .. } = load(folder.path()).unwrap();
    says(&crate::data::lines(&notes), &["test-0.parquet has no labels, so it is left out"]);
    assert_eq!(dataset.train.len() + dataset.test.len(), 60);
    let renamed = TABLE.replace("double b", "double c");
    write(&path("train-1.parquet"), &renamed, &[table(60..80, false)], Compression::SNAPPY, None);
    let text = refusal(load(folder.path()));
    says(
        &text,
        &["train-1.parquet", "column 1, from 0, is `c` (numbers), but in", "train-0.parquet it is `b`"],
    );
    // A wrong value is where it stands in its own file.
    shard(&path("train-1.parquet"), 60..80);
    let infinite = vec![
        Column::Int32(vec![1, 2]),
        Column::Double(vec![1.0, f64::INFINITY], vec![1; 2]),
        Column::Int64(vec![0, 1]),
    ];
    write(&path("train-2.parquet"), TABLE, &[infinite], Compression::SNAPPY, None);
    says(&refusal(load(folder.path())), &["train-2.parquet: row 1, from 0, column `b`: inf"]);
}

fn answers(place: &Place, args: &[&str]) -> (Vec<Value>, String) {
    let ran = place.run(&[&["predict", "run"], args, &["--json"]].concat());
    let err = ran.err.clone();
    let mut lines = ran.lines();
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("input")));
    (lines, err)
}

#[test]
fn rows_of_a_table_are_predicted_as_those_of_its_csv() {
    let place = Place::new();
    let colour = |i: i32| if i % 3 == 0 { "red" } else { "blue" };
    let line = |i: i32| format!("{},{},{},{}\n", i % 40, f64::from(i % 17) / 4.0, colour(i), i % 3);
    fs::write(place.path("set.csv"), format!("a,b,colour,label\n{}", (0..90).map(line).collect::<String>()))
        .unwrap();
    let words = (0..90).map(|i| colour(i).as_bytes().to_vec()).collect();
    let schema = "message m { required int64 nr; required int64 label; optional binary colour (STRING); optional double b; required int32 a; }";
    let columns = vec![
        Column::Int64((1000..1090).collect()),
        Column::Int64((0..90).map(|i| i % 3).collect()),
        Column::Bytes(words, vec![1; 90]),
        Column::Double((0..90).map(|i| f64::from(i % 17) / 4.0).collect(), vec![1; 90]),
        Column::Int32((0..90).map(|i| i % 40).collect()),
    ];
    write(&place.path("rows.parquet"), schema, &[columns], Compression::SNAPPY, None);
    let train =
        ["train", "--backend", "cpu", "--data", "set.csv", "--hidden", "5", "--epochs", "3", "--out", "run"];
    place.run(&train).ok();
    let (want, _) = answers(&place, &["set.csv"]);
    for batch in ["1", "7", "1024"] {
        let (got, said) = answers(&place, &["rows.parquet", "--batch-size", batch]);
        assert_eq!(got, want, "{batch}");
        says(
            &said,
            &[
                "`label` is left out: the model predicts it",
                "left out, since the model does not have them: `nr`",
            ],
        );
    }
    let submission = place.run(&["predict", "run", "rows.parquet", "--submission", "NR,answer"]).ok();
    assert!(submission.starts_with("NR,answer\n1000,"), "{submission}");
    let measured = |data: &str| {
        let mut line =
            place.run(&["eval", "run", "--backend", "cpu", "--data", data, "--json"]).lines().remove(0);
        line.as_object_mut().unwrap().remove("data");
        line
    };
    assert_eq!(measured("rows.parquet"), measured("set.csv"));
    // What comes before a wrong value is answered.
    let schema = "message m { optional double b; required int32 a; required binary colour (STRING); }";
    let columns = vec![
        Column::Double(vec![1.0, f64::INFINITY], vec![1; 2]),
        Column::Int32(vec![1, 2]),
        Column::Bytes(vec![b"red".to_vec(); 2], vec![]),
    ];
    write(&place.path("bad.parquet"), schema, &[columns], Compression::SNAPPY, None);
    let ran = place.run(&["predict", "run", "bad.parquet", "--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(2), 1), "{ran:?}");
    says(&ran.err, &["bad.parquet: row 1, from 0, column `b`"]);
    let mut piped = place.command(&["predict", "run", "-"]);
    piped.stdin(fs::File::open(place.path("rows.parquet")).unwrap());
    crate::program::Ran::from(piped.output().unwrap())
        .fails(2, &["cannot be read as a stream", "name the file"]);
}

#[test]
fn images_of_other_sizes_are_stretched_broken_ones_may_be_skipped_and_all_are_predicted() {
    let place = Place::new();
    let mut columns = images(6, 0);
    let Column::Bytes(files, _) = &mut columns[0] else { unreachable!() };
    files[4] = encoded(&[200; 24], [4, 6], ColorType::L8, ImageFormat::Png);
    write(&place.path("set.parquet"), IMAGES, &[columns], Compression::SNAPPY, None);
    let whole = LoadOptions { test_fraction: 0.0, ..LoadOptions::default() };
    let Loaded { dataset, notes, .. } = load_with(&place.path("set.parquet"), &whole).unwrap();
    says(
        &crate::data::lines(&notes),
        &["images have 2 sizes: all are stretched to 2 x 3 pixels, which 5 of 6 have"],
    );
    assert_eq!((dataset.train.len(), dataset.train.read(&[4]).unwrap()), (6, vec![200; 6]));
    let mut columns = images(6, 0);
    let Column::Bytes(files, _) = &mut columns[0] else { unreachable!() };
    files[2].truncate(40);
    write(&place.path("broken.parquet"), IMAGES, &[columns], Compression::SNAPPY, None);
    says(&refusal(load(&place.path("broken.parquet"))), &["row 2, from 0", "skip_broken"]);
    let pictures = PictureOptions { skip_broken: true, ..PictureOptions::default() };
    let Loaded { dataset, notes, .. } =
        load_with(&place.path("broken.parquet"), &LoadOptions { pictures, ..whole }).unwrap();
    says(&crate::data::lines(&notes), &["1 broken image is left out; the first: ", "row 2"]);
    assert_eq!(dataset.train.labels(), [0, 1, 1, 0, 1], "each keeps its own label");
    assert_eq!((0..5).map(|sample| dataset.train.origin(sample)).collect::<Vec<_>>(), [0, 1, 3, 4, 5]);
    // Two images that claim to be huge do not make the others so.
    let mut columns = images(3, 0);
    let Column::Bytes(files, _) = &mut columns[0] else { unreachable!() };
    for (png, side) in files[1..].iter_mut().zip([60_000_u32, 70_000]) {
        png[16..24].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    }
    write(&place.path("huge.parquet"), IMAGES, &[columns], Compression::SNAPPY, None);
    says(&refusal(load(&place.path("huge.parquet"))), &["row 1", "60000 x 60000 pixels is too large"]);
    let train = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "set.parquet",
        "--hidden",
        "4",
        "--epochs",
        "2",
        "--out",
        "run",
    ];
    place.run(&[&train[..], &["--test-fraction", "0"]].concat()).ok();
    let (lines, _) = answers(&place, &["set.parquet"]);
    let rows: Vec<u64> = lines.iter().map(|line| line["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5]);
    assert_eq!(lines[4]["prepared"], "stretched from 4 x 6 to 2 x 3 pixels");
    assert_eq!(lines[5]["prepared"], "taken as it is");
    place.run(&["eval", "run", "--backend", "cpu", "--predictions", "p.csv"]).ok();
    let predicted: Vec<String> =
        place.text("p.csv").lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect();
    let classes: Vec<&str> = lines.iter().map(|line| line["class"].as_str().unwrap()).collect();
    assert_eq!(classes, predicted);
}
