// A step along a gradient that is there already: every rule that is not fused into the update product.
//
// Formula:  g' = g + weight_decay · keep · w
//           rule 0, 1   v = beta1 · v + g';  w -= lr · v, or of rule 1, Nesterov's, lr · (g' + beta1 · v)
//           rule 2      m = beta1 · m + rest1 · g';  v = beta2 · v + rest2 · g'²
//                       w = keep · w - lr · m / (scale · √v + epsilon)
//           v stays untouched in rules 0 and 1 if beta1 = 0. The host works out lr = rate / (1 - β₁ᵗ) and
//           scale = 1/√(1 - β₂ᵗ) of Adam, and keep = 1 - rate · decay of AdamW.
// Shapes:   g, w, m, v [blocks] vec4, all laid out as the weights; m is the velocity of rules 0 and 1.
// Bindings: 0 params, of one step; 1 g (read); 2 w, 3 m, 4 v (read and written)
// Dispatch: one invocation per vec4, 64 a workgroup, workgroups folded into x and y.
// Numerics: f32. Where the gradient is 0 and w, m and v are, as in padding, they stay 0.
// Twin:     reference::Optimizer

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

@group(0) @binding(0) var<uniform> params: Step;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;

const GROUP: u32 = 64u;

@compute @workgroup_size(GROUP)
fn advance(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.y * groups.x + group.x) * GROUP + local;
    if i >= arrayLength(&w) { return; }
    let old = params.keep * w[i];
    var step = g[i] + params.weight_decay * old;
    if params.rule == 2u {
        let mean = params.beta1 * m[i] + params.rest1 * step;
        let square = params.beta2 * v[i] + params.rest2 * step * step;
        m[i] = mean;
        v[i] = square;
        step = mean / (params.scale * sqrt(square) + params.epsilon);
    } else if params.beta1 != 0.0 {
        let velocity = params.beta1 * m[i] + step;
        m[i] = velocity;
        step = select(velocity, step + params.beta1 * velocity, params.rule == 1u);
    }
    w[i] = old - params.lr * step;
}
