//! How far rounding alone may carry a value that was computed from the beginning: what is needed where values cancel
//! to almost nothing, so that a relative difference says nothing.

use super::trace::Named;
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::network::Activation;
use crate::reference::{Matrix, Mlp};
use std::collections::BTreeMap;

/// Roundings that one sum may gather, beyond the square root of its length.
const ROUNDINGS: f64 = 8.0;

/// The absolute error of each tensor's values that rounding explains.
///
/// With ε the precision, e(q) the error of q, |q| its largest value, and signs taken to be random (√K for K terms):
///
/// ```text
/// e(z_l)  = √in · |W_l| · (8ε |a_{l-1}| + e(a_{l-1}))         e(a_l) = e(z_l)
/// e(p)    = e(z_L) + 8ε      e(loss) = 2 e(z_L) + 8ε (1 + |z_L|)      e(dz_L) = e(p) / N
/// e(da_l) = √out · |W_{l+1}| · (8ε |dz_{l+1}| + e(dz_{l+1}))  e(dz_l) = e(da_l) + |da_l| · e(z_l)
/// e(dW_l) = √N · (8ε |a_{l-1}| |dz_l| + |a_{l-1}| e(dz_l) + e(a_{l-1}) |dz_l|)    e(db_l): with a = 1
/// e(W_new) = 8ε |W| + lr · e(dW)
/// ```
pub struct Rounding {
    errors: BTreeMap<Slot, f64>,
}

impl Rounding {
    /// The errors of the tensors in `right`, computed with precision `epsilon`.
    pub fn new(mlp: &Mlp, case: &Case, right: &[Named], lr: f64, epsilon: f64) -> Self {
        let sizes: BTreeMap<Slot, f64> =
            right.iter().map(|(slot, tensor)| (*slot, largest(tensor))).collect();
        let size = |slot: Slot| sizes.get(&slot).copied().unwrap_or(0.0);
        let input = |l: usize| if l == 1 { largest(&case.x) } else { size(Slot::A(l - 1)) };
        let root = |count: usize| (count as f64).sqrt();
        let (eps, depth) = (ROUNDINGS * epsilon, mlp.layers.len());
        // Entry l is the error of a_l; that of the input is 0.
        let (mut errors, mut a) = (BTreeMap::new(), vec![0.0]);
        for (l, layer) in (1..).zip(&mlp.layers) {
            let z = root(layer.w.rows()) * largest(&layer.w) * (eps * input(l) + a[l - 1]);
            errors.extend([(Slot::Z(l), z), (Slot::A(l), z)]);
            a.push(z);
        }
        let p = a[depth] + eps;
        errors.extend([(Slot::P, p), (Slot::Loss, 2.0 * a[depth] + eps * (1.0 + size(Slot::Z(depth))))]);
        let mut dz = p / case.count();
        for (below, layer) in mlp.layers.iter().enumerate().rev() {
            let l = below + 1;
            if let Some(above) = mlp.layers.get(l) {
                let da = root(above.b.len()) * largest(&above.w) * (eps * size(Slot::Dz(l + 1)) + dz);
                errors.insert(Slot::Da(l), da);
                let sloped = mlp.activation != Activation::Relu;
                dz = da + if sloped { size(Slot::Da(l)) * a[l] } else { 0.0 };
            }
            errors.insert(Slot::Dz(l), dz);
            let gradient = |a: f64, e: f64| {
                root(case.n) * (eps * a * size(Slot::Dz(l)) + a * dz + e * size(Slot::Dz(l)))
            };
            let (w, b) = (gradient(input(l), a[l - 1]), gradient(1.0, 0.0));
            let largest_b = layer.b.iter().fold(0.0_f64, |size, b| size.max(b.abs()));
            errors.extend([(Slot::Grad(Param::W(l)), w), (Slot::Grad(Param::B(l)), b)]);
            errors.insert(Slot::New(Param::W(l)), eps * largest(&layer.w) + lr.abs() * w);
            errors.insert(Slot::New(Param::B(l)), eps * largest_b + lr.abs() * b);
        }
        Self { errors }
    }

    /// The error of a tensor's values.
    pub fn of(&self, slot: Slot) -> f64 {
        self.errors.get(&slot).copied().unwrap_or(0.0)
    }
}

fn largest(tensor: &Matrix) -> f64 {
    tensor.data().iter().fold(0.0, |size, value| size.max(value.abs()))
}
