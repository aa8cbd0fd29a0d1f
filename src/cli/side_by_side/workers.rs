//! Who trains what: the threads of the CPU, or a population on the one GPU.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use super::progress::Progress;
use crate::cli::interrupt;
use crate::cli::output::note;
use crate::engine::{Device, Population};
use crate::error::{Error, Result};
use crate::gpu::Precision;
use crate::kernels::NETWORKS;

/// The places of a list one by one, for one process alone.
pub(in crate::cli) fn in_turn() -> impl Fn() -> usize + Sync {
    let next = AtomicUsize::new(0);
    move || next.fetch_add(1, Ordering::Relaxed)
}

/// Calls `train` with those of these numbers whose places `next` gives, and the device to train on, as many at once as the device
/// takes, but at most so many, until all are done or the user ends it. On the CPU each training has so many threads: its last
/// digits depend on it. On a GPU all that train at once take their steps together.
///
/// # Errors
/// The first error, once all that have begun have ended.
pub(in crate::cli) fn each(
    device: &Device,
    progress: &Progress,
    numbers: &[usize],
    Workers { threads, at_once }: Workers,
    next: impl Fn() -> usize + Sync,
    train: impl Fn(usize, &Device) -> Result<()> + Sync,
) -> Result<()> {
    let work = |device: &Device| -> Result<()> {
        while let Some(&number) = numbers.get(next()) {
            if interrupt::asked() || progress.has_failed() {
                break;
            }
            train(number, device).inspect_err(|_| progress.fail())?;
        }
        Ok(())
    };
    let at_once = at_once.min(numbers.len());
    if let Some(gpu) = device.gpu() {
        if at_once < 2 || alone_since(gpu.precision()).is_some() {
            return work(device);
        }
        let population = Population::new(gpu.clone(), at_once.min(NETWORKS));
        let shared = &Device::Shared(population.clone());
        return std::thread::scope(|scope| {
            let member = || {
                let _leaving = Leaving(&population);
                work(shared)
            };
            all(&mut (0..at_once.min(NETWORKS)).map(|_| scope.spawn(member)))
        });
    }
    // A training waits for none of another's threads.
    let at_once = (rayon::current_num_threads() / threads).clamp(1, at_once.max(1));
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pools = (0..at_once).map(|_| pool()).collect::<std::result::Result<Vec<_>, _>>();
    let pools = pools.map_err(|error| Error::Internal(error.to_string()))?;
    let on_cpu = || work(device);
    std::thread::scope(|scope| all(&mut pools.iter().map(|pool| scope.spawn(|| pool.install(on_cpu)))))
}

/// Why networks are trained one after another on a GPU that computes so, if they are.
fn alone_since(precision: Precision) -> Option<&'static str> {
    match precision {
        Precision::F32 => None,
        Precision::F16 => Some(
            "--precision f16 trains the networks one after another, since a product in f16 is of one network",
        ),
    }
}

/// Says it if so many networks are trained one after another on a device, and why.
pub(in crate::cli) fn note_alone(device: &Device, networks: usize) {
    let since = device.gpu().and_then(|gpu| alone_since(gpu.precision()));
    since.filter(|_| networks > 1).iter().for_each(|text| note(text));
}

/// How many train.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Workers {
    /// Of a training on the CPU.
    pub threads: usize,
    /// Trainings at once, at most.
    pub at_once: usize,
}

/// Whoever ends, by an error or a panic too, is not waited for.
struct Leaving<'a>(&'a Population);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        pollster::block_on(self.0.leave());
    }
}

/// Starts all of them, and waits until all have ended before one of their errors is told.
fn all<'s>(workers: &mut dyn Iterator<Item = ScopedJoinHandle<'s, Result<()>>>) -> Result<()> {
    let started: Vec<_> = workers.collect();
    let ended = |worker: ScopedJoinHandle<'_, Result<()>>| {
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    };
    let results: Vec<Result<()>> = started.into_iter().map(ended).collect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::alone_since;
    use crate::gpu::Precision;

    #[test]
    fn whoever_waits_for_the_others_is_told_why() {
        assert_eq!(alone_since(Precision::F32), None);
        let told = alone_since(Precision::F16).unwrap_or_default();
        assert!(told.contains("one after another, since"), "{told}");
    }
}
