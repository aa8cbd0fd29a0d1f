//! Textures: what a buffer holds, where kernels read it texel by texel.

use super::buffer::Slice;
use super::device::Gpu;
use crate::error::{Error, Result};

/// What a texel holds: four values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Texel {
    /// Four f32s.
    F32,
    /// Four bytes; a kernel reads a byte b as b / 255.
    Byte,
}

impl Texel {
    fn size(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::Byte => 4,
        }
    }

    fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::F32 => wgpu::TextureFormat::Rgba32Float,
            Self::Byte => wgpu::TextureFormat::Rgba8Unorm,
        }
    }
}

/// Texels that a launch fills from a buffer before its kernel reads them: texel i of the buffer is the one at
/// (i % width, i / width).
#[derive(Debug, Clone)]
pub struct Texture {
    raw: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    texel: Texel,
}

/// A copy of a part of a buffer over the first texels of a texture.
#[derive(Debug, Clone)]
pub struct Fill {
    from: wgpu::Buffer,
    offset: u64,
    to: Texture,
    texels: u32,
}

impl Texture {
    /// How many bytes of a buffer it has room for.
    pub fn size(&self) -> u64 {
        u64::from(self.raw.width()) * u64::from(self.raw.height()) * self.texel.size()
    }

    /// Copies a part of a buffer here, as long as there is room for it.
    pub fn fill(&self, from: Slice<'_>) -> Fill {
        let texels = (from.size.min(self.size()) / self.texel.size()) as u32;
        Fill { from: from.buffer.raw.clone(), offset: from.offset, to: self.clone(), texels }
    }
}

impl Fill {
    pub(super) fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        let width = self.to.raw.width();
        let (rows, rest) = (self.texels / width, self.texels % width);
        let bytes_per_row = width * self.to.texel.size() as u32;
        for (row, width, height) in [(0, width, rows), (rows, rest, 1)] {
            let layout = wgpu::TexelCopyBufferLayout {
                offset: self.offset + u64::from(row * bytes_per_row),
                bytes_per_row: Some(bytes_per_row),
                rows_per_image: None,
            };
            let from = wgpu::TexelCopyBufferInfo { buffer: &self.from, layout };
            let origin = wgpu::Origin3d { x: 0, y: row, z: 0 };
            let to = wgpu::TexelCopyTextureInfo { origin, ..self.to.raw.as_image_copy() };
            if width * height > 0 {
                encoder.copy_buffer_to_texture(
                    from,
                    to,
                    wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                );
            }
        }
    }
}

impl Gpu {
    /// A texture with room for that many bytes of a buffer, in rows of `width` texels, a multiple of 64.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it is larger than the adapter allows, or if its memory ran out.
    pub fn texture(&self, label: &str, texel: Texel, width: u32, size: u64) -> Result<Texture> {
        let limit = self.device.limits().max_texture_dimension_2d;
        let row = u64::from(width) * texel.size();
        let rows = size.div_ceil(row).max(1);
        if rows > u64::from(limit) || width > limit {
            return Err(Error::too_large(format!(
                "\"{label}\" needs {size} bytes in one texture; adapter \"{}\" allows {}",
                self.summary().name,
                row * u64::from(limit)
            )));
        }
        self.within_memory(label, rows * row, || {
            let raw = self.device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width, height: rows as u32, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: texel.format(),
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            let view = raw.create_view(&Default::default());
            Texture { raw, view, texel }
        })?
        .ok_or_else(|| self.memory_is_full(label, size))
    }
}
