//! How samples and weights lie in a file.

use super::npy::Refusal;

/// How a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Samples are rows.
    pub rows: bool,
    /// Weights are `[in, out]`.
    pub in_out: bool,
}

impl Layout {
    /// The likeliest first: numpy's custom, the mathematicians', PyTorch's, and the odd one.
    pub const ALL: [Self; 4] = [
        Self { rows: true, in_out: true },
        Self { rows: false, in_out: false },
        Self { rows: true, in_out: false },
        Self { rows: false, in_out: true },
    ];
}

/// A tensor whose shape does not fit the others.
pub fn misshapen(name: &str, expected: &str, shape: &[usize]) -> Refusal {
    let problem = format!("has {name} with shape {shape:?}; expected {expected}");
    Refusal::new(
        problem,
        "the layers must chain: X [N, in], W1 [in, n1], b1 [n1], W2 [n1, n2], … (or all transposed)",
    )
}
