// Whole training steps of a network that one workgroup can take through by itself, many in one launch.
//
// Formula:  forward   z_l = a_l · w_l,  a of the next layer = max(z_l, 0); the last layer's z are the logits
//           loss      loss_i, dz of the logits, and sums: as softmax_xent.train
//           backward  dz of the layer below = (dz_l · w_lᵀ) ⊙ [a_l > 0]
//           update    g = Σ of a_lᵀ · dz_l over the batch, and w_l, m_l, v_l from it: as optimizer.advance
//           a of the first layer is x; with params.bytes = 1 a byte b stands for b / 255.
// Shapes:   in blocks of 4 x 4. x [slots · slot_rows, stride], as vec4f or as bytes, four in a word; order [slots · slot_rows];
//           state has w, and at params.m, v and g vec4s from it what else there is of each weight; sums [networks, GROUP].
//           A step takes `rows` rows of a slot, the last one last_rows, in pieces of at most params.piece rows.
// Bindings: 0 params, among them the numbers of each step; 1 x, 2 order (read); 3 state (read and written), 4 sums (added to)
// Dispatch: one workgroup for a network. Its steps follow one another, with no launch in between.
//           Networks are in z: that of index i has its rows of a slot from i * params.rows_apart on, what state has of it from
//           i * params.w_apart on, and its sums from i * GROUP on; its step s is params.step[s * params.networks + z].
// Numerics: f32. Every sum of a product is one invocation's, in ascending order; pieces are added up in their order.
//           The loss as in softmax_xent, of each row by one invocation.
// Twin:     reference::{dense, smoothed_cross_entropy, smoothed_cross_entropy_backward, hits, matmul, Optimizer}
//
// A step of so small a network is all launches and waiting. Here activations and their gradients stay in the workgroup's
// memory, and only weights go from step to step through memory that others see.

struct Layer {
    ins: u32, // blocks, with that of the constant
    outs: u32,
    w: u32,
    a: u32,
    dz: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
}

struct Network {
    index: u32,
    label_smoothing: f32,
    unused0: u32,
    unused1: u32,
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

struct Params {
    steps: u32,
    rows: u32,
    last_rows: u32,
    slot_rows: u32,
    piece: u32,
    stride: u32,
    bytes: u32,
    layers: u32,
    classes: u32,
    networks: u32,
    m: u32,
    v: u32,
    g: u32,
    rows_apart: u32,
    w_apart: u32,
    unused: u32,
    layer: array<Layer, LAYERS>,
    network: array<Network, NETWORKS>,
    step: array<Step, STEPS>,
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
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> sums: array<Sum>;

const GROUP = 64u;
const LAYERS = 8u; // at most
const STEPS = 64u; // of a launch, at most, those of all networks together
const NETWORKS = 64u; // of a launch, at most
const TILE = 1024u; // vec4s of a workgroup's memory

// Of a piece, what enters each layer, [piece, ins] from layer.a on, and the gradient by what it puts out, [piece, outs] from
// layer.dz on. The last layer puts its logits where their gradient is going to be.
var<workgroup> tile: array<vec4f, TILE>;

// The network that a workgroup is for, its place in the launch, and the first of its weights.
var<private> own: Network;
var<private> own_number: u32;
var<private> own_w: u32;

// The rows of a block.
struct Block {
    row0: vec4f,
    row1: vec4f,
    row2: vec4f,
    row3: vec4f,
}

// The constant that a layer's bias meets: nothing else is ever written there. That of x comes with it.
fn constants(index: u32) {
    for (var l = 1u; l < params.layers; l++) {
        let layer = params.layer[l];
        for (var row = index; row < params.piece; row += GROUP) {
            tile[layer.a + row * layer.ins + layer.ins - 1u] = vec4f(1.0, 0.0, 0.0, 0.0);
        }
    }
}

// So many rows of x, from a first one on.
fn fetch(first: u32, rows: u32, index: u32) {
    let layer = params.layer[0];
    for (var i = index; i < rows * layer.ins; i += GROUP) {
        let at = (first + i / layer.ins) * params.stride + i % layer.ins;
        if params.bytes == 1u {
            tile[layer.a + i] = unpack4x8unorm(x[at]);
        } else {
            tile[layer.a + i] = bitcast<vec4f>(vec4u(x[4u * at], x[4u * at + 1u], x[4u * at + 2u], x[4u * at + 3u]));
        }
    }
}

fn row_of_product(a: vec4f, w: Block) -> vec4f {
    return ((a.x * w.row0 + a.y * w.row1) + a.z * w.row2) + a.w * w.row3;
}

fn block_of(at: u32, stride: u32) -> Block {
    return Block(state[at], state[at + stride], state[at + 2u * stride], state[at + 3u * stride]);
}

fn transposed(w: Block) -> Block {
    let t = transpose(mat4x4f(w.row0, w.row1, w.row2, w.row3));
    return Block(t[0], t[1], t[2], t[3]);
}

// Not max(), and no comparison that a compiler might make one of: a NaN has to stay a NaN, so that a run that diverges is
// noticed. Fast mathematics takes it that there are none, so the bits are asked.
fn relu(z: vec4f) -> vec4f {
    let bits = bitcast<vec4u>(z);
    return select(z, vec4f(0.0), (bits > vec4u(0x80000000u)) & (bits <= vec4u(0xff800000u)));
}

fn forward(l: u32, rows: u32, index: u32) {
    let layer = params.layer[l];
    let ins = layer.ins;
    for (var i = index; i < rows / 4u * layer.outs; i += GROUP) {
        let row = i / layer.outs * 4u;
        let col = i % layer.outs;
        var sum = Block(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
        for (var k = 0u; k < ins; k++) {
            let w = block_of(own_w + layer.w + k * 4u * layer.outs + col, layer.outs);
            let a = layer.a + row * ins + k;
            sum.row0 += row_of_product(tile[a], w);
            sum.row1 += row_of_product(tile[a + ins], w);
            sum.row2 += row_of_product(tile[a + 2u * ins], w);
            sum.row3 += row_of_product(tile[a + 3u * ins], w);
        }
        if l + 1u < params.layers {
            let stride = layer.outs + 1u;
            let z = params.layer[l + 1u].a + row * stride + col;
            tile[z] = relu(sum.row0);
            tile[z + stride] = relu(sum.row1);
            tile[z + 2u * stride] = relu(sum.row2);
            tile[z + 3u * stride] = relu(sum.row3);
        } else {
            let z = layer.dz + row * layer.outs + col;
            tile[z] = sum.row0;
            tile[z + layer.outs] = sum.row1;
            tile[z + 2u * layer.outs] = sum.row2;
            tile[z + 3u * layer.outs] = sum.row3;
        }
    }
}

// Loss and hits of rows, whose samples are in the order from `first` on. The gradient by the logits takes their place.
fn loss(first: u32, rows: u32, index: u32) -> Sum {
    let layer = params.layer[params.layers - 1u];
    var result = Sum(0.0, 0u);
    for (var row = index; row < rows; row += GROUP) {
        let sample = order[first + row];
        let logits = layer.dz + row * layer.outs;
        var best = 0u;
        var max = tile[logits].x;
        for (var j = 1u; j < params.classes; j++) {
            let logit = tile[logits + j / 4u][j % 4u];
            if logit > max {
                best = j;
                max = logit;
            }
        }
        // Σ exp(z - max), and Σ (z - max).
        var total = vec2f(0.0);
        for (var col = 0u; col < layer.outs; col++) {
            let shifted = tile[logits + col] - max;
            let counts = vec4u(col * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.classes);
            let one = vec4f(1.0);
            total += vec2f(dot(select(vec4f(0.0), exp(shifted), counts), one), dot(select(vec4f(0.0), shifted, counts), one));
        }
        if sample.weight != 0.0 {
            let expected = tile[logits + sample.label / 4u][sample.label % 4u] - max;
            let even = total.y / f32(params.classes);
            result.loss += log(total.x) - mix(expected, even, own.label_smoothing);
            result.hits += u32(best == sample.label);
        }
        for (var col = 0u; col < layer.outs; col++) {
            let class_of = vec4u(col * 4u) + vec4u(0u, 1u, 2u, 3u);
            let p = exp(tile[logits + col] - max) / total.x;
            let right = select(vec4f(0.0), vec4f(1.0 - own.label_smoothing), class_of == vec4u(sample.label));
            let gradient = (p - right - own.label_smoothing / f32(params.classes)) * sample.weight;
            let counts = (class_of < vec4u(params.classes)) & vec4<bool>(sample.weight != 0.0);
            tile[logits + col] = select(vec4f(0.0), gradient, counts);
        }
    }
    return result;
}

fn masked(gradient: vec4f, a: vec4f) -> vec4f {
    return select(vec4f(0.0), gradient, a > vec4f(0.0));
}

fn backward(l: u32, rows: u32, index: u32) {
    let layer = params.layer[l];
    let below = params.layer[l - 1u];
    let outs = layer.outs;
    for (var i = index; i < rows / 4u * below.outs; i += GROUP) {
        let row = i / below.outs * 4u;
        let col = i % below.outs;
        var sum = Block(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
        for (var k = 0u; k < outs; k++) {
            let w = transposed(block_of(own_w + layer.w + col * 4u * outs + k, outs));
            let dz = layer.dz + row * outs + k;
            sum.row0 += row_of_product(tile[dz], w);
            sum.row1 += row_of_product(tile[dz + outs], w);
            sum.row2 += row_of_product(tile[dz + 2u * outs], w);
            sum.row3 += row_of_product(tile[dz + 3u * outs], w);
        }
        let a = layer.a + row * layer.ins + col;
        let dz = below.dz + row * below.outs + col;
        tile[dz] = masked(sum.row0, tile[a]);
        tile[dz + below.outs] = masked(sum.row1, tile[a + layer.ins]);
        tile[dz + 2u * below.outs] = masked(sum.row2, tile[a + 2u * layer.ins]);
        tile[dz + 3u * below.outs] = masked(sum.row3, tile[a + 3u * layer.ins]);
    }
}

// A weight's step along its gradient.
fn advance(i: u32, gradient: vec4f, s: u32) {
    let step = params.step[s * params.networks + own_number];
    let old = step.keep * state[i];
    var along = gradient + step.weight_decay * old;
    if step.rule == 2u {
        let mean = step.beta1 * state[params.m + i] + step.rest1 * along;
        let square = step.beta2 * state[params.v + i] + step.rest2 * along * along;
        state[params.m + i] = mean;
        state[params.v + i] = square;
        along = mean / (step.scale * sqrt(square) + step.epsilon);
    } else if step.beta1 != 0.0 {
        let velocity = step.beta1 * state[params.m + i] + along;
        state[params.m + i] = velocity;
        along = select(velocity, along + step.beta1 * velocity, step.rule == 1u);
    }
    state[i] = old - step.lr * along;
}

// A piece of a batch.
struct Piece {
    step: u32,
    rows: u32,
    is_first: bool,
    is_last: bool,
}

// A piece's gradient of a row of a block joins that of the pieces before; the last piece makes the step.
fn gather(i: u32, of_piece: vec4f, piece: Piece) {
    var gradient = of_piece;
    if !piece.is_first { gradient += state[params.g + i]; }
    if piece.is_last {
        advance(i, gradient, piece.step);
    } else {
        state[params.g + i] = gradient;
    }
}

fn update(l: u32, piece: Piece, index: u32) {
    let layer = params.layer[l];
    for (var i = index; i < layer.ins * layer.outs; i += GROUP) {
        let row = i / layer.outs;
        let col = i % layer.outs;
        var sum = Block(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
        for (var k = 0u; k < piece.rows; k++) {
            let a = tile[layer.a + k * layer.ins + row];
            let dz = tile[layer.dz + k * layer.outs + col];
            sum.row0 += a.x * dz;
            sum.row1 += a.y * dz;
            sum.row2 += a.z * dz;
            sum.row3 += a.w * dz;
        }
        let w = own_w + layer.w + row * 4u * layer.outs + col;
        gather(w, sum.row0, piece);
        gather(w + layer.outs, sum.row1, piece);
        gather(w + 2u * layer.outs, sum.row2, piece);
        gather(w + 3u * layer.outs, sum.row3, piece);
    }
}

@compute @workgroup_size(GROUP)
fn steps(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    own = params.network[group.z];
    own_number = group.z;
    own_w = own.index * params.w_apart;
    let own_sum = own.index * GROUP + index;
    var sum = sums[own_sum];
    constants(index);
    for (var s = 0u; s < params.steps; s++) {
        let rows = select(params.rows, params.last_rows, s + 1u == params.steps);
        for (var first = 0u; first < rows; first += params.piece) {
            let piece = Piece(s, min(params.piece, rows - first), first == 0u, first + params.piece >= rows);
            let at = s * params.slot_rows + own.index * params.rows_apart + first;
            fetch(at, piece.rows, index);
            workgroupBarrier(); // a layer's input is there before it is read
            for (var l = 0u; l < params.layers; l++) {
                forward(l, piece.rows, index);
                workgroupBarrier();
            }
            let of_piece = loss(at, piece.rows, index);
            sum.loss += of_piece.loss;
            sum.hits += of_piece.hits;
            workgroupBarrier(); // a layer's gradient is there before it is read
            for (var l = params.layers - 1u; l > 0u; l--) {
                backward(l, piece.rows, index);
                workgroupBarrier();
            }
            for (var l = 0u; l < params.layers; l++) { update(l, piece, index); }
            workgroupBarrier(); // the piece was read before the next one takes its place
        }
        storageBarrier(); // the weights are there before the next step reads them
    }
    sums[own_sum] = sum;
}
