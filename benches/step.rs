//! The parts of a step of 784-300-75-10 with a batch of 128: each kernel of a GPU, each product of the CPU, and whole
//! steps. `cargo bench`; the adapter is what `WGPU_BACKEND` and `WGPU_ADAPTER_NAME` ask for, else the best there is,
//! software included.
//!
//! Throughput counts additions and multiplications as elements: Gelem/s are GFLOP/s.
#![allow(missing_docs, clippy::expect_used)]

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gpu_mlp::bench::Subject;
use gpu_mlp::engine::{Device, Engine};
use gpu_mlp::gpu::{Backend, Gpu, Launch, adapter};
use pollster::block_on;

const BATCH_SIZE: usize = 128;

fn subject() -> Subject {
    Subject::new(&[300, 75], BATCH_SIZE).expect("a network that can be made")
}

fn open() -> Option<Gpu> {
    let mut request = adapter::Request::default().or_env();
    if request.is_open() {
        // An open request takes hardware only.
        request.backends = Backend::ALL.into_iter().filter(|backend| backend.is_built_in()).collect();
    }
    let found = block_on(adapter::find(&request)).inspect_err(|error| eprintln!("{error}")).ok()??;
    Some(block_on(Gpu::open(&found)).expect("an adapter that was found opens"))
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group
}

fn id(kernel: &str, shape: &[usize]) -> BenchmarkId {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    BenchmarkId::new(kernel, shape.join("x"))
}

/// As many of a launch, one after the other in one submission, as the harness asks for.
fn repeated(gpu: &Gpu, launch: &Launch, times: u64) -> Duration {
    let begun = Instant::now();
    let submission = gpu.submit(std::iter::repeat_n(launch, times as usize)).expect("a device that works");
    block_on(gpu.wait(&submission)).expect("a device that works");
    begun.elapsed()
}

/// Steps as they train, and their samples a second.
fn steps(group: &mut BenchmarkGroup<'_, WallTime>, mut engine: impl Engine, samples: &[u32]) {
    let whole = &samples[..samples.len() / BATCH_SIZE * BATCH_SIZE];
    group.throughput(Throughput::Elements(BATCH_SIZE as u64));
    group.bench_function("step", |bencher| {
        bencher.iter_custom(|times| {
            let begun = Instant::now();
            let mut left = times as usize * BATCH_SIZE;
            while left > 0 {
                let some = &whole[..left.min(whole.len())];
                left -= block_on(engine.train(some)).expect("a device that works");
            }
            block_on(engine.sums()).expect("a device that works");
            begun.elapsed()
        });
    });
}

fn gpu(criterion: &mut Criterion) {
    let Some(gpu) = open() else {
        eprintln!("no adapter was found: only the CPU is measured");
        return;
    };
    let subject = subject();
    let mut engine = block_on(subject.on_gpu(&gpu)).expect("a network that fits");
    block_on(engine.train(&subject.samples()[..BATCH_SIZE])).expect("a device that works");
    let mut group = group(criterion, &gpu.summary().name);
    for launch in engine.launches(1).expect("samples that it has") {
        let work = launch.work();
        group.throughput(match work.flops {
            0 => Throughput::Bytes(work.bytes),
            flops => Throughput::Elements(flops),
        });
        group.bench_function(id(launch.name(), &work.shape), |bencher| {
            bencher.iter_custom(|times| repeated(&gpu, &launch, times));
        });
    }
    steps(&mut group, engine, &subject.samples());
    group.finish();
}

fn cpu(criterion: &mut Criterion) {
    let subject = subject();
    let mut group = group(criterion, "cpu");
    for mut product in subject.products() {
        group.throughput(Throughput::Elements(product.flops()));
        group.bench_function(id(product.kind().name(), &product.shape()), |bencher| {
            bencher.iter(|| product.run());
        });
    }
    steps(&mut group, block_on(subject.on(&Device::Cpu)).expect("a network that fits"), &subject.samples());
    group.finish();
}

criterion_group!(benches, gpu, cpu);
criterion_main!(benches);
