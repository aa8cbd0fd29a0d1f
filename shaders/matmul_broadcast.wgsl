// Matrix products of one layer, for software adapters: lanes take rows, columns are broadcast.
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
// A software adapter runs the eight lanes of a workgroup as one SIMD vector. A load whose address differs between lanes
// becomes one scalar load a lane; one whose address is the same for the workgroup is a single load. So lanes take
// rows, and all lanes share the columns, of which the register tile (2 x 4 blocks) has more.

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

const LANES = 8u;
const GROUP_ROWS = 16u; // two for each lane
const GROUP_COLS = 4u;

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

@compute @workgroup_size(8)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * GROUP_ROWS + lane * 2u;
    let col = group.x * GROUP_COLS;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(vec2u(row, row + 1u), vec2u(params.rows - 1u));
    let c = min(col + vec4u(0u, 1u, 2u, 3u), vec4u(params.outs - 1u));
    var sum00: mat4x4f; var sum01: mat4x4f; var sum02: mat4x4f; var sum03: mat4x4f;
    var sum10: mat4x4f; var sum11: mat4x4f; var sum12: mat4x4f; var sum13: mat4x4f;
    for (var k = 0u; k < params.ins; k++) {
        let a0 = block_x(r[0], k);
        let a1 = block_x(r[1], k);
        let b0 = block_w(k, c[0]);
        sum00 += b0 * a0; sum10 += b0 * a1;
        let b1 = block_w(k, c[1]);
        sum01 += b1 * a0; sum11 += b1 * a1;
        let b2 = block_w(k, c[2]);
        sum02 += b2 * a0; sum12 += b2 * a1;
        let b3 = block_w(k, c[3]);
        sum03 += b3 * a0; sum13 += b3 * a1;
    }
    store_z(row, col + 0u, sum00); store_z(row + 1u, col + 0u, sum10);
    store_z(row, col + 1u, sum01); store_z(row + 1u, col + 1u, sum11);
    store_z(row, col + 2u, sum02); store_z(row + 1u, col + 2u, sum12);
    store_z(row, col + 3u, sum03); store_z(row + 1u, col + 3u, sum13);
}

@compute @workgroup_size(8)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * GROUP_ROWS + lane * 2u;
    let col = group.x * GROUP_COLS;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(vec2u(row, row + 1u), vec2u(params.rows - 1u));
    let c = min(col + vec4u(0u, 1u, 2u, 3u), vec4u((params.ins - 1u) - 1u));
    var sum00: mat4x4f; var sum01: mat4x4f; var sum02: mat4x4f; var sum03: mat4x4f;
    var sum10: mat4x4f; var sum11: mat4x4f; var sum12: mat4x4f; var sum13: mat4x4f;
    for (var k = 0u; k < params.outs; k++) {
        let a0 = block_dz(r[0], k);
        let a1 = block_dz(r[1], k);
        let b0 = transpose(block_w(c[0], k));
        sum00 += b0 * a0; sum10 += b0 * a1;
        let b1 = transpose(block_w(c[1], k));
        sum01 += b1 * a0; sum11 += b1 * a1;
        let b2 = transpose(block_w(c[2], k));
        sum02 += b2 * a0; sum12 += b2 * a1;
        let b3 = transpose(block_w(c[3], k));
        sum03 += b3 * a0; sum13 += b3 * a1;
    }
    store_dx(row, col + 0u, sum00); store_dx(row + 1u, col + 0u, sum10);
    store_dx(row, col + 1u, sum01); store_dx(row + 1u, col + 1u, sum11);
    store_dx(row, col + 2u, sum02); store_dx(row + 1u, col + 2u, sum12);
    store_dx(row, col + 3u, sum03); store_dx(row + 1u, col + 3u, sum13);
}

@compute @workgroup_size(8)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * GROUP_ROWS + lane * 2u;
    let col = group.x * GROUP_COLS;
    // Blocks beyond the edge repeat the last one inside it, and are not stored.
    let r = min(vec2u(row, row + 1u), vec2u(params.ins - 1u));
    let c = min(col + vec4u(0u, 1u, 2u, 3u), vec4u(params.outs - 1u));
    var sum00: mat4x4f; var sum01: mat4x4f; var sum02: mat4x4f; var sum03: mat4x4f;
    var sum10: mat4x4f; var sum11: mat4x4f; var sum12: mat4x4f; var sum13: mat4x4f;
    for (var k = 0u; k < params.rows; k++) {
        let a0 = transpose(block_x(k, r[0]));
        let a1 = transpose(block_x(k, r[1]));
        let b0 = block_dz(k, c[0]);
        sum00 += b0 * a0; sum10 += b0 * a1;
        let b1 = block_dz(k, c[1]);
        sum01 += b1 * a0; sum11 += b1 * a1;
        let b2 = block_dz(k, c[2]);
        sum02 += b2 * a0; sum12 += b2 * a1;
        let b3 = block_dz(k, c[3]);
        sum03 += b3 * a0; sum13 += b3 * a1;
    }
    store_w(row, col + 0u, sum00); store_w(row + 1u, col + 0u, sum10);
    store_w(row, col + 1u, sum01); store_w(row + 1u, col + 1u, sum11);
    store_w(row, col + 2u, sum02); store_w(row + 1u, col + 2u, sum12);
    store_w(row, col + 3u, sum03); store_w(row + 1u, col + 3u, sum13);
}
