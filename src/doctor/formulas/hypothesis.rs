//! What a hypothesis is: a bug, the formula it stands for, and that formula as code.

use super::bend::Bend;
use super::catalogue::Bug;
use super::design::Design;
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// A place in the calculation, and everything known there.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Network, batch and exported tensors.
    pub case: &'a Case,
    /// The layer's activation, if it is hidden.
    pub act: Bend,
    /// What the network ends in and is measured by.
    pub design: Design,
    /// lr, l2, momentum, …
    pub numbers: &'a BTreeMap<&'static str, f64>,
    /// Whether the code calculated in 32 bits.
    pub single: bool,
    /// The layer.
    pub l: usize,
    /// Before the activation: the file's, or computed; entry l - 1 is layer l.
    pub z: &'a [Matrix],
    /// The input of each layer: entry l - 1 goes into layer l.
    pub a: &'a [Matrix],
    /// What the formula starts from.
    pub up: &'a Matrix,
}

impl<'a> Site<'a> {
    /// The number of samples.
    pub fn n(&self) -> f64 {
        self.case.count()
    }

    /// The input of this layer, `a_{l-1}`.
    pub fn input(&self) -> &'a Matrix {
        &self.a[self.l - 1]
    }

    /// This layer's z.
    pub fn z(&self) -> &'a Matrix {
        &self.z[self.l - 1]
    }

    /// This layer's a; only hidden layers have one.
    pub fn output(&self) -> Option<&'a Matrix> {
        self.a.get(self.l)
    }

    /// A dz of zeros; one that no gradient is made of may be an array that was never filled.
    pub fn no_error(&self) -> Option<Matrix> {
        let filled = |param| {
            let gradient = self.case.get(Slot::Grad(param));
            gradient.is_some_and(|gradient| gradient.data().iter().any(|&value| value != 0.0))
        };
        let used = !filled(Param::W(self.l)) && !filled(Param::B(self.l));
        used.then(|| self.z().map(|_| 0.0))
    }

    /// One of lr, l2, momentum, …
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }
}

/// A bug as a formula that can be tested. In the text, `l` is the layer, `k` the one below it.
#[derive(Debug)]
pub struct Hypothesis {
    /// The bug.
    pub bug: Bug,
    /// The formula as a person writes it.
    pub formula: &'static str,
    /// The formula's numbers; nothing where it does not apply.
    pub value: fn(&Site) -> Option<Matrix>,
}

impl PartialEq for Hypothesis {
    fn eq(&self, other: &Self) -> bool {
        (self.bug, self.formula) == (other.bug, other.formula)
    }
}
