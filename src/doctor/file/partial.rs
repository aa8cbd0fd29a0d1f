//! Files with a part of a step: a network without its targets, and a softmax with its loss but without a network.

use super::dump::Dump;
use super::npy::{Array, Kind as Precision, Value};
use super::npz::Entries;
use super::roles::arrays::{Named, agree, multiple, named, rounding};
use super::roles::words::Kind;
use super::slot::Slot;
use super::targets;
use crate::reference::{self, Matrix};

/// Shapes of targets that are tried.
const SHAPES: usize = 6;

/// Classes beyond which a loss alone is not looked at.
const MOST_CLASSES: usize = 1024;

/// The file with targets of zeros, in each shape that its arrays of samples have; the reader keeps what chains.
pub fn with_targets(entries: &Entries) -> Vec<Entries> {
    let made = |array: &&Named| {
        matches!(array.words.kind, Some(Kind::Act | Kind::Pre | Kind::Dense | Kind::Delta | Kind::Error))
    };
    let mut shapes: Vec<Vec<usize>> = Vec::new();
    for array in named(entries).iter().filter(made).filter(|array| array.sides().is_some()) {
        if !shapes.contains(&array.array.shape) {
            shapes.push(array.array.shape.clone());
        }
    }
    let with = |shape: Vec<usize>| {
        let data = vec![0.0; shape.iter().product()];
        let y = Value::Numbers(Array { shape, data, kind: Precision::F64 });
        entries.clone().into_iter().chain([("y".to_owned(), y)]).collect()
    };
    shapes.into_iter().take(SHAPES).map(with).collect()
}

/// Takes back what targets of zeros say: the real ones are those that p and dz show, or what depends on them is left out.
/// Says whether anything is left.
pub fn forget_targets(dump: &mut Dump) -> bool {
    dump.y_name = None;
    let last = Slot::Dz(dump.depth);
    if let Some(y) = shown_targets(dump) {
        dump.y = Some(y);
        let note = format!("y is not in the file: it was read off p and dz{}", dump.depth);
        dump.notes.push(note);
        return true;
    }
    dump.alone = true;
    let has_last = dump.slots.contains_key(&last);
    let depends = |slot: &Slot| match slot {
        Slot::P | Slot::Loss | Slot::Accuracy => true,
        Slot::Z(_) | Slot::A(_) | Slot::Mask(_) | Slot::Param(_) => false,
        _ => !has_last,
    };
    dump.slots.retain(|slot, _| !depends(slot));
    dump.names.retain(|slot, _| !depends(slot));
    let rest = match has_last {
        true => format!("p, the loss and dz{} are not checked; what follows from dz{0} is", dump.depth),
        false => format!("p, the loss and all gradients are not checked: for these export dz{}", dump.depth),
    };
    dump.notes.push(format!(
        "the file has no targets: {rest}. Export y; if X is the targets, as an autoencoder's is, map X=X,X=y"
    ));
    dump.slots.keys().any(|slot| !matches!(slot, Slot::Param(_) | Slot::Mask(_)))
}

/// `p - k·dz`, if that is 0 and 1 alone.
fn shown_targets(dump: &Dump) -> Option<Array> {
    let (p, dz) = (dump.slots.get(&Slot::P)?, dump.slots.get(&Slot::Dz(dump.depth))?);
    let n = *dump.x.as_ref()?.shape.iter().find(|side| p.shape.contains(side))? as f64;
    if p.shape != dz.shape || p.data.len() < 3 {
        return None;
    }
    let slack = if dump.single { 1e-4 } else { 1e-9 };
    [1.0, n, -1.0, -n].into_iter().find_map(|k| {
        let used: Vec<f64> = p.data.iter().zip(&dz.data).map(|(p, dz)| p - k * dz).collect();
        let whole: Vec<f64> = used.iter().map(|y| y.round()).collect();
        let binary = whole.iter().all(|y| *y == 0.0 || *y == 1.0);
        let near = used.iter().zip(&whole).all(|(used, y)| (used - y).abs() < slack);
        (binary && near && whole.contains(&1.0)).then(|| Array { data: whole, ..p.clone() })
    })
}

/// A softmax with its loss, without a network: what goes into it stands for X, behind a layer that hands it on. It is one only
/// if the numbers of p, of the gradient or of the loss show it.
pub fn loss_alone(entries: &Entries) -> Option<Dump> {
    let arrays = named(entries);
    if arrays.iter().any(|array| matches!(array.words.kind, Some(Kind::Weight | Kind::Bias))) {
        return None;
    }
    let single = |wanted: &dyn Fn(&Named) -> bool| {
        let mut all = arrays.iter().filter(|array| wanted(array));
        all.next().filter(|_| all.next().is_none())
    };
    let kind = |array: &Named, kinds: &[Kind]| array.words.kind.is_some_and(|kind| kinds.contains(&kind));
    let y = single(&|array| kind(array, &[Kind::Target]))?;
    let scores = single(&|array| kind(array, &[Kind::Input, Kind::Pre]) && array.sides().is_some())?;
    let [n, classes] = scores.sides()?;
    let same = |array: &Named| array.array.shape == scores.array.shape;
    let p = single(&|array| same(array) && kind(array, &[Kind::Act]));
    let goes_back = |array: &Named| match array.words.kind {
        Some(Kind::Delta | Kind::Error | Kind::ActGrad) => true,
        None => array.name.to_lowercase().ends_with(&scores.name.to_lowercase()),
        _ => false,
    };
    let dz = single(&|array| same(array) && goes_back(array));
    let loss = single(&|array| kind(array, &[Kind::Loss]) && array.array.data.len() == 1);
    let (hot, _) =
        targets::read(y.array, n, classes, true).ok().filter(|_| (2..=MOST_CLASSES).contains(&classes))?;
    let right = reference::softmax(&scores.matrix(true)?);
    let slack = |array: &Named| rounding(array.is_single() || scores.is_single());
    let error = Matrix::from_fn(n, classes, |r, c| right.at(r, c) - hot.at(r, c));
    let picked = |r: usize| (0..classes).map(|c| hot.at(r, c) * right.at(r, c).ln()).sum::<f64>();
    let mean = -(0..n).map(picked).sum::<f64>() / n as f64;
    let is_mean = |loss: &Named| (loss.array.data[0] / mean - 1.0).abs() < slack(loss);
    let shown = p.is_some_and(|p| agree(&p.array.data, right.data(), slack(p)))
        || dz.is_some_and(|dz| multiple(&dz.array.data, error.data(), slack(dz)).is_some())
        || loss.is_some_and(is_mean);
    if !shown {
        return None;
    }
    let unit = |i: usize| f64::from(u8::from(i.is_multiple_of(classes + 1)));
    let identity = Array {
        shape: vec![classes; 2],
        data: (0..classes * classes).map(unit).collect(),
        kind: Precision::F64,
    };
    let places = [(scores, "X"), (y, "y")].into_iter();
    let places = places.chain(
        [(p, "p"), (dz, "dz1"), (loss, "loss")].into_iter().filter_map(|(array, ours)| Some((array?, ours))),
    );
    let map: Vec<(String, String)> =
        places.map(|(array, ours)| (array.name.to_owned(), ours.to_owned())).collect();
    let mut kept: Entries = map.iter().map(|(name, _)| (name.clone(), entries[name].clone())).collect();
    kept.insert("W1".to_owned(), Value::Numbers(identity));
    let mut dump = Dump::new(&kept, &map).ok()?;
    dump.rows = Some(true);
    dump.notes.push(format!(
        "the file has no weights: `{}` is what goes into the softmax, whose loss and gradient are checked",
        scores.name
    ));
    Some(dump)
}
