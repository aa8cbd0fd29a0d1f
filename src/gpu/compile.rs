//! Compiles a WGSL file into a kernel, once per device, if the device meets its requirements.

use std::sync::PoisonError;

use web_time::Instant;

use super::device::Gpu;
use super::kernel::Kernel;
use super::shader::{Interface, Shader};
use crate::error::{Error, Result, Setting, message};

impl Gpu {
    /// Whether the device has what an entry point needs. Of a shader that is no WGSL it has: [`Kernel::new`] says what is wrong
    /// with it, where a no would have another form take its place in silence.
    pub fn can_run(&self, shader: Shader, entry_point: &str) -> bool {
        let interface = Interface::of(self.standing_for(shader), entry_point);
        !interface.is_ok_and(|interface| check(&interface, self, entry_point).is_err())
    }

    fn standing_for(&self, shader: Shader) -> Shader {
        self.substitute.filter(|other| other.name == shader.name).unwrap_or(shader)
    }
}

impl Kernel {
    /// Compiles an entry point, once a device.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's words: a shader of ours that an adapter does not take. [`Error::NoAdapter`] if
    /// the device's limits are too small for it, or its subgroups not what it counts on.
    pub async fn new(gpu: &Gpu, shader: Shader, entry_point: &str) -> Result<Self> {
        let shader = gpu.standing_for(shader);
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
        check(&interface, gpu, &name)?;

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

/// Whether the device has what the entry point takes of a workgroup, of its storage buffers and of subgroups.
fn check(interface: &Interface, gpu: &Gpu, name: &str) -> Result<()> {
    let limits = gpu.device.limits();
    let needed = [
        (
            interface.workgroup_size.iter().product(),
            limits.max_compute_invocations_per_workgroup,
            "invocations",
        ),
        (interface.workgroup_memory, limits.max_compute_workgroup_storage_size, "bytes of workgroup memory"),
        (interface.storage_buffers, limits.max_storage_buffers_per_shader_stage, "storage buffers"),
    ];
    let refused = |needs: String, has: String| {
        let adapter = &gpu.summary().name;
        let problem = format!("kernel {name} needs {needs}; adapter \"{adapter}\" {has}");
        let hint = message![Setting::Adapter.another(), ", or ", Setting::Backend.set("cpu")];
        Err(Error::no_adapter(problem).hint(hint))
    };
    if let Some((needed, allowed, of)) = needed.into_iter().find(|(needed, allowed, _)| needed > allowed) {
        return refused(format!("{needed} {of}"), format!("allows {allowed}"));
    }
    if let Some(side) = interface.matrices.filter(|_| interface.matrices != gpu.matrices) {
        return refused(format!("matrices of {side} x {side} in f16"), "was not opened for them".into());
    }
    match interface.lanes {
        Some(lanes) if gpu.lanes != Some(lanes) => {
            refused(format!("subgroups of {lanes} lanes"), "does not have them".into())
        }
        _ => Ok(()),
    }
}
