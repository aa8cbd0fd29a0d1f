//! Runs one kernel on the GPU: the forward product of a layer, z = max(x · w + b, 0), and compares it with f64.
//!
//! `cargo run --release --example one_kernel`, with a software adapter if there is no GPU.

use gpu_mlp::gpu::{Backend, Gpu, adapter};
use gpu_mlp::kernels::{Kernels, Layout, Matrix};

const SAMPLES: usize = 37;
const INS: usize = 50;
const OUTS: usize = 21;

/// Pseudo-random values between -1 and 1.
fn values(count: usize, seed: f32) -> Vec<f32> {
    (0..count).map(|i| (seed + 12.9898 * i as f32).sin()).collect()
}

fn z(x: &[f32], w: &[f32], b: &[f32], sample: usize, out: usize) -> f64 {
    let products = (0..INS).map(|i| f64::from(x[sample * INS + i]) * f64::from(w[i * OUTS + out]));
    (products.sum::<f64>() + f64::from(b[out])).max(0.0)
}

fn main() -> gpu_mlp::Result<()> {
    let (x, w, b) = (values(SAMPLES * INS, 1.0), values(INS * OUTS, 2.0), values(OUTS, 3.0));
    // All interfaces by name: nobody who asks for one by name minds that it is a software adapter.
    let backends = Backend::ALL.into_iter().filter(|backend| backend.is_built_in()).collect();
    let request = adapter::Request { backends, ..adapter::Request::default() };
    let got = pollster::block_on(async {
        let Some(adapter) = adapter::find(&request).await? else {
            return Err(gpu_mlp::Error::no_adapter("there is no GPU here, and no software adapter"));
        };
        let gpu = Gpu::open(&adapter).await?;
        println!("on {}", gpu.summary().name);
        let kernels = Kernels::new(&gpu).await?;
        // On the device matrices are cut into blocks of 4 x 4, and a bias is a row of the weights.
        let [x_layout, w_layout] = [Layout::activations(SAMPLES, INS), Layout::weights(INS, OUTS)];
        let x = Matrix::upload(&gpu, "x", x_layout, &x_layout.pack_activations(&x))?;
        let w = Matrix::upload(&gpu, "w", w_layout, &w_layout.pack_weights(&w, &b))?;
        let z = Matrix::zeros(&gpu, "z", Layout::activations(SAMPLES, OUTS))?;
        let launch = kernels.matmul.forward(&gpu, &x, &w, &z, true)?;
        let submission = gpu.submit([&launch])?;
        gpu.wait(&submission).await?;
        Ok(z.layout.unpack(&z.read(&gpu).await?))
    })?;
    let off = |(i, &value): (usize, &f32)| (f64::from(value) - z(&x, &w, &b, i / OUTS, i % OUTS)).abs();
    let worst = got.iter().enumerate().map(off).fold(0.0, f64::max);
    println!("{} values, the worst off by {worst:.1e}", got.len());
    assert!(got.len() == SAMPLES * OUTS && worst < 1e-4, "the kernel is wrong");
    Ok(())
}
