//! Uploads that go on while the device works: mapped buffers that take turns.

use super::buffer::Buffer;
use super::device::Gpu;
use super::launch::Launch;
use super::submission::Submission;
use crate::error::{Error, Result};

/// Staging buffers for uploads of up to a fixed size. While the device copies from one, the host fills the next; one
/// that the device is done with comes back.
pub struct Staging {
    belt: wgpu::util::StagingBelt,
}

impl Staging {
    /// Staging for uploads of up to `size` bytes.
    pub fn new(gpu: &Gpu, size: u64) -> Self {
        Self { belt: wgpu::util::StagingBelt::new(gpu.device.clone(), size) }
    }
}

impl Gpu {
    /// Fills the front of `target` with rows of bytes, `pitch` bytes apart, then runs the launches.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_after_upload<'a, 'b>(
        &self,
        staging: &mut Staging,
        target: &Buffer,
        rows: impl ExactSizeIterator<Item = &'a [u8]>,
        pitch: usize,
        launches: impl IntoIterator<Item = &'b Launch>,
    ) -> Result<Submission> {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        if let (Some(size), Some(aligned)) = (
            wgpu::BufferSize::new((rows.len() * pitch) as u64),
            wgpu::BufferSize::new(wgpu::COPY_BUFFER_ALIGNMENT),
        ) {
            let staged = staging.belt.allocate(size, aligned);
            encoder.copy_buffer_to_buffer(staged.buffer(), staged.offset(), &target.raw, 0, size.get());
            // The device may have been lost just now: `StagingBelt::write_buffer` would panic.
            let view = staged.get_mapped_range_mut();
            let mut view = view.map_err(|error| Error::Device(format!("uploading samples: {error}")))?;
            for (index, row) in rows.enumerate() {
                view.slice(index * pitch..index * pitch + row.len()).copy_from_slice(row);
            }
        }
        staging.belt.finish();
        let submission = self.submit_recorded(encoder, launches);
        staging.belt.recall();
        submission
    }
}
