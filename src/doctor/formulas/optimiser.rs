//! Momentum and Adam: their right steps in every convention, and the wrong ones.
//!
//! Source: Sutskever et al., *On the importance of initialization and momentum* (2013); Kingma and Ba, *Adam*
//! (2015), algorithm 1.

use super::algebra::{plus, scaled, times, zip};
use super::catalogue::Bug;
use super::steps::{self, Fed, Numbers, State, Wrong, mix};
use super::trial::{Trial, cause, residual};
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::reference::Matrix;

/// How gradients become steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `lr·g`
    Plain,
    /// `v = μ·v + g`
    Momentum,
    /// First and second moments.
    Adam,
}

impl Rule {
    /// The rule that a file's keys tell of.
    pub fn of(case: &Case, numbers: &Numbers) -> Self {
        let has = |wanted: fn(&Slot) -> bool| case.given.keys().any(wanted);
        let adam = numbers.contains_key("adam_t") || numbers.contains_key("adam_b1");
        if adam || has(|slot| matches!(slot, Slot::M(_) | Slot::MPrev(_) | Slot::S(_) | Slot::SPrev(_))) {
            return Self::Adam;
        }
        let momentum = numbers.get("momentum").is_some_and(|&momentum| momentum > 0.0);
        if momentum || has(|slot| matches!(slot, Slot::V(_) | Slot::VPrev(_))) {
            Self::Momentum
        } else {
            Self::Plain
        }
    }
}

impl Rule {
    /// The tensors of a parameter that it remembers from one step to the next.
    pub fn state(self, param: Param) -> Vec<Slot> {
        match self {
            Self::Plain => Vec::new(),
            Self::Momentum => vec![Slot::VPrev(param)],
            Self::Adam => vec![Slot::MPrev(param), Slot::SPrev(param)],
        }
    }
}

impl State {
    /// The state in the file, zeros where a first step or a plain one needs none; nothing if it is missing.
    pub fn of(case: &Case, numbers: &Numbers, param: Param, rule: Rule) -> Option<Self> {
        let zeros = Matrix::zeros(case.given[&Slot::Param(param)].shape());
        let get = |slot| case.get(slot).cloned();
        let first = numbers.get("adam_t").is_some_and(|&t| t == 1.0);
        let or_zero = |state: Option<Matrix>| state.or_else(|| first.then(|| zeros.clone()));
        match rule {
            Rule::Plain => Some(Self { v: zeros.clone(), m: zeros.clone(), s: zeros }),
            Rule::Momentum => {
                let v = get(Slot::VPrev(param))?;
                numbers.get("momentum")?;
                Some(Self { v, m: zeros.clone(), s: zeros })
            }
            Rule::Adam => {
                numbers.get("adam_t")?;
                let (m, s) = (or_zero(get(Slot::MPrev(param)))?, or_zero(get(Slot::SPrev(param)))?);
                Some(Self { v: zeros, m, s })
            }
        }
    }
}

impl State {
    /// What is remembered after a step along g, in the order of [`Rule::state`].
    pub fn after(&self, rule: Rule, numbers: &Numbers, g: &Matrix) -> Vec<Matrix> {
        match rule {
            Rule::Plain => Vec::new(),
            Rule::Momentum => vec![mix(number(numbers, "momentum", 0.0), &self.v, 1.0, g)],
            Rule::Adam => {
                let (b1, b2) = (number(numbers, "adam_b1", 0.9), number(numbers, "adam_b2", 0.999));
                vec![mix(b1, &self.m, 1.0 - b1, g), mix(b2, &self.s, 1.0 - b2, &times(g, g))]
            }
        }
    }
}

/// A step `w - w_new` and how it was written.
pub struct Step {
    /// Its numbers.
    pub value: Matrix,
    /// The convention, if worth a word.
    pub note: Option<&'static str>,
}

fn number(numbers: &Numbers, name: &str, usual: f64) -> f64 {
    numbers.get(name).copied().unwrap_or(usual)
}

/// How a velocity is kept: the gradient's factor in it, and the velocity's in the step.
struct Form {
    gradient: f64,
    step: f64,
    nesterov: bool,
    note: Option<&'static str>,
}

/// The four ways to write momentum, with gradients that are `turn` times the downhill direction's opposite.
fn forms(lr: f64, mu: f64, turn: f64) -> Vec<Form> {
    let mut all = Vec::new();
    for nesterov in [false, true] {
        let note = nesterov.then_some("momentum is Nesterov's");
        for (gradient, step, note) in [
            (1.0, lr * turn, note),
            (turn, lr, note),
            (-lr * turn, -1.0, note),
            (lr * turn, 1.0, note),
            (1.0 - mu, lr * turn, Some("momentum is an average: v = μ·v + (1-μ)·g")),
        ] {
            all.push(Form { gradient, step, nesterov, note });
        }
    }
    all
}

/// The right steps from a gradient, by every convention; velocities are the same up to `tolerance`.
pub fn right_steps(
    case: &Case,
    numbers: &Numbers,
    param: Param,
    state: &State,
    g: &Matrix,
    turn: f64,
    tolerance: f64,
) -> Vec<Step> {
    let lr = number(numbers, "lr", 0.0);
    match Rule::of(case, numbers) {
        Rule::Plain => vec![Step { value: scaled(g, lr * turn), note: None }],
        Rule::Momentum => {
            let mu = number(numbers, "momentum", 0.0);
            let forms = forms(lr, mu, turn);
            let own = |form: &Form| mix(mu, &state.v, form.gradient, g);
            let given = case.get(Slot::V(param));
            // Wider, and a penalty in the velocity looks like another form of it.
            let follows = |v: &Matrix, form: &Form| residual(v, &own(form)) < tolerance;
            let known = given.is_some_and(|v| forms.iter().any(|form| follows(v, form)));
            let step = |form: &Form| {
                // A velocity of no form is reported by itself; the step starts from it as it is.
                let v = match given {
                    Some(v) if !known || follows(v, form) => v.clone(),
                    _ => own(form),
                };
                let value = if form.nesterov {
                    mix(form.step * mu, &v, form.step * form.gradient, g)
                } else {
                    scaled(&v, form.step)
                };
                Step { value, note: form.note }
            };
            forms.iter().map(step).collect()
        }
        Rule::Adam => adam_steps(case, numbers, param, state, g, turn),
    }
}

/// Adam's moments after the step: the file's, or computed.
fn moments(case: &Case, numbers: &Numbers, param: Param, state: &State, g: &Matrix) -> (Matrix, Matrix) {
    let (b1, b2) = (number(numbers, "adam_b1", 0.9), number(numbers, "adam_b2", 0.999));
    let m = case.get(Slot::M(param)).cloned().unwrap_or_else(|| mix(b1, &state.m, 1.0 - b1, g));
    let s = case.get(Slot::S(param)).cloned().unwrap_or_else(|| mix(b2, &state.s, 1.0 - b2, &times(g, g)));
    (m, s)
}

/// `lr·turn·(m/c1) / (f(s/c2))`
fn adam(
    numbers: &Numbers,
    turn: f64,
    (m, s): &(Matrix, Matrix),
    c1: f64,
    c2: f64,
    f: impl Fn(f64) -> f64,
) -> Matrix {
    let lr = number(numbers, "lr", 0.0) * turn.signum();
    zip(m, s, |m, s| lr * (m / c1) / f(s / c2))
}

fn adam_steps(
    case: &Case,
    numbers: &Numbers,
    param: Param,
    state: &State,
    g: &Matrix,
    turn: f64,
) -> Vec<Step> {
    let moments =
        moments(case, numbers, param, state, &scaled(g, if turn.abs() == 1.0 { 1.0 } else { turn.abs() }));
    let plain = self::moments(case, numbers, param, state, g);
    let (b1, b2) = (number(numbers, "adam_b1", 0.9), number(numbers, "adam_b2", 0.999));
    let t = number(numbers, "adam_t", 1.0);
    let (c1, c2) = (1.0 - b1.powf(t), 1.0 - b2.powf(t));
    let eps = number(numbers, "adam_eps", 1e-8);
    let usual = |s: f64| s.sqrt() + eps;
    vec![
        Step { value: adam(numbers, turn, &plain, c1, c2, usual), note: None },
        Step { value: adam(numbers, turn, &moments, c1, c2, usual), note: None },
        Step {
            value: adam(numbers, turn, &plain, c1, c2, |s| (s + eps).sqrt()),
            note: Some("Adam's eps is inside the root"),
        },
        Step {
            value: adam(numbers, turn, &plain, c1, c2, |s| s.sqrt() + eps / c2.sqrt()),
            note: Some("Adam's eps is added before the correction of the second moment"),
        },
    ]
}

/// The decay that AdamW multiplies by lr, without it.
pub const RATELESS: &str = "w - step - λ·w: the decay is not multiplied by lr";

/// Steps that are wrong in a known way.
pub fn wrong_steps(
    case: &Case,
    numbers: &Numbers,
    param: Param,
    state: &State,
    g: &Matrix,
    turn: f64,
) -> Vec<Trial> {
    let table = match Rule::of(case, numbers) {
        Rule::Plain => return Vec::new(),
        Rule::Momentum => steps::MOMENTUM,
        Rule::Adam => steps::ADAM,
    };
    let moments = moments(case, numbers, param, state, g);
    let fed = Fed { numbers, g, turn, state, v: case.get(Slot::V(param)), moments };
    let tried = |row: &Wrong| {
        let cause = cause(Slot::New(param), row.bug, row.formula);
        Some(Trial::new((row.value)(&fed)?, vec![cause]))
    };
    table.iter().filter_map(tried).collect()
}

/// What the state in the file may be: its slot, its numbers, right and wrong trials.
pub fn state_trials(
    case: &Case,
    numbers: &Numbers,
    param: Param,
    state: &State,
    g: &Matrix,
    turn: f64,
) -> Vec<(Slot, Matrix, Vec<Trial>)> {
    let trials: Vec<(Slot, Vec<Trial>)> = match Rule::of(case, numbers) {
        Rule::Plain => Vec::new(),
        Rule::Momentum => vec![velocity_trials(numbers, param, state, g, turn)],
        Rule::Adam => moment_trials(numbers, param, state, g),
    };
    let given =
        |(slot, trials): (Slot, Vec<Trial>)| case.get(slot).map(|given| (slot, given.clone(), trials));
    trials.into_iter().filter_map(given).collect()
}

fn right(value: Matrix) -> Trial {
    Trial::new(value, Vec::new())
}

fn velocity_trials(
    numbers: &Numbers,
    param: Param,
    state: &State,
    g: &Matrix,
    turn: f64,
) -> (Slot, Vec<Trial>) {
    let (lr, mu) = (number(numbers, "lr", 0.0), number(numbers, "momentum", 0.0));
    let slot = Slot::V(param);
    let mut trials: Vec<Trial> =
        forms(lr, mu, turn).iter().map(|form| right(mix(mu, &state.v, form.gradient, g))).collect();
    let wrong = [
        ("g: the old velocity is lost", g.clone()),
        ("lr·g: the old velocity is lost", scaled(g, lr)),
        ("v + g, without μ", plus(&state.v, g)),
        ("μ·v - g: the gradient's sign", mix(mu, &state.v, -turn, g)),
        ("(1-μ)·v + μ·g: μ the wrong way round", mix(1.0 - mu, &state.v, mu, g)),
        ("μ·(v + g)", scaled(&plus(&state.v, g), mu)),
        ("μ·v + (1-μ)²·g", mix(mu, &state.v, (1.0 - mu).powi(2), g)),
        ("v: the velocity did not change", state.v.clone()),
    ];
    trials.extend(
        wrong
            .into_iter()
            .map(|(text, value)| Trial::new(value, vec![cause(slot, Bug::MomentumFormula, text)])),
    );
    (slot, trials)
}

fn moment_trials(numbers: &Numbers, param: Param, state: &State, g: &Matrix) -> Vec<(Slot, Vec<Trial>)> {
    let (b1, b2) = (number(numbers, "adam_b1", 0.9), number(numbers, "adam_b2", 0.999));
    let wrong =
        |slot, text: &'static str, value| Trial::new(value, vec![cause(slot, Bug::AdamFormula, text)]);
    let (m, s, g2) = (Slot::M(param), Slot::S(param), times(g, g));
    let first = vec![
        right(mix(b1, &state.m, 1.0 - b1, g)),
        wrong(m, "β1·m + g, without 1 - β1", mix(b1, &state.m, 1.0, g)),
        wrong(m, "(1-β1)·m + β1·g: β1 the wrong way round", mix(1.0 - b1, &state.m, b1, g)),
        wrong(m, "β2·m + (1-β2)·g: the other β", mix(b2, &state.m, 1.0 - b2, g)),
    ];
    let second = vec![
        right(mix(b2, &state.s, 1.0 - b2, &g2)),
        wrong(s, "β2·s + (1-β2)·g: g is not squared", mix(b2, &state.s, 1.0 - b2, g)),
        wrong(s, "β2·s + g², without 1 - β2", mix(b2, &state.s, 1.0, &g2)),
        wrong(s, "β1·s + (1-β1)·g²: the other β", mix(b1, &state.s, 1.0 - b1, &g2)),
    ];
    vec![(m, first), (s, second)]
}
