//! The loss kernel against its f64 twin: loss, hits, gradient and probabilities, on awkward shapes and extreme logits.

use super::operands::{f64s, finish, nan, random, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::{Kernels, Layout, Matrix, Sample, SoftmaxXent, Sum};
use crate::reference;
use crate::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SHAPES: [[usize; 2]; 8] = [[1, 1], [1, 2], [3, 10], [63, 10], [64, 4], [65, 5], [130, 26], [7, 1000]];

/// What every sum holds before, since kernels add to it.
const BEFORE: Sum = Sum { loss: 0.5, hits: 3 };

/// Training's kernel, with and without smoothed labels, and evaluation's.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu) -> Result<Vec<Row>> {
    let kernel = Kernels::new(gpu).await?.softmax_xent;
    let mut cases = Vec::new();
    for [rows, classes] in SHAPES {
        cases.extend([false, true].map(|padded| Case::new(rows, classes, 4.0, padded)));
    }
    // exp(1e4) overflows and exp(-1e4) underflows: neither may reach the loss or the gradient.
    cases.push(Case::new(65, 10, 1e4, false));
    cases.push(Case { logits: Tensor::from_fn(2, 3, |_, _| 1e4), ..Case::new(2, 3, 1.0, false) });
    let mut rows = Vec::new();
    for (name, smoothing) in [("train", Some(0.0)), ("train smoothing", Some(0.25)), ("evaluate", None)] {
        let mut trial = Trial::new(format!("softmax_xent.{name}"));
        for case in &cases {
            trial.shape(&[case.logits.rows(), case.logits.cols()]);
            case.check(&mut trial, gpu, &kernel, smoothing).await?;
        }
        rows.push(trial.row());
    }
    Ok(rows)
}

/// Logits, labels and weights.
struct Case {
    logits: Tensor<f32>,
    order: Vec<Sample>,
}

impl Case {
    /// Every third row is padding if `padded`.
    fn new(rows: usize, classes: usize, scale: f32, padded: bool) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64((rows * 1000 + classes) as u64);
        let logits = random(&mut rng, rows, classes).map(|z| z * scale);
        let sample = |row| {
            let label = rng.next_u32() % classes as u32;
            let weight = if padded && row % 3 == 2 { 0.0 } else { 1.0 / rows as f32 };
            Sample { sample: 0, label, weight, unused: 0 }
        };
        Self { logits, order: (0..rows).map(sample).collect() }
    }

    /// Trains with so much smoothing, or evaluates.
    async fn check(
        &self,
        trial: &mut Trial,
        gpu: &Gpu,
        kernel: &SoftmaxXent,
        train: Option<f32>,
    ) -> Result<()> {
        let Self { logits, order } = self;
        let layout = Layout::activations(logits.rows(), logits.cols());
        let z = Matrix::upload(gpu, "logits", layout, &layout.pack_activations(logits.data()))?;
        let mut padded = order.clone();
        padded.resize(layout.row_blocks * 4, Sample::PADDING);
        let order_gpu = gpu.upload("order", &padded)?;
        let count = kernel.sums(padded.len());
        let sums = gpu.upload("sums", &vec![BEFORE; count])?;
        let dz = nan(gpu, layout)?;
        let launch = match train {
            Some(smoothing) => kernel.train(gpu, &z, order_gpu.whole(), &sums, &dz, &[smoothing])?,
            None => kernel.evaluate(gpu, &z, order_gpu.whole(), &sums)?,
        };
        finish(gpu, &launch).await?;
        let sums = gpu.read::<Sum>(&sums, count).await?;
        self.check_sums(trial, &sums, train.unwrap_or(0.0));
        if let Some(smoothing) = train {
            let (got, packed) = read(gpu, &dz).await?;
            self.check_gradient(trial, &got, smoothing);
            trial.holds(&"padding", packed.iter().all(|dz| !dz.is_nan()), &"it is not written");
            let beyond = &packed[logits.rows() * layout.stride()..];
            trial.holds(&"padded rows", beyond.iter().all(|&dz| dz == 0.0), &"they have a gradient");
        }
        Ok(())
    }

    /// WGSL lets exp(x) be off by 3 + 2|x| ulp, and x here is a difference of logits.
    fn ulps(&self) -> f64 {
        f64::from(f32::EPSILON) * (16.0 + 4.0 * self.spread())
    }

    fn spread(&self) -> f64 {
        self.logits.data().iter().fold(0.0, |max, z| f64::from(z.abs()).max(max))
    }

    fn labels(&self) -> Vec<u32> {
        self.order.iter().map(|sample| sample.label).collect()
    }

    fn check_sums(&self, trial: &mut Trial, sums: &[Sum], smoothing: f32) {
        let (z, labels) = (f64s(&self.logits), self.labels());
        let losses = reference::smoothed_cross_entropy(&z, &labels, smoothing.into());
        let hits = reference::hits(&z, &labels);
        let mut want = (f64::from(BEFORE.loss) * sums.len() as f64, BEFORE.hits as usize * sums.len());
        for ((loss, hit), _) in losses.iter().zip(hits).zip(&self.order).filter(|(_, row)| row.weight != 0.0)
        {
            want = (want.0 + loss, want.1 + usize::from(hit));
        }
        let loss: f64 = sums.iter().map(|sum| f64::from(sum.loss)).sum();
        let allowed = self.logits.rows() as f64 * self.ulps() * (1.0 + self.spread());
        let so = (loss - want.0).abs() <= allowed;
        trial.holds(&"loss", so, &format!("got {loss}, want {}, off by up to {allowed:e}", want.0));
        let hits: u32 = sums.iter().map(|sum| sum.hits).sum();
        trial.equal(&"hits", &[hits as usize], &[want.1]);
    }

    fn check_gradient(&self, trial: &mut Trial, got: &[f32], smoothing: f32) {
        let (rows, classes) = (self.logits.rows(), self.logits.cols());
        let mean =
            reference::smoothed_cross_entropy_backward(&f64s(&self.logits), &self.labels(), smoothing.into());
        let want = Tensor::from_fn(rows, classes, |r, c| {
            mean.at(r, c) * rows as f64 * f64::from(self.order[r].weight)
        });
        let allowed = |row: usize| self.ulps() * f64::from(self.order[row].weight);
        trial.within(&"dz", got, want.data(), |i| allowed(i / classes));
        for (row, dz) in got.chunks(classes).enumerate() {
            // dz is (p - t) times the weight, and both p and t add up to 1.
            let sum: f64 = dz.iter().map(|&dz| f64::from(dz)).sum();
            let rounded = (classes + 4) as f64 * f64::from(f32::EPSILON) * f64::from(self.order[row].weight);
            let so = sum.abs() <= rounded;
            trial.holds(&format!("probabilities of row {row}"), so, &format!("off 1 by {sum:e}"));
        }
    }
}
