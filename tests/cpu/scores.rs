//! Scores of `eval` against scikit-learn's, on a network whose logits are its inputs.

use std::fs;

use serde_json::Value;

use crate::forms::{array, write_npz};
use crate::program::Place;

const ROWS: usize = 60;

/// Logits with many equal ones among them.
fn logit(row: usize, column: usize) -> f64 {
    ((7 * row * row + 3 * row * column + 5 * column + row) % 13) as f64 / 4.0 - 1.5
}

/// A table of so many logits, with these targets behind them.
fn table(place: &Place, columns: usize, targets: &[&str], target: impl Fn(usize) -> String) {
    let names: Vec<String> = (0..columns).map(|column| format!("z{column}")).collect();
    let mut text = format!("{},{}\n", names.join(","), targets.join(","));
    for row in 0..ROWS {
        let values: Vec<String> = (0..columns).map(|column| logit(row, column).to_string()).collect();
        text.push_str(&format!("{},{}\n", values.join(","), target(row)));
    }
    fs::write(place.path("table.csv"), text).unwrap();
}

/// A network that puts its inputs out.
fn identity(place: &Place, width: usize, task: &str) {
    let weights: Vec<f32> = (0..width * width).map(|at| f32::from(u8::from(at % (width + 1) == 0))).collect();
    let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let w = array("<f4", &[width, width], &bytes);
    write_npz(&place.path("same.npz"), &[("W1", w)]);
    place.run(&["import", "same.npz", "--inputs", "values", "--task", task]).ok();
}

#[track_caller]
fn eval(place: &Place, args: &[&str]) -> Value {
    let eval = ["eval", "same-imported.safetensors", "--data", "table.csv", "--backend", "cpu", "--json"];
    place.run(&[&eval[..], args].concat()).lines().remove(0)
}

#[track_caller]
fn agree(report: &Value, expected: &[(&str, f64)]) {
    for (key, value) in expected {
        let got = report[key].as_f64().unwrap_or_else(|| panic!("no {key}: {report}"));
        assert!((got - value).abs() < 1e-7, "{key}: {got}, scikit-learn {value}");
    }
}

#[test]
fn several_classes_have_the_means_of_scikit_learn() {
    let place = Place::new();
    identity(&place, 4, "classification");
    table(&place, 4, &["label"], |row| ((row * row + row / 3 + 2 * row % 5) % 4).to_string());
    let report = eval(&place, &["--top", "2"]);
    agree(
        &report,
        &[
            ("accuracy", 0.283_333_333),
            ("macro_precision", 0.285_984_848),
            ("macro_recall", 0.281_25),
            ("macro_f1", 0.276_189_312),
            ("macro_roc_auc", 0.521_225_208),
            ("macro_average_precision", 0.293_086_701),
            // Scikit-learn says 0.53: of equal scores it takes the last ones first.
            ("top_2_accuracy", 0.516_666_667),
        ],
    );
    agree(&report["class_scores"][0], &[("precision", 0.4), ("roc_auc", 0.580_965_909)]);
    agree(&report["class_scores"][3], &[("precision", 0.227_272_727), ("roc_auc", 0.482_142_857)]);
    agree(&eval(&place, &["--top", "1"]), &[("top_1_accuracy", 0.283_333_333)]);
    for top in ["4", "9"] {
        let always = ["eval", "same-imported.safetensors", "--data", "table.csv", "--top", top];
        place.run(&always).fails(2, &["this model has 4 classes", "always among the 4", "ask for 1 to 3"]);
    }
    let refused = ["eval", "same-imported.safetensors", "--data", "table.csv", "--threshold", "0.5"];
    place.run(&refused).fails(2, &["--threshold is for models of two classes or of labels", "4 classes"]);
}

#[test]
fn two_classes_have_the_scores_of_scikit_learn_at_any_threshold() {
    let place = Place::new();
    identity(&place, 2, "classification");
    table(&place, 2, &["label"], |row| u8::from(row * 7 % 5 < 2).to_string());
    let report = eval(&place, &[]);
    let ranks = [("roc_auc", 0.480_324_074), ("average_precision", 0.382_740_275)];
    agree(&report, &ranks);
    agree(
        &report,
        &[("accuracy", 0.5), ("precision", 0.384_615_385), ("recall", 0.416_666_667), ("f1", 0.4)],
    );
    assert_eq!((&report["positive_class"], report.get("threshold")), (&"1".into(), None));
    let report = eval(&place, &["--threshold", "0.3"]);
    agree(&report, &ranks);
    agree(
        &report,
        &[
            ("accuracy", 0.45),
            ("precision", 0.390_243_902),
            ("recall", 0.666_666_667),
            ("f1", 0.492_307_692),
            ("threshold", 0.3),
        ],
    );
    let all = eval(&place, &["--threshold", "0"]);
    assert_eq!(all["confusion_matrix"], serde_json::json!([[0, 36], [0, 24]]));
    for (text, said) in [("1.5", "a number from 0 to 1"), ("good", "or `best`")] {
        place.run(&["eval", "same-imported.safetensors", "--threshold", text]).fails(2, &[said]);
    }
    let best = ["eval", "same-imported.safetensors", "--data", "table.csv", "--threshold", "best"];
    place.run(&best).fails(2, &["validation part", "name the folder of the run"]);
}

#[test]
fn labels_have_the_scores_of_scikit_learn_at_any_threshold() {
    let place = Place::new();
    identity(&place, 3, "multilabel");
    table(&place, 3, &["p", "q", "r"], |row| {
        let label = |k: usize| u8::from((row * (k + 2) + k) % 5 < 2).to_string();
        [0, 1, 2].map(label).join(",")
    });
    let columns = ["--label-column", "p,q,r"];
    let report = eval(&place, &columns);
    agree(
        &report,
        &[
            ("all_right", 0.133_333_333),
            ("micro_f1", 0.4625),
            ("macro_precision", 0.418_438_815),
            ("macro_recall", 0.513_888_889),
            ("macro_f1", 0.456_241_567),
            ("macro_roc_auc", 0.521_412_037),
            ("macro_average_precision", 0.407_006_867),
        ],
    );
    let report = eval(&place, &[&columns[..], &["--threshold", "0.3"]].concat());
    agree(
        &report,
        &[
            ("all_right", 0.066_666_667),
            ("micro_f1", 0.548_837_209),
            ("macro_precision", 0.413_445_378),
            ("macro_recall", 0.819_444_444),
            ("macro_f1", 0.548_665_029),
        ],
    );
    assert_eq!(report["labels"][2]["threshold"], 0.3);
    place.run(&["eval", "same-imported.safetensors", "--top", "2"]).fails(2, &["--top ranks classes"]);
}

/// Ten yes among a hundred, and a network that has not learnt to say yes.
#[test]
fn the_best_threshold_is_that_of_the_validation_part() {
    let place = Place::new();
    let rows: Vec<String> = (0..300)
        .map(|i| {
            let (a, b) = ((i * 37 % 101) as f64 / 50.0 - 1.0, (i * 53 % 97) as f64 / 48.0 - 1.0);
            format!("{a},{b},{}", if a + 0.3 * b > 0.9 { "yes" } else { "no" })
        })
        .collect();
    fs::write(place.path("rare.csv"), format!("a,b,target\n{}\n", rows.join("\n"))).unwrap();
    let train = ["train", "--backend", "cpu", "--data", "rare.csv", "--hidden", "4", "--epochs", "6"];
    let with = [&train[..], &["--validation-fraction", "0.3", "--out", "with"]].concat();
    place.run(&with).ok();
    place.run(&[&train[..], &["--out", "without"]].concat()).ok();
    let eval =
        |run: &str, args: &[&str]| place.run(&[&["eval", run, "--backend", "cpu", "--json"], args].concat());
    let (plain, best) = (eval("with", &[]).lines(), eval("with", &["--threshold", "best"]).lines());
    let (plain, best) = (&plain[0], &best[0]);
    let threshold = best["threshold"].as_f64().unwrap();
    assert!(threshold < 0.5, "{best}");
    assert!(best["f1"].as_f64().unwrap() > plain["f1"].as_f64().unwrap(), "{plain} {best}");
    assert_eq!((&best["roc_auc"], &best["loss"]), (&plain["roc_auc"], &plain["loss"]));
    let same = eval("with", &["--threshold", &threshold.to_string()]).lines();
    assert_eq!(&same[0], best, "the number that was found gives the same answers");
    eval("without", &["--threshold", "best"]).fails(2, &["this run has none", "--validation-fraction 0.1"]);
    let shown = place.run(&["eval", "with", "--backend", "cpu", "--threshold", "0.25"]).ok();
    assert!(shown.contains("class yes, from a probability of 0.25 on: precision "), "{shown}");
    place.run(&["report", "with", "--backend", "cpu"]).ok();
    let page = place.text("report.html");
    assert!(page.contains("id=\"ranks\"") && page.contains("yes: ROC-AUC 0."), "curves of the second class");
}

/// The last line of `train --json`, the line of the run's list, and the run's page have what `eval` measures.
#[test]
fn a_run_ends_with_the_scores_of_eval() {
    let place = Place::new();
    let tasks = [("two", 2, "label"), ("four", 4, "label"), ("labels", 0, "p,q")];
    for (name, classes, columns) in tasks {
        let target = |row: usize| match classes {
            0 => format!("{},{}", row % 2, u8::from(row.is_multiple_of(3))),
            classes => ((row * row + row / 3) % classes).to_string(),
        };
        table(&place, 4, &columns.split(',').collect::<Vec<_>>(), target);
        let small =
            ["train", "--backend", "cpu", "--data", "table.csv", "--label-column", columns, "--hidden", "4"];
        let parts = ["--validation-fraction", "0.3", "--early-stopping", "2", "--epochs", "4", "--out", name];
        let ran = place.run(&[&small[..], &parts, &["--json"]].concat()).lines();
        let (end, epochs) = (ran.last().unwrap(), &ran[1..ran.len() - 1]);
        for part in ["test", "validation"] {
            let eval = ["eval", name, "--backend", "cpu", "--json", "--split", part];
            let report = place.run(&eval).lines().remove(0);
            let kind = if classes == 2 { "" } else { "macro_" };
            for measure in ["precision", "recall", "f1", "roc_auc", "average_precision"] {
                let key = format!("{kind}{measure}");
                let expected = report[&key].as_f64().unwrap();
                let got = end[format!("{part}_{key}")].as_f64().unwrap_or_else(|| panic!("{key}: {end}"));
                assert!((got - expected).abs() < 1e-12, "{part} {key}: {got}, eval {expected}");
            }
            let best = &epochs[end["model_epoch"].as_u64().unwrap() as usize - 1];
            assert_eq!(end[format!("{part}_loss")], best[format!("{part}_loss")], "the epoch of the model");
        }
        let listed = place.run(&["runs", name, "--json"]).lines().remove(0);
        let key = if classes == 2 { "test_f1" } else { "test_macro_f1" };
        assert_eq!(listed[key], end[key]);
        place.run(&["report", name, "--backend", "cpu"]).ok();
        let title = if classes == 2 { "Test ROC-AUC" } else { "Test macro ROC-AUC" };
        assert!(place.text("report.html").contains(title), "{name}");
        let text = place.run(&[&small[..], &parts, &["--overwrite"]].concat()).ok();
        assert!(text.contains("\nscores   ") && text.contains("ROC-AUC 0."), "{text}");
    }
}

/// Rows without a label are left out, others are held out for training: the numbers are still those of the file.
#[test]
fn predictions_name_the_row_in_the_users_file() {
    let place = Place::new();
    let line = |row: usize| match row % 7 {
        3 => format!("{row},NA\n"),
        _ => format!("{row},{}\n", if row.is_multiple_of(2) { "even" } else { "odd" }),
    };
    let rows: String = (1..=60).map(|row| line(row).replacen(',', &format!(",{},", row % 2), 1)).collect();
    fs::write(place.path("rows.csv"), format!("number,bit,label\n{rows}")).unwrap();
    let options = ["--columns", "bit,number", "--hidden", "4", "--epochs", "30", "--out", "run"];
    place.run(&[&["train", "--backend", "cpu", "--data", "rows.csv"], &options[..]].concat()).ok();
    let read = |args: &[&str]| -> Vec<Vec<String>> {
        place.run(&[&["eval", "run", "--backend", "cpu", "--predictions", "p.csv"], args].concat()).ok();
        place.text("p.csv").lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let mut seen = Vec::new();
    for part in ["train", "test"] {
        let table = read(&["--split", part]);
        assert_eq!(table[0], ["row", "actual", "predicted", "probability even", "probability odd"]);
        for line in &table[1..] {
            let row: usize = line[0].parse().unwrap();
            assert_eq!(line[1], if row.is_multiple_of(2) { "even" } else { "odd" }, "row {row}");
            let sum: f64 = line[3..].iter().map(|cell| cell.parse::<f64>().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{line:?}");
            seen.push(row);
        }
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        (1..=60).filter(|row| row % 7 != 3).collect::<Vec<_>>(),
        "each once, those without a label never"
    );
    let all = read(&["--threshold", "0"]);
    assert!(all[1..].iter().all(|line| line[2] == "odd"), "{all:?}");
    identity(&place, 2, "multilabel");
    table(&place, 2, &["p", "q"], |row| format!("{},{}", row % 2, u8::from(row % 3 == 0)));
    let eval = [
        "eval",
        "same-imported.safetensors",
        "--data",
        "table.csv",
        "--backend",
        "cpu",
        "--label-column",
        "p,q",
    ];
    place.run(&[&eval[..], &["--predictions", "l.csv"]].concat()).ok();
    let text = place.text("l.csv");
    let mut lines = text.lines();
    let names = "row,actual 0,predicted 0,probability 0,actual 1,predicted 1,probability 1";
    assert_eq!(lines.next(), Some(names));
    let first: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!((first[0], first[1], first[4]), ("1", "0", "1"));
    assert_eq!(first[2] == "1", logit(0, 0) > 0.0);
}
