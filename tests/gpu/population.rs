//! Networks side by side: each has the bits that it has alone.

use gpu_mlp::checks::selftest::{fused_steps, steps};
use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::{Engine, GpuEngine, Member, Population, Residency};
use gpu_mlp::gpu::adapter::DeviceType;
use gpu_mlp::gpu::{Gpu, Shader};
use gpu_mlp::kernels::SHADERS;
use gpu_mlp::network::{MlpSpec, OptimizerState, Parameters};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::optimizer::Optimizer;
use gpu_mlp::step::schedule::Schedule;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("population::every_option_has_the_bits_of_one_network", options),
    ("population::every_form_has_the_bits_of_one_network", forms),
    ("population::networks_of_other_shapes_are_groups_of_their_own", shapes),
    ("population::streamed_samples_change_no_bit", streamed),
    ("population::a_member_takes_whole_steps_and_the_samples_of_all", refused),
    ("population::a_lost_device_ends_all", lost),
];

/// A network, its options, and the samples that an epoch of it has.
#[derive(Clone)]
struct Own {
    spec: MlpSpec,
    options: StepOptions,
    order: Vec<u32>,
    seed: u64,
}

/// What a training leaves, as bits, where all that are no numbers are the same.
#[derive(Debug, PartialEq)]
struct Left {
    values: Vec<u32>,
    hits: [u64; 2],
    steps: u64,
}

/// The same options otherwise: no network takes the steps of another.
fn varied(options: &StepOptions, number: usize) -> StepOptions {
    let (k, optimizer) = (number as f32, options.optimizer);
    let mut own = *options;
    own.schedule = Schedule { lr: options.schedule.lr / f64::from(k + 1.0), ..options.schedule };
    own.optimizer = Optimizer {
        weight_decay: optimizer.weight_decay * (1.0 + k),
        momentum: optimizer.momentum * (1.0 - 0.1 * k),
        ..optimizer
    };
    own.clip_norm = options.clip_norm.map(|norm| norm * (1.0 + k));
    own.label_smoothing = options.label_smoothing + 0.03 * k;
    if options.dropout.is_on() {
        (own.dropout.rate, own.dropout.seed) = (options.dropout.rate + 0.1 * k, 9 + number as u64);
    }
    own
}

/// So many networks on different parts of the samples; the last but one diverges, and the last has fewer samples.
fn several(spec: &MlpSpec, options: &StepOptions, count: usize) -> Vec<Own> {
    let own = |number: usize| {
        let mut options = varied(options, number);
        if number + 2 == count {
            options.schedule.lr = 1e30;
        }
        let samples = if number + 1 == count { 40 } else { 81 };
        let order = (0..samples).map(|at| ((at * 31 + number * 7) % steps::TRAIN) as u32).collect();
        Own { spec: spec.clone(), options, order, seed: number as u64 + 1 }
    };
    (0..count).map(own).collect()
}

/// Two epochs, measured and interrupted in between.
async fn run(engine: &mut impl Engine, own: &Own, [train, test]: &[Samples; 2]) -> Left {
    engine.load(Split::Train, train.clone()).await.unwrap();
    engine.load(Split::Test, test.clone()).await.unwrap();
    engine.set_parameters(&Parameters::initial(&own.spec, own.seed), None).await.unwrap();
    engine.set_sums(&Sums::default()).await.unwrap();
    let everything: Vec<u32> = (0..test.len() as u32).collect();
    let mut measured = engine.evaluate(Split::Test, &everything).await.unwrap();
    for _ in 0..2 {
        steps::train(engine, &own.order).await.unwrap();
        measured = engine.evaluate(Split::Test, &everything).await.unwrap();
        let (sums, state) = (engine.sums().await.unwrap(), engine.optimizer_state().await.unwrap());
        let parameters = engine.parameters().await.unwrap();
        engine.set_sums(&sums).await.unwrap();
        engine.set_parameters(&parameters, Some(&state)).await.unwrap();
    }
    let (sums, OptimizerState { steps, moments }) =
        (engine.sums().await.unwrap(), engine.optimizer_state().await.unwrap());
    let logits = engine.logits(Split::Test, &everything).await.unwrap();
    let bits = |value: f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    let mut values: Vec<u32> = logits.data().iter().map(|&value| bits(value)).collect();
    for kept in moments.iter().chain([&engine.parameters().await.unwrap()]) {
        let layers = kept.layers.iter().flat_map(|layer| layer.w.data().iter().chain(layer.b.data()));
        values.extend(layers.map(|&value| bits(value)));
    }
    values.extend(sums.loss.iter().chain(&measured.loss).map(|&loss| bits(loss as f32)));
    Left { values, hits: [sums.hits, measured.hits], steps }
}

/// Nobody waits for a thread that panics.
struct Leaving<'a>(&'a Population);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        block_on(self.0.leave());
    }
}

/// Trains all side by side.
fn together(gpu: &Gpu, all: &[Own], residency: Residency, samples: &[Samples; 2]) -> Vec<Left> {
    let population = &Population::new(gpu.clone(), all.len());
    let train = |own: &Own| {
        let _leaving = Leaving(population);
        let mut member = block_on(Member::open(population, &own.spec, own.options, residency)).unwrap();
        block_on(run(&mut member, own, samples))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|own| scope.spawn(move || train(own))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn alone(gpu: &Gpu, own: &Own, samples: &[Samples; 2]) -> Left {
    let engine = GpuEngine::new(gpu.clone(), &own.spec, own.options, Residency::WhereTheyFit);
    block_on(run(&mut block_on(engine).unwrap(), own, samples))
}

fn equal(what: &str, gpu: &Gpu, all: &[Own], residency: Residency) {
    let samples = steps::noise(&all[0].spec).unwrap();
    let left = together(gpu, all, residency, &samples);
    for (number, (own, left)) in all.iter().zip(&left).enumerate() {
        assert!(alone(gpu, own, &samples) == *left, "{what}: network {number}");
    }
    let finite = |left: &Left| left.values.iter().all(|&bits| f32::from_bits(bits).is_finite());
    assert!(finite(&left[0]), "{what}: it is no test of numbers that are none");
    assert!(left.windows(2).all(|pair| pair[0] != pair[1]), "{what}: networks are the same");
}

fn hardware(gpu: &Gpu) -> Gpu {
    gpu.taken_for(DeviceType::DiscreteGpu)
}

fn options(gpu: &Gpu) {
    let separately = &fused_steps::separately(gpu);
    for case in steps::cases() {
        let spec = MlpSpec::new(steps::SIZES.to_vec()).unwrap().with_activation(case.activation.clone());
        let all = several(&spec.with_loss(case.loss), &case.options, 4);
        equal(case.name, separately, &all, Residency::WhereTheyFit);
        if fused_steps::is_taken(&case) {
            equal(&format!("{}, one launch", case.name), gpu, &all, Residency::WhereTheyFit);
            let hardware = fused_steps::separately(&hardware(gpu));
            equal(&format!("{}, three launches", case.name), &hardware, &all, Residency::WhereTheyFit);
        }
    }
}

/// Products in all forms that one network may have: the small one is tested with the options.
fn forms(gpu: &Gpu) {
    let hardware = hardware(gpu);
    let sgd = |batch_size| StepOptions::sgd(batch_size, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.01 });
    let wide = MlpSpec::new(vec![18, 1030, 9]).unwrap();
    let longer = |own: &Own| Own { order: own.order.repeat(14), ..own.clone() };
    for (what, batch_size) in [("medium", 530), ("large", 1050)] {
        let all = several(&wide, &sgd(batch_size), 3);
        let all: Vec<Own> = all.iter().map(longer).collect();
        equal(what, &hardware, &all, Residency::WhereTheyFit);
    }
    // Many steps of many networks in one launch: more than there is room for.
    let small = MlpSpec::new(vec![37, 10, 19]).unwrap();
    let all: Vec<Own> = several(&small, &sgd(13), 9).iter().map(longer).collect();
    equal("many steps", gpu, &all, Residency::WhereTheyFit);
    let subgroup = SHADERS.into_iter().find(|shader| shader.name == "matmul_subgroup").unwrap();
    let three = subgroup.source.replace("const LANES = 8u;", "const LANES = 3u;").leak();
    let without = fused_steps::separately(&gpu.substituting(Shader { source: three, ..subgroup }));
    let spec = MlpSpec::new(steps::SIZES.to_vec()).unwrap();
    equal("textures", &without, &several(&spec, &sgd(13), 4), Residency::WhereTheyFit);
}

fn shapes(gpu: &Gpu) {
    let sgd = StepOptions::sgd(13, Sgd { lr: 0.1, momentum: 0.0, weight_decay: 0.0 });
    let spec = |hidden| MlpSpec::new(vec![37, hidden, 19]).unwrap();
    let mut all = several(&spec(20), &sgd, 3);
    all.extend(several(&spec(31), &sgd, 3));
    all.extend(several(&spec(31), &StepOptions { batch_size: 8, ..sgd }, 3));
    equal("shapes", gpu, &all, Residency::WhereTheyFit);
    // The trainings of one thread are one member after another.
    let (samples, population) = (steps::noise(&all[0].spec).unwrap(), &Population::new(gpu.clone(), 2));
    let one = |own: &Own| {
        let mut member =
            block_on(Member::open(population, &own.spec, own.options, Residency::WhereTheyFit)).unwrap();
        block_on(run(&mut member, own, &samples))
    };
    let schedule: Vec<Vec<Left>> = std::thread::scope(|scope| {
        let thread = |own: Vec<Own>| {
            scope.spawn(move || {
                let _leaving = Leaving(population);
                own.iter().map(one).collect()
            })
        };
        let threads = [thread(all[..5].to_vec()), thread(all[5..].to_vec())];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    for (own, left) in all.iter().zip(schedule.iter().flatten()) {
        assert!(alone(gpu, own, &samples) == *left);
    }
}

fn streamed(gpu: &Gpu) {
    let sgd = StepOptions::sgd(13, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.01 });
    let all = several(&MlpSpec::new(steps::SIZES.to_vec()).unwrap(), &sgd, 4);
    equal("streamed", gpu, &all, Residency::Streamed);
}

fn refused(gpu: &Gpu) {
    let (spec, options) = (MlpSpec::new(vec![37, 20, 19]).unwrap(), StepOptions::default());
    let population = Population::new(gpu.clone(), 2);
    let open = || Member::open(&population, &spec, options, Residency::WhereTheyFit);
    let (mut one, mut other) = std::thread::scope(|scope| {
        let [one, other] = [(); 2].map(|()| scope.spawn(|| block_on(open()).unwrap()));
        (one.join().unwrap(), other.join().unwrap())
    });
    let error = |error: gpu_mlp::Error| (error.exit_code(), error.to_string());
    let (code, text) = error(block_on(one.gradients(&[0])).unwrap_err());
    assert!(code == 2 && text.contains("whole steps"), "{text}");
    let [samples, others] = [(); 2].map(|()| steps::noise(&spec).unwrap()[0].clone());
    block_on(one.load(Split::Train, samples)).unwrap();
    let (code, text) = error(block_on(other.load(Split::Train, others)).unwrap_err());
    assert!(code == 2 && text.contains("share their training samples"), "{text}");
}

fn lost(_: &Gpu) {
    let own = crate::open().unwrap();
    let sgd = StepOptions::sgd(13, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.01 });
    let all = several(&MlpSpec::new(steps::SIZES.to_vec()).unwrap(), &sgd, 3);
    let (samples, population) = (&steps::noise(&all[0].spec).unwrap(), &Population::new(own.clone(), 3));
    let train = |Own { spec, options, order, .. }: &Own| {
        let _leaving = Leaving(population);
        let mut member = block_on(Member::open(population, spec, *options, Residency::WhereTheyFit)).unwrap();
        block_on(member.load(Split::Train, samples[0].clone())).unwrap();
        loop {
            if let Err(error) = block_on(member.train(order)) {
                return error.exit_code();
            }
            own.destroy();
        }
    };
    let codes: Vec<u8> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|own| scope.spawn(move || train(own))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(codes, [4; 3]);
}
