// Softmax and categorical cross-entropy of logits, with their gradient, and the sums of loss and hits.
//
// Formula:  loss_i = log Σ_k exp(z_ik - m_i) - Σ_k t_ik (z_ik - m_i),  m_i = max_k z_ik,  y = order[i].label
//           dz_ij  = (exp(z_ij - m_i) / Σ_k exp(z_ik - m_i) - t_ij) * order[i].weight
//           t_ij   = (1 - s) [j = y] + s / classes                      s is the network's label_smoothing
//           sums  += (Σ_i loss_i, Σ_i [argmax_k z_ik = y])     over the rows whose weight is not 0
//           The weight is 1 / samples in the batch; 0 marks a row of padding, whose gradient is 0.
// Shapes:   logits, dz [4 * row blocks, stride] f32, of which the first `classes` columns count; order [rows];
//           sums [workgroups].
// Bindings: 0 params; 1 logits, 2 order (read); 3 sums (added to); 4 dz (written; by `train` only)
// Dispatch: one invocation per row, 64 a workgroup. Each workgroup adds to a sum of its own, so nothing is atomic.
//           Networks are in z: that of index i has its rows from i * params.rows_apart on, and its sums from
//           i * params.sums_apart on.
// Numerics: f32; the maximum is subtracted first, so nothing overflows, and the loss is taken from the log of the sum,
//           never from a probability that may have underflowed. Rows are added up in a fixed tree.
// Twin:     reference::{smoothed_cross_entropy, smoothed_cross_entropy_backward, hits}

struct Network {
    index: u32,
    label_smoothing: f32,
    unused0: u32,
    unused1: u32,
}

struct Params {
    rows: u32,
    classes: u32,
    stride: u32,
    rows_apart: u32,
    sums_apart: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
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
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> order: array<Sample>;
@group(0) @binding(3) var<storage, read_write> sums: array<Sum>;
@group(0) @binding(4) var<storage, read_write> dz: array<f32>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

var<workgroup> partial: array<Sum, GROUP>;

// The network that a workgroup is for.
var<private> own: Network;

struct Row {
    max: f32,
    sum_exp: f32,
    result: Sum,
}

fn forward(row: u32) -> Row {
    let start = row * params.stride;
    var best = 0u;
    for (var j = 1u; j < params.classes; j++) {
        if logits[start + j] > logits[start + best] { best = j; }
    }
    let max = logits[start + best];
    var sum_exp = 0.0;
    for (var j = 0u; j < params.classes; j++) {
        sum_exp += exp(logits[start + j] - max);
    }
    let label = order[row].label;
    var expected = logits[start + label] - max;
    if own.label_smoothing > 0.0 {
        var sum = 0.0;
        for (var j = 0u; j < params.classes; j++) { sum += logits[start + j] - max; }
        expected = mix(expected, sum / f32(params.classes), own.label_smoothing);
    }
    let loss = log(sum_exp) - expected;
    var result = Sum(loss, u32(best == label));
    if order[row].weight == 0.0 { result = Sum(); }
    return Row(max, sum_exp, result);
}

// The first invocation of a workgroup adds the workgroup's rows to its sum.
fn add_up(group: u32, local: u32, result: Sum) {
    partial[local] = result;
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier(); // the upper half is written before the lower half adds it
        if local < half {
            partial[local].loss += partial[local + half].loss;
            partial[local].hits += partial[local + half].hits;
        }
    }
    if local == 0u {
        sums[group].loss += partial[0].loss;
        sums[group].hits += partial[0].hits;
    }
}

@compute @workgroup_size(GROUP)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = Sum();
    if number < params.rows {
        let forward = forward(row);
        result = forward.result;
        let sample = order[row];
        let even = own.label_smoothing / f32(params.classes);
        for (var j = 0u; j < params.stride; j++) {
            let p = exp(logits[row * params.stride + j] - forward.max) / forward.sum_exp;
            let right = select(0.0, 1.0 - own.label_smoothing, j == sample.label);
            let gradient = (p - right - even) * sample.weight;
            let counts = j < params.classes && sample.weight != 0.0;
            dz[row * params.stride + j] = select(0.0, gradient, counts);
        }
    }
    add_up(own.index * params.sums_apart + group.x, local, result);
}

@compute @workgroup_size(GROUP)
fn evaluate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = Sum();
    if number < params.rows { result = forward(row).result; }
    add_up(own.index * params.sums_apart + group.x, local, result);
}
