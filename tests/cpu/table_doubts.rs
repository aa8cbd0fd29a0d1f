//! What is doubtful about a table, odd about its lines, or done to its columns is said, or is an error with the likely cause.

use std::fmt::Write as _;
use std::fs;

use gpu_mlp::Error;
use gpu_mlp::data::{LoadOptions, Loaded, Scaling};
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::load_with;
use crate::program::{Place, Ran};

/// A number in 0..1 that looks like chance.
fn drawn(row: usize, column: usize) -> f64 {
    ((row * 7919 + column * 104_729 + 13) * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0
}

fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        writeln!(text, "{}", row(i)).unwrap();
        text
    })
}

fn load(text: &str) -> Result<Loaded, Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.csv");
    fs::write(&path, text).unwrap();
    load_with(&path, &LoadOptions::default())
}

/// Samples, and everything that is said.
fn told(text: &str) -> (usize, Loaded, String) {
    let loaded = load(text).unwrap();
    let said =
        format!("{}\n{}", loaded.notice.as_deref().unwrap_or_default(), crate::data::lines(&loaded.notes));
    (loaded.dataset.train.len() + loaded.dataset.test.len(), loaded, said)
}

/// A small network trained on a file, in the folder `run`.
fn train(place: &Place, data: &str, more: &[&str]) -> Ran {
    let own = ["train", "--backend", "cpu", "--data", data, "--hidden", "4", "--overwrite", "--out", "run"];
    place.run(&[&own[..], more].concat())
}

/// Two columns and a label.
fn table(count: usize, label: impl Fn(usize) -> String) -> String {
    format!("a,b,label\n{}", rows(count, |i| format!("{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), label(i))))
}

#[test]
fn what_stands_for_a_missing_label_is_left_out_and_said() {
    let word = |i: usize, word: &str| if i % 10 == 3 { word.to_owned() } else { ["no", "yes"][i % 2].into() };
    for missing in ["nan", "NaT", "nil", "NIL", "-", "--", ".", "Null", "#N/A"] {
        let (samples, loaded, said) = told(&table(120, |i| word(i, missing)));
        assert_eq!((samples, loaded.dataset.classes), (108, 2), "{missing}: {said}");
        says(&said, &["12 rows without a label are left out"]);
    }
    // Among numbers a word is no class.
    for missing in ["none", "Unknown", "missing", "-"] {
        let number = |i: usize| if i % 10 == 3 { missing.to_owned() } else { (i % 2).to_string() };
        let (samples, loaded, said) = told(&table(120, number));
        assert_eq!((samples, loaded.dataset.classes), (108, 2), "{said}");
        says(&said, &["12 rows without a label", "taken for missing labels", &format!("`{missing}`")]);
    }
    // Among words it may be one: it is taken as it stands, and said.
    let (samples, loaded, said) = told(&table(120, |i| word(i, "none")));
    assert_eq!((samples, loaded.dataset.classes), (120, 3));
    says(&said, &["taken as classes, though they may be missing labels: `none`"]);
    // + and - are two classes.
    let (samples, loaded, said) = told(&table(120, |i| ["+", "-"][i % 2].into()));
    assert_eq!((samples, loaded.dataset.classes), (120, 2));
    assert!(!said.contains("missing"), "{said}");
}

#[test]
fn a_usual_name_is_no_label_where_another_may_be() {
    let refused = |header: &str, row: &dyn Fn(usize) -> String| {
        let error = refusal(load(&format!("{header}\n{}", rows(120, row))));
        says(&error, &["not clear which column has the labels"]);
    };
    refused("target,a,label", &|i| format!("{},{:.3},{:.3}", i % 2, drawn(i, 0), drawn(i, 1)));
    refused("default,a,grade", &|i| format!("{},{:.3},{}", i % 2, drawn(i, 0), i % 5));
    refused("y,a,kind", &|i| format!("{:.3},{:.3},{}", drawn(i, 1), drawn(i, 0), ["u", "v"][i % 2]));
    refused("survived,a,class,b", &|i| {
        format!("{},{:.3},{},{:.3}", i % 2, drawn(i, 0), ["First", "Third"][i / 2 % 2], drawn(i, 1))
    });
    let label = |header: &str, want: &str, row: &dyn Fn(usize) -> String| {
        let (.., said) = told(&format!("{header}\n{}", rows(120, row)));
        says(&said, &[&format!("labels in column `{want}`")]);
    };
    label("default,a,b", "default", &|i| format!("{},{:.3},{:.3}", i % 2, drawn(i, 0), drawn(i, 1)));
    label("x,y,label", "label", &|i| format!("{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), i % 2));
    label("y,a,b", "y", &|i| format!("{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), i % 2));
}

#[test]
fn lines_that_are_no_rows_are_read_or_named() {
    let whole = load(&table(60, |i| (i % 2).to_string())).unwrap().dataset.train;
    // As write.table of R writes it.
    let named = rows(60, |i| format!("\"r{i}\",{:.3},{:.3},{}", drawn(i, 0), drawn(i, 1), i % 2));
    let (samples, loaded, said) = told(&format!("\"a\",\"b\",\"label\"\n{named}"));
    assert_eq!((samples, &loaded.dataset.train), (60, &whole), "{said}");
    says(&said, &["left out: the row numbers (different in almost every row)"]);
    // A comment between the rows.
    let mut lines: Vec<String> = table(60, |i| (i % 2).to_string()).lines().map(str::to_owned).collect();
    lines.insert(31, "# pause".into());
    assert_eq!(load(&(lines.join("\n") + "\n")).unwrap().dataset.train, whole);
    let long = table(3000, |i| (i % 2).to_string());
    let commented = format!("{long}# the end, of the table, is here, now\n");
    assert_eq!(load(&commented).unwrap().dataset.train, load(&long).unwrap().dataset.train);
    // A title above the names, with a comma or without.
    for title in ["My measurements", "Measurements, 2024", "|1x3 Cross validator"] {
        let error = refusal(load(&format!("{title}\n{}", table(60, |i| (i % 2).to_string()))));
        says(&error, &["line 2 has 3 columns", "if the first line is a title, remove it"]);
    }
    let error = refusal(load("a,b,label\n1,2,x\n3\n"));
    says(
        &error,
        &[
            "line 3 has 1 column, but the lines before it have 3",
            "text with the separator in it needs quotes",
        ],
    );
    for sign in ["|", ":"] {
        let error = refusal(load(&table(60, |i| (i % 2).to_string()).replace(',', sign)));
        says(&error, &["its first line has 1 column", &format!("if `{sign}` stands between them")]);
    }
    let place = Place::new();
    fs::write(place.path("set.csv"), table(60, |i| (i % 2).to_string()).replace(',', "\t")).unwrap();
    let train = |more: &[&str]| train(&place, "set.csv", &[&["--epochs", "1"], more].concat());
    train(&["--separator", "comma"])
        .fails(2, &["its first line has 1 column", "--separator comma may be the wrong one"]);
    train(&["--exclude", "a,b"]).fails(2, &["none is left for values", "out of --exclude"]);
    train(&[]).ok();
    fs::write(place.path("other.csv"), table(9, |i| (i % 2).to_string()).replace("a,b", "A,b")).unwrap();
    let refused = place.run(&["predict", "run", "other.csv"]);
    refused.fails(2, &["lacks the column `a`, but has `A`: capitals count"]);
}

#[test]
fn what_columns_become_is_said() {
    let value = |i: usize| match i % 12 {
        0 => format!("rare{}", i / 12),
        other => format!("usual{}", other % 4),
    };
    let row = |i: usize| {
        let gap = if i.is_multiple_of(9) { String::new() } else { format!("{:.3}", drawn(i, 0)) };
        format!("{},{},{gap},7,{}", value(i), i.is_multiple_of(3), i % 2)
    };
    let (.., said) = told(&format!("kind,open,gap,same,label\n{}", rows(960, row)));
    says(
        &said,
        &[
            "truth values become one input, 1 for yes and 0 for no: `open`",
            "words become inputs of 0 and 1, one for each value: `kind`",
            "rarest share one input, `kind=other`",
            "values taken as `other`, since rare in the training rows or not there: `kind`",
            "missing values filled in with the mean or the most frequent value of the training rows: `gap`; one more input is 1 where \
             the value is missing: `gap`",
            "the same in every training sample, so nothing can be learnt from it: `same`",
        ],
    );
    // Scaled already: a number that is always the same is no input of 7.
    let row = |i: usize| format!("{:.3},7,{}", drawn(i, 0), i % 2);
    let (_, loaded, said) = told(&format!("a,same,label\n{}", rows(100, row)));
    says(&said, &["nothing can be learnt from it: `same`"]);
    assert_eq!(loaded.dataset.preparation.scaling.scaled(1, 7.0), Ok(0.0));
    // A word that training has not seen, where rare ones share an input.
    let place = Place::new();
    fs::write(
        place.path("set.csv"),
        format!("kind,x,label\n{}", rows(960, |i| format!("{},{:.3},{}", value(i), drawn(i, 0), i % 2))),
    )
    .unwrap();
    train(&place, "set.csv", &["--epochs", "1"]).ok();
    fs::write(place.path("new.csv"), "kind,x\nusual1,0.5\nnever,0.5\n").unwrap();
    let ran = place.run(&["predict", "run", "new.csv"]);
    says(&ran.err, &["1 value taken as `other`, since rare in the training rows or not there: `kind`"]);
}

#[test]
fn one_outlier_does_not_change_how_bytes_are_scaled() {
    let byte = |i: usize, column: usize| (17.0 * drawn(i, column).powi(2)) as usize;
    let text = |outlier: usize| {
        let cell = |i: usize, column: usize| if (i, column) == (5, 9) { outlier } else { byte(i, column) };
        let row = |i: usize| {
            let cells: Vec<String> = (0..64).map(|column| cell(i, column).to_string()).collect();
            format!("{},{}", cells.join(","), i % 2)
        };
        let names: Vec<String> = (0..64).map(|column| format!("p{column}")).collect();
        format!("{},label\n{}", names.join(","), rows(200, row))
    };
    let scaling = |outlier| load(&text(outlier)).unwrap().dataset.preparation.scaling;
    let divided = Scaling::Columns { shift: vec![0.0; 64], factor: vec![1.0 / 16.0; 64] };
    assert_eq!(scaling(16), divided);
    assert_eq!(scaling(255), divided);
    // The warning knows who chose.
    let row = |i: usize| format!("{:.3},{}", if i == 7 { 1000.0 } else { drawn(i, 0) }, i % 2);
    let (.., said) = told(&format!("a,label\n{}", rows(200, row)));
    assert!(!said.contains("without scaling"), "{said}");
    says(&said, &["a few values lie far from all others and reach 1000"]);
}

#[test]
fn a_network_that_has_learnt_nothing_is_said_to_have() {
    let place = Place::new();
    fs::write(place.path("set.csv"), table(200, |i| (drawn(i, 5) * 4.0).floor().to_string())).unwrap();
    let own = ["--lr", "1e-6", "--scale", "minmax", "--epochs"];
    let stuck = train(&place, "set.csv", &[&own[..], &["3"]].concat());
    says(&stuck.err, &["every class as likely as another would give 1.3863: nothing was learnt"]);
    // One epoch says little.
    let begun = train(&place, "set.csv", &[&own[..], &["1"]].concat());
    assert!(!begun.err.contains("nothing was learnt"), "{begun:?}");
}

#[test]
fn options_for_other_kinds_of_data_are_errors() {
    let place = Place::new();
    fs::write(place.path("set.csv"), table(60, |i| (i % 2).to_string())).unwrap();
    let train = |data: &str, more: &[&str]| train(&place, data, &[&["--epochs", "1"], more].concat());
    for option in [&["--resize", "8x8"][..], &["--transpose"], &["--skip-broken"], &["--npz-keys", "a,b"]] {
        train("set.csv", option).fails(2, &["set.csv is a table", option[0], "leave"]);
    }
    for option in [
        &["--header"][..],
        &["--missing", "drop"],
        &["--separator", "tab"],
        &["--na-values", "x"],
        &["--decimal-comma"],
        &["--columns", "a"],
        &["--max-categories", "3"],
    ] {
        train("digits", option).fails(2, &["digits", option[0], "is for tables"]);
    }
}
