//! A layer as a file has it.

use std::collections::BTreeMap;

use super::place::Place;
use crate::tensor::Tensor;

/// What a layer is called in a file, for errors, and its tensors as the file has them.
#[derive(Default)]
pub struct Layer {
    pub name: String,
    /// Whether its names are PyTorch's.
    pub is_torch: bool,
    pub w: Option<Tensor>,
    pub b: Option<Tensor>,
}

/// Layers by their places.
pub type Layers = BTreeMap<Place, Layer>;

/// As many names as an error lists.
const LISTED: usize = 20;

/// Names in a row, as many as an error lists.
pub fn listed(names: &[String]) -> String {
    let more = if names.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(LISTED)].join(", "))
}

/// What a file is to hold, for errors.
pub const EXPECTED: &str = "expected weights and biases of fully connected layers: `0.weight`, `0.bias`, `2.weight`, … of a \
                        torch.nn.Sequential in safetensors, or `W1`, `b1`, … in .npz";

/// The layer's part of a tensor's name.
pub fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
