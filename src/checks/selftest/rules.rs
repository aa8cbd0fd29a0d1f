//! Clipping of gradients, and the rule of every optimiser.

use super::operands::{f64s, finish, random, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::{Advance, ClipNorm, Layout, Matrix, NETWORKS};
use crate::reference::{self, optimizer};
use crate::step::optimizer::{Algorithm, BETAS, EPSILON, Optimizer, Step};
use crate::step::schedule::Schedule;
use crate::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const SHAPES: [[usize; 2]; 4] = [[1, 1], [37, 49], [300, 301], [1, 9]];

/// Clipping, over the gradients of a network at once.
///
/// # Errors
/// What the device reports.
pub async fn clip_norm(gpu: &Gpu) -> Result<Vec<Row>> {
    let kernels = ClipNorm::new(gpu).await?;
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut trial = Trial::new("clip_norm.measure, clip_norm.scale");
    for most in [0.01_f32, 3.0, 1e6] {
        let (mut matrices, mut layers) = (Vec::new(), Vec::new());
        for shape @ [ins, outs] in SHAPES {
            trial.shape(&shape);
            let (w, b) = (random(&mut rng, ins, outs), random(&mut rng, 1, outs));
            let layout = Layout::weights(ins, outs);
            matrices.push(Matrix::upload(gpu, "g", layout, &layout.pack_weights(w.data(), b.data()))?);
            layers.push(reference::Layer { w: f64s(&w), b: f64s(&b).into_data() });
        }
        let gradients: Vec<&Matrix> = matrices.iter().collect();
        let sums = gpu.upload("sums", &vec![f32::NAN; kernels.sums(matrices.iter())])?;
        for launch in kernels.launches(gpu, &sums, &gradients, &[most])? {
            finish(gpu, &launch).await?;
        }
        optimizer::clip_norm(&mut layers, most.into());
        for (matrix, layer) in matrices.iter().zip(&layers) {
            let (w, packed) = read(gpu, matrix).await?;
            let bias = matrix.layout.unpack_bias(&packed);
            for (name, got, want) in [("w", &w, layer.w.data()), ("bias", &bias, &layer.b)] {
                // A sum of squares in a tree of 90,000 loses a few ε, of which the root halves them.
                trial.within(&name, got, want, |i| 1e-5 * want[i].abs() + 1e-12);
            }
        }
    }
    Ok(vec![trial.row()])
}

/// A step by every rule, the first, the second and the tenth.
///
/// # Errors
/// What the device reports.
pub async fn advance(gpu: &Gpu) -> Result<Vec<Row>> {
    let kernel = Advance::new(gpu).await?;
    let sgd =
        |momentum, nesterov| Optimizer { momentum, nesterov, weight_decay: 0.25, ..Optimizer::default() };
    let of = |algorithm| Optimizer { algorithm, weight_decay: 0.25, ..Optimizer::default() };
    let rules = [
        ("sgd", sgd(0.0, false)),
        ("momentum", sgd(0.75, false)),
        ("nesterov", sgd(0.75, true)),
        ("adam", of(Algorithm::Adam)),
        ("adamw", of(Algorithm::AdamW)),
    ];
    let mut rows = Vec::new();
    for (name, rule) in rules {
        let mut trial = Trial::new(format!("optimizer.advance {name}"));
        for shape in SHAPES {
            for number in [0, 1, 9] {
                trial.shape(&shape);
                step(&mut trial, gpu, &kernel, rule, shape, number).await?;
            }
        }
        rows.push(trial.row());
    }
    Ok(rows)
}

/// All values are of the order of 1, the moment of squares no less than 1/4: what is rounded on the way, some ten times
/// and in constants, stays within so much.
const ALLOWED: f64 = 16.0 * 2.0 * f32::EPSILON as f64;

/// Of gradient descent, whose velocity may be any size.
const LR: f64 = 0.1;

async fn step(
    trial: &mut Trial,
    gpu: &Gpu,
    kernel: &Advance,
    rule: Optimizer,
    [ins, outs]: [usize; 2],
    number: u64,
) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64((ins * 1000 + outs) as u64 + number);
    // Weights and bias in one: a layer of one more input.
    let [g, mut w, mut m, v] = [0; 4].map(|_| random(&mut rng, ins + 1, outs));
    let mut v = v.map(|v| 0.625 + 0.375 * v);
    let kept = match rule.algorithm {
        Algorithm::Sgd => usize::from(rule.momentum != 0.0),
        _ => 2,
    };
    // What a rule does not keep is not to be touched.
    [&mut m, &mut v].into_iter().skip(kept).for_each(|moment| moment.data_mut().fill(f32::NAN));
    let layout = Layout::weights(ins, outs);
    let upload = |label: &str, values: &Tensor<f32>| {
        let (w, b) = values.data().split_at(ins * outs);
        Matrix::upload(gpu, label, layout, &layout.pack_weights(w, b))
    };
    let (g_gpu, w_gpu, moments) = (upload("g", &g)?, upload("w", &w)?, [upload("m", &m)?, upload("v", &v)?]);
    let room = (NETWORKS * size_of::<Step>()) as u64;
    let steps = gpu.rows("steps", room.div_ceil(Gpu::ROW) as usize);
    gpu.write(&steps, 0, &[rule.step(number, Schedule::constant(LR).rate(number))]);
    let slice = steps.slice(0, room);
    finish(gpu, &kernel.launch(gpu, slice, &g_gpu, &w_gpu, &moments)?).await?;

    let Optimizer { algorithm, momentum, nesterov, weight_decay } = rule;
    let decoupled = algorithm == Algorithm::AdamW;
    let twin = optimizer::Optimizer {
        rule: match algorithm {
            Algorithm::Sgd => optimizer::Rule::Sgd { momentum: momentum.into(), nesterov },
            _ => optimizer::Rule::Adam { betas: BETAS, epsilon: EPSILON, decoupled },
        },
        weight_decay: weight_decay.into(),
    };
    [&mut m, &mut v].into_iter().skip(kept).for_each(|moment| moment.data_mut().fill(0.0));
    let [mut w_want, mut m_want, mut v_want] =
        [&mut w, &mut m, &mut v].map(|values| f64s(values).into_data());
    twin.step(number + 1, LR, &mut w_want, [&mut m_want, &mut v_want], f64s(&g).data());
    for (name, matrix, want) in [
        ("w", &w_gpu, &w_want),
        ("first moment", &moments[0], &m_want),
        ("second moment", &moments[1], &v_want),
    ]
    .into_iter()
    .take(1 + kept)
    {
        let (mut got, packed) = read(gpu, matrix).await?;
        got.extend(layout.unpack_bias(&packed));
        trial.within(&name, &got, want, |_| ALLOWED);
        let whole = layout.pack_weights(&got[..ins * outs], &got[ins * outs..]);
        trial.equal(&format!("padding of {name}"), &packed, &whole);
    }
    for moment in moments.iter().skip(kept) {
        let (values, _) = read(gpu, moment).await?;
        trial.holds(&"a moment not kept", values.iter().all(|v| v.is_nan()), &"it was written");
    }
    Ok(())
}
