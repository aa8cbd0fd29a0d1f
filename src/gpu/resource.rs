//! What kernels are given beside their parameters: buffers and textures.

use super::buffer::Slice;
use super::shader::ResourceKind;
use super::texture::Texture;

/// What a kernel can be given to read or write.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// A part of a buffer.
    Buffer(Slice<'a>),
    /// A texture, to read.
    Texture(&'a Texture),
}

impl Resource<'_> {
    pub(super) fn kind(self) -> ResourceKind {
        match self {
            Self::Buffer(_) => ResourceKind::Buffer,
            Self::Texture(_) => ResourceKind::Texture,
        }
    }

    pub(super) fn raw(&self) -> wgpu::BindingResource<'_> {
        match self {
            Self::Buffer(slice) => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &slice.buffer.raw,
                offset: slice.offset,
                size: wgpu::BufferSize::new(slice.size),
            }),
            Self::Texture(texture) => wgpu::BindingResource::TextureView(&texture.view),
        }
    }
}

impl<'a> From<Slice<'a>> for Resource<'a> {
    fn from(slice: Slice<'a>) -> Self {
        Self::Buffer(slice)
    }
}
