//! Tables and arrays as people write them, each of which was once taken for something else: the right reading, or a refusal
//! with its reason and its remedy.

use std::fs;

use gpu_mlp::Error;
use gpu_mlp::data::{LoadOptions, Loaded, Scaling};
use gpu_mlp::network::Task;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::{array, load_with, write_npz};
use crate::program::Place;

fn load(text: &str) -> Result<Loaded, Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.csv");
    fs::write(&path, text).unwrap();
    load_with(&path, &LoadOptions::default())
}

/// So many rows, each from its number.
fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(|i| row(i) + "\n").collect()
}

/// A number with a fraction, between -1 and 1, that looks drawn.
fn drawn(i: usize, column: usize) -> f64 {
    ((i * 7919 + column * 104_729) % 2003) as f64 / 1001.5 - 1.0
}

/// Samples of all parts, inputs, classes.
#[track_caller]
fn has(loaded: &Loaded, samples: usize, inputs: usize, classes: usize) {
    let set = &loaded.dataset;
    assert_eq!(
        (set.train.len() + set.test.len(), set.train.features(), set.classes),
        (samples, inputs, classes)
    );
    assert_eq!(set.preparation.task(), Task::Classification);
}

#[test]
fn values_that_are_all_small_are_scaled() {
    for size in [0.012, 1e-4] {
        let returns = rows(200, |i| format!("{:.7},{:.7},{}", size * drawn(i, 0), size * drawn(i, 1), i % 2));
        let loaded = load(&format!("r1,r2,label\n{returns}")).unwrap();
        has(&loaded, 200, 2, 2);
        let Scaling::Columns { factor, .. } = &loaded.dataset.preparation.scaling else {
            panic!("size {size}")
        };
        assert!(factor.iter().all(|factor| (1.5..2.0).contains(&(factor * size))), "{factor:?}");
    }
}

#[test]
fn columns_are_known_by_their_names() {
    let place = Place::new();
    let row = |i: usize| (50.0 + 10.0 * drawn(i, 0), drawn(i, 1), 500.0 + 500.0 * drawn(i, 2));
    let class = |i: usize| if drawn(i, 0) + drawn(i, 1) > 0.0 { "yes" } else { "no" };
    let of = |i: usize| {
        let (age, score, income) = row(i);
        format!("{age:.2},{score:.3},{income:.1},{}", class(i))
    };
    let other = |i: usize| {
        let (age, score, income) = row(i + 400);
        format!("{income:.1},{},{score:.3},{age:.2}", class(i + 400))
    };
    fs::write(place.path("train.csv"), format!("age,score,income,target\n{}", rows(400, of))).unwrap();
    fs::write(place.path("other.csv"), format!("income,target,score,age\n{}", rows(100, other))).unwrap();
    let id = rows(100, |i| format!("{i},{:.2},{:.3}", row(i).0, row(i).1));
    fs::write(place.path("id.csv"), format!("id,age,score\n{id}")).unwrap();
    let options =
        ["--hidden", "16", "--optimizer", "adam", "--lr", "0.01", "--batch-size", "16", "--epochs", "15"];
    let train = ["train", "--backend", "cpu", "--data", "train.csv", "--out", "run", "--quiet"];
    place.run(&[&train[..], &options].concat()).ok();
    let eval =
        place.run(&["eval", "run", "--data", "other.csv", "--backend", "cpu", "--json"]).lines().remove(0);
    assert!(eval["accuracy"].as_f64().unwrap() > 0.95 && eval["samples"] == 100, "{eval}");
    for command in [&["eval", "run", "--data", "id.csv"][..], &["predict", "run", "id.csv"]] {
        place.run(command).fails(2, &["id.csv", "it lacks the column `income`", "hint: "]);
    }
    // What a model has is not chosen again.
    for option in
        [&["--columns", "age"][..], &["--exclude", "age"], &["--scale", "minmax"], &["--task", "regression"]]
    {
        let ran = place.run(&[&["eval", "run", "--data", "other.csv"], option].concat());
        ran.fails(2, &[option[0], "a trained model knows its columns", "leave"]);
    }
    // A column that was left out need not be in the other table.
    fs::write(
        place.path("with.csv"),
        format!("id,age,score,income,target\n{}", rows(400, |i| format!("x{},{}", i % 3, of(i)))),
    )
    .unwrap();
    let train = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "with.csv",
        "--exclude",
        "id",
        "--test-data",
        "other.csv",
        "--dry-run",
    ];
    place.run(&[&train[..], &["--quiet", "--batch-size", "16", "--out", "dry"]].concat()).ok();
}

#[test]
fn names_of_columns_may_be_numbers() {
    let number =
        |i: usize| format!("{:.2},{:.2},{:.2},{:.2}", drawn(i, 0), drawn(i, 1), drawn(i, 2), drawn(i, 3));
    let kinds = ["ant", "bee", "cat"];
    let text = rows(150, |i| format!("{},{}", number(i), kinds[i % 3]));
    has(&load(&format!("0,1,2,3,kind\n{text}")).unwrap(), 150, 4, 3);
    let text = rows(150, |i| format!("{},{}", number(i), i % 3));
    has(&load(&format!("0,1,2,3,4\n{text}")).unwrap(), 150, 4, 3);
    let refused = refusal(load(&format!("0,1,2,3\n{}", rows(150, number))));
    says(
        &refused,
        &["it is not clear which column has the labels", "`0` (", "label_column; -1 is the last column"],
    );
}

#[test]
fn without_a_header_the_label_is_last() {
    let counts =
        rows(300, |i| format!("{},{},{},{}", i * 7 % 12, 60 + i * 31 % 140, 21 + i * 13 % 59, i % 2));
    let loaded = load(&counts).unwrap();
    has(&loaded, 300, 3, 2);
    says(&loaded.notice.unwrap(), &["labels in column 3, from 0, without a header"]);
    let binary_first =
        rows(300, |i| format!("{},{:.3},{:.3},{}", i * 7 % 2, drawn(i, 0), drawn(i, 1), i / 3 % 2));
    says(&load(&binary_first).unwrap().notice.unwrap(), &["labels in column 3"]);
}

#[test]
fn rows_without_a_label_are_no_class() {
    for word in ["NA", "?", "NULL", "None", "NaN", ""] {
        let text = rows(100, |i| {
            let label = if i % 10 == 3 { word.to_owned() } else { (i % 2).to_string() };
            format!("{:.3},{:.3},{label}", drawn(i, 0), drawn(i, 1))
        });
        let loaded = load(&format!("a,b,label\n{text}")).unwrap();
        has(&loaded, 90, 2, 2);
        says(&crate::data::lines(&loaded.notes), &["10 rows without a label are left out"]);
    }
}

#[test]
fn the_only_words_need_not_be_the_label() {
    let text =
        rows(200, |i| format!("{},{:.2},{}", ["male", "female"][i % 2], 30.0 + 9.0 * drawn(i, 0), i / 2 % 2));
    let loaded = load(&format!("sex,fare,survived\n{text}")).unwrap();
    has(&loaded, 200, 3, 2);
    says(&loaded.notice.unwrap(), &["labels in column `survived`"]);
}

#[test]
fn a_count_to_be_predicted_has_to_be_named() {
    let text =
        rows(500, |i| format!("{},{},{:.2},{}", 1 + i % 4, i % 24, 20.0 + 5.0 * drawn(i, 0), i * 7919 % 463));
    let text = format!("season,hour,temp,count\n{text}");
    says(
        &refusal(load(&text)),
        &["not clear which column has the labels", "`count` (463)", "label_column; -1"],
    );
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("set.csv"), text).unwrap();
    let named = LoadOptions { label_column: Some("-1".into()), ..LoadOptions::default() };
    let loaded = load_with(&folder.path().join("set.csv"), &named).unwrap();
    assert_eq!(loaded.dataset.preparation.task(), Task::Regression);
}

#[test]
fn bytes_that_are_low_are_scaled_by_their_largest() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let pixels: Vec<u8> = (0..40 * 64).map(|i| u8::from(i * 7 % 5 == 0)).collect();
    let labels: Vec<u8> = (0..40).map(|i| i % 4).collect();
    for (descr, high) in [("|u1", 1_u8), ("|u1", 16), ("<f4", 1)] {
        let values: Vec<u8> = match descr {
            "|u1" => pixels.iter().map(|pixel| pixel * high).collect(),
            _ => pixels.iter().flat_map(|&pixel| f32::from(pixel).to_le_bytes()).collect(),
        };
        write_npz(&path, &[("X", array(descr, &[40, 8, 8], &values)), ("y", array("|u1", &[40], &labels))]);
        let loaded = load_with(&path, &LoadOptions::default()).unwrap();
        has(&loaded, 40, 64, 4);
        let all: Vec<u32> = (0..loaded.dataset.train.len() as u32).collect();
        let inputs = loaded.dataset.train.inputs(&all).unwrap();
        let highest = inputs.data().iter().copied().fold(0.0, f64::max);
        assert_eq!(highest, 1.0, "{descr} up to {high}");
    }
}

#[test]
fn every_way_to_write_numbers_is_read() {
    let plain = rows(60, |i| format!("{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), i % 2));
    let want = load(&format!("a,b,label\n{plain}")).unwrap().dataset.train;
    for text in [
        format!("a;b;label\n{}", plain.replace(',', ";").replace('.', ",")),
        plain.replace(',', "  "),
        format!("# written by a logger\na,b,label\n{plain}"),
        format!("sep=;\na;b;label\n{}", plain.replace(',', ";")),
        format!("a,b,label,\n{}", plain.replace('\n', ",\n")),
    ] {
        let loaded = load(&text).unwrap();
        assert_eq!(loaded.dataset.train, want, "{}", &text[..80]);
    }
}

#[test]
fn a_training_says_what_may_be_wrong_with_it() {
    let place = Place::new();
    let text = rows(60, |i| format!("{:.3},{:.3},{}", 900.0 * drawn(i, 0), 500.0 * drawn(i, 1), i % 2));
    fs::write(place.path("set.csv"), format!("a,b,label\n{text}")).unwrap();
    let train = |more: &[&str]| {
        let small = ["--hidden", "8", "--batch-size", "8", "--epochs", "2", "--overwrite", "--out", "run"];
        place.run(&[&["train", "--backend", "cpu", "--data", "set.csv", "--json"], &small[..], more].concat())
    };
    let raw = train(&["--scale", "none", "--lr", "1e-6"]);
    says(&raw.err, &["the values are not scaled and reach 900", "training is likely to diverge"]);
    let absurd = train(&["--scale", "none", "--lr", "0.1"]);
    says(
        &absurd.err,
        &[
            "the training loss is",
            "every class as likely as another would give 0.6931",
            "another learning rate",
        ],
    );
    let sound = train(&[]);
    assert!(!sound.err.contains("diverge") && !sound.err.contains("learning rate"), "{sound:?}");
}

/// The label column of a table, or the refusal.
fn label(header: &str, row: impl Fn(usize) -> String) -> Result<String, String> {
    match load(&format!("{header}\n{}", rows(120, row))) {
        Ok(loaded) => {
            let notice = loaded.notice.unwrap();
            Ok(notice.split("labels in column `").nth(1).unwrap().split('`').next().unwrap().to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_column_of_words_is_not_the_label_where_a_quantity_may_be() {
    let city = |i: usize| ["Rome", "Oslo", "Bonn"][i * 7 % 3];
    let price = |i: usize| 100 + i * 7919 % 997;
    let size = |i: usize| 40.0 + 10.0 * drawn(i, 0);
    assert_eq!(
        label("size,city,price", |i| format!("{},{},{}", size(i), city(i), price(i))),
        Ok("price".into())
    );
    assert_eq!(
        label("Price,city,size", |i| format!("{},{},{}", price(i), city(i), size(i))),
        Ok("Price".into())
    );
    assert_eq!(
        label("city,size,width", |i| format!("{},{},{}", city(i), size(i), drawn(i, 1))),
        Ok("city".into())
    );
    // A price beside classes that are last, and words in the middle: either may be wanted.
    for (header, words_last) in [("size,price,city", true), ("size,city,cost", false)] {
        let row = |i: usize| match words_last {
            true => format!("{},{},{}", size(i), price(i), city(i)),
            false => format!("{},{},{}", size(i), city(i), price(i)),
        };
        says(
            &label(header, row).unwrap_err(),
            &["not clear which column has the labels", "`city` (3, words)"],
        );
    }
    // A price of few values is no quantity that is wanted, and what is excluded is no label.
    assert_eq!(label("price,size,kind", |i| format!("{},{},{}", i % 5, size(i), i % 2)), Ok("kind".into()));
    let place = Place::new();
    let text = rows(120, |i| format!("{},{},{},{}", size(i), drawn(i, 1), i % 2, city(i)));
    fs::write(place.path("set.csv"), format!("size,height,sold,city\n{text}")).unwrap();
    let small = ["train", "--backend", "cpu", "--data", "set.csv", "--hidden", "4", "--epochs", "1"];
    let ran = place.run(&[&small[..], &["--exclude", "city"]].concat());
    says(&ran.err, &["labels in column `sold`"]);
}

#[test]
fn headers_of_numbers_are_no_samples() {
    let line = |i: usize| format!("{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), i % 2);
    let text = |header: &str, index: bool| {
        let row = |i: usize| if index { format!("{i},{}", line(i)) } else { line(i) };
        format!("{header}\n{}", rows(100, row))
    };
    for (header, index) in [
        ("0,1,2", false),
        (",0,1,2", true),
        ("1,2,3", false),
        ("0.0,1.0,2.0", false),
        ("1990,1991,1992", false),
    ] {
        let loaded = load(&text(header, index)).unwrap();
        has(&loaded, 100, 2, 2);
    }
    // A row of values that counts on by chance is a row: its class is one of those below.
    let loaded = load(&text("0,1,0\n1,2,1", false)).unwrap();
    has(&loaded, 102, 2, 2);
    let counting = rows(90, |i| format!("{},{},{}", i % 9, i % 7, i % 4));
    has(&load(&format!("1,2,3\n{counting}")).unwrap(), 91, 2, 4);
    // A model whose columns are called 0 and 1 takes a row with a 0 and a 1 in it for a row.
    let place = Place::new();
    fs::write(place.path("set.csv"), text("0,1,2", false)).unwrap();
    let small =
        ["train", "--backend", "cpu", "--data", "set.csv", "--hidden", "4", "--epochs", "1", "--out", "run"];
    place.run(&small).ok();
    fs::write(place.path("new.csv"), "0,3\n1,0\n").unwrap();
    assert_eq!(place.run(&["predict", "run", "new.csv", "--json"]).lines().len(), 2);
    fs::write(place.path("new.csv"), "1,0\n1,0\n").unwrap();
    assert_eq!(place.run(&["predict", "run", "new.csv", "--json"]).lines().len(), 1);
}

#[test]
fn numbers_of_rows_are_left_out_wherever_they_stand() {
    for (name, from, step) in [("Nr", 1001, 1), ("code", 0, 10), ("serial", 900, -3)] {
        let row = |i: usize| format!("{:.3},{},{}", drawn(i, 0), from + step * i as i64, ["a", "b"][i / 60]);
        let loaded = load(&format!("x,{name},kind\n{}", rows(120, row))).unwrap();
        has(&loaded, 120, 1, 2);
        says(
            &crate::data::lines(&loaded.notes),
            &[&format!("left out: `{name}` (different in almost every row)")],
        );
    }
    let row = |i: usize| format!("{:.3},{},{}", drawn(i, 0), 10 * i, ["a", "b"][i / 60]);
    has(&load(&format!("x,period,kind\n{}", rows(120, row))).unwrap(), 120, 2, 2);
}

#[test]
fn numbers_in_quotes_and_with_signs_are_read_or_refused() {
    let comma = |number: f64| format!("\"{number:.3}\"").replace('.', ",");
    let row = |i: usize| format!("{},{},{}", comma(drawn(i, 0)), comma(30.0 * drawn(i, 1)), i % 2);
    let loaded = load(&format!("x,z,label\n{}", rows(120, row))).unwrap();
    has(&loaded, 120, 2, 2);
    says(&crate::data::lines(&loaded.notes), &["decimal comma"]);
    for (number, example) in [
        (&(|i: usize| format!("\"{},{:03}.50\"", 1 + i, i * 7 % 1000)) as &dyn Fn(usize) -> String, "\"1,"),
        // Numbers below 1,000 beside them have no separator.
        (
            &|i: usize| match i % 4 {
                0 => format!("\"1,{:03}.50\"", i * 7 % 1000),
                _ => format!("{}.50", i * 7 % 1000),
            },
            "1,",
        ),
        (&|i: usize| format!("${}.25", 10 + i), "$"),
        (&|i: usize| format!("{} %", i), "%"),
        (&|i: usize| format!("{}.{:03}.000", 1 + i, i * 7 % 1000), "."),
    ] {
        let text = rows(120, |i| format!("{:.3},{},{}", drawn(i, 0), number(i), i % 2));
        let error = refusal(load(&format!("x,z,label\n{text}")));
        says(&error, &["column `z` has numbers with a sign or separators of thousands", "exclude z"]);
        assert!(error.contains(example.trim_matches('"')), "{error}");
    }
    // Of few different ones each may be a category.
    let loaded = load(&format!(
        "x,z,label\n{}",
        rows(120, |i| format!("{},{} %,{}", i * 3 % 17, 10 * (i % 4), i % 2))
    ));
    has(&loaded.unwrap(), 120, 5, 2);
}
