// Sigmoid and cross-entropy of logits, one for each label, with their gradient, and the sums of loss and hits.
//
// Formula:  loss_i = 1/K Σ_k max(z_ik, 0) - z_ik t_ik + log(1 + exp(-|z_ik|))     t = targets[order[i].label], K = outputs
//           z_ij  := (1 / (1 + exp(-z_ij)) - t_ij) / K * order[i].weight           by `train`: the gradient takes z's place
//           sums  += (Σ_i loss_i, Σ_i [all k: (z_ik > 0) = (t_ik > 1/2)])          over the rows whose weight is not 0
//           The weight is 1 / samples in the batch; 0 marks a row of padding, whose gradient is 0.
// Shapes:   z [4 * row blocks, stride] f32, of which the first `outputs` columns count; order [rows];
//           targets [samples, outputs]; sums [workgroups].
// Bindings: 0 params; 1 order, 2 targets (read); 3 sums (added to); 4 z (read, and written by `train`)
// Dispatch: one invocation per row, 64 a workgroup. Each workgroup adds to a sum of its own, so nothing is atomic.
//           Networks are in z: that of index i has its rows from i * params.rows_apart on, and its sums from
//           i * params.sums_apart on.
// Numerics: f32; exp is only taken of what is not positive, so nothing overflows. log(1 + x) of a small x is x: below
//           1e-4, where 1 + x has lost digits, it is x - x²/2. Rows are added up in a fixed tree.
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
@group(0) @binding(1) var<storage, read> order: array<Sample>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<Sum>;
@group(0) @binding(4) var<storage, read_write> z: array<f32>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

var<workgroup> partial: array<Sum, GROUP>;

fn log_one_plus(x: f32) -> f32 {
    return select(log(1.0 + x), x - 0.5 * x * x, x < 1e-4);
}

fn forward(row: u32) -> Sum {
    var loss = 0.0;
    var hit = true;
    for (var j = 0u; j < params.outputs; j++) {
        let logit = z[row * params.stride + j];
        let t = targets[order[row].label * params.outputs + j];
        // Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
        let positive = select(logit, 0.0, logit < 0.0);
        loss += positive - logit * t + log_one_plus(exp(-abs(logit)));
        hit = hit && (logit > 0.0) == (t > 0.5);
    }
    var result = Sum(loss / f32(params.outputs), u32(hit));
    if order[row].weight == 0.0 { result = Sum(); }
    return result;
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

fn sigmoid(logit: f32) -> f32 {
    let e = exp(-abs(logit));
    return select(1.0 / (1.0 + e), e / (1.0 + e), logit < 0.0);
}

@compute @workgroup_size(GROUP)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = Sum();
    if number < params.rows {
        result = forward(row);
        let sample = order[row];
        let scale = sample.weight / f32(params.outputs);
        for (var j = 0u; j < params.stride; j++) {
            let at = row * params.stride + j;
            let counts = j < params.outputs && sample.weight != 0.0;
            let t = targets[sample.label * params.outputs + min(j, params.outputs - 1u)];
            z[at] = select(0.0, (sigmoid(z[at]) - t) * scale, counts);
        }
    }
    add_up(own.index * params.sums_apart + group.x, local, result);
}

@compute @workgroup_size(GROUP)
fn evaluate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let own = params.network[group.z];
    let number = group.x * GROUP + local;
    let row = own.index * params.rows_apart + number;
    var result = Sum();
    if number < params.rows { result = forward(row); }
    add_up(own.index * params.sums_apart + group.x, local, result);
}
