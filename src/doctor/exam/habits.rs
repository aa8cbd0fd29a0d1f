//! What a file is beside the calculation, before any bug is looked for: weights saved after the step, X saved before
//! it was scaled, and numbers that are missing or no longer true. Each is accepted only where one or two numbers,
//! fitted, explain whole tensors to rounding.

use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{column_sums, dense, matmul, matmul_tn, minus, norm, plus, scaled};
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::residual;
use crate::reference::Matrix;

/// Inputs beyond this are probably scaled before they are used.
const UNSCALED: f64 = 20.0;

/// The cases with what was restored in them, and the numbers of the file with those that its tensors show.
pub fn understood(dump: &mut Dump, mut cases: Vec<Case>) -> Vec<Case> {
    let slack = if dump.single { 1e-4 } else { 1e-8 };
    for case in &mut cases {
        rescale_inputs(case, slack);
        restore_weights(case, slack);
    }
    if cases
        .iter()
        .all(|case| case.get(Slot::Z(1)).is_none() && case.x.data().iter().any(|x| x.abs() > UNSCALED))
    {
        let bytes: Vec<Case> = cases.iter().map(|case| scaled_inputs(case, 1.0 / 255.0, 0.0)).collect();
        cases.extend(bytes);
    }
    if !dump.numbers.contains_key("l2")
        && let Some(decay) = cases.iter().find_map(|case| decay(case, slack))
    {
        dump.numbers.insert("l2", decay);
        dump.notes.push(format!("λ is not in the file; every dW has λ·W in it with λ = {decay:.6}"));
    }
    if let Some(&lr) = dump.numbers.get("lr")
        && let Some(rate) = cases.iter().find_map(|case| scheduled(case, lr, slack))
    {
        dump.numbers.insert("lr", rate);
        dump.notes.push(format!(
            "lr = {lr} in the file, but every step is {rate:.6} times its gradient: a schedule?"
        ));
    }
    cases
}

/// A value that all have in common, if there is one.
fn common(values: &[f64]) -> Option<f64> {
    let &first = values.first()?;
    values.iter().all(|value| (value - first).abs() <= 1e-3 * first.abs()).then_some(first)
}

fn layers(case: &Case) -> impl Iterator<Item = usize> + use<> {
    1..=case.depth()
}

/// The input of a layer, if the file has it.
fn input(case: &Case, l: usize) -> Option<&Matrix> {
    if l == 1 { Some(&case.x) } else { case.get(Slot::A(l - 1)) }
}

fn scaled_inputs(case: &Case, factor: f64, shift: f64) -> Case {
    let mut case = case.clone();
    case.x = case.x.map(|x| factor * x + shift);
    let shifted = if shift == 0.0 { String::new() } else { format!(" {shift:+.6}") };
    case.notes.push(format!("X is used as {factor:.6}·X{shifted}: it was saved before it was scaled"));
    case
}

/// `z_1 = (s·X + t)·W_1 + b_1` with s and t fitted, where X itself does not give z_1.
fn rescale_inputs(case: &mut Case, slack: f64) {
    let Some(z) = case.get(Slot::Z(1)) else { return };
    if residual(z, &dense(&case.x, case.w(1), case.b(1))) < slack {
        return;
    }
    let zero = Matrix::zeros([case.n, case.sizes[0]]);
    let rest = minus(z, &dense(&zero, case.w(1), case.b(1)));
    let product = matmul(&case.x, case.w(1));
    let sums = column_sums(case.w(1));
    let ones = Matrix::from_fn(case.n, z.cols(), |_, c| sums.at(0, c));
    let alone = scale::multiple(&rest, &product, slack).map(|s| (s, 0.0));
    let both = || scale::combination(&rest, &product, &ones, slack);
    let found = |&(s, t): &(f64, f64)| s > 0.0 && (s - 1.0).abs() + t.abs() > 1e-3;
    if let Some((s, t)) = alone.filter(found).or_else(|| both().filter(found)).filter(|_| z.data().len() > 8)
    {
        *case = scaled_inputs(case, s, t);
    }
}

/// `z_l = a·(W + c·dW) + b'` with one c for all layers: W is what the step has made of it.
fn restore_weights(case: &mut Case, slack: f64) {
    let mut shown = Vec::new();
    for l in layers(case) {
        let (Some(z), Some(a), Some(dw)) =
            (case.get(Slot::Z(l)), input(case, l), case.get(Slot::Grad(Param::W(l))))
        else {
            continue;
        };
        let rest = minus(z, &dense(a, case.w(l), case.b(l)));
        if norm(&rest) <= 1e-12 * norm(z) || residual(z, &plus(z, &rest)) < slack / 100.0 {
            continue;
        }
        // The bias has moved by a row of its own.
        let centred = |m: &Matrix| {
            let sums = column_sums(m);
            Matrix::from_fn(m.rows(), m.cols(), |r, c| m.at(r, c) - sums.at(0, c) / m.rows() as f64)
        };
        let along = matmul(a, dw);
        let rounding = 1e3 * if slack > 1e-6 { 1e-7 } else { 1e-16 } * norm(z) / norm(&rest);
        let Some(c) = scale::multiple(&centred(&rest), &centred(&along), slack.max(rounding).min(0.05))
        else {
            return;
        };
        shown.push(c);
    }
    let complete = layers(case).all(|l| case.get(Slot::Grad(Param::W(l))).is_some());
    let Some(c) = common(&shown).filter(|c| complete && *c != 0.0) else { return };
    for l in layers(case) {
        for param in [Param::W(l), Param::B(l)] {
            let Some(gradient) = case.get(Slot::Grad(param)) else { continue };
            let now = case.given[&Slot::Param(param)].clone();
            if now.shape() != gradient.shape() {
                continue;
            }
            let before = plus(&now, &scaled(gradient, c));
            case.given.insert(Slot::Param(param), before);
            case.given.entry(Slot::New(param)).or_insert(now);
        }
    }
    case.notes.push(format!(
        "W and b were saved after the step: z shows W + c·dW with c = {c:.6}; that is used as W"
    ));
}

/// The λ that every dW of the file shows: `dW = k·aᵀ·dz + λ·W`.
fn decay(case: &Case, slack: f64) -> Option<f64> {
    let mut found = Vec::new();
    for l in layers(case) {
        let (Some(dz), Some(a), Some(dw)) =
            (case.get(Slot::Dz(l)), input(case, l), case.get(Slot::Grad(Param::W(l))))
        else {
            continue;
        };
        let (base, w) = (matmul_tn(a, dz), case.w(l));
        if scale::multiple(dw, &base, slack).is_some() || dw.data().len() < 4 {
            return None;
        }
        found.push(scale::combination(dw, &base, w, slack)?.1);
    }
    common(&found).map(f64::abs).filter(|decay| *decay > 0.0)
}

/// The learning rate that all steps show, if it is another than the file's and no number of the batch explains it.
fn scheduled(case: &Case, lr: f64, slack: f64) -> Option<f64> {
    let mut rates = Vec::new();
    for param in layers(case).flat_map(|l| [Param::W(l), Param::B(l)]) {
        let (Some(new), Some(gradient)) = (case.get(Slot::New(param)), case.get(Slot::Grad(param))) else {
            continue;
        };
        let old = &case.given[&Slot::Param(param)];
        let step = minus(old, new);
        if norm(gradient) == 0.0 || gradient.shape() != step.shape() {
            continue;
        }
        let rounding = 1e2 * if slack > 1e-6 { 1e-7 } else { 1e-16 } * norm(old) / norm(&step);
        // A step that is nothing but rounding shows no rate.
        if rounding > 1e-2 {
            continue;
        }
        rates.push(scale::multiple(&step, gradient, slack.max(rounding))?);
    }
    let rate = common(&rates).filter(|_| rates.len() > 1)?.abs();
    let (n, outputs) = (case.count(), case.classes() as f64);
    let known = [1.0, n, outputs, n * outputs, n / outputs, n * n, 1.0 / lr];
    let explained = known.iter().any(|known| {
        let ratio = rate / lr / known;
        (ratio - 1.0).abs() < 1e-3 || (ratio * known * known - 1.0).abs() < 1e-3
    });
    (!explained && rate > 0.0).then_some(rate)
}
