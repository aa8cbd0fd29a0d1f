//! Batch normalisation, folded into the fully connected layer beside it.
//!
//! ```text
//! s = γ / √(variance + ε)      y = s · (x - mean) + β
//! behind a layer:  W' = W · s (each column),  b' = s · (b - mean) + β
//! before a layer:  W' = s · W (each row),     b' = b + (β - s · mean) · W
//! ```

use crate::tensor::Tensor;

/// PyTorch's and ONNX's default.
pub const EPSILON: f64 = 1e-5;

/// The four vectors of a normalisation.
#[derive(Debug, Clone, Default)]
pub struct Normalisation {
    /// γ, or 1.
    pub gamma: Option<Tensor>,
    /// β, or 0.
    pub beta: Option<Tensor>,
    /// The running mean.
    pub mean: Option<Tensor>,
    /// The running variance.
    pub variance: Option<Tensor>,
}

impl Normalisation {
    /// How many values it normalises, as its statistics say.
    pub fn width(&self) -> usize {
        self.mean.as_ref().or(self.variance.as_ref()).map_or(0, |tensor| tensor.data().len())
    }

    /// Factor and summand of each of so many values, with this ε.
    ///
    /// # Errors
    /// What is missing or does not fit.
    pub fn line(&self, width: usize, epsilon: f64) -> Result<(Vec<f64>, Vec<f64>), String> {
        let vector = |tensor: &Option<Tensor>, default: Option<f64>| match tensor {
            Some(tensor) if tensor.data().len() == width => {
                Ok(tensor.data().iter().map(|&value| f64::from(value)).collect::<Vec<_>>())
            }
            Some(tensor) => Err(format!("it normalises {} values, not {width}", tensor.data().len())),
            None => default
                .map(|value| vec![value; width])
                .ok_or_else(|| "it has no running mean and variance: save it with its statistics".to_owned()),
        };
        let (gamma, beta) = (vector(&self.gamma, Some(1.0))?, vector(&self.beta, Some(0.0))?);
        let (mean, variance) = (vector(&self.mean, None)?, vector(&self.variance, None)?);
        let factor: Vec<f64> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
        let summand: Vec<f64> =
            beta.iter().zip(&factor).zip(&mean).map(|((beta, factor), mean)| beta - factor * mean).collect();
        match factor.iter().chain(&summand).all(|value| (*value as f32).is_finite()) {
            true => Ok((factor, summand)),
            false => Err("it divides by 0 or holds values that are not finite".into()),
        }
    }
}

/// Folds factor and summand into the layer before them, whose weight is `[in, out]`.
pub fn behind(w: &Tensor, b: &Tensor, factor: &[f64], summand: &[f64]) -> (Tensor, Tensor) {
    let outs = w.cols();
    let w = w.data().iter().enumerate().map(|(at, &w)| (f64::from(w) * factor[at % outs]) as f32);
    let w = w.collect::<Vec<f32>>();
    let line = b.data().iter().zip(factor).zip(summand);
    let b: Vec<f32> = line.map(|((&b, factor), summand)| (f64::from(b) * factor + summand) as f32).collect();
    (matrix([w.len() / outs, outs], w), matrix([outs], b))
}

/// Folds factor and summand into the layer behind them, whose weight is `[in, out]`.
pub fn before(w: &Tensor, b: &Tensor, factor: &[f64], summand: &[f64]) -> (Tensor, Tensor) {
    let outs = w.cols();
    let mut wide: Vec<f64> = b.data().iter().map(|&b| f64::from(b)).collect();
    for (row, summand) in w.data().chunks_exact(outs).zip(summand) {
        wide.iter_mut().zip(row).for_each(|(b, &w)| *b += summand * f64::from(w));
    }
    let w: Vec<f32> =
        w.data().iter().enumerate().map(|(at, &w)| (f64::from(w) * factor[at / outs]) as f32).collect();
    (matrix([w.len() / outs, outs], w), matrix([outs], wide.into_iter().map(|b| b as f32).collect()))
}

fn matrix<const D: usize>(shape: [usize; D], values: Vec<f32>) -> Tensor {
    // The values were counted from the shape.
    Tensor::new(shape, values).unwrap_or_else(|_| Tensor::zeros(shape))
}
