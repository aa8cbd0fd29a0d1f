//! Weights saved after the step: what a dump at the end of a train function has.
//!
//! The forward pass was computed with the old ones. These are the new ones and a multiple of a step that the file shows:
//! `W_old = W + c·G`, with one c for all layers. It is fitted to z, or to a or p behind every function they may have, and holds
//! only if all layers agree to rounding.

use super::{input, layers};
use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{
    column_sums, dense, dot, matmul, matmul_nt, matmul_tn, minus, norm, plus, scaled, times,
};
use crate::doctor::formulas::design::{Design, Head, jacobian};
use crate::doctor::formulas::gradient;
use crate::doctor::formulas::trial::residual;
use crate::network::Activation;
use crate::reference::Matrix;

/// Tensors with fewer values than this show no step, in 64 and in 32 bits.
const FEW: usize = 4;
const FEW_SINGLE: usize = 6;

/// How much better the old weights must explain what a layer computed.
const BETTER: f64 = 30.0;

/// Where the direction of a step is read from; tried in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    /// Momentum's velocity.
    Velocity,
    /// The gradients of the parameters.
    Gradient,
    /// `aᵀ·dz`, with dz from the file, or computed from the layer above.
    Delta,
}

impl Source {
    fn text(self) -> &'static str {
        match self {
            Self::Velocity => "W + c·v",
            Self::Gradient => "W + c·dW",
            Self::Delta => "W + c·(aᵀ·dz)",
        }
    }
}

/// The direction in which the parameters of a layer moved.
struct Way {
    w: Matrix,
    b: Matrix,
    /// dz of the layer, if the way comes from it.
    delta: Option<Matrix>,
}

/// What a layer's z shows in, and behind which function.
#[derive(Clone, Copy)]
struct Shown<'a> {
    value: &'a Matrix,
    head: Head,
}

/// How far one layer has moved.
#[derive(Debug, Clone)]
struct Moved {
    /// W and b were this many times their way further on.
    by: f64,
    /// W was this many times itself more: a penalty in the step.
    decay: f64,
    /// The biases before the step.
    b: Matrix,
    /// How exactly this is known.
    slack: f64,
}

/// Puts W and b back to what they were before the step, if z, a and p show that they are those after it.
pub fn restore(dump: &Dump, case: &mut Case) {
    if layers(case).any(|l| unmoved(dump, case, l)) {
        return;
    }
    let found = [Source::Velocity, Source::Gradient, Source::Delta].into_iter();
    let restored =
        found.filter_map(|source| Some((source, Restoring::new(dump, case, source).network()?))).next();
    let Some((source, (by, before))) = restored else { return };
    for (slot, old) in before {
        let now = case.given.insert(slot, old);
        if let (Slot::Param(param), Some(now)) = (slot, now)
            && dump.slots.contains_key(&slot)
        {
            case.given.entry(Slot::New(param)).or_insert(now);
        }
    }
    case.notes.push(format!(
        "W and b were saved after the step: what the layers computed shows {} with c = {by:.6}; that is used as W",
        source.text()
    ));
}

/// What shows z of a layer.
fn shown<'a>(dump: &Dump, case: &'a Case, l: usize) -> Vec<Shown<'a>> {
    let of = |value, act| Shown { value, head: Head::Of(act) };
    if let Some(value) = case.get(Slot::Z(l)) {
        return vec![of(value, Activation::Identity)];
    }
    if l == case.depth() {
        let mut heads: Vec<Head> = Vec::new();
        for design in Design::ALL.into_iter().filter(|design| design.takes(&case.y)) {
            if !heads.contains(&design.head) {
                heads.push(design.head);
            }
        }
        return case
            .get(Slot::P)
            .map_or(Vec::new(), |value| heads.iter().map(|&head| Shown { value, head }).collect());
    }
    let acts = dump.act.map_or(Activation::ALL.to_vec(), |act| vec![act]);
    case.get(Slot::A(l)).map_or(Vec::new(), |value| acts.into_iter().map(|act| of(value, act)).collect())
}

/// Whether a layer computed with the W and b of the file.
fn unmoved(dump: &Dump, case: &Case, l: usize) -> bool {
    let Some(input) = input(case, l) else { return false };
    let z = dense(input, case.w(l), case.b(l));
    let rounding = if dump.single { 1e-6 } else { 1e-13 };
    shown(dump, case, l).iter().any(|shown| residual(shown.value, &shown.head.apply(&z)) < rounding)
}

/// The parameters of a network before the step, layer by layer from the last to the first.
struct Restoring<'a> {
    dump: &'a Dump,
    case: &'a Case,
    source: Source,
    /// What was found so far: W of the layers above, and their dz.
    before: Vec<(Slot, Matrix)>,
    above: Option<(Matrix, Matrix)>,
    moved: Vec<Moved>,
}

impl<'a> Restoring<'a> {
    fn new(dump: &'a Dump, case: &'a Case, source: Source) -> Self {
        Self { dump, case, source, before: Vec::new(), above: None, moved: Vec::new() }
    }

    /// The multiple of the steps, and the parameters before them; nothing if some layer does not agree.
    fn network(mut self) -> Option<(f64, Vec<(Slot, Matrix)>)> {
        let mut open = Vec::new();
        for l in layers(self.case).rev() {
            let all = shown(self.dump, self.case, l);
            if all.is_empty() || input(self.case, l).is_none() {
                // Nothing shows how far it moved: as far as the others.
                let way = self.ways(l, None).into_iter().next()?;
                self.above = None;
                open.push((l, way));
                continue;
            }
            let fits = all.iter().find_map(|&shown| {
                self.ways(l, Some(shown))
                    .into_iter()
                    .find_map(|way| Some((self.fitted(l, shown, &way)?, way)))
            });
            let (moved, way) = fits?;
            let w = plus(&scaled(self.case.w(l), 1.0 + moved.decay), &scaled(&way.w, moved.by));
            self.above = way.delta.map(|delta| (delta, w.clone()));
            self.before.push((Slot::Param(Param::W(l)), w));
            self.before.push((Slot::Param(Param::B(l)), moved.b.clone()));
            self.moved.push(moved);
        }
        let sure = self.moved.iter().min_by(|a, b| a.slack.total_cmp(&b.slack))?.clone();
        let agree = |moved: &Moved| {
            let near = |a: f64, b: f64| (a - b).abs() <= sure.by.abs() * moved.slack.max(1e-3);
            near(moved.by, sure.by) && (moved.decay == 0.0) == (sure.decay == 0.0)
        };
        if !self.moved.iter().all(agree) || sure.by == 0.0 {
            return None;
        }
        for (l, way) in open {
            let w = plus(&scaled(self.case.w(l), 1.0 + sure.decay), &scaled(&way.w, sure.by));
            self.before.push((Slot::Param(Param::W(l)), w));
            if self.dump.slots.contains_key(&Slot::Param(Param::B(l))) {
                self.before.push((Slot::Param(Param::B(l)), plus(self.case.b(l), &scaled(&way.b, sure.by))));
            }
        }
        Some((sure.by, self.before))
    }

    /// The ways in which a layer may have moved, if this is what it shows.
    fn ways(&self, l: usize, shown: Option<Shown>) -> Vec<Way> {
        let none = || Matrix::zeros(self.case.b(l).shape());
        let given = |state: fn(Param) -> Slot| {
            let w = self.case.get(state(Param::W(l)))?.clone();
            let b = self.case.get(state(Param::B(l))).filter(|b| b.rows() == 1).cloned();
            Some(Way { w, b: b.unwrap_or_else(none), delta: None })
        };
        match self.source {
            Source::Velocity => given(Slot::V).into_iter().collect(),
            Source::Gradient => given(Slot::Grad).into_iter().collect(),
            Source::Delta => {
                self.deltas(l, shown).into_iter().filter_map(|delta| self.along(l, delta)).collect()
            }
        }
    }

    /// The way that dz makes.
    fn along(&self, l: usize, delta: Matrix) -> Option<Way> {
        let w = matmul_tn(input(self.case, l)?, &delta);
        let sums = column_sums(&delta);
        let b = if self.case.shared_biases.contains(&l) {
            gradient::every(sums.cols(), sums.data().iter().sum())
        } else {
            sums
        };
        Some(Way { w, b, delta: Some(delta) })
    }

    /// What dz of a layer may be: the file's, or what the outputs or the layer above make it.
    fn deltas(&self, l: usize, shown: Option<Shown>) -> Vec<Matrix> {
        if let Some(dz) = self.case.get(Slot::Dz(l)) {
            return vec![dz.clone()];
        }
        let Some(Shown { value, head }) = shown else { return Vec::new() };
        if l == self.case.depth() {
            let shows_z = self.case.get(Slot::Z(l)).is_some();
            let designs = Design::ALL.into_iter().filter(|design| design.takes(&self.case.y));
            let delta = |design: Design| {
                let z = if shows_z { Some(value.clone()) } else { inverse(head, value) }?;
                Some(design.delta(&z, &design.head.apply(&z), &self.case.y))
            };
            return designs.filter(|design| shows_z || design.head == head).filter_map(delta).collect();
        }
        let Some((above, w)) = &self.above else { return Vec::new() };
        let da = matmul_nt(above, w);
        let acts = match (self.case.get(Slot::Z(l)), head) {
            (None, Head::Of(act)) => vec![act],
            _ => self.dump.act.map_or(Activation::ALL.to_vec(), |act| vec![act]),
        };
        let back = |act: Activation| Some(times(&da, &inverse(head, value)?.map(|z| act.derivative(z))));
        acts.into_iter().filter_map(back).collect()
    }

    /// How far a layer moved along a way: with its biases, without them, or with biases that moved by themselves.
    fn fitted(&self, l: usize, shown: Shown, way: &Way) -> Option<Moved> {
        let input = input(self.case, l)?;
        let along = matmul(input, &way.w);
        let with_b = plus(&along, &Matrix::from_fn(along.rows(), along.cols(), |_, c| way.b.at(0, c)));
        let itself = matmul(input, self.case.w(l));
        let start = dense(input, self.case.w(l), self.case.b(l));
        let search = Search { shown, single: self.dump.single };
        let b = self.case.b(l);
        for penalty in [false, true] {
            for (moves, direction) in [(true, &with_b), (false, &along)] {
                let directions: Vec<&Matrix> =
                    [direction].into_iter().chain(penalty.then_some(&itself)).collect();
                if let Some((c, slack)) = search.lengths(&start, &directions) {
                    let b = if moves { plus(b, &scaled(&way.b, c[0])) } else { b.clone() };
                    return Some(Moved { by: c[0], decay: c.get(1).copied().unwrap_or(0.0), b, slack });
                }
            }
        }
        if shown.head != Head::Of(Activation::Identity) || along.rows() < 3 {
            return None;
        }
        let mean = |m: &Matrix| scaled(&column_sums(m), 1.0 / m.rows() as f64);
        let centred = |m: &Matrix| {
            let mean = mean(m);
            Matrix::from_fn(m.rows(), m.cols(), |r, c| m.at(r, c) - mean.at(0, c))
        };
        let value = centred(shown.value);
        let search = Search { shown: Shown { value: &value, ..shown }, ..search };
        let (c, slack) = search.lengths(&centred(&start), &[&centred(&along)])?;
        let rest = minus(shown.value, &plus(&start, &scaled(&along, c[0])));
        Some(Moved { by: c[0], decay: 0.0, b: plus(b, &mean(&rest)), slack })
    }
}

/// The z behind what a layer shows, if its function can be undone.
fn inverse(head: Head, value: &Matrix) -> Option<Matrix> {
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

/// The search for the lengths of steps that explain what a layer shows.
struct Search<'a> {
    shown: Shown<'a>,
    single: bool,
}

impl Search<'_> {
    /// The multiples of one or two directions by which z must be moved, and how exactly the first is known; by
    /// Gauss and Newton.
    fn lengths(&self, start: &Matrix, directions: &[&Matrix]) -> Option<(Vec<f64>, f64)> {
        let Shown { value, head } = self.shown;
        let few = if self.single { FEW_SINGLE } else { FEW };
        if value.data().len() < few || directions.iter().any(|d| norm(d) == 0.0 || !norm(d).is_finite()) {
            return None;
        }
        let moved = |c: &[f64]| {
            directions.iter().zip(c).fold(start.clone(), |z, (direction, &c)| plus(&z, &scaled(direction, c)))
        };
        let mut c = vec![0.0; directions.len()];
        for _ in 0..ROUNDS {
            let z = moved(&c);
            let rest = minus(value, &head.apply(&z));
            let slopes: Vec<Matrix> = directions.iter().map(|direction| along(head, &z, direction)).collect();
            let change = least_squares(&rest, &slopes)?;
            c.iter_mut().zip(&change).for_each(|(c, change)| *c += change);
            if change.iter().zip(&c).all(|(change, c)| change.abs() <= 1e-14 * c.abs()) {
                break;
            }
        }
        let (before, after) = (residual(value, &head.apply(start)), residual(value, &head.apply(&moved(&c))));
        let enough = if self.single { 1e-5 } else { 1e-10 };
        (after < enough && after * BETTER < before).then(|| (c, (3.0 * after / before).min(0.03)))
    }
}

/// Steps of the search.
const ROUNDS: usize = 12;

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
    let found = match of {
        [r] => vec![dot(u, r) / dot(r, r)],
        [r, s] => {
            let (rr, ss, rs) = (dot(r, r), dot(s, s), dot(r, s));
            let (ur, us) = (dot(u, r), dot(u, s));
            let det = rr * ss - rs * rs;
            (det > 1e-9 * rr * ss).then(|| vec![(ur * ss - us * rs) / det, (us * rr - ur * rs) / det])?
        }
        _ => return None,
    };
    found.iter().all(|c| c.is_finite()).then_some(found)
}
