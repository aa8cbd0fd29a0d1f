//! Epochs of networks and batches of many sizes, on both devices side by side.

use std::sync::Arc;
use web_time::Instant;

use super::{Crossover, Epoch, Observer, Subject, Sweep, SweepCell, speed};
use crate::data::Dataset;
use crate::engine::{Device, Engine};
use crate::error::{Error, Result};

/// Sizes of both hidden layers.
const WIDTHS: [usize; 6] = [128, 256, 512, 1024, 2048, 4096];

/// Samples in a batch.
const BATCH_SIZES: [usize; 5] = [32, 128, 512, 2048, 8192];

/// Samples in the epoch whose time is told: as many as MNIST has.
const SAMPLES: usize = 60_000;

/// Seconds that are enough for a cell, so that slower ones have the rest.
const ENOUGH: f64 = 0.4;

/// Why a cell has no figure.
const TOO_SLOW: &str = "too slow for the time given";
const TOO_LARGE: &str = "too large for the adapter's buffers";
const INTERRUPTED: &str = "interrupted";

/// One of the two devices on its way through the cells.
struct Lane<'a> {
    device: &'a Device,
    /// The most additions and multiplications a second that it was seen to do.
    best: Option<f64>,
}

/// Measures until about the deadline. Each cell gets its share of the time that is left.
pub(super) async fn measure(
    device: &Device,
    dataset: Arc<Dataset>,
    deadline: Instant,
    observer: &mut impl Observer,
) -> Result<Sweep> {
    let lane = |device| Lane { device, best: None };
    let mut cpu_lane = lane(&Device::Cpu);
    let mut gpu_lane = device.is_gpu().then(|| lane(device));
    let lanes = if gpu_lane.is_some() { 2 } else { 1 };
    let mut left = WIDTHS.len() * BATCH_SIZES.len() * lanes;
    let mut cells = Vec::new();
    let family = format!("{}-W-W-{}", dataset.train.features(), dataset.classes);
    for width in WIDTHS {
        observer.progress(&format!("epochs of {}", family.replace('W', &width.to_string())));
        let network = Subject::of(dataset.clone(), &[width, width])?;
        for batch_size in BATCH_SIZES {
            let subject = network.with_batch(batch_size)?;
            let mut epoch = async |lane: &mut Lane<'_>| {
                let share = deadline.saturating_duration_since(Instant::now()).as_secs_f64() / left as f64;
                left -= 1;
                lane.epoch(&subject, share, observer).await
            };
            let gpu = match &mut gpu_lane {
                Some(lane) => Some(epoch(lane).await?),
                None => None,
            };
            let cpu = epoch(&mut cpu_lane).await?;
            cells.push(SweepCell { width, batch_size, flops_per_step: subject.flops(), gpu, cpu });
        }
    }
    Ok(Sweep { family, samples: SAMPLES, crossover: Crossover::of(&cells), cells })
}

impl Lane<'_> {
    /// An epoch, timed in no more than about `seconds`.
    async fn epoch(&mut self, subject: &Subject, seconds: f64, observer: &impl Observer) -> Result<Epoch> {
        if observer.should_stop() {
            return Ok(Epoch::Skipped { skipped: INTERRUPTED });
        }
        // One step to warm up, and one by the clock. The first cell, the smallest, tells what to expect of the others.
        let expected = |best| 2.0 * subject.flops() as f64 / best;
        if self.best.is_some_and(|best| expected(best) > 2.0 * seconds) {
            return Ok(Epoch::Skipped { skipped: TOO_SLOW });
        }
        let seconds = seconds.min(ENOUGH);
        let speed = match subject.on(self.device).await {
            Ok(mut engine) => timed(&mut engine, subject, seconds, observer).await?,
            Err(reason @ Error::TooLarge { .. }) => {
                log::info!("{reason}");
                return Ok(Epoch::Skipped { skipped: TOO_LARGE });
            }
            Err(error) => return Err(error),
        };
        let Some(speed) = speed else { return Ok(Epoch::Skipped { skipped: INTERRUPTED }) };
        let steps = speed.samples as f64 / subject.batch_size as f64;
        let flops = steps * subject.flops() as f64 / speed.seconds;
        self.best = Some(self.best.map_or(flops, |best| best.max(flops)));
        let seconds = SAMPLES as f64 * speed.seconds / speed.samples as f64;
        Ok(Epoch::Measured { seconds, samples_timed: speed.samples })
    }
}

async fn timed(
    engine: &mut impl Engine,
    subject: &Subject,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Option<speed::Speed>> {
    speed::training(engine, &subject.samples(), subject.batch_size, seconds, observer).await
}
