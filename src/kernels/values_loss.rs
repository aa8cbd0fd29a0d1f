//! Losses of outputs against numbers: which kernel, and how it is launched. `sigmoid_xent.rs` and `squared_error.rs` say
//! what each is.

use bytemuck::Pod;

use super::matrix::Matrix;
use super::{sigmoid_xent, squared_error};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Launch, Slice, Work};
use crate::network::Loss;

/// The kernels of a loss whose targets are numbers. Their gradient takes the place of the outputs, so that four buffers
/// are enough.
pub struct ValuesLoss {
    train: Kernel,
    evaluate: Kernel,
    loss: Loss,
}

impl ValuesLoss {
    /// The kernels of a loss; none where targets are classes.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu, loss: Loss) -> Result<Option<Self>> {
        let shader = match loss {
            Loss::SoftmaxCrossEntropy => return Ok(None),
            Loss::SigmoidCrossEntropy => sigmoid_xent::SHADER,
            Loss::SquaredError | Loss::Huber { .. } => squared_error::SHADER,
        };
        let (train, evaluate) =
            (Kernel::new(gpu, shader, "train").await?, Kernel::new(gpu, shader, "evaluate").await?);
        Ok(Some(Self { train, evaluate, loss }))
    }

    /// [`Sum`](super::Sum)s that a batch of `rows` adds to.
    pub fn sums(&self, rows: usize) -> usize {
        rows.div_ceil(self.train.workgroup_size()[0] as usize)
    }

    /// Adds loss and hits to `sums`, and writes the gradient by the outputs over them. Each network has as many sums as the rows
    /// from it to the next need.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the buffers do not fit the kernel.
    pub fn train(
        &self,
        gpu: &Gpu,
        z: &Matrix,
        order: Slice<'_>,
        targets: &Buffer,
        sums: &Buffer,
    ) -> Result<Launch> {
        self.launch(gpu, &self.train, z, [order, targets.whole(), sums.whole(), z.slice()])
    }

    /// Adds loss and hits to `sums`.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn evaluate(
        &self,
        gpu: &Gpu,
        z: &Matrix,
        order: Slice<'_>,
        targets: &Buffer,
        sums: &Buffer,
    ) -> Result<Launch> {
        self.launch(gpu, &self.evaluate, z, [order, targets.whole(), sums.whole(), z.slice()])
    }

    fn launch(&self, gpu: &Gpu, kernel: &Kernel, z: &Matrix, buffers: [Slice<'_>; 4]) -> Result<Launch> {
        let sums_apart = self.sums(z.rows_apart().unwrap_or(0));
        match self.loss {
            Loss::SoftmaxCrossEntropy | Loss::SigmoidCrossEntropy => {
                self.bind(gpu, kernel, &sigmoid_xent::Params::of(z, sums_apart)?, z, &buffers)
            }
            Loss::SquaredError | Loss::Huber { .. } => {
                self.bind(gpu, kernel, &squared_error::Params::of(z, self.loss, sums_apart)?, z, &buffers)
            }
        }
    }

    fn bind(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        params: &impl Pod,
        z: &Matrix,
        buffers: &[Slice<'_>],
    ) -> Result<Launch> {
        let bytes = buffers.iter().map(Slice::size).sum();
        let work = Work { shape: vec![z.layout.rows, z.layout.cols], flops: 0, bytes };
        let workgroups = [self.sums(z.layout.row_blocks * 4) as u32, 1, z.networks().len() as u32];
        Ok(kernel.bind(gpu, params, buffers)?.launch(workgroups).doing(work))
    }
}
