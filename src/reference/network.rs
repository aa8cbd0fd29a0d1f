//! A network's parameters in double precision.

use super::textbook::{Layer, Mlp};
use crate::network::{Activations, Dense, Parameters};

impl Parameters {
    /// The same network in double precision, for [`reference`](mod@crate::reference) to calculate with.
    pub fn in_f64(&self, activation: impl Into<Activations>) -> Mlp {
        let layer = |dense: &Dense| Layer {
            w: dense.w.map(f64::from),
            b: dense.b.data().iter().map(|&b| f64::from(b)).collect(),
        };
        Mlp { layers: self.layers.iter().map(layer).collect(), activation: activation.into() }
    }
}
