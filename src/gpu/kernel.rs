//! A kernel is one entry point of a WGSL file. What it binds, and its workgroup size, are read from the WGSL.

use std::sync::{Arc, PoisonError};
use web_time::Instant;

use bytemuck::Pod;

use super::adapter::{AdapterSummary, DeviceType};
use super::{Fill, Gpu, Resource, ResourceKind, Slice};
use crate::error::{Error, Result, Setting, message};

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
    /// [`Error::Internal`] if the file has no such constant, or is no WGSL.
    pub fn constant(&self, name: &str) -> Result<usize> {
        let missing = || Error::Internal(format!("shader {} has no constant {name}", self.name));
        let module = naga::front::wgsl::parse_str(self.source)
            .map_err(|error| Error::Internal(error.emit_to_string_with_path(self.source, self.name)))?;
        constant(&module, name).map(|value| value as usize).ok_or_else(missing)
    }
}

/// The value of a module's constant, if there is one of that name that is a u32.
fn constant(module: &naga::Module, name: &str) -> Option<u32> {
    let (_, constant) =
        module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name))?;
    match module.global_expressions[constant.init] {
        naga::Expression::Literal(naga::Literal::U32(value)) => Some(value),
        _ => None,
    }
}

/// A compiled entry point.
#[derive(Debug, Clone)]
pub struct Kernel {
    name: String,
    pipeline: wgpu::ComputePipeline,
    /// What is bound beside the parameters, which are binding 0: in ascending order of the numbers.
    bindings: Vec<(u32, ResourceKind)>,
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
    /// Textures that are filled before it.
    fills: Vec<Fill>,
}

impl Gpu {
    /// Whether the device has what an entry point needs.
    pub fn can_run(&self, shader: Shader, entry_point: &str) -> bool {
        let interface = Interface::of(shader, entry_point);
        interface.is_ok_and(|interface| interface.check(self, entry_point).is_ok())
    }

    /// The same device, whose kernels check every index and every loop, or trust the checks of shapes. Tests and debug builds
    /// check; release builds do not unless asked to.
    pub fn with_checks(&self, checks: bool) -> Self {
        Self { checks, ..self.clone() }
    }

    /// The same device, taken for one of another type: kernels are chosen as they would be there.
    pub fn taken_for(&self, device_type: DeviceType) -> Self {
        let summary = AdapterSummary { device_type, ..self.summary().clone() };
        Self { summary: Arc::new(summary), ..self.clone() }
    }

    /// The same device, on which a file of WGSL stands in for the one of its name: what a kernel that is wrong would do.
    pub fn substituting(&self, shader: Shader) -> Self {
        Self { substitute: Some(shader), ..self.clone() }
    }
}

impl Kernel {
    /// Compiles an entry point, once a device.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's words: a shader of ours that an adapter does not take. [`Error::NoAdapter`] if
    /// the device's limits are too small for it, or its subgroups not what it counts on.
    pub async fn new(gpu: &Gpu, shader: Shader, entry_point: &str) -> Result<Self> {
        let shader = gpu.substitute.filter(|other| other.name == shader.name).unwrap_or(shader);
        let key = (shader.source.as_ptr() as usize, entry_point.to_owned(), gpu.checks);
        let compiled = || gpu.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernel) = compiled().get(&key) {
            return Ok(kernel.clone());
        }
        let kernel = Self::compile(gpu, shader, entry_point).await?;
        compiled().insert(key, kernel.clone());
        Ok(kernel)
    }

    async fn compile(gpu: &Gpu, shader: Shader, entry_point: &str) -> Result<Self> {
        let name = format!("{}.{entry_point}", shader.name);
        let rejected = |reason: String| Error::Shader { name: name.clone(), reason };
        let interface = Interface::of(shader, entry_point).map_err(rejected)?;
        interface.check(gpu, &name)?;

        let begun = Instant::now();
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = module(gpu, shader);
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&name),
            layout: None,
            module: &module,
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                // No kernel reads of a workgroup's memory what it has not written.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: gpu.pipeline_cache.as_ref().map(|cache| &cache.raw),
        });
        if let Some(error) = scope.pop().await {
            return Err(rejected(error.to_string()));
        }
        *gpu.compiling.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
        let Interface { bindings, params_size, workgroup_size, .. } = interface;
        Ok(Self { name, pipeline, bindings, params_size, workgroup_size })
    }

    /// Invocations per workgroup in x, y and z, as the WGSL says.
    pub fn workgroup_size(&self) -> [u32; 3] {
        self.workgroup_size
    }

    /// What it takes beside the parameters, in the order of [`bind`](Self::bind).
    pub fn resources(&self) -> impl Iterator<Item = ResourceKind> {
        self.bindings.iter().map(|&(_, kind)| kind)
    }

    /// Whether it has a binding of that number.
    pub fn binds(&self, binding: u32) -> bool {
        self.bindings.iter().any(|&(number, _)| number == binding)
    }

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
        Launch { kernel: self.clone(), workgroups, work: Work::default(), fills: Vec::new() }
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

    pub(super) fn has_fills(&self) -> bool {
        !self.fills.is_empty()
    }

    pub(super) fn record_fills(&self, encoder: &mut wgpu::CommandEncoder) {
        self.fills.iter().for_each(|fill| fill.record(encoder));
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

/// A shader as the device's compiler gets it. Checks of every index and loop cost a fifth of a product's instructions.
#[allow(unsafe_code)]
fn module(gpu: &Gpu, shader: Shader) -> wgpu::ShaderModule {
    let source = wgpu::ShaderSource::Wgsl(shader.source.into());
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(shader.name), source };
    match gpu.checks {
        true => gpu.device.create_shader_module(descriptor),
        // SAFETY: a shader that wgpu trusts must stay within its buffers, end its loops and divide by no zero. Ours do: the
        // checks of shapes in `kernels/` keep every index in range, and the tests run the same shaders with checks.
        false => unsafe {
            let checks = wgpu::ShaderRuntimeChecks::unchecked();
            gpu.device.create_shader_module_trusted(descriptor, checks)
        },
    }
}

/// What an entry point needs from the host, read from the WGSL by naga.
struct Interface {
    bindings: Vec<(u32, ResourceKind)>,
    params_size: u64,
    workgroup_size: [u32; 3],
    /// Bytes that a workgroup shares.
    workgroup_memory: u32,
    /// Lanes of a subgroup that the file counts on: its `const LANES`.
    lanes: Option<u32>,
}

impl Interface {
    /// Whether the device has what the entry point takes of a workgroup, of its storage buffers and of subgroups.
    fn check(&self, gpu: &Gpu, name: &str) -> Result<()> {
        let limits = gpu.device.limits();
        let storage = self.bindings.iter().filter(|(_, kind)| *kind == ResourceKind::Buffer).count();
        let needed = [
            (
                self.workgroup_size.iter().product(),
                limits.max_compute_invocations_per_workgroup,
                "invocations",
            ),
            (self.workgroup_memory, limits.max_compute_workgroup_storage_size, "bytes of workgroup memory"),
            (storage as u32, limits.max_storage_buffers_per_shader_stage, "storage buffers"),
        ];
        let refused = |needs: String, has: String| {
            let adapter = &gpu.summary().name;
            let problem = format!("kernel {name} needs {needs}; adapter \"{adapter}\" {has}");
            let hint = message![Setting::Adapter.another(), ", or ", Setting::Backend.set("cpu")];
            Err(Error::no_adapter(problem).hint(hint))
        };
        if let Some((needed, allowed, of)) = needed.into_iter().find(|(needed, allowed, _)| needed > allowed)
        {
            return refused(format!("{needed} {of}"), format!("allows {allowed}"));
        }
        match self.lanes {
            Some(lanes) if gpu.lanes != Some(lanes) => {
                refused(format!("subgroups of {lanes} lanes"), "does not have them".into())
            }
            _ => Ok(()),
        }
    }

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

        let (mut bindings, mut params_size, mut workgroup_memory) = (Vec::new(), 0, 0);
        for (handle, variable) in module.global_variables.iter() {
            let used = !info.get_entry_point(index)[handle].is_empty();
            let size = module.types[variable.ty].inner.size(module.to_ctx());
            match (variable.space, &variable.binding) {
                (naga::AddressSpace::WorkGroup, _) if used => workgroup_memory += size,
                (naga::AddressSpace::Storage { .. }, Some(at)) if used => {
                    bindings.push((at.binding, ResourceKind::Buffer));
                }
                (naga::AddressSpace::Handle, Some(at)) if used => {
                    bindings.push((at.binding, ResourceKind::Texture));
                }
                (_, Some(_)) if used => params_size = u64::from(size),
                _ => {}
            }
        }
        bindings.sort_unstable_by_key(|&(binding, _)| binding);
        let workgroup_size = module.entry_points[index].workgroup_size;
        let lanes = constant(&module, "LANES");
        Ok(Self { bindings, params_size, workgroup_size, workgroup_memory, lanes })
    }
}
