//! Training on the CPU engine: the steps against the reference, the plan of samples, and how runs end.

use gpu_mlp::data::{Dataset, Samples, Split};
use gpu_mlp::engine::{CpuEngine, Engine, EngineInfo};
use gpu_mlp::network::{Activation, MlpSpec, OptimizerState, Parameters};
use gpu_mlp::reference::compare::{Tolerance, allclose};
use gpu_mlp::reference::optimizer::Optimizer;
use gpu_mlp::reference::training::{Memory, Training};
use gpu_mlp::reference::{Layer, Matrix, Mlp};
use gpu_mlp::step::metrics::{EpochRecord, Sums};
use gpu_mlp::training::checkpoint::State;
use gpu_mlp::training::{Observer, Outcome, Plan, TrainConfig, Trainer};
use gpu_mlp::{Error, Result, Tensor};
use pollster::block_on;

use crate::tiny;

/// A small network on the tiny set; everything else as by default.
pub fn config() -> TrainConfig {
    TrainConfig { hidden: vec![9], batch_size: 8, epochs: 3, ..TrainConfig::default() }
}

pub fn engine(config: &TrainConfig, dataset: &Dataset) -> CpuEngine {
    let options = config.step_options(dataset).unwrap();
    let mut engine = CpuEngine::new(&config.spec(dataset).unwrap(), options);
    block_on(engine.load_dataset(dataset)).unwrap();
    engine
}

/// Keeps what it is told.
#[derive(Default)]
pub struct Notes {
    pub records: Vec<EpochRecord>,
    pub states: Vec<State>,
    pub interrupted: Option<State>,
    /// Ends the run once it has heard of progress so often.
    pub stop_after: Option<usize>,
    pub heard: usize,
}

impl Observer for Notes {
    fn progress(&mut self, _epoch: usize, samples: usize, of: usize) {
        assert!(samples > 0 && samples <= of);
        self.heard += 1;
    }

    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()> {
        self.records.push(record.clone());
        self.states.push(state.clone());
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.interrupted = Some(state.clone());
        Ok(())
    }

    fn should_stop(&self) -> bool {
        self.stop_after.is_some_and(|after| self.heard >= after)
    }
}

/// An engine that keeps which samples it was given.
struct Recorder {
    inner: CpuEngine,
    /// One entry an epoch.
    trained: Vec<Vec<u32>>,
    evaluated: Vec<(Split, Vec<u32>)>,
}

impl Recorder {
    fn new(config: &TrainConfig, dataset: &Dataset) -> Self {
        Self { inner: engine(config, dataset), trained: Vec::new(), evaluated: Vec::new() }
    }
}

impl Engine for Recorder {
    fn info(&self) -> EngineInfo {
        self.inner.info()
    }
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.inner.load(split, samples).await
    }
    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let taken = self.inner.train(samples).await?;
        self.trained.last_mut().unwrap().extend(&samples[..taken]);
        Ok(taken)
    }
    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        self.inner.gradients(samples).await
    }
    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        self.inner.advance(gradient).await
    }
    async fn sums(&mut self) -> Result<Sums> {
        self.inner.sums().await
    }
    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.trained.push(Vec::new());
        self.inner.set_sums(sums).await
    }
    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        self.evaluated.push((split, samples.to_vec()));
        self.inner.evaluate(split, samples).await
    }
    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.inner.logits(split, samples).await
    }
    async fn parameters(&mut self) -> Result<Parameters> {
        self.inner.parameters().await
    }
    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        self.inner.optimizer_state().await
    }
    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        self.inner.set_parameters(parameters, optimizer).await
    }
}

fn run_with<E: Engine>(engine: &mut E, config: &TrainConfig, dataset: &Dataset) -> (Result<Outcome>, Notes) {
    let mut notes = Notes::default();
    let outcome = block_on(async { Trainer::start(engine, config, dataset).await?.run(&mut notes).await });
    (outcome, notes)
}

pub fn run(config: &TrainConfig, dataset: &Dataset) -> (Result<Outcome>, Notes) {
    run_with(&mut engine(config, dataset), config, dataset)
}

/// What the engine saw of a whole run.
fn recorded(config: &TrainConfig, dataset: &Dataset) -> Recorder {
    let mut recorder = Recorder::new(config, dataset);
    assert_eq!(run_with(&mut recorder, config, dataset).0.unwrap(), Outcome::Finished);
    assert_eq!(recorder.trained.pop().unwrap(), [0; 0], "nothing follows the last epoch");
    recorder
}

fn sorted(samples: &[u32]) -> Vec<u32> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted
}

fn f64s(tensor: &Tensor) -> Matrix {
    tensor.map(f64::from)
}

/// Twenty steps on the CPU path and in the reference: five times over 30 samples in batches of 8, 8, 8 and 6.
fn twenty_steps(hidden: &[usize], momentum: f32, weight_decay: f32) {
    let dataset = tiny::dataset();
    let config = TrainConfig { hidden: hidden.to_vec(), momentum, weight_decay, ..config() };
    let initial = Parameters::he_uniform(&config.spec(&dataset).unwrap(), 4);
    let layers = initial.layers.iter().map(|l| Layer { w: f64s(&l.w), b: f64s(&l.b).into_data() }).collect();
    let mut mlp = Mlp { layers, activation: Activation::Relu.into() };
    let mut memory = Memory::new(&mlp);
    let training = Training::plain(Optimizer::sgd(momentum.into(), weight_decay.into()));

    let mut engine = engine(&config, &dataset);
    block_on(engine.set_parameters(&initial, None)).unwrap();
    for round in 0..5 {
        let samples: Vec<u32> = (0..30).map(|i| (i * 7 + round) % tiny::TRAIN as u32).collect();
        block_on(engine.set_sums(&Sums::default())).unwrap();
        assert_eq!(block_on(engine.train(&samples)).unwrap(), 30, "the short batch is taken");
        let (mut loss, mut hits) = (0.0, 0);
        for batch in samples.chunks(8) {
            let x = dataset.train.inputs(batch).unwrap();
            let labels: Vec<u32> = batch.iter().map(|&i| dataset.train.labels()[i as usize]).collect();
            let (batch_loss, batch_hits) =
                training.step(&mut mlp, &mut memory, config.lr.into(), &x, labels.as_slice());
            loss += batch_loss * batch.len() as f64;
            hits += batch_hits;
        }
        let sums = block_on(engine.sums()).unwrap();
        assert_eq!((sums.hits, sums.samples), (hits as u64, 30), "round {round}");
        let got = sums.score().loss;
        assert!((got - loss / 30.0).abs() < 2e-6, "round {round}: loss {got}, want {}", loss / 30.0);
    }
    // Sums of 30 or fewer products, each rounded at 2^-24, carried through 20 steps.
    let tolerance = Tolerance { atol: 3e-6, rtol: 3e-6 };
    let close = |what: &str, got: &Tensor, want: &[f64]| {
        allclose(got.data(), want, tolerance)
            .unwrap_or_else(|mismatch| panic!("{hidden:?}, {what}: {mismatch}"));
    };
    let trained = block_on(engine.parameters()).unwrap();
    let velocities = block_on(engine.optimizer_state()).unwrap().moments.pop();
    assert_eq!(velocities.is_some(), momentum != 0.0);
    for (l, want) in mlp.layers.iter().enumerate() {
        close("w", &trained.layers[l].w, want.w.data());
        close("b", &trained.layers[l].b, &want.b);
        if let Some(velocities) = &velocities {
            close("velocity of w", &velocities.layers[l].w, memory.moments[0][l].w.data());
            close("velocity of b", &velocities.layers[l].b, &memory.moments[0][l].b);
        }
    }
}

#[test]
fn the_cpu_path_takes_the_reference_s_steps() {
    twenty_steps(&[], 0.0, 0.0);
    twenty_steps(&[9], 0.0, 0.0);
    twenty_steps(&[9], 0.0, 0.01);
    twenty_steps(&[11, 5], 0.9, 0.0);
    twenty_steps(&[5, 7, 6], 0.8, 0.02);
}

#[test]
fn it_learns_and_repeats_bit_for_bit() {
    let (dataset, config) = (tiny::dataset(), TrainConfig { epochs: 40, ..config() });
    let (outcome, notes) = run(&config, &dataset);
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let last = notes.records.last().unwrap();
    assert!(last.train.accuracy() > 0.95 && last.test.accuracy() > 0.9, "{last:?}");
    assert!(last.train.loss < notes.records[0].train.loss / 2.0);
    assert_eq!((last.epoch, notes.records.len(), last.validation), (40, 40, None));
    assert_eq!(run(&config, &dataset).1.states, notes.states);
    let other = TrainConfig { seed: 2, ..config };
    assert_ne!(run(&other, &dataset).1.states, notes.states);
}

#[test]
fn the_validation_split_is_disjoint_seeded_and_as_large_as_asked() {
    let samples = |set: &Dataset, split| {
        let part = set.split(split).unwrap();
        let all: Vec<u32> = (0..part.len() as u32).collect();
        part.read(&all).unwrap().chunks(tiny::FEATURES).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let of = |fraction, seed| tiny::dataset().hold_out(fraction, seed);
    let mut whole = samples(&tiny::dataset(), Split::Train);
    whole.sort();
    for (fraction, held_out) in [(0.1, 6), (0.25, 15), (0.5, 30), (1.0 / 60.0, 1)] {
        let set = of(fraction, 1).unwrap();
        let [train, validation] = [Split::Train, Split::Validation].map(|split| samples(&set, split));
        assert_eq!((validation.len(), train.len()), (held_out, tiny::TRAIN - held_out));
        let mut all = [train, validation].concat();
        all.sort();
        assert!(all == whole, "each sample is in one part");
        let plan = Plan::new(&config(), &set).unwrap();
        assert_eq!(
            (plan.validation.len(), plan.train.len(), plan.test.len()),
            (held_out, tiny::TRAIN - held_out, 20)
        );
    }
    let validation = |seed| samples(&of(0.25, seed).unwrap(), Split::Validation);
    assert!(validation(1) == validation(1) && validation(1) != validation(2));
    assert!(validation(1) != samples(&tiny::dataset(), Split::Train)[45..], "not simply the last");
    let set = of(0.25, 1).unwrap();
    let class =
        |class| set.split(Split::Validation).unwrap().labels().iter().filter(|&&own| own == class).count();
    assert_eq!([0, 1, 2].map(class), [5, 5, 5], "the same part of each class");
    for fraction in [0.001, 0.999, 0.0, 1.0, -0.5, f64::NAN] {
        let error = of(fraction, 1).unwrap_err();
        assert!(
            matches!(&error, Error::Usage { .. } if ["need at least one each", "expected a fraction"].iter().any(|words| error.to_string().contains(words))),
            "{error}"
        );
    }
    let recorder = recorded(&config(), &set);
    let all = |count: u32| (0..count).collect::<Vec<_>>();
    assert!(recorder.trained.iter().all(|epoch| sorted(epoch) == all(45)), "held out means held out");
    for pair in recorder.evaluated.chunks(2) {
        assert_eq!(pair, [(Split::Validation, all(15)), (Split::Test, all(20))]);
    }
}

#[test]
fn every_epoch_has_an_order_of_its_own_that_the_seed_repeats() {
    let dataset = tiny::dataset();
    let orders = |seed| recorded(&TrainConfig { seed, ..config() }, &dataset).trained;
    let first = orders(1);
    assert_eq!(first.len(), 3);
    let all: Vec<u32> = (0..tiny::TRAIN as u32).collect();
    assert!(first.iter().all(|order| sorted(order) == all && *order != all), "each sample once, shuffled");
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    assert_eq!(orders(1), first);
    assert!(orders(2).iter().all(|order| !first.contains(order)));
}

#[test]
fn overfit_batches_are_the_same_in_every_epoch_and_learnt_by_heart() {
    let dataset = tiny::random_labels();
    let config = TrainConfig {
        hidden: vec![32],
        overfit_batches: Some(2),
        epochs: 300,
        lr: 0.3,
        momentum: 0.5,
        ..config()
    };
    let mut recorder = Recorder::new(&config, &dataset);
    let (outcome, notes) = run_with(&mut recorder, &config, &dataset);
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let chosen = sorted(&recorder.trained[0]);
    assert_eq!(chosen.len(), 16);
    assert!(recorder.trained[..300].iter().all(|epoch| sorted(epoch) == chosen));
    let last = notes.records.last().unwrap();
    assert!(last.train.accuracy() == 1.0 && last.train.loss < 0.05, "{last:?}");
    let more = TrainConfig { overfit_batches: Some(1000), epochs: 1, ..config };
    assert_eq!(recorded(&more, &dataset).trained[0].len(), tiny::TRAIN, "no more than there are");
}

/// With what the optimiser remembers, a new run takes the steps that the one before would have taken.
#[test]
fn a_new_run_goes_on_with_an_optimiser() {
    let dataset = tiny::dataset();
    let config = TrainConfig { momentum: 0.9, epochs: 1, ..config() };
    let run = |from: Option<(&Parameters, Option<&OptimizerState>)>| {
        let mut engine = engine(&config, &dataset);
        block_on(async {
            let mut trainer = match from {
                Some((parameters, optimizer)) => {
                    Trainer::start_with(&mut engine, &config, &dataset, parameters, optimizer).await?
                }
                None => Trainer::start(&mut engine, &config, &dataset).await?,
            };
            trainer.run(&mut Notes::default()).await?;
            Ok::<_, Error>((engine.parameters().await?, engine.optimizer_state().await?))
        })
        .unwrap()
    };
    let (first, state) = run(None);
    let (on, after) = run(Some((&first, Some(&state))));
    let (anew, again) = run(Some((&first, None)));
    assert_eq!((after.steps, again.steps), (2 * state.steps, state.steps));
    assert_ne!(on, anew);
    // The same by hand: the samples of the first epoch once more, on the same engine.
    let mut engine = engine(&config, &dataset);
    let order = gpu_mlp::training::shuffled(&Plan::new(&config, &dataset).unwrap().train, config.seed, 0);
    block_on(engine.set_parameters(&first, Some(&state))).unwrap();
    let mut taken = 0;
    while taken < order.len() {
        taken += block_on(engine.train(&order[taken..])).unwrap();
    }
    assert_eq!(block_on(engine.parameters()).unwrap(), on);
}

#[test]
fn a_dry_run_takes_one_batch_through_everything() {
    let dataset = tiny::held_out(0.5);
    let config = TrainConfig { dry_run: true, epochs: 5, ..config() };
    let recorder = recorded(&config, &dataset);
    assert_eq!(recorder.trained.iter().map(Vec::len).collect::<Vec<_>>(), [8]);
    let parts: Vec<_> = recorder.evaluated.iter().map(|(split, samples)| (*split, samples.len())).collect();
    assert_eq!(parts, [(Split::Validation, 8), (Split::Test, 8)]);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_its_epoch() {
    let dataset = tiny::dataset();
    let (outcome, notes) = run(&TrainConfig { lr: 1e30, ..config() }, &dataset);
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Diverged { epoch: 1, .. }), "{error}");
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("epoch 1") && error.to_string().contains("smaller lr"), "{error}");
    assert!(notes.states.is_empty(), "nothing that diverged is kept");
    // Weights that grow by a factor at every step leave the range of f32 in a later epoch.
    let growing = TrainConfig { lr: 10.0, weight_decay: 1.0, epochs: 100, ..config() };
    let (outcome, notes) = run(&growing, &dataset);
    match outcome.unwrap_err() {
        Error::Diverged { epoch, .. } => assert_eq!(epoch, notes.records.len() + 1),
        other => panic!("{other}"),
    }
    assert!(!notes.records.is_empty() && notes.records.iter().all(|record| record.train.loss.is_finite()));
}

#[test]
fn an_observer_that_cannot_keep_the_record_ends_the_run() {
    struct Full;
    impl Observer for Full {
        fn progress(&mut self, _: usize, _: usize, _: usize) {}
        fn epoch(&mut self, _: &EpochRecord, _: &State) -> Result<()> {
            Err(Error::usage("the disk is full"))
        }
        fn interrupted(&mut self, _: &State) -> Result<()> {
            Ok(())
        }
        fn should_stop(&self) -> bool {
            false
        }
    }
    let (dataset, config) = (tiny::dataset(), config());
    let mut engine = engine(&config, &dataset);
    let result =
        block_on(async { Trainer::start(&mut engine, &config, &dataset).await?.run(&mut Full).await });
    assert_eq!(result.unwrap_err().to_string(), "the disk is full");
}

#[test]
fn an_engine_refuses_parameters_of_another_network() {
    let (dataset, config) = (tiny::dataset(), config());
    let mut engine = engine(&config, &dataset);
    for sizes in [vec![16, 8, 3], vec![16, 9, 4], vec![16, 3]] {
        let other = Parameters::zeros(&MlpSpec::new(sizes.clone()).unwrap());
        let error = block_on(engine.set_parameters(&other, None)).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{sizes:?}: {error}");
    }
}
