// Matrix products of one layer, for GPUs: large ones, with tiles in workgroup memory and in registers.
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
//           the output is z [rows, outs], dx [rows, ins - 1], w [ins, outs].
// Numerics: f32; sums run over the inner index in ascending order, four at a time.
// Twin:     reference::dense, reference::matmul, Activation::derivative, Sgd::step
//
// A workgroup of 16 x 16 invocations computes 128 x 128 values, 8 x 8 each: 2 x 2 blocks that lie 16 blocks apart, so
// that neighbours read neighbouring vec4s of workgroup memory. It walks along the inner dimension in steps of two
// blocks: 64 invocations fetch a block of a each, 64 others a block of b. So every value is fetched once per workgroup
// and used 128 times, and every vec4 read from workgroup memory is used in 32 multiplications.

struct Params {
    rows: u32,
    ins: u32,
    outs: u32,
    stride: u32,
    fused: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> dz: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;

const TILES = 1u; // in a workgroup
const TILE_ROWS = 32u;
const TILE_COLS = 32u;
const SIDE = 16u; // invocations, and blocks from one of an invocation's blocks to the next
const DEPTH = 2u; // blocks of the inner dimension in a tile

// Rows of blocks, so that invocations side by side read side by side: [DEPTH, 4 rows of a block, 32 blocks].
var<workgroup> tile_a: array<vec4f, 256>;
var<workgroup> tile_b: array<vec4f, 256>;

// A block is a matrix whose columns are the block's rows, since WGSL's matrices are made of columns.
// So the product of blocks c += a · b is written `c += b * a`.

fn block_x(row: u32, col: u32) -> mat4x4f {
    let stride = params.ins;
    let i = row * 4u * stride + col;
    return mat4x4f(x[i], x[i + stride], x[i + 2u * stride], x[i + 3u * stride]);
}

fn block_bytes(row: u32, col: u32) -> mat4x4f {
    let stride = params.stride;
    let i = row * 4u * stride + col;
    return mat4x4f(
        unpack4x8unorm(bytes[i]),
        unpack4x8unorm(bytes[i + stride]),
        unpack4x8unorm(bytes[i + 2u * stride]),
        unpack4x8unorm(bytes[i + 3u * stride]),
    );
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

// The sums of an invocation's blocks; the first digit is the row.
struct Sums {
    sum00: mat4x4f,
    sum01: mat4x4f,
    sum10: mat4x4f,
    sum11: mat4x4f,
}

fn put_a(at: u32, block: mat4x4f) {
    for (var r = 0u; r < 4u; r++) { tile_a[(at / TILE_ROWS * 4u + r) * TILE_ROWS + at % TILE_ROWS] = block[r]; }
}

fn put_b(at: u32, block: mat4x4f) {
    for (var r = 0u; r < 4u; r++) { tile_b[(at / TILE_COLS * 4u + r) * TILE_COLS + at % TILE_COLS] = block[r]; }
}

fn get_a(k: u32, row: u32) -> mat4x4f {
    let i = k * 4u * TILE_ROWS + row;
    return mat4x4f(tile_a[i], tile_a[i + TILE_ROWS], tile_a[i + 2u * TILE_ROWS], tile_a[i + 3u * TILE_ROWS]);
}

fn get_b(k: u32, col: u32) -> mat4x4f {
    let i = k * 4u * TILE_COLS + col;
    return mat4x4f(tile_b[i], tile_b[i + TILE_COLS], tile_b[i + 2u * TILE_COLS], tile_b[i + 3u * TILE_COLS]);
}

fn multiply_add(sums: ptr<function, Sums>, at: vec3u) {
    for (var k = 0u; k < DEPTH; k++) {
        let a0 = get_a(k, at.y);
        let a1 = get_a(k, at.y + SIDE);
        let b0 = get_b(k, at.x);
        (*sums).sum00 += b0 * a0;
        (*sums).sum10 += b0 * a1;
        let b1 = get_b(k, at.x + SIDE);
        (*sums).sum01 += b1 * a0;
        (*sums).sum11 += b1 * a1;
    }
}

// What is stored is a row of a block: rows are counted one by one, columns in blocks.

fn store_z(row: u32, col: u32, z: vec4f) {
    if row >= params.rows * 4u || col >= params.outs { return; }
    // Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
    let negative = (z < vec4f(0.0)) & vec4<bool>(params.fused == 1u);
    out[row * (params.outs + 1u) + col] = select(z, vec4f(0.0), negative);
}

fn store_dx(row: u32, col: u32, dx: vec4f) {
    if row >= params.rows * 4u || col >= params.ins - 1u { return; }
    let i = row * params.ins + col;
    let passes = (x[i] > vec4f(0.0)) | vec4<bool>(params.fused == 0u);
    out[i] = select(vec4f(0.0), dx, passes);
}

fn store_w(row: u32, col: u32, gradient: vec4f) {
    if row >= params.ins * 4u || col >= params.outs { return; }
    let i = row * params.outs + col;
    if params.fused == 0u {
        out[i] = gradient;
        return;
    }
    let old = out[i];
    var step = gradient + params.weight_decay * old;
    if params.momentum != 0.0 {
        step += params.momentum * v[i];
        v[i] = step;
    }
    out[i] = old - params.lr * step;
}

fn store_all_z(row: u32, col: u32, sums: Sums) {
    for (var r = 0u; r < 4u; r++) {
        store_z(row * 4u + r, col, sums.sum00[r]);
        store_z(row * 4u + r, col + SIDE, sums.sum01[r]);
        store_z((row + SIDE) * 4u + r, col, sums.sum10[r]);
        store_z((row + SIDE) * 4u + r, col + SIDE, sums.sum11[r]);
    }
}

fn store_all_dx(row: u32, col: u32, sums: Sums) {
    for (var r = 0u; r < 4u; r++) {
        store_dx(row * 4u + r, col, sums.sum00[r]);
        store_dx(row * 4u + r, col + SIDE, sums.sum01[r]);
        store_dx((row + SIDE) * 4u + r, col, sums.sum10[r]);
        store_dx((row + SIDE) * 4u + r, col + SIDE, sums.sum11[r]);
    }
}

fn store_all_w(row: u32, col: u32, sums: Sums) {
    for (var r = 0u; r < 4u; r++) {
        store_w(row * 4u + r, col, sums.sum00[r]);
        store_w(row * 4u + r, col + SIDE, sums.sum01[r]);
        store_w((row + SIDE) * 4u + r, col, sums.sum10[r]);
        store_w((row + SIDE) * 4u + r, col + SIDE, sums.sum11[r]);
    }
}

@compute @workgroup_size(16, 16)
fn forward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let mine = index % (TILE_ROWS * DEPTH);
    let row = first.y + mine % TILE_ROWS;
    let col = first.x + mine % TILE_COLS;
    var sums: Sums;
    for (var start = 0u; start < params.ins; start += DEPTH) {
        let k = start + mine / TILE_ROWS;
        // Blocks beyond the edge are zero.
        var block: mat4x4f;
        if index < TILE_ROWS * DEPTH {
            if k < params.ins && row < params.rows { block = block_x(row, k); }
            put_a(mine, block);
        } else if index < 2u * TILE_ROWS * DEPTH {
            if k < params.ins && col < params.outs { block = block_w(k, col); }
            put_b(mine, block);
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        multiply_add(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_all_z(first.y + at.y, first.x + at.x, sums);
}

@compute @workgroup_size(16, 16)
fn forward_bytes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let mine = index % (TILE_ROWS * DEPTH);
    let row = first.y + mine % TILE_ROWS;
    let col = first.x + mine % TILE_COLS;
    var sums: Sums;
    for (var start = 0u; start < params.ins; start += DEPTH) {
        let k = start + mine / TILE_ROWS;
        // Blocks beyond the edge are zero.
        var block: mat4x4f;
        if index < TILE_ROWS * DEPTH {
            if k < params.ins && row < params.rows { block = block_bytes(row, k); }
            put_a(mine, block);
        } else if index < 2u * TILE_ROWS * DEPTH {
            if k < params.ins && col < params.outs { block = block_w(k, col); }
            put_b(mine, block);
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        multiply_add(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_all_z(first.y + at.y, first.x + at.x, sums);
}

@compute @workgroup_size(16, 16)
fn backward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let mine = index % (TILE_ROWS * DEPTH);
    let row = first.y + mine % TILE_ROWS;
    let col = first.x + mine % TILE_COLS;
    var sums: Sums;
    for (var start = 0u; start < params.outs; start += DEPTH) {
        let k = start + mine / TILE_ROWS;
        // Blocks beyond the edge are zero.
        var block: mat4x4f;
        if index < TILE_ROWS * DEPTH {
            if k < params.outs && row < params.rows { block = block_dz(row, k); }
            put_a(mine, block);
        } else if index < 2u * TILE_ROWS * DEPTH {
            if k < params.outs && col < params.ins - 1u { block = transpose(block_w(col, k)); }
            put_b(mine, block);
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        multiply_add(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_all_dx(first.y + at.y, first.x + at.x, sums);
}

@compute @workgroup_size(16, 16)
fn update(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let mine = index % (TILE_ROWS * DEPTH);
    let row = first.y + mine % TILE_ROWS;
    let col = first.x + mine % TILE_COLS;
    var sums: Sums;
    for (var start = 0u; start < params.rows; start += DEPTH) {
        let k = start + mine / TILE_ROWS;
        // Blocks beyond the edge are zero.
        var block: mat4x4f;
        if index < TILE_ROWS * DEPTH {
            if k < params.rows && row < params.ins { block = transpose(block_x(k, row)); }
            put_a(mine, block);
        } else if index < 2u * TILE_ROWS * DEPTH {
            if k < params.rows && col < params.outs { block = block_dz(k, col); }
            put_b(mine, block);
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        multiply_add(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_all_w(first.y + at.y, first.x + at.x, sums);
}

@compute @workgroup_size(16, 16)
fn update_bytes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) at: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let mine = index % (TILE_ROWS * DEPTH);
    let row = first.y + mine % TILE_ROWS;
    let col = first.x + mine % TILE_COLS;
    var sums: Sums;
    for (var start = 0u; start < params.rows; start += DEPTH) {
        let k = start + mine / TILE_ROWS;
        // Blocks beyond the edge are zero.
        var block: mat4x4f;
        if index < TILE_ROWS * DEPTH {
            if k < params.rows && row < params.ins { block = transpose(block_bytes(k, row)); }
            put_a(mine, block);
        } else if index < 2u * TILE_ROWS * DEPTH {
            if k < params.rows && col < params.outs { block = block_dz(k, col); }
            put_b(mine, block);
        }
        workgroupBarrier(); // the tiles are complete before anyone reads them
        multiply_add(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
    }
    store_all_w(first.y + at.y, first.x + at.x, sums);
}
