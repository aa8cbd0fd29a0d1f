//! An ensemble: several networks of one shape, which answer with the mean of what each of them says.
//!
//! ```text
//! classes   p = 1/N Σ softmax(z_k)     z = ln p             softmax(z) = p
//! labels    p = 1/N Σ σ(z_k)           z = ln p - ln(1-p)   σ(z) = p
//! numbers   y = 1/N Σ y_k              z = 1/N Σ z_k
//! ```
//!
//! So the logits of an ensemble are used as those of a network: the largest is the answer, and the loss is that of the mean.
//! Logarithms of sums are taken in f64 without leaving the range of numbers. The spread between members is the root of the
//! squared differences of their probabilities, or numbers, from the mean, over N - 1.
//!
//! Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles", 2017.

use super::model::Model;
use crate::data::{Outputs, Samples, Split};
use crate::engine::{Engine, EngineInfo};
use crate::error::Result;
use crate::network::Parameters;
use crate::reference::{log_sum_exp, sigmoid};
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// Networks of one shape that take turns on an engine.
pub struct Ensemble<E> {
    engine: E,
    members: Vec<Parameters>,
    outputs: Outputs,
    /// Whose parameters the engine has.
    current: Option<usize>,
}

/// What an ensemble says of samples.
pub struct Answers {
    /// As those of one network, `[samples, outputs]`.
    pub logits: Tensor,
    /// Between the members: the deviation of their probabilities, or of numbers in the targets' own unit; absent of a single network.
    pub deviation: Option<Vec<f64>>,
}

impl<E: Engine> Ensemble<E> {
    /// Of members that fit the engine.
    pub fn new(engine: E, members: Vec<Parameters>, outputs: Outputs) -> Self {
        Self { engine, members, outputs, current: None }
    }

    /// What computes.
    pub fn info(&self) -> EngineInfo {
        self.engine.info()
    }

    /// The engine with one of the members, counted from 0.
    ///
    /// # Errors
    /// As [`Engine::set_parameters`].
    pub async fn member(&mut self, index: usize) -> Result<&mut E> {
        if self.current != Some(index) {
            self.engine.set_parameters(&self.members[index], None).await?;
            self.current = Some(index);
        }
        Ok(&mut self.engine)
    }

    /// What the members say together, and how they differ.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn answers(&mut self, split: Split, samples: &[u32]) -> Result<Answers> {
        let mut logits = Engine::logits(self.member(0).await?, split, samples).await?;
        if self.members.len() == 1 {
            return Ok(Answers { logits, deviation: None });
        }
        let mut sum = Sum::new(self.outputs.clone(), logits.data().len());
        sum.add(&logits);
        for index in 1..self.members.len() {
            logits = Engine::logits(self.member(index).await?, split, samples).await?;
            sum.add(&logits);
        }
        let mean = sum.logits().into_iter().map(|z| z as f32).collect();
        Ok(Answers { logits: Tensor::new(logits.shape(), mean)?, deviation: Some(sum.deviation()) })
    }
}

/// What members say, added up.
struct Sum {
    outputs: Outputs,
    members: f64,
    /// Of classes and labels ln Σ p, of numbers Σ z.
    yes: Vec<f64>,
    /// Of labels ln Σ (1 - p).
    no: Vec<f64>,
    /// The mean of probabilities or numbers so far, and the squares about it, by Welford's update.
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Sum {
    fn new(outputs: Outputs, count: usize) -> Self {
        let nothing = if matches!(outputs, Outputs::Numbers { .. }) { 0.0 } else { f64::NEG_INFINITY };
        let no = if outputs == Outputs::Labels { count } else { 0 };
        let (yes, no) = (vec![nothing; count], vec![nothing; no]);
        Self { outputs, members: 0.0, yes, no, mean: vec![0.0; count], squares: vec![0.0; count] }
    }

    /// Adds what a member says, `[samples, outputs]`.
    fn add(&mut self, logits: &Tensor) {
        self.members += 1.0;
        let cols = logits.cols();
        for (row, z) in logits.data().chunks(cols.max(1)).enumerate() {
            let z: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
            let all = if self.outputs.are_classes() { log_sum_exp(&z) } else { 0.0 };
            for (column, &z) in z.iter().enumerate() {
                let at = row * cols + column;
                let said = match &self.outputs {
                    Outputs::Classes => {
                        self.yes[at] = log_add(self.yes[at], z - all);
                        (z - all).exp()
                    }
                    Outputs::Labels => {
                        self.yes[at] = log_add(self.yes[at], log_sigmoid(z));
                        self.no[at] = log_add(self.no[at], log_sigmoid(-z));
                        sigmoid(z)
                    }
                    numbers @ Outputs::Numbers { .. } => {
                        self.yes[at] += z;
                        numbers.unscaled(column, z)
                    }
                };
                let delta = said - self.mean[at];
                self.mean[at] += delta / self.members;
                self.squares[at] += delta * (said - self.mean[at]);
            }
        }
    }

    /// The logits of the mean.
    fn logits(&self) -> Vec<f64> {
        match self.outputs {
            Outputs::Classes => self.yes.iter().map(|yes| yes - self.members.ln()).collect(),
            Outputs::Labels => self.yes.iter().zip(&self.no).map(|(yes, no)| yes - no).collect(),
            Outputs::Numbers { .. } => self.yes.iter().map(|sum| sum / self.members).collect(),
        }
    }

    /// Between the members.
    fn deviation(&self) -> Vec<f64> {
        self.squares.iter().map(|squares| (squares / (self.members - 1.0)).sqrt()).collect()
    }
}

/// `ln(exp(a) + exp(b))`
fn log_add(a: f64, b: f64) -> f64 {
    match a.max(b) {
        f64::NEG_INFINITY => f64::NEG_INFINITY,
        larger => larger + (-(a - b).abs()).exp().ln_1p(),
    }
}

/// `ln(1 / (1 + exp(-z)))`
fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - (-z.abs()).exp().ln_1p()
}

impl<E: Engine> Model for Ensemble<E> {
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        Engine::load(&mut self.engine, split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.answers(split, samples).await.map(|answers| answers.logits)
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Option<Sums>> {
        match self.members.len() {
            1 => Model::evaluate(self.member(0).await?, split, samples).await,
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Sum;
    use crate::data::Outputs;
    use crate::reference::{Matrix, sigmoid, softmax};
    use crate::tensor::Tensor;

    /// What three members say of two samples, small and far beyond what f32 can exponentiate.
    const SAID: [[f32; 6]; 3] = [
        [1.0, -2.0, 0.5, 300.0, -300.0, 0.0],
        [0.2, 0.1, -0.3, -200.0, 250.0, 1.0],
        [-4.0, 2.0, 0.0, 5.0, 4.0, 3.0],
    ];

    fn members() -> Vec<Tensor> {
        SAID.iter().map(|said| Tensor::new([2, 3], said.to_vec()).unwrap()).collect()
    }

    fn sum(outputs: Outputs) -> Sum {
        let mut sum = Sum::new(outputs, 6);
        members().iter().for_each(|logits| sum.add(logits));
        sum
    }

    fn assert_close(got: &[f64], expected: &[f64]) {
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{got} {expected}");
        }
        assert_eq!(got.len(), expected.len());
    }

    /// Mean and deviation of what each member says, as a textbook has them.
    fn plain(said: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
        let count = said.len() as f64;
        let column = |at: usize| said.iter().map(move |values| values[at]);
        let mean: Vec<f64> = (0..6).map(|at| column(at).sum::<f64>() / count).collect();
        let squares = |at: usize| column(at).map(|value| (value - mean[at]).powi(2)).sum::<f64>();
        let deviation = (0..6).map(|at| (squares(at) / (count - 1.0)).sqrt()).collect();
        (mean, deviation)
    }

    #[test]
    fn of_classes_the_softmax_of_the_logits_is_the_mean_of_probabilities() {
        let sum = sum(Outputs::Classes);
        let each: Vec<Vec<f64>> = members().iter().map(|z| softmax(&z.map(f64::from)).into_data()).collect();
        let (mean, deviation) = plain(&each);
        let logits = Matrix::new([2, 3], sum.logits()).unwrap();
        assert_close(softmax(&logits).data(), &mean);
        assert_close(&sum.deviation(), &deviation);
        assert!(logits.data().iter().all(|z| z.is_finite()), "{logits:?}");
    }

    #[test]
    fn of_labels_the_sigmoid_of_the_logits_is_the_mean_of_probabilities() {
        let sum = sum(Outputs::Labels);
        let each: Vec<Vec<f64>> =
            SAID.iter().map(|z| z.iter().map(|&z| sigmoid(z.into())).collect()).collect();
        let (mean, deviation) = plain(&each);
        let answers: Vec<f64> = sum.logits().into_iter().map(sigmoid).collect();
        assert_close(&answers, &mean);
        assert_close(&sum.deviation(), &deviation);
    }

    #[test]
    fn of_numbers_the_outputs_are_the_mean_and_their_spread_has_the_targets_unit() {
        let sum = sum(Outputs::Numbers { mean: vec![10.0; 3], deviation: vec![2.0; 3] });
        let each: Vec<Vec<f64>> = SAID.iter().map(|z| z.iter().map(|&z| f64::from(z)).collect()).collect();
        let (mean, deviation) = plain(&each);
        assert_close(&sum.logits(), &mean);
        assert_close(&sum.deviation(), &deviation.iter().map(|own| 2.0 * own).collect::<Vec<_>>());
    }
}
