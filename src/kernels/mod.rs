//! What a network needs from a GPU: one file per shader, of the same name. Knows no layers and no training.
//!
//! A method checks shapes, binds buffers and returns a [`Launch`](crate::gpu::Launch): data, to be replayed.
//!
//! Matrices on the device are cut into blocks of 4 x 4 ([`Matrix`]): rows and columns are padded to multiples of four,
//! and stored row by row as `vec4`s, or, of a batch of images, as four bytes. The input of a layer has one more column block, `(1, 0, 0, 0)` in every row, and
//! the layer's weights one more row block, whose first row is the bias: `[x 1] · [w; b] = x · w + b`. So the bias
//! needs no kernel of its own, forward, backward or in the update (Bishop, *Pattern Recognition and Machine
//! Learning*, equation 5.3).

mod activation;
mod clip_norm;
mod dispatch;
mod fused_middle;
mod fused_steps;
mod fused_update;
mod gather;
mod gather_floats;
mod matmul;
mod matrix;
mod networks;
mod operands;
mod optimizer;
mod sigmoid_xent;
mod softmax_xent;
mod squared_error;
mod values_loss;

pub use activation::Activate;
pub use clip_norm::ClipNorm;
pub use fused_middle::FusedMiddle;
pub use fused_steps::{BoundSteps, FusedSteps, Pieces, Slots, State};
pub use fused_update::FusedUpdate;
pub use gather::{BoundGather, Gather, Sample};
pub use gather_floats::GatherFloats;
pub use matmul::{Matmul, cooperative};
pub use matrix::{Element, Layout, Matrix};
pub use networks::NETWORKS;
pub use optimizer::Advance;
pub use softmax_xent::{SoftmaxXent, Sum};
pub use values_loss::ValuesLoss;

use crate::error::Result;
use crate::gpu::adapter::{AdapterSummary, DeviceType};
use crate::gpu::{Gpu, Shader};

/// Every WGSL file of the program.
pub const SHADERS: [Shader; 17] = [
    activation::SHADER,
    clip_norm::SHADER,
    fused_middle::SHADER,
    fused_steps::SHADER,
    fused_update::SHADER,
    gather::SHADER,
    gather_floats::SHADER,
    matmul::SMALL,
    matmul::MEDIUM,
    matmul::LARGE,
    matmul::TEXTURE,
    matmul::SUBGROUP,
    matmul::COOPERATIVE,
    optimizer::SHADER,
    sigmoid_xent::SHADER,
    softmax_xent::SHADER,
    squared_error::SHADER,
];

/// The kernels of every network, compiled for one device. [`Activate`], [`Advance`], [`ClipNorm`] and [`ValuesLoss`] are
/// compiled where they are needed.
pub struct Kernels {
    /// The images of a batch, in shuffled order.
    pub gather: Gather,
    /// Rows of f32, in shuffled order.
    pub gather_floats: GatherFloats,
    /// The products of a layer: forward, backward, update.
    pub matmul: Matmul,
    /// Loss, hits and the gradient by the logits.
    pub softmax_xent: SoftmaxXent,
}

impl Kernels {
    /// Compiles what suits the device: see [`product_forms`].
    ///
    /// # Errors
    /// [`Error::Shader`](crate::Error::Shader) if the device's compiler rejects a shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        let kernels = Self {
            gather: Gather::new(gpu).await?,
            gather_floats: GatherFloats::new(gpu).await?,
            matmul: Matmul::by_size(gpu, &product_forms(gpu, gpu.summary())).await?,
            softmax_xent: SoftmaxXent::new(gpu).await?,
        };
        gpu.keep_pipelines();
        Ok(kernels)
    }
}

/// The forms of the matrix products for a device that is such an adapter: three for hardware, of which its limits may
/// leave fewer or none, and one for software adapters, which shares no memory in a workgroup; that without subgroups runs
/// anywhere. Intel's GPUs have too few registers for the large form. Where the precision is f16, large products are in f16.
pub fn product_forms(gpu: &Gpu, adapter: &AdapterSummary) -> Vec<Shader> {
    let software = adapter.device_type == DeviceType::Cpu;
    let mut forms = vec![matmul::SMALL, matmul::MEDIUM];
    if !adapter.intel {
        forms.push(matmul::LARGE);
    }
    forms.retain(|&form| !software && gpu.can_run(form, "forward"));
    if forms.is_empty() {
        let subgroups = software && gpu.can_run(matmul::SUBGROUP, "forward");
        forms.push(if subgroups { matmul::SUBGROUP } else { matmul::TEXTURE });
    }
    // Of all sizes the largest: it is for what fills many of its tiles.
    forms.extend(matmul::cooperative().into_iter().find(|&form| gpu.can_run(form, "forward")));
    forms
}
