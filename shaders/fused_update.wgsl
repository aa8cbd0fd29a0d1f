// The weights' step of all layers of a small network, in one launch.
//
// Formula:  of each layer  g = xᵀ · dz + weight_decay · w
//                          v = momentum · v + g,   w = w - lr · v       (v stays untouched if momentum = 0)
//           With params.fused = 0 the gradients alone: out = xᵀ · dz.
//           x of the first layer is x, or with update_bytes a byte b for the value b / 255; of the others what lies in z.
// Shapes:   in blocks of 4 x 4, as matmul_small; z holds all layers' outputs and gradients, out and v all layers'
//           weights, each from where params.layer says. x [rows, stride], dz [rows, outs + 1], out, v [ins, outs].
// Bindings: 0 params; 1 x or bytes, 2 z (read); 3 out, 4 v (read and written)
// Dispatch: a workgroup computes a tile of TILE x TILE blocks of one layer's weights; layer.first is its first workgroup.
//           params.first workgroups were launched before.
//           Networks are in z: that of index i has its rows of blocks from i * params.rows_apart on, and its weights from
//           i * params.w_apart on.
// Numerics: f32; each of SLICES slices sums over its rows in ascending order; then the slices are summed in that order.
// Twin:     reference::matmul, reference::Optimizer

struct Layer {
    first: u32,
    ins: u32,
    outs: u32,
    stride: u32,
    x: u32,
    dz: u32,
    w: u32,
    unused: u32,
}

struct Network {
    index: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
}

struct Params {
    rows: u32,
    layers: u32,
    fused: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    unused0: u32,
    unused1: u32,
    layer: array<Layer, LAYERS>,
    network: array<Network, NETWORKS>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read> z: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;

const LAYERS = 8u; // at most
const NETWORKS = 64u; // of a launch, at most
const TILE = 8u; // blocks on a side
const SLICES = 4u;
const GROUP = TILE * TILE * SLICES;

// The slices' sums: [SLICES, 4 * TILE rows, TILE].
var<workgroup> partial: array<vec4f, 4 * GROUP>;

// The network that a workgroup is for; the first of its rows, in blocks, and of its weights.
var<private> own: Network;
var<private> own_row: u32;
var<private> own_w: u32;

fn begin(number: u32) {
    own = params.network[number];
    own_row = own.index * params.rows_apart;
    own_w = own.index * params.w_apart;
}

// A tile of a layer's weights, and a block of it.
struct Place {
    layer: u32,
    tile_row: u32,
    tile_col: u32,
    row: u32,
    col: u32,
    slice: u32,
}

fn place(group: u32, index: u32) -> Place {
    var l = 0u;
    for (var other = 1u; other < params.layers; other++) {
        if group >= params.layer[other].first { l = other; }
    }
    let across = (params.layer[l].outs + TILE - 1u) / TILE;
    let tile = group - params.layer[l].first;
    let tile_row = tile / across * TILE;
    let tile_col = tile % across * TILE;
    let block = index % (TILE * TILE);
    return Place(l, tile_row, tile_col, tile_row + block / TILE, tile_col + block % TILE, index / (TILE * TILE));
}

// The rows of a block of xᵀ · dz.
struct Sum {
    row0: vec4f,
    row1: vec4f,
    row2: vec4f,
    row3: vec4f,
}

fn add_row(sum: ptr<function, Sum>, x: vec4f, dz: vec4f) {
    (*sum).row0 += x.x * dz;
    (*sum).row1 += x.y * dz;
    (*sum).row2 += x.z * dz;
    (*sum).row3 += x.w * dz;
}

// Every slice's sum of a block becomes the workgroup's.
fn share(at: Place, sum: Sum) {
    let i = (at.slice * 4u * TILE + (at.row - at.tile_row) * 4u) * TILE + at.col - at.tile_col;
    partial[i] = sum.row0;
    partial[i + TILE] = sum.row1;
    partial[i + 2u * TILE] = sum.row2;
    partial[i + 3u * TILE] = sum.row3;
}

// An invocation's part of what is stored: a row of a block, rows counted one by one, columns in blocks.
fn store(at: Place, index: u32) {
    let layer = params.layer[at.layer];
    let row = at.tile_row * 4u + index / TILE;
    let col = at.tile_col + index % TILE;
    if row >= layer.ins * 4u || col >= layer.outs { return; }
    let slice = 4u * TILE * TILE;
    let gradient = ((partial[index] + partial[index + slice]) + partial[index + 2u * slice]) + partial[index + 3u * slice];
    let i = own_w + layer.w + row * layer.outs + col;
    if params.fused == 0u {
        out[i] = gradient;
        return;
    }
    let old = out[i];
    var step = gradient + own.weight_decay * old;
    if own.momentum != 0.0 {
        step += own.momentum * v[i];
        v[i] = step;
    }
    out[i] = old - own.lr * step;
}

// An invocation's slice of a layer whose input lies in z.
fn sum_inner(at: Place) -> Sum {
    var sum = Sum(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
    let layer = params.layer[at.layer];
    if at.row >= layer.ins || at.col >= layer.outs { return sum; }
    for (var k = at.slice; k < params.rows; k += SLICES) {
        let i = layer.x + (own_row + k) * 4u * layer.stride + at.row;
        let j = layer.dz + (own_row + k) * 4u * (layer.outs + 1u) + at.col;
        add_row(&sum, z[i], z[j]);
        add_row(&sum, z[i + layer.stride], z[j + layer.outs + 1u]);
        add_row(&sum, z[i + 2u * layer.stride], z[j + 2u * (layer.outs + 1u)]);
        add_row(&sum, z[i + 3u * layer.stride], z[j + 3u * (layer.outs + 1u)]);
    }
    return sum;
}

fn sum_first(at: Place) -> Sum {
    var sum = Sum(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
    let layer = params.layer[0];
    if at.row >= layer.ins || at.col >= layer.outs { return sum; }
    for (var k = at.slice; k < params.rows; k += SLICES) {
        let i = (own_row + k) * 4u * layer.stride + at.row;
        let j = layer.dz + (own_row + k) * 4u * (layer.outs + 1u) + at.col;
        add_row(&sum, x[i], z[j]);
        add_row(&sum, x[i + layer.stride], z[j + layer.outs + 1u]);
        add_row(&sum, x[i + 2u * layer.stride], z[j + 2u * (layer.outs + 1u)]);
        add_row(&sum, x[i + 3u * layer.stride], z[j + 3u * (layer.outs + 1u)]);
    }
    return sum;
}

fn sum_first_bytes(at: Place) -> Sum {
    var sum = Sum(vec4f(0.0), vec4f(0.0), vec4f(0.0), vec4f(0.0));
    let layer = params.layer[0];
    if at.row >= layer.ins || at.col >= layer.outs { return sum; }
    for (var k = at.slice; k < params.rows; k += SLICES) {
        let i = (own_row + k) * 4u * layer.stride + at.row;
        let j = layer.dz + (own_row + k) * 4u * (layer.outs + 1u) + at.col;
        add_row(&sum, unpack4x8unorm(bytes[i]), z[j]);
        add_row(&sum, unpack4x8unorm(bytes[i + layer.stride]), z[j + layer.outs + 1u]);
        add_row(&sum, unpack4x8unorm(bytes[i + 2u * layer.stride]), z[j + 2u * (layer.outs + 1u)]);
        add_row(&sum, unpack4x8unorm(bytes[i + 3u * layer.stride]), z[j + 3u * (layer.outs + 1u)]);
    }
    return sum;
}

@compute @workgroup_size(GROUP)
fn update(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    begin(group.z);
    let at = place(params.first + group.x, index);
    if at.layer == 0u { share(at, sum_first(at)); } else { share(at, sum_inner(at)); }
    workgroupBarrier(); // all slices are there before they are added up
    store(at, index);
}

@compute @workgroup_size(GROUP)
fn update_bytes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    begin(group.z);
    let at = place(params.first + group.x, index);
    if at.layer == 0u { share(at, sum_first_bytes(at)); } else { share(at, sum_inner(at)); }
    workgroupBarrier(); // all slices are there before they are added up
    store(at, index);
}
