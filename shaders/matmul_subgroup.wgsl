// Matrix products of one layer, for software adapters of eight lanes: operands read as textures, one shared by all lanes.
//
// Formula:  forward   z  = x · w, then max(z, 0) where params.fused = 1   (the bias is w's last row, see Shapes)
//           backward  dx = (dz · wᵀ) ⊙ [x > 0]                            (x is what a ReLU below put out)
//           gradient  g  = xᵀ · dz
//           update    w  = w - lr · (xᵀ · dz + weight_decay · w)
//           update_momentum  v = momentum · v + xᵀ · dz + weight_decay · w,   w = w - lr · v
//           With params.fused = 0 forward and backward are the products alone.
// Shapes:   in blocks of 4 x 4: x, dx [rows, ins], z, dz [rows, outs + 1], w, g, v [ins, outs]; row-major vec4, one texel
//           each, TEXTURE_WIDTH texels to a row of the texture. x may be bytes, then a texel is four of them, and the
//           texture's format makes b / 255 of a byte b; params.stride texels to a row.
//           The last column block of x is (1, 0, 0, 0) in every row and meets the bias in the last row block of w.
//           z and dx have such a block too, which nothing here writes. Padding is zero in w and in x's columns, and
//           rows of padding are zero in dz.
// Bindings: 0 params; 1 x, 2 w, 3 dz (textures, read); 4 out: z, dx, g or w; 5 v. An entry point binds those it uses.
// Dispatch: a workgroup is a subgroup of LANES lanes, and computes a tile of TILE_ROWS x TILE_COLS blocks of the output,
//           each lane a column of it. The output is z [rows, outs], dx [rows, ins - 1], g or w [ins, outs].
//           params.first rows of workgroups were launched before.
//           Networks are in z: that of index i has its rows of blocks from i * params.rows_apart on, in x, z, dz and dx, and its
//           vec4s of weights from i * params.w_apart on, in w and v.
// Numerics: f32; sums run over the inner index in ascending order, four at a time.
// Twin:     reference::dense, reference::matmul, Activation::derivative, reference::Optimizer
//
// A software adapter runs the lanes of a subgroup as one SIMD vector. What it loads from a buffer in a loop or a branch,
// or stores there, it moves lane by lane and value by value, with a branch for each. A texel it fetches for all lanes at
// once, but for as many instructions as a few dozen multiplications. To hand what one lane holds to all of them takes
// one. So all lanes need the same rows of one operand (x or dz), and each fetches a part of them: four texels are 32 rows
// of 4 columns. Of the other (w or dz) each fetches the columns that are its own. In the loop over the inner index
// nothing is indexed by a variable, so that all is in registers. And as the lanes go through both sides of a branch, and
// stores are many, each thing that an update may do has an entry point of its own.

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
@group(0) @binding(1) var x: texture_2d<f32>;
@group(0) @binding(2) var w: texture_2d<f32>;
@group(0) @binding(3) var dz: texture_2d<f32>;
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

const LANES = 8u;
const TILE_ROWS = 8u; // four texels a lane: as many rows of blocks as `column` makes of them
const TILE_COLS = 8u; // one a lane
const TILES = 1u;
const TEXTURE_WIDTH = 2048u;

// A block is a matrix whose columns are the block's rows, since WGSL's matrices are made of columns.
// So the product of blocks c += a · b is written `c += b * a`.

// Blocks below one another.
alias Column = array<mat4x4f, TILE_ROWS>;

// Four texels of a lane.
alias Texels = array<vec4f, 4>;

fn place(i: u32) -> vec2u {
    return vec2u(i % TEXTURE_WIDTH, i / TEXTURE_WIDTH);
}

fn texel_x(i: u32) -> vec4f { return textureLoad(x, place(own_row * 4u * params.stride + i), 0); }
fn texel_w(i: u32) -> vec4f { return textureLoad(w, place(own_w + i), 0); }
fn texel_dz(i: u32) -> vec4f { return textureLoad(dz, place(own_row * 4u * (params.outs + 1u) + i), 0); }

fn texels_x(i: vec4u) -> Texels {
    return Texels(texel_x(i[0]), texel_x(i[1]), texel_x(i[2]), texel_x(i[3]));
}

fn texels_dz(i: vec4u) -> Texels {
    return Texels(texel_dz(i[0]), texel_dz(i[1]), texel_dz(i[2]), texel_dz(i[3]));
}

fn block_w(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs;
    let i = row * 4u * stride + col;
    return mat4x4f(texel_w(i), texel_w(i + stride), texel_w(i + 2u * stride), texel_w(i + 3u * stride));
}

fn block_dz(row: u32, col: u32) -> mat4x4f {
    let stride = params.outs + 1u;
    let i = row * 4u * stride + col;
    return mat4x4f(texel_dz(i), texel_dz(i + stride), texel_dz(i + 2u * stride), texel_dz(i + 3u * stride));
}

// What lanes 0 to 3 hold, as a block whose rows are theirs; and what lanes 4 to 7 hold.
fn block_of_first(texel: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(texel, 0u),
        subgroupBroadcast(texel, 1u),
        subgroupBroadcast(texel, 2u),
        subgroupBroadcast(texel, 3u),
    );
}

fn block_of_last(texel: vec4f) -> mat4x4f {
    return mat4x4f(
        subgroupBroadcast(texel, 4u),
        subgroupBroadcast(texel, 5u),
        subgroupBroadcast(texel, 6u),
        subgroupBroadcast(texel, 7u),
    );
}

// The blocks that the lanes hold in four texels each: lane 0 the first row, lane 1 the second, and so on.
fn column(texels: Texels) -> Column {
    return Column(
        block_of_first(texels[0]),
        block_of_last(texels[0]),
        block_of_first(texels[1]),
        block_of_last(texels[1]),
        block_of_first(texels[2]),
        block_of_last(texels[2]),
        block_of_first(texels[3]),
        block_of_last(texels[3]),
    );
}

fn transposed(a: Column) -> Column {
    return Column(
        transpose(a[0]),
        transpose(a[1]),
        transpose(a[2]),
        transpose(a[3]),
        transpose(a[4]),
        transpose(a[5]),
        transpose(a[6]),
        transpose(a[7]),
    );
}

fn multiply_add(sum: ptr<function, Column>, a: Column, b: mat4x4f) {
    (*sum)[0] += b * a[0];
    (*sum)[1] += b * a[1];
    (*sum)[2] += b * a[2];
    (*sum)[3] += b * a[3];
    (*sum)[4] += b * a[4];
    (*sum)[5] += b * a[5];
    (*sum)[6] += b * a[6];
    (*sum)[7] += b * a[7];
}

// The first row of this workgroup's tile, and this lane's column, in blocks.
fn tile(group: vec3u, lane: u32) -> vec2u {
    return vec2u(group.y * TILE_ROWS, group.x * TILE_COLS + lane);
}

// The rows that this lane fetches for all, of a matrix with so many rows of blocks.
fn rows(at: vec2u, lane: u32, blocks: u32) -> vec4u {
    return min(at.x * 4u + lane + LANES * vec4u(0u, 1u, 2u, 3u), vec4u(blocks * 4u - 1u));
}

// What is stored is a row of a block: rows are counted one by one, columns in blocks.

// Not max(), and no comparison that a compiler might make one of: a NaN has to stay a NaN, so that a run that diverges is
// noticed. Fast mathematics takes it that there are none, so the bits are asked.
fn below_zero(z: vec4f) -> vec4<bool> {
    let bits = bitcast<vec4u>(z);
    return (bits > vec4u(0x80000000u)) & (bits <= vec4u(0xff800000u));
}

fn store_z(row: u32, col: u32, z: vec4f) {
    let negative = below_zero(z) & vec4<bool>(params.fused == 1u);
    out[(own_row * 4u + row) * (params.outs + 1u) + col] = select(z, vec4f(0.0), negative);
}

fn store_dx(row: u32, col: u32, dx: vec4f) {
    let i = row * params.ins + col;
    let passes = (texel_x(i) > vec4f(0.0)) | vec4<bool>(params.fused == 0u);
    out[own_row * 4u * params.ins + i] = select(vec4f(0.0), dx, passes);
}

fn store_gradient(row: u32, col: u32, gradient: vec4f) {
    out[own_w + row * params.outs + col] = gradient;
}

fn store_w(row: u32, col: u32, gradient: vec4f) {
    let i = row * params.outs + col;
    let old = texel_w(i);
    out[own_w + i] = old - own.lr * (gradient + own.weight_decay * old);
}

fn store_momentum(row: u32, col: u32, gradient: vec4f) {
    let i = row * params.outs + col;
    let old = texel_w(i);
    let step = gradient + own.weight_decay * old + own.momentum * v[own_w + i];
    v[own_w + i] = step;
    out[own_w + i] = old - own.lr * step;
}

fn store_block_z(row: u32, col: u32, block: mat4x4f) {
    if row >= params.rows || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_z(row * 4u + r, col, block[r]); }
}

fn store_tile_z(at: vec2u, tile: Column) {
    store_block_z(at.x, at.y, tile[0]);
    store_block_z(at.x + 1u, at.y, tile[1]);
    store_block_z(at.x + 2u, at.y, tile[2]);
    store_block_z(at.x + 3u, at.y, tile[3]);
    store_block_z(at.x + 4u, at.y, tile[4]);
    store_block_z(at.x + 5u, at.y, tile[5]);
    store_block_z(at.x + 6u, at.y, tile[6]);
    store_block_z(at.x + 7u, at.y, tile[7]);
}

fn store_block_dx(row: u32, col: u32, block: mat4x4f) {
    if row >= params.rows || col >= params.ins - 1u { return; }
    for (var r = 0u; r < 4u; r++) { store_dx(row * 4u + r, col, block[r]); }
}

fn store_tile_dx(at: vec2u, tile: Column) {
    store_block_dx(at.x, at.y, tile[0]);
    store_block_dx(at.x + 1u, at.y, tile[1]);
    store_block_dx(at.x + 2u, at.y, tile[2]);
    store_block_dx(at.x + 3u, at.y, tile[3]);
    store_block_dx(at.x + 4u, at.y, tile[4]);
    store_block_dx(at.x + 5u, at.y, tile[5]);
    store_block_dx(at.x + 6u, at.y, tile[6]);
    store_block_dx(at.x + 7u, at.y, tile[7]);
}

fn store_block_gradient(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_gradient(row * 4u + r, col, block[r]); }
}

fn store_tile_gradient(at: vec2u, tile: Column) {
    store_block_gradient(at.x, at.y, tile[0]);
    store_block_gradient(at.x + 1u, at.y, tile[1]);
    store_block_gradient(at.x + 2u, at.y, tile[2]);
    store_block_gradient(at.x + 3u, at.y, tile[3]);
    store_block_gradient(at.x + 4u, at.y, tile[4]);
    store_block_gradient(at.x + 5u, at.y, tile[5]);
    store_block_gradient(at.x + 6u, at.y, tile[6]);
    store_block_gradient(at.x + 7u, at.y, tile[7]);
}

fn store_block_w(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_w(row * 4u + r, col, block[r]); }
}

fn store_tile_w(at: vec2u, tile: Column) {
    store_block_w(at.x, at.y, tile[0]);
    store_block_w(at.x + 1u, at.y, tile[1]);
    store_block_w(at.x + 2u, at.y, tile[2]);
    store_block_w(at.x + 3u, at.y, tile[3]);
    store_block_w(at.x + 4u, at.y, tile[4]);
    store_block_w(at.x + 5u, at.y, tile[5]);
    store_block_w(at.x + 6u, at.y, tile[6]);
    store_block_w(at.x + 7u, at.y, tile[7]);
}

fn store_block_momentum(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_momentum(row * 4u + r, col, block[r]); }
}

fn store_tile_momentum(at: vec2u, tile: Column) {
    store_block_momentum(at.x, at.y, tile[0]);
    store_block_momentum(at.x + 1u, at.y, tile[1]);
    store_block_momentum(at.x + 2u, at.y, tile[2]);
    store_block_momentum(at.x + 3u, at.y, tile[3]);
    store_block_momentum(at.x + 4u, at.y, tile[4]);
    store_block_momentum(at.x + 5u, at.y, tile[5]);
    store_block_momentum(at.x + 6u, at.y, tile[6]);
    store_block_momentum(at.x + 7u, at.y, tile[7]);
}

// In what follows rows and columns beyond the edge repeat the last one inside it, and are not stored.

@compute @workgroup_size(LANES)
fn forward(@builtin(workgroup_id) launched: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = tile(group, lane);
    let i = rows(at, lane, params.rows) * params.stride;
    let c = min(at.y, params.outs - 1u);
    var sum: Column;
    for (var k = 0u; k < params.ins; k++) {
        multiply_add(&sum, column(texels_x(i + k)), block_w(k, c));
    }
    store_tile_z(at, sum);
}

@compute @workgroup_size(LANES)
fn backward(@builtin(workgroup_id) launched: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = tile(group, lane);
    let i = rows(at, lane, params.rows) * (params.outs + 1u);
    let c = min(at.y, params.ins - 2u);
    var sum: Column;
    for (var k = 0u; k < params.outs; k++) {
        multiply_add(&sum, column(texels_dz(i + k)), transpose(block_w(c, k)));
    }
    store_tile_dx(at, sum);
}

// The column of xᵀ · dz at a row and column, in blocks. Four lanes fetch a block of x.
fn product(at: vec2u, lane: u32) -> Column {
    let c = min(at.y, params.outs - 1u);
    let blocks = min(at.x + lane / 4u + vec4u(0u, 2u, 4u, 6u), vec4u(params.ins - 1u));
    var sum: Column;
    for (var k = 0u; k < params.rows; k++) {
        let i = (k * 4u + lane % 4u) * params.stride + blocks;
        multiply_add(&sum, transposed(column(texels_x(i))), block_dz(k, c));
    }
    return sum;
}

@compute @workgroup_size(LANES)
fn gradient(@builtin(workgroup_id) launched: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = tile(group, lane);
    store_tile_gradient(at, product(at, lane));
}

@compute @workgroup_size(LANES)
fn update(@builtin(workgroup_id) launched: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = tile(group, lane);
    store_tile_w(at, product(at, lane));
}

@compute @workgroup_size(LANES)
fn update_momentum(@builtin(workgroup_id) launched: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let group = launched + vec3u(0u, params.first, 0u);
    begin(launched.z);
    let at = tile(group, lane);
    store_tile_momentum(at, product(at, lane));
}
