//! Where the time goes, measured on this machine: the kernels of a step, the step, steps of tiny networks, and epochs over many
//! sizes of networks and batches, on a GPU and on the CPU's cores.
//!
//! The benchmark times the code that trains: the launches come from [`GpuEngine::launches`](crate::engine::GpuEngine::launches), steps and epochs run through
//! [`Engine::train`](crate::engine::Engine::train). `docs/performance.md` says how each figure is measured.

mod cpu;
mod forms;
mod gpu;
mod report;
mod speed;
mod subject;
mod sweep;
mod tiny;

pub use report::{
    Clock, Copied, Crossover, DeviceReport, Epoch, FormTime, KernelTime, Peak, Report, StepTime, Sweep,
    SweepCell, TinyNetwork,
};
pub use subject::{Observer, Subject};

use web_time::{Duration, Instant};

use crate::engine::Device;
use crate::error::{Error, Result, Setting, message};

/// The part of the time that each device gets for its kernels and its step; the sweep has the rest.
const DEVICE_SHARE: f64 = 0.15;

/// The part of it for the forms of a product, and for networks that are tiny.
const SMALL_SHARE: f64 = 0.05;

/// What to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Sizes of the hidden layers of the network whose step is taken apart.
    pub hidden: Vec<usize>,
    /// Its batch.
    pub batch_size: usize,
    /// About how long everything may take. Less time means fewer repetitions, and fewer cells of the sweep.
    pub seconds: f64,
}

/// Measures the device, if it is a GPU, and the CPU. An observer that stops it gets what has been measured so far.
///
/// # Errors
/// [`Error::Usage`] for options that cannot be meant, [`Error::TooLarge`] if the GPU's limits are too small for the
/// network, [`Error::Device`] if it fails.
pub async fn run(device: &Device, options: &Options, observer: &mut impl Observer) -> Result<Report> {
    if !(options.seconds > 0.0 && options.seconds <= 86_400.0) {
        return Err(Error::usage(message![
            Setting::Seconds.set(options.seconds),
            ": expected a number above 0, up to 86400"
        ]));
    }
    let begun = Instant::now();
    let subject = Subject::new(&options.hidden, options.batch_size)?;
    let share = options.seconds * DEVICE_SHARE;
    let small_share = options.seconds * SMALL_SHARE;
    let (mut devices, mut forms) = (Vec::new(), Vec::new());
    if let Device::Gpu(gpu) = device {
        observer.progress("the GPU's kernels");
        devices.extend(gpu::measure(gpu, &subject, share, observer).await?);
        if let Some(DeviceReport { peak, .. }) = devices.first() {
            forms = forms::measure(gpu, &subject, peak.gflops, small_share, observer).await?;
        }
    }
    observer.progress("the CPU's matrix products");
    devices.extend(cpu::measure(&subject, share, device.is_gpu(), observer).await?);
    observer.progress("tiny networks");
    let tiny = tiny::measure(device, small_share, observer).await?;
    let deadline = begun + Duration::from_secs_f64(options.seconds);
    let sweep = sweep::measure(device, subject.dataset.clone(), deadline, observer).await?;
    Ok(Report {
        layers: subject.spec.sizes().to_vec(),
        batch_size: subject.batch_size,
        devices,
        forms,
        tiny,
        sweep,
        interrupted: observer.should_stop(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}
