//! What the self-test of products and gathers leaves out: which form a product takes, sizes that no test of a user's
//! machine should wait for, and operands that are refused.

use gpu_mlp::checks::selftest::fused;
use gpu_mlp::checks::selftest::operands::{Layer, abs, f64s, finish, nan, read};
use gpu_mlp::checks::selftest::products::{check, forms};
use gpu_mlp::gpu::adapter::{self, DeviceType};
use gpu_mlp::gpu::{Gpu, Launch, Precision};
use gpu_mlp::kernels::{
    Gather, Kernels, Layout, Matmul, Matrix, SHADERS, Sample, cooperative, product_forms,
};
use gpu_mlp::reference::{self, matmul as matmul_f64, rounded_to_f16};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("products::the_size_of_a_product_decides_its_form", form_by_size),
    ("products::in_f16_they_are_right_or_refused", in_f16),
    ("products::long_launches_are_cut", cut),
    ("products::gather_beyond_one_dimension_of_workgroups", gather_beyond_one_dimension),
    ("products::operands_of_the_wrong_kind_are_refused", refused),
];

fn done(gpu: &Gpu, launch: &Launch) {
    block_on(finish(gpu, launch)).unwrap();
}

fn form_by_size(gpu: &Gpu) {
    let form = |name: &str| *SHADERS.iter().find(|shader| shader.name == name).unwrap();
    let forms = ["matmul_small", "matmul_medium", "matmul_large"].map(form);
    let by_size = block_on(Matmul::by_size(gpu, &forms)).unwrap();
    let without_large = block_on(Matmul::by_size(gpu, &forms[..2])).unwrap();
    // 8 x 8 workgroups of the large form; one column of them fewer, of which the medium form makes two of each; too few
    // of these; and 128 that would be almost empty.
    let cases = [([1024, 1024], 2), ([1024, 896], 1), ([512, 896], 0), ([8192, 10], 0)];
    for ([rows, outs], expected) in cases {
        let layer = Layer::new(gpu, [rows, 4, outs]).unwrap();
        let z = Matrix::zeros(gpu, "z", Layout::activations(rows, outs)).unwrap();
        for (matmul, expected) in [(&by_size, expected), (&without_large, expected.min(1))] {
            let launch = matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z, false).unwrap();
            assert_eq!(launch.name(), format!("{}.forward", forms[expected].name), "{rows} x {outs}");
        }
    }
}

fn cut(gpu: &Gpu) {
    // As many launches as there are rows of workgroups: nothing is left out, and nothing done twice.
    let short = gpu.with_longest_launch(1);
    for shader in forms(&short) {
        let rows = block_on(check(&short, shader)).unwrap();
        assert!(rows.iter().all(|row| row.ok), "{rows:#?}");
    }
    assert!(block_on(fused::check(&short)).unwrap().iter().all(|row| row.ok));
    // On a GPU of 0.15 TFLOP/s none lasts longer than 250 ms. One with its own memory may be taken to be faster.
    let gpu = &gpu.taken_for(DeviceType::IntegratedGpu);
    assert!(gpu.taken_for(DeviceType::DiscreteGpu).longest_launch() >= gpu.longest_launch());
    let matmul = block_on(Matmul::by_size(gpu, &product_forms(gpu, gpu.summary()))).unwrap();
    let matrix = |layout| Matrix::zeros(gpu, "operand", layout).unwrap();
    for (shape @ [rows, ins, outs], parts) in
        [([128, 784, 300], 1), ([4096, 2048, 2048], 1), ([8192, 2048, 2048], 2)]
    {
        let (x, w) = (matrix(Layout::activations(rows, ins)), matrix(Layout::weights(ins, outs)));
        let z = matrix(Layout::activations(rows, outs));
        let [forward, update] = [
            matmul.forward(gpu, &x, &w, &z, true).unwrap(),
            matmul.gradient(gpu, &x, &z, &w, &matrix(Layout::weights(1, 1))).unwrap(),
        ];
        for launch in [forward, update] {
            let seconds = launch.work().flops as f64 / launch.parts() as f64 / 0.15e12;
            assert!(
                seconds <= 0.25 && launch.parts() == parts,
                "{shape:?}: {} parts of {seconds} s",
                launch.parts()
            );
        }
    }
}

/// The same adapter for products in f16, if it offers them. If not it says so.
fn half(gpu: &Gpu) -> Option<Gpu> {
    let index = Some(gpu.summary().index.to_string());
    let request = adapter::Request { adapter: index, ..adapter::Request::default() };
    let adapter = block_on(adapter::find(&request)).unwrap().unwrap();
    let opened = block_on(Gpu::open_with(&adapter, Precision::F16, None));
    match opened {
        Ok(half) if adapter.offers(Precision::F16) => Some(half),
        Err(error) if !adapter.offers(Precision::F16) => {
            assert_eq!(error.exit_code(), 3);
            assert!(error.to_string().contains("8 x 8 in f16"), "{error}");
            None
        }
        _ => panic!("what the adapter offers is not what it does"),
    }
}

fn in_f16(gpu: &Gpu) {
    let can = |gpu: &Gpu| cooperative().into_iter().find(|&shader| gpu.can_run(shader, "forward"));
    assert!(can(gpu).is_none(), "a device for f32 has no f16");
    let Some(gpu) = &half(gpu) else { return };
    let shader = can(gpu).unwrap();
    let rows = block_on(check(gpu, shader)).unwrap();
    assert!(rows.iter().all(|row| row.ok), "{rows:#?}");
    let matmul = block_on(Matmul::new(gpu, shader)).unwrap();

    // The mean over a batch makes gradients small: those below f16's smallest number are not lost.
    let shape @ [_, ins, _] = [1024, 40, 10];
    let layer = Layer::new(gpu, shape).unwrap();
    let small = layer.dz.map(|dz| dz * 1e-6);
    layer.dz_gpu.write(gpu, &layer.dz_gpu.layout.pack_activations(small.data())).unwrap();
    let dx = nan(gpu, Layout::activations(shape[0], ins)).unwrap();
    done(gpu, &matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx, false).unwrap());
    let (got, _) = block_on(read(gpu, &dx)).unwrap();
    let (small, w_t) = (f64s(&small), f64s(&layer.w).transposed());
    let (want, all) = (matmul_f64(&small, &w_t), matmul_f64(&abs(&small), &abs(&w_t)));
    let off = got
        .iter()
        .zip(want.data())
        .zip(all.data())
        .map(|((&got, want), all)| (f64::from(got) - want).abs() / all);
    assert!(off.fold(0.0, f64::max) < 2e-3);

    // Only what fills many tiles is rounded.
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    let weights = Layout::weights(50, 1024);
    assert_eq!(kernels.matmul.in_f16(1024, weights), [true, false, false]);
    assert_eq!(kernels.matmul.in_f16(128, weights), [false; 3]);
    let layer = Layer::new(gpu, [1024, 200, 1024]).unwrap();
    let z = [&kernels.matmul, &matmul].map(|matmul| {
        let z = nan(gpu, Layout::activations(1024, 1024)).unwrap();
        done(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z, false).unwrap());
        block_on(read(gpu, &z)).unwrap().0
    });
    assert!(z[0] == z[1], "the form that was said");
    let want =
        reference::dense(&rounded_to_f16(&f64s(&layer.x)), &rounded_to_f16(&f64s(&layer.w)), &[0.0; 1024]);
    let bias = rounded_to_f16(&f64s(&layer.b));
    let worst = z[0]
        .iter()
        .zip(want.data())
        .enumerate()
        .map(|(i, (&z, want))| (f64::from(z) - want - bias.data()[i % 1024]).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-2, "as its twin");
}

fn gather_beyond_one_dimension(gpu: &Gpu) {
    // 64 invocations a workgroup, four of them a row, and 65,535 workgroups in x: the rest has to go on in y.
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    let (rows, features) = (64 * 65_535 / 4 + 100, 49);
    let mut images = vec![0_u8; 2 * Gather::pitch(features)];
    images[0] = 255;
    let images = gpu.upload("images", &images).unwrap();
    let order: Vec<Sample> =
        (0..rows).map(|i| Sample { sample: u32::from(i + 1 != rows), ..Sample::PADDING }).collect();
    let order = gpu.upload("order", &order).unwrap();
    let layout = Layout::images(rows, features);
    assert_eq!(layout.stride(), 4 * 16);
    let buffer = gpu.alloc("x", layout.size()).unwrap();
    let x = Matrix::within(&buffer, 0, layout);
    done(gpu, &kernels.gather.bind(gpu, &images, &order, &x, rows).unwrap().launch(rows));
    let bytes = block_on(gpu.read::<u8>(&buffer, rows * layout.stride())).unwrap();
    let mut values = bytes.chunks(layout.stride()).map(|row| row[0]);
    assert_eq!(values.next_back(), Some(255), "the last row is written");
    assert!(values.all(|value| value == 0), "and so are all before it");
}

fn refused(gpu: &Gpu) {
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    let (floats, order) = (Layout::activations(4, 4), gpu.upload("order", &[Sample::PADDING; 4]).unwrap());
    let matrix = |layout| Matrix::zeros(gpu, "x", layout).unwrap();
    let bytes = matrix(Layout::images(4, 4));
    assert!(bytes.write(gpu, &vec![0.0; bytes.layout.len()]).is_err(), "f32s are no bytes");
    assert!(kernels.gather.bind(gpu, &order, &order, &matrix(floats), 4).is_err(), "x has to be bytes");
    let weights = matrix(Layout::weights(4, 4));
    assert!(kernels.gather_floats.bind(gpu, &order, &order, &weights, 1).is_err(), "weights are no batch");
    let layer = Layer::new(gpu, [4, 4, 4]).unwrap();
    let back = kernels.matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &bytes, &bytes, true);
    assert!(back.is_err(), "bytes came out of no ReLU");
}
