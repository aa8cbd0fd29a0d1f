//! A device that is lost while it trains: an error and no panic, a run that is kept, and one that goes on by itself.

#[cfg(debug_assertions)]
use std::sync::OnceLock;

use gpu_mlp::Error;
use gpu_mlp::data::Split;
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::training::{TrainConfig, initial_state};
use pollster::block_on;

use crate::NamedTrial;
use crate::program::{Place, Ran, lines};

pub const TRIALS: &[NamedTrial] = &[
    ("lost::every_call_on_a_lost_device_is_an_error", every_call_is_an_error),
    #[cfg(debug_assertions)]
    ("lost::a_run_is_kept_and_told_how_to_go_on", a_run_is_kept),
    #[cfg(debug_assertions)]
    ("lost::retry_goes_on_to_the_same_bits", retry_goes_on),
    #[cfg(debug_assertions)]
    ("lost::a_device_that_is_lost_whenever_it_is_opened_is_given_up", given_up),
    #[cfg(debug_assertions)]
    ("lost::cpu_goes_on_there", cpu_goes_on),
    ("lost::a_lower_rate_from_the_start_is_the_same_as_that_rate", a_lower_rate),
];

fn is_device_error<T>(result: gpu_mlp::Result<T>) {
    let error = result.err().expect("a lost device delivers nothing");
    assert!(matches!(error, Error::Device(_)), "{error:?}");
    assert_eq!(error.exit_code(), 4);
}

fn every_call_is_an_error(_: &Gpu) {
    let dataset = crate::tiny::dataset();
    let config = TrainConfig { hidden: vec![9], batch_size: 4, momentum: 0.5, ..TrainConfig::default() };
    let (spec, options) = (config.spec(&dataset).unwrap(), config.step_options(&dataset).unwrap());
    let samples: Vec<u32> = (0..crate::tiny::TRAIN as u32).collect();
    for residency in [Residency::WhereTheyFit, Residency::Streamed] {
        for calls in 0..3 {
            let gpu = crate::open().unwrap();
            block_on(async {
                let mut engine = GpuEngine::new(gpu.clone(), &spec, options, residency).await.unwrap();
                engine.load_dataset(&dataset).await.unwrap();
                let state = initial_state(&config, &dataset).unwrap();
                engine.set_parameters(&state.parameters, Some(&state.optimizer)).await.unwrap();
                engine.set_sums(&Sums::default()).await.unwrap();
                for _ in 0..calls {
                    engine.train(&samples).await.unwrap();
                }
                gpu.destroy();
                // Work that is only handed over is missed when it is waited for: two submissions later.
                let mut trained = Ok(0);
                for _ in 0..4 {
                    trained = trained.and(engine.train(&samples).await);
                }
                is_device_error(trained);
                is_device_error(engine.sums().await);
                is_device_error(engine.evaluate(Split::Test, &[0, 1, 2]).await);
                is_device_error(engine.parameters().await);
                is_device_error(engine.optimizer_state().await);
                is_device_error(engine.train(&samples).await);
            });
        }
    }
}

/// A run on the device, which is lost before these submissions. The first two belong to its set-up. The first epoch has
/// about 15, since nothing is known of the device's speed yet; the others have 2 at least, and more on a slow one.
#[cfg(debug_assertions)]
fn run(place: &Place, gpu: &Gpu, lost_at: &str, args: &[&str]) -> Ran {
    let summary = gpu.summary();
    let device = ["--backend", summary.backend.name(), "--adapter", &summary.name];
    let network = ["--data", "tiny", "--hidden", "24,16", "--batch-size", "12", "--momentum", "0.9"];
    let args =
        [&["train", "--lr", "0.01", "--quiet", "--epochs", "16"], &device[..], &network, args].concat();
    place.command(&args).env("GPU_MLP_LOSE_DEVICE_AT", lost_at).output().unwrap().into()
}

/// Where all of these trials run, so that kernels are compiled once, with a run that nothing happened to.
#[cfg(debug_assertions)]
fn place(gpu: &Gpu) -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Place::new();
        run(&place, gpu, "", &["--out", "straight"]).ok();
        place
    })
}

#[cfg(debug_assertions)]
fn equals_the_straight_run(place: &Place, out: &str) {
    for file in ["model.safetensors", "checkpoint.safetensors"] {
        assert!(place.read(&format!("{out}/{file}")) == place.read(&format!("straight/{file}")), "{file}");
    }
}

#[cfg(debug_assertions)]
fn recoveries(place: &Place, out: &str) -> usize {
    let lines = lines(&place.text(&format!("{out}/metrics.jsonl")));
    lines.iter().filter(|line| line["event"] == "recovery").count()
}

#[cfg(debug_assertions)]
fn a_run_is_kept(gpu: &Gpu) {
    let place = place(gpu);
    let lost = run(place, gpu, "28", &["--out", "kept"]);
    lost.fails(4, &["the GPU failed: ", "saved; to continue: gpu-mlp train --resume kept"]);
    // And in the first epoch, where there is nothing to keep yet.
    let lost = run(place, gpu, "4", &["--out", "begun"]);
    lost.fails(4, &["no epoch was finished; to start again: gpu-mlp train --resume begun"]);
    for out in ["kept", "begun"] {
        place.run(&["train", "--resume", out, "--quiet"]).ok();
        equals_the_straight_run(place, out);
    }
}

#[cfg(debug_assertions)]
fn retry_goes_on(gpu: &Gpu) {
    let place = place(gpu);
    let ran = run(place, gpu, "4,20,30", &["--out", "retry", "--on-device-lost", "retry"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(recoveries(place, "retry"), 3);
    equals_the_straight_run(place, "retry");
}

#[cfg(debug_assertions)]
fn given_up(gpu: &Gpu) {
    let place = place(gpu);
    let always: Vec<String> = (3..100).map(|number: usize| number.to_string()).collect();
    let ran = run(place, gpu, &always.join(","), &["--out", "always", "--on-device-lost", "retry"]);
    ran.fails(4, &["the GPU failed: ", "no epoch was finished"]);
    assert_eq!(recoveries(place, "always"), 4);
}

#[cfg(debug_assertions)]
fn cpu_goes_on(gpu: &Gpu) {
    let place = place(gpu);
    let ran = run(place, gpu, "20", &["--out", "cpu", "--on-device-lost", "cpu"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(recoveries(place, "cpu"), 1);
    let lines = lines(&place.text("cpu/metrics.jsonl"));
    assert_eq!(lines.iter().filter(|line| line["event"] == "epoch").count(), 16);
    assert!(lines.last().unwrap()["test_accuracy"].as_f64().unwrap() > 0.5, "and it has learnt something");
}

fn a_lower_rate(gpu: &Gpu) {
    let place = Place::new();
    let summary = gpu.summary();
    let device = ["--backend", summary.backend.name(), "--adapter", &summary.name];
    // As the CPU's test of this name: weights times 1 - lr · 28 in each of 60 steps.
    let run = |lr, out, more: &[&str]| {
        let growing = ["--hidden", "7", "--batch-size", "1", "--epochs", "2", "--weight-decay", "28"];
        let fixed = ["train", "--data", "tiny", "--json", "--lr", lr, "--out", out];
        let ran = place.run(&[&fixed[..], &growing, &device, more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.lines()
    };
    let printed = run("1", "a", &["--on-divergence", "lower-lr"]);
    let recoveries: Vec<_> = printed.iter().filter(|line| line["event"] == "recovery").collect();
    let rates: Vec<f64> = recoveries.iter().map(|line| line["lr"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.5, 0.25, 0.125, 0.0625]);
    for line in recoveries {
        let problem = line["problem"].as_str().unwrap();
        assert!(problem.contains("first not finite: ") && problem.contains(" in step "), "{problem}");
    }
    run("0.0625", "b", &[]);
    assert!(place.read("a/model.safetensors") == place.read("b/model.safetensors"));
}
