//! Mistakes in shaders, each with the row of the self-test that has to notice it.

/// A mistake in a shader: in which function what becomes what, and a row that has to notice it.
pub struct Mistake {
    pub shader: &'static str,
    pub function: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub row: &'static str,
}

pub const fn mistake(
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
pub const IN_PRODUCTS: [&[Mistake]; 3] = [
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
            "own.weight_decay * old",
            "0.99 * own.weight_decay * old",
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
pub const IN_TEXTURES: [&[Mistake]; 4] = [
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
            "own.weight_decay * old",
            "0.99 * own.weight_decay * old",
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
        mistake(
            "",
            "store_momentum",
            "v[own_w + i] = step",
            "v[own_w + i] = gradient",
            "update momentum, decay",
        ),
    ],
    &[mistake("", "product", "params.rows;", "params.rows - 1u;", "update_bytes")],
];

/// What is handed round between lanes.
pub const IN_SUBGROUPS: [&[Mistake]; 2] = [
    &[mistake("", "block_of_last", "7u", "6u", "forward")],
    &[mistake("", "rows", "LANES *", "0u *", "backward bare")],
];

/// What comes before the first tile of the inner dimension.
pub const IN_TILES: [&[Mistake]; 1] = [&[
    mistake("", "along", "index % DEPTH >= missing(inner)", "true", "backward bare"),
    mistake("", "across", "row - 4u * missing(inner)", "row - missing(inner)", "gradient"),
]];

pub const LEARNING_RATE: Mistake = mistake("", "store_w", "- own.lr", "- 0.999 * own.lr", "update sgd");

pub const ELSEWHERE: [Mistake; 74] = [
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
        "- own.label_smoothing / f32(params.classes)",
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
        "own.weight_decay * old",
        "0.99 * own.weight_decay * old",
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
        "- right - own.label_smoothing / f32(params.classes)",
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
    mistake("optimizer", "advance", "own.rule == 1u", "own.rule == 3u", "optimizer.advance nesterov"),
    mistake("optimizer", "advance", "own.rest2 * step * step", "own.rest2 * step", "optimizer.advance adam"),
    mistake("optimizer", "advance", "own.keep * w[i]", "w[i]", "optimizer.advance adamw"),
    mistake("optimizer", "advance", "m[i] = velocity", "m[i] = step", "optimizer.advance momentum"),
];
