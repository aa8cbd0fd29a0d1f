//! The products with nothing fused into them, in every form: what other activations and optimisers go on with.

use gpu_mlp::gpu::Gpu;
use gpu_mlp::kernels::{Layout, Matrix};
use gpu_mlp::reference;
use gpu_mlp::tensor::Tensor;

use crate::parity::{Layer, SHAPES, abs, assert_product, f64s, finish, forms, nan, read};

pub const TRIALS: &[crate::NamedTrial] =
    &[("bare_products::backward", backward), ("bare_products::gradient", gradient)];

fn backward(gpu: &Gpu) {
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let (dz, w_t) = (f64s(&layer.dz), f64s(&layer.w).transposed());
            let dx = nan(gpu, Layout::activations(rows, ins));
            let launch = matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx, false);
            finish(gpu, &launch.unwrap());
            let (want, magnitude) = (reference::matmul(&dz, &w_t), reference::matmul(&abs(&dz), &abs(&w_t)));
            assert_product(&format!("{form} {shape:?}"), &read(gpu, &dx).0, &want, &magnitude, outs);
        }
    }
}

fn gradient(gpu: &Gpu) {
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let g = nan(gpu, Layout::weights(ins, outs));
            let spare = Matrix::zeros(gpu, "spare", Layout::weights(1, 1)).unwrap();
            finish(gpu, &matmul.gradient(gpu, &layer.x_gpu, &layer.dz_gpu, &g, &spare).unwrap());
            let (x_t, dz) = (f64s(&layer.x).transposed(), f64s(&layer.dz));
            let (what, (values, packed)) = (format!("{form} {shape:?}"), read(gpu, &g));
            let magnitude = reference::matmul(&abs(&x_t), &abs(&dz));
            assert_product(&what, &values, &reference::matmul(&x_t, &dz), &magnitude, rows);
            let bias = |dz: &Tensor<f64>| Tensor::new([1, outs], reference::sum_rows(dz)).unwrap();
            let got = g.layout.unpack_bias(&packed);
            assert_product(&format!("{what} bias"), &got, &bias(&dz), &bias(&abs(&dz)), rows);
            // The norm is taken over all of it, and the step along all of it.
            let counted = ins * outs + outs;
            assert!(packed.iter().filter(|&&g| g != 0.0).count() <= counted, "{what}: padding is 0");
            assert!(packed.iter().all(|g| !g.is_nan()), "{what}: all is written");
        }
    }
}
