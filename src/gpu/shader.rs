//! A WGSL file, and what its entry points need from the host: read from the WGSL by naga.

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

/// Which kind of resource a binding takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A part of a buffer.
    Buffer,
    /// A texture.
    Texture,
}

/// What an entry point needs from the host.
pub(super) struct Interface {
    /// What is bound beside the parameters, which are binding 0: in ascending order of the numbers.
    pub bindings: Vec<(u32, ResourceKind)>,
    pub params_size: u64,
    pub workgroup_size: [u32; 3],
    /// Bytes that a workgroup shares.
    pub workgroup_memory: u32,
    /// Buffers that are no uniforms.
    pub storage_buffers: u32,
    /// Lanes of a subgroup that the file counts on: its `const LANES`.
    pub lanes: Option<u32>,
    /// Rows of the matrices that a subgroup multiplies, if the file has some.
    pub matrices: Option<u32>,
}

impl Interface {
    pub fn of(shader: Shader, entry_point: &str) -> Result<Self, String> {
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

        let (mut bindings, mut params_size, mut workgroup_memory, mut storage_buffers) =
            (Vec::new(), 0, 0, 0);
        for (handle, variable) in module.global_variables.iter() {
            let used = !info.get_entry_point(index)[handle].is_empty();
            let size = module.types[variable.ty].inner.size(module.to_ctx());
            match (variable.space, &variable.binding) {
                (naga::AddressSpace::WorkGroup, _) if used => workgroup_memory += size,
                (naga::AddressSpace::Storage { .. }, Some(at)) if used => {
                    bindings.push((at.binding, ResourceKind::Buffer));
                    storage_buffers += 1;
                }
                (naga::AddressSpace::Uniform, Some(at)) if used && at.binding != 0 => {
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
        let matrices = module.types.iter().find_map(|(_, of)| match of.inner {
            naga::TypeInner::CooperativeMatrix { rows, .. } => Some(rows as u32),
            _ => None,
        });
        Ok(Self { bindings, params_size, workgroup_size, workgroup_memory, storage_buffers, lanes, matrices })
    }
}
