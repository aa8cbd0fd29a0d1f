// Gathers the samples of a batch: rows of bytes, chosen by an order, become rows of f32.
//
// Formula:  x[i, f] = images[order[i].sample, f] / 255
// Shapes:   images [samples, words] u32, four bytes each, the first in the low bits; order [rows];
//           x [4 * row blocks, stride] vec4, whose last column is the constant (1, 0, 0, 0) that the bias meets.
// Bindings: 0 params; 1 images, 2 order (read); 3 x (written)
// Dispatch: one invocation per vec4 of x, 64 a workgroup, workgroups folded into x and y.
// Numerics: exact division by 255 to within one rounding (unpack4x8unorm).
// Twin:     division by 255.0 in f64, in the parity test.

struct Params {
    rows: u32,
    stride: u32,
    words: u32,
    unused: u32,
}

struct Sample {
    sample: u32,
    label: u32,
    weight: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(64)
fn gather(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.y * groups.x + group.x) * 64u + local;
    let row = i / params.stride;
    let col = i % params.stride;
    if row >= params.rows { return; }
    if col == params.stride - 1u {
        x[i] = vec4f(1.0, 0.0, 0.0, 0.0);
    } else {
        x[i] = unpack4x8unorm(images[order[row].sample * params.words + col]);
    }
}
