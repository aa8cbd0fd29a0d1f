//! Several ranks train as one does: every option, any number of ranks, shares of any size.

mod runs;
mod threads;

use std::sync::Mutex;

use gpu_mlp::checks::selftest::steps::{BATCH, Case, SIZES, cases, noise, order};
use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::team::{Cut, Shared, Teamwork};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::step::StepOptions;
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::{Error, Result};
use pollster::block_on;

use self::threads::{ThreadTeam, Work};

/// The engine of a rank.
fn engine(team: &ThreadTeam, spec: &MlpSpec, options: StepOptions) -> CpuEngine {
    CpuEngine::new(spec, Cut::new(team, options.batch_size).options(options))
}

/// A team, and what it works on.
struct Setup {
    ranks: usize,
    sync_every: Option<usize>,
    work: Mutex<Option<Work>>,
    options: Mutex<Option<StepOptions>>,
}

impl Setup {
    fn of(ranks: usize, sync_every: Option<usize>) -> Self {
        Self { ranks, sync_every, work: Mutex::default(), options: Mutex::default() }
    }

    /// What `lead` makes of engines that all ranks share.
    fn lead<T: Send>(&self, lead: impl for<'t> FnOnce(&'t ThreadTeam) -> T + Send) -> T {
        let open = |team: &ThreadTeam| {
            let Work { spec, .. } = self.work.lock().unwrap().clone().unwrap();
            Ok(engine(team, &spec, self.options.lock().unwrap().unwrap()))
        };
        threads::lead(self.ranks, &self.work, open, lead)
    }

    /// An engine that all ranks share, without samples; its samples are to be these.
    fn open<'t>(
        &self,
        team: &'t ThreadTeam,
        spec: &MlpSpec,
        options: StepOptions,
        samples: [Samples; 2],
    ) -> Shared<'t, CpuEngine> {
        let samples = [Split::Train, Split::Test].into_iter().zip(samples).collect();
        *self.work.lock().unwrap() =
            Some(Work { spec: spec.clone(), batch_size: options.batch_size, samples });
        *self.options.lock().unwrap() = Some(options);
        let teamwork = Teamwork { team, sync_every: self.sync_every };
        Shared::new(engine(team, spec, options), teamwork, spec, options.batch_size, 0).unwrap()
    }
}

fn spec_of(case: &Case) -> MlpSpec {
    MlpSpec::new(SIZES.to_vec()).unwrap().with_activation(&case.activation).with_loss(case.loss)
}

/// Gives an engine samples and the initial parameters.
fn begin(engine: &mut impl Engine, spec: &MlpSpec, [train, test]: [Samples; 2]) {
    block_on(async {
        engine.load(Split::Train, train).await.unwrap();
        engine.load(Split::Test, test).await.unwrap();
        engine.set_parameters(&Parameters::initial(spec, 5), None).await.unwrap();
        engine.set_sums(&Sums::default()).await.unwrap();
    });
}

/// Batches of 13 for 1, 2, 3, 4 and 16 ranks, and a last one of 5.
#[test]
fn a_team_takes_the_steps_of_the_reference() {
    for ranks in [1, 2, 3, 4, 16] {
        let setup = Setup::of(ranks, None);
        setup.lead(|team| {
            crate::engine_options::equal_the_reference(|spec, options| {
                setup.open(team, spec, options, noise(spec).unwrap())
            });
        });
    }
}

fn flat(parameters: &Parameters) -> Vec<f32> {
    parameters.layers.iter().flat_map(|layer| [layer.w.data(), layer.b.data()].concat()).collect()
}

/// Weights that are no powers of two, so that shares of a batch do not count alike.
fn weighted([train, test]: [Samples; 2]) -> [Samples; 2] {
    let weights = (0..train.len()).map(|i| 0.3 + (i % 7) as f32).collect();
    [train.with_weights(weights).unwrap(), test]
}

/// One engine's gradient of a batch is a sum of B products for each value, and so are the shares', which are added up then. Each
/// sum of at most n terms is off by n ε of the sum S of their magnitudes, which the gradients of single samples tell. Two of them are
/// apart by twice that; what is rounded on the way to the terms takes no more than as much again, relative to the largest
/// magnitude of the layers, of which a tenth is enough.
#[test]
fn the_gradient_of_shares_is_that_of_the_batch() {
    for (ranks, weigh) in [(2, false), (3, true), (4, false), (16, true)] {
        for case in cases() {
            let (spec, name) = (spec_of(&case), format!("{}, {ranks} ranks", case.name));
            let samples = || match noise(&spec).unwrap() {
                samples if weigh => weighted(samples),
                samples => samples,
            };
            let weight = |sample: u32| {
                samples()[0].weights().map_or(1.0, |weights| f64::from(weights[sample as usize]))
            };
            let batches = [&order(2)[..BATCH], &order(1)[..], &order(1)[..1]];
            let mut alone = CpuEngine::new(&spec, case.options);
            begin(&mut alone, &spec, samples());
            let setup = Setup::of(ranks, None);
            let shared = setup.lead(|team| {
                let mut engine = setup.open(team, &spec, case.options, samples());
                begin(&mut engine, &spec, samples());
                batches.map(|batch| flat(&block_on(engine.gradients(batch)).unwrap()))
            });
            for (batch, got) in batches.iter().zip(shared) {
                let want = flat(&block_on(alone.gradients(batch)).unwrap());
                if batch.len() == 1 {
                    assert!(got == want, "{name}: nothing is added to the gradient of one sample");
                    continue;
                }
                let total: f64 = batch.iter().map(|&sample| weight(sample)).sum();
                let mut magnitude = vec![0.0; want.len()];
                for (row, &sample) in (0..).zip(*batch) {
                    let mut options = case.options;
                    options.dropout.first_row = row;
                    let mut single = CpuEngine::new(&spec, options);
                    begin(&mut single, &spec, samples());
                    let own = flat(&block_on(single.gradients(&[sample])).unwrap());
                    let share = weight(sample) / total;
                    magnitude.iter_mut().zip(own).for_each(|(sum, g)| *sum += share * f64::from(g.abs()));
                }
                let largest = magnitude.iter().fold(0.0, |most: f64, &s| most.max(s));
                for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                    let allowed =
                        4.0 * BATCH as f64 * f64::from(f32::EPSILON) * (magnitude[i] + 0.1 * largest);
                    let off = (f64::from(*got) - f64::from(*want)).abs();
                    assert!(off <= allowed, "{name}: {i}: {got} is not {want} ± {allowed}");
                }
            }
        }
    }
}

/// Ranks that average their weights do what as many engines do that are averaged by hand; after the last batch, too, which does not
/// reach all of them.
#[test]
fn weights_are_averaged_after_so_many_steps() {
    let [ranks, every] = [3, 2];
    for case in
        cases().iter().filter(|case| ["relu", "momentum, decay", "adam", "dropout"].contains(&case.name))
    {
        let (spec, batches) = (spec_of(case), order(5));
        let setup = Setup::of(ranks, Some(every));
        let (got, memory, sums) = setup.lead(|team| {
            let mut engine = setup.open(team, &spec, case.options, noise(&spec).unwrap());
            begin(&mut engine, &spec, noise(&spec).unwrap());
            crate::engine_options::train(&mut engine, &batches);
            let sums = block_on(engine.sums()).unwrap();
            (block_on(engine.parameters()).unwrap(), block_on(engine.optimizer_state()).unwrap(), sums)
        });
        let rows = BATCH.div_ceil(ranks);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let mut all: Vec<CpuEngine> = (0..ranks)
            .map(|rank| {
                let mut options = case.options;
                options.batch_size = rows.min(BATCH - rank * rows);
                options.dropout.first_row = (rank * rows) as u32;
                let mut engine = pool.install(|| CpuEngine::new(&spec, options));
                begin(&mut engine, &spec, noise(&spec).unwrap());
                engine
            })
            .collect();
        let mut steps = 0;
        for few in batches.chunks(BATCH * every) {
            let mut taken = vec![0; ranks];
            for batch in few.chunks(BATCH) {
                for (rank, own) in batch.chunks(rows).enumerate() {
                    pool.install(|| block_on(all[rank].train(own))).unwrap();
                    taken[rank] += own.len();
                }
                steps += 1;
            }
            let mut mean = Parameters::zeros(&spec);
            let mut moments = vec![Parameters::zeros(&spec); case.options.moments()];
            for (engine, taken) in all.iter_mut().zip(&taken) {
                let share = *taken as f32 / few.len() as f32;
                mean.add(share, &block_on(engine.parameters()).unwrap()).unwrap();
                let memory = block_on(engine.optimizer_state()).unwrap();
                moments.iter_mut().zip(&memory.moments).for_each(|(sum, own)| sum.add(share, own).unwrap());
            }
            let memory = gpu_mlp::network::OptimizerState { steps, moments };
            for engine in &mut all {
                block_on(engine.set_parameters(&mean, Some(&memory))).unwrap();
            }
        }
        let want = block_on(all[0].parameters()).unwrap();
        assert!(got == want, "{}: other weights", case.name);
        assert!(memory == block_on(all[0].optimizer_state()).unwrap(), "{}: another memory", case.name);
        assert_eq!(sums.samples, batches.len() as u64, "{}", case.name);
    }
}

/// An engine that fails at its third gradient.
struct Failing(CpuEngine, usize);

impl Engine for Failing {
    fn info(&self) -> gpu_mlp::engine::EngineInfo {
        self.0.info()
    }
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.0.load(split, samples).await
    }
    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        self.0.train(samples).await
    }
    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        self.1 += 1;
        if self.1 == 3 { Err(Error::Device("it is gone".into())) } else { self.0.gradients(samples).await }
    }
    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        self.0.advance(gradient).await
    }
    async fn sums(&mut self) -> Result<Sums> {
        self.0.sums().await
    }
    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.0.set_sums(sums).await
    }
    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        self.0.evaluate(split, samples).await
    }
    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<gpu_mlp::Tensor> {
        self.0.logits(split, samples).await
    }
    async fn parameters(&mut self) -> Result<Parameters> {
        self.0.parameters().await
    }
    async fn optimizer_state(&mut self) -> Result<gpu_mlp::network::OptimizerState> {
        self.0.optimizer_state().await
    }
    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&gpu_mlp::network::OptimizerState>,
    ) -> Result<()> {
        self.0.set_parameters(parameters, optimizer).await
    }
}

#[test]
fn what_goes_wrong_on_another_rank_is_told_and_the_team_can_begin_again() {
    let case = &cases()[0];
    let (spec, options) = (spec_of(case), case.options);
    let samples = || noise(&spec).unwrap();
    let work = Mutex::new(Some(Work {
        spec: spec.clone(),
        batch_size: BATCH,
        samples: [Split::Train, Split::Test].into_iter().zip(samples()).collect(),
    }));
    let open = |team: &ThreadTeam| Ok(Failing(engine(team, &spec, options), 0));
    threads::lead(3, &work, open, |team| {
        for _ in 0..2 {
            let teamwork = Teamwork { team, sync_every: None };
            let mut engine = Shared::new(engine(team, &spec, options), teamwork, &spec, BATCH, 0).unwrap();
            begin(&mut engine, &spec, samples());
            let batches = order(5);
            assert_eq!(block_on(engine.train(&batches)).unwrap(), BATCH);
            assert_eq!(block_on(engine.train(&batches)).unwrap(), BATCH);
            let error = block_on(engine.train(&batches)).unwrap_err();
            assert!(matches!(error, Error::Rank { rank: 1, exit_code: 4, .. }), "{error:?}");
            assert!(error.to_string().contains("it is gone"), "{error}");
        }
    });
    let nobody = |_: &ThreadTeam| -> Result<CpuEngine> { Err(Error::usage("no room")) };
    threads::lead(2, &work, nobody, |team| {
        let teamwork = Teamwork { team, sync_every: None };
        let error = Shared::new(engine(team, &spec, options), teamwork, &spec, BATCH, 0).err().unwrap();
        assert_eq!(error.to_string(), "rank 1: no room");
    });
}
