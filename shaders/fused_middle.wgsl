// All layers of a small network but the first, for a few rows: forward, loss and backward in one launch.
//
// Formula:  forward   z_l = a · w_l of the layer below's a,  a_l = max(z_l, 0); the last layer's z are the logits
//           loss      loss_i, dz of the logits, and sums: as softmax_xent.train
//           backward  dz of the layer below = (dz_l · w_lᵀ) ⊙ [a > 0]
//           The first layer's a are there already; its dz is the last thing that is written.
// Shapes:   in blocks of 4 x 4, as matmul_small; w holds all layers' weights and z all their outputs and gradients, each
//           from where params.layer says. a_l, dz_l [rows, outs + 1], w_l [ins, outs]; order [rows]; sums [workgroups].
// Bindings: 0 params; 1 w, 2 order (read); 3 z (read and written), 4 sums (added to)
// Dispatch: a workgroup takes ROWS rows through all layers; params.first workgroups were launched before.
//           Networks are in z: that of index i has its rows from i * params.rows_apart on, its weights
//           from i * params.w_apart on, and its sums from i * params.sums_apart on.
// Numerics: f32. Up to SLICES invocations share the sum of a block of a product; each sums in ascending order, then
//           the slices are summed in ascending order. The loss as in softmax_xent, over 16 lanes a row.
// Twin:     reference::{dense, smoothed_cross_entropy, smoothed_cross_entropy_backward, hits, matmul}
//
// A step of a small network is mostly launches and waiting for them. Between these layers nobody but the workgroup needs
// what it has computed, so that barriers within it are enough.

struct Layer {
    ins: u32,
    outs: u32,
    w: u32,
    z: u32,
    dz: u32,
    tile: u32,
    unused0: u32,
    unused1: u32,
}

struct Network {
    index: u32,
    label_smoothing: f32,
    unused0: u32,
    unused1: u32,
}

struct Params {
    rows: u32,
    layers: u32,
    classes: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    sums_apart: u32,
    unused: u32,
    layer: array<Layer, LAYERS>,
    network: array<Network, NETWORKS>,
}

struct Sample {
    sample: u32,
    label: u32,
    weight: f32,
    unused: u32,
}

struct Sum {
    loss: f32,
    hits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> z: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> sums: array<Sum>;

const GROUP = 256u;
const LAYERS = 8u; // at most
const NETWORKS = 64u; // of a launch, at most
const ROWS = 2u; // of a workgroup
const TILE = 504u; // vec4s of a workgroup's outputs, of all layers
const SLICES = 16u; // of the inner dimension, at most
const LANES_OF_ROW = 16u; // that share the softmax of a row

// What each layer puts out, [ROWS, outs + 1] from layer.tile on; on the way back the gradient by it.
var<workgroup> a: array<vec4f, TILE>;
// The slices' sums: [slices, ROWS, wide].
var<workgroup> partial: array<vec4f, GROUP * ROWS>;
var<workgroup> results: array<Sum, ROWS>;

// The network that a workgroup is for, and the first of its weights.
var<private> own: Network;
var<private> own_w: u32;

// A piece of a layer's product: `wide` columns of blocks from `first` on, whose sums `slices` invocations share.
struct Piece {
    first: u32,
    wide: u32,
    slices: u32,
    col: u32,
    slice: u32,
}

fn piece(first: u32, cols: u32, inner: u32, index: u32) -> Piece {
    let wide = min(cols - first, GROUP);
    let slices = min(min(GROUP / wide, SLICES), inner);
    return Piece(first, wide, slices, first + index % wide, index / wide);
}

struct Rows {
    row0: vec4f,
    row1: vec4f,
}

// An invocation's slice of a · w_l.
fn product(layer: Layer, below: u32, part: Piece) -> Rows {
    var sum = Rows(vec4f(0.0), vec4f(0.0));
    for (var k = part.slice; k < layer.ins; k += part.slices) {
        let i = own_w + layer.w + k * 4u * layer.outs + part.col;
        let w0 = w[i];
        let w1 = w[i + layer.outs];
        let w2 = w[i + 2u * layer.outs];
        let w3 = w[i + 3u * layer.outs];
        let a0 = a[below + k];
        let a1 = a[below + layer.ins + k];
        sum.row0 += a0.x * w0;
        sum.row1 += a1.x * w0;
        sum.row0 += a0.y * w1;
        sum.row1 += a1.y * w1;
        sum.row0 += a0.z * w2;
        sum.row1 += a1.z * w2;
        sum.row0 += a0.w * w3;
        sum.row1 += a1.w * w3;
    }
    return sum;
}

// An invocation's slice of dz_l · w_lᵀ.
fn product_back(layer: Layer, part: Piece) -> Rows {
    var sum = Rows(vec4f(0.0), vec4f(0.0));
    for (var k = part.slice; k < layer.outs; k += part.slices) {
        let i = own_w + layer.w + part.col * 4u * layer.outs + k;
        let w_t = transpose(mat4x4f(w[i], w[i + layer.outs], w[i + 2u * layer.outs], w[i + 3u * layer.outs]));
        let dz0 = a[layer.tile + k];
        let dz1 = a[layer.tile + layer.outs + 1u + k];
        sum.row0 += dz0.x * w_t[0];
        sum.row1 += dz1.x * w_t[0];
        sum.row0 += dz0.y * w_t[1];
        sum.row1 += dz1.y * w_t[1];
        sum.row0 += dz0.z * w_t[2];
        sum.row1 += dz1.z * w_t[2];
        sum.row0 += dz0.w * w_t[3];
        sum.row1 += dz1.w * w_t[3];
    }
    return sum;
}

fn share(part: Piece, sum: Rows) {
    if part.slice >= part.slices { return; }
    let at = part.slice * ROWS * part.wide + part.col - part.first;
    partial[at] = sum.row0;
    partial[at + part.wide] = sum.row1;
}

// The sum over all slices of the `at`th block of [ROWS, wide].
fn add_up(part: Piece, at: u32) -> vec4f {
    var sum = vec4f(0.0);
    for (var slice = 0u; slice < part.slices; slice++) {
        sum += partial[slice * ROWS * part.wide + at];
    }
    return sum;
}

// Not max(), and no comparison that a compiler might make one of: a NaN has to stay a NaN, so that a run that diverges is
// noticed. Fast mathematics takes it that there are none, so the bits are asked.
fn below_zero(z: vec4f) -> vec4<bool> {
    let bits = bitcast<vec4u>(z);
    return (bits > vec4u(0x80000000u)) & (bits <= vec4u(0xff800000u));
}

fn forward(l: u32, first_row: u32, index: u32) {
    let layer = params.layer[l];
    let hidden = l + 1u < params.layers;
    let stride = layer.outs + 1u;
    // The constant that the next layer's bias meets.
    if index < ROWS { a[layer.tile + index * stride + layer.outs] = vec4f(1.0, 0.0, 0.0, 0.0); }
    for (var first = 0u; first < layer.outs; first += GROUP) {
        let part = piece(first, layer.outs, layer.ins, index);
        share(part, product(layer, params.layer[l - 1u].tile, part));
        workgroupBarrier(); // all slices are there before they are added up
        for (var at = index; at < ROWS * part.wide; at += GROUP) {
            let row = at / part.wide;
            let col = first + at % part.wide;
            var value = add_up(part, at);
            if hidden {
                value = select(value, vec4f(0.0), below_zero(value));
                z[layer.z + (first_row + row) * stride + col] = value;
            }
            a[layer.tile + row * stride + col] = value;
        }
        workgroupBarrier(); // the layer is there before it is read, and the slices before they are overwritten
    }
}

struct Best {
    max: f32,
    class_of: u32,
}

// The largest logit of a row, of the lanes' largest ones.
fn best_of(row: u32) -> Best {
    var best = Best(partial[row * LANES_OF_ROW].x, bitcast<u32>(partial[row * LANES_OF_ROW].y));
    for (var lane = 1u; lane < LANES_OF_ROW; lane++) {
        let other = partial[row * LANES_OF_ROW + lane];
        let class_of = bitcast<u32>(other.y);
        if other.x > best.max || (other.x == best.max && class_of < best.class_of) { best = Best(other.x, class_of); }
    }
    return best;
}

// Σ exp(z - max) of a row in x, and Σ (z - max) in y.
fn total_of(row: u32) -> vec2f {
    var sum = vec2f(0.0);
    for (var lane = 0u; lane < LANES_OF_ROW; lane++) {
        sum += partial[(ROWS + row) * LANES_OF_ROW + lane].xy;
    }
    return sum;
}

// Loss, hits and the gradient by the logits, which takes their place.
fn loss(first_row: u32, index: u32) {
    let layer = params.layer[params.layers - 1u];
    let stride = layer.outs + 1u;
    let lane = index % LANES_OF_ROW;
    let my_row = index / LANES_OF_ROW;
    let mine = layer.tile + my_row * stride;
    if my_row < ROWS {
        var best = Best(-3.4e38, params.classes);
        for (var col = lane; col < layer.outs; col += LANES_OF_ROW) {
            let logits = a[mine + col];
            for (var c = 0u; c < 4u; c++) {
                let class_of = col * 4u + c;
                if class_of < params.classes && logits[c] > best.max { best = Best(logits[c], class_of); }
            }
        }
        partial[index] = vec4f(best.max, bitcast<f32>(best.class_of), 0.0, 0.0);
    }
    workgroupBarrier(); // all lanes' largest are there before the row's is taken
    if my_row < ROWS {
        let max = best_of(my_row).max;
        var sum = vec2f(0.0);
        for (var col = lane; col < layer.outs; col += LANES_OF_ROW) {
            let shifted = a[mine + col] - max;
            let counts = vec4u(col * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.classes);
            let one = vec4f(1.0);
            sum += vec2f(dot(select(vec4f(0.0), exp(shifted), counts), one), dot(select(vec4f(0.0), shifted, counts), one));
        }
        partial[ROWS * LANES_OF_ROW + index] = vec4f(sum, 0.0, 0.0);
    }
    workgroupBarrier(); // all lanes' sums are there before the row's is taken
    if my_row < ROWS && lane == 0u {
        let sample = order[first_row + my_row];
        let best = best_of(my_row);
        let total = total_of(my_row);
        let expected = a[mine + sample.label / 4u][sample.label % 4u] - best.max;
        let even = total.y / f32(params.classes);
        let result = Sum(log(total.x) - mix(expected, even, own.label_smoothing), u32(best.class_of == sample.label));
        results[my_row] = result;
        if sample.weight == 0.0 { results[my_row] = Sum(0.0, 0u); }
    }
    workgroupBarrier(); // the loss is taken before gradients take the logits' place
    for (var at = index; at < ROWS * layer.outs; at += GROUP) {
        let row = at / layer.outs;
        let col = at % layer.outs;
        let sample = order[first_row + row];
        let p = exp(a[layer.tile + row * stride + col] - best_of(row).max) / total_of(row).x;
        let class_of = vec4u(col * 4u) + vec4u(0u, 1u, 2u, 3u);
        let right = select(vec4f(0.0), vec4f(1.0 - own.label_smoothing), class_of == vec4u(sample.label));
        let gradient = (p - right - own.label_smoothing / f32(params.classes)) * sample.weight;
        let counts = (class_of < vec4u(params.classes)) & vec4<bool>(sample.weight != 0.0);
        let dz = select(vec4f(0.0), gradient, counts);
        a[layer.tile + row * stride + col] = dz;
        z[layer.dz + (first_row + row) * stride + col] = dz;
    }
    workgroupBarrier(); // gradients are there before they are read, and the sums before they are overwritten
}

fn backward(l: u32, first_row: u32, index: u32) {
    let layer = params.layer[l];
    let below = params.layer[l - 1u];
    for (var first = 0u; first < below.outs; first += GROUP) {
        let part = piece(first, below.outs, layer.outs, index);
        share(part, product_back(layer, part));
        workgroupBarrier(); // all slices are there before they are added up
        for (var at = index; at < ROWS * part.wide; at += GROUP) {
            let row = at / part.wide;
            let col = first + at % part.wide;
            let i = below.tile + row * layer.ins + col;
            let gradient = select(vec4f(0.0), add_up(part, at), a[i] > vec4f(0.0));
            a[i] = gradient;
            z[below.dz + (first_row + row) * layer.ins + col] = gradient;
        }
        workgroupBarrier(); // the gradient is there before it is read, and the slices before they are overwritten
    }
}

@compute @workgroup_size(GROUP)
fn step(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    own = params.network[group.z];
    own_w = own.index * params.w_apart;
    let number = params.first + group.x;
    if number * ROWS >= params.rows { return; }
    let first_row = own.index * params.rows_apart + number * ROWS;
    let first = params.layer[0];
    for (var i = index; i < ROWS * (first.outs + 1u); i += GROUP) {
        a[first.tile + i] = z[first.z + first_row * (first.outs + 1u) + i];
    }
    workgroupBarrier(); // the first layer's output is there before it is read
    for (var l = 1u; l < params.layers; l++) { forward(l, first_row, index); }
    loss(first_row, index);
    for (var l = params.layers - 1u; l > 0u; l--) { backward(l, first_row, index); }
    if index == 0u {
        let sum = own.index * params.sums_apart + number;
        sums[sum].loss += results[0].loss + results[1].loss;
        sums[sum].hits += results[0].hits + results[1].hits;
    }
}
