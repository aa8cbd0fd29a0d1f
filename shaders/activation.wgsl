// What hidden layers put out if it is not the ReLU fused into the products: other activations, and dropout.
//
// Formula:  train     a = f(z) ⊙ D,  slope = f'(z) ⊙ D     z is what a holds before
//           evaluate  a = f(z)
//           backward  dz = da ⊙ slope                      da is what a holds before, here the gradient
//           f         0 ReLU  1 sigmoid 1/(1 + e^-z)  2 tanh  3 GELU z · Φ(z), Φ(z) = (1 + erf(z/√2)) / 2
//           4 leaky ReLU z > 0 ? z : z/100  5 ELU z > 0 ? z : e^z - 1  6 SiLU z / (1 + e^-z)  7 softplus log(1 + e^z)
//           8 identity z
//           D         dropout: 0 where a unit is left out, the network's scale where it stays, 1 without dropout
// Shapes:   a, slope [rows, width + 1] vec4, of which the first params.cols values of a row count; the last block is the
//           constant that the next layer's bias meets, which nothing here writes. Padding is written as 0.
// Bindings: 0 params; 1 steps, one a network (read); 2 slope, 3 a (read and written)
// Dispatch: one invocation per vec4 of [rows, width], 64 a workgroup, workgroups folded into x and y.
//           Networks are in z: that of index i has its rows from i * params.rows_apart on.
// Numerics: f32. Φ(-|z|) is exp(-z²/2) times a polynomial in 1 / (1 + |z|/√8), fitted to within 4.3e-8 of itself, so that
//           GELU is off by some 2e-7 · max(1, |z|) and its derivative by some 5e-7, more where exp is less exact. tanh is
//           a polynomial below 0.6, where the quotient of exponentials would lose what is small. Masks are exact:
//           Threefry-2x32 with 20 rounds, from the seed, the step, the layer, the row (the first is the network's first_row)
//           and the column.
// Twin:     reference::{Activation, dropout_mask}

struct Network {
    seed: vec2u,
    index: u32,
    threshold: u32,
    scale: f32,
    first_row: u32,
    unused0: u32,
    unused1: u32,
}

struct Params {
    rows: u32,
    width: u32,
    cols: u32,
    activation: u32,
    layer: u32,
    rows_apart: u32,
    unused0: u32,
    unused1: u32,
    network: array<Network, NETWORKS>,
}

struct Step {
    rule: u32,
    number: u32,
    lr: f32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    scale: f32,
    epsilon: f32,
    weight_decay: f32,
    keep: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> steps: array<Step>;
@group(0) @binding(2) var<storage, read_write> slope: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> a: array<vec4f>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

struct Result {
    value: vec4f,
    slope: vec4f,
}

// Nowhere max() or min(): a NaN has to stay a NaN, so that a run that diverges is noticed.

fn relu(z: vec4f) -> Result {
    return Result(select(z, vec4f(0.0), z < vec4f(0.0)), select(vec4f(0.0), vec4f(1.0), z > vec4f(0.0)));
}

fn sigmoid(z: vec4f) -> Result {
    // With e^-|z| nothing overflows.
    let e = exp(-abs(z));
    let small = e / (1.0 + e);
    let value = select(1.0 / (1.0 + e), small, z < vec4f(0.0));
    return Result(value, value * (1.0 - value));
}

fn tangent(z: vec4f) -> Result {
    let z2 = z * z;
    let series = ((0.015612534 * z2 - 0.052211747) * z2 + 0.13313116) * z2 - 0.33332598;
    let near = (series * z2 + 1.0) * z;
    let e = exp(-2.0 * abs(z));
    let quotient = (1.0 - e) / (1.0 + e);
    let far = select(quotient, -quotient, z < vec4f(0.0));
    let value = select(far, near, abs(z) < vec4f(0.6));
    return Result(value, 1.0 - value * value);
}

fn gelu(z: vec4f) -> Result {
    let t = 1.0 / (1.0 + 0.3535534 * abs(z));
    let e = exp(-0.5 * z * z);
    var series = -0.029534496 * t + 0.14228757;
    series = series * t - 0.24360013;
    series = series * t + 0.1390338;
    series = series * t - 0.01331299;
    series = series * t + 0.101343505;
    series = series * t + 0.12155186;
    series = series * t + 0.14118765;
    series = series * t + 0.14104322;
    let tail = e * t * series;
    let phi = select(1.0 - tail, tail, z < vec4f(0.0));
    return Result(z * phi, phi + z * e * 0.3989423);
}

fn leaky_relu(z: vec4f) -> Result {
    let slope = select(vec4f(0.01), vec4f(1.0), z > vec4f(0.0));
    return Result(z * slope, slope);
}

fn elu(z: vec4f) -> Result {
    let e = exp(select(z, vec4f(0.0), z > vec4f(0.0)));
    return Result(select(e - 1.0, z, z > vec4f(0.0)), e);
}

fn silu(z: vec4f) -> Result {
    let gate = sigmoid(z);
    return Result(z * gate.value, gate.value + z * gate.slope);
}

fn softplus(z: vec4f) -> Result {
    let e = exp(-abs(z));
    // Of a small x, log(1 + x) is x - x²/2: 1 + x has lost digits.
    let tail = select(log(1.0 + e), e - 0.5 * e * e, e < vec4f(1e-4));
    return Result(select(z, vec4f(0.0), z < vec4f(0.0)) + tail, sigmoid(z).value);
}

fn formula(z: vec4f) -> Result {
    switch params.activation {
        case 0u: { return relu(z); }
        case 1u: { return sigmoid(z); }
        case 2u: { return tangent(z); }
        case 3u: { return gelu(z); }
        case 4u: { return leaky_relu(z); }
        case 5u: { return elu(z); }
        case 6u: { return silu(z); }
        case 7u: { return softplus(z); }
        default: { return Result(z, vec4f(1.0)); }
    }
}

// SwiftShader's exp makes a number of a NaN, and Mesa's GLSL compiler a max() of a ReLU: so its bits are asked.
fn is_nan(z: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(z) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

fn activate(z: vec4f) -> Result {
    let result = formula(z);
    return Result(select(result.value, z, is_nan(z)), result.slope);
}

fn rotate(x: u32, bits: u32) -> u32 {
    return (x << bits) | (x >> (32u - bits));
}

fn round(x: vec2u, bits: u32) -> vec2u {
    let sum = x.x + x.y;
    return vec2u(sum, rotate(x.y, bits) ^ sum);
}

fn even_rounds(x: vec2u) -> vec2u {
    return round(round(round(round(x, 13u), 15u), 26u), 6u);
}

fn odd_rounds(x: vec2u) -> vec2u {
    return round(round(round(round(x, 17u), 29u), 16u), 24u);
}

fn threefry(key: vec2u, counter: vec2u) -> vec2u {
    let third = 0x1BD11BDAu ^ key.x ^ key.y;
    var x = even_rounds(counter + key) + vec2u(key.y, third + 1u);
    x = odd_rounds(x) + vec2u(third, key.x + 2u);
    x = even_rounds(x) + vec2u(key.x, key.y + 3u);
    x = odd_rounds(x) + vec2u(key.y, third + 4u);
    return even_rounds(x) + vec2u(third, key.x + 5u);
}

fn dropout_mask(number: u32, row_here: u32, block: u32) -> vec4f {
    let own = params.network[number];
    if own.threshold == 0u { return vec4f(1.0); }
    let row = own.first_row + row_here;
    let key = threefry(own.seed, vec2u(steps[number].number, params.layer));
    let words = vec4u(threefry(key, vec2u(row, 2u * block)), threefry(key, vec2u(row, 2u * block + 1u)));
    return select(vec4f(own.scale), vec4f(0.0), words < vec4u(own.threshold));
}

// 1 where a value counts, 0 in the padding.
fn counts(block: u32) -> vec4<bool> {
    return vec4u(4u * block) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.cols);
}

struct Place {
    row: u32,
    block: u32,
    index: u32,
    inside: bool,
}

fn place(group: vec3u, groups: vec3u, local: u32) -> Place {
    let i = (group.y * groups.x + group.x) * GROUP + local;
    let row = i / params.width;
    let block = i % params.width;
    let first = params.network[group.z].index * params.rows_apart;
    return Place(row, block, (first + row) * (params.width + 1u) + block, row < params.rows);
}

@compute @workgroup_size(GROUP)
fn train(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let at = place(group, groups, local);
    if !at.inside { return; }
    let result = activate(a[at.index]);
    let mask = dropout_mask(group.z, at.row, at.block);
    slope[at.index] = result.slope * mask;
    a[at.index] = select(vec4f(0.0), result.value * mask, counts(at.block));
}

@compute @workgroup_size(GROUP)
fn evaluate(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let at = place(group, groups, local);
    if !at.inside { return; }
    a[at.index] = select(vec4f(0.0), activate(a[at.index]).value, counts(at.block));
}

@compute @workgroup_size(GROUP)
fn backward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let at = place(group, groups, local);
    if !at.inside { return; }
    a[at.index] *= slope[at.index];
}
