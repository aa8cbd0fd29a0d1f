// Shortens a gradient whose norm, over all layers, is larger than it may be.
//
// Formula:  measure  sums[first + workgroup] = Σ g²     over the workgroup's part of a layer's gradient
//           scale    g = g · min(1, most / (√Σ sums + 1e-6))
// Shapes:   g [params.blocks] vec4, a layer's gradient, padding 0; sums [networks, params.sums] f32, of all layers,
//           `first` those of the layers before.
// Bindings: 0 params; 1 sums, 2 g (read and written)
// Dispatch: 64 invocations a workgroup, workgroups in x; each takes every (64 · workgroups)th vec4.
//           Networks are in z: that of index i has its gradient from i * params.w_apart on.
// Numerics: f32; sums are taken in a fixed order: strided, then in a tree, then over the workgroups again so.
// Twin:     reference::clip_norm

struct Network {
    index: u32,
    most: f32,
    unused0: u32,
    unused1: u32,
}

struct Params {
    first: u32,
    sums: u32,
    blocks: u32,
    w_apart: u32,
    network: array<Network, NETWORKS>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> g: array<vec4f>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

var<workgroup> partial: array<f32, GROUP>;

// The sum over a workgroup's invocations, for all of them.
fn total(local: u32, own: f32) -> f32 {
    partial[local] = own;
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier(); // the upper half is written before the lower half adds it
        if local < half { partial[local] += partial[local + half]; }
    }
    workgroupBarrier(); // the sum is there before it is read
    return partial[0];
}

@compute @workgroup_size(GROUP)
fn measure(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = params.network[group.z].index;
    let first = index * params.w_apart;
    var own = 0.0;
    for (var i = first + group.x * GROUP + local; i < first + params.blocks; i += groups.x * GROUP) {
        own += dot(g[i], g[i]);
    }
    let sum = total(local, own);
    if local == 0u { sums[index * params.sums + params.first + group.x] = sum; }
}

@compute @workgroup_size(GROUP)
fn scale(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let network = params.network[group.z];
    let first = network.index * params.w_apart;
    var own = 0.0;
    for (var i = local; i < params.sums; i += GROUP) { own += sums[network.index * params.sums + i]; }
    let factor = network.most / (sqrt(total(local, own)) + 1e-6);
    if factor >= 1.0 { return; }
    for (var i = first + group.x * GROUP + local; i < first + params.blocks; i += groups.x * GROUP) {
        g[i] *= factor;
    }
}
