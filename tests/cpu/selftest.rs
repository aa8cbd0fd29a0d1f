//! `gpu-mlp selftest` on the CPU's engine; what a check keeps, and that steps which are wrong are noticed.

use gpu_mlp::checks::selftest::steps::{self, Case};
use gpu_mlp::checks::selftest::{Row, Trial};
use gpu_mlp::engine::CpuEngine;
use gpu_mlp::network::MlpSpec;
use gpu_mlp::reference::compare::Tolerance;
use gpu_mlp::step::StepOptions;

use crate::program::Place;

#[test]
fn the_command_prints_a_table_and_json() {
    let place = Place::new();
    let out = place.run(&["selftest", "--backend", "cpu"]).ok();
    assert!(out.contains("(cpu) computes correctly ("), "{out}");
    assert!(
        out.lines().skip(2).all(|line| line.starts_with("50 steps, ") && line.ends_with("  ok")),
        "{out}"
    );
    let json = place.run(&["selftest", "--backend", "cpu", "--json"]).lines();
    assert_eq!(json[0]["ok"], true);
    let device = &json[0]["devices"][0];
    assert_eq!((&device["backend"], &device["ok"]), (&"cpu".into(), &true.into()));
    let rows = device["rows"].as_array().unwrap();
    assert_eq!(rows.len(), steps::cases().len());
    assert_eq!(rows[0]["shapes"][0], serde_json::json!(steps::SIZES));
    assert!(rows.iter().all(|row| row["wrong"].is_null() && row["worst"].as_f64() < row["allowed"].as_f64()));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let place = Place::new();
    place.run(&["selftest", "--all", "--backend", "cpu"]).fails(2, &["--all", "--backend"]);
    place.run(&["selftest", "--all", "--adapter", "0"]).fails(2, &["--all", "--adapter"]);
    place.run(&["selftest", "--backend", "cpu", "--adapter", "x"]).fails(2, &["--adapter x"]);
}

/// A row of a case, on an engine that trains with options of its own.
fn row(case: &Case, changed: impl Fn(&mut StepOptions)) -> Row {
    let make = async |spec: &MlpSpec, mut options: StepOptions| {
        changed(&mut options);
        Ok(CpuEngine::new(spec, options))
    };
    let after = Tolerance { atol: 2e-5, rtol: 2e-4 };
    pollster::block_on(steps::check_case(case, &steps::SIZES, 50, after, &make)).unwrap()
}

#[test]
fn steps_that_are_a_little_wrong_are_noticed() {
    let cases = steps::cases();
    let find = |name| cases.iter().find(|case| case.name == name).unwrap();
    assert!(row(find("relu"), |_| ()).ok);
    for (name, change) in [
        ("relu", (|options| options.schedule.lr *= 1.01) as fn(&mut StepOptions)),
        ("momentum, decay", |options| options.optimizer.weight_decay *= 1.1),
        ("nesterov", |options| options.optimizer.nesterov = false),
        ("smoothing", |options| options.label_smoothing = 0.19),
        ("clipping", |options| options.clip_norm = Some(0.301)),
        ("dropout", |options| options.dropout.seed += 1),
        ("adamw", |options| options.optimizer.weight_decay *= 0.9),
    ] {
        let row = row(find(name), change);
        assert!(!row.ok && row.wrong.is_some() && row.worst > row.allowed, "{name}: {row:?}");
    }
}

#[test]
fn a_check_keeps_the_worst_value_and_the_first_that_was_wrong() {
    let mut trial = Trial::new("k");
    trial.shape(&[2, 2]);
    trial.within(&"a", &[1.0, 2.25], &[1.0, 2.0], |_| 1.0);
    trial.within(&"b", &[1.0, 2.0], &[1.125, 2.0], |_| 0.25);
    let right = trial.row();
    assert_eq!(
        (right.ok, right.worst, right.allowed),
        (true, 0.125, 0.25),
        "half of what it may beats a quarter"
    );

    let mut trial = Trial::new("k");
    trial.shape(&[1, 2]);
    trial.within(&"z", &[f32::NAN, 2.0], &[1.0, 2.0], |_| 1.0);
    trial.equal(&"padding", &[1, 2], &[1, 3]);
    trial.holds(&"sum", false, &"no");
    let row = trial.row();
    assert!(!row.ok && row.worst == f64::INFINITY, "{row:?}");
    let wrong = row.wrong.as_ref().unwrap();
    assert!(wrong.starts_with("[1, 2], z: 1 of 2 values differ"), "{wrong}");
    assert_eq!(serde_json::to_value(&row).unwrap()["worst"], serde_json::Value::Null);

    let mut short = Trial::new("k");
    short.equal(&"bytes", &[1, 2], &[1, 2, 3]);
    assert_eq!(short.row().wrong.unwrap(), "bytes: 2 values instead of 3");
    let mut within = Trial::new("k");
    within.within(&"bytes", &[], &[1.0], |_| 1.0);
    assert_eq!(within.row().wrong.unwrap(), "bytes: 0 values instead of 1");
}
