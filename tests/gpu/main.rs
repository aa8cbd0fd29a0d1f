//! Everything that needs an adapter: kernels against the reference, and whole training runs.
//!
//! Without an adapter every trial is shown as ignored; `GPU_MLP_REQUIRE_GPU=1` makes that a failure. Trials run one
//! after the other on one device: drivers crash when many are opened at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
#[path = "../engine_options/mod.rs"]
mod engine_options;
mod gradients;
mod limits;
mod lost;
mod mistakes;
mod numbers;
mod options;
mod pacing;
mod population;
mod predict;
mod products;
#[allow(dead_code)] // the CPU's tests use more of it
#[path = "../cpu/program.rs"]
mod program;
mod selftest;
mod side_by_side;
#[allow(dead_code, unused_imports)]
#[path = "../cpu/tiny.rs"]
mod tiny;
mod together;
mod training;

use gpu_mlp::gpu::{Backend, Gpu, adapter};
use libtest_mimic::{Arguments, Trial};

/// A trial's name, and what it does with the device.
type NamedTrial = (&'static str, fn(&Gpu));

/// The device that all trials share: what `WGPU_BACKEND` and `WGPU_ADAPTER_NAME` ask for, else the best there is,
/// software included.
fn open() -> Option<Gpu> {
    pollster::block_on(async {
        let mut request = adapter::Request::default().or_env();
        if request.is_open() {
            // An open request takes hardware only.
            request.backends = Backend::ALL.into_iter().filter(|backend| backend.is_built_in()).collect();
        }
        let found = adapter::find(&request).await.unwrap_or_else(|error| {
            eprintln!("{error}");
            None
        });
        let adapter = found?;
        Some(Gpu::open(&adapter).await.expect("an adapter that was found opens"))
    })
}

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let gpu: Option<&'static Gpu> = open().map(|gpu| &*Box::leak(Box::new(gpu)));
    let required = std::env::var("GPU_MLP_REQUIRE_GPU").is_ok_and(|value| value == "1");
    match gpu {
        Some(gpu) => eprintln!("adapter: {} ({})", gpu.summary().name, gpu.summary().driver),
        None if required => eprintln!("no adapter was found, and GPU_MLP_REQUIRE_GPU=1 demands one"),
        None => eprintln!("no adapter was found: GPU trials are ignored"),
    }
    let with_mnist = training::mnist_folder().is_some();
    if !with_mnist {
        eprintln!("real MNIST was not found (GPU_MLP_MNIST_DIR): trials that need it are ignored");
    }
    let run = |test: fn(&Gpu)| move || gpu.map(test).ok_or_else(|| "no adapter".into());
    let trial = |ignored: bool| {
        move |&(name, test): &NamedTrial| Trial::test(name, run(test)).with_ignored_flag(ignored)
    };
    let without_gpu = gpu.is_none() && !required;
    let kernels = selftest::TRIALS
        .iter()
        .chain(products::TRIALS)
        .chain(predict::TRIALS)
        .chain(training::TRIALS)
        .chain(numbers::TRIALS)
        .chain(limits::TRIALS)
        .chain(pacing::TRIALS)
        .chain(options::TRIALS)
        .chain(gradients::TRIALS)
        .chain(lost::TRIALS)
        .chain(together::TRIALS)
        .chain(population::TRIALS)
        .chain(side_by_side::TRIALS)
        .chain(bench::TRIALS);
    let kernels = kernels.map(trial(without_gpu));
    let mnist = training::MNIST_TRIALS.iter().map(trial(without_gpu || !with_mnist));
    libtest_mimic::run(&arguments, kernels.chain(mnist).collect()).exit_code()
}
