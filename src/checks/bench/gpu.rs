//! A GPU's kernels one by one, its step, and its peak.

use web_time::Instant;

use super::speed::{self, least, median};
use super::subject::ROUNDS;
use super::{Clock, Copied, DeviceReport, KernelTime, Observer, Peak, StepTime, Subject};
use crate::engine::{Engine, GpuEngine};
use crate::error::Result;
use crate::gpu::{Gpu, Launch, Submission};
use crate::kernels::{Kernels, Layout, Matrix};

/// Rows, inputs and outputs of the products among which the peak is sought.
const PEAK_SIZES: [usize; 4] = [512, 1024, 2048, 4096];

/// Bytes that are copied to find the peak of memory, unless the adapter allows less: more than any cache holds.
const COPY_BYTES: u64 = 256 << 20;

/// Repetitions that go into one submission at most.
const MOST: usize = 4096;

/// A submission of this length is timed well by the wall clock, and is short enough for any watchdog.
const WELL_TIMED: f64 = 0.02;

/// Timestamps are believed if they find this part of the wall clock's time, at least and at most. Some drivers answer
/// with nonsense.
const BELIEVED: std::ops::RangeInclusive<f64> = 0.2..=1.1;

/// Measures in about `seconds`. Nothing if the observer has ended it.
pub(super) async fn measure(
    gpu: &Gpu,
    subject: &Subject,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Option<DeviceReport>> {
    let (part, batch_size, samples) = (seconds / 5.0, subject.batch_size, subject.samples());
    let mut engine = subject.on_gpu(gpu).await?;
    if speed::training(&mut engine, &samples, batch_size, part / 5.0, observer).await?.is_none() {
        return Ok(None);
    }
    let (steps, host) = host_time(gpu, &mut engine, &samples, batch_size, observer).await?;
    let chunk = engine.launches(steps)?;
    // Images of 784 pixels are too wide for several steps in one launch.
    let per_step = (chunk.len() - 1) / steps;
    let before = peak(gpu, part).await?;
    let kernels = &chunk[..=per_step];
    let clock = clock(gpu, kernels).await?;
    let (mut step, mut device, mut times) = (Vec::new(), Vec::new(), vec![Vec::new(); kernels.len()]);
    for _ in 0..ROUNDS {
        let part = part / ROUNDS as f64;
        let speed = speed::training(&mut engine, &samples, batch_size, part, observer).await?;
        let Some(speed) = speed else { return Ok(None) };
        step.push(speed.seconds * batch_size as f64 / speed.samples as f64);
        let replayed = |times| gpu.submit(std::iter::repeat_n(&chunk, times).flatten());
        device.extend(wall(gpu, part, replayed).await?);
        time_kernels(gpu, clock, kernels, part, &mut times).await?;
    }
    let peak = before.or_better(peak(gpu, part).await?);
    let row = |(index, (launch, times)): (usize, (&Launch, Vec<f64>))| {
        kernel(launch, median(times), if index == 0 { steps } else { 1 }, &peak)
    };
    let kernels: Vec<KernelTime> = kernels.iter().zip(times).enumerate().map(row).collect();
    let step = StepTime {
        kernels_microseconds: kernels.iter().map(|kernel| kernel.microseconds_per_step).sum(),
        device_microseconds: Some(median(device) * 1e6 / steps as f64),
        host_microseconds: Some(host * 1e6),
        launches: Some(per_step),
        steps_per_submission: Some(steps),
        ..StepTime::of(subject, median(step))
    };
    Ok(Some(DeviceReport { engine: engine.info(), clock, peak, kernels, step }))
}

/// A launch that serves so many steps.
fn kernel(launch: &Launch, seconds: f64, steps: usize, peak: &Peak) -> KernelTime {
    let work = launch.work();
    let rate = |count: u64| (count > 0 && seconds > 0.0).then(|| count as f64 / seconds / 1e9);
    let (gflops, gigabytes_per_second) = (rate(work.flops), rate(work.bytes));
    let of_copy = || {
        let copy = peak.copy.as_ref()?;
        Some(gigabytes_per_second? / copy.gigabytes_per_second)
    };
    KernelTime {
        kernel: launch.name().into(),
        shape: work.shape.clone(),
        microseconds: seconds * 1e6,
        microseconds_per_step: seconds * 1e6 / steps as f64,
        gflops,
        gigabytes_per_second,
        of_peak: gflops.map_or_else(of_copy, |gflops| Some(gflops / peak.gflops)),
    }
}

/// Steps that the engine puts into a submission, and what each takes of the host: with nothing under way,
/// [`Engine::train`] waits for nobody.
async fn host_time(
    gpu: &Gpu,
    engine: &mut GpuEngine,
    samples: &[u32],
    batch_size: usize,
    observer: &impl Observer,
) -> Result<(usize, f64)> {
    let whole = samples.len() / batch_size * batch_size;
    let (mut steps, mut times) = (1, Vec::new());
    while times.is_empty() || (times.len() < ROUNDS && !observer.should_stop()) {
        gpu.wait(&gpu.submit([])?).await?;
        let begun = Instant::now();
        steps = (engine.train(&samples[..whole]).await? / batch_size).max(1);
        times.push(begun.elapsed().as_secs_f64() / steps as f64);
    }
    engine.sums().await?;
    Ok((steps, median(times)))
}

/// Times each launch for its part of about `seconds`. By timestamps all are timed where they stand in the step; else
/// each is repeated.
async fn time_kernels(
    gpu: &Gpu,
    clock: Clock,
    launches: &[Launch],
    seconds: f64,
    times: &mut [Vec<f64>],
) -> Result<()> {
    if clock == Clock::WallClock {
        for (launch, times) in launches.iter().zip(times) {
            let repeated = |times| gpu.submit(std::iter::repeat_n(launch, times));
            times.extend(wall(gpu, seconds / launches.len() as f64, repeated).await?);
        }
        return Ok(());
    }
    let (begun, all) = (Instant::now(), launches.iter().collect::<Vec<_>>());
    loop {
        let found = gpu.time_launches(&all).await?.into_iter().flatten();
        times.iter_mut().zip(found).for_each(|(times, time)| times.push(time));
        if begun.elapsed().as_secs_f64() >= seconds {
            return Ok(());
        }
    }
}

/// Timestamps, if the device has them and they agree with the wall clock.
async fn clock(gpu: &Gpu, launches: &[Launch]) -> Result<Clock> {
    let mut times = 1;
    loop {
        let many: Vec<&Launch> = std::iter::repeat_n(launches, times).flatten().collect();
        let begun = Instant::now();
        let Some(own) = gpu.time_launches(&many).await? else { return Ok(Clock::WallClock) };
        let wall = begun.elapsed().as_secs_f64();
        if wall >= WELL_TIMED || many.len() >= MOST {
            let share = own.iter().sum::<f64>() / wall;
            log::info!("timestamps account for {:.0} % of the wall-clock time", 100.0 * share);
            let believed = BELIEVED.contains(&share);
            return Ok(if believed { Clock::DeviceTimestamps } else { Clock::WallClock });
        }
        times *= 2;
    }
}

/// Seconds of one of many repetitions, of which `submit` puts so many into one submission: as many as make it well
/// timed. A figure for each of the submissions that fit into about `seconds`, at least one; the first of all, which may
/// still touch memory for the first time, does not count.
pub(super) async fn wall(
    gpu: &Gpu,
    seconds: f64,
    submit: impl Fn(usize) -> Result<Submission>,
) -> Result<Vec<f64>> {
    gpu.wait(&submit(1)?).await?;
    let begun = Instant::now();
    let (mut times, mut found) = (1, Vec::new());
    loop {
        let submitted = Instant::now();
        gpu.wait(&submit(times)?).await?;
        let took = submitted.elapsed().as_secs_f64();
        if took < WELL_TIMED && times < MOST {
            times *= 2;
            continue;
        }
        found.push(took / times as f64);
        if begun.elapsed().as_secs_f64() >= seconds {
            return Ok(found);
        }
    }
}

/// The fastest of a few large products of our own kernel, and a large copy.
async fn peak(gpu: &Gpu, seconds: f64) -> Result<Peak> {
    let begun = Instant::now();
    let matmul = Kernels::new(gpu).await?.matmul;
    let mut best = Peak { gflops: 0.0, matmul: [0; 3], copy: Some(copy(gpu, seconds / 4.0).await?) };
    let mut last = 0.0;
    for size in PEAK_SIZES {
        // Eight times the work, at least twice.
        if size > PEAK_SIZES[0] && begun.elapsed().as_secs_f64() + 16.0 * last > seconds {
            break;
        }
        let (square, weights) = (Layout::activations(size, size), Layout::weights(size, size));
        let values: Vec<f32> = (0..size * size).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        let x = Matrix::upload(gpu, "x", square, &square.pack_activations(&values))?;
        let w = Matrix::upload(gpu, "w", weights, &weights.pack_weights(&values, &[]))?;
        let z = Matrix::zeros(gpu, "z", square)?;
        let launch = matmul.forward(gpu, &x, &w, &z, false)?;
        let repeated = |times| gpu.submit(std::iter::repeat_n(&launch, times));
        last = least(wall(gpu, seconds / 8.0, repeated).await?);
        let gflops = launch.work().flops as f64 / last / 1e9;
        if gflops > best.gflops {
            best = Peak { gflops, matmul: [size; 3], copy: best.copy };
        }
    }
    Ok(best)
}

async fn copy(gpu: &Gpu, seconds: f64) -> Result<Copied> {
    let bytes = COPY_BYTES.min(gpu.max_binding_size()) / 4 * 4;
    let (from, to) = (gpu.alloc("copied from", bytes)?, gpu.alloc("copied to", bytes)?);
    let took = least(wall(gpu, seconds, |times| gpu.copy(&from, &to, times)).await?);
    Ok(Copied { gigabytes_per_second: 2.0 * bytes as f64 / took / 1e9, bytes })
}
