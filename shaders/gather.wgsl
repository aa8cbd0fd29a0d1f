// Gathers the samples of a batch: rows of bytes, chosen by an order.
//
// Formula:  x[i, f] = images[order[i].sample, f]
// Shapes:   images [samples, pitch], order [rows], x [4 * row blocks, stride] in vec4u; a u32 of images and of x holds
//           four bytes, the first in the low bits. Of an image params.words are data; x has one more: (255, 0, 0, 0),
//           the constant 1 that the bias meets, for matrix products read a byte b as b / 255. What is left of a row is
//           zero.
// Bindings: 0 params; 1 images, 2 order (read); 3 x (written)
// Dispatch: one invocation per vec4u of x, 64 a workgroup, workgroups folded into x and y.
// Numerics: exact.
// Twin:     a copy of the bytes, in the self-test.

struct Params {
    rows: u32,
    stride: u32,
    pitch: u32,
    words: u32,
}

struct Sample {
    sample: u32,
    label: u32,
    weight: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<vec4u>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4u>;

const GROUP: u32 = 64u;

@compute @workgroup_size(GROUP)
fn gather(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.y * groups.x + group.x) * GROUP + local;
    let row = i / params.stride;
    let col = i % params.stride;
    if row >= params.rows { return; }
    // An image may end before the constant's vec4, and behind the last one there is nothing.
    let bytes = images[order[row].sample * params.pitch + min(col, params.pitch - 1u)];
    let word = col * 4u + vec4u(0u, 1u, 2u, 3u);
    let beyond = select(vec4u(0u), vec4u(255u), word == vec4u(params.words));
    x[i] = select(beyond, bytes, word < vec4u(params.words));
}
