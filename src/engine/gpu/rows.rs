//! The number of rows in a submission.

use crate::gpu::Gpu;
use crate::gpu::adapter::DeviceType;
use crate::kernels::Layout;
use crate::network::MlpSpec;

/// Rows that an evaluation takes at once, if the adapter's limits allow it.
const EVALUATION_ROWS: usize = 1024;

/// On a software adapter none of an evaluation's products has more operations than this: some 60 ms on two cores.
const EVALUATION_FLOPS: usize = 2 << 30;

/// Rows of x between which lies a multiple of 256 bytes, whatever the row's length: a slot begins there.
const ALIGNED_ROWS: usize = 16;

/// Rows from one batch to the next.
pub(super) fn rows_apart(batch_size: usize) -> usize {
    batch_size.next_multiple_of(ALIGNED_ROWS)
}

/// Rows that an evaluation takes at once: of the widest layer no more than a binding holds. It depends on the network and
/// the adapter alone, and not on measured time, since sums are taken over so many rows.
pub(super) fn evaluation_rows(
    gpu: &Gpu,
    spec: &MlpSpec,
    layout: fn(usize, usize) -> Layout,
    samples: usize,
) -> usize {
    let bytes = |layout: Layout| (layout.size() as usize).div_ceil(ALIGNED_ROWS);
    let outputs = spec.layers().map(|(_, outs)| bytes(Layout::activations(ALIGNED_ROWS, outs)));
    let widest = outputs.fold(bytes(layout(ALIGNED_ROWS, spec.inputs())), usize::max);
    let mut rows = EVALUATION_ROWS.min(samples).min(gpu.max_binding_size() as usize / widest);
    if gpu.summary().device_type == DeviceType::Cpu {
        let weights = spec.layers().map(|(ins, outs)| ins * outs).fold(1, usize::max);
        rows = rows.min(EVALUATION_FLOPS / (2 * weights));
    }
    if rows == EVALUATION_ROWS.min(samples) {
        return rows.next_multiple_of(ALIGNED_ROWS);
    }
    (rows / ALIGNED_ROWS).max(1) * ALIGNED_ROWS
}
