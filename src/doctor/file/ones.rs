//! Biases that are a row of W: behind a column of ones in X and in every a, or behind a unit whose a is set to 1.
//!
//! Such a file is brought into the usual form: the row becomes b, the ones go, and so does all that a unit of ones
//! has beside them.

use super::dump::Dump;
use super::layout::Layout;
use super::npy::Array;
use super::slot::{Param, Slot};
use std::collections::BTreeMap;

/// Where the ones stand among the inputs of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

/// A file in the usual form, by each way in which its biases may be rows of its weights; none if they are not.
pub fn taken_out(dump: &Dump, layout: Layout) -> Vec<Dump> {
    let rows_of_biases = RowsOfBiases::find(dump, layout);
    rows_of_biases.iter().filter_map(|found| found.usual(dump)).collect()
}

/// A table of numbers with its samples, or its inputs, as rows.
#[derive(Clone)]
struct Table {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Table {
    fn of(array: &Array, direct: bool) -> Option<Self> {
        let &[first, second] = array.shape.as_slice() else { return None };
        let at = |r: usize, c: usize| array.data[if direct { r * second + c } else { c * second + r }];
        let (rows, cols) = if direct { (first, second) } else { (second, first) };
        (array.data.len() == first * second).then(|| Self {
            rows,
            cols,
            data: (0..rows).flat_map(|r| (0..cols).map(move |c| (r, c))).map(|(r, c)| at(r, c)).collect(),
        })
    }

    fn array(&self, direct: bool, like: &Array) -> Array {
        let at = |r: usize, c: usize| self.data[r * self.cols + c];
        let (shape, data) = if direct {
            (vec![self.rows, self.cols], self.data.clone())
        } else {
            let turned = (0..self.cols).flat_map(|c| (0..self.rows).map(move |r| (r, c)));
            (vec![self.cols, self.rows], turned.map(|(r, c)| at(r, c)).collect())
        };
        Array { shape, data, kind: like.kind }
    }

    /// Where a column of ones stands.
    fn ones(&self) -> Option<End> {
        let column = |c: usize| self.rows > 1 && (0..self.rows).all(|r| self.data[r * self.cols + c] == 1.0);
        match self.cols {
            0 | 1 => None,
            _ if column(self.cols - 1) => Some(End::Last),
            _ if column(0) => Some(End::First),
            _ => None,
        }
    }

    fn without_column(&self, end: End) -> Self {
        let kept = if end == End::First { 1..self.cols } else { 0..self.cols - 1 };
        let data = (0..self.rows).flat_map(|r| kept.clone().map(move |c| (r, c)));
        Self {
            rows: self.rows,
            cols: self.cols - 1,
            data: data.map(|(r, c)| self.data[r * self.cols + c]).collect(),
        }
    }

    /// Without its first or last row, and that row.
    fn split(&self, end: End) -> (Self, Vec<f64>) {
        let at = if end == End::First { 0 } else { (self.rows - 1) * self.cols };
        let mut data = self.data.clone();
        let row = data.drain(at..at + self.cols).collect();
        (Self { rows: self.rows - 1, cols: self.cols, data }, row)
    }
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
        let Some(x) = dump.x.as_ref().and_then(|x| Table::of(x, layout.rows)).filter(|_| !has_b) else {
            return Vec::new();
        };
        let weights =
            (1..=dump.depth).map(|l| Table::of(dump.slots.get(&Slot::Param(Param::W(l)))?, layout.in_out));
        let Some(weights) = weights.collect::<Option<Vec<Table>>>() else { return Vec::new() };
        let activations = |l: usize| dump.slots.get(&Slot::A(l)).and_then(|a| Table::of(a, layout.rows));
        let of_hidden = (1..dump.depth).filter_map(|l| activations(l)?.ones()).next();
        // A layer with one more input than there are units below, or a unit that is 1 for all samples.
        let grown = weights.iter().zip([x.cols].into_iter().chain(weights.iter().map(|w| w.cols)));
        let grown = grown.filter(|(w, below)| w.rows == below + 1).count();
        // A column of ones in X alone may be that of a unit of ones whose a is not in the file.
        if grown == 0 && of_hidden.is_none() && (x.ones().is_none() || dump.depth == 1) {
            return Vec::new();
        }
        let mut units: Vec<usize> = weights.iter().map(|w| w.rows - 1).collect();
        units.extend(weights.last().map(|w| w.cols));
        let known = x.ones().filter(|_| x.cols == units[0] + 1).or(of_hidden);
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
        for (&slot, array) in &dump.slots {
            match (slot.param(), slot.layer()) {
                (Some(Param::W(l)), _) => {
                    let (w, b) = Table::of(array, in_out)?.split(self.end);
                    let extra = w.cols == self.units[l] + 1;
                    let w = if extra { w.without_column(self.end) } else { w };
                    let b = Table { rows: 1, cols: b.len(), data: b };
                    let b = if extra { b.without_column(self.end) } else { b };
                    (w.rows == self.units[l - 1] && w.cols == self.units[l]).then_some(())?;
                    usual.slots.insert(slot, w.array(in_out, array));
                    usual.slots.insert(slot.of_biases(), b.array(true, array));
                }
                (None, Some(l)) => {
                    usual.slots.insert(slot, self.samples(array, l, rows)?);
                }
                _ => {
                    usual.slots.insert(slot, array.clone());
                }
            }
        }
        Some(usual)
    }

    /// Something with a row for each sample, without its column of ones.
    fn samples(&self, array: &Array, l: usize, rows: bool) -> Option<Array> {
        let table = Table::of(array, rows)?;
        match table.cols.checked_sub(self.units[l])? {
            0 => Some(array.clone()),
            1 => Some(table.without_column(self.end).array(rows, array)),
            _ => None,
        }
    }
}
