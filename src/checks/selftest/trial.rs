//! The result of a check: the worst error, and its bound.

use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::reference::compare;

/// The result for one kernel in one variant, over several shapes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// File and entry point, and the variant.
    pub kernel: String,
    /// The shapes it was tried on.
    pub shapes: Vec<Vec<usize>>,
    /// The error of the value that is closest to its bound; infinite if the value is not a number.
    #[serde(serialize_with = "finite")]
    pub worst: f64,
    /// What that value may be off by; 0 where nothing is rounded.
    pub allowed: f64,
    /// Whether all was right.
    pub ok: bool,
    /// What was wrong first.
    pub wrong: Option<String>,
}

/// JSON has no infinity: it becomes null.
fn finite<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    value.is_finite().then_some(value).serialize(serializer)
}

impl Row {
    /// A check that could not be carried out.
    pub fn failed(kernel: &str, error: &Error) -> Self {
        let mut trial = Trial::new(kernel);
        trial.holds(&"it", false, &error);
        trial.row()
    }
}

/// A check under way.
pub struct Trial {
    row: Row,
    /// The worst error as a fraction of its bound.
    share: f64,
}

impl Trial {
    /// Nothing tried yet.
    pub fn new(kernel: impl Into<String>) -> Self {
        let row = Row {
            kernel: kernel.into(),
            shapes: Vec::new(),
            worst: 0.0,
            allowed: 0.0,
            ok: true,
            wrong: None,
        };
        Self { row, share: -1.0 }
    }

    /// What follows is of this shape.
    pub fn shape(&mut self, shape: &[usize]) {
        self.row.shapes.push(shape.to_vec());
    }

    /// Every value lies near the one wanted.
    pub fn within(
        &mut self,
        what: &dyn fmt::Display,
        got: &[f32],
        want: &[f64],
        allowed: impl Fn(usize) -> f64,
    ) {
        if let Err(mismatch) = compare::within(got, want, &allowed) {
            self.holds(what, false, &mismatch);
        }
        for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
            let (off, may) = ((f64::from(got) - want).abs(), allowed(index));
            let share = match off {
                0.0 => 0.0,
                _ if off.is_nan() => f64::INFINITY,
                _ => off / may,
            };
            if share > self.share {
                self.share = share;
                (self.row.worst, self.row.allowed) = (if off.is_nan() { f64::INFINITY } else { off }, may);
            }
        }
    }

    /// Every value is the one wanted, to the bit.
    pub fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &dyn fmt::Display, got: &[T], want: &[T]) {
        let found = match got.iter().zip(want).position(|(got, want)| got != want) {
            Some(at) => format!("at {at}: got {:?}, want {:?}", got[at], want[at]),
            None if got.len() != want.len() => format!("{} values instead of {}", got.len(), want.len()),
            None => return,
        };
        self.holds(what, false, &found);
    }

    /// What another check has found is part of this one.
    pub fn join(&mut self, other: Row) {
        let share = if other.allowed > 0.0 { other.worst / other.allowed } else { 0.0 };
        if share > self.share {
            self.share = share;
            (self.row.worst, self.row.allowed) = (other.worst, other.allowed);
        }
        self.row.ok &= other.ok;
        self.row.wrong = self.row.wrong.take().or(other.wrong);
        self.row.shapes.extend(other.shapes);
    }

    /// Something else that has to be so.
    pub fn holds(&mut self, what: &dyn fmt::Display, so: bool, found: &dyn fmt::Display) {
        if so {
            return;
        }
        self.row.ok = false;
        if self.row.wrong.is_none() {
            let shape = self.row.shapes.last().map(|shape| format!("{shape:?}, ")).unwrap_or_default();
            self.row.wrong = Some(format!("{shape}{what}: {found}"));
        }
    }

    /// The result.
    pub fn row(self) -> Row {
        self.row
    }
}
