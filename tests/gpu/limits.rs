//! Adapters smaller than the one at hand: with little memory, small bindings, small workgroups.

use gpu_mlp::Result;
use gpu_mlp::checks::selftest::{gathers, products, rules, steps};
use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::adapter::{self, AdapterSummary, DeviceType};
use gpu_mlp::gpu::{Backend, Gpu, Limits, Shader};
use gpu_mlp::kernels::{Layout, Matmul, Matrix, SHADERS, product_forms};
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::reference::compare::Tolerance;
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("limits::the_least_of_webgpu_is_enough", floor),
    ("limits::small_workgroups_take_other_forms", small_workgroups),
    ("limits::other_subgroups_are_refused", other_subgroups),
    ("limits::more_rows_than_one_launch_takes", more_rows_than_one_launch),
    ("limits::too_few_storage_buffers_are_refused", storage_buffers),
    ("limits::small_bindings_stream", small_bindings),
    ("limits::little_memory_streams", little_memory),
    ("limits::no_memory_is_an_error_in_words", no_memory),
];

/// The same adapter with less.
fn smaller(gpu: &Gpu, limits: Limits) -> Result<Gpu> {
    let index = Some(gpu.summary().index.to_string());
    let request = adapter::Request { adapter: index, ..adapter::Request::default() };
    let adapter = block_on(adapter::find(&request)).unwrap().unwrap();
    block_on(Gpu::open_within(&adapter, limits))
}

fn right(gpu: &Gpu) {
    let mut rows = block_on(gathers::check(gpu)).unwrap();
    for shader in products::forms(gpu) {
        rows.extend(block_on(products::check(gpu, shader)).unwrap());
    }
    rows.extend(block_on(rules::clip_norm(gpu)).unwrap());
    let make =
        async |spec: &_, options| GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit).await;
    let everything = steps::cases().pop().unwrap();
    let tolerance = Tolerance { atol: 5e-5, rtol: 5e-4 };
    rows.push(block_on(steps::check_case(&everything, &steps::SIZES, 20, tolerance, &make)).unwrap());
    assert!(rows.iter().all(|row| row.ok), "{rows:#?}");
}

fn shader(name: &str) -> Shader {
    *SHADERS.iter().find(|shader| shader.name == name).unwrap()
}

/// Whether the products that count on subgroups of eight lanes run. Of lavapipe with AVX we know that they have to.
fn has_subgroups(gpu: &Gpu) -> bool {
    let can = gpu.can_run(shader("matmul_subgroup"), "forward");
    let summary = gpu.summary();
    let must = summary.backend == Backend::Vulkan
        && summary.name.contains("llvmpipe")
        && summary.name.contains("256 bits");
    assert!(can || !must, "{summary:?}");
    can
}

fn other_subgroups(gpu: &Gpu) {
    let Shader { name, source } = shader("matmul_subgroup");
    let three = Shader { name, source: source.replace("const LANES = 8u;", "const LANES = 3u;").leak() };
    assert!(!gpu.can_run(three, "forward"));
    let error = block_on(Matmul::new(gpu, three)).err().unwrap();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("needs subgroups of 3 lanes") && text.contains("backend cpu"), "{text}");
}

fn more_rows_than_one_launch(gpu: &Gpu) {
    let layout = Layout::weights(1, 1);
    let w = Matrix::upload(gpu, "w", layout, &layout.pack_weights(&[2.0], &[0.5])).unwrap();
    for form in ["matmul_small", "matmul_subgroup"]
        .map(shader)
        .into_iter()
        .filter(|form| gpu.can_run(*form, "forward"))
    {
        // 65,535 tiles go below one another.
        let rows = 4 * form.constant("TILE_ROWS").unwrap() * 65_535 + 1;
        let layout = Layout::activations(rows, 1);
        let values: Vec<f32> = (0..rows).map(|row| (row % 1000) as f32).collect();
        let x = Matrix::upload(gpu, "x", layout, &layout.pack_activations(&values)).unwrap();
        let z = Matrix::zeros(gpu, "z", layout).unwrap();
        let matmul = block_on(Matmul::new(gpu, form)).unwrap();
        let launch = matmul.forward(gpu, &x, &w, &z, false).unwrap();
        assert_eq!(launch.parts(), 2);
        block_on(gpu.wait(&gpu.submit([&launch]).unwrap())).unwrap();
        let got = layout.unpack(&block_on(z.read(gpu)).unwrap());
        assert!(got.iter().zip(&values).all(|(z, x)| *z == 2.0 * x + 0.5), "{}", form.name);
    }
}

fn floor(gpu: &Gpu) {
    let small = smaller(gpu, Limits::FLOOR).unwrap();
    assert_eq!(small.max_binding_size(), 128 << 20);
    assert_eq!(products::forms(&small).count(), 4 + usize::from(has_subgroups(gpu)), "all forms run on it");
    right(&small);
}

fn small_workgroups(gpu: &Gpu) {
    let names_on = |gpu: &Gpu, adapter: &AdapterSummary| -> Vec<&str> {
        product_forms(gpu, adapter).iter().map(|form| form.name).collect()
    };
    let names = |gpu: &Gpu, device_type| {
        names_on(gpu, &AdapterSummary { device_type, intel: false, ..gpu.summary().clone() })
    };
    let hardware = DeviceType::DiscreteGpu;
    assert_eq!(names(gpu, hardware), ["matmul_small", "matmul_medium", "matmul_large"]);
    let intel = AdapterSummary { device_type: hardware, intel: true, ..gpu.summary().clone() };
    assert_eq!(names_on(gpu, &intel), ["matmul_small", "matmul_medium"], "few registers");
    let of_software = if has_subgroups(gpu) { "matmul_subgroup" } else { "matmul_texture" };
    assert_eq!(names(gpu, DeviceType::Cpu), [of_software]);

    let less_memory = smaller(gpu, Limits { workgroup_memory: 8 << 10, ..Limits::FLOOR }).unwrap();
    assert_eq!(names(&less_memory, hardware), ["matmul_small"]);
    let error = block_on(Matmul::new(&less_memory, shader("matmul_large"))).err().unwrap();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("matmul_large.forward needs 16384 bytes of workgroup memory"), "{text}");
    assert!(text.contains("allows 8192") && text.contains("backend cpu"), "{text}");
    drop(less_memory);

    let fewer = smaller(gpu, Limits { invocations: 64, ..Limits::FLOOR }).unwrap();
    assert_eq!(names(&fewer, hardware), ["matmul_texture"]);
    right(&fewer);
    drop(fewer);

    let hardly_any = smaller(gpu, Limits { invocations: 32, ..Limits::FLOOR }).unwrap();
    let error = block_on(gathers::check(&hardly_any)).unwrap_err().to_string();
    assert!(error.contains("needs 64 invocations") && error.contains("allows 32"), "{error}");
}

fn storage_buffers(gpu: &Gpu) {
    let error = smaller(gpu, Limits { storage_buffers: 3, ..Limits::FLOOR }).err().unwrap();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("allows 3 storage buffers a shader, and 4 are needed"), "{error}");
}

/// 16 MB of images, of which a chunk has a tenth.
fn large_set() -> [Samples; 2] {
    let [few, test] = steps::noise(&MlpSpec::new(vec![784, 10]).unwrap()).unwrap();
    let many: Vec<u32> = (0..20_000).map(|i| i % few.len() as u32).collect();
    let labels = many.iter().map(|&i| few.labels()[i as usize]).collect();
    [Samples::new(784, few.read(&many).unwrap(), labels, 10).unwrap(), test]
}

fn make(gpu: &Gpu, [train, test]: &[Samples; 2]) -> Result<GpuEngine> {
    let spec = MlpSpec::new(vec![784, 20, 10])?;
    let options = StepOptions::sgd(32, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.0 });
    let mut engine = block_on(GpuEngine::new(gpu.clone(), &spec, options, Residency::WhereTheyFit))?;
    block_on(engine.load(Split::Train, train.clone()))?;
    block_on(engine.load(Split::Test, test.clone()))?;
    block_on(engine.set_parameters(&Parameters::he_uniform(&spec, 5), None))?;
    block_on(engine.set_sums(&Sums::default()))?;
    Ok(engine)
}

fn outcome(gpu: &Gpu, data: &[Samples; 2]) -> (Parameters, Sums, Sums) {
    let mut engine = make(gpu, data).unwrap();
    let order: Vec<u32> = (0..1500).map(|i| i * 13 % 20_000).collect();
    crate::engine_options::train(&mut engine, &order);
    let test: Vec<u32> = (0..data[1].len() as u32).collect();
    let (sums, score) =
        (block_on(engine.sums()).unwrap(), block_on(engine.evaluate(Split::Test, &test)).unwrap());
    (block_on(engine.parameters()).unwrap(), sums, score)
}

fn small_bindings(gpu: &Gpu) {
    let data = large_set();
    let small = smaller(gpu, Limits { binding_size: 1 << 20, ..Limits::NONE }).unwrap();
    assert!(outcome(&small, &data) == outcome(gpu, &data), "the same bits from streamed images");
}

fn little_memory(gpu: &Gpu) {
    let data = large_set();
    let small = smaller(gpu, Limits { memory: 8 << 20, ..Limits::NONE }).unwrap();
    assert!(outcome(&small, &data) == outcome(gpu, &data), "the same bits from streamed images");
}

fn no_memory(gpu: &Gpu) {
    let small = smaller(gpu, Limits { memory: 100 << 10, ..Limits::NONE }).unwrap();
    let error = make(&small, &large_set()).err().unwrap();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(text.contains("bytes, and the memory of adapter") && text.contains("batch_size"), "{text}");
    assert!(small.check().is_ok(), "the device goes on");
}
