//! How many repetitions a reliable timing needs.

use web_time::Instant;

use super::Observer;
use crate::engine::Engine;
use crate::error::Result;

/// Samples trained on, and how long that took.
pub(super) struct Speed {
    pub samples: usize,
    pub seconds: f64,
}

/// Trains as an epoch does, in rounds that grow until one takes most of `seconds`: the last one counts, and the first,
/// which may still compile or allocate, never does. Nothing if the observer has ended it.
pub(super) async fn training(
    engine: &mut impl Engine,
    samples: &[u32],
    batch_size: usize,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Option<Speed>> {
    let most = samples.len() / batch_size;
    let (mut steps, mut warm) = (1, false);
    loop {
        let begun = Instant::now();
        let mut left = steps;
        while left > 0 {
            if observer.should_stop() {
                return Ok(None);
            }
            left -= engine.train(&samples[..left.min(most) * batch_size]).await? / batch_size;
        }
        engine.sums().await?; // waits for the device
        let took = begun.elapsed().as_secs_f64();
        if warm && took >= seconds / 2.0 {
            return Ok(Some(Speed { samples: steps * batch_size, seconds: took }));
        }
        if took < seconds / 2.0 {
            steps = ((0.75 * seconds / took * steps as f64) as usize).clamp(steps + 1, 16 * steps);
        }
        warm = true;
    }
}

/// The least: what the machine is capable of when nobody disturbs it.
pub(super) fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

/// The median, by sorting; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
