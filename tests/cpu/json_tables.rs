//! Tables of JSON records: one a line, or in an array; the same columns as a table of text.

use std::fmt::Write as _;
use std::fs;

use gpu_mlp::data::{Dataset, LoadOptions, Loaded};
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::load_with;
use crate::program::Place;

fn load(text: &str) -> Result<Loaded, gpu_mlp::Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    fs::write(&path, text).unwrap();
    load_with(&path, &LoadOptions::default())
}

/// Width, colour, whether it is open, the species.
fn rows() -> Vec<(String, &'static str, bool, &'static str)> {
    let row = |at: usize| {
        let width = if at % 9 == 4 { String::new() } else { format!("{}.5", at * 7 % 11) };
        (
            width,
            ["red", "blue, dark", "a \"b\" {c}"][at % 3],
            at.is_multiple_of(4),
            ["iris", "rose"][at / 3 % 2],
        )
    };
    (0..40).map(row).collect()
}

fn records() -> Vec<String> {
    let record = |(at, (width, colour, open, species)): (usize, (String, &str, bool, &str))| {
        let colour = serde_json::to_string(colour).unwrap();
        let rest = format!("\"colour\": {colour}, \"open\": {open}, \"species\": \"{species}\"");
        match (width.is_empty(), at % 2) {
            (true, 0) => format!("{{{rest}}}"),
            (true, _) => format!("{{\"width\": null, {rest}}}"),
            (false, 0) => format!("{{\"width\": {width}, {rest}}}"),
            (false, _) => format!("{{{rest}, \"width\":\n{width}}}"),
        }
    };
    rows().into_iter().enumerate().map(record).collect()
}

fn parts(set: &Dataset) -> (&gpu_mlp::data::Samples, &gpu_mlp::data::Samples, &gpu_mlp::data::Preparation) {
    (&set.train, &set.test, &set.preparation)
}

#[test]
fn records_are_the_table_that_they_describe() {
    let mut csv = String::from("width,colour,open,species\n");
    for (width, colour, open, species) in rows() {
        writeln!(csv, "{width},\"{}\",{open},{species}", colour.replace('"', "\"\"")).unwrap();
    }
    let table = load(&csv).unwrap();
    let records = records();
    for text in [
        records.join("\n"),
        format!("\u{feff}\n{}\n\n", records.join("\r\n")),
        format!("[{}]", records.join(",\n ")),
        format!(" [\n{}\n]\n", records.join("\n,")),
    ] {
        let loaded = load(&text).unwrap();
        assert_eq!(parts(&loaded.dataset), parts(&table.dataset), "{text}");
        says(
            &loaded.notice.unwrap(),
            &["is a table of JSON records: 40 rows of 3 values, labels in column `species`"],
        );
        assert_eq!(loaded.notes, table.notes);
    }
}

#[test]
fn what_is_no_flat_record_is_refused_with_its_line_and_key() {
    let good = "{\"a\": 1, \"label\": \"x\"}\n{\"a\": 2, \"label\": \"y\"}\n";
    for (text, fragments) in [
        (
            format!("{good}{{\"a\": [1, 2], \"label\": \"x\"}}\n"),
            ["line 3", "the value of `a` is nested", "orient=\"records\""],
        ),
        (
            format!("{good}{{\"a\": 3,\n\"label\": {{\"b\": 1}}}}\n"),
            ["line 4", "the value of `label` is nested", "flat record"],
        ),
        (
            format!("{good}{{\"a\": 3, \"a\": 4, \"label\": \"x\"}}\n"),
            ["line 3", "the key `a` occurs twice", "hint"],
        ),
        (
            format!("{good}{{\"a\": undefined, \"label\": \"x\"}}\n"),
            ["line 3: JSON has no `undefined`", "null", "df.to_json"],
        ),
        (format!("{good}{{\"a\": -Infinity, \"label\": \"NaN\"}}\n"), ["line 3", "no `Infinity`", "null"]),
        (
            format!("[{good},,]").replace("}\n{", "},{"),
            ["line 2", "expected a record in braces, and got `,`", "hint"],
        ),
        (format!("{good}3\n"), ["line 3", "expected a record in braces, and got `3`", "hint"]),
        (format!("{good}{{\"a\": 3, \"label\": \"x\""), ["line 3", "it ends within a record", "hint"]),
        (format!("[{}", good.replace("}\n{", "},\n{")), ["it ends before the array does", "hint", "again"]),
        (format!("[{good}]"), ["line 2", "expected a comma or `]`, and got `{`", "hint"]),
        ("[[1, 2], [3, 4]]".to_owned(), ["line 1", "expected a record in braces, and got `[`", "hint"]),
        (
            "{\"a\": {\"0\": 1}, \"label\": {\"0\": 2}}".to_owned(),
            ["line 1", "the value of `a` is nested", "pandas"],
        ),
        (
            format!("[{good}] []").replace("}\n{", "},{"),
            ["expected nothing after the array, and got `[`", "hint", "line 2"],
        ),
    ] {
        says(&refusal(load(&text)), &fragments);
    }
    let mut late: String =
        (0..1100).map(|row| format!("{{\"a\": {row}, \"label\": {}}}\n", row % 2)).collect();
    late.push_str("{\"a\": 1, \"label\": 0, \"b\": 1}\n");
    says(&refusal(load(&late)), &["line 1101", "none of the first records has the key `b`"]);
    let long = format!("{good}{{\"a\": \"{}\"}}", "x".repeat(5 << 20));
    says(&refusal(load(&long)), &["line 3: the record takes more than 4 MiB"]);
}

#[test]
fn records_are_predicted_as_they_come() {
    let place = Place::new();
    fs::write(place.path("set.jsonl"), records().join("\n")).unwrap();
    let small = ["--hidden", "4", "--batch-size", "8", "--epochs", "2", "--out", "run"];
    place.run(&[&["train", "--backend", "cpu", "--data", "set.jsonl", "--quiet"], &small[..]].concat()).ok();
    fs::write(place.path("new.jsonl"), records().join("\n")).unwrap();
    let answers = place.run(&["predict", "run", "new.jsonl", "--json"]).lines();
    assert_eq!(answers.len(), 40);
    let mut csv = String::from("width,colour,open\n");
    for (width, colour, open, _) in rows() {
        writeln!(csv, "{width},\"{}\",{open}", colour.replace('"', "\"\"")).unwrap();
    }
    fs::write(place.path("new.csv"), csv).unwrap();
    let same = place.run(&["predict", "run", "new.csv", "--json"]).lines();
    for (a, b) in answers.iter().zip(&same) {
        assert_eq!((&a["class"], &a["probability"]), (&b["class"], &b["probability"]));
    }
    let train = ["train", "--data", "set.jsonl", "--separator", "tab"];
    place.run(&train).fails(2, &["--separator: set.jsonl is JSON", "leave --separator out"]);
}

#[test]
fn json_as_python_writes_it_is_read() {
    let row = |i: usize, gap: &str| {
        format!(
            "{{\"a\": {}, \"b\": \"NaN {{ \\\" {i}\", \"label\": \"{}\"}}",
            if i % 7 == 3 { gap.into() } else { format!("{i}.5") },
            ["x", "y"][i % 2]
        )
    };
    let lines = |gap: &str| (0..30).map(|i| row(i % 9, gap) + "\n").collect::<String>();
    let nan = load(&lines("NaN")).unwrap();
    let null = load(&lines("null")).unwrap();
    assert_eq!(parts(&nan.dataset), parts(&null.dataset));
    crate::data::says(&crate::data::lines(&nan.notes), &["missing values filled in"]);
    // A comma after the last record.
    let array = format!("[\n{}]", lines("NaN").replace("}\n", "},\n"));
    assert_eq!(parts(&load(&array).unwrap().dataset), parts(&null.dataset));
}
