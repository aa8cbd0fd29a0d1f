// Matrix products of one layer in f16, for GPUs that multiply small matrices in hardware: large ones.
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
//           One network: params.network[0], from the beginning of each buffer.
// Numerics: both operands of a product are rounded to f16; the sums are f32, in an order that the hardware chooses. dz, a
//           mean over the batch, is multiplied by a power of two before it is rounded, and the sums divided by it: else the
//           gradient of a large batch would be lost below f16's smallest number. A value beyond 65504 becomes infinite.
//           Everything in memory stays f32.
// Twin:     reference::{rounded_to_f16, dense, matmul}, Activation::derivative, reference::Optimizer
//
// The hardware's matrices are SIDE x SIDE, 16 as they stand here; the host puts in 8 for devices that have those. A
// workgroup computes 8 x 8 of them in UNITS pieces of 4 x 2, one for each subgroup; where it has fewer subgroups, it goes
// through the inner dimension again for the pieces that are left. It walks along the inner dimension in steps of 4 DEPTH
// values. All invocations fetch four vec4s of each operand, the next tile's while this one is multiplied.

enable f16;
enable wgpu_cooperative_matrix;

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

const SIDE = 16u; // of a matrix that the hardware multiplies
alias OperandA = coop_mat16x16<f16, A>;
alias OperandB = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;

const TILES = 1u; // in a workgroup
const TILE_ROWS = 2u * SIDE;
const TILE_COLS = 2u * SIDE;
const DEPTH = 128u / SIDE; // blocks of the inner dimension in a tile
const GROUP = 256u;
const UNITS = 8u; // pieces of a tile: 2 from top to bottom, 4 from left to right

// Values from one row of a tile to the next. Eight more than there are, so that rows do not lie in the same banks.
const DOWN = 4u * DEPTH + 8u; // rows of the output, the inner dimension along each
const ALONG = 4u * TILE_ROWS + 8u; // the inner dimension, rows or columns of the output along each
// Rows from one vec4 that an invocation fetches to its next.
const DOWN_STEP = GROUP / DEPTH;
const ALONG_STEP = GROUP / TILE_ROWS;

var<workgroup> tile_a: array<f16, 5120>;
var<workgroup> tile_b: array<f16, 5120>;
// A matrix of each subgroup, on its way out.
var<workgroup> results: array<f32, 2048>;

// What an invocation fetches of an operand for a tile.
struct Four {
    v0: vec4f,
    v1: vec4f,
    v2: vec4f,
    v3: vec4f,
}

fn put_a(at: u32, value: vec4f) {
    tile_a[at] = f16(value.x);
    tile_a[at + 1u] = f16(value.y);
    tile_a[at + 2u] = f16(value.z);
    tile_a[at + 3u] = f16(value.w);
}

fn put_b(at: u32, value: vec4f) {
    tile_b[at] = f16(value.x);
    tile_b[at + 1u] = f16(value.y);
    tile_b[at + 2u] = f16(value.z);
    tile_b[at + 3u] = f16(value.w);
}

// An operand whose rows run along the inner dimension: row index / DEPTH, and three more DOWN_STEP apart.
fn put_a_down(index: u32, four: Four) {
    let at = index / DEPTH * DOWN + index % DEPTH * 4u;
    put_a(at, four.v0);
    put_a(at + DOWN_STEP * DOWN, four.v1);
    put_a(at + 2u * DOWN_STEP * DOWN, four.v2);
    put_a(at + 3u * DOWN_STEP * DOWN, four.v3);
}

fn put_b_down(index: u32, four: Four) {
    let at = index / DEPTH * DOWN + index % DEPTH * 4u;
    put_b(at, four.v0);
    put_b(at + DOWN_STEP * DOWN, four.v1);
    put_b(at + 2u * DOWN_STEP * DOWN, four.v2);
    put_b(at + 3u * DOWN_STEP * DOWN, four.v3);
}

// An operand with a row for each inner index: row index / TILE_ROWS, and three more ALONG_STEP apart.
fn put_a_along(index: u32, four: Four) {
    let at = index / TILE_ROWS * ALONG + index % TILE_ROWS * 4u;
    put_a(at, four.v0);
    put_a(at + ALONG_STEP * ALONG, four.v1);
    put_a(at + 2u * ALONG_STEP * ALONG, four.v2);
    put_a(at + 3u * ALONG_STEP * ALONG, four.v3);
}

fn put_b_along(index: u32, four: Four) {
    let at = index / TILE_COLS * ALONG + index % TILE_COLS * 4u;
    put_b(at, four.v0);
    put_b(at + ALONG_STEP * ALONG, four.v1);
    put_b(at + 2u * ALONG_STEP * ALONG, four.v2);
    put_b(at + 3u * ALONG_STEP * ALONG, four.v3);
}

// The largest power of two that is not above the number of rows.
fn scale() -> f32 {
    return f32(1u << firstLeadingBit(params.rows * 4u));
}

// A vec4 of an operand, rows counted one by one and columns in blocks; zero beyond the edge.

fn load_x(row: u32, col: u32) -> vec4f {
    if row >= params.rows * 4u || col >= params.ins { return vec4f(0.0); }
    return x[row * params.ins + col];
}

fn load_bytes(row: u32, col: u32) -> vec4f {
    if row >= params.rows * 4u || col >= params.ins { return vec4f(0.0); }
    return unpack4x8unorm(bytes[row * params.stride + col]);
}

fn load_w(row: u32, col: u32) -> vec4f {
    if row >= params.ins * 4u || col >= params.outs { return vec4f(0.0); }
    return w[row * params.outs + col];
}

fn load_dz(row: u32, col: u32) -> vec4f {
    if row >= params.rows * 4u || col >= params.outs { return vec4f(0.0); }
    return scale() * dz[row * (params.outs + 1u) + col];
}

// What an invocation fetches of a tile that begins at block `block` of the outer dimension and k of the inner one.

fn x_down(block: u32, k: u32, index: u32) -> Four {
    let row = block * 4u + index / DEPTH;
    let col = k + index % DEPTH;
    return Four(
        load_x(row, col),
        load_x(row + DOWN_STEP, col),
        load_x(row + 2u * DOWN_STEP, col),
        load_x(row + 3u * DOWN_STEP, col),
    );
}

fn bytes_down(block: u32, k: u32, index: u32) -> Four {
    let row = block * 4u + index / DEPTH;
    let col = k + index % DEPTH;
    return Four(
        load_bytes(row, col),
        load_bytes(row + DOWN_STEP, col),
        load_bytes(row + 2u * DOWN_STEP, col),
        load_bytes(row + 3u * DOWN_STEP, col),
    );
}

fn dz_down(block: u32, k: u32, index: u32) -> Four {
    let row = block * 4u + index / DEPTH;
    let col = k + index % DEPTH;
    return Four(
        load_dz(row, col),
        load_dz(row + DOWN_STEP, col),
        load_dz(row + 2u * DOWN_STEP, col),
        load_dz(row + 3u * DOWN_STEP, col),
    );
}

fn w_down(block: u32, k: u32, index: u32) -> Four {
    let row = block * 4u + index / DEPTH;
    let col = k + index % DEPTH;
    return Four(
        load_w(row, col),
        load_w(row + DOWN_STEP, col),
        load_w(row + 2u * DOWN_STEP, col),
        load_w(row + 3u * DOWN_STEP, col),
    );
}

fn x_along(block: u32, k: u32, index: u32) -> Four {
    let row = k * 4u + index / TILE_ROWS;
    let col = block + index % TILE_ROWS;
    return Four(
        load_x(row, col),
        load_x(row + ALONG_STEP, col),
        load_x(row + 2u * ALONG_STEP, col),
        load_x(row + 3u * ALONG_STEP, col),
    );
}

fn bytes_along(block: u32, k: u32, index: u32) -> Four {
    let row = k * 4u + index / TILE_ROWS;
    let col = block + index % TILE_ROWS;
    return Four(
        load_bytes(row, col),
        load_bytes(row + ALONG_STEP, col),
        load_bytes(row + 2u * ALONG_STEP, col),
        load_bytes(row + 3u * ALONG_STEP, col),
    );
}

fn w_along(block: u32, k: u32, index: u32) -> Four {
    let row = k * 4u + index / TILE_COLS;
    let col = block + index % TILE_COLS;
    return Four(
        load_w(row, col),
        load_w(row + ALONG_STEP, col),
        load_w(row + 2u * ALONG_STEP, col),
        load_w(row + 3u * ALONG_STEP, col),
    );
}

fn dz_along(block: u32, k: u32, index: u32) -> Four {
    let row = k * 4u + index / TILE_COLS;
    let col = block + index % TILE_COLS;
    return Four(
        load_dz(row, col),
        load_dz(row + ALONG_STEP, col),
        load_dz(row + 2u * ALONG_STEP, col),
        load_dz(row + 3u * ALONG_STEP, col),
    );
}

// A subgroup's sums: 4 x 2 matrices.
struct Sums {
    s00: Sum,
    s01: Sum,
    s10: Sum,
    s11: Sum,
    s20: Sum,
    s21: Sum,
    s30: Sum,
    s31: Sum,
}

fn row_of(unit: u32) -> u32 {
    return unit / 4u * 4u * SIDE;
}

fn col_of(unit: u32) -> u32 {
    return unit % 4u * 2u * SIDE;
}

// A matrix of an operand, of a tile's rows from `outer` on and inner indices from k on.

fn a_down(outer: u32, k: u32) -> OperandA {
    return coopLoadT<OperandA>(&tile_a[outer * DOWN + k], DOWN);
}

fn a_along(outer: u32, k: u32) -> OperandA {
    return coopLoad<OperandA>(&tile_a[k * ALONG + outer], ALONG);
}

fn b_down(outer: u32, k: u32) -> OperandB {
    return coopLoad<OperandB>(&tile_b[outer * DOWN + k], DOWN);
}

fn b_along(outer: u32, k: u32) -> OperandB {
    return coopLoadT<OperandB>(&tile_b[k * ALONG + outer], ALONG);
}

// Each matrix of a is fetched where it is used: six at once take a quarter more registers.

// x · w
fn multiply_forward(sums: ptr<function, Sums>, unit: u32, k: u32) {
    let row = row_of(unit);
    let b0 = b_along(col_of(unit), k);
    let b1 = b_along(col_of(unit) + SIDE, k);
    let a0 = a_down(row, k);
    (*sums).s00 = coopMultiplyAdd(a0, b0, (*sums).s00);
    (*sums).s01 = coopMultiplyAdd(a0, b1, (*sums).s01);
    let a1 = a_down(row + SIDE, k);
    (*sums).s10 = coopMultiplyAdd(a1, b0, (*sums).s10);
    (*sums).s11 = coopMultiplyAdd(a1, b1, (*sums).s11);
    let a2 = a_down(row + 2u * SIDE, k);
    (*sums).s20 = coopMultiplyAdd(a2, b0, (*sums).s20);
    (*sums).s21 = coopMultiplyAdd(a2, b1, (*sums).s21);
    let a3 = a_down(row + 3u * SIDE, k);
    (*sums).s30 = coopMultiplyAdd(a3, b0, (*sums).s30);
    (*sums).s31 = coopMultiplyAdd(a3, b1, (*sums).s31);
}

// dz · wᵀ
fn multiply_backward(sums: ptr<function, Sums>, unit: u32, k: u32) {
    let row = row_of(unit);
    let b0 = b_down(col_of(unit), k);
    let b1 = b_down(col_of(unit) + SIDE, k);
    let a0 = a_down(row, k);
    (*sums).s00 = coopMultiplyAdd(a0, b0, (*sums).s00);
    (*sums).s01 = coopMultiplyAdd(a0, b1, (*sums).s01);
    let a1 = a_down(row + SIDE, k);
    (*sums).s10 = coopMultiplyAdd(a1, b0, (*sums).s10);
    (*sums).s11 = coopMultiplyAdd(a1, b1, (*sums).s11);
    let a2 = a_down(row + 2u * SIDE, k);
    (*sums).s20 = coopMultiplyAdd(a2, b0, (*sums).s20);
    (*sums).s21 = coopMultiplyAdd(a2, b1, (*sums).s21);
    let a3 = a_down(row + 3u * SIDE, k);
    (*sums).s30 = coopMultiplyAdd(a3, b0, (*sums).s30);
    (*sums).s31 = coopMultiplyAdd(a3, b1, (*sums).s31);
}

// xᵀ · dz
fn multiply_update(sums: ptr<function, Sums>, unit: u32, k: u32) {
    let row = row_of(unit);
    let b0 = b_along(col_of(unit), k);
    let b1 = b_along(col_of(unit) + SIDE, k);
    let a0 = a_along(row, k);
    (*sums).s00 = coopMultiplyAdd(a0, b0, (*sums).s00);
    (*sums).s01 = coopMultiplyAdd(a0, b1, (*sums).s01);
    let a1 = a_along(row + SIDE, k);
    (*sums).s10 = coopMultiplyAdd(a1, b0, (*sums).s10);
    (*sums).s11 = coopMultiplyAdd(a1, b1, (*sums).s11);
    let a2 = a_along(row + 2u * SIDE, k);
    (*sums).s20 = coopMultiplyAdd(a2, b0, (*sums).s20);
    (*sums).s21 = coopMultiplyAdd(a2, b1, (*sums).s21);
    let a3 = a_along(row + 3u * SIDE, k);
    (*sums).s30 = coopMultiplyAdd(a3, b0, (*sums).s30);
    (*sums).s31 = coopMultiplyAdd(a3, b1, (*sums).s31);
}

// A matrix of each subgroup, for all to read.
fn put_result(unit: u32, subgroup: u32, sum: Sum) {
    workgroupBarrier(); // the last ones have been read
    if unit < UNITS { coopStoreT(sum, &results[subgroup * SIDE * SIDE], SIDE); }
    workgroupBarrier(); // all are there
}

// A row of four of these values: rows are counted one by one, columns in blocks.
struct Result {
    row: u32,
    col: u32,
    value: vec4f,
}

const ROWS_OF_FOUR = SIDE * SIDE / 4u; // in a matrix

// The `at`th of all, where they begin `down` rows and `right` columns into their pieces; pieces from `done` on.
fn result(done: u32, down: u32, right: u32, at: u32) -> Result {
    let unit = done + at / ROWS_OF_FOUR;
    let row = row_of(unit) + down + at % ROWS_OF_FOUR / (SIDE / 4u);
    let col = (col_of(unit) + right) / 4u + at % (SIDE / 4u);
    return Result(row, col, vec4f(results[at * 4u], results[at * 4u + 1u], results[at * 4u + 2u], results[at * 4u + 3u]));
}

// How many there are.
fn result_count(done: u32, subgroups: u32) -> u32 {
    return ROWS_OF_FOUR * min(subgroups, UNITS - done);
}

// Where an invocation stands: the workgroup's first block, the pieces that are done, and who it is.
struct Place {
    first: vec2u,
    done: u32,
    subgroup: u32,
    subgroups: u32,
    index: u32,
}

// Not max(), and no comparison that a compiler might make one of: a NaN has to stay a NaN, so that a run that diverges is
// noticed. Fast mathematics takes it that there are none, so the bits are asked.
fn below_zero(z: vec4f) -> vec4<bool> {
    let bits = bitcast<vec4u>(z);
    return (bits > vec4u(0x80000000u)) & (bits <= vec4u(0xff800000u));
}

fn store_z(row: u32, col: u32, z: vec4f) {
    if row >= params.rows * 4u || col >= params.outs { return; }
    let negative = below_zero(z) & vec4<bool>(params.fused == 1u);
    out[row * (params.outs + 1u) + col] = select(z, vec4f(0.0), negative);
}

fn store_dx(row: u32, col: u32, scaled: vec4f) {
    if row >= params.rows * 4u || col >= params.ins - 1u { return; }
    let i = row * params.ins + col;
    let passes = (x[i] > vec4f(0.0)) | vec4<bool>(params.fused == 0u);
    out[i] = select(vec4f(0.0), scaled / scale(), passes);
}

fn store_w(row: u32, col: u32, scaled: vec4f) {
    if row >= params.ins * 4u || col >= params.outs { return; }
    let gradient = scaled / scale();
    let i = row * params.outs + col;
    if params.fused == 0u {
        out[i] = gradient;
        return;
    }
    let old = out[i];
    var step = gradient + params.network[0].weight_decay * old;
    if params.network[0].momentum != 0.0 {
        step += params.network[0].momentum * v[i];
        v[i] = step;
    }
    out[i] = old - params.network[0].lr * step;
}

fn put_z(at: Place, down: u32, right: u32, sum: Sum) {
    put_result(at.done + at.subgroup, at.subgroup, sum);
    for (var i = at.index; i < result_count(at.done, at.subgroups); i += GROUP) {
        let one = result(at.done, down, right, i);
        store_z(at.first.y * 4u + one.row, at.first.x + one.col, one.value);
    }
}

fn store_all_z(at: Place, sums: Sums) {
    put_z(at, 0u, 0u, sums.s00);
    put_z(at, 0u, SIDE, sums.s01);
    put_z(at, SIDE, 0u, sums.s10);
    put_z(at, SIDE, SIDE, sums.s11);
    put_z(at, 2u * SIDE, 0u, sums.s20);
    put_z(at, 2u * SIDE, SIDE, sums.s21);
    put_z(at, 3u * SIDE, 0u, sums.s30);
    put_z(at, 3u * SIDE, SIDE, sums.s31);
}

fn put_dx(at: Place, down: u32, right: u32, sum: Sum) {
    put_result(at.done + at.subgroup, at.subgroup, sum);
    for (var i = at.index; i < result_count(at.done, at.subgroups); i += GROUP) {
        let one = result(at.done, down, right, i);
        store_dx(at.first.y * 4u + one.row, at.first.x + one.col, one.value);
    }
}

fn store_all_dx(at: Place, sums: Sums) {
    put_dx(at, 0u, 0u, sums.s00);
    put_dx(at, 0u, SIDE, sums.s01);
    put_dx(at, SIDE, 0u, sums.s10);
    put_dx(at, SIDE, SIDE, sums.s11);
    put_dx(at, 2u * SIDE, 0u, sums.s20);
    put_dx(at, 2u * SIDE, SIDE, sums.s21);
    put_dx(at, 3u * SIDE, 0u, sums.s30);
    put_dx(at, 3u * SIDE, SIDE, sums.s31);
}

fn put_w(at: Place, down: u32, right: u32, sum: Sum) {
    put_result(at.done + at.subgroup, at.subgroup, sum);
    for (var i = at.index; i < result_count(at.done, at.subgroups); i += GROUP) {
        let one = result(at.done, down, right, i);
        store_w(at.first.y * 4u + one.row, at.first.x + one.col, one.value);
    }
}

fn store_all_w(at: Place, sums: Sums) {
    put_w(at, 0u, 0u, sums.s00);
    put_w(at, 0u, SIDE, sums.s01);
    put_w(at, SIDE, 0u, sums.s10);
    put_w(at, SIDE, SIDE, sums.s11);
    put_w(at, 2u * SIDE, 0u, sums.s20);
    put_w(at, 2u * SIDE, SIDE, sums.s21);
    put_w(at, 3u * SIDE, 0u, sums.s30);
    put_w(at, 3u * SIDE, SIDE, sums.s31);
}

@compute @workgroup_size(GROUP)
fn forward(
    @builtin(workgroup_id) launched: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let group = launched + vec3u(0u, params.first, 0u);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    for (var done = 0u; done < UNITS; done += subgroups) {
        let unit = done + subgroup;
        var sums = Sums();
        var a = x_down(first.y, 0u, index);
        var b = w_along(first.x, 0u, index);
        for (var k = 0u; k < params.ins; k += DEPTH) {
            put_a_down(index, a);
            put_b_along(index, b);
            workgroupBarrier(); // the tiles are complete before anyone reads them
            a = x_down(first.y, k + DEPTH, index);
            b = w_along(first.x, k + DEPTH, index);
            if unit < UNITS {
                for (var at = 0u; at < 4u * DEPTH; at += SIDE) { multiply_forward(&sums, unit, at); }
            }
            workgroupBarrier(); // everyone has read them before they are overwritten
        }
        store_all_z(Place(first, done, subgroup, subgroups, index), sums);
    }
}

@compute @workgroup_size(GROUP)
fn forward_bytes(
    @builtin(workgroup_id) launched: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let group = launched + vec3u(0u, params.first, 0u);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    for (var done = 0u; done < UNITS; done += subgroups) {
        let unit = done + subgroup;
        var sums = Sums();
        var a = bytes_down(first.y, 0u, index);
        var b = w_along(first.x, 0u, index);
        for (var k = 0u; k < params.ins; k += DEPTH) {
            put_a_down(index, a);
            put_b_along(index, b);
            workgroupBarrier(); // the tiles are complete before anyone reads them
            a = bytes_down(first.y, k + DEPTH, index);
            b = w_along(first.x, k + DEPTH, index);
            if unit < UNITS {
                for (var at = 0u; at < 4u * DEPTH; at += SIDE) { multiply_forward(&sums, unit, at); }
            }
            workgroupBarrier(); // everyone has read them before they are overwritten
        }
        store_all_z(Place(first, done, subgroup, subgroups, index), sums);
    }
}

@compute @workgroup_size(GROUP)
fn backward(
    @builtin(workgroup_id) launched: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let group = launched + vec3u(0u, params.first, 0u);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    for (var done = 0u; done < UNITS; done += subgroups) {
        let unit = done + subgroup;
        var sums = Sums();
        var a = dz_down(first.y, 0u, index);
        var b = w_down(first.x, 0u, index);
        for (var k = 0u; k < params.outs; k += DEPTH) {
            put_a_down(index, a);
            put_b_down(index, b);
            workgroupBarrier(); // the tiles are complete before anyone reads them
            a = dz_down(first.y, k + DEPTH, index);
            b = w_down(first.x, k + DEPTH, index);
            if unit < UNITS {
                for (var at = 0u; at < 4u * DEPTH; at += SIDE) { multiply_backward(&sums, unit, at); }
            }
            workgroupBarrier(); // everyone has read them before they are overwritten
        }
        store_all_dx(Place(first, done, subgroup, subgroups, index), sums);
    }
}

@compute @workgroup_size(GROUP)
fn update(
    @builtin(workgroup_id) launched: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let group = launched + vec3u(0u, params.first, 0u);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    for (var done = 0u; done < UNITS; done += subgroups) {
        let unit = done + subgroup;
        var sums = Sums();
        var a = x_along(first.y, 0u, index);
        var b = dz_along(first.x, 0u, index);
        for (var k = 0u; k < params.rows; k += DEPTH) {
            put_a_along(index, a);
            put_b_along(index, b);
            workgroupBarrier(); // the tiles are complete before anyone reads them
            a = x_along(first.y, k + DEPTH, index);
            b = dz_along(first.x, k + DEPTH, index);
            if unit < UNITS {
                for (var at = 0u; at < 4u * DEPTH; at += SIDE) { multiply_update(&sums, unit, at); }
            }
            workgroupBarrier(); // everyone has read them before they are overwritten
        }
        store_all_w(Place(first, done, subgroup, subgroups, index), sums);
    }
}

@compute @workgroup_size(GROUP)
fn update_bytes(
    @builtin(workgroup_id) launched: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let group = launched + vec3u(0u, params.first, 0u);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    for (var done = 0u; done < UNITS; done += subgroups) {
        let unit = done + subgroup;
        var sums = Sums();
        var a = bytes_along(first.y, 0u, index);
        var b = dz_along(first.x, 0u, index);
        for (var k = 0u; k < params.rows; k += DEPTH) {
            put_a_along(index, a);
            put_b_along(index, b);
            workgroupBarrier(); // the tiles are complete before anyone reads them
            a = bytes_along(first.y, k + DEPTH, index);
            b = dz_along(first.x, k + DEPTH, index);
            if unit < UNITS {
                for (var at = 0u; at < 4u * DEPTH; at += SIDE) { multiply_update(&sums, unit, at); }
            }
            workgroupBarrier(); // everyone has read them before they are overwritten
        }
        store_all_w(Place(first, done, subgroup, subgroups, index), sums);
    }
}
