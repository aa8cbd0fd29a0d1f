//! The forms of a matrix product side by side: whether the size decides rightly between them.

use super::gpu::wall;
use super::speed::median;
use super::{FormTime, Observer, Subject};
use crate::checks::selftest::products;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::{Layout, Matmul, Matrix};

/// How much slower than the peak a form may be.
const SLOWEST: f64 = 20.0;

/// Measures the forward product of the largest layer in about `seconds`, in every form that the device can run. Nothing if a slow
/// form might take longer, or for forms that are left when the observer ends it.
pub(super) async fn measure(
    gpu: &Gpu,
    subject: &Subject,
    peak: f64,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Vec<FormTime>> {
    let shapes = subject.spec.layers().map(|(ins, outs)| [subject.batch_size, ins, outs]);
    let Some(shape) = shapes.max_by_key(|shape| shape.iter().product::<usize>()) else {
        return Ok(Vec::new());
    };
    let [rows, ins, outs] = shape;
    let flops = 2.0 * shape.iter().product::<usize>() as f64;
    if SLOWEST * flops / (peak * 1e9) > seconds {
        return Ok(Vec::new());
    }
    let values: Vec<f32> = (0..rows.max(outs) * ins).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
    let (of_x, of_w) = (Layout::activations(rows, ins), Layout::weights(ins, outs));
    let x = Matrix::upload(gpu, "x", of_x, &of_x.pack_activations(&values[..rows * ins]))?;
    let w = Matrix::upload(gpu, "w", of_w, &of_w.pack_weights(&values[..ins * outs], &[]))?;
    let z = Matrix::zeros(gpu, "z", Layout::activations(rows, outs))?;
    let forms: Vec<_> = products::forms(gpu).collect();
    let mut found = Vec::new();
    for form in &forms {
        if observer.should_stop() {
            break;
        }
        let launch = Matmul::new(gpu, *form).await?.forward(gpu, &x, &w, &z, false)?;
        let repeated = |times| gpu.submit(std::iter::repeat_n(&launch, times));
        let took = median(wall(gpu, seconds / forms.len() as f64, repeated).await?);
        found.push(FormTime { form: form.name.into(), shape, gflops: flops / took / 1e9 });
    }
    Ok(found)
}
