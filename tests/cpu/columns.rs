//! A model knows the columns of the table it was trained on: other tables are read by their names.

use std::fs;

use serde_json::Value;

use crate::program::Place;

/// A table with these columns, in this order: `a` decides the class, `b` is noise of another size, `id` counts.
fn table(place: &Place, file: &str, columns: &[&str], rows: std::ops::Range<usize>) {
    let mut text = columns.join(",") + "\n";
    for i in rows {
        let (a, b) = ((i * 37 % 101) as f64 / 50.0 - 1.0, (i * 53 % 97) as f64 * 10.0);
        let cell = |column: &&str| match *column {
            "a" => a.to_string(),
            "b" => b.to_string(),
            "kind" => if a > 0.0 { "plus" } else { "minus" }.into(),
            "trust" => (1.0 + b / 1000.0).to_string(),
            _ => i.to_string(),
        };
        text.push_str(&(columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"));
    }
    fs::write(place.path(file), text).unwrap();
}

fn trained(place: &Place, args: &[&str]) -> String {
    let own = ["train", "--backend", "cpu", "--data", "table.csv", "--hidden", "8", "--batch-size", "16"];
    let rest = ["--epochs", "20", "--out", "run", "--overwrite", "--label-column", "kind"];
    let ran = place.run(&[&own[..], &rest, args].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.err
}

/// The rest of each line of predictions behind the input's name, and what was said.
fn predicted(place: &Place, file: &str) -> (Vec<Value>, String) {
    let ran = place.run(&["predict", "run", file, "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let err = ran.err.clone();
    let lines = ran.lines().into_iter().map(|mut line| {
        line.as_object_mut().unwrap().remove("input");
        line
    });
    (lines.collect(), err)
}

#[test]
fn predict_reads_a_table_by_its_names() {
    let place = Place::new();
    table(&place, "table.csv", &["a", "b", "trust", "kind"], 0..200);
    trained(&place, &["--weight-column", "trust"]);
    table(&place, "bare.csv", &["a", "b"], 0..30);
    let (right, said) = predicted(&place, "bare.csv");
    assert_eq!((right.len(), said.as_str()), (30, ""));
    assert!(
        right.iter().any(|line| line["class"] == "plus") && right.iter().any(|line| line["class"] == "minus")
    );

    table(&place, "turned.csv", &["b", "a"], 0..30);
    let (turned, said) = predicted(&place, "turned.csv");
    assert_eq!(turned, right);
    assert!(said.contains("turned.csv: its columns are taken in the model's order"), "{said}");

    // With the label, the weights, a number of its own and a column that nobody knows.
    table(&place, "more.csv", &["id", "kind", "b", "trust", "a"], 0..30);
    let (more, said) = predicted(&place, "more.csv");
    assert_eq!(more, right);
    assert!(said.contains("`kind` is left out: the model predicts it"), "{said}");
    assert!(said.contains("left out, since the model does not have them: `id`\n"), "{said}");
    table(&place, "pandas.csv", &["", "a", "b"], 0..30);
    let (pandas, said) = predicted(&place, "pandas.csv");
    assert!(pandas == right && said.contains("the row numbers"), "{said}");

    let text = place.text("bare.csv");
    fs::write(place.path("no-header.csv"), text.split_once('\n').unwrap().1).unwrap();
    let (no_header, said) = predicted(&place, "no-header.csv");
    assert!(no_header == right && said.contains("it has no header"), "{said}");

    table(&place, "less.csv", &["a", "id"], 0..30);
    place.run(&["predict", "run", "less.csv"]).fails(2, &["less.csv", "it lacks the column `b`"]);
    fs::write(place.path("twice.csv"), "a,b,b\n1,2,3\n").unwrap();
    place.run(&["predict", "run", "twice.csv"]).fails(2, &["two columns called `b`"]);
}

#[test]
fn eval_measures_all_of_other_data() {
    let place = Place::new();
    table(&place, "table.csv", &["a", "b", "kind"], 0..200);
    trained(&place, &["--test-fraction", "0.5"]);
    let eval = |args: &[&str]| {
        let lines = place.run(&[&["eval", "run", "--backend", "cpu", "--json"], args].concat()).lines();
        (lines[0]["split"].clone(), lines[0]["samples"].clone(), lines[0]["accuracy"].as_f64().unwrap())
    };
    let own = eval(&[]);
    assert_eq!((&own.0, &own.1), (&"test".into(), &100.into()));
    assert_eq!(eval(&["--data", "table.csv"]), own, "the run's own file, as the run split it");
    assert_eq!(eval(&["--data", "./table.csv", "--label-column", "kind"]), own);
    table(&place, "other.csv", &["kind", "b", "id", "a"], 300..340);
    let (split, samples, accuracy) = eval(&["--data", "other.csv"]);
    assert_eq!((split, samples), ("all".into(), 40.into()));
    assert!(accuracy > 0.9, "its columns are found by name: {accuracy}");
    let said = place.run(&["eval", "run", "--backend", "cpu", "--data", "other.csv"]);
    assert!(said.out.starts_with("other, all 40 samples: "), "{}", said.out);
    assert!(said.err.contains("all 40 samples") && said.err.contains("`id`"), "{}", said.err);
    // Who asks for a split gets one.
    let (split, samples, _) = eval(&["--data", "other.csv", "--test-fraction", "0.25"]);
    assert_eq!((split, samples), ("test".into(), 10.into()));
    table(&place, "unlabelled.csv", &["a", "b"], 0..30);
    place.run(&["eval", "run", "--data", "unlabelled.csv"]).fails(2, &["lacks the column `kind`"]);
}

#[test]
fn test_data_and_init_are_read_by_name() {
    let place = Place::new();
    table(&place, "table.csv", &["a", "b", "kind"], 0..200);
    table(&place, "test.csv", &["kind", "b", "a"], 300..400);
    let said = trained(&place, &["--test-data", "test.csv"]);
    assert!(said.contains("200 training and 100 test samples"), "{said}");
    let accuracy = |run: &str| {
        let eval = ["eval", run, "--data", "same.csv", "--backend", "cpu", "--json"];
        place.run(&eval).lines()[0]["accuracy"].as_f64().unwrap()
    };
    table(&place, "same.csv", &["a", "b", "kind"], 300..400);
    let own =
        place.run(&["eval", "run", "--backend", "cpu", "--json"]).lines()[0]["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy("run"), own, "the same rows in another order of columns");
    let more = [
        "train",
        "--init",
        "run",
        "--data",
        "test.csv",
        "--backend",
        "cpu",
        "--epochs",
        "1",
        "--out",
        "more",
    ];
    let ran = place.run(&more);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("in the model's order"), "{}", ran.err);
    assert!(accuracy("more") > 0.9);
    table(&place, "less.csv", &["kind", "a"], 0..100);
    let less =
        ["train", "--data", "table.csv", "--label-column", "kind", "--test-data", "less.csv", "--out", "x"];
    place.run(&less).fails(2, &["less.csv", "it lacks the column `b`"]);
}

#[test]
fn the_names_go_where_the_model_goes() {
    let place = Place::new();
    table(&place, "table.csv", &["a", "b", "kind"], 0..200);
    trained(&place, &[]);
    table(&place, "turned.csv", &["b", "a"], 0..30);
    let (right, _) = predicted(&place, "turned.csv");
    for to in ["npz", "safetensors"] {
        let file = format!("m.{to}");
        place.run(&["export", "run", "--to", to, "--out", &file]).ok();
        place.run(&["import", &file, "--out", "back.safetensors"]).ok();
        let lines = place.run(&["predict", "back.safetensors", "turned.csv", "--json"]).lines();
        assert!(
            lines.iter().zip(&right).all(|(line, want)| line["probability"] == want["probability"]),
            "{to}"
        );
    }
    place.run(&["export", "run", "--to", "onnx", "--out", "m.onnx"]).ok();
    let onnx = String::from_utf8_lossy(&place.read("m.onnx")).into_owned();
    assert!(onnx.contains("input_names") && onnx.contains(r#"["a","b"]"#));
}
