//! Test data for kernels: awkward shapes, seeded values, outputs full of NaN.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::error::Result;
use crate::gpu::{Gpu, Launch};
use crate::kernels::{Layout, Matrix};
use crate::tensor::Tensor;

/// Batch rows, inputs, outputs: ones, primes, the tiles' edges (16, 32 and 128 columns, 16 and 128 rows), wide and tall.
pub const SHAPES: [[usize; 3]; 13] = [
    [1, 1, 1],
    [2, 3, 5],
    [7, 13, 11],
    [3, 31, 10],
    [31, 15, 33],
    [17, 21, 16],
    [33, 17, 31],
    [63, 64, 65],
    [64, 784, 10],
    [65, 33, 127],
    [129, 5, 300],
    [5, 301, 3],
    [130, 129, 131],
];

/// Values in -1..1 that f32 holds exactly.
pub fn random(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Tensor<f32> {
    Tensor::from_fn(rows, cols, |_, _| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

/// The same values in double precision.
pub fn f64s(tensor: &Tensor<f32>) -> Tensor<f64> {
    tensor.map(f64::from)
}

/// The magnitude of every value.
pub fn abs(tensor: &Tensor<f64>) -> Tensor<f64> {
    tensor.map(f64::abs)
}

/// A matrix full of NaN, so that a value that is never written shows.
///
/// # Errors
/// As [`Matrix::upload`].
pub fn nan(gpu: &Gpu, layout: Layout) -> Result<Matrix> {
    Matrix::upload(gpu, "nan", layout, &vec![f32::NAN; layout.len()])
}

/// Runs a launch and waits for it.
///
/// # Errors
/// What the device reports.
pub async fn finish(gpu: &Gpu, launch: &Launch) -> Result<()> {
    gpu.wait(&gpu.submit([launch])?).await
}

/// The matrix that a kernel wrote, and all its values with the padding.
///
/// # Errors
/// What the device reports.
pub async fn read(gpu: &Gpu, matrix: &Matrix) -> Result<(Vec<f32>, Vec<f32>)> {
    let packed = matrix.read(gpu).await?;
    Ok((matrix.layout.unpack(&packed), packed))
}

/// A layer's operands on the host and on the device.
pub struct Layer {
    /// What enters, \[rows, ins\], with exact zeros, as a ReLU puts out.
    pub x: Tensor<f32>,
    /// Weights \[ins, outs\].
    pub w: Tensor<f32>,
    /// Bias \[1, outs\].
    pub b: Tensor<f32>,
    /// The gradient by what leaves, \[rows, outs\].
    pub dz: Tensor<f32>,
    /// On the device.
    pub x_gpu: Matrix,
    /// On the device, with the bias.
    pub w_gpu: Matrix,
    /// On the device.
    pub dz_gpu: Matrix,
}

impl Layer {
    /// Operands for a shape.
    ///
    /// # Errors
    /// As [`Matrix::upload`].
    pub fn new(gpu: &Gpu, shape: [usize; 3]) -> Result<Self> {
        Self::rounded(gpu, shape, |value| value)
    }

    /// As [`new`](Self::new), with values that are rounded first.
    ///
    /// # Errors
    /// As [`Matrix::upload`].
    pub fn rounded(gpu: &Gpu, [rows, ins, outs]: [usize; 3], round: fn(f32) -> f32) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64((rows * 1_000_000 + ins * 1_000 + outs) as u64);
        let mut random = |rows, cols| random(&mut rng, rows, cols).map(round);
        let (x, w) = (random(rows, ins), random(ins, outs));
        // Exact zeros: that is where a ReLU's derivative is decided.
        let x = x.map(|x| if x < -0.5 { 0.0 } else { x });
        let (b, dz) = (random(1, outs), random(rows, outs));
        let (inputs, weights) = (Layout::activations(rows, ins), Layout::weights(ins, outs));
        let outputs = Layout::activations(rows, outs);
        let x_gpu = Matrix::upload(gpu, "x", inputs, &inputs.pack_activations(x.data()))?;
        let w_gpu = Matrix::upload(gpu, "w", weights, &weights.pack_weights(w.data(), b.data()))?;
        let dz_gpu = Matrix::upload(gpu, "dz", outputs, &outputs.pack_activations(dz.data()))?;
        Ok(Self { x, w, b, dz, x_gpu, w_gpu, dz_gpu })
    }
}
