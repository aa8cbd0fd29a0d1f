//! What the operands of large products are rounded to, and what an adapter has to offer for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::adapter::Adapter;
use crate::error::{Error, Result, Setting, message};

/// What the operands of large products are rounded to. Sums, and everything in memory, are f32 in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nothing is rounded.
    #[default]
    F32,
    /// 11 bits, multiplied by the hardware's own units for matrices.
    F16,
}

impl Precision {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::F32, Self::F16];

    /// The name, as options spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// What a device needs for it.
    pub(super) fn features(self) -> wgpu::Features {
        match self {
            Self::F32 => wgpu::Features::empty(),
            Self::F16 => {
                wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
                    | wgpu::Features::SHADER_F16
                    | wgpu::Features::SUBGROUP
            }
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Adapter {
    /// Whether it has what a precision needs.
    pub fn offers(&self, precision: Precision) -> bool {
        precision == Precision::F32 || self.matrices().is_some()
    }

    /// The size of the largest square matrices that it multiplies in f16 and sums in f32, of those that the kernel takes.
    fn matrices(&self) -> Option<u32> {
        let offered = self.raw.cooperative_matrix_properties();
        let is_there = |&side: &u32| {
            offered.iter().any(|matrix| {
                [matrix.m_size, matrix.n_size, matrix.k_size] == [side; 3]
                    && matrix.ab_type == wgpu::CooperativeScalarType::F16
                    && matrix.cr_type == wgpu::CooperativeScalarType::F32
            })
        };
        let features = self.raw.features().contains(Precision::F16.features());
        [16, 8].into_iter().find(is_there).filter(|_| features)
    }

    /// The size of the matrices that a precision takes; none for f32.
    pub(super) fn matrices_for(&self, precision: Precision) -> Result<Option<u32>> {
        let matrices = self.matrices().filter(|_| precision == Precision::F16);
        if matrices.is_some() || precision == Precision::F32 {
            return Ok(matrices);
        }
        let name = &self.summary.name;
        let problem = format!(
            "adapter \"{name}\" ({}) does not multiply matrices of 16 x 16 or 8 x 8 in f16",
            self.summary.backend
        );
        let hint = message![Setting::Precision.set("f32"), ", or ", Setting::Adapter.another()];
        Err(Error::no_adapter(problem).hint(hint))
    }

    /// Leave to use what wgpu still tries out, where the precision needs it.
    #[allow(unsafe_code)]
    pub(super) fn experiments(precision: Precision) -> wgpu::ExperimentalFeatures {
        match precision {
            Precision::F32 => wgpu::ExperimentalFeatures::disabled(),
            // SAFETY: what is asked for are matrices of a subgroup, which only our own kernel uses, with the sizes that the
            // adapter lists; its results are held to the reference by `selftest`.
            Precision::F16 => unsafe { wgpu::ExperimentalFeatures::enabled() },
        }
    }
}
