//! What a table is taken for, and networks for labels and numbers from `train` to `eval`.

use std::fs;

use serde_json::Value;

use crate::program::Place;

/// A table of `rows` with two values and what `targets` makes of them, under this header.
fn table(place: &Place, header: &str, rows: usize, targets: impl Fn(f64, f64) -> String) {
    let mut text = format!("a,b,{header}\n");
    for i in 0..rows {
        let (a, b) = ((i * 37 % 101) as f64 / 50.0 - 1.0, (i * 53 % 97) as f64 / 48.0 - 1.0);
        text.push_str(&format!("{a},{b},{}\n", targets(a, b)));
    }
    fs::write(place.path("table.csv"), text).unwrap();
}

const SMALL: [&str; 8] = ["--backend", "cpu", "--data", "table.csv", "--hidden", "16", "--batch-size", "16"];

/// The notes and the last line of a training with these options.
#[track_caller]
fn trained(place: &Place, args: &[&str]) -> (String, Value) {
    let out = ["train", "--out", "run", "--overwrite", "--json"];
    let ran = place.run(&[&out, &SMALL[..], args].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let err = ran.err.clone();
    (err, ran.lines().pop().unwrap())
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("no {key}: {value}"))
}

#[test]
fn auto_says_what_it_took_the_task_for() {
    let place = Place::new();
    let once = ["--epochs", "1"];
    for (header, targets, said) in [
        (
            "y",
            &(|a, b| format!("{}", a + b)) as &dyn Fn(f64, f64) -> String,
            "fractions, so the task is regression",
        ),
        (
            "y",
            &|a, b| format!("{}", ((a + 2.0 * b) * 1e4) as i64),
            "once or twice, so the task is regression",
        ),
        ("y", &|a, _| if a > 0.0 { "yes" } else { "no" }.into(), "words, so the task is classification"),
        ("y", &|a, _| format!("{}", i32::from(a > 0.0)), "few whole numbers, so the task is classification"),
    ] {
        table(&place, header, 120, targets);
        let (err, _) = trained(&place, &once);
        assert!(err.contains(said), "{said}: {err}");
    }
    // More whole numbers without a gap are classes if they are about equally frequent, as numbers of classes are.
    table(&place, "y", 600, |a, b| {
        format!("{}", 1 + ((a + 1.0) * 2.999) as i64 * 5 + ((b + 1.0) * 2.499) as i64)
    });
    let (err, _) = trained(&place, &once);
    assert!(err.contains("about equally frequent, so the task is classification"), "{err}");
    table(&place, "y", 600, |a, b| {
        format!("{}", (12.0 * (a.powi(3) + b.powi(3)).clamp(-0.999, 0.999) + 12.0) as i64)
    });
    let (err, _) = trained(&place, &once);
    assert!(err.contains("much more frequent than others, so the task is regression"), "{err}");
    table(&place, "p,q", 120, |a, b| format!("{},{}", u8::from(a > 0.0), u8::from(b > 0.0)));
    let (err, _) = trained(&place, &["--epochs", "1", "--label-column", "p,q"]);
    assert!(err.contains("2 labels (p, q)") && err.contains("so the task is multilabel"), "{err}");
}

#[test]
fn a_sum_is_learnt_and_measured_in_its_own_unit() {
    let place = Place::new();
    table(&place, "price", 200, |a, b| format!("{}", 1000.0 + 100.0 * a - 50.0 * b));
    let args = ["--epochs", "60", "--label-column", "price", "--validation-fraction", "0.1"];
    let (_, end) = trained(&place, &[&args[..], &["--early-stopping", "20"]].concat());
    assert!(number(&end, "test_r2") > 0.98, "{end}");
    let (rmse, mae) = (number(&end, "test_rmse"), number(&end, "test_mae"));
    assert!(rmse > 0.01 && rmse < 10.0 && mae <= rmse, "{end}");
    assert_eq!(end.get("test_accuracy"), None, "{end}");
    let report = &place.run(&["eval", "run", "--backend", "cpu", "--json"]).lines()[0];
    for key in ["r2", "rmse", "mae", "loss"] {
        assert_eq!(report[key], end[&format!("test_{key}")], "{key}: {report}");
    }
}

#[test]
fn a_run_of_numbers_is_resumed_to_the_bit() {
    let place = Place::new();
    table(&place, "p,q", 100, |a, b| format!("{},{}", a * b, a - b));
    let args = ["--label-column", "p,q", "--optimizer", "adam", "--dropout", "0.2", "--lr", "0.01"];
    let train = |out: &str, epochs: &str| {
        let own = ["train", "--out", out, "--epochs", epochs, "--quiet"];
        place.run(&[&own, &SMALL[..], &args].concat()).ok();
    };
    train("whole", "5");
    train("parts", "2");
    place.run(&["train", "--resume", "parts", "--epochs", "5", "--backend", "cpu", "--quiet"]).ok();
    assert!(place.read("whole/model.safetensors") == place.read("parts/model.safetensors"));
}

#[test]
fn labels_are_learnt_each_by_itself() {
    let place = Place::new();
    table(&place, "p,q,r", 300, |a, b| {
        let bit = |yes: bool| u8::from(yes);
        format!("{},{},{}", bit(a > 0.0), bit(b > 0.0), bit(a + b > 0.0))
    });
    let (_, end) = trained(&place, &["--epochs", "80", "--label-column", "p,q,r", "--lr", "0.5"]);
    assert!(number(&end, "test_label_accuracy") > 0.95 && number(&end, "test_all_right") > 0.85, "{end}");
    assert!(number(&end, "test_micro_f1") > 0.9 && number(&end, "test_macro_f1") > 0.9, "{end}");
    let one_hot = |a: f64, _: f64| {
        if a > 0.3 {
            "1,0,0"
        } else if a > -0.3 {
            "0,1,0"
        } else {
            "0,0,1"
        }
        .to_owned()
    };
    table(&place, "p,q,r", 300, one_hot);
    let args = ["--epochs", "30", "--label-column", "p,q,r", "--task", "classification"];
    let (_, end) = trained(&place, &args);
    assert!(number(&end, "test_accuracy") > 0.8, "{end}");
}

#[test]
fn what_is_no_target_of_the_task_is_refused() {
    let place = Place::new();
    let refused = |rows: &str, args: &[&str], words: &[&str]| {
        fs::write(place.path("bad.csv"), rows).unwrap();
        let base =
            ["train", "--backend", "cpu", "--data", "bad.csv", "--hidden", "4", "--test-fraction", "0.5"];
        let base = [&base[..], &["--batch-size", "2"]].concat();
        place.run(&[&base[..], args].concat()).fails(2, words);
    };
    let regression = ["--task", "regression"];
    refused(
        "x,y\n1,red\n2,blue\n3,red\n4,blue\n",
        &regression,
        &["`red` is not a number", "--task regression"],
    );
    refused("x,y\n1,2\n2,inf\n3,4\n4,5\n", &regression, &["sample 1", "`y` is inf"]);
    refused("x,y\n1,7\n2,7\n3,7\n4,7\n", &regression, &["the same target `y`, 7", "nothing to learn"]);
    let labels = ["--task", "multilabel", "--label-column", "p,q"];
    refused(
        "x,p,q\n1,0,1\n2,1,2\n3,0,0\n4,1,1\n",
        &labels,
        &["sample 1", "label `q` is 2", "0 for no and 1 for yes"],
    );
    refused("x,p,q\n1,0,1\n2,1,no\n3,0,0\n4,1,1\n", &labels, &["line 3", "`no` is not a number"]);
    let classes = ["--task", "classification", "--label-column", "p,q"];
    refused("x,p,q\n1,0,1\n2,1,1\n3,1,0\n4,1,0\n", &classes, &["sample 1", "not name exactly one class"]);
    let loss = ["--task", "regression", "--loss", "sigmoid-cross-entropy"];
    refused("x,y\n1,2\n2,3\n3,4\n4,5\n", &loss, &["--loss sigmoid-cross-entropy is for --task multilabel"]);
    let smooth = ["--task", "regression", "--label-smoothing", "0.1"];
    refused("x,y\n1,2\n2,3\n3,4\n4,5\n", &smooth, &["--label-smoothing"]);
    refused("x,p\n1,2\n2,3\n", &["--label-column", "p,p"], &["twice"]);
    refused("x,p\n1,2\n2,3\n", &["--label-column", "p,x"], &["none is left for values"]);
}

#[test]
fn everything_behind_a_regression_speaks_its_unit() {
    let place = Place::new();
    table(&place, "price", 120, |a, b| format!("{}", 1000.0 + 100.0 * a - 50.0 * b));
    trained(&place, &["--epochs", "40", "--label-column", "price", "--tensorboard"]);
    let lines = place.run(&["predict", "run", "table.csv", "--json"]).lines();
    assert_eq!(lines.len(), 120);
    for (line, row) in lines.iter().zip(place.text("table.csv").lines().skip(1)) {
        let price: f64 = row.split(',').next_back().unwrap().parse().unwrap();
        let output = &line["outputs"][0];
        assert_eq!((output["name"].as_str(), output.get("probability")), (Some("price"), None));
        assert!((number(output, "value") - price).abs() < 40.0, "{line}: {price}");
    }
    assert!(place.run(&["predict", "run", "table.csv"]).ok().lines().all(|line| line.contains("price ")));
    place.run(&["predict", "run", "table.csv", "--top", "2"]).fails(2, &["--top"]);
    let eval = place.run(&["eval", "run", "--backend", "cpu"]).ok();
    assert!(eval.contains("R² 0.9") && eval.contains("\nprice "), "{eval}");
    let runs = place.run(&["runs", ".", "--json"]).ok();
    assert!(runs.contains("\"test_r2\":0.9") && !runs.contains("accuracy"), "{runs}");
    place.run(&["report", "run", "--out", "a.html", "--backend", "cpu"]).ok();
    let page = place.text("a.html");
    for part in ["price: predicted against actual", "price: residuals", "Test R²", "Test RMSE"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Confusion matrix"));
    place.run(&["export", "run", "--to", "onnx", "--out", "a.onnx"]).ok();
    let onnx = place.read("a.onnx");
    let has = |word: &str| onnx.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(has("predictions") && has("deviation") && !has("logits"));
    place.run(&["export", "run", "--to", "onnx", "--softmax"]).fails(2, &["--softmax"]);
    let exported = place.run(&["export", "run", "--to", "npz", "--out", "a.npz"]);
    assert!(exported.err.contains("outputs are standardised"), "{}", exported.err);
    place.run(&["import", "a.npz", "--out", "b.safetensors"]).ok();
    let again = place.run(&["predict", "b.safetensors", "table.csv", "--json"]).lines();
    assert_eq!(again, lines, "out and in again");
    place.run(&["trace", "run", "--batch", "5", "--out", "t.npz"]).ok();
    let compared = place.run(&["trace", "run", "--compare", "t.npz"]);
    assert!(compared.code == Some(0) && compared.out.contains("dW1"), "{compared:?}");
    let begun =
        ["train", "--init", "b.safetensors", "--out", "more", "--epochs", "1", "--label-column", "price"];
    place.run(&[&begun[..], &SMALL[..4]].concat()).ok();
}

#[test]
fn the_task_of_somebody_elses_network_is_said() {
    let place = Place::new();
    table(&place, "price", 120, |a, b| format!("{}", 50.0 + 10.0 * a - 5.0 * b));
    trained(&place, &["--epochs", "40", "--label-column", "price"]);
    // The trace has the network's W and b, and nothing of what they are for.
    place.run(&["trace", "run", "--batch", "5", "--out", "t.npz"]).ok();
    place.run(&["import", "t.npz"]).fails(2, &["one output", "--task multilabel", "--task regression"]);
    place.run(&["import", "t.npz", "--task", "classification"]).fails(2, &["one output"]);
    place
        .run(&["import", "t.npz", "--task", "sorting"])
        .fails(2, &["classification, multilabel, regression"]);
    let number_of = |model: &str, place: &Place| {
        let lines = place.run(&["predict", model, "table.csv", "--json"]).lines();
        lines[7]["outputs"][0].clone()
    };
    let import = ["import", "t.npz", "--inputs", "values", "--out", "b.safetensors", "--task"];
    place.run(&[&import[..], &["regression", "--class-names", "price"]].concat()).ok();
    let foreign = number_of("b.safetensors", &place);
    assert_eq!(foreign["name"], "price");
    let logit = number(&foreign, "value");
    assert!(logit.abs() < 5.0, "outputs as they are, not unscaled: {logit}");
    place.run(&[&import[..], &["multilabel", "--class-names", "price"]].concat()).ok();
    let p = number(&number_of("b.safetensors", &place), "probability");
    assert!((p - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{p} of {logit}");
    // A file of this program's own says it itself.
    place.run(&["export", "run", "--to", "npz", "--out", "a.npz"]).ok();
    place.run(&["import", "a.npz", "--task", "multilabel"]).fails(2, &["for regression"]);
}

#[test]
fn everything_behind_labels_speaks_of_each() {
    let place = Place::new();
    table(&place, "p,q", 120, |a, b| format!("{},{}", u8::from(a > 0.0), u8::from(a + b > 0.0)));
    trained(&place, &["--epochs", "40", "--label-column", "p,q", "--lr", "0.5"]);
    let lines = place.run(&["predict", "run", "table.csv", "--json"]).lines();
    let text = place.text("table.csv");
    let right = lines.iter().zip(text.lines().skip(1)).filter(|(line, row)| {
        let p = row.split(',').nth(2) == Some("1");
        (number(&line["outputs"][0], "probability") > 0.5) == p
    });
    assert!(right.count() > 100, "{lines:?}");
    let report = &place.run(&["eval", "run", "--backend", "cpu", "--json"]).lines()[0];
    assert_eq!((&report["labels"][0]["name"], &report["labels"][1]["name"]), (&"p".into(), &"q".into()));
    assert!(number(&report["labels"][0], "f1") > 0.9 && number(report, "all_right") > 0.8, "{report}");
    place.run(&["report", "run", "--out", "a.html", "--backend", "cpu"]).ok();
    assert!(place.text("a.html").contains("Test exact match"));
    place.run(&["export", "run", "--to", "onnx", "--out", "a.onnx"]).ok();
    let onnx = place.read("a.onnx");
    let has = |word: &str| onnx.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(has("Sigmoid") && has("probabilities") && has("logits"));
    place.run(&["trace", "run", "--batch", "5", "--out", "t.npz"]).ok();
    place.run(&["trace", "run", "--compare", "no.npz"]).fails(2, &[]);
    let shown = place.run(&["data", "show", "table.csv", "--label-column", "p,q"]).ok();
    assert!(shown.contains("targets  2, for --task multilabel"), "{shown}");
}

#[test]
fn outliers_pull_less_on_huber_s_loss() {
    let place = Place::new();
    table(&place, "y", 200, |a, b| format!("{}", if a * b > 0.9 { 1e3 } else { a + b }));
    let mae = |loss: &str| {
        let args = ["--epochs", "60", "--loss", loss, "--test-fraction", "0.3"];
        number(&trained(&place, &args).1, "test_mae")
    };
    let (squared, huber) = (mae("squared-error"), mae("huber:0.01"));
    assert!(huber < squared, "{huber} {squared}");
    let info = gpu_mlp::training::run::load_model(&place.path("run")).unwrap().1;
    assert_eq!(info.spec.loss(), gpu_mlp::network::Loss::Huber { delta: 0.01 });
    assert!(place.text("run/config.json").contains("\"loss\": \"huber:0.01\""));
    place.train(&["--loss", "huber:0"]).fails(2, &["huber:0", "squared-error"]);
}
