// Squared error of what a network puts out, or Huber's loss, with its gradient, and the sum of the loss.
//
// Formula:  loss_i = 1/K Σ_k (z_ik - t_ik)²                     t = targets[order[i].label], K = outputs
//           z_ij  := 2 (z_ij - t_ij) / K * order[i].weight      by `train`: the gradient takes z's place
//           Where d = params.delta is not 0, it is Huber's loss: with e = z - t, in the place of e² there is e²/2 up to
//           |e| = d, beyond it d (|e| - d/2), and in that of 2e there is e between -d and d.
//           sums  += (Σ_i loss_i, 0)                            over the rows whose weight is not 0
//           The weight is 1 / samples in the batch; 0 marks a row of padding, whose gradient is 0.
// Shapes:   z [4 * row blocks, stride] f32, of which the first `outputs` columns count; order [rows];
//           targets [samples, outputs]; sums [workgroups].
// Bindings: 0 params; 1 order, 2 targets (read); 3 sums (added to); 4 z (read, and written by `train`)
// Dispatch: one invocation per row, 64 a workgroup. Each workgroup adds to a sum of its own, so nothing is atomic.
//           Networks are in z: that of index i has its rows from i * params.rows_apart on, and its sums from
//           i * params.sums_apart on.
// Numerics: f32. Rows are added up in a fixed tree.
// Twin:     reference::Loss

struct Network {
    index: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
}

struct Params {
    rows: u32,
    outputs: u32,
    stride: u32,
    rows_apart: u32,
    sums_apart: u32,
    delta: f32,
    unused0: u32,
    unused1: u32,
    network: array<Network, NETWORKS>,
}

struct Sample {
    sample: u32,
    label: u32,
    weight: f32,
    unused: u32,
}

struct Sum {
    loss: f32,
    hits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order: array<Sample>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<Sum>;
@group(0) @binding(4) var<storage, read_write> z: array<f32>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

var<workgroup> partial: array<f32, GROUP>;

// An output's part of the loss, and the derivative of that.
fn part(error: f32) -> vec2f {
    let d = params.delta;
    if d > 0.0 && abs(error) > d {
        return vec2f(d * (abs(error) - 0.5 * d), d * sign(error));
    }
    let scale = select(2.0, 1.0, d > 0.0);
    return vec2f(0.5 * scale * error * error, scale * error);
}

fn forward(row: u32) -> f32 {
    var loss = 0.0;
    for (var j = 0u; j < params.outputs; j++) {
        loss += part(z[row * params.stride + j] - targets[order[row].label * params.outputs + j]).x;
    }
    return select(loss / f32(params.outputs), 0.0, order[row].weight == 0.0);
}

// The first invocation of a workgroup adds the workgroup's rows to its sum.
fn add_up(group: u32, local: u32, result: f32) {
    partial[local] = result;
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier(); // the upper half is written before the lower half adds it
        if local < half { partial[local] += partial[local + half]; }
    }
    if local == 0u { sums[group].loss += partial[0]; }
}

@compute @workgroup_size(GROUP)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = 0.0;
    if number < params.rows {
        result = forward(row);
        let sample = order[row];
        let scale = sample.weight / f32(params.outputs);
        for (var j = 0u; j < params.stride; j++) {
            let at = row * params.stride + j;
            let counts = j < params.outputs && sample.weight != 0.0;
            let t = targets[sample.label * params.outputs + min(j, params.outputs - 1u)];
            z[at] = select(0.0, part(z[at] - t).y * scale, counts);
        }
    }
    add_up(own.index * params.sums_apart + group.x, local, result);
}

@compute @workgroup_size(GROUP)
fn evaluate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = 0.0;
    if number < params.rows { result = forward(row); }
    add_up(own.index * params.sums_apart + group.x, local, result);
}
