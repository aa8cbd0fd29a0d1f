//! Runs that are cut and go on, early stopping, and configurations that cannot be meant.

use gpu_mlp::data::Dataset;
use gpu_mlp::engine::Engine;
use gpu_mlp::network::Activation;
use gpu_mlp::step::metrics::{EpochRecord, Sums};
use gpu_mlp::step::optimizer::Algorithm;
use gpu_mlp::step::schedule::Curve;
use gpu_mlp::training::checkpoint::{State, load_state, save_state};
use gpu_mlp::training::{Outcome, Plan, TrainConfig, Trainer};
use gpu_mlp::{Error, Result};
use pollster::block_on;
use tempfile::tempdir;

use crate::tiny;
use crate::trainer::{Notes, config, engine, run};

/// A state as it is after a stay on disk.
fn through_a_file(state: &State, config: &TrainConfig, dataset: &Dataset) -> State {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    save_state(&path, state).unwrap();
    load_state(&path, &config.spec(dataset).unwrap()).unwrap()
}

/// Goes on from a state with a new engine.
fn resume(
    config: &TrainConfig,
    dataset: &Dataset,
    state: &State,
    history: &[EpochRecord],
    stop_after: Option<usize>,
) -> (Result<Outcome>, Notes) {
    let state = through_a_file(state, config, dataset);
    let mut engine = engine(config, dataset);
    let mut notes = Notes { stop_after, ..Notes::default() };
    let outcome = block_on(async {
        let trainer = Trainer::resume(&mut engine, config, dataset, &state, history.to_vec());
        trainer.await?.run(&mut notes).await
    });
    (outcome, notes)
}

/// A record without what a clock says.
fn untimed(record: &EpochRecord) -> EpochRecord {
    EpochRecord { seconds: 0.0, samples_per_second: 0.0, ..record.clone() }
}

#[track_caller]
fn same_end(got: &Notes, want: &Notes) {
    let count = got.records.len();
    let from = want.records.len() - count;
    assert_eq!(
        got.records.iter().map(untimed).collect::<Vec<_>>(),
        want.records[from..].iter().map(untimed).collect::<Vec<_>>()
    );
    assert_eq!(got.states, want.states[from..], "weights, velocities and progress");
}

/// With everything that has a state: momentum, decay, a short last batch, held-out samples.
fn full() -> TrainConfig {
    let more = TrainConfig { momentum: 0.9, weight_decay: 0.01, validation_fraction: 0.15, ..config() };
    TrainConfig { batch_size: 2, epochs: 5, lr: 0.02, ..more }
}

/// With all that `full` has not: Adam, a schedule, dropout and the rest.
fn fuller() -> TrainConfig {
    TrainConfig {
        activation: Activation::Gelu.into(),
        optimizer: Algorithm::AdamW,
        momentum: 0.0,
        lr_schedule: Curve::Step,
        lr_step_epochs: Some(2),
        lr_gamma: 0.5,
        warmup_epochs: 0.5,
        dropout: 0.25,
        label_smoothing: 0.1,
        clip_norm: Some(0.5),
        early_stopping: Some(3),
        ..full()
    }
}

#[test]
fn k_epochs_and_the_rest_equal_a_straight_run() {
    let dataset = tiny::dataset();
    for config in [full(), TrainConfig { momentum: 0.0, batch_size: 8, ..full() }, fuller()] {
        let (_, straight) = run(&config, &dataset);
        for k in 1..=5 {
            let (_, first) = run(&TrainConfig { epochs: k, ..config.clone() }, &dataset);
            let (outcome, rest) =
                resume(&config, &dataset, first.states.last().unwrap(), &first.records, None);
            assert_eq!((outcome.unwrap(), rest.records.len()), (Outcome::Finished, 5 - k));
            same_end(&rest, &straight);
        }
    }
}

#[test]
fn a_run_interrupted_within_an_epoch_equals_a_straight_run() {
    interrupted_within_an_epoch(full());
    interrupted_within_an_epoch(fuller());
    interrupted_within_an_epoch(TrainConfig { lr_schedule: Curve::OneCycle, momentum: 0.0, ..full() });
    interrupted_within_an_epoch(TrainConfig { lr_schedule: Curve::Cosine, nesterov: true, ..full() });
}

fn interrupted_within_an_epoch(config: TrainConfig) {
    assert!(config.check().is_ok());
    let dataset = tiny::dataset();
    let (_, straight) = run(&config, &dataset);
    // 51 samples in batches of 2: the engine comes back after 16 batches, so twice an epoch.
    for stop_after in [0, 1, 2, 3, 7] {
        let mut first = Notes { stop_after: Some(stop_after), ..Notes::default() };
        let mut cpu = engine(&config, &dataset);
        let outcome =
            block_on(async { Trainer::start(&mut cpu, &config, &dataset).await?.run(&mut first).await });
        assert_eq!(outcome.unwrap(), Outcome::Interrupted);
        let state = first.interrupted.take().unwrap();
        let samples = [0, 32][stop_after % 2];
        assert_eq!((state.progress.epochs, state.progress.samples), (stop_after / 2, samples));
        assert_eq!(state.progress.sums.samples, samples as u64);
        let (outcome, rest) = resume(&config, &dataset, &state, &first.records, None);
        assert_eq!((outcome.unwrap(), rest.records.len()), (Outcome::Finished, 5 - stop_after / 2));
        same_end(&rest, &straight);
    }
}

#[test]
fn a_run_interrupted_again_and_again_still_equals_a_straight_one() {
    let (dataset, config) = (tiny::dataset(), full());
    let (_, straight) = run(&config, &dataset);
    let mut records = Vec::new();
    let mut last = None;
    let start = || {
        let mut first = Notes { stop_after: Some(1), ..Notes::default() };
        let mut cpu = engine(&config, &dataset);
        block_on(async { Trainer::start(&mut cpu, &config, &dataset).await?.run(&mut first).await }).unwrap();
        first.interrupted.unwrap()
    };
    let mut state = start();
    for _ in 0..20 {
        let (outcome, notes) = resume(&config, &dataset, &state, &records, Some(1));
        records.extend(notes.records.clone());
        last = notes.states.last().cloned().or(last);
        match outcome.unwrap() {
            Outcome::Interrupted => state = notes.interrupted.unwrap(),
            _ => break,
        }
    }
    assert_eq!(
        records.iter().map(untimed).collect::<Vec<_>>(),
        straight.records.iter().map(untimed).collect::<Vec<_>>()
    );
    assert_eq!(last, straight.states.last().cloned());
}

#[test]
fn early_stopping_counts_epochs_since_the_best() {
    // Labels that say nothing: what is learnt by heart makes the validation loss worse.
    let dataset = tiny::random_labels();
    for patience in [1, 3] {
        let config = TrainConfig {
            hidden: vec![32],
            validation_fraction: 0.25,
            early_stopping: Some(patience),
            epochs: 500,
            lr: 0.3,
            ..config()
        };
        let (outcome, notes) = run(&config, &dataset);
        assert_eq!(outcome.unwrap(), Outcome::StoppedEarly);
        let losses: Vec<f64> = notes.records.iter().map(|record| record.validation.unwrap().loss).collect();
        // Every epoch but the last had a best one fewer than `patience` epochs before.
        let since_best = |epochs: usize| {
            let best = (0..epochs).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
            epochs - 1 - best
        };
        assert_eq!(since_best(losses.len()), patience, "{losses:?}");
        assert!((1..losses.len()).all(|epochs| since_best(epochs) < patience), "{losses:?}");
        for (epoch, state) in notes.states.iter().enumerate() {
            let best = epoch - since_best(epoch + 1);
            assert_eq!(state.best.as_ref(), Some(&notes.states[best].parameters), "epoch {epoch}");
        }
        let (outcome, more) = resume(&config, &dataset, notes.states.last().unwrap(), &notes.records, None);
        assert_eq!((outcome.unwrap(), more.records.len()), (Outcome::StoppedEarly, 0), "it stays stopped");
    }
}

#[test]
fn a_run_that_stops_early_ends_with_its_best_parameters() {
    let dataset = tiny::random_labels();
    let patient = TrainConfig { hidden: vec![32], validation_fraction: 0.25, lr: 0.3, ..config() };
    for (epochs, outcome) in [(500, Outcome::StoppedEarly), (12, Outcome::Finished)] {
        let config = TrainConfig { early_stopping: Some(10), epochs, ..patient.clone() };
        let (mut engine, mut notes) = (engine(&config, &dataset), Notes::default());
        block_on(async {
            let mut trainer = Trainer::start(&mut engine, &config, &dataset).await.unwrap();
            assert_eq!(trainer.run(&mut notes).await.unwrap(), outcome);
            let loss = |record: &EpochRecord| record.validation.unwrap().loss;
            let lowest = notes.records.iter().map(loss).fold(f64::INFINITY, f64::min);
            let best = trainer.best().unwrap().clone();
            assert_eq!(loss(&best), lowest);
            assert!(best.epoch < notes.records.len(), "the newest epoch is another");
            let parameters = engine.parameters().await.unwrap();
            assert_eq!(parameters, notes.states[best.epoch - 1].parameters);
            assert_eq!(&parameters, notes.states.last().unwrap().model());
        });
    }
    // Without early stopping it ends with the newest, and keeps nothing more.
    let (_, notes) = run(&TrainConfig { epochs: 12, ..patient }, &dataset);
    assert!(notes.states.iter().all(|state| state.best.is_none() && state.model() == &state.parameters));
}

/// Spoils a configuration.
type Change = fn(&mut TrainConfig);

#[test]
fn configurations_that_cannot_be_meant_are_refused() {
    let plain = TrainConfig::default();
    assert!(plain.check().is_ok());
    let with = |change: Change| {
        let mut config = TrainConfig::default();
        change(&mut config);
        let error = config.check().unwrap_err();
        assert!(matches!(error, Error::Usage { .. }), "{error:?}");
        error.to_string()
    };
    let cases: [(Change, &str); 38] = [
        (|c| c.lr = 0.0, "lr 0: expected a number greater than 0"),
        (|c| c.lr = -0.1, "lr -0.1"),
        (|c| c.lr = f32::NAN, "lr NaN"),
        (|c| c.lr = f32::INFINITY, "lr inf"),
        (|c| c.momentum = 1.0, "momentum 1: expected a number from 0 to less than 1"),
        (|c| c.momentum = -0.1, "momentum -0.1"),
        (|c| c.momentum = f32::NAN, "momentum NaN"),
        (|c| c.weight_decay = -1.0, "weight_decay -1"),
        (|c| c.weight_decay = f32::NAN, "weight_decay NaN"),
        (|c| c.weight_decay = f32::INFINITY, "weight_decay inf"),
        (|c| c.validation_fraction = 1.0, "validation_fraction 1"),
        (|c| c.validation_fraction = -0.5, "validation_fraction -0.5"),
        (|c| c.validation_fraction = f64::NAN, "validation_fraction NaN"),
        (|c| c.early_stopping = Some(2), "add validation_fraction 0.1"),
        (|c| c.batch_size = 0, "batch_size 0: expected 1 or more"),
        (|c| c.epochs = 0, "epochs 0"),
        (|c| c.overfit_batches = Some(0), "overfit_batches 0"),
        (|c| (c.early_stopping, c.validation_fraction) = (Some(0), 0.1), "early_stopping 0"),
        (|c| (c.early_stopping, c.lr) = (Some(0), f32::NEG_INFINITY), "lr -inf"),
        (|c| (c.batch_size, c.epochs) = (0, 0), "batch_size 0"),
        (|c| c.dropout = 1.0, "dropout 1: expected a number from 0 to less than 1"),
        (|c| c.dropout = f32::NAN, "dropout NaN"),
        (|c| (c.dropout, c.hidden) = (0.5, vec![]), "there is no hidden layer"),
        (|c| c.label_smoothing = 1.0, "label_smoothing 1: expected"),
        (|c| c.clip_norm = Some(0.0), "clip_norm 0: expected a number greater than 0"),
        (|c| c.clip_norm = Some(f32::NAN), "clip_norm NaN"),
        (|c| c.lr_gamma = 1.5, "lr_gamma 1.5: expected a number above 0, up to 1"),
        (|c| c.lr_min = -0.1, "lr_min -0.1: expected"),
        (|c| c.warmup_epochs = -1.0, "warmup_epochs -1: expected"),
        (|c| c.warmup_epochs = 11.0, "warmup_epochs 11: expected no more than epochs"),
        (|c| c.nesterov = true, "add momentum 0.9"),
        (|c| (c.optimizer, c.momentum) = (Algorithm::Adam, 0.9), "belong to optimizer sgd"),
        (|c| (c.lr_schedule, c.momentum) = (Curve::OneCycle, 0.9), "leave momentum out"),
        (|c| (c.lr_schedule, c.warmup_epochs) = (Curve::OneCycle, 1.0), "leave warmup_epochs out"),
        (|c| c.lr_schedule = Curve::Step, "add lr_step_epochs 5"),
        (|c| (c.lr_schedule, c.lr_step_epochs) = (Curve::Step, Some(0)), "lr_step_epochs 0: expected 1"),
        (|c| c.lr_step_epochs = Some(5), "add lr_schedule step"),
        (|c| (c.lr_schedule, c.lr_min) = (Curve::Cosine, 0.2), "lr_min 0.2: expected no more than lr"),
    ];
    for (change, fragment) in cases {
        let text = with(change);
        assert!(text.contains(fragment), "`{fragment}` is not in: {text}");
    }
}

#[test]
fn a_set_with_fewer_samples_than_a_batch_is_one_batch() {
    let dataset = tiny::dataset();
    for (batch_size, validation_fraction, batch) in
        [(60, 0.0, 60), (61, 0.0, 60), (46, 0.25, 45), (usize::MAX, 0.0, 60)]
    {
        let config = TrainConfig { batch_size, validation_fraction, ..config() };
        assert_eq!(Plan::new(&config, &dataset).unwrap().train.len(), batch);
        assert_eq!(config.step_options(&dataset).unwrap().batch_size, batch);
    }
    let trained = |batch_size| {
        let (outcome, notes) = run(&TrainConfig { batch_size, ..config() }, &dataset);
        assert_eq!(outcome.unwrap(), Outcome::Finished);
        notes.states.iter().map(|state| state.parameters.clone()).collect::<Vec<_>>()
    };
    assert_eq!(trained(1000), trained(60), "the steps of a batch of all samples");
    let wide = TrainConfig { hidden: vec![usize::MAX], ..config() };
    assert!(matches!(wide.spec(&dataset), Err(Error::Usage { .. })));
}

#[test]
fn an_epoch_that_another_engine_began_keeps_all_its_sums() {
    // A GPU sums the loss in several parts, one for each workgroup.
    let (config, dataset) = (config(), tiny::dataset());
    let mut engine = engine(&config, &dataset);
    let begun = Sums { loss: vec![1.0, 2.0, 4.0], hits: 5, samples: 9 };
    block_on(async {
        engine.set_sums(&begun).await.unwrap();
        let taken = engine.train(&[0, 1, 2]).await.unwrap();
        let sums = engine.sums().await.unwrap();
        assert!(sums.loss.iter().sum::<f64>() > 7.0 && sums.hits >= 5, "{sums:?}");
        assert_eq!(sums.samples, 9 + taken as u64);
    });
}

/// A state that is no state of the run would train on, or count, what is not there.
#[test]
fn a_state_that_cannot_be_of_this_run_is_refused() {
    let (config, dataset) = (full(), tiny::dataset());
    let (_, notes) = run(&config, &dataset);
    let good = notes.states.last().unwrap().clone();
    let changes: [fn(&mut State); 5] = [
        |state| state.progress.samples = usize::MAX,
        |state| (state.progress.samples, state.progress.sums.samples) = (51, 51),
        |state| state.progress.sums.samples = 7,
        |state| state.optimizer.steps = u64::MAX,
        |state| state.progress.epochs = usize::MAX,
    ];
    for change in changes {
        let mut state = good.clone();
        change(&mut state);
        let mut engine = engine(&config, &dataset);
        let error =
            block_on(Trainer::resume(&mut engine, &config, &dataset, &state, Vec::new())).err().unwrap();
        assert!(
            matches!(error, Error::Usage { .. }) && error.to_string().contains("the checkpoint says"),
            "{error}"
        );
    }
    // As many epochs as can be written down are still a schedule.
    let endless = TrainConfig {
        epochs: usize::MAX,
        lr_schedule: Curve::Step,
        lr_step_epochs: Some(usize::MAX),
        ..config
    };
    assert_eq!(endless.step_options(&dataset).unwrap().schedule.total, u64::MAX);
}
