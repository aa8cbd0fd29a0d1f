//! How many workgroups a dispatch holds.

/// Workgroups that one dimension of a dispatch holds: WebGPU's limit.
pub(super) const MAX_WORKGROUPS: usize = 65_535;

/// Spreads a count of workgroups over x and y.
pub(super) fn fold(workgroups: usize) -> [u32; 3] {
    let x = workgroups.clamp(1, MAX_WORKGROUPS);
    [x as u32, workgroups.div_ceil(x).max(1) as u32, 1]
}
