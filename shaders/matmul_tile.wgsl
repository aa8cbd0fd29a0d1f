// Matrix products of one layer, for GPUs: workgroups share tiles of both operands.
//
// Formula:  forward   z  = x · w, then max(z, 0) where params.relu = 1    (the bias is w's last row, see Shapes)
//           backward  dx = (dz · wᵀ) ⊙ [x > 0]                            (x is what a ReLU below put out)
//           update    g  = xᵀ · dz + weight_decay · w
//                     v  = momentum · v + g,   w = w - lr · v             (v stays untouched if momentum = 0)
// Shapes:   in blocks of 4 x 4: x, dx [rows, ins], z, dz [rows, outs + 1], w, v [ins, outs]; row-major vec4.
//           The last column block of x is (1, 0, 0, 0) in every row and meets the bias in the last row block of w.
//           z and dx have such a block too, which nothing here writes. Padding is zero in w and in x's columns, and
//           rows of padding are zero in dz.
// Bindings: 0 params; 1 x, 2 w, 3 dz (read); 4 out: z, dx or w; 5 v. An entry point binds those it uses.
// Dispatch: a workgroup computes GROUP_ROWS x GROUP_COLS blocks of the output, rows in y and columns in x;
//           the output is z [rows, outs], dx [rows, ins - 1], w [ins, outs].
// Numerics: f32; sums run over the inner index in ascending order, four at a time.
// Twin:     reference::dense, reference::matmul, Activation::derivative, Sgd::step
//
// A workgroup of 8 x 8 invocations computes 32 x 32 values, 4 x 4 each. It walks along the inner dimension in tiles of
// 16: all invocations fetch one block each into workgroup memory, then each multiplies its row of blocks of a by its
// column of blocks of b. So every value is fetched from memory once per workgroup and used 32 times.

struct Params {
    rows: u32,
    ins: u32,
    outs: u32,
    relu: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
    unused: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> dz: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;

const GROUP_ROWS = 8u;
const GROUP_COLS = 8u;
const DEPTH = 4u; // blocks of the inner dimension in a tile

var<workgroup> tile_a: array<mat4x4f, 32>; // [GROUP_ROWS, DEPTH]
var<workgroup> tile_b: array<mat4x4f, 32>; // [GROUP_COLS, DEPTH]

// Multiplies the tiles: sum over the tile's depth of b * a.
fn multiply(at: vec2u) -> mat4x4f {
    var sum: mat4x4f;
    for (var k = 0u; k < DEPTH; k++) {
        sum += tile_b[at.x * DEPTH + k] * tile_a[at.y * DEPTH + k];
    }
    return sum;
}

// A block is a matrix whose columns are the block's rows, since WGSL's matrices are made of columns.
// So the product of blocks c += a · b is written `c += b * a`.

fn block_x(row: u32, col: u32) -> mat4x4f {
    let stride = params.ins;
    let i = row * 4u * stride + col;
    return mat4x4f(x[i], x[i + stride], x[i + 2u * stride], x[i + 3u * stride]);
}

fn block_w(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs;
    let i = row * 4u * stride + col;
    return mat4x4f(w[i], w[i + stride], w[i + 2u * stride], w[i + 3u * stride]);
}

fn block_dz(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs + 1u;
    let i = row * 4u * stride + col;
    return mat4x4f(dz[i], dz[i + stride], dz[i + 2u * stride], dz[i + 3u * stride]);
}

fn store_z(row: u32, col: u32, z: mat4x4f) {
    if row >= params.rows || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) {
        // Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
        let negative = (z[r] < vec4f(0.0)) & vec4<bool>(params.relu == 1u);
        out[(row * 4u + r) * (params.outs + 1u) + col] = select(z[r], vec4f(0.0), negative);
    }
}

fn store_dx(row: u32, col: u32, dx: mat4x4f) {
    if row >= params.rows || col >= params.ins - 1u { return; }
    for (var r = 0u; r < 4u; r++) {
        let i = (row * 4u + r) * params.ins + col;
        out[i] = select(vec4f(0.0), dx[r], x[i] > vec4f(0.0));
    }
}

fn store_w(row: u32, col: u32, gradient: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) {
        let i = (row * 4u + r) * params.outs + col;
        let old = out[i];
        var step = gradient[r] + params.weight_decay * old;
        if params.momentum != 0.0 {
            step += params.momentum * v[i];
            v[i] = step;
        }
        out[i] = old - params.lr * step;
    }
}

@compute @workgroup_size(8, 8)
fn forward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = vec2u(group.x * GROUP_COLS, group.y * GROUP_ROWS);
    var sum: mat4x4f;
    for (var start = 0u; start < params.ins; start += DEPTH) {
        // The first 32 invocations fetch a's blocks, the others b's; blocks beyond the edge are zero.
        let k = start + index % DEPTH;
        let row = first.y + index / DEPTH;
        let col = first.x + index / DEPTH - GROUP_COLS;
        if index < GROUP_ROWS * DEPTH {
            tile_a[index] = mat4x4f();
            if k < params.ins && row < params.rows { tile_a[index] = block_x(row, k); }
        } else {
            tile_b[index - GROUP_ROWS * DEPTH] = mat4x4f();
            if k < params.ins && col < params.outs { tile_b[index - GROUP_ROWS * DEPTH] = block_w(k, col); }
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        sum += multiply(at.xy);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_z(first.y + at.y, first.x + at.x, sum);
}

@compute @workgroup_size(8, 8)
fn backward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = vec2u(group.x * GROUP_COLS, group.y * GROUP_ROWS);
    var sum: mat4x4f;
    for (var start = 0u; start < params.outs; start += DEPTH) {
        // The first 32 invocations fetch a's blocks, the others b's; blocks beyond the edge are zero.
        let k = start + index % DEPTH;
        let row = first.y + index / DEPTH;
        let col = first.x + index / DEPTH - GROUP_COLS;
        if index < GROUP_ROWS * DEPTH {
            tile_a[index] = mat4x4f();
            if k < params.outs && row < params.rows { tile_a[index] = block_dz(row, k); }
        } else {
            tile_b[index - GROUP_ROWS * DEPTH] = mat4x4f();
            if k < params.outs && col < params.ins - 1u { tile_b[index - GROUP_ROWS * DEPTH] = transpose(block_w(col, k)); }
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        sum += multiply(at.xy);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_dx(first.y + at.y, first.x + at.x, sum);
}

@compute @workgroup_size(8, 8)
fn update(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = vec2u(group.x * GROUP_COLS, group.y * GROUP_ROWS);
    var sum: mat4x4f;
    for (var start = 0u; start < params.rows; start += DEPTH) {
        // The first 32 invocations fetch a's blocks, the others b's; blocks beyond the edge are zero.
        let k = start + index % DEPTH;
        let row = first.y + index / DEPTH;
        let col = first.x + index / DEPTH - GROUP_COLS;
        if index < GROUP_ROWS * DEPTH {
            tile_a[index] = mat4x4f();
            if k < params.rows && row < params.ins { tile_a[index] = transpose(block_x(k, row)); }
        } else {
            tile_b[index - GROUP_ROWS * DEPTH] = mat4x4f();
            if k < params.rows && col < params.outs { tile_b[index - GROUP_ROWS * DEPTH] = block_dz(k, col); }
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        sum += multiply(at.xy);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_w(first.y + at.y, first.x + at.x, sum);
}
