//! Who trains what: the threads of the CPU, or the one GPU.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::progress::Progress;
use crate::cli::interrupt;
use crate::engine::Device;
use crate::error::{Error, Result};

/// The places of a list one by one, for one process alone.
pub(in crate::cli) fn in_turn() -> impl Fn() -> usize + Sync {
    let next = AtomicUsize::new(0);
    move || next.fetch_add(1, Ordering::Relaxed)
}

/// Calls `train` with those of these numbers whose places `next` gives, as many at once as the device takes, until all are done or
/// the user ends it. On the CPU each training has so many threads: its last digits depend on it.
///
/// # Errors
/// The first error, once all that have begun have ended.
pub(in crate::cli) fn each(
    device: &Device,
    progress: &Progress,
    numbers: &[usize],
    threads: usize,
    next: impl Fn() -> usize + Sync,
    train: impl Fn(usize) -> Result<()> + Sync,
) -> Result<()> {
    let work = || -> Result<()> {
        while let Some(&number) = numbers.get(next()) {
            if interrupt::asked() || progress.has_failed() {
                break;
            }
            train(number).inspect_err(|_| progress.fail())?;
        }
        Ok(())
    };
    if device.is_gpu() {
        return work();
    }
    // A training waits for none of another's threads.
    let at_once = (rayon::current_num_threads() / threads).clamp(1, numbers.len().max(1));
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pools = (0..at_once).map(|_| pool()).collect::<std::result::Result<Vec<_>, _>>();
    let pools = pools.map_err(|error| Error::Internal(error.to_string()))?;
    std::thread::scope(|scope| {
        let started: Vec<_> = pools.iter().map(|pool| scope.spawn(|| pool.install(work))).collect();
        let ended = |worker: std::thread::ScopedJoinHandle<'_, Result<()>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        // All of them end before one of their errors is told.
        let results: Vec<Result<()>> = started.into_iter().map(ended).collect();
        results.into_iter().collect()
    })
}
