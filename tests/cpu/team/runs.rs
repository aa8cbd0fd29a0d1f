//! Whole runs: epochs, scores, early stopping, and going on with another number of ranks.

use std::cell::Cell;
use std::sync::Mutex;

use gpu_mlp::Result;
use gpu_mlp::data::{Dataset, Samples, Split};
use gpu_mlp::engine::team::{Shared, Teamwork};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::network::Activation;
use gpu_mlp::step::metrics::EpochRecord;
use gpu_mlp::step::optimizer::Algorithm;
use gpu_mlp::trainer::{Observer, Outcome, TrainConfig, Trainer};
use gpu_mlp::training::checkpoint::State;
use pollster::block_on;

use super::engine;
use super::threads::{self, Work};
use crate::tiny;

/// Ends a run after so many looks at whether it should end, and keeps the state.
struct Until {
    looks: Cell<usize>,
    kept: Option<State>,
}

impl Observer for Until {
    fn progress(&mut self, _epoch: usize, _samples: usize, _of: usize) {}

    fn epoch(&mut self, _record: &EpochRecord, state: &State) -> Result<()> {
        self.kept = Some(state.clone());
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.kept = Some(state.clone());
        Ok(())
    }

    fn should_stop(&self) -> bool {
        self.looks.set(self.looks.get().saturating_sub(1));
        self.looks.get() == 0
    }
}

/// A run's records and last state.
type Ran = (Vec<EpochRecord>, State);

fn trained<E: Engine>(
    mut engine: E,
    config: &TrainConfig,
    dataset: &Dataset,
    from: Option<Ran>,
    looks: usize,
) -> (Ran, Outcome) {
    block_on(async {
        let mut trainer = match from {
            None => Trainer::start(&mut engine, config, dataset).await.unwrap(),
            Some((history, state)) => {
                Trainer::resume(&mut engine, config, dataset, &state, history).await.unwrap()
            }
        };
        let mut until = Until { looks: Cell::new(looks), kept: None };
        let outcome = trainer.run(&mut until).await.unwrap();
        ((trainer.history().to_vec(), until.kept.unwrap()), outcome)
    })
}

/// The same by so many ranks.
fn together(
    ranks: usize,
    config: &TrainConfig,
    dataset: &Dataset,
    from: Option<Ran>,
    looks: usize,
) -> (Ran, Outcome) {
    let (spec, options) = (config.spec(dataset).unwrap(), config.step_options(dataset).unwrap());
    let samples = |split| Some((split, dataset.split(split).ok()?.clone()));
    let samples: Vec<(Split, Samples)> = Split::ALL.into_iter().filter_map(samples).collect();
    let work = Mutex::new(Some(Work { spec: spec.clone(), batch_size: options.batch_size, samples }));
    threads::lead(
        ranks,
        &work,
        |team| Ok(engine(team, &spec, options)),
        |team| {
            let teamwork = Teamwork { team, sync_every: None };
            let own = engine(team, &spec, options);
            let shared = Shared::new(own, teamwork, &spec, options.batch_size, 0).unwrap();
            trained(shared, config, dataset, from, looks)
        },
    )
}

fn config() -> TrainConfig {
    TrainConfig {
        hidden: vec![9, 5],
        activation: Activation::Tanh.into(),
        batch_size: 7,
        epochs: 6,
        dropout: 0.1,
        early_stopping: Some(3),
        ..TrainConfig::for_optimizer(Algorithm::Adam)
    }
}

/// Losses and scores that are those of one rank, but for rounding.
#[track_caller]
fn alike(got: &[EpochRecord], want: &[EpochRecord]) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        for (got, want) in [
            (got.train, want.train),
            (got.test, want.test),
            (got.validation.unwrap(), want.validation.unwrap()),
        ] {
            assert!((got.loss - want.loss).abs() < 1e-5 * want.loss, "{got:?} is not {want:?}");
            assert_eq!(got.accuracy(), want.accuracy());
        }
    }
}

/// 48 samples in batches of 7: the last has 6.
#[test]
fn epochs_of_a_team_are_those_of_one_process() {
    let dataset = tiny::held_out(0.2);
    let spec = config().spec(&dataset).unwrap();
    let alone = CpuEngine::new(&spec, config().step_options(&dataset).unwrap());
    let ((want, _), outcome) = trained(alone, &config(), &dataset, None, usize::MAX);
    for ranks in [2, 3, 4, 8] {
        let ((got, _), together) = together(ranks, &config(), &dataset, None, usize::MAX);
        assert_eq!(together, outcome);
        alike(&got, &want);
    }
}

/// Cut in the middle of an epoch by three ranks, finished by two, and by one.
#[test]
fn a_run_goes_on_with_another_number_of_ranks() {
    let dataset = tiny::held_out(0.2);
    let ((want, _), _) = together(3, &config(), &dataset, None, usize::MAX);
    let (ran, outcome) = together(3, &config(), &dataset, None, 18);
    assert_eq!(outcome, Outcome::Interrupted);
    assert!(ran.1.progress.samples > 0 && ran.1.progress.epochs == 2, "{:?}", ran.1.progress);
    let ((two, _), _) = together(2, &config(), &dataset, Some(ran.clone()), usize::MAX);
    alike(&two, &want);
    let spec = config().spec(&dataset).unwrap();
    let alone = CpuEngine::new(&spec, config().step_options(&dataset).unwrap());
    let ((one, _), _) = trained(alone, &config(), &dataset, Some(ran), usize::MAX);
    alike(&one, &want);
}
