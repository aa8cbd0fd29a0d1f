//! How far z must be moved so that a layer shows what it shows.

use crate::doctor::formulas::algebra::{dot, minus, norm, plus, scaled, times, zip};
use crate::doctor::formulas::design::{Head, jacobian};
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::residual;
use crate::network::Activation;
use crate::reference::Matrix;

/// How much better the old weights must explain what a layer computed.
const BETTER: f64 = 30.0;

/// What a layer's z shows in, and behind which function.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub value: &'a Matrix,
    pub head: Head,
    /// Dropout's mask and its factor, where a is multiplied with them.
    pub mask: Option<(&'a Matrix, f64)>,
}

impl Shown<'_> {
    /// What z makes.
    pub fn apply(&self, z: &Matrix) -> Matrix {
        self.masked(&self.head.apply(z))
    }

    fn masked(&self, a: &Matrix) -> Matrix {
        self.mask.map_or_else(|| a.clone(), |(mask, factor)| scaled(&times(a, mask), factor))
    }

    /// The z behind it, as far as it is known.
    fn undone(&self) -> Option<Matrix> {
        let Some((mask, factor)) = self.mask else { return inverse(self.head, self.value) };
        let kept = |a: f64, m: f64| if m == 0.0 { f64::NAN } else { a / (m * factor) };
        inverse(self.head, &zip(self.value, mask, kept))
    }
}

/// The z behind what a layer shows, if its function can be undone.
pub fn inverse(head: Head, value: &Matrix) -> Option<Matrix> {
    let undone = |f: fn(f64) -> f64| Some(value.map(f));
    match head {
        Head::Softmax => undone(f64::ln),
        Head::SoftmaxOf(_) | Head::Of(Activation::Gelu | Activation::Silu) => None,
        Head::Of(Activation::Identity | Activation::Relu) => undone(|a| a),
        Head::Of(Activation::LeakyRelu) => {
            undone(|a| if a > 0.0 { a } else { a / Activation::LeakyRelu.derivative(-1.0) })
        }
        Head::Of(Activation::Sigmoid) => undone(|a| (a / (1.0 - a)).ln()),
        Head::Of(Activation::Tanh) => undone(f64::atanh),
        Head::Of(Activation::Elu) => undone(|a| if a > 0.0 { a } else { a.ln_1p() }),
        Head::Of(Activation::Softplus) => undone(|a| a.exp_m1().ln()),
    }
}

/// The z behind what is shown of a function that falls and then rises, on the side of its least value where `start` lies.
pub fn inverse_near(head: Head, value: &Matrix, start: &Matrix) -> Option<Matrix> {
    let Head::Of(act @ (Activation::Gelu | Activation::Silu)) = head else { return None };
    let halved = |mut low: f64, mut high: f64, is_low: &dyn Fn(f64) -> bool| {
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if is_low(middle) { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    };
    let least = halved(-3.0, 0.0, &|z| act.derivative(z) < 0.0);
    let z = |a: f64, start: f64| match start < least {
        true => halved(-FAR, least, &|z| act.apply(z) > a),
        false => halved(least, FAR, &|z| act.apply(z) < a),
    };
    (value.shape() == start.shape()).then(|| zip(value, start, z))
}

/// No z lies further out.
const FAR: f64 = 1e3;

/// The halvings that bring a bracket down to rounding.
const HALVINGS: usize = 70;

/// The search for the lengths of steps that explain what a layer shows.
pub struct Search<'a> {
    pub shown: Shown<'a>,
    /// Whether the file has 32-bit values.
    pub single: bool,
    /// How far other layers moved.
    pub known: Option<f64>,
}

impl Search<'_> {
    /// The multiples that the z behind what is shown asks for, as far as it is known exactly: where the function is not flat.
    fn undone(&self, start: &Matrix, directions: &[&Matrix]) -> Option<Vec<f64>> {
        let z = self.shown.undone()?;
        let Head::Of(f) = self.shown.head else { return None };
        let sure = |z: f64| if z.is_finite() { f.derivative(z) } else { 0.0 };
        let weighed = |m: &Matrix| {
            Matrix::from_fn(z.rows(), z.cols(), |r, c| match sure(z.at(r, c)) {
                0.0 => 0.0,
                weight => weight * m.at(r, c),
            })
        };
        let slopes: Vec<Matrix> = directions.iter().map(|direction| weighed(direction)).collect();
        least_squares(&weighed(&minus(&z, start)), &slopes)
    }

    /// The multiples of one or two directions by which z must be moved, and how exactly the first is known; by
    /// Gauss and Newton.
    pub fn lengths(&self, start: &Matrix, directions: &[&Matrix]) -> Option<(Vec<f64>, f64)> {
        let Shown { value, head, .. } = self.shown;
        if directions.iter().any(|d| norm(d) == 0.0 || !norm(d).is_finite()) {
            return None;
        }
        let moved = |c: &[f64]| {
            directions.iter().zip(c).fold(start.clone(), |z, (direction, &c)| plus(&z, &scaled(direction, c)))
        };
        let rest = |c: &[f64]| minus(value, &self.shown.apply(&moved(c)));
        let zeros = vec![0.0; directions.len()];
        let known = self.known.map(|by| [vec![by], zeros[1..].to_vec()].concat());
        let starts = [self.undone(start, directions), known, Some(zeros.clone())].into_iter().flatten();
        let nearest = |a: &Vec<f64>, b: &Vec<f64>| norm(&rest(a)).total_cmp(&norm(&rest(b)));
        let mut c = starts.filter(|c| norm(&rest(c)).is_finite()).min_by(nearest)?;
        for _ in 0..ROUNDS {
            let z = moved(&c);
            let slopes: Vec<Matrix> =
                directions.iter().map(|direction| self.shown.masked(&along(head, &z, direction))).collect();
            let change = least_squares(&rest(&c), &slopes)?;
            let next: Vec<f64> = c.iter().zip(&change).map(|(c, change)| c + change).collect();
            if norm(&rest(&next)) >= norm(&rest(&c)) {
                break;
            }
            c = next;
        }
        let (before, after) =
            (residual(value, &self.shown.apply(start)), residual(value, &self.shown.apply(&moved(&c))));
        let enough = if self.single { 1e-5 } else { 1e-10 };
        (after < enough && after * BETTER < before).then(|| (c, (3.0 * after / before).min(0.03)))
    }
}

/// The most steps of a search.
const ROUNDS: usize = 30;

/// The change of `h(z)` along a change of z.
fn along(head: Head, z: &Matrix, direction: &Matrix) -> Matrix {
    let through = |f: Activation| times(direction, &z.map(|z| f.derivative(z)));
    match head {
        Head::Of(f) => through(f),
        Head::Softmax => jacobian(&head.apply(z), direction),
        Head::SoftmaxOf(f) => jacobian(&head.apply(z), &through(f)),
    }
}

/// The multiples of one or two tensors nearest to another.
fn least_squares(u: &Matrix, of: &[Matrix]) -> Option<Vec<f64>> {
    match of {
        [r] => Some(vec![dot(u, r) / dot(r, r)]).filter(|c| c[0].is_finite()),
        [r, s] => scale::nearest(u, r, s).map(|(c, d)| vec![c, d]),
        _ => None,
    }
}
