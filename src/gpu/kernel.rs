//! A kernel is one entry point of a WGSL file. What it binds, and its workgroup size, are read from the WGSL.

use std::sync::PoisonError;
use std::time::Instant;

use bytemuck::Pod;

use super::{Gpu, Slice};
use crate::error::{Error, Result};

/// A WGSL file, embedded in the program.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    /// The file's name without its ending.
    pub name: &'static str,
    /// The file's text.
    pub source: &'static str,
}

impl Shader {
    /// The value of a `const NAME = …u;` of the file.
    ///
    /// # Errors
    /// [`Error::Device`] if the file has no such constant.
    pub fn constant(&self, name: &str) -> Result<usize> {
        let missing = || Error::Device(format!("shader {} has no constant {name}", self.name));
        let module = naga::front::wgsl::parse_str(self.source).map_err(|_| missing())?;
        let (_, constant) =
            module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).ok_or_else(missing)?;
        match module.global_expressions[constant.init] {
            naga::Expression::Literal(naga::Literal::U32(value)) => Ok(value as usize),
            _ => Err(missing()),
        }
    }
}

/// A compiled entry point.
#[derive(Debug, Clone)]
pub struct Kernel {
    name: String,
    pipeline: wgpu::ComputePipeline,
    /// Binding numbers of the storage buffers, ascending; binding 0 holds the parameters.
    storage: Vec<u32>,
    params_size: u64,
    workgroup_size: [u32; 3],
}

/// What a launch has to get done, whatever its kernel spends on it: for whoever measures.
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

/// One dispatch, ready to be replayed any number of times.
#[derive(Debug, Clone)]
pub struct Launch {
    kernel: BoundKernel,
    workgroups: [u32; 3],
    work: Work,
}

impl Kernel {
    /// Compiles an entry point.
    ///
    /// # Errors
    /// [`Error::Device`] with the compiler's words: a shader of ours that an adapter does not take.
    pub async fn new(gpu: &Gpu, shader: Shader, entry_point: &str) -> Result<Self> {
        let name = format!("{}.{entry_point}", shader.name);
        let rejected = |reason: String| Error::Device(format!("shader {name} was rejected: {reason}"));
        let interface = Interface::of(shader, entry_point).map_err(rejected)?;

        let begun = Instant::now();
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.source.into()),
        });
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&name),
            layout: None,
            module: &module,
            entry_point: Some(entry_point),
            compilation_options: Default::default(),
            cache: gpu.pipeline_cache.as_ref().map(|cache| &cache.raw),
        });
        if let Some(error) = scope.pop().await {
            return Err(rejected(error.to_string()));
        }
        *gpu.compiling.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        let Interface { storage, params_size, workgroup_size } = interface;
        Ok(Self { name, pipeline, storage, params_size, workgroup_size })
    }

    /// Invocations per workgroup in x, y and z, as the WGSL says.
    pub fn workgroup_size(&self) -> [u32; 3] {
        self.workgroup_size
    }

    /// Binds parameters to binding 0 and the buffers to the storage bindings, in ascending order.
    ///
    /// # Errors
    /// [`Error::Shape`] if the size of the parameters or the number of buffers is not what the WGSL declares.
    pub fn bind<P: Pod>(&self, gpu: &Gpu, params: &P, buffers: &[Slice<'_>]) -> Result<BoundKernel> {
        let uniform = gpu.uniform(&self.name, params);
        self.bind_to(gpu, uniform.whole(), buffers)
    }

    /// As [`bind`](Self::bind), with parameters that lie in a buffer of [`Gpu::rows`], where they may change from
    /// submission to submission.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_to(&self, gpu: &Gpu, params: Slice<'_>, buffers: &[Slice<'_>]) -> Result<BoundKernel> {
        if params.size != self.params_size {
            return Err(Error::shape(
                format!("{}: bytes of params", self.name),
                self.params_size,
                params.size,
            ));
        }
        if buffers.len() != self.storage.len() {
            return Err(Error::shape(
                format!("{}: storage buffers", self.name),
                self.storage.len(),
                buffers.len(),
            ));
        }
        let numbers = std::iter::once(0).chain(self.storage.iter().copied());
        let mut entries = Vec::new();
        for (binding, slice) in numbers.zip(std::iter::once(&params).chain(buffers)) {
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &slice.buffer.raw,
                offset: slice.offset,
                size: wgpu::BufferSize::new(slice.size),
            });
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
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
        Launch { kernel: self.clone(), workgroups, work: Work::default() }
    }
}

impl Launch {
    /// The same launch, with a word on what it has to get done.
    pub fn doing(self, work: Work) -> Self {
        Self { work, ..self }
    }

    /// The file and the entry point of its kernel, such as `matmul_tile.forward`.
    pub fn name(&self) -> &str {
        &self.kernel.name
    }

    /// What it has to get done; empty if nobody has said.
    pub fn work(&self) -> &Work {
        &self.work
    }

    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.kernel.pipeline);
        pass.set_bind_group(0, &self.kernel.bind_group, &[]);
        let [x, y, z] = self.workgroups;
        pass.dispatch_workgroups(x, y, z);
    }
}

/// What an entry point needs from the host, read from the WGSL by naga.
struct Interface {
    storage: Vec<u32>,
    params_size: u64,
    workgroup_size: [u32; 3],
}

impl Interface {
    fn of(shader: Shader, entry_point: &str) -> Result<Self, String> {
        let module = naga::front::wgsl::parse_str(shader.source)
            .map_err(|error| error.emit_to_string_with_path(shader.source, shader.name))?;
        let all = naga::valid::Capabilities::all();
        let info = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), all)
            .validate(&module)
            .map_err(|error| error.emit_to_string_with_path(shader.source, shader.name))?;
        let index = module
            .entry_points
            .iter()
            .position(|entry| entry.name == entry_point)
            .ok_or_else(|| format!("it has no entry point \"{entry_point}\""))?;

        let (mut storage, mut params_size) = (Vec::new(), 0);
        for (handle, variable) in module.global_variables.iter() {
            let used = !info.get_entry_point(index)[handle].is_empty();
            let Some(binding) = variable.binding.as_ref().filter(|_| used) else { continue };
            match variable.space {
                naga::AddressSpace::Storage { .. } => storage.push(binding.binding),
                _ => params_size = u64::from(module.types[variable.ty].inner.size(module.to_ctx())),
            }
        }
        storage.sort_unstable();
        Ok(Self { storage, params_size, workgroup_size: module.entry_points[index].workgroup_size })
    }
}
