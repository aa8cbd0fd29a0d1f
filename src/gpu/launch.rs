//! From a kernel to a dispatch: its resources, and the number of workgroups.

use bytemuck::Pod;

use super::buffer::Slice;
use super::device::Gpu;
use super::kernel::Kernel;
use super::resource::Resource;
use super::texture::Fill;
use crate::error::{Error, Result};

/// The work that a launch has to do, for measurements; its kernel may spend more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// The sizes that say which launch of its kernel it is, such as rows, inputs and outputs of a product.
    pub shape: Vec<usize>,
    /// Additions and multiplications of the formula; 0 where moving bytes is all there is to it.
    pub flops: u64,
    /// Bytes of all matrices it reads or writes, each counted once.
    pub bytes: u64,
}

/// A kernel with its parameters and buffers, lacking only the number of workgroups.
#[derive(Debug, Clone)]
pub struct BoundKernel {
    name: String,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
}

/// One dispatch, or several that do the work of one, ready to be replayed any number of times.
#[derive(Debug, Clone)]
pub struct Launch {
    /// A kernel, and its workgroups in x, y and z: never none.
    parts: Vec<(BoundKernel, [u32; 3])>,
    work: Work,
    /// Textures that are filled before it.
    fills: Vec<Fill>,
}

impl Kernel {
    /// Binds parameters to binding 0 and the resources to the other bindings, in ascending order.
    ///
    /// # Errors
    /// [`Error::Shape`] if the size of the parameters, or the number or kinds of resources, is not what the WGSL declares.
    pub fn bind<'a, P: Pod>(
        &self,
        gpu: &Gpu,
        params: &P,
        resources: &[impl Into<Resource<'a>> + Copy],
    ) -> Result<BoundKernel> {
        let uniform = gpu.uniform(&self.name, params);
        self.bind_to(gpu, uniform.whole(), resources)
    }

    /// As [`bind`](Self::bind), with parameters that lie in a buffer of [`Gpu::rows`], where they may change from
    /// submission to submission.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_to<'a>(
        &self,
        gpu: &Gpu,
        params: Slice<'_>,
        resources: &[impl Into<Resource<'a>> + Copy],
    ) -> Result<BoundKernel> {
        if params.size != self.params_size {
            return Err(Error::shape(
                format!("{}: bytes of params", self.name),
                self.params_size,
                params.size,
            ));
        }
        let resources: Vec<Resource<'_>> = resources.iter().map(|&resource| resource.into()).collect();
        let (declared, given): (Vec<_>, Vec<_>) =
            (self.resources().collect(), resources.iter().map(|resource| resource.kind()).collect());
        if declared != given {
            return Err(Error::shape(format!("{}: resources", self.name), declared, given));
        }
        let params = Resource::Buffer(params);
        let numbered = self.bindings.iter().map(|&(binding, _)| binding).zip(&resources);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = std::iter::once((0, &params))
            .chain(numbered)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.raw() })
            .collect();
        let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&self.name),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        Ok(BoundKernel { name: self.name.clone(), pipeline: self.pipeline.clone(), bind_group })
    }
}

impl BoundKernel {
    /// A dispatch of that many workgroups in x, y and z.
    pub fn launch(&self, workgroups: [u32; 3]) -> Launch {
        Launch { parts: vec![(self.clone(), workgroups)], work: Work::default(), fills: Vec::new() }
    }
}

impl Launch {
    /// The same launch, with a word on what it has to get done.
    pub fn doing(self, work: Work) -> Self {
        Self { work, ..self }
    }

    /// The same launch, before which textures are filled.
    pub fn after(self, fills: Vec<Fill>) -> Self {
        Self { fills, ..self }
    }

    /// Both, one after the other: parts of one piece of work, which read the same textures.
    pub fn then(mut self, next: Self) -> Self {
        self.parts.extend(next.parts);
        self
    }

    /// Dispatches that it is cut into.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn has_fills(&self) -> bool {
        !self.fills.is_empty()
    }

    pub(super) fn record_fills(&self, encoder: &mut wgpu::CommandEncoder) {
        self.fills.iter().for_each(|fill| fill.record(encoder));
    }

    /// The file and the entry point of its kernel, such as `matmul_small.forward`.
    pub fn name(&self) -> &str {
        &self.parts[0].0.name
    }

    /// What it has to get done; empty if nobody has said.
    pub fn work(&self) -> &Work {
        &self.work
    }

    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        for (kernel, [x, y, z]) in &self.parts {
            pass.set_pipeline(&kernel.pipeline);
            pass.set_bind_group(0, &kernel.bind_group, &[]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
    }
}
