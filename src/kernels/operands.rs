//! Operands of a product that its kernel reads as textures: scratch memory, filled before every launch.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytemuck::Pod;

use super::matrix::{Element, Matrix};
use crate::error::Result;
use crate::gpu::{BoundKernel, Fill, Gpu, Kernel, Resource, ResourceKind, Shader, Texel, Texture};

/// Textures that all launches of a form share, since each fills them anew: for which binding, and what it is made of.
pub(super) struct Operands {
    width: u32,
    textures: Mutex<HashMap<(usize, Texel), Texture>>,
}

impl Operands {
    /// Those of a shader whose products read textures.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) if the shader does not say how wide they are.
    pub fn of(shader: Shader) -> Result<Option<Self>> {
        if !shader.source.contains("texture_2d") {
            return Ok(None);
        }
        let width = shader.constant("TEXTURE_WIDTH")? as u32;
        Ok(Some(Self { width, textures: Mutex::default() }))
    }

    /// Binds matrices in the order of their bindings, those that are read as textures as such, and says what to fill.
    ///
    /// # Errors
    /// As [`Gpu::texture`] and [`Kernel::bind`].
    pub fn bind<P: Pod>(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        params: &P,
        matrices: &[&Matrix],
    ) -> Result<(BoundKernel, Vec<Fill>)> {
        let texture = |(binding, (matrix, kind)): (usize, (&&Matrix, ResourceKind))| match kind {
            ResourceKind::Buffer => Ok(None),
            ResourceKind::Texture => self.texture(gpu, binding, matrix).map(Some),
        };
        let textures = matrices.iter().zip(kernel.resources()).enumerate().map(texture);
        let textures = textures.collect::<Result<Vec<_>>>()?;
        let read = || matrices.iter().map(|matrix| matrix.slice()).zip(&textures);
        let resources: Vec<Resource<'_>> = read()
            .map(|(slice, texture)| texture.as_ref().map_or(Resource::Buffer(slice), Resource::Texture))
            .collect();
        let fills = read().filter_map(|(slice, texture)| Some(texture.as_ref()?.fill(slice))).collect();
        Ok((kernel.bind(gpu, params, &resources)?, fills))
    }

    /// The texture of a binding, or a larger one if the matrix needs it: earlier launches keep theirs.
    fn texture(&self, gpu: &Gpu, binding: usize, matrix: &Matrix) -> Result<Texture> {
        let texel = match matrix.layout.element {
            Element::F32 => Texel::F32,
            Element::Byte => Texel::Byte,
        };
        let mut textures = self.textures.lock().unwrap_or_else(PoisonError::into_inner);
        let size = matrix.slice().size();
        if let Some(texture) = textures.get(&(binding, texel)).filter(|texture| texture.size() >= size) {
            return Ok(texture.clone());
        }
        let texture = gpu.texture("operand", texel, self.width, size)?;
        textures.insert((binding, texel), texture.clone());
        Ok(texture)
    }
}
