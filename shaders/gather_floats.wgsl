// Gathers the samples of a batch: rows of f32, chosen by an order.
//
// Formula:  x[i, f] = values[order[i].sample, f]
// Shapes:   values [samples, pitch] vec4, padded with zeros; order [rows];
//           x [4 * row blocks, stride] vec4, whose last column is the constant (1, 0, 0, 0) that the bias meets.
// Bindings: 0 params; 1 values, 2 order (read); 3 x (written)
// Dispatch: one invocation per vec4 of x, 64 a workgroup, workgroups folded into x and y.
// Numerics: exact.
// Twin:     a copy, in the self-test.

struct Params {
    rows: u32,
    stride: u32,
    pitch: u32,
    words: u32, // of use to gather.wgsl, whose host this is
}

struct Sample {
    sample: u32,
    label: u32,
    weight: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4f>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;

const GROUP: u32 = 64u;

@compute @workgroup_size(GROUP)
fn gather_floats(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.y * groups.x + group.x) * GROUP + local;
    let row = i / params.stride;
    let col = i % params.stride;
    if row >= params.rows { return; }
    if col == params.stride - 1u {
        x[i] = vec4f(1.0, 0.0, 0.0, 0.0);
    } else {
        x[i] = values[order[row].sample * params.pitch + col];
    }
}
