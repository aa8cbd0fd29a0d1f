//! A kernel: one entry point of a WGSL file, compiled.

use super::shader::ResourceKind;

/// A compiled entry point.
#[derive(Debug, Clone)]
pub struct Kernel {
    pub(super) name: String,
    pub(super) pipeline: wgpu::ComputePipeline,
    /// What is bound beside the parameters, which are binding 0: in ascending order of the numbers.
    pub(super) bindings: Vec<(u32, ResourceKind)>,
    pub(super) params_size: u64,
    pub(super) workgroup_size: [u32; 3],
}

impl Kernel {
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
}
