//! Losing the device on purpose, for tests of what follows: not in release builds.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::device::Gpu;

/// The numbers of the submissions, counted from 1 over all devices of the process, before which the device is lost.
const VARIABLE: &str = "GPU_MLP_LOSE_DEVICE_AT";

static SUBMISSIONS: AtomicUsize = AtomicUsize::new(0);

impl Gpu {
    /// Loses the device if the environment says that now is the time.
    pub(super) fn lose_if_told(&self) {
        let number = SUBMISSIONS.fetch_add(1, Ordering::Relaxed) + 1;
        let Ok(numbers) = std::env::var(VARIABLE) else { return };
        if numbers.split(',').any(|at| at.parse() == Ok(number)) {
            self.destroy();
        }
    }
}
