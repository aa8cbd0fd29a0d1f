//! The arrays of a file with the words of their names, and when two of them agree.

use super::words::{Kind as Role, Spot, State, Time, Words};
use crate::doctor::file::columns::{End, has_ones, without_column};
use crate::doctor::file::layout::Layout;
use crate::doctor::file::npy::{Array, Kind, Value};
use crate::doctor::file::npz::Entries;
use crate::reference::Matrix;
use std::collections::BTreeSet;

/// An array and its name.
#[derive(Debug)]
pub struct Named<'a> {
    /// As the file has it.
    pub name: &'a str,
    /// What the name says.
    pub words: Words,
    /// The values.
    pub array: &'a Array,
}

/// The arrays of numbers in a file.
pub fn named(entries: &Entries) -> Vec<Named<'_>> {
    let arrays = entries.iter().filter_map(|(name, value)| match value {
        Value::Numbers(array) => Some((name.as_str(), array)),
        _ => None,
    });
    let mut named: Vec<Named> =
        arrays.map(|(name, array)| Named { name, words: Words::of(name), array }).collect();
    // Hidden layers are counted from 1 everywhere else: `h0, h1` are the first and the second.
    let first = |named: &&Named| named.words.spot == Some(Spot::Hidden(0));
    let from_zero: BTreeSet<String> =
        named.iter().filter(first).map(|named| named.words.stem.clone()).collect();
    for words in
        named.iter_mut().map(|named| &mut named.words).filter(|words| from_zero.contains(&words.stem))
    {
        if let Some(Spot::Hidden(hidden)) = &mut words.spot {
            *hidden += 1;
        }
    }
    find_numbered_states(&mut named);
    find_squares(&mut named);
    find_earlier_states(&mut named);
    named
}

/// The state of an optimiser that has only the number of its weights: `v1` beside `W1`, of the same shape.
fn find_numbered_states(named: &mut [Named]) {
    let of_weights = |own: &Named| {
        if own.words.kind.is_some() {
            return None;
        }
        let words = Words::of(&format!("{}_w", own.name));
        let is_state = matches!(words.state, State::Velocity | State::First | State::Second);
        let owner = |other: &Named| {
            let weights = other.words.is_parameter(Role::Weight) && other.words.spot == words.spot;
            weights && other.array.shape == own.array.shape && other.array.data != own.array.data
        };
        (is_state && words.number().is_some() && named.iter().any(owner)).then_some(words)
    };
    let found: Vec<Option<Words>> = named.iter().map(of_weights).collect();
    for (own, words) in named.iter_mut().zip(found) {
        if let Some(words) = words {
            own.words = words;
        }
    }
}

/// Arrays of squares: `cache_W1` beside `W1`, `G_W1` beside `dW1`, none of whose values is below 0.
fn find_squares(named: &mut [Named]) {
    let is_square = |own: &Named| {
        let plain = |other: &Named| {
            let differs = !other.words.cached && other.array.data != own.array.data;
            other.words.state == own.words.state && differs && other.is_of(own)
        };
        // Of two series of gradients the one with values below 0 is that of the gradients.
        let has_signs = |other: &Named| other.array.data.iter().any(|&value| value < 0.0);
        let series = |other: &Named| other.words.stem.split(' ').next().map(str::to_owned);
        let graded = || named.iter().filter(|other| other.words.state == State::Grad);
        let is_series = || {
            let own = series(own);
            let is_square = graded().filter(|other| series(other) == own).all(|other| !has_signs(other));
            is_square && graded().any(has_signs)
        };
        let is = match own.words.state {
            State::Value => own.words.cached && named.iter().any(plain),
            State::Grad => named.iter().any(plain) && is_series(),
            _ => false,
        };
        is && !has_signs(own)
    };
    let squares: Vec<bool> = named.iter().map(is_square).collect();
    for (own, _) in named.iter_mut().zip(squares).filter(|(_, is_square)| *is_square) {
        own.words.state = State::Second;
    }
}

/// An optimiser's state beside the new one is the one before: `mW1` beside `mW1_new`.
fn find_earlier_states(named: &mut [Named]) {
    let is_state = |words: &Words| matches!(words.state, State::Velocity | State::First | State::Second);
    let is_earlier = |own: &Named| {
        let newer = |other: &Named| {
            other.words.time == Time::After && other.words.state == own.words.state && other.is_of(own)
        };
        is_state(&own.words) && own.words.time == Time::Now && named.iter().any(newer)
    };
    let earlier: Vec<bool> = named.iter().map(is_earlier).collect();
    for (own, _) in named.iter_mut().zip(earlier).filter(|(_, is_earlier)| *is_earlier) {
        own.words.time = Time::Before;
    }
}

impl Named<'_> {
    /// Whether both are of the same weights or biases by their names.
    fn is_of(&self, other: &Named) -> bool {
        let parameter = matches!(self.words.kind, Some(Role::Weight | Role::Bias));
        parameter && self.words.kind == other.words.kind && self.words.spot == other.words.spot
    }

    /// Rows and columns; nothing if it has not two sides.
    pub fn sides(&self) -> Option<[usize; 2]> {
        match *self.array.shape.as_slice() {
            [rows, cols] if rows > 0 && cols > 0 => Some([rows, cols]),
            _ => None,
        }
    }

    /// Samples and width of an array of samples.
    pub fn samples(&self, layout: Layout) -> Option<[usize; 2]> {
        self.sides().map(|[rows, cols]| if layout.rows { [rows, cols] } else { [cols, rows] })
    }

    /// Inputs and outputs of weights.
    pub fn weights(&self, layout: Layout) -> Option<[usize; 2]> {
        self.sides().map(|[rows, cols]| if layout.in_out { [rows, cols] } else { [cols, rows] })
    }

    /// Whether it is a vector of so many values, in whatever shape.
    pub fn is_vector(&self, length: usize) -> bool {
        self.array.data.len() == length && self.array.is_flat()
    }

    /// As a matrix `[rows, cols]`, turned unless it lies `direct`.
    pub fn matrix(&self, direct: bool) -> Option<Matrix> {
        self.array.matrix(direct)
    }

    /// As samples in rows, without the column of ones that stands for biases.
    pub fn in_rows(&self, layout: Layout, ones: Option<End>) -> Option<Matrix> {
        let matrix = self.matrix(layout.rows)?;
        Some(match ones.filter(|&end| has_ones(&matrix, end)) {
            Some(end) => without_column(&matrix, end),
            None => matrix,
        })
    }

    /// Samples and width, without such a column.
    pub fn samples_beside(&self, layout: Layout, ones: Option<End>) -> Option<[usize; 2]> {
        let [n, width] = self.samples(layout)?;
        let column = |c: usize| {
            let at = |r: usize| if layout.rows { r * width + c } else { c * n + r };
            width > 1 && (0..n).all(|r| self.array.data[at(r)] == 1.0)
        };
        let has_ones = ones.is_some_and(|end| column(if end == End::First { 0 } else { width - 1 }));
        Some([n, width - usize::from(has_ones)])
    }

    /// Whether it was stored with fewer than 64 bits.
    pub fn is_single(&self) -> bool {
        matches!(self.array.kind, Kind::F16 | Kind::F32)
    }
}

/// The largest relative difference that rounding explains.
pub fn rounding(single: bool) -> f64 {
    if single { 1e-4 } else { 1e-9 }
}

/// The size of values.
pub fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Whether two sets of values agree to rounding, and say something: some of them are not 0.
pub fn agree(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let size = norm(a).max(norm(b));
    let away = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    a.len() == b.len() && size > 0.0 && size.is_finite() && away <= tolerance * size
}

/// The factor c with which `a` is `c·b` to rounding.
pub fn multiple(a: &[f64], b: &[f64], tolerance: f64) -> Option<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    if a.len() != b.len() || a.len() < 3 {
        return None;
    }
    let c = dot(a, b) / dot(b, b);
    let scaled: Vec<f64> = b.iter().map(|b| c * b).collect();
    (c.is_finite() && c != 0.0 && agree(a, &scaled, 10.0 * tolerance)).then_some(c)
}
