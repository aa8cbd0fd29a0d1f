// Matrix products of one layer, for GPUs: small ones, whose inner dimension is cut into slices.
//
// Formula:  forward   z  = x · w, then max(z, 0) where params.fused = 1   (the bias is w's last row, see Shapes)
//           backward  dx = (dz · wᵀ) ⊙ [x > 0]                            (x is what a ReLU below put out)
//           update    g  = xᵀ · dz + weight_decay · w
//                     v  = momentum · v + g,   w = w - lr · v             (v stays untouched if momentum = 0)
//           With params.fused = 0 they are the products alone: z = x · w, dx = dz · wᵀ, out = xᵀ · dz.
//           forward_bytes and update_bytes take x as bytes: a byte b is the value b / 255.
// Shapes:   in blocks of 4 x 4: x, dx [rows, ins], z, dz [rows, outs + 1], w, v [ins, outs]; row-major vec4, and bytes
//           one u32 for a vec4, the first value in the low bits, params.stride words to a row.
//           The last column block of x is (1, 0, 0, 0) in every row and meets the bias in the last row block of w.
//           z and dx have such a block too, which nothing here writes. Padding is zero in w and in x's columns, and
//           rows of padding are zero in dz.
// Bindings: 0 params; 1 x or bytes, 2 w, 3 dz (read); 4 out: z, dx or w; 5 v. An entry point binds those it uses.
// Dispatch: a workgroup computes a tile of TILE_ROWS x TILE_COLS blocks of the output, rows in y, columns in x;
//           the output is z [rows, outs], dx [rows, ins - 1], w [ins, outs]. params.first
//           rows of workgroups were launched before.
//           Networks are in z: that of index i has its rows of blocks from i * params.rows_apart on, in x, z, dz and dx, and its
//           vec4s of weights from i * params.w_apart on, in w and v.
// Numerics: f32; each slice sums in ascending order, four at a time; then the slices are summed in ascending order.
// Twin:     reference::dense, reference::matmul, Activation::derivative, reference::Optimizer
//
// A small product has too few values to occupy a GPU with one invocation each. So a workgroup computes no more than
// 8 x 16 values, and 16 invocations share the sums of a 4 x 4 block: each takes every 16th block of the inner
// dimension. One barrier, then their sums are added. Operands come through the caches; each is used four times.

struct Network {
    index: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
}

struct Params {
    rows: u32,
    ins: u32,
    outs: u32,
    stride: u32,
    fused: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    network: array<Network, NETWORKS>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> dz: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;

const NETWORKS = 64u; // of a launch, at most

// The network that a workgroup is for; the first of its rows, in blocks, and of its weights.
var<private> own: Network;
var<private> own_row: u32;
var<private> own_w: u32;

fn begin(number: u32) {
    own = params.network[number];
    own_row = own.index * params.rows_apart;
    own_w = own.index * params.w_apart;
}

const TILES = 1u; // in a workgroup
const TILE_ROWS = 2u;
const TILE_COLS = 4u;
const SLICES = 16u;
const GROUP = TILE_ROWS * TILE_COLS * SLICES;

// A row of a block each: [SLICES, 4 * TILE_ROWS rows, TILE_COLS].
var<workgroup> partial: array<vec4f, 4 * GROUP>;

// A block is a matrix whose columns are the block's rows, since WGSL's matrices are made of columns.

fn block_x(row: u32, col: u32) -> mat4x4f {
    let stride = params.ins;
    let i = (own_row + row) * 4u * stride + col;
    return mat4x4f(x[i], x[i + stride], x[i + 2u * stride], x[i + 3u * stride]);
}

fn block_bytes(row: u32, col: u32) -> mat4x4f {
    let stride = params.stride;
    let i = (own_row + row) * 4u * stride + col;
    return mat4x4f(
        unpack4x8unorm(bytes[i]),
        unpack4x8unorm(bytes[i + stride]),
        unpack4x8unorm(bytes[i + 2u * stride]),
        unpack4x8unorm(bytes[i + 3u * stride]),
    );
}

fn block_w(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs;
    let i = own_w + row * 4u * stride + col;
    return mat4x4f(w[i], w[i + stride], w[i + 2u * stride], w[i + 3u * stride]);
}

fn block_dz(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs + 1u;
    let i = (own_row + row) * 4u * stride + col;
    return mat4x4f(dz[i], dz[i + stride], dz[i + 2u * stride], dz[i + 3u * stride]);
}

// A row of a, and the rows of b: each product is added as it is made. Some compilers make a product of matrices first, and
// then a sum.
fn add_row(sum: vec4f, a: vec4f, b: mat4x4f) -> vec4f {
    var s = sum;
    s += a.x * b[0];
    s += a.y * b[1];
    s += a.z * b[2];
    s += a.w * b[3];
    return s;
}

// sum + a · b
fn add(sum: mat4x4f, a: mat4x4f, b: mat4x4f) -> mat4x4f {
    return mat4x4f(
        add_row(sum[0], a[0], b),
        add_row(sum[1], a[1], b),
        add_row(sum[2], a[2], b),
        add_row(sum[3], a[3], b),
    );
}

// What an invocation computes: a block of the output, over one slice of the inner dimension.
struct Place {
    row: u32,
    col: u32,
    slice: u32,
}

fn place(group: vec3u, index: u32) -> Place {
    let first = group.yx * vec2u(TILE_ROWS, TILE_COLS);
    let row = index / TILE_COLS % TILE_ROWS;
    return Place(first.x + row, first.y + index % TILE_COLS, index / (TILE_ROWS * TILE_COLS));
}

// Every slice's sum of a block becomes the workgroup's.
fn share(index: u32, sum: mat4x4f) {
    let slice = index / (TILE_ROWS * TILE_COLS);
    let row = index / TILE_COLS % TILE_ROWS;
    for (var r = 0u; r < 4u; r++) {
        partial[(slice * 4u * TILE_ROWS + row * 4u + r) * TILE_COLS + index % TILE_COLS] = sum[r];
    }
}

// The sum over all slices of the `index`th row of a block.
fn add_up(index: u32) -> vec4f {
    var sum: vec4f;
    for (var slice = 0u; slice < SLICES; slice++) {
        sum += partial[slice * 4u * TILE_ROWS * TILE_COLS + index];
    }
    return sum;
}

// What is stored is a row of a block: rows are counted one by one, columns in blocks.

// Not max(), and no comparison that a compiler might make one of: a NaN has to stay a NaN, so that a run that diverges is
// noticed. Fast mathematics takes it that there are none, so the bits are asked.
fn below_zero(z: vec4f) -> vec4<bool> {
    let bits = bitcast<vec4u>(z);
    return (bits > vec4u(0x80000000u)) & (bits <= vec4u(0xff800000u));
}

fn store_z(row: u32, col: u32, z: vec4f) {
    if row >= params.rows * 4u || col >= params.outs { return; }
    let negative = below_zero(z) & vec4<bool>(params.fused == 1u);
    out[(own_row * 4u + row) * (params.outs + 1u) + col] = select(z, vec4f(0.0), negative);
}

fn store_dx(row: u32, col: u32, dx: vec4f) {
    if row >= params.rows * 4u || col >= params.ins - 1u { return; }
    let i = (own_row * 4u + row) * params.ins + col;
    let passes = (x[i] > vec4f(0.0)) | vec4<bool>(params.fused == 0u);
    out[i] = select(vec4f(0.0), dx, passes);
}

fn store_w(row: u32, col: u32, gradient: vec4f) {
    if row >= params.ins * 4u || col >= params.outs { return; }
    let i = own_w + row * params.outs + col;
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

@compute @workgroup_size(GROUP)
fn forward(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = place(group, index);
    var sum: mat4x4f;
    if at.row < params.rows && at.col < params.outs {
        for (var k = at.slice; k < params.ins; k += SLICES) {
            sum = add(sum, block_x(at.row, k), block_w(k, at.col));
        }
    }
    share(index, sum);
    workgroupBarrier(); // all slices are there before they are added up
    if index < 4u * TILE_ROWS * TILE_COLS {
        let row = group.y * 4u * TILE_ROWS + index / TILE_COLS;
        store_z(row, group.x * TILE_COLS + index % TILE_COLS, add_up(index));
    }
}

@compute @workgroup_size(GROUP)
fn forward_bytes(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = place(group, index);
    var sum: mat4x4f;
    if at.row < params.rows && at.col < params.outs {
        for (var k = at.slice; k < params.ins; k += SLICES) {
            sum = add(sum, block_bytes(at.row, k), block_w(k, at.col));
        }
    }
    share(index, sum);
    workgroupBarrier(); // all slices are there before they are added up
    if index < 4u * TILE_ROWS * TILE_COLS {
        let row = group.y * 4u * TILE_ROWS + index / TILE_COLS;
        store_z(row, group.x * TILE_COLS + index % TILE_COLS, add_up(index));
    }
}

@compute @workgroup_size(GROUP)
fn backward(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = place(group, index);
    var sum: mat4x4f;
    if at.row < params.rows && at.col < params.ins - 1u {
        for (var k = at.slice; k < params.outs; k += SLICES) {
            sum = add(sum, block_dz(at.row, k), transpose(block_w(at.col, k)));
        }
    }
    share(index, sum);
    workgroupBarrier(); // all slices are there before they are added up
    if index < 4u * TILE_ROWS * TILE_COLS {
        let row = group.y * 4u * TILE_ROWS + index / TILE_COLS;
        store_dx(row, group.x * TILE_COLS + index % TILE_COLS, add_up(index));
    }
}

@compute @workgroup_size(GROUP)
fn update(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = place(group, index);
    var sum: mat4x4f;
    if at.row < params.ins && at.col < params.outs {
        for (var k = at.slice; k < params.rows; k += SLICES) {
            sum = add(sum, transpose(block_x(k, at.row)), block_dz(k, at.col));
        }
    }
    share(index, sum);
    workgroupBarrier(); // all slices are there before they are added up
    if index < 4u * TILE_ROWS * TILE_COLS {
        let row = group.y * 4u * TILE_ROWS + index / TILE_COLS;
        store_w(row, group.x * TILE_COLS + index % TILE_COLS, add_up(index));
    }
}

@compute @workgroup_size(GROUP)
fn update_bytes(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = place(group, index);
    var sum: mat4x4f;
    if at.row < params.ins && at.col < params.outs {
        for (var k = at.slice; k < params.rows; k += SLICES) {
            sum = add(sum, transpose(block_bytes(k, at.row)), block_dz(k, at.col));
        }
    }
    share(index, sum);
    workgroupBarrier(); // all slices are there before they are added up
    if index < 4u * TILE_ROWS * TILE_COLS {
        let row = group.y * 4u * TILE_ROWS + index / TILE_COLS;
        store_w(row, group.x * TILE_COLS + index % TILE_COLS, add_up(index));
    }
}
