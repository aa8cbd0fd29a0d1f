//! Weights saved after the step: what a dump at the end of a train function has.
//!
//! The forward pass was computed with the old ones. These are the new ones and a multiple of a step that the file shows:
//! `W_old = W + c·G`, with one c for all layers. It is fitted to z, or to a or p behind every function they may have, and holds
//! only if all layers agree to rounding.

mod search;

use self::search::{Search, Shown, inverse, inverse_near};
use super::layers::{input, layers};
use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{
    centred, column_means, dense, dot, matmul, matmul_nt, matmul_tn, minus, norm, plus, scaled, times, zip,
};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::design::{Design, Head};
use crate::doctor::formulas::gradient;
use crate::doctor::formulas::trial::residual;
use crate::network::Activation;
use crate::reference::Matrix;

/// Fewer values than this, in all layers, show no step beside the one number that is fitted.
const FEW: usize = 4;

/// Adam's steps that are tried, where the file does not say which this is.
const MANY_STEPS: u32 = 100;

/// Where the direction of a step is read from; tried in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    /// Momentum's velocity.
    Velocity,
    /// Adam's moments.
    Moments,
    /// The gradients of the parameters.
    Gradient,
    /// `aᵀ·dz`, with dz from the file, or computed from the layer above.
    Delta,
}

impl Source {
    fn text(self) -> &'static str {
        match self {
            Self::Velocity => "W + c·v",
            Self::Moments => "W + c·m/(√s + ε)",
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

/// How far one layer has moved.
#[derive(Debug, Clone)]
struct Moved {
    /// W and b were this many times their way further on.
    by: f64,
    /// W was this many times itself more: a penalty in the step.
    decay: f64,
    /// What became of the biases.
    biases: Biases,
    /// How exactly this is known.
    slack: f64,
}

/// What became of a layer's biases in the step.
#[derive(Debug, Clone)]
enum Biases {
    /// They went along.
    Moved,
    /// They are constant, or there are none.
    Still,
    /// They were these.
    Read(Matrix),
}

/// Puts W and b back to what they were before the step, if z, a and p show that they are those after it.
/// Says whether it has.
pub fn restore(dump: &Dump, case: &mut Case) -> bool {
    if layers(case).any(|l| unmoved(dump, case, l)) {
        return false;
    }
    // Of one sample the steps of W and of b look alike: they are tried apart.
    let ways: Vec<Vec<bool>> = match case.n {
        1 if has_biases(dump, case) => vec![vec![true], vec![false]],
        1 => vec![vec![false]],
        _ => vec![vec![true, false]],
    };
    let sources = [Source::Velocity, Source::Moments, Source::Gradient, Source::Delta].into_iter();
    let mut found = sources.flat_map(|source| ways.iter().map(move |ways| (source, ways)));
    let restored =
        found.find_map(|(source, ways)| Some((source, Restoring::new(dump, case, source, ways).network()?)));
    let Some((source, (by, before))) = restored else { return false };
    // Where the file shows nothing of the step but W, it is what was computed here: only a wrong sign is news.
    let seen = |slot: &Slot| matches!(slot, Slot::Dz(_) | Slot::Grad(_) | Slot::V(_));
    let is_news = case.given.keys().any(seen) || by < 0.0;
    let bias_rows = case.bias_rows;
    for (slot, old) in before {
        let now = case.given.insert(slot, old);
        if let (Slot::Param(param), Some(now)) = (slot, now)
            && (dump.slots.contains_key(&slot) || bias_rows)
            && is_news
        {
            case.given.entry(Slot::New(param)).or_insert(now);
        }
    }
    case.notes.push(format!(
        "W and b in the file are those after the step: the layers computed with {} and c = {by:.6}, which is used in their place",
        source.text()
    ));
    true
}

/// Whether some layer has biases in the file.
fn has_biases(dump: &Dump, case: &Case) -> bool {
    case.bias_rows || layers(case).any(|l| dump.slots.contains_key(&Slot::Param(Param::B(l))))
}

/// What shows z of a layer.
fn shown<'a>(dump: &Dump, case: &'a Case, l: usize) -> Vec<Shown<'a>> {
    let of = |value, act| Shown { value, head: Head::Of(act), mask: None };
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
        return case.get(Slot::P).map_or(Vec::new(), |value| {
            heads.iter().map(|&head| Shown { value, head, mask: None }).collect()
        });
    }
    let acts = dump.act.map_or(Activation::ALL.to_vec(), |act| vec![act]);
    let masks = masks(dump, case, l);
    let masked = |value| {
        let each =
            acts.iter().flat_map(|&act| masks.iter().map(move |&mask| Shown { mask, ..of(value, act) }));
        each.collect()
    };
    case.get(Slot::A(l)).map_or(Vec::new(), masked)
}

/// What a of a layer may be multiplied with: dropout's mask with a factor for the rates that people take.
fn masks<'a>(dump: &Dump, case: &'a Case, l: usize) -> Vec<Option<(&'a Matrix, f64)>> {
    let Some(mask) = case.get(Slot::Mask(l)) else { return vec![None] };
    let scaled = mask.data().iter().any(|&m| m != 0.0 && m != 1.0);
    let rates = match dump.numbers.get("drop_p") {
        _ if scaled => vec![0.0],
        Some(&rate) => vec![0.0, rate],
        None => vec![0.0, 0.5, 0.2, 0.1, 0.25, 0.3, 0.4, 0.05, 0.15, 0.6, 0.7, 0.75, 0.8],
    };
    rates.into_iter().map(|rate| Some((mask, 1.0 / (1.0 - rate)))).collect()
}

/// Whether a layer computed with the W and b of the file.
fn unmoved(dump: &Dump, case: &Case, l: usize) -> bool {
    let Some(input) = input(case, l) else { return false };
    let z = dense(input, case.w(l), case.b(l));
    let rounding = if dump.single { 1e-6 } else { 1e-13 };
    shown(dump, case, l).iter().any(|shown| residual(shown.value, &shown.apply(&z)) < rounding)
}

/// The parameters of a network before the step, layer by layer from the last to the first.
struct Restoring<'a> {
    dump: &'a Dump,
    case: &'a Case,
    source: Source,
    /// Whether biases are thought to move along with the weights, in the order of trial.
    ways_of_biases: &'a [bool],
    /// W of the layer above before the step, and its dz.
    above: Option<(Matrix, Matrix)>,
    moved: Vec<Moved>,
}

impl<'a> Restoring<'a> {
    fn new(dump: &'a Dump, case: &'a Case, source: Source, ways_of_biases: &'a [bool]) -> Self {
        Self { dump, case, source, ways_of_biases, above: None, moved: Vec::new() }
    }

    /// The multiple of the steps, and the parameters before them; nothing if some layer does not agree.
    fn network(mut self) -> Option<(f64, Vec<(Slot, Matrix)>)> {
        let mut layers_ways = Vec::new();
        let mut values = 0;
        for l in layers(self.case).rev() {
            let mut all = shown(self.dump, self.case, l);
            // One value may be any function of a step of some length.
            all.retain(|shown| shown.value.data().len() > 1);
            if all.is_empty() || input(self.case, l).is_none() {
                // Nothing shows how far it moved: as far as the others.
                layers_ways.push((l, self.ways(l, None).into_iter().next()?, None));
                self.above = None;
                continue;
            }
            // A penalty in the step could stand for a mask's factor: it comes after all of them.
            let fits = |penalty: bool| {
                all.iter().find_map(|&shown| {
                    let mut ways = self.ways(l, Some(shown)).into_iter();
                    ways.find_map(|way| Some((self.fitted(l, shown, &way, penalty)?, way)))
                })
            };
            let (moved, way) = fits(false).or_else(|| fits(true))?;
            let w = plus(&scaled(self.case.w(l), 1.0 + moved.decay), &scaled(&way.w, moved.by));
            self.above = way.delta.clone().map(|delta| (delta, w));
            values += all[0].value.data().len();
            layers_ways.push((l, way, Some(moved.biases.clone())));
            self.moved.push(moved);
        }
        let sure = self.moved.iter().min_by(|a, b| a.slack.total_cmp(&b.slack))?.clone();
        let agree = |moved: &Moved| {
            let near = |a: f64, b: f64| (a - b).abs() <= sure.by.abs() * moved.slack.max(1e-3);
            near(moved.by, sure.by) && (moved.decay == 0.0) == (sure.decay == 0.0)
        };
        if values < FEW || !self.moved.iter().all(agree) || sure.by == 0.0 {
            return None;
        }
        let by = self.exact(&sure);
        let mut before = Vec::new();
        for (l, way, biases) in layers_ways {
            let w = plus(&scaled(self.case.w(l), 1.0 + sure.decay), &scaled(&way.w, by));
            before.push((Slot::Param(Param::W(l)), w));
            let has_b = self.case.bias_rows || self.dump.slots.contains_key(&Slot::Param(Param::B(l)));
            let b = match biases {
                Some(Biases::Read(b)) => b,
                Some(Biases::Still) => continue,
                None if !has_b => continue,
                Some(Biases::Moved) | None => plus(self.case.b(l), &scaled(&way.b, by)),
            };
            before.push((Slot::Param(Param::B(l)), b));
        }
        Some((by, before))
    }

    /// The multiple, known to some digits, as the number that it stands for: of the file's lr, or a short one.
    fn exact(&self, moved: &Moved) -> f64 {
        let (by, n) = (moved.by, self.case.count());
        let near = |value: &f64| (value - by).abs() <= by.abs() * moved.slack.max(1e-6);
        let lr = self.dump.numbers.get("lr").map_or(Vec::new(), |lr| vec![*lr, lr / n, lr * n]);
        let digits = 10_f64.powi(1 - by.abs().log10().floor() as i32);
        let short = (by * digits).round() / digits;
        lr.into_iter().map(|lr| lr * by.signum()).chain([short]).find(near).unwrap_or(by)
    }

    /// The ways in which a layer may have moved, if this is what it shows.
    fn ways(&self, l: usize, shown: Option<Shown>) -> Vec<Way> {
        let none = || Matrix::zeros(self.case.b(l).shape());
        let given = |state: fn(Param) -> Slot| {
            let w = self.case.get(state(Param::W(l)))?.clone();
            let b = self.case.get(state(Param::B(l))).filter(|b| b.rows() == 1).cloned();
            // Where the file has no gradient of b, dz makes it.
            let of_dz = || Some(gradient::of_biases(self.case, l, self.case.get(Slot::Dz(l))?));
            let b = b.or_else(|| of_dz().filter(|_| self.source == Source::Gradient));
            Some(Way { w: self.unless_known(l, w), b: b.unwrap_or_else(none), delta: None })
        };
        match self.source {
            Source::Velocity => given(Slot::V).into_iter().collect(),
            Source::Moments => self.along_moments(l),
            Source::Gradient => given(Slot::Grad).into_iter().collect(),
            Source::Delta => {
                self.deltas(l, shown).into_iter().filter_map(|delta| self.along(l, delta)).collect()
            }
        }
    }

    /// The ways that Adam's moments make, one for each ε there may be.
    fn along_moments(&self, l: usize) -> Vec<Way> {
        let along = |param: Param, eps: f64| {
            let (m, s) = (self.case.get(Slot::M(param))?, self.case.get(Slot::S(param))?);
            (m.shape() == s.shape()).then(|| zip(m, s, |m, s| m / (s.sqrt() + eps)))
        };
        let number = |name: &str| self.dump.numbers.get(name).copied();
        // The correction of s makes another ε of the one that is added.
        let steps = number("adam_t").map_or((1..=MANY_STEPS).map(f64::from).collect(), |t| vec![t]);
        let decay = number("adam_b2").unwrap_or(0.999);
        let eps = number("adam_eps").map_or(vec![1e-8, 1e-7], |eps| vec![eps]);
        let corrected = eps
            .iter()
            .flat_map(|eps| steps.iter().map(move |t| eps * (1.0 - decay.powf(*t)).sqrt()))
            .chain(eps.iter().copied());
        corrected
            .filter_map(|eps| {
                let b = along(Param::B(l), eps).unwrap_or_else(|| Matrix::zeros(self.case.b(l).shape()));
                Some(Way { w: along(Param::W(l), eps)?, b, delta: None })
            })
            .collect()
    }

    /// The way that dz makes.
    fn along(&self, l: usize, delta: Matrix) -> Option<Way> {
        let w = self.unless_known(l, matmul_tn(input(self.case, l)?, &delta));
        let b = gradient::of_biases(self.case, l, &delta);
        Some(Way { w, b, delta: Some(delta) })
    }

    /// The way of weights; none where the file has them before and after the step, and b only after it.
    fn unless_known(&self, l: usize, way: Matrix) -> Matrix {
        if self.case.has_later_biases(l) { Matrix::zeros(way.shape()) } else { way }
    }

    /// What dz of a layer may be: the file's, or what the outputs or the layer above make it.
    fn deltas(&self, l: usize, shown: Option<Shown>) -> Vec<Matrix> {
        if let Some(dz) = self.case.get(Slot::Dz(l)) {
            return vec![dz.clone()];
        }
        let Some(Shown { value, head, mask: None }) = shown else { return Vec::new() };
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
        let start = || Some(dense(input(self.case, l)?, self.case.w(l), self.case.b(l)));
        let z = inverse(head, value).or_else(|| inverse_near(head, value, &start()?));
        let Some(z) = z else { return Vec::new() };
        let back = |act: Activation| times(&da, &z.map(|z| self.bend(l, act).derivative(z)));
        acts.into_iter().map(back).collect()
    }

    /// An activation of a hidden layer; a leaky ReLU or an ELU with the number that a shows below 0.
    fn bend(&self, l: usize, act: Activation) -> Bend {
        let (Some(z), Some(a)) = (self.case.get(Slot::Z(l)), self.case.get(Slot::A(l))) else {
            return act.into();
        };
        if !matches!(act, Activation::LeakyRelu | Activation::Elu) {
            return act.into();
        }
        let (above, below) = Bend::parts(act, z);
        let fitted = dot(&minus(a, &above), &below) / dot(&below, &below);
        Bend { below: Some(fitted).filter(|fitted| fitted.is_finite()), ..act.into() }
    }

    /// How far a layer moved along a way: with its biases, without them, or with biases that moved by themselves.
    fn fitted(&self, l: usize, shown: Shown, way: &Way, penalty: bool) -> Option<Moved> {
        let input = input(self.case, l)?;
        let along = matmul(input, &way.w);
        let with_b = plus(&along, &Matrix::from_fn(along.rows(), along.cols(), |_, c| way.b.at(0, c)));
        let itself = matmul(input, self.case.w(l));
        let start = dense(input, self.case.w(l), self.case.b(l));
        let known = self.moved.last().map(|moved| moved.by);
        let search = Search { shown, single: self.dump.single, known };
        for &moves in self.ways_of_biases {
            let direction = if moves { &with_b } else { &along };
            let directions: Vec<&Matrix> =
                [direction].into_iter().chain(penalty.then_some(&itself)).collect();
            if let Some((c, slack)) = search.lengths(&start, &directions) {
                let biases = if moves && norm(&way.b) > 0.0 { Biases::Moved } else { Biases::Still };
                return Some(Moved { by: c[0], decay: c.get(1).copied().unwrap_or(0.0), biases, slack });
            }
        }
        if !penalty || shown.head != Head::Of(Activation::Identity) || along.rows() < 3 {
            return None;
        }
        let value = centred(shown.value);
        let search = Search { shown: Shown { value: &value, ..shown }, ..search };
        let (c, slack) = search.lengths(&centred(&start), &[&centred(&along)])?;
        let rest = minus(shown.value, &plus(&start, &scaled(&along, c[0])));
        let biases = Biases::Read(plus(self.case.b(l), &column_means(&rest)));
        Some(Moved { by: c[0], decay: 0.0, biases, slack })
    }
}
