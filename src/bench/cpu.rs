//! The CPU's matrix products one by one, and its step.

use std::time::Instant;

use super::speed::{self, least, median};
use super::{Clock, DeviceReport, KernelTime, Observer, Peak, StepTime, Subject};
use crate::engine::{Engine, Product, ProductKind};
use crate::error::Result;

/// Rows, inputs and outputs of the products among which the peak is sought.
const PEAK_SIZES: [usize; 4] = [256, 512, 1024, 2048];

/// Measures in about `seconds`. Nothing if the observer has ended it.
pub(super) async fn measure(
    subject: &Subject,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Option<DeviceReport>> {
    let mut engine = subject.on_cpu().await?;
    let batch_size = subject.batch_size;
    let speed = speed::training(&mut engine, &subject.samples(), batch_size, seconds / 3.0, observer).await?;
    let (Some(speed), Some(peak)) = (speed, peak(seconds / 3.0, observer)) else { return Ok(None) };
    let mut products = subject.products();
    let each = seconds / 3.0 / products.len() as f64;
    let mut kernels = Vec::new();
    for product in &mut products {
        let Some(times) = time(product, each, observer) else { return Ok(None) };
        let took = median(times);
        let gflops = product.flops() as f64 / took / 1e9;
        kernels.push(KernelTime {
            kernel: product.kind().name().into(),
            shape: product.shape().to_vec(),
            microseconds: took * 1e6,
            microseconds_per_step: took * 1e6,
            gflops: Some(gflops),
            gigabytes_per_second: None,
            of_peak: Some(gflops / peak.gflops),
        });
    }
    let step = speed.seconds * batch_size as f64 / speed.samples as f64;
    let step = StepTime {
        microseconds: step * 1e6,
        kernels_microseconds: kernels.iter().map(|kernel| kernel.microseconds_per_step).sum(),
        device_microseconds: None,
        host_microseconds: None,
        launches: None,
        steps_per_submission: None,
        samples_per_second: speed.samples as f64 / speed.seconds,
        gflops: subject.flops() as f64 / step / 1e9,
    };
    Ok(Some(DeviceReport { engine: engine.info(), clock: Clock::WallClock, peak, kernels, step }))
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
