//! The self-test of the adapter at hand, kernel by kernel, and whether it notices a kernel that is wrong.

use gpu_mlp::checks::selftest::{
    self, Row, activations, fused, fused_steps, gathers, products, rules, softmax_xent, steps, values_loss,
};
use gpu_mlp::engine::{Device, GpuEngine, Residency};
use gpu_mlp::gpu::adapter::DeviceType;
use gpu_mlp::gpu::{Gpu, Shader};
use gpu_mlp::kernels::{Kernels, SHADERS};
use gpu_mlp::network::Loss;
use gpu_mlp::reference::compare::Tolerance;
use pollster::block_on;

use crate::mistakes::{
    ELSEWHERE, IN_PRODUCTS, IN_SUBGROUPS, IN_TEXTURES, IN_TILES, LEARNING_RATE, Mistake, mistake,
};

pub const TRIALS: &[crate::NamedTrial] = &[
    ("selftest::every_kernel_is_right_and_in_the_report", whole),
    ("selftest::wrong_products_are_noticed", wrong_products),
    ("selftest::wrong_kernels_are_noticed", wrong_kernels),
    ("selftest::a_shader_that_does_not_compile_is_a_row", broken),
    ("selftest::fifty_steps_notice_a_wrong_kernel", fifty_steps),
    ("selftest::fifty_steps_are_right_as_on_hardware", as_on_hardware),
];

fn shader(name: &str) -> Shader {
    *SHADERS.iter().find(|shader| shader.name == name).unwrap()
}

/// The rows of one shader.
fn checked(gpu: &Gpu, name: &str) -> Vec<Row> {
    let rows = block_on(async {
        match name {
            "gather" | "gather_floats" => gathers::check(gpu).await,
            "softmax_xent" => softmax_xent::check(gpu).await,
            "sigmoid_xent" => values_loss::check(gpu, name, Loss::SigmoidCrossEntropy).await,
            "squared_error" => {
                let mut rows = values_loss::check(gpu, name, Loss::SquaredError).await?;
                rows.extend(
                    values_loss::check(gpu, "squared_error huber", Loss::Huber { delta: 0.75 }).await?,
                );
                Ok(rows)
            }
            "fused_middle" | "fused_update" => fused::check(gpu).await,
            "fused_steps" => fused_steps::check(gpu).await,
            "activation" => activations::check(gpu).await,
            "clip_norm" => rules::clip_norm(gpu).await,
            "optimizer" => rules::advance(gpu).await,
            product => products::check(gpu, shader(product)).await,
        }
    });
    rows.unwrap()
}

fn right(rows: &[Row]) {
    assert!(!rows.is_empty());
    for row in rows {
        assert!(row.ok && row.wrong.is_none(), "{row:#?}");
        assert!(row.worst <= row.allowed && !row.shapes.is_empty(), "{row:#?}");
    }
}

fn whole(gpu: &Gpu) {
    let report = block_on(selftest::on(&Device::Gpu(gpu.clone())));
    right(&report.rows);
    assert!(report.ok && report.engine.adapter == gpu.summary().name);
    // All but two run anywhere.
    let runs = |shader: &Shader| match shader.name {
        "matmul_subgroup" | "matmul_cooperative" => gpu.can_run(*shader, "forward"),
        _ => true,
    };
    for shader in SHADERS.into_iter().filter(runs) {
        let entry_points = shader.source.lines().collect::<Vec<_>>();
        for pair in entry_points.windows(2).filter(|pair| pair[0].starts_with("@compute")) {
            let name = pair[1].trim_start_matches("fn ").split('(').next().unwrap();
            // A row says in words which update it tried.
            let name = format!("{}.{}", shader.name, name.replace("_momentum", " momentum"));
            assert!(report.rows.iter().any(|row| row.kernel.contains(&name)), "{name} is not tested");
        }
    }
    let steps = |of: &str| report.rows.iter().filter(|row| row.kernel.starts_with(of)).count();
    assert_eq!(steps("50 steps"), steps::cases().len());
    let taken = steps::cases().iter().filter(|case| fused_steps::is_taken(case)).count();
    assert_eq!((taken, steps("fused_steps.steps"), steps("20 steps")), (10, 10, 10));
}

/// The shader of that name with the mistakes in it.
fn with(name: &str, mistakes: &[Mistake]) -> Shader {
    let right = shader(name);
    let mut source = right.source.to_owned();
    for Mistake { function, from, to, .. } in mistakes {
        let head = format!("\nfn {function}(");
        let (before, after) = source.split_once(&head).unwrap();
        assert!(after.contains(from), "{name}: {from} is not in {function}");
        source = format!("{before}{head}{}", after.replacen(from, to, 1));
    }
    Shader { source: source.leak(), ..right }
}

/// Whether every mistake is noticed by its row.
fn noticed(gpu: &Gpu, name: &str, form: &str, mistakes: &[Mistake]) {
    let rows = checked(&gpu.substituting(with(name, mistakes)), name);
    for Mistake { function, from, to, row, .. } in mistakes {
        let row = rows.iter().find(|other| other.kernel == format!("{form}{row}"));
        let row = row.unwrap_or_else(|| panic!("{form}{row:?}: {rows:?}"));
        assert!(!row.ok && row.wrong.is_some(), "{name}, {function}: {from} -> {to} goes unnoticed: {row:?}");
    }
}

fn wrong_products(gpu: &Gpu) {
    for form in products::forms(gpu) {
        let reads_textures = form.source.contains("texture_2d");
        let groups: &[&[Mistake]] = if reads_textures { &IN_TEXTURES } else { &IN_PRODUCTS };
        let form = form.name;
        let shared: &[&[Mistake]] = match form {
            "matmul_subgroup" => &IN_SUBGROUPS,
            "matmul_medium" | "matmul_large" => &IN_TILES,
            _ => &[],
        };
        groups.iter().chain(shared).for_each(|mistakes| noticed(gpu, form, &format!("{form}."), mistakes));
    }
}

fn wrong_kernels(gpu: &Gpu) {
    ELSEWHERE.iter().for_each(|mistake| noticed(gpu, mistake.shader, "", std::slice::from_ref(mistake)));
}

fn broken(gpu: &Gpu) {
    let nonsense = Shader { name: "clip_norm", source: "fn measure() { return 1; }" };
    let report = block_on(selftest::on(&Device::Gpu(gpu.substituting(nonsense))));
    let wrong: Vec<&Row> = report.rows.iter().filter(|row| !row.ok).collect();
    assert!(!report.ok && wrong.len() >= 2, "{wrong:#?}");
    assert!(wrong[0].kernel == "clip_norm" && wrong[0].wrong.as_ref().unwrap().contains("rejected"));
    assert!(report.rows.iter().any(|row| row.kernel.starts_with("optimizer.") && row.ok), "the rest goes on");
    // No other form of the products takes the place of one that is no WGSL.
    let nonsense = Shader { name: "matmul_medium", ..nonsense };
    let gpu = gpu.substituting(nonsense).taken_for(DeviceType::IntegratedGpu);
    let error = block_on(Kernels::new(&gpu)).err().unwrap().to_string();
    assert!(error.contains("matmul_medium") && error.contains("rejected"), "{error}");
}

/// The kernels that hardware takes: products with workgroup memory, and fused layers.
fn as_on_hardware(gpu: &Gpu) {
    let after = Tolerance { atol: 2e-5, rtol: 2e-4 };
    let rows = |gpu: &Gpu, cases: &[steps::Case]| -> Vec<Row> {
        let make = async |spec: &_, options| {
            GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit).await
        };
        let check = |case| block_on(steps::check_case(case, &steps::SIZES, 50, after, &make)).unwrap();
        cases.iter().map(check).collect()
    };
    let gpu = fused_steps::separately(&gpu.taken_for(DeviceType::DiscreteGpu));
    right(&rows(&gpu, &steps::cases()));
    let wrong = mistake("fused_update", "store", "- own.lr", "- 0.999 * own.lr", "");
    let wrong = gpu.substituting(with("fused_update", &[wrong]));
    assert!(rows(&wrong, &steps::cases()[..1]).iter().all(|row| !row.ok), "the fused kernels are not used");
}

fn fifty_steps(gpu: &Gpu) {
    // The form that the engine uses here.
    for name in ["matmul_small", "matmul_texture", "matmul_subgroup"] {
        let gpu = fused_steps::separately(&gpu.substituting(with(name, &[LEARNING_RATE])));
        let make = async |spec: &_, options| {
            GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit).await
        };
        let after = Tolerance { atol: 2e-5, rtol: 2e-4 };
        let row = block_on(steps::check_case(&steps::cases()[0], &steps::SIZES, 50, after, &make)).unwrap();
        let used = gpu_mlp::kernels::product_forms(&gpu, gpu.summary());
        assert_eq!(!row.ok, used.iter().any(|form| form.name == name), "{name}: {row:#?}");
    }
}
