//! Biases that are a row of W: behind a column of ones in X and in every a, or behind a unit whose a is set to 1.
//!
//! Such a file is brought into the usual form: the row becomes b, the ones go, and so does all that a unit of ones
//! has beside them.

use super::columns::{End, has_ones, without_column};
use super::dump::Dump;
use super::layout::Layout;
use super::npy::Array;
use super::slot::{Param, Slot};
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// A file in the usual form, by each way in which its biases may be rows of its weights; none if they are not.
pub fn taken_out(dump: &Dump, layout: Layout) -> Vec<Dump> {
    let rows_of_biases = RowsOfBiases::find(dump, layout);
    rows_of_biases.iter().filter_map(|found| found.usual(dump)).collect()
}

/// The same as an array again.
fn array(matrix: &Matrix, direct: bool, like: &Array) -> Array {
    let matrix = if direct { matrix.clone() } else { matrix.transposed() };
    Array { shape: matrix.shape().to_vec(), data: matrix.into_data(), kind: like.kind }
}

/// Where a column of ones stands; one sample shows none.
fn ones(m: &Matrix) -> Option<End> {
    [End::Last, End::First].into_iter().find(|&end| m.rows() > 1 && has_ones(m, end))
}

/// Without its first or last row, and that row.
fn split(m: &Matrix, end: End) -> (Matrix, Matrix) {
    let (first, at) = if end == End::First { (1, 0) } else { (0, m.rows() - 1) };
    let rest = Matrix::from_fn(m.rows() - 1, m.cols(), |r, c| m.at(r + first, c));
    (rest, Matrix::from_fn(1, m.cols(), |_, c| m.at(at, c)))
}

/// What the biases of a file are.
struct RowsOfBiases {
    layout: Layout,
    end: End,
    /// Units of every layer without those of ones; that of X first.
    units: Vec<usize>,
}

impl RowsOfBiases {
    /// The ways in which the shapes, or columns of ones, say so.
    fn find(dump: &Dump, layout: Layout) -> Vec<Self> {
        let has_b = dump.slots.keys().any(|slot| matches!(slot, Slot::Param(Param::B(_))));
        let Some(x) = dump.x.as_ref().and_then(|x| x.matrix(layout.rows)).filter(|_| !has_b) else {
            return Vec::new();
        };
        let weights =
            (1..=dump.depth).map(|l| dump.slots.get(&Slot::Param(Param::W(l)))?.matrix(layout.in_out));
        let weights = weights.collect::<Option<Vec<Matrix>>>().unwrap_or_default();
        if weights.is_empty() {
            return Vec::new();
        }
        let activations = |l: usize| dump.slots.get(&Slot::A(l)).and_then(|a| a.matrix(layout.rows));
        let of_hidden = (1..dump.depth).filter_map(|l| ones(&activations(l)?)).next();
        // A layer with one more input than there are units below, or a unit that is 1 for all samples.
        let grown = weights.iter().zip([x.cols()].into_iter().chain(weights.iter().map(|w| w.cols())));
        let grown = grown.filter(|(w, below)| w.rows() == below + 1).count();
        // A column of ones in X alone may be that of a unit of ones whose a is not in the file.
        if grown == 0 && of_hidden.is_none() && ones(&x).is_none() {
            return Vec::new();
        }
        let mut units: Vec<usize> = weights.iter().map(|w| w.rows() - 1).collect();
        units.extend(weights.last().map(|w| w.cols()));
        let known = ones(&x).filter(|_| x.cols() == units[0] + 1).or(of_hidden);
        let ends = known.map_or(vec![End::Last, End::First], |end| vec![end]);
        ends.into_iter().map(|end| Self { layout, end, units: units.clone() }).collect()
    }

    /// The file in the usual form; nothing if some array does not fit.
    fn usual(&self, dump: &Dump) -> Option<Dump> {
        let Layout { rows, in_out } = self.layout;
        let place = if self.end == End::First { "first" } else { "last" };
        let mut usual = Dump { slots: BTreeMap::new(), bias_rows: Some(place), ..dump.clone() };
        let x = dump.x.as_ref()?;
        usual.x = Some(self.samples(x, 0, rows)?);
        for (&slot, given) in &dump.slots {
            match (slot.param(), slot.layer()) {
                (Some(Param::W(l)), _) => {
                    let lying = given.matrix(in_out)?;
                    let (w, b) = split(&lying, self.end);
                    let extra = w.cols() == self.units[l] + 1;
                    let [w, b] = [w, b].map(|m| if extra { without_column(&m, self.end) } else { m });
                    (w.rows() == self.units[l - 1] && w.cols() == self.units[l]).then_some(())?;
                    usual.slots.insert(slot, array(&w, in_out, given));
                    usual.slots.insert(slot.of_biases(), array(&b, true, given));
                }
                (None, Some(l)) => {
                    usual.slots.insert(slot, self.samples(given, l, rows)?);
                }
                _ => {
                    usual.slots.insert(slot, given.clone());
                }
            }
        }
        Some(usual)
    }

    /// Something with a row for each sample, without its column of ones.
    fn samples(&self, given: &Array, l: usize, rows: bool) -> Option<Array> {
        let m = given.matrix(rows)?;
        match m.cols().checked_sub(self.units[l])? {
            0 => Some(given.clone()),
            1 => Some(array(&without_column(&m, self.end), rows, given)),
            _ => None,
        }
    }
}
