//! The CPU's matrix products one by one, and its step.

use web_time::Instant;

use super::speed::{self, least, median};
use super::subject::ROUNDS;
use super::{Clock, DeviceReport, KernelTime, Observer, Peak, StepTime, Subject};
use crate::engine::{Device, Engine, Product, ProductKind};
use crate::error::Result;

/// Rows, inputs and outputs of the products among which the peak is sought.
const PEAK_SIZES: [usize; 4] = [256, 512, 1024, 2048];

/// Measures in about `seconds`. Nothing if the observer has ended it, or if it takes far longer and is `optional`.
pub(super) async fn measure(
    subject: &Subject,
    seconds: f64,
    optional: bool,
    observer: &impl Observer,
) -> Result<Option<DeviceReport>> {
    let (part, samples, batch_size) = (seconds / 3.0, subject.samples(), subject.batch_size);
    let mut engine = subject.on(&Device::Cpu).await?;
    let Some(before) = peak(part / 2.0, observer) else { return Ok(None) };
    // A round trains two steps at least, and computes each of their products twice.
    let round = 4.0 * subject.flops() as f64 / (before.gflops * 1e9);
    if optional && round > 2.0 * seconds {
        return Ok(None);
    }
    let rounds = ((seconds / round) as usize).clamp(1, ROUNDS);
    let mut products = subject.products();
    let (mut step, mut times) = (Vec::new(), vec![Vec::new(); products.len()]);
    for _ in 0..rounds {
        let part = part / rounds as f64;
        let speed = speed::training(&mut engine, &samples, batch_size, part, observer).await?;
        let Some(speed) = speed else { return Ok(None) };
        step.push(speed.seconds * batch_size as f64 / speed.samples as f64);
        let each = part / products.len() as f64;
        for (product, times) in products.iter_mut().zip(&mut times) {
            let Some(found) = time(product, each, observer) else { return Ok(None) };
            times.extend(found);
        }
    }
    let Some(after) = peak(part / 2.0, observer) else { return Ok(None) };
    let peak = before.or_better(after);
    let kernels: Vec<KernelTime> =
        products.iter().zip(times).map(|(product, times)| kernel(product, median(times), &peak)).collect();
    let step = StepTime {
        kernels_microseconds: kernels.iter().map(|kernel| kernel.microseconds_per_step).sum(),
        ..StepTime::of(subject, median(step))
    };
    Ok(Some(DeviceReport { engine: engine.info(), clock: Clock::WallClock, peak, kernels, step }))
}

fn kernel(product: &Product, seconds: f64, peak: &Peak) -> KernelTime {
    let gflops = product.flops() as f64 / seconds / 1e9;
    KernelTime {
        kernel: product.kind().name().into(),
        shape: product.shape().to_vec(),
        microseconds: seconds * 1e6,
        microseconds_per_step: seconds * 1e6,
        gflops: Some(gflops),
        gigabytes_per_second: None,
        of_peak: Some(gflops / peak.gflops),
    }
}

/// The times of a product, repeated for about `seconds` but at least twice, of which the first does not count.
fn time(product: &mut Product, seconds: f64, observer: &impl Observer) -> Option<Vec<f64>> {
    let begun = Instant::now();
    product.run();
    let mut times = Vec::new();
    while times.is_empty() || begun.elapsed().as_secs_f64() < seconds {
        if observer.should_stop() {
            return None;
        }
        let begun = Instant::now();
        product.run();
        times.push(begun.elapsed().as_secs_f64());
    }
    Some(times)
}

/// The fastest of a few large products; of the smallest alone if there is no time for more.
fn peak(seconds: f64, observer: &impl Observer) -> Option<Peak> {
    let begun = Instant::now();
    let mut best = Peak { gflops: 0.0, matmul: [0; 3], copy: None };
    for size in PEAK_SIZES {
        if best.gflops > 0.0 && begun.elapsed().as_secs_f64() > seconds / 2.0 {
            break;
        }
        let mut product = Product::new(ProductKind::Forward, [size; 3]);
        let took = least(time(&mut product, seconds / PEAK_SIZES.len() as f64, observer)?);
        let gflops = product.flops() as f64 / took / 1e9;
        if gflops > best.gflops {
            best = Peak { gflops, matmul: [size; 3], copy: None };
        }
    }
    Some(best)
}
