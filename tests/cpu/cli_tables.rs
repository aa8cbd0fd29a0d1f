//! Tables as people have them, through the program: a right result or a clear error, and never a panic.

use std::fs;

use crate::data::says;
use crate::program::{Place, Ran};

/// Trains on a table of these bytes, which is called `set.csv`.
fn train(place: &Place, bytes: impl AsRef<[u8]>) -> Ran {
    fs::write(place.path("set.csv"), bytes).unwrap();
    let small = ["--hidden", "4", "--batch-size", "2", "--epochs", "1", "--overwrite", "--out", "run"];
    place.run(&[&["train", "--backend", "cpu", "--data", "set.csv", "--json"], &small[..]].concat())
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, fragments: &[&str]) {
    let place = Place::new();
    let ran = train(&place, bytes);
    ran.fails(2, &["set.csv", "hint: "]);
    ran.fails(2, fragments);
    assert!(ran.err.len() < 4000, "{} bytes of error", ran.err.len());
    assert!(!place.path("run").exists(), "a mistake leaves no folder behind");
}

/// Trains, and returns the classes that `eval` then knows.
#[track_caller]
fn learnt(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let place = Place::new();
    train(&place, bytes).ok();
    let report = place.run(&["eval", "run", "--backend", "cpu", "--json"]).lines().remove(0);
    report["classes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// A table of six rows around such names of two classes.
fn of(names: [&str; 2], start: &str, separator: &str) -> String {
    let line = |i: usize| format!("{i}.5{separator}{}{separator}{}\n", 7 * i % 5, names[i % 2]);
    format!("{start}{}\n{}", ["a", "b", "label"].join(separator), (0..6).map(line).collect::<String>())
}

#[test]
fn a_table_of_one_column_is_refused() {
    refused(
        "label\n0\n1\n0\n1\n",
        &["its first line has 1 column", "a column of labels and columns of values"],
    );
    refused("0\n1\n0\n", &["its first line has 1 column"]);
}

#[test]
fn ragged_rows_are_named() {
    refused("a,b,label\n1,2,x\n3,4\n", &["line 3 has 2 columns, but the lines before it have 3"]);
    refused("a,b,label\n1,2,x\n3,4,y\n5,6,x,7\n", &["line 4 has 4 columns"]);
}

#[test]
fn a_byte_order_mark_and_quotes_say_nothing() {
    assert_eq!(learnt(of(["no", "yes"], "\u{feff}", ",")), ["no", "yes"]);
    assert_eq!(learnt(of(["\"no\"", "\"yes\""], "", ";")), ["no", "yes"]);
    assert_eq!(learnt(of(["\"a, \"\"b\"\"\"", "\"c\nd\""], "", ",")), ["a, \"b\"", "c\nd"]);
    // A quote that is never closed swallows the rest.
    refused("a,b,label\n1,2,x\n3,\"4,y\n5,6,x\n", &["line 3"]);
}

#[test]
fn numbers_that_are_none_are_named_with_their_place() {
    refused("a,b,label\n1,2,x\n3,1e400,y\n", &["line 3, column 1 (`b`): `1e400` is not a finite number"]);
    refused("a,b,label\n1,2,1e400\n3,4,0\n", &["the target `label` is inf"]);
    let numbers: String = (0..100).map(|i| format!("{i},{}.5,{}\n", i % 60, i % 2)).collect();
    let long = format!("a,b,label\n{numbers}3,{},1\n", "z".repeat(100_000));
    refused(
        long,
        &["column `b` has 100 numbers and 1 word:", " … ", "the first stands in line 102", "--na-values"],
    );
}

#[test]
fn a_hundred_thousand_columns_are_learnt() {
    let row = |i: usize| (0..100_000).map(|column| format!("{},", (i * column) % 3)).collect::<String>();
    let table: String = (0..6).map(|i| format!("{}{}\n", row(i), ["no", "yes"][i % 2])).collect();
    assert_eq!(learnt(table), ["no", "yes"]);
}

#[test]
fn names_of_classes_are_in_any_script_and_harm_no_terminal() {
    assert_eq!(learnt(of(["Ölüm", "生"], "", ",")), ["Ölüm", "生"]);
    assert_eq!(learnt(of(["👩‍🔬", "e\u{301}"], "", "\t")), ["e\u{301}", "👩‍🔬"]);
    let place = Place::new();
    train(&place, of(["\u{1b}[2J", "x\u{7}\u{202e}"], "", ",")).ok();
    let eval = place.run(&["eval", "run", "--backend", "cpu"]).ok();
    says(&eval, &["    0  \\u{1b}[2J", "    1  x\\u{7}\\u{202e}"]);
    assert!(!eval.contains('\u{1b}'));
}

#[test]
fn a_label_that_training_never_met_is_named() {
    let place = Place::new();
    train(&place, of(["no", "yes"], "", ",")).ok();
    fs::write(place.path("other.csv"), of(["no", "perhaps"], "", ",")).unwrap();
    let words = ["other.csv", "the label `perhaps` is not one of the 2 known classes (no, yes)"];
    place.run(&["eval", "run", "--data", "other.csv", "--backend", "cpu"]).fails(2, &words);
    let test = ["--test-data", "other.csv", "--backend", "cpu", "--batch-size", "2"];
    place.run(&[&["train", "--data", "set.csv"], &test[..]].concat()).fails(2, &words);
}
