//! The self-test of the adapter at hand, kernel by kernel, and whether it notices a kernel that is wrong.

use gpu_mlp::checks::selftest::{
    self, Row, activations, fused, fused_steps, gathers, products, rules, softmax_xent, steps, values_loss,
};
use gpu_mlp::engine::{Device, GpuEngine, Residency};
use gpu_mlp::gpu::adapter::DeviceType;
use gpu_mlp::gpu::{Gpu, Shader};
use gpu_mlp::kernels::SHADERS;
use gpu_mlp::network::Loss;
use gpu_mlp::reference::compare::Tolerance;
use pollster::block_on;

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

/// A mistake in a shader: in which function what becomes what, and a row that has to notice it.
struct Mistake {
    shader: &'static str,
    function: &'static str,
    from: &'static str,
    to: &'static str,
    row: &'static str,
}

const fn mistake(
    shader: &'static str,
    function: &'static str,
    from: &'static str,
    to: &'static str,
    row: &'static str,
) -> Mistake {
    Mistake { shader, function, from, to, row }
}

/// In every form of the products that reads buffers, and rows are named without the form. Mistakes of a group are made at once: each is
/// noticed by another row, on which the others have no bearing.
const IN_PRODUCTS: [&[Mistake]; 3] = [
    &[
        mistake("", "forward", "params.ins;", "params.ins - 1u;", "forward"),
        mistake("", "forward_bytes", "params.ins;", "params.ins - 1u;", "forward_bytes"),
        mistake("", "backward", "params.outs;", "params.outs - 1u;", "backward bare"),
        mistake("", "update", "params.rows;", "params.rows - 1u;", "gradient"),
        mistake("", "update_bytes", "params.rows;", "params.rows - 1u;", "update_bytes"),
    ],
    &[
        mistake("", "store_z", "select(z, vec4f(0.0), negative)", "z", "forward relu"),
        mistake("", "store_dx", "x[i] > vec4f(0.0)", "x[i] >= vec4f(0.0)", "backward relu"),
        mistake(
            "",
            "store_w",
            "params.weight_decay * old",
            "0.99 * params.weight_decay * old",
            "update momentum, decay",
        ),
    ],
    &[
        mistake(
            "",
            "store_z",
            "select(z, vec4f(0.0), negative)",
            "select(z, max(z, vec4f(0.0)), vec4<bool>(params.fused == 1u))",
            "forward relu",
        ),
        LEARNING_RATE,
        mistake("", "store_w", "out[i] = gradient;", "out[i] = gradient * 1.001;", "gradient"),
    ],
];

/// The same where products read textures: one kernel takes bytes and floats, and the bare gradient and momentum have
/// kernels of their own.
const IN_TEXTURES: [&[Mistake]; 4] = [
    &[
        mistake("", "forward", "params.ins;", "params.ins - 1u;", "forward"),
        mistake("", "backward", "params.outs;", "params.outs - 1u;", "backward bare"),
        mistake("", "store_gradient", "= gradient;", "= 1.001 * gradient;", "gradient"),
        LEARNING_RATE,
    ],
    &[
        mistake("", "forward", "params.ins;", "params.ins - 1u;", "forward_bytes"),
        mistake("", "store_dx", "> vec4f(0.0)", ">= vec4f(0.0)", "backward relu"),
        mistake(
            "",
            "store_momentum",
            "params.weight_decay * old",
            "0.99 * params.weight_decay * old",
            "update momentum, decay",
        ),
    ],
    &[
        mistake(
            "",
            "store_z",
            "select(z, vec4f(0.0), negative)",
            "select(z, max(z, vec4f(0.0)), vec4<bool>(params.fused == 1u))",
            "forward relu",
        ),
        mistake("", "store_momentum", "v[i] = step", "v[i] = gradient", "update momentum, decay"),
    ],
    &[mistake("", "product", "params.rows;", "params.rows - 1u;", "update_bytes")],
];

/// What is handed round between lanes.
const IN_SUBGROUPS: [&[Mistake]; 2] = [
    &[mistake("", "block_of_last", "7u", "6u", "forward")],
    &[mistake("", "rows", "LANES *", "0u *", "backward bare")],
];

/// What comes before the first tile of the inner dimension.
const IN_TILES: [&[Mistake]; 1] = [&[
    mistake("", "along", "index % DEPTH >= missing(inner)", "true", "backward bare"),
    mistake("", "across", "row - 4u * missing(inner)", "row - missing(inner)", "gradient"),
]];

const LEARNING_RATE: Mistake = mistake("", "store_w", "- params.lr", "- 0.999 * params.lr", "update sgd");

const ELSEWHERE: [Mistake; 74] = [
    mistake("gather", "gather", "word < vec4u(params.words)", "word <= vec4u(params.words)", "gather.gather"),
    mistake("gather", "gather", "params.pitch +", "params.stride +", "gather.gather"),
    mistake("gather", "gather", "255u", "254u", "gather.gather"),
    mistake("gather", "gather", "row >= params.rows", "row > params.rows", "gather.gather"),
    mistake("gather_floats", "gather_floats", "+ col]", "+ col] * 1.000001", "gather_floats.gather_floats"),
    mistake("gather_floats", "gather_floats", "vec4f(1.0,", "vec4f(0.0,", "gather_floats.gather_floats"),
    mistake(
        "softmax_xent",
        "forward",
        "log(sum_exp) - expected",
        "log(sum_exp) - 0.99 * expected",
        "softmax_xent.evaluate",
    ),
    mistake("softmax_xent", "forward", "u32(best == label)", "1u", "softmax_xent.evaluate"),
    mistake(
        "softmax_xent",
        "forward",
        "> logits[start + best]",
        ">= logits[start + best]",
        "softmax_xent.train",
    ),
    mistake("softmax_xent", "forward", "if order[row].weight == 0.0", "if false", "softmax_xent.train"),
    mistake("softmax_xent", "add_up", "half > 0u", "half > 1u", "softmax_xent.train"),
    mistake("softmax_xent", "add_up", "sums[group].hits +=", "sums[group].hits =", "softmax_xent.evaluate"),
    mistake("softmax_xent", "train", "- right - even", "- right", "softmax_xent.train smoothing"),
    mistake("softmax_xent", "train", "+ j] - forward.max", "+ j]", "softmax_xent.train"),
    mistake(
        "softmax_xent",
        "train",
        "/ forward.sum_exp",
        "/ (forward.sum_exp * 1.00001)",
        "softmax_xent.train",
    ),
    mistake(
        "sigmoid_xent",
        "forward",
        "positive - logit * t",
        "positive - 0.99 * logit * t",
        "sigmoid_xent.evaluate",
    ),
    mistake("sigmoid_xent", "forward", "order[row].label *", "row *", "sigmoid_xent.train"),
    mistake("sigmoid_xent", "forward", "hit && (", "(", "sigmoid_xent.evaluate"),
    mistake("sigmoid_xent", "forward", "if order[row].weight == 0.0", "if false", "sigmoid_xent.train"),
    mistake("sigmoid_xent", "add_up", "half > 0u", "half > 1u", "sigmoid_xent.train"),
    mistake("sigmoid_xent", "train", "/ f32(params.outputs)", "", "sigmoid_xent.train"),
    mistake("sigmoid_xent", "sigmoid", "e / (1.0 + e)", "e", "sigmoid_xent.train"),
    mistake("squared_error", "part", "select(2.0", "select(1.0", "squared_error.train"),
    mistake("squared_error", "part", "abs(error) > d", "abs(error) > 1.1 * d", "squared_error huber.train"),
    mistake("squared_error", "part", "- 0.5 * d", "- 0.4 * d", "squared_error huber.evaluate"),
    mistake("squared_error", "forward", "order[row].label *", "row *", "squared_error.evaluate"),
    mistake("squared_error", "forward", "order[row].weight == 0.0", "false", "squared_error.train"),
    mistake("squared_error", "add_up", "half > 0u", "half > 1u", "squared_error.train"),
    mistake("squared_error", "train", "/ f32(params.outputs)", "", "squared_error.train"),
    mistake("fused_middle", "product", "k < layer.ins", "k + 1u < layer.ins", "fused_middle.step"),
    mistake("fused_middle", "product_back", "k < layer.outs", "k + 1u < layer.outs", "fused_middle.step"),
    mistake("fused_middle", "add_up", "slice < part.slices", "slice + 1u < part.slices", "fused_middle.step"),
    mistake("fused_middle", "forward", "below_zero(value)", "value < vec4f(-0.01)", "fused_middle.step"),
    mistake("fused_middle", "best_of", "other.x > best.max", "other.x < best.max", "fused_middle.step"),
    mistake(
        "fused_middle",
        "loss",
        "- params.label_smoothing / f32(params.classes)",
        "",
        "fused_middle.step smoothing",
    ),
    mistake("fused_middle", "loss", "if sample.weight == 0.0", "if false", "fused_middle.step"),
    mistake("fused_middle", "loss", "log(total.x)", "log(total.x * 1.0001)", "fused_middle.step"),
    mistake("fused_middle", "backward", "a[i] > vec4f(0.0)", "a[i] >= vec4f(0.0)", "fused_middle.step"),
    mistake(
        "fused_update",
        "sum_inner",
        "k < params.rows",
        "k + 1u < params.rows",
        "fused_update.update gradient",
    ),
    mistake(
        "fused_update",
        "sum_first_bytes",
        "k < params.rows",
        "k + 1u < params.rows",
        "fused_update.update_bytes sgd",
    ),
    mistake(
        "fused_update",
        "store",
        "params.weight_decay * old",
        "0.99 * params.weight_decay * old",
        "fused_update.update momentum, decay",
    ),
    mistake("fused_steps", "fetch", "i % layer.ins;", "(i + 1u) % layer.ins;", "fused_steps.steps relu"),
    mistake("fused_steps", "forward", "k < ins", "k + 1u < ins", "fused_steps.steps relu"),
    mistake(
        "fused_steps",
        "relu",
        "bits <= vec4u(0xff800000u)",
        "bits <= vec4u(0x80000001u)",
        "fused_steps.steps relu",
    ),
    mistake(
        "fused_steps",
        "loss",
        "- right - params.label_smoothing / f32(params.classes)",
        "- right",
        "fused_steps.steps smoothing",
    ),
    mistake("fused_steps", "loss", "log(total.x)", "log(total.x * 1.01)", "fused_steps.steps relu"),
    mistake("fused_steps", "backward", "k < outs", "k + 1u < outs", "fused_steps.steps relu"),
    mistake("fused_steps", "masked", "a > vec4f(0.0)", "a >= vec4f(0.0)", "fused_steps.steps relu"),
    mistake("fused_steps", "update", "k < piece.rows", "k + 1u < piece.rows", "fused_steps.steps relu"),
    mistake("fused_steps", "gather", "!piece.is_first", "false", "fused_steps.steps relu"),
    mistake(
        "fused_steps",
        "advance",
        "step.weight_decay * old",
        "0.9 * step.weight_decay * old",
        "fused_steps.steps momentum, decay",
    ),
    mistake("fused_steps", "advance", "step.rule == 1u", "step.rule == 3u", "fused_steps.steps nesterov"),
    mistake("fused_steps", "advance", "step.keep * state", "state", "fused_steps.steps adamw"),
    mistake("activation", "relu", "vec4f(1.0)", "vec4f(0.999)", "activation.train relu"),
    mistake("activation", "sigmoid", "value * (1.0 - value)", "value", "activation.train sigmoid"),
    mistake("activation", "tangent", "0.13313116", "0.133", "activation.train tanh"),
    mistake("activation", "gelu", "0.14228757", "0.1422", "activation.evaluate gelu"),
    mistake("activation", "gelu", "0.3989423", "0.39895", "activation.train gelu"),
    mistake("activation", "leaky_relu", "0.01", "0.011", "activation.evaluate leaky-relu"),
    mistake("activation", "elu", "select(e - 1.0", "select(e", "activation.evaluate elu"),
    mistake("activation", "silu", "+ z * gate.slope", "", "activation.train silu"),
    mistake("activation", "softplus", "0.5 * e * e", "e * e * 1e4", "activation.evaluate softplus"),
    mistake("activation", "formula", "Result(z, vec4f(1.0))", "Result(z, z)", "activation.train identity"),
    mistake("activation", "backward", "*= slope", "+= slope", "activation.backward tanh, dropout"),
    mistake("activation", "train", "result.slope * mask", "result.slope", "activation.train relu, dropout"),
    mistake("activation", "evaluate", "counts(at.block)", "vec4<bool>(true)", "activation.evaluate sigmoid"),
    mistake("activation", "dropout_mask", "2u * block + 1u", "2u * block", "activation.train masks"),
    mistake("activation", "threefry", "third + 1u", "third + 2u", "activation.train masks"),
    mistake(
        "clip_norm",
        "measure",
        "dot(g[i], g[i])",
        "dot(g[i].xyz, g[i].xyz)",
        "clip_norm.measure, clip_norm.scale",
    ),
    mistake("clip_norm", "scale", "factor >= 1.0", "factor >= 1e9", "clip_norm.measure, clip_norm.scale"),
    mistake("optimizer", "advance", "params.rule == 1u", "params.rule == 3u", "optimizer.advance nesterov"),
    mistake(
        "optimizer",
        "advance",
        "params.rest2 * step * step",
        "params.rest2 * step",
        "optimizer.advance adam",
    ),
    mistake("optimizer", "advance", "params.keep * w[i]", "w[i]", "optimizer.advance adamw"),
    mistake("optimizer", "advance", "m[i] = velocity", "m[i] = step", "optimizer.advance momentum"),
];

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
    let wrong = mistake("fused_update", "store", "- params.lr", "- 0.999 * params.lr", "");
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
