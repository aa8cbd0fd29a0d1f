// A step along a gradient that is there already: every rule that is not fused into the update product.
//
// Formula:  g' = g + weight_decay · keep · w
//           rule 0, 1   v = beta1 · v + g';  w -= lr · v, or of rule 1, Nesterov's, lr · (g' + beta1 · v)
//           rule 2      m = beta1 · m + rest1 · g';  v = beta2 · v + rest2 · g'²
//                       w = keep · w - lr · m / (scale · √v + epsilon)
//           v stays untouched in rules 0 and 1 if beta1 = 0. The host works out lr = rate / (1 - β₁ᵗ) and
//           scale = 1/√(1 - β₂ᵗ) of Adam, and keep = 1 - rate · decay of AdamW.
// Shapes:   g, w, m, v [params.blocks] vec4, all laid out as the weights; m is the velocity of rules 0 and 1.
// Bindings: 0 params; 1 steps, one a network, uniform; 2 g (read); 3 w, 4 m, 5 v (read and written)
// Dispatch: one invocation per vec4, 64 a workgroup, workgroups folded into x and y.
//           Networks are in z: that of index i has its vec4s from i * params.w_apart on.
// Numerics: f32. Where the gradient is 0 and w, m and v are, as in padding, they stay 0.
// Twin:     reference::Optimizer

struct Network {
    index: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
}

struct Params {
    blocks: u32,
    w_apart: u32,
    unused0: u32,
    unused1: u32,
    network: array<Network, NETWORKS>,
}

struct Step {
    rule: u32,
    number: u32,
    lr: f32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    scale: f32,
    epsilon: f32,
    weight_decay: f32,
    keep: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> steps: array<Step, NETWORKS>;
@group(0) @binding(2) var<storage, read> g: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;

const GROUP: u32 = 64u;
const NETWORKS = 64u; // of a launch, at most

@compute @workgroup_size(GROUP)
fn advance(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let block = (group.y * groups.x + group.x) * GROUP + local;
    if block >= params.blocks { return; }
    let i = params.network[group.z].index * params.w_apart + block;
    let own = steps[group.z];
    let old = own.keep * w[i];
    var step = g[i] + own.weight_decay * old;
    if own.rule == 2u {
        let mean = own.beta1 * m[i] + own.rest1 * step;
        let square = own.beta2 * v[i] + own.rest2 * step * step;
        m[i] = mean;
        v[i] = square;
        step = mean / (own.scale * sqrt(square) + own.epsilon);
    } else if own.beta1 != 0.0 {
        let velocity = own.beta1 * m[i] + step;
        m[i] = velocity;
        step = select(velocity, step + own.beta1 * velocity, own.rule == 1u);
    }
    w[i] = old - own.lr * step;
}
