// Matrix products of one layer, for GPUs: medium ones, with tiles in workgroup memory and in registers.
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
// Numerics: f32; sums run over the inner index in ascending order.
// Twin:     reference::dense, reference::matmul, Activation::derivative, reference::Optimizer
//
// As matmul_large.wgsl, with half of the rows: a workgroup of 16 x 16 invocations computes 64 x 128 values, 4 x 8 each, 2
// blocks that lie 16 blocks apart in a row. All invocations fetch a vec4 of the left operand and two of the right one.
// GPUs with few registers take it for large products, too.

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
const TILE_ROWS = 16u;
const TILE_COLS = 32u;
const SIDE = 16u; // blocks from one of an invocation's blocks to the next
const DEPTH = 4u; // blocks of the inner dimension in a tile
const GROUP = SIDE * SIDE;

// For each of 16 inner indices 16 vec4s of rows of the output, and 32 of columns.
var<workgroup> tile_a: array<vec4f, 4 * DEPTH * TILE_ROWS>;
var<workgroup> tile_b: array<vec4f, 4 * DEPTH * TILE_COLS>;

// Where a vec4 lies in a tile of so many blocks. Eight rows that are stored down the inner dimension meet no bank of the
// memory twice.
fn place(blocks: u32, k: u32, block: u32) -> u32 {
    return k * blocks + (block ^ (k / 4u * 2u));
}

// What an invocation fetches of an operand for a tile; of the left one only the first.
struct Pair {
    first: vec4f,
    second: vec4f,
}

// An operand whose rows run along the inner dimension is turned when it is stored: each vec4 becomes a part of four.

fn put_a_turned(at: u32, part: u32, pair: Pair) {
    for (var i = 0u; i < 4u; i++) {
        tile_a[at + i * TILE_ROWS][part] = pair.first[i];
    }
}

fn put_b_turned(at: u32, part: u32, pair: Pair) {
    for (var i = 0u; i < 4u; i++) {
        tile_b[at + i * TILE_COLS][part] = pair.first[i];
        tile_b[at + i * TILE_COLS + SIDE][part] = pair.second[i];
    }
}

// Others keep their rows: the second vec4 belongs 8 rows below the first, see `place`.

fn put_a(at: u32, pair: Pair) {
    tile_a[at] = pair.first;
}

fn put_b(at: u32, pair: Pair) {
    tile_b[at] = pair.first;
    tile_b[(at ^ 4u) + 256u] = pair.second;
}

// Where an invocation fetches an operand: the indices of its pair, how far it is to the next tile's, and which of the two
// the first tile has. Where tiles do not divide the inner dimension, the first one begins before it, with zeros: so no
// later fetch meets an edge. Beyond the edge of the output the last row or column is fetched again; nobody stores its sums.
struct Source {
    first: u32,
    second: u32,
    step: u32,
    begun: vec2<bool>,
}

// Blocks of the first tile that lie before the inner dimension.
fn missing(inner: u32) -> u32 {
    return (DEPTH - inner % DEPTH) % DEPTH;
}

// An operand whose rows run along the inner dimension, `lines` of them: rows index / 4 and 64 after it of those from
// `block` on, block index % 4 of the inner dimension.
fn along(block: u32, lines: u32, inner: u32, stride: u32, index: u32) -> Source {
    let row = block * 4u + index / DEPTH;
    let col = index % DEPTH - missing(inner);
    let first = min(row, lines - 1u) * stride + col;
    let second = min(row + 4u * SIDE, lines - 1u) * stride + col;
    return Source(first, second, DEPTH, vec2<bool>(index % DEPTH >= missing(inner)));
}

// An operand with a row for each inner index, of `blocks`, in a tile of `width` blocks: rows index / width and 8 after it,
// block index % width of those from `block` on.
fn across(width: u32, block: u32, blocks: u32, inner: u32, stride: u32, index: u32) -> Source {
    let row = vec2u(index / width, index / width + 8u);
    let col = min(block + index % width, blocks - 1u);
    let at = (row - 4u * missing(inner)) * stride + col;
    return Source(at.x, at.y, 4u * DEPTH * stride, row >= vec2u(4u * missing(inner)));
}

fn fetch_x(source: Source, there: vec2<bool>) -> Pair {
    var pair = Pair();
    if there.x { pair.first = x[own_row * 4u * params.ins + source.first]; }
    if there.y { pair.second = x[own_row * 4u * params.ins + source.second]; }
    return pair;
}

fn fetch_bytes(source: Source, there: vec2<bool>) -> Pair {
    var pair = Pair();
    if there.x { pair.first = unpack4x8unorm(bytes[own_row * 4u * params.stride + source.first]); }
    if there.y { pair.second = unpack4x8unorm(bytes[own_row * 4u * params.stride + source.second]); }
    return pair;
}

fn fetch_w(source: Source, there: vec2<bool>) -> Pair {
    var pair = Pair();
    if there.x { pair.first = w[own_w + source.first]; }
    if there.y { pair.second = w[own_w + source.second]; }
    return pair;
}

fn fetch_dz(source: Source, there: vec2<bool>) -> Pair {
    var pair = Pair();
    if there.x { pair.first = dz[own_row * 4u * (params.outs + 1u) + source.first]; }
    if there.y { pair.second = dz[own_row * 4u * (params.outs + 1u) + source.second]; }
    return pair;
}

// Of the left operand an invocation fetches one vec4, of the right one two.
const FIRST = vec2<bool>(true, false);
const BOTH = vec2<bool>(true, true);

// To the next tile, if there are more.
fn advance(source: ptr<function, Source>, more: bool) {
    let step = select(0u, (*source).step, more);
    (*source).first += step;
    (*source).second += step;
}

// An invocation's sums: four rows of the output, of two vec4s each.
struct Sums {
    row0: vec4f,
    row0_far: vec4f,
    row1: vec4f,
    row1_far: vec4f,
    row2: vec4f,
    row2_far: vec4f,
    row3: vec4f,
    row3_far: vec4f,
}

// Where an invocation's first block lies in the tile: 32 invocations side by side are 4 rows of 8, so that they read few
// vec4s of each operand.
struct Place {
    row: u32,
    col: u32,
}

fn place_of(index: u32) -> Place {
    let warp = index / 32u;
    let lane = index % 32u;
    return Place(warp / 2u * 4u + lane / 8u, warp % 2u * 8u + lane % 8u);
}

fn multiply_add(sums: ptr<function, Sums>, k: u32, at: Place) {
    let a = tile_a[place(TILE_ROWS, k, at.row)];
    let b0 = tile_b[place(TILE_COLS, k, at.col)];
    let b1 = tile_b[place(TILE_COLS, k, at.col) + SIDE];
    (*sums).row0 += a.x * b0;
    (*sums).row0_far += a.x * b1;
    (*sums).row1 += a.y * b0;
    (*sums).row1_far += a.y * b1;
    (*sums).row2 += a.z * b0;
    (*sums).row2_far += a.z * b1;
    (*sums).row3 += a.w * b0;
    (*sums).row3_far += a.w * b1;
}

// Written out: a loop is a sixth slower where the driver does not unroll it.
fn multiply_tile(sums: ptr<function, Sums>, at: Place) {
    multiply_add(sums, 0u, at);
    multiply_add(sums, 1u, at);
    multiply_add(sums, 2u, at);
    multiply_add(sums, 3u, at);
    multiply_add(sums, 4u, at);
    multiply_add(sums, 5u, at);
    multiply_add(sums, 6u, at);
    multiply_add(sums, 7u, at);
    multiply_add(sums, 8u, at);
    multiply_add(sums, 9u, at);
    multiply_add(sums, 10u, at);
    multiply_add(sums, 11u, at);
    multiply_add(sums, 12u, at);
    multiply_add(sums, 13u, at);
    multiply_add(sums, 14u, at);
    multiply_add(sums, 15u, at);
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

fn store_all_z(row: u32, col: u32, sums: Sums) {
    store_z(row * 4u, col, sums.row0);
    store_z(row * 4u, col + SIDE, sums.row0_far);
    store_z(row * 4u + 1u, col, sums.row1);
    store_z(row * 4u + 1u, col + SIDE, sums.row1_far);
    store_z(row * 4u + 2u, col, sums.row2);
    store_z(row * 4u + 2u, col + SIDE, sums.row2_far);
    store_z(row * 4u + 3u, col, sums.row3);
    store_z(row * 4u + 3u, col + SIDE, sums.row3_far);
}

fn store_all_dx(row: u32, col: u32, sums: Sums) {
    store_dx(row * 4u, col, sums.row0);
    store_dx(row * 4u, col + SIDE, sums.row0_far);
    store_dx(row * 4u + 1u, col, sums.row1);
    store_dx(row * 4u + 1u, col + SIDE, sums.row1_far);
    store_dx(row * 4u + 2u, col, sums.row2);
    store_dx(row * 4u + 2u, col + SIDE, sums.row2_far);
    store_dx(row * 4u + 3u, col, sums.row3);
    store_dx(row * 4u + 3u, col + SIDE, sums.row3_far);
}

fn store_all_w(row: u32, col: u32, sums: Sums) {
    store_w(row * 4u, col, sums.row0);
    store_w(row * 4u, col + SIDE, sums.row0_far);
    store_w(row * 4u + 1u, col, sums.row1);
    store_w(row * 4u + 1u, col + SIDE, sums.row1_far);
    store_w(row * 4u + 2u, col, sums.row2);
    store_w(row * 4u + 2u, col + SIDE, sums.row2_far);
    store_w(row * 4u + 3u, col, sums.row3);
    store_w(row * 4u + 3u, col + SIDE, sums.row3_far);
}

@compute @workgroup_size(GROUP)
fn forward(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let at = place_of(index);
    let inner = params.ins;
    var source_a = along(first.y, 4u * params.rows, inner, params.ins, index);
    var source_b = across(TILE_COLS, first.x, params.outs, inner, params.outs, index);
    let turned_a = place(TILE_ROWS, index % DEPTH * 4u, index / (4u * DEPTH));
    let part = index / DEPTH % 4u;
    let straight_b = place(TILE_COLS, index / TILE_COLS, index % TILE_COLS);
    put_a_turned(turned_a, part, fetch_x(source_a, source_a.begun & FIRST));
    put_b(straight_b, fetch_w(source_b, source_b.begun));
    workgroupBarrier(); // the tiles are complete before anyone reads them
    var sums = Sums();
    for (var k = 0u; k < inner; k += DEPTH) {
        advance(&source_a, k + DEPTH < inner);
        advance(&source_b, k + DEPTH < inner);
        let a = fetch_x(source_a, FIRST);
        let b = fetch_w(source_b, BOTH);
        multiply_tile(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
        put_a_turned(turned_a, part, a);
        put_b(straight_b, b);
        workgroupBarrier(); // the next tiles are complete
    }
    store_all_z(first.y + at.row, first.x + at.col, sums);
}

@compute @workgroup_size(GROUP)
fn forward_bytes(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let at = place_of(index);
    let inner = params.ins;
    var source_a = along(first.y, 4u * params.rows, inner, params.stride, index);
    var source_b = across(TILE_COLS, first.x, params.outs, inner, params.outs, index);
    let turned_a = place(TILE_ROWS, index % DEPTH * 4u, index / (4u * DEPTH));
    let part = index / DEPTH % 4u;
    let straight_b = place(TILE_COLS, index / TILE_COLS, index % TILE_COLS);
    put_a_turned(turned_a, part, fetch_bytes(source_a, source_a.begun & FIRST));
    put_b(straight_b, fetch_w(source_b, source_b.begun));
    workgroupBarrier(); // the tiles are complete before anyone reads them
    var sums = Sums();
    for (var k = 0u; k < inner; k += DEPTH) {
        advance(&source_a, k + DEPTH < inner);
        advance(&source_b, k + DEPTH < inner);
        let a = fetch_bytes(source_a, FIRST);
        let b = fetch_w(source_b, BOTH);
        multiply_tile(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
        put_a_turned(turned_a, part, a);
        put_b(straight_b, b);
        workgroupBarrier(); // the next tiles are complete
    }
    store_all_z(first.y + at.row, first.x + at.col, sums);
}

@compute @workgroup_size(GROUP)
fn backward(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let at = place_of(index);
    let inner = params.outs;
    var source_a = along(first.y, 4u * params.rows, inner, params.outs + 1u, index);
    var source_b = along(first.x, 4u * params.ins, inner, params.outs, index);
    let turned_a = place(TILE_ROWS, index % DEPTH * 4u, index / (4u * DEPTH));
    let turned_b = place(TILE_COLS, index % DEPTH * 4u, index / (4u * DEPTH));
    let part = index / DEPTH % 4u;
    put_a_turned(turned_a, part, fetch_dz(source_a, source_a.begun & FIRST));
    put_b_turned(turned_b, part, fetch_w(source_b, source_b.begun));
    workgroupBarrier(); // the tiles are complete before anyone reads them
    var sums = Sums();
    for (var k = 0u; k < inner; k += DEPTH) {
        advance(&source_a, k + DEPTH < inner);
        advance(&source_b, k + DEPTH < inner);
        let a = fetch_dz(source_a, FIRST);
        let b = fetch_w(source_b, BOTH);
        multiply_tile(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
        put_a_turned(turned_a, part, a);
        put_b_turned(turned_b, part, b);
        workgroupBarrier(); // the next tiles are complete
    }
    store_all_dx(first.y + at.row, first.x + at.col, sums);
}

@compute @workgroup_size(GROUP)
fn update(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let at = place_of(index);
    let inner = params.rows;
    var source_a = across(TILE_ROWS, first.y, params.ins, inner, params.ins, index);
    var source_b = across(TILE_COLS, first.x, params.outs, inner, params.outs + 1u, index);
    let straight_a = place(TILE_ROWS, index / TILE_ROWS, index % TILE_ROWS);
    let straight_b = place(TILE_COLS, index / TILE_COLS, index % TILE_COLS);
    put_a(straight_a, fetch_x(source_a, source_a.begun & FIRST));
    put_b(straight_b, fetch_dz(source_b, source_b.begun));
    workgroupBarrier(); // the tiles are complete before anyone reads them
    var sums = Sums();
    for (var k = 0u; k < inner; k += DEPTH) {
        advance(&source_a, k + DEPTH < inner);
        advance(&source_b, k + DEPTH < inner);
        let a = fetch_x(source_a, FIRST);
        let b = fetch_dz(source_b, BOTH);
        multiply_tile(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
        put_a(straight_a, a);
        put_b(straight_b, b);
        workgroupBarrier(); // the next tiles are complete
    }
    store_all_w(first.y + at.row, first.x + at.col, sums);
}

@compute @workgroup_size(GROUP)
fn update_bytes(@builtin(workgroup_id) launched: vec3u, @builtin(local_invocation_index) index: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let first = group.xy * vec2u(TILE_COLS, TILE_ROWS);
    let at = place_of(index);
    let inner = params.rows;
    var source_a = across(TILE_ROWS, first.y, params.ins, inner, params.stride, index);
    var source_b = across(TILE_COLS, first.x, params.outs, inner, params.outs + 1u, index);
    let straight_a = place(TILE_ROWS, index / TILE_ROWS, index % TILE_ROWS);
    let straight_b = place(TILE_COLS, index / TILE_COLS, index % TILE_COLS);
    put_a(straight_a, fetch_bytes(source_a, source_a.begun & FIRST));
    put_b(straight_b, fetch_dz(source_b, source_b.begun));
    workgroupBarrier(); // the tiles are complete before anyone reads them
    var sums = Sums();
    for (var k = 0u; k < inner; k += DEPTH) {
        advance(&source_a, k + DEPTH < inner);
        advance(&source_b, k + DEPTH < inner);
        let a = fetch_bytes(source_a, FIRST);
        let b = fetch_dz(source_b, BOTH);
        multiply_tile(&sums, at);
        workgroupBarrier(); // everyone has read them before they are overwritten
        put_a(straight_a, a);
        put_b(straight_b, b);
        workgroupBarrier(); // the next tiles are complete
    }
    store_all_w(first.y + at.row, first.x + at.col, sums);
}
