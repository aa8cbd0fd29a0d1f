//! What the outputs of a network say.

use crate::data::Outputs;
use crate::reference::{Matrix, sigmoid, softmax};

/// Probabilities of classes or labels, or numbers in their own unit, from logits: `[samples, outputs]`.
pub fn answers(outputs: &Outputs, z: &Matrix) -> Matrix {
    match outputs {
        Outputs::Classes => softmax(z),
        Outputs::Labels => z.map(sigmoid),
        numbers @ Outputs::Numbers { .. } => {
            Matrix::from_fn(z.rows(), z.cols(), |r, c| numbers.unscaled(c, z.at(r, c)))
        }
    }
}
