// Matrix products of one layer, for software adapters: operands read as textures, register tiles, nothing shared.
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
// Dispatch: an invocation computes a tile of TILE_ROWS x TILE_COLS blocks of the output, a workgroup TILES of them, one
//           below the other and then column by column; workgroups folded into x and y; params.first rows of workgroups in y were
//           launched before.
//           The output is z [rows, outs], dx [rows, ins - 1], g or w [ins, outs].
//           Networks are in z: that of index i has its rows of blocks from i * params.rows_apart on, in x, z, dz and dx, and its
//           vec4s of weights from i * params.w_apart on, in w and v.
// Numerics: f32; sums run over the inner index in ascending order, four at a time.
// Twin:     reference::dense, reference::matmul, Activation::derivative, reference::Optimizer
//
// A software adapter runs the eight lanes of a workgroup as one SIMD vector. What it loads from a buffer in a loop or a
// branch, or stores there, it moves lane by lane and value by value, with a branch for each, whether the lanes ask for
// the same address or not. A texel it fetches for all lanes at once, four values by one load each. So the host copies
// operands into textures first, w too where it changes. An invocation computes 2 x 2 blocks, so that each block it loads
// is used twice: larger tiles load less, but such an adapter takes seconds to compile them. In the loop over the inner
// index nothing is indexed by a variable, so that all is in registers. And as the lanes go through both sides of a
// branch, and stores are many, each thing that an update may do has an entry point of its own.

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

const TILE_ROWS = 2u;
const TILE_COLS = 2u;
const TILES = 8u;
const TEXTURE_WIDTH = 2048u;

// Two blocks, and two below them.
struct Tile {
    a: mat4x4f,
    b: mat4x4f,
    c: mat4x4f,
    d: mat4x4f,
}

// A block is a matrix whose columns are the block's rows, since WGSL's matrices are made of columns.
// So the product of blocks c += a · b is written `c += b * a`.

fn place(i: u32) -> vec2u {
    return vec2u(i % TEXTURE_WIDTH, i / TEXTURE_WIDTH);
}

fn texel_x(i: u32) -> vec4f { return textureLoad(x, place(own_row * 4u * params.stride + i), 0); }
fn texel_w(i: u32) -> vec4f { return textureLoad(w, place(own_w + i), 0); }
fn texel_dz(i: u32) -> vec4f { return textureLoad(dz, place(own_row * 4u * (params.outs + 1u) + i), 0); }

fn block_x(row: u32, col: u32) -> mat4x4f {
    let stride = params.stride;
    let i = row * 4u * stride + col;
    return mat4x4f(texel_x(i), texel_x(i + stride), texel_x(i + 2u * stride), texel_x(i + 3u * stride));
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

// The row and the column, in blocks, of this invocation's tile of an output with so many rows of blocks.
fn tile(group: vec3u, groups: vec3u, lane: u32, rows: u32) -> vec2u {
    let i = ((params.first + group.y) * groups.x + group.x) * TILES + lane;
    let down = (rows + TILE_ROWS - 1u) / TILE_ROWS;
    return vec2u(i % down * TILE_ROWS, i / down * TILE_COLS);
}

// A column of two blocks times a row of two, added to a tile.
fn multiply_add(sum: ptr<function, Tile>, above: mat4x4f, below: mat4x4f, left: mat4x4f, right: mat4x4f) {
    (*sum).a += left * above;
    (*sum).b += right * above;
    (*sum).c += left * below;
    (*sum).d += right * below;
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

fn store_tile_z(at: vec2u, tile: Tile) {
    store_block_z(at.x, at.y, tile.a);
    store_block_z(at.x, at.y + 1u, tile.b);
    store_block_z(at.x + 1u, at.y, tile.c);
    store_block_z(at.x + 1u, at.y + 1u, tile.d);
}

fn store_block_dx(row: u32, col: u32, block: mat4x4f) {
    if row >= params.rows || col >= params.ins - 1u { return; }
    for (var r = 0u; r < 4u; r++) { store_dx(row * 4u + r, col, block[r]); }
}

fn store_tile_dx(at: vec2u, tile: Tile) {
    store_block_dx(at.x, at.y, tile.a);
    store_block_dx(at.x, at.y + 1u, tile.b);
    store_block_dx(at.x + 1u, at.y, tile.c);
    store_block_dx(at.x + 1u, at.y + 1u, tile.d);
}

fn store_block_gradient(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_gradient(row * 4u + r, col, block[r]); }
}

fn store_tile_gradient(at: vec2u, tile: Tile) {
    store_block_gradient(at.x, at.y, tile.a);
    store_block_gradient(at.x, at.y + 1u, tile.b);
    store_block_gradient(at.x + 1u, at.y, tile.c);
    store_block_gradient(at.x + 1u, at.y + 1u, tile.d);
}

fn store_block_w(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_w(row * 4u + r, col, block[r]); }
}

fn store_tile_w(at: vec2u, tile: Tile) {
    store_block_w(at.x, at.y, tile.a);
    store_block_w(at.x, at.y + 1u, tile.b);
    store_block_w(at.x + 1u, at.y, tile.c);
    store_block_w(at.x + 1u, at.y + 1u, tile.d);
}

fn store_block_momentum(row: u32, col: u32, block: mat4x4f) {
    if row >= params.ins || col >= params.outs { return; }
    for (var r = 0u; r < 4u; r++) { store_momentum(row * 4u + r, col, block[r]); }
}

fn store_tile_momentum(at: vec2u, tile: Tile) {
    store_block_momentum(at.x, at.y, tile.a);
    store_block_momentum(at.x, at.y + 1u, tile.b);
    store_block_momentum(at.x + 1u, at.y, tile.c);
    store_block_momentum(at.x + 1u, at.y + 1u, tile.d);
}

// In what follows blocks beyond the edge repeat the last one inside it, and are not stored.

@compute @workgroup_size(TILES)
fn forward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    begin(group.z);
    let at = tile(group, groups, lane, params.rows);
    let r = min(at.x + vec2u(0u, 1u), vec2u(params.rows - 1u));
    let c = min(at.y + vec2u(0u, 1u), vec2u(params.outs - 1u));
    var sum: Tile;
    for (var k = 0u; k < params.ins; k++) {
        multiply_add(&sum, block_x(r[0], k), block_x(r[1], k), block_w(k, c[0]), block_w(k, c[1]));
    }
    store_tile_z(at, sum);
}

@compute @workgroup_size(TILES)
fn backward(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    begin(group.z);
    let at = tile(group, groups, lane, params.rows);
    let r = min(at.x + vec2u(0u, 1u), vec2u(params.rows - 1u));
    let c = min(at.y + vec2u(0u, 1u), vec2u(params.ins - 2u));
    var sum: Tile;
    for (var k = 0u; k < params.outs; k++) {
        let left = transpose(block_w(c[0], k));
        let right = transpose(block_w(c[1], k));
        multiply_add(&sum, block_dz(r[0], k), block_dz(r[1], k), left, right);
    }
    store_tile_dx(at, sum);
}

// The tile of xᵀ · dz at a row and column, in blocks.
fn product(at: vec2u) -> Tile {
    let r = min(at.x + vec2u(0u, 1u), vec2u(params.ins - 1u));
    let c = min(at.y + vec2u(0u, 1u), vec2u(params.outs - 1u));
    var sum: Tile;
    for (var k = 0u; k < params.rows; k++) {
        let above = transpose(block_x(k, r[0]));
        let below = transpose(block_x(k, r[1]));
        multiply_add(&sum, above, below, block_dz(k, c[0]), block_dz(k, c[1]));
    }
    return sum;
}

@compute @workgroup_size(TILES)
fn gradient(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    begin(group.z);
    let at = tile(group, groups, lane, params.ins);
    store_tile_gradient(at, product(at));
}

@compute @workgroup_size(TILES)
fn update(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    begin(group.z);
    let at = tile(group, groups, lane, params.ins);
    store_tile_w(at, product(at));
}

@compute @workgroup_size(TILES)
fn update_momentum(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    begin(group.z);
    let at = tile(group, groups, lane, params.ins);
    store_tile_momentum(at, product(at));
}
