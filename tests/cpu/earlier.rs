//! What earlier versions wrote is still read: `tests/fixtures/run-ff92c4b` is a run of the program at commit ff92c4b, whose
//! models say nothing of a loss.

use std::fs;
use std::path::Path;

use gpu_mlp::data::Outputs;
use gpu_mlp::network::{Activation, Loss};
use gpu_mlp::step::metrics::Measure;
use gpu_mlp::training::run::{self, RunDir};

use crate::program::Place;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/run-ff92c4b");

/// A place with a copy of the run as `old`, and of its data where its configuration looks for them.
fn place() -> Place {
    let place = Place::new();
    let folder = place.path("old");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(FIXTURE).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let data = folder.join("flowers.csv").display().to_string();
    let text = place.text("old/config.json").replace("\"flowers.csv\"", &format!("{data:?}"));
    fs::write(folder.join("config.json"), text).unwrap();
    place
}

#[test]
fn a_model_without_a_loss_is_a_classifier() {
    let (parameters, info) = run::load_model(Path::new(FIXTURE)).unwrap();
    assert_eq!(info.spec.sizes(), [4, 5, 3]);
    assert_eq!(*info.spec.activation(), Activation::Tanh);
    assert_eq!((info.spec.loss(), &info.preparation.outputs), (Loss::SoftmaxCrossEntropy, &Outputs::Classes));
    assert_eq!(info.preparation.class_names, ["setosa", "versicolor", "virginica"]);
    parameters.check(&info.spec).unwrap();
}

#[test]
fn a_run_without_a_loss_has_its_history() {
    let run = RunDir::open(Path::new(FIXTURE)).unwrap();
    let history = run.history().unwrap();
    assert_eq!(history.epochs.len(), 3);
    let last = history.of_model(false).unwrap();
    assert_eq!((last.test.loss, last.test.accuracy()), (0.361_151_294_161_876, 0.833_333_333_333_333_4));
    assert_eq!(last.validation.unwrap().get(Measure::Accuracy), Some(0.9));
}

#[test]
fn a_run_without_a_loss_is_measured_and_goes_on() {
    let place = place();
    let report = &place.run(&["eval", "old", "--backend", "cpu", "--json"]).lines()[0];
    assert!((report["loss"].as_f64().unwrap() - 0.361_151_294_161_876).abs() < 1e-6, "{report}");
    let args = ["train", "--resume", "old", "--epochs", "4", "--backend", "cpu", "--json", "--quiet"];
    let lines = place.run(&args).lines();
    assert_eq!(lines[1]["epoch"], 4, "{lines:?}");
}
