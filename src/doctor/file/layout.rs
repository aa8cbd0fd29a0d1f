//! How samples and weights lie in a file.

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
