//! The losses of numbers against their f64 twins: loss, hits and gradient, on awkward shapes and extreme outputs.

use super::operands::{f64s, finish, random, read};
use super::{Row, Trial};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::{Layout, Matrix, Sample, Sum, ValuesLoss};
use crate::network::{Loss, Task};
use crate::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SHAPES: [[usize; 2]; 8] = [[1, 1], [1, 2], [3, 10], [63, 10], [64, 4], [65, 5], [130, 26], [7, 300]];

/// What every sum holds before, since kernels add to it.
const BEFORE: Sum = Sum { loss: 0.5, hits: 3 };

/// Training's kernel and evaluation's, of one loss.
///
/// # Errors
/// What the device reports; [`Error::Internal`] for a loss of classes.
pub async fn check(gpu: &Gpu, name: &str, loss: Loss) -> Result<Vec<Row>> {
    let kernel = ValuesLoss::new(gpu, loss).await?;
    let kernel = kernel.ok_or_else(|| Error::Internal("a loss of classes has a trial of its own".into()))?;
    let mut cases = Vec::new();
    for shape in SHAPES {
        cases.extend([false, true].map(|padded| Case::new(shape, loss, 4.0, padded)));
    }
    // exp(100) overflows and exp(-100) underflows: neither may reach the loss or the gradient.
    cases.push(Case::new([65, 10], loss, 100.0, false));
    let mut rows = Vec::new();
    for (entry, train) in [("train", true), ("evaluate", false)] {
        let mut trial = Trial::new(format!("{name}.{entry}"));
        for case in &cases {
            trial.shape(case.z.shape());
            case.check(&mut trial, gpu, &kernel, train).await?;
        }
        rows.push(trial.row());
    }
    Ok(rows)
}

/// Outputs, targets and weights. Samples lie in the opposite order of their targets.
struct Case {
    loss: Loss,
    z: Tensor<f32>,
    targets: Tensor<f32>,
    order: Vec<Sample>,
}

impl Case {
    /// Every third row is padding if `padded`.
    fn new([rows, outputs]: [usize; 2], loss: Loss, scale: f32, padded: bool) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64((rows * 1000 + outputs) as u64);
        let z = random(&mut rng, rows, outputs).map(|z| z * scale);
        let targets = match loss.task() {
            Task::MultiLabel => Tensor::from_fn(rows, outputs, |_, _| (rng.next_u32() >> 31) as f32),
            Task::Classification | Task::Regression => random(&mut rng, rows, outputs).map(|t| 2.0 * t),
        };
        let sample = |row| {
            let weight = if padded && row % 3 == 2 { 0.0 } else { 1.0 / rows as f32 };
            Sample { sample: 0, label: (rows - 1 - row) as u32, weight, unused: 0 }
        };
        Self { loss, z, targets, order: (0..rows).map(sample).collect() }
    }

    async fn check(&self, trial: &mut Trial, gpu: &Gpu, kernel: &ValuesLoss, train: bool) -> Result<()> {
        let layout = Layout::activations(self.z.rows(), self.z.cols());
        let z = Matrix::upload(gpu, "outputs", layout, &layout.pack_activations(self.z.data()))?;
        let mut padded = self.order.clone();
        padded.resize(layout.row_blocks * 4, Sample::PADDING);
        let (order, targets) = (gpu.upload("order", &padded)?, gpu.upload("targets", self.targets.data())?);
        let count = kernel.sums(padded.len());
        let sums = gpu.upload("sums", &vec![BEFORE; count])?;
        let launch = match train {
            true => kernel.train(gpu, &z, order.whole(), &targets, &sums)?,
            false => kernel.evaluate(gpu, &z, order.whole(), &targets, &sums)?,
        };
        finish(gpu, &launch).await?;
        self.check_sums(trial, &gpu.read::<Sum>(&sums, count).await?);
        if train {
            let (got, packed) = read(gpu, &z).await?;
            self.check_gradient(trial, &got);
            let beyond = &packed[self.z.rows() * layout.stride()..];
            trial.holds(&"padded rows", beyond.iter().all(|&dz| dz == 0.0), &"they have a gradient");
        }
        Ok(())
    }

    /// The targets in the order of the rows.
    fn aim(&self) -> Tensor<f64> {
        let (rows, cols) = (self.z.rows(), self.z.cols());
        Tensor::from_fn(rows, cols, |r, c| f64::from(self.targets.at(self.order[r].label as usize, c)))
    }

    /// The largest distance between an output and a target, and 1 for the sigmoid.
    fn spread(&self) -> f64 {
        self.z.data().iter().fold(3.0, |max, z| (f64::from(z.abs()) + 2.0).max(max))
    }

    fn check_sums(&self, trial: &mut Trial, sums: &[Sum]) {
        let (z, aim) = (f64s(&self.z), self.aim());
        let (losses, hits) = (self.loss.of_rows(&z, &aim, 0.0), self.loss.hits(&z, &aim));
        let mut want = (f64::from(BEFORE.loss) * sums.len() as f64, BEFORE.hits as usize * sums.len());
        for ((loss, hit), _) in losses.iter().zip(hits).zip(&self.order).filter(|(_, row)| row.weight != 0.0)
        {
            want = (want.0 + loss, want.1 + usize::from(hit));
        }
        let loss: f64 = sums.iter().map(|sum| f64::from(sum.loss)).sum();
        // A sum of so many terms, each off by a few ulp; WGSL lets log be off by 3 ulp outside of 0.5..2, and by 2⁻²¹ there.
        let terms = (self.z.rows() + self.z.cols()) as f64;
        let allowed = terms * f64::from(f32::EPSILON) * want.0 + self.z.rows() as f64 * 1e-6;
        let so = (loss - want.0).abs() <= allowed;
        trial.holds(&"loss", so, &format!("got {loss}, want {}, off by up to {allowed:e}", want.0));
        let hits: u32 = sums.iter().map(|sum| sum.hits).sum();
        trial.equal(&"hits", &[hits as usize], &[want.1]);
    }

    fn check_gradient(&self, trial: &mut Trial, got: &[f32]) {
        let (rows, outputs) = (self.z.rows(), self.z.cols());
        let mean = self.loss.gradient(&f64s(&self.z), &self.aim(), 0.0);
        let want = Tensor::from_fn(rows, outputs, |r, c| {
            mean.at(r, c) * rows as f64 * f64::from(self.order[r].weight)
        });
        // WGSL lets exp(x) be off by 3 + 2|x| ulp of what is at most 1.
        let ulps = f64::from(f32::EPSILON) * (8.0 + 4.0 * self.spread());
        let allowed = |i: usize| ulps * f64::from(self.order[i / outputs].weight) / outputs as f64;
        trial.within(&"dz", got, want.data(), allowed);
    }
}
