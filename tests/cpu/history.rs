//! What can be read of a run's metrics while it goes on, and after.

use std::fs;

use gpu_mlp::step::metrics::Score;
use gpu_mlp::training::Outcome;
use gpu_mlp::training::run::RunDir;
use gpu_mlp::training::run::history::History;

use crate::program::Place;

fn history(place: &Place) -> gpu_mlp::Result<History> {
    RunDir::open(&place.path("a")).unwrap().history()
}

#[test]
fn it_is_what_the_program_printed() {
    let place = Place::new();
    let printed = place.trained("a", &["--epochs", "2"]);
    let read = history(&place).unwrap();
    let start = read.start.unwrap();
    assert_eq!((start.layers, start.parameters, start.train_samples), (vec![16, 7, 3], 143, 60));
    assert_eq!((start.engine.backend.as_str(), start.data.as_str()), ("cpu", "tiny"));
    assert_eq!(read.epochs.len(), 2);
    for (record, line) in read.epochs.iter().zip(&printed[1..]) {
        assert_eq!(line["epoch"], record.epoch);
        assert_eq!(line["test_loss"], record.test.loss);
    }
    let end = read.end.unwrap();
    assert_eq!((end.outcome, end.model_epoch), (Outcome::Finished, Some(2)));

    place.train(&["--resume", "a", "--epochs", "3"]).ok();
    let read = history(&place).unwrap();
    assert!(read.training_seconds() > 0.0 && read.samples_per_second().unwrap() > 0.0);
    assert_eq!((read.epochs.len(), read.end.unwrap().model_epoch), (3, Some(3)));
}

#[test]
fn a_line_half_written_is_passed_over_and_a_missing_one_is_told() {
    let place = Place::new();
    place.trained("a", &["--epochs", "3"]);
    let whole = place.text("a/metrics.jsonl");
    let lines: Vec<&str> = whole.lines().collect();
    let put = |text: &str| fs::write(place.path("a/metrics.jsonl"), text).unwrap();

    put(&format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..40]));
    let read = history(&place).unwrap();
    assert_eq!((read.epochs.len(), read.end), (1, None));

    put(&format!("{}\n{}\n", lines[0], lines[2]));
    let error = history(&place).unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl") && error.contains("epoch 2 follows epoch 0"), "{error}");

    fs::remove_file(place.path("a/metrics.jsonl")).unwrap();
    assert_eq!(history(&place).unwrap(), History::default());
}

#[test]
fn the_model_is_of_the_epoch_that_the_end_names_or_will_name() {
    let place = Place::new();
    place.trained("a", &["--epochs", "4", "--validation-fraction", "0.2", "--early-stopping", "1"]);
    let mut read = history(&place).unwrap();
    let set = |read: &mut History, losses: &[f64]| {
        for (record, loss) in read.epochs.iter_mut().zip(losses) {
            record.validation = Some(Score::of_loss(*loss));
        }
    };
    read.epochs = vec![read.epochs[0].clone(); 4];
    (1..).zip(&mut read.epochs).for_each(|(epoch, record)| record.epoch = epoch);
    set(&mut read, &[0.5, 0.2, 0.2, 0.3]);
    let of_model = |read: &History, early| read.of_model(early).map(|record| record.epoch);
    read.end.as_mut().unwrap().model_epoch = Some(3);
    assert_eq!(of_model(&read, true), Some(3));
    read.end = None;
    assert_eq!((of_model(&read, true), of_model(&read, false)), (Some(2), Some(4)));
    read.epochs.clear();
    assert_eq!((of_model(&read, true), of_model(&read, false)), (None, None));
}
