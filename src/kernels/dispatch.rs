//! How many workgroups a dispatch holds.

use crate::error::Result;
use crate::gpu::{Gpu, Launch, Work};

/// Workgroups that one dimension of a dispatch holds: WebGPU's limit.
pub(super) const MAX_WORKGROUPS: usize = 65_535;

/// A launch of workgroups, or rows of them, that share its work evenly: cut into several where one would take too long, or
/// an adapter has not as many. `part` launches so many from a first one on.
///
/// # Errors
/// Those of `part`.
pub(super) fn cut(
    gpu: &Gpu,
    groups: usize,
    work: Work,
    part: impl Fn(u32, u32) -> Result<Launch>,
) -> Result<Launch> {
    let launches = work.flops.div_ceil(gpu.longest_launch()).clamp(1, groups.max(1) as u64);
    let most = groups.div_ceil(launches as usize).min(MAX_WORKGROUPS);
    let mut launch = part(0, most as u32)?;
    for first in (most..groups).step_by(most) {
        launch = launch.then(part(first as u32, most.min(groups - first) as u32)?);
    }
    Ok(launch.doing(work))
}

/// Spreads a count of workgroups over x and y.
pub(super) fn fold(workgroups: usize) -> [u32; 3] {
    let x = workgroups.clamp(1, MAX_WORKGROUPS);
    [x as u32, workgroups.div_ceil(x).max(1) as u32, 1]
}
