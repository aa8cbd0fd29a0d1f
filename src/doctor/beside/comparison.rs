//! The numbers of a file beside the right ones, computed from its W, b, X and y alone.
//!
//! The doctor computes each tensor from the file's own tensors before it; here everything is computed from the
//! beginning, so what is wrong once is wrong in all that follows from it.

use super::rounding::Rounding;
use super::trace::{self, Named};
use crate::doctor::exam::difference::{self, View};
use crate::doctor::exam::judge::Tolerance;
use crate::doctor::exam::report::Number;
use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::keys::{self, Key};
use crate::doctor::file::npy::{Array, Kind, Refusal};
use crate::doctor::file::npz::Entries;
use crate::doctor::file::reading;
use crate::doctor::file::roles;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::accuracy;
use crate::network::{Activation, Loss, Task};
use crate::reference::{Aim, Layer, Matrix, Mlp};
use serde::Serialize;

/// One tensor of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub tensor: String,
    /// Whether every value is the right one.
    pub ok: bool,
    /// The largest difference from a right value, divided by the largest of the tensor's right values.
    pub difference: Number,
    /// Where that is, as the file's own array is indexed; nothing if the shapes differ.
    pub at: Option<Vec<usize>>,
    /// The file's value there.
    pub got: Option<Number>,
    /// The right one.
    pub want: Option<Number>,
    /// In which pattern it differs: in how many values, by a constant factor, rows in another order, …
    pub pattern: Option<String>,
}

/// All tensors of a file beside the right ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Whether all agree.
    pub agree: bool,
    /// The first that does not, in computing order.
    pub first_difference: Option<String>,
    /// The relative difference that counts as equal.
    pub tolerance: f64,
    /// Those of the file, in computing order.
    pub tensors: Vec<Row>,
    /// What was not compared, and how the file was read.
    pub notes: Vec<String>,
}

/// Whether a file has parameters of its own.
pub fn has_network(entries: &Entries) -> bool {
    let own = |name: &String| {
        matches!(keys::parse(name), Some(Key::Slot(Slot::Param(_))))
            || keys::torch(name).is_some_and(|(_, _, word)| word.is_empty())
    };
    entries.keys().any(own) || roles::infer(entries).is_ok()
}

/// Whether a file has samples or labels of its own.
pub fn has_batch(entries: &Entries) -> bool {
    entries.keys().any(|name| matches!(keys::parse(name), Some(Key::X | Key::Y)))
        || roles::infer(entries).is_ok()
}

/// Compares everything in a file that follows from its W, b, X, y and lr; `lr` stands in for the file's own. Without a `loss` it
/// is the one with the fewest differences of those that the targets may belong to.
///
/// A file that can be read in several ways (a square W, no `act`) is read in the one with the fewest differences.
///
/// # Errors
/// What is missing or does not fit, and a hint.
pub fn compare(entries: &Entries, lr: Option<f64>, loss: Option<Loss>) -> Result<Comparison, Refusal> {
    let mut dump = reading::read(entries, &[])?.dump;
    if dump.y_name.is_none() {
        let hint = "everything is computed again from W, b, X and y; `gpu-mlp doctor` needs less";
        return Err(Refusal::new("lacks y", hint));
    }
    if let Some(lr) = lr {
        dump.numbers.insert("lr", lr);
    }
    let acts = match dump.act {
        Some(act) => vec![act],
        None if dump.depth == 1 => vec![Activation::Relu],
        None => vec![Activation::Relu, Activation::Sigmoid, Activation::Tanh],
    };
    let cases = Case::all(&dump)?;
    let readings = cases.iter().flat_map(|case| {
        let losses = loss.map_or_else(|| losses(case).to_vec(), |loss| vec![loss]);
        let said = losses.len() == 1;
        let readings = losses.into_iter().flat_map(|loss| acts.iter().map(move |&act| (loss, act)));
        readings.map(|(loss, act)| beside(&dump, case, (loss, said), act)).collect::<Vec<_>>()
    });
    let differing = |comparison: &Comparison| comparison.tensors.iter().filter(|row| !row.ok).count();
    let best = readings.min_by_key(differing).filter(|best| !best.tensors.is_empty());
    best.ok_or_else(|| {
        let hint = "export at least one of z1, p, loss, dW1, W1_new; see `gpu-mlp doctor --template numpy`";
        Refusal::new("has nothing to compare beside parameters and batch", hint)
    })
}

/// The losses that a file's targets may belong to, the likeliest first.
fn losses(case: &Case) -> &'static [Loss] {
    let binary = case.y.data().iter().all(|&target| target == 0.0 || target == 1.0);
    match (case.one_hot && case.classes() > 1, binary) {
        (true, _) => &[Loss::SoftmaxCrossEntropy],
        (false, true) => &[Loss::SigmoidCrossEntropy, Loss::SquaredError],
        (false, false) => &[Loss::SquaredError, Loss::Huber { delta: 1.0 }],
    }
}

/// The comparison under one reading of the file.
fn beside(dump: &Dump, case: &Case, (loss, said): (Loss, bool), act: Activation) -> Comparison {
    let layer = |l| Layer { w: case.w(l).clone(), b: case.b(l).data().to_vec() };
    let mlp = Mlp { layers: (1..=case.depth()).map(layer).collect(), activation: act.into() };
    let labels: Vec<u32> = case.labels.iter().map(|&label| label as u32).collect();
    let aim = match loss.task() {
        Task::Classification => Aim::Classes(&labels),
        Task::MultiLabel | Task::Regression => Aim::Values(&case.y),
    };
    let lr = dump.numbers.get("lr").copied();
    let right = trace::computed_for(loss, &mlp, &case.x, aim, lr);
    let coarse = |array: &Array| matches!(array.kind, Kind::F16 | Kind::F32);
    let tolerance = Tolerance::new(dump.single || dump.slots.values().any(coarse), None);
    let rounding = Rounding::new(&mlp, case, &right, lr.unwrap_or(0.0), tolerance.epsilon);
    let mut notes = [dump.notes.clone(), case.notes.clone()].concat();
    if dump.act.is_none() && dump.depth > 1 {
        notes.push(format!("act is not given; {} fits best", format!("{act:?}").to_lowercase()));
    }
    if !said {
        notes.push(format!("the file does not name the loss; {loss} fits best"));
    }
    let mut tensors = Vec::new();
    for (slot, want) in &right {
        if let (Some(got), None) = (case.get(*slot), beyond(dump, *slot)) {
            let floor = rounding.of(*slot);
            tensors.push(row(dump, case, &(*slot, want.clone()), got, (tolerance.relative, floor)));
        }
    }
    notes.extend(left_out(dump, &right));
    let first_difference = tensors.iter().find(|row| !row.ok).map(|row| row.tensor.clone());
    let (agree, tolerance) = (first_difference.is_none(), tolerance.relative);
    Comparison { agree, first_difference, tolerance, tensors, notes }
}

/// Why a tensor does not follow from W, b, X, y and lr alone: what the file uses beyond them.
fn beyond(dump: &Dump, slot: Slot) -> Option<&'static str> {
    let uses = |name: &str| dump.numbers.get(name).is_some_and(|&number| number != 0.0);
    let state = |slot: &Slot| matches!(slot, Slot::V(_) | Slot::VPrev(_) | Slot::M(_) | Slot::MPrev(_));
    let dropout = uses("drop_p") || dump.slots.keys().any(|slot| matches!(slot, Slot::Mask(_)));
    let optimiser = uses("momentum") || uses("adam_t") || dump.slots.keys().any(state);
    match slot {
        Slot::New(_) if optimiser => Some("momentum or Adam"),
        Slot::Loss | Slot::Grad(_) | Slot::New(_) if uses("l2") => Some("l2"),
        Slot::Z(1) => None,
        _ if dropout => Some("dropout"),
        _ => None,
    }
}

/// A note on the tensors of the file that are not compared.
fn left_out(dump: &Dump, right: &[Named]) -> Option<String> {
    let reason = |slot: &Slot| match beyond(dump, *slot) {
        Some(reason) => Some(format!("{slot} ({reason})")),
        None if right.iter().any(|(known, _)| known == slot) => None,
        None if matches!(slot, Slot::New(_)) => Some(format!("{slot} (no lr in the file, and none given)")),
        None => Some(slot.to_string()),
    };
    let others = dump.slots.keys().filter(|slot| !matches!(slot, Slot::Param(_)));
    let names: Vec<String> = others.filter_map(reason).collect();
    (!names.is_empty()).then(|| format!("not compared (gpu-mlp doctor checks these): {}", names.join(", ")))
}

/// One tensor beside the right one; `allowed` is the relative and the absolute difference that counts as equal.
fn row(dump: &Dump, case: &Case, right: &Named, got: &Matrix, allowed: (f64, f64)) -> Row {
    let (slot, want) = (right.0, convention(right, got, case));
    let tensor = slot.to_string();
    if got.shape() != want.shape() {
        let pattern = Some(format!("shape {:?} where {:?} is right", got.shape(), want.shape()));
        let difference = Number(f64::INFINITY);
        return Row { tensor, ok: false, difference, at: None, got: None, want: None, pattern };
    }
    let size = want.data().iter().fold(0.0_f64, |size, want| size.max(want.abs()));
    // NaN is as far off as can be; equal infinities are not off at all.
    let off = |i: usize| match (got.data()[i], want.data()[i]) {
        (got, want) if got == want => 0.0,
        (got, want) if (got - want).is_nan() => f64::INFINITY,
        (got, want) => (got - want).abs(),
    };
    let values = want.data().len();
    let worst = (0..values).fold(0, |worst, i| if off(i) > off(worst) { i } else { worst });
    let allowed = (allowed.0 * size).max(allowed.1);
    let differing = (0..values).filter(|&i| off(i) > allowed).count();
    let difference = if off(worst) == 0.0 { 0.0 } else { off(worst) / size };
    // Few wrong values among right ones make no pattern; their number says more.
    let pattern = match 2 * differing < values {
        true => format!("{differing} of {values} values"),
        false => difference::describe(got, &want, View::new(slot, case, dump.single)),
    };
    Row {
        tensor,
        ok: differing == 0,
        difference: Number(difference),
        at: Some(place(dump, case, slot, (worst / want.cols(), worst % want.cols()))),
        got: Some(Number(got.data()[worst])),
        want: Some(Number(want.data()[worst])),
        pattern: (differing > 0).then_some(pattern),
    }
}

/// The right tensor; an accuracy may also be given in percent or as a number of hits.
fn convention((slot, want): &Named, got: &Matrix, case: &Case) -> Matrix {
    let (&[got], Slot::Accuracy) = (got.data(), slot) else { return want.clone() };
    let share = want.data()[0];
    let forms = accuracy::forms(share * case.count(), case.count());
    let near = |a: &f64, b: &f64| (a - got).abs().total_cmp(&(b - got).abs());
    let nearest = forms.into_iter().map(|(form, _)| form).min_by(near).unwrap_or(share);
    Matrix::from_fn(1, 1, |_, _| nearest)
}

/// Where row r, column c of our layout stands in the file's own array.
fn place(dump: &Dump, case: &Case, slot: Slot, (r, c): (usize, usize)) -> Vec<usize> {
    let Some(array) = dump.slots.get(&slot) else { return vec![r, c] };
    let bias = matches!(slot.param(), Some(Param::B(_)));
    let direct = if slot.param().is_some() { case.layout.in_out } else { case.layout.rows };
    match array.shape.as_slice() {
        [] => Vec::new(),
        [_] => vec![r.max(c)],
        // A column of biases.
        [_, 1] if bias => vec![c, 0],
        [rows, cols] if !bias => {
            let ours = case.get(slot).map_or(&[][..], Matrix::shape);
            let turned = if rows == cols { !direct } else { ours != [*rows, *cols] };
            if turned { vec![c, r] } else { vec![r, c] }
        }
        _ => vec![r, c],
    }
}
