//! Device memory: made once, filled from the host, read back by the host.

use std::future::Future;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use bytemuck::Pod;
use futures_intrusive::channel::shared::oneshot_channel;

use super::device::Gpu;
use crate::error::{Error, Remedy, Result, Setting, message};

/// A range of device memory that kernels read and write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    pub(super) raw: wgpu::Buffer,
    label: String,
}

/// A part of a [`Buffer`], in bytes, as a kernel sees it.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    pub(super) buffer: &'a Buffer,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Buffer {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.raw.size()
    }

    /// All of it.
    pub fn whole(&self) -> Slice<'_> {
        Slice { buffer: self, offset: 0, size: self.size() }
    }

    /// `size` bytes from `offset` on, which has to be a multiple of 256 (WebGPU's alignment of bindings).
    pub fn slice(&self, offset: u64, size: u64) -> Slice<'_> {
        Slice { buffer: self, offset, size }
    }
}

impl Slice<'_> {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Gpu {
    /// A buffer of `size` bytes, zeroed, for kernels to work on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it is larger than the adapter allows, or if its memory ran out.
    pub fn alloc(&self, label: &str, size: u64) -> Result<Buffer> {
        if size > self.max_binding_size() {
            return Err(Error::too_large(format!(
                "\"{label}\" needs {size} bytes in one buffer; adapter \"{}\" allows {}",
                self.summary().name,
                self.max_binding_size()
            )));
        }
        self.try_alloc(label, size)?.ok_or_else(|| self.memory_is_full(label, size))
    }

    pub(super) fn memory_is_full(&self, label: &str, size: u64) -> Error {
        Error::too_large(format!(
            "\"{label}\" needs {size} bytes, and the memory of adapter \"{}\" is full",
            self.summary().name
        ))
        .hint(message![
            Remedy::smaller(&[Setting::BatchSize, Setting::Hidden]),
            ", fewer programs beside this one, ",
            Setting::Adapter.another(),
            ", or ",
            Setting::Backend.set("cpu")
        ])
    }

    /// As [`alloc`](Self::alloc), but nothing if it does not fit, for whoever can do without.
    ///
    /// # Errors
    /// [`Error::Device`] if the device has complained of something else.
    pub fn try_alloc(&self, label: &str, size: u64) -> Result<Option<Buffer>> {
        if size > self.max_binding_size() {
            return Ok(None);
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        // Nothing smaller than a vec4, so that every binding has at least one element.
        let padded = size.max(16).next_multiple_of(4);
        self.within_memory(label, size, || self.raw_buffer(label, padded, usage))
    }

    /// Makes something of so many bytes in device memory, if it fits.
    ///
    /// # Errors
    /// [`Error::Device`] if the device has complained of something else.
    pub(super) fn within_memory<T>(
        &self,
        label: &str,
        size: u64,
        make: impl FnOnce() -> T,
    ) -> Result<Option<T>> {
        let mut left = self.memory_left.lock().unwrap_or_else(PoisonError::into_inner);
        if size > *left {
            return Ok(None);
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let made = make();
        // The device answers at once, except in a browser, where what did not fit shows as a fault later.
        let answer = std::pin::pin!(scope.pop()).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Some(error)) = answer {
            log::warn!("\"{label}\" of {size} bytes does not fit: {error}");
            return Ok(None);
        }
        *left -= size;
        self.check()?;
        Ok(Some(made))
    }

    /// Bytes of device memory that are allocated, where the interface tells.
    pub fn allocated(&self) -> Option<u64> {
        self.device.generate_allocator_report().map(|report| report.total_allocated_bytes)
    }

    /// A buffer that holds `values`.
    ///
    /// # Errors
    /// As [`Gpu::alloc`].
    pub fn upload<T: Pod>(&self, label: &str, values: &[T]) -> Result<Buffer> {
        let buffer = self.alloc(label, size_of_val(values) as u64)?;
        self.write(&buffer, 0, values);
        Ok(buffer)
    }

    /// A buffer of `count` rows of [`ROW`](Self::ROW) bytes, zeroed, that kernels may be given as parameters or read.
    pub fn rows(&self, label: &str, count: usize) -> Buffer {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        self.raw_buffer(label, count as u64 * Self::ROW, usage)
    }

    /// Bytes from one of [`rows`](Self::rows) to the next: a binding may begin there.
    pub const ROW: u64 = 256;

    /// A small buffer with a kernel's parameters.
    pub(super) fn uniform<T: Pod>(&self, label: &str, params: &T) -> Buffer {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.raw_buffer(label, size_of::<T>() as u64, usage);
        self.write(&buffer, 0, std::slice::from_ref(params));
        buffer
    }

    pub(super) fn raw_buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> Buffer {
        let descriptor =
            wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        Buffer { raw: self.device.create_buffer(&descriptor), label: label.into() }
    }

    /// Overwrites part of a buffer, before any submission that follows. Offset in bytes, a multiple of 4.
    ///
    /// The bytes are copied aside until the next submission, so the call returns at once, and the device may still be
    /// at work on earlier ones.
    pub fn write<T: Pod>(&self, buffer: &Buffer, offset: u64, values: &[T]) {
        self.queue.write_buffer(&buffer.raw, offset, bytemuck::cast_slice(values));
    }

    /// Reads the first `count` values of a buffer, after all submissions so far.
    ///
    /// # Errors
    /// [`Error::Device`] if the device cannot deliver them.
    pub async fn read<T: Pod>(&self, buffer: &Buffer, count: usize) -> Result<Vec<T>> {
        self.read_slice(buffer.slice(0, (count * size_of::<T>()) as u64)).await
    }

    /// Reads the values of a part of a buffer, after all submissions so far.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_slice<T: Pod>(&self, slice: Slice<'_>) -> Result<Vec<T>> {
        let Slice { buffer, offset, size } = slice;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = self.raw_buffer("readback", size.next_multiple_of(4), usage);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&buffer.raw, offset, &staging.raw, 0, size.next_multiple_of(4));
        self.queue.submit([encoder.finish()]);

        let (sender, receiver) = oneshot_channel();
        staging.raw.map_async(wgpu::MapMode::Read, .., move |mapped| {
            // Nobody listens any more if the reader was dropped.
            let _ = sender.send(mapped);
        });
        self.poll(wgpu::PollType::wait_indefinitely())?;
        let lost = |reason: String| Error::Device(format!("reading \"{}\": {reason}", buffer.label));
        match receiver.receive().await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(lost(error.to_string())),
            None => return Err(lost("no answer".into())),
        }
        let view = staging.raw.get_mapped_range(..size).map_err(|error| lost(error.to_string()))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }
}
