//! Everything that needs an adapter: kernels against the reference, and whole training runs.
//!
//! Without an adapter every trial is shown as ignored; `GPU_MLP_REQUIRE_GPU=1` makes that a failure. Trials run one
//! after the other on one device: drivers crash when many are opened at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod parity;

use gpu_mlp::gpu::{Gpu, adapter};
use libtest_mimic::{Arguments, Trial};

/// The device that all trials share: what `WGPU_BACKEND` and `WGPU_ADAPTER_NAME` ask for, else the best there is,
/// software included.
fn open() -> Option<Gpu> {
    pollster::block_on(async {
        let any = adapter::Request { backends: vec![gpu_mlp::gpu::Backend::Vulkan], adapter: None };
        let request = adapter::Request::default().or_env();
        let request = if request.is_open() { any } else { request };
        let adapter = adapter::find(&request).await.ok().flatten()?;
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
    let run = |test: fn(&Gpu)| move || gpu.map(test).ok_or_else(|| "no adapter".into());
    let trials = parity::TRIALS
        .iter()
        .map(|&(name, test)| Trial::test(name, run(test)).with_ignored_flag(gpu.is_none() && !required))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
