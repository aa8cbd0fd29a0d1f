// Matrix products of one layer, for software adapters: large register tiles, nothing shared.
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
// Dispatch: an invocation computes a tile of TILE_ROWS x TILE_COLS blocks of the output, a workgroup TILES of them, one
//           below the other and then column by column; workgroups folded into x and y.
//           The output is z [rows, outs], dx [rows, ins - 1], w [ins, outs].
// Numerics: f32; sums run over the inner index in ascending order, four at a time.
// Twin:     reference::dense, reference::matmul, Activation::derivative, Sgd::step
//
// A software adapter runs the eight lanes of a workgroup as one SIMD vector, and a load inside a loop as eight scalar
// loads, one after the other, whether the lanes ask for the same address or not. So loads are what costs: an
// invocation computes 4 x 5 blocks, so that each block it loads is used four or five times, and bytes are loaded four
// at once. Lanes take rows, all lanes the same columns. Nothing is indexed by a variable, so that all is in registers.

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

const TILE_ROWS = 4u;
const TILE_COLS = 5u;
const TILES = 8u;

// Four blocks, one below the other.
alias Column = array<mat4x4f, 4>;

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

// The row and the column, in blocks, of this invocation's tile of an output with so many rows of blocks.
fn tile(group: vec3u, groups: vec3u, lane: u32, rows: u32) -> vec2u {
    let i = (group.y * groups.x + group.x) * TILES + lane;
    let down = (rows + TILE_ROWS - 1u) / TILE_ROWS;
    return vec2u(i % down * TILE_ROWS, i / down * TILE_COLS);
}

fn multiply_add(sum: ptr<function, Column>, a: Column, b: mat4x4f) {
    (*sum)[0] += b * a[0];
    (*sum)[1] += b * a[1];
    (*sum)[2] += b * a[2];
    (*sum)[3] += b * a[3];
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

fn store_block_z(row: u32, col: u32, block: mat4x4f) {
    for (var r = 0u; r < 4u; r++) { store_z(row * 4u + r, col, block[r]); }
}

fn store_column_z(row: u32, col: u32, blocks: Column) {
    store_block_z(row, col, blocks[0]);
    store_block_z(row + 1u, col, blocks[1]);
    store_block_z(row + 2u, col, blocks[2]);
    store_block_z(row + 3u, col, blocks[3]);
}

fn store_block_dx(row: u32, col: u32, block: mat4x4f) {
    for (var r = 0u; r < 4u; r++) { store_dx(row * 4u + r, col, block[r]); }
}

fn store_column_dx(row: u32, col: u32, blocks: Column) {
    store_block_dx(row, col, blocks[0]);
    store_block_dx(row + 1u, col, blocks[1]);
    store_block_dx(row + 2u, col, blocks[2]);
    store_block_dx(row + 3u, col, blocks[3]);
}

fn store_block_w(row: u32, col: u32, block: mat4x4f) {
    for (var r = 0u; r < 4u; r++) { store_w(row * 4u + r, col, block[r]); }
}

fn store_column_w(row: u32, col: u32, blocks: Column) {
    store_block_w(row, col, blocks[0]);
    store_block_w(row + 1u, col, blocks[1]);
    store_block_w(row + 2u, col, blocks[2]);
    store_block_w(row + 3u, col, blocks[3]);
}

@compute @workgroup_size(TILES)
fn forward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = tile(group, groups, lane, params.rows);
    let row = at.x;
    let col = at.y;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(params.rows - 1u));
    let last = params.outs - 1u;
    var sum0: Column; var sum1: Column; var sum2: Column; var sum3: Column; var sum4: Column;
    for (var k = 0u; k < params.ins; k++) {
        let a = Column(
            block_x(r[0], k),
            block_x(r[1], k),
            block_x(r[2], k),
            block_x(r[3], k),
        );
        multiply_add(&sum0, a, block_w(k, min(col, last)));
        multiply_add(&sum1, a, block_w(k, min(col + 1u, last)));
        multiply_add(&sum2, a, block_w(k, min(col + 2u, last)));
        multiply_add(&sum3, a, block_w(k, min(col + 3u, last)));
        multiply_add(&sum4, a, block_w(k, min(col + 4u, last)));
    }
    store_column_z(row, col, sum0);
    store_column_z(row, col + 1u, sum1);
    store_column_z(row, col + 2u, sum2);
    store_column_z(row, col + 3u, sum3);
    store_column_z(row, col + 4u, sum4);
}

@compute @workgroup_size(TILES)
fn forward_bytes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = tile(group, groups, lane, params.rows);
    let row = at.x;
    let col = at.y;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(params.rows - 1u));
    let last = params.outs - 1u;
    var sum0: Column; var sum1: Column; var sum2: Column; var sum3: Column; var sum4: Column;
    for (var k = 0u; k < params.ins; k++) {
        let a = Column(
            block_bytes(r[0], k),
            block_bytes(r[1], k),
            block_bytes(r[2], k),
            block_bytes(r[3], k),
        );
        multiply_add(&sum0, a, block_w(k, min(col, last)));
        multiply_add(&sum1, a, block_w(k, min(col + 1u, last)));
        multiply_add(&sum2, a, block_w(k, min(col + 2u, last)));
        multiply_add(&sum3, a, block_w(k, min(col + 3u, last)));
        multiply_add(&sum4, a, block_w(k, min(col + 4u, last)));
    }
    store_column_z(row, col, sum0);
    store_column_z(row, col + 1u, sum1);
    store_column_z(row, col + 2u, sum2);
    store_column_z(row, col + 3u, sum3);
    store_column_z(row, col + 4u, sum4);
}

@compute @workgroup_size(TILES)
fn backward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = tile(group, groups, lane, params.rows);
    let row = at.x;
    let col = at.y;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(params.rows - 1u));
    let last = params.ins - 1u - 1u;
    var sum0: Column; var sum1: Column; var sum2: Column; var sum3: Column; var sum4: Column;
    for (var k = 0u; k < params.outs; k++) {
        let a = Column(
            block_dz(r[0], k),
            block_dz(r[1], k),
            block_dz(r[2], k),
            block_dz(r[3], k),
        );
        multiply_add(&sum0, a, transpose(block_w(min(col, last), k)));
        multiply_add(&sum1, a, transpose(block_w(min(col + 1u, last), k)));
        multiply_add(&sum2, a, transpose(block_w(min(col + 2u, last), k)));
        multiply_add(&sum3, a, transpose(block_w(min(col + 3u, last), k)));
        multiply_add(&sum4, a, transpose(block_w(min(col + 4u, last), k)));
    }
    store_column_dx(row, col, sum0);
    store_column_dx(row, col + 1u, sum1);
    store_column_dx(row, col + 2u, sum2);
    store_column_dx(row, col + 3u, sum3);
    store_column_dx(row, col + 4u, sum4);
}

@compute @workgroup_size(TILES)
fn update(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = tile(group, groups, lane, params.ins);
    let row = at.x;
    let col = at.y;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(params.ins - 1u));
    let last = params.outs - 1u;
    var sum0: Column; var sum1: Column; var sum2: Column; var sum3: Column; var sum4: Column;
    for (var k = 0u; k < params.rows; k++) {
        let a = Column(
            transpose(block_x(k, r[0])),
            transpose(block_x(k, r[1])),
            transpose(block_x(k, r[2])),
            transpose(block_x(k, r[3])),
        );
        multiply_add(&sum0, a, block_dz(k, min(col, last)));
        multiply_add(&sum1, a, block_dz(k, min(col + 1u, last)));
        multiply_add(&sum2, a, block_dz(k, min(col + 2u, last)));
        multiply_add(&sum3, a, block_dz(k, min(col + 3u, last)));
        multiply_add(&sum4, a, block_dz(k, min(col + 4u, last)));
    }
    store_column_w(row, col, sum0);
    store_column_w(row, col + 1u, sum1);
    store_column_w(row, col + 2u, sum2);
    store_column_w(row, col + 3u, sum3);
    store_column_w(row, col + 4u, sum4);
}

@compute @workgroup_size(TILES)
fn update_bytes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = tile(group, groups, lane, params.ins);
    let row = at.x;
    let col = at.y;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(params.ins - 1u));
    let last = params.outs - 1u;
    var sum0: Column; var sum1: Column; var sum2: Column; var sum3: Column; var sum4: Column;
    for (var k = 0u; k < params.rows; k++) {
        let a = Column(
            transpose(block_bytes(k, r[0])),
            transpose(block_bytes(k, r[1])),
            transpose(block_bytes(k, r[2])),
            transpose(block_bytes(k, r[3])),
        );
        multiply_add(&sum0, a, block_dz(k, min(col, last)));
        multiply_add(&sum1, a, block_dz(k, min(col + 1u, last)));
        multiply_add(&sum2, a, block_dz(k, min(col + 2u, last)));
        multiply_add(&sum3, a, block_dz(k, min(col + 3u, last)));
        multiply_add(&sum4, a, block_dz(k, min(col + 4u, last)));
    }
    store_column_w(row, col, sum0);
    store_column_w(row, col + 1u, sum1);
    store_column_w(row, col + 2u, sum2);
    store_column_w(row, col + 3u, sum3);
    store_column_w(row, col + 4u, sum4);
}
