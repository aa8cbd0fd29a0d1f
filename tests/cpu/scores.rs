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
