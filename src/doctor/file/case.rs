//! The exported tensors in the one layout the formulas are written in: samples as rows, w `[in, out]`, b `[1, out]`.
//!
//! A file may lie in several ways at once where sizes coincide (a square W, N equal to a width). Every way that
//! chains becomes a case; the examination keeps the one with the fewest mismatches.

use super::dump::Dump;
use super::layout::{Layout, misshapen};
use super::npy::{Array, Refusal};
use super::ones;
use super::slot::{Param, Slot};
use super::targets::{self, is_hot};
use crate::reference::{Matrix, argmax, matmul};
use std::collections::{BTreeMap, BTreeSet};

/// A network, a batch and what somebody's code made of them.
#[derive(Debug, Clone)]
pub struct Case {
    /// How the file lay.
    pub layout: Layout,
    /// Samples.
    pub n: usize,
    /// Widths: input, hidden layers, classes.
    pub sizes: Vec<usize>,
    /// `[n, in]`
    pub x: Matrix,
    /// The targets `[n, outputs]`: for one class a sample, one-hot rows.
    pub y: Matrix,
    /// Whether every sample has one class.
    pub one_hot: bool,
    /// The class of every sample, or its largest target.
    pub labels: Vec<usize>,
    /// Layers with one bias for all their units.
    pub shared_biases: BTreeSet<usize>,
    /// Layers whose biases neither the file nor its z and a show.
    pub unseen_biases: BTreeSet<usize>,
    /// Whether the biases are a row of the weights in the file.
    pub bias_rows: bool,
    /// Whether it is one layer without its network.
    pub alone: bool,
    /// Tensors of the file that are not examined.
    pub aside: BTreeSet<Slot>,
    /// Everything else in our layout.
    pub given: BTreeMap<Slot, Matrix>,
    /// What had to be turned.
    pub notes: Vec<String>,
}

impl Case {
    /// The cases a file can be read as; at least one.
    ///
    /// # Errors
    /// The shapes that do not chain, for the likeliest layout.
    pub fn all(dump: &Dump) -> Result<Vec<Self>, Refusal> {
        let allowed = |layout: &Layout| dump.rows.is_none_or(|rows| rows == layout.rows);
        let (mut cases, mut refusals) = (Vec::new(), Vec::new());
        for layout in Layout::ALL.into_iter().filter(allowed) {
            let usual = ones::taken_out(dump, layout);
            for dump in usual.iter().chain([dump]) {
                match Self::read(dump, layout) {
                    Ok(case) => cases.push(case),
                    Err(refusal) => refusals.push(refusal),
                }
            }
        }
        // The reading that went furthest explains best.
        refusals.sort_by_key(|(progress, _)| std::cmp::Reverse(*progress));
        match refusals.into_iter().next() {
            Some((_, refusal)) if cases.is_empty() => Err(refusal),
            _ => Ok(cases),
        }
    }

    /// The number of layers.
    pub fn depth(&self) -> usize {
        self.sizes.len() - 1
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.sizes[self.depth()]
    }

    /// The samples as a number to calculate with.
    pub fn count(&self) -> f64 {
        self.n as f64
    }

    /// A tensor of the file.
    pub fn get(&self, slot: Slot) -> Option<&Matrix> {
        self.given.get(&slot)
    }

    /// The weights of layer l.
    pub fn w(&self, l: usize) -> &Matrix {
        &self.given[&Slot::Param(Param::W(l))]
    }

    /// The biases of layer l, `[1, out]`.
    pub fn b(&self, l: usize) -> &Matrix {
        &self.given[&Slot::Param(Param::B(l))]
    }

    /// Whether the biases of layer l may be those after the step: the file has its weights before and after.
    pub fn has_later_biases(&self, l: usize) -> bool {
        let has = |slot: Slot| self.given.contains_key(&slot);
        has(Slot::New(Param::W(l))) && !has(Slot::New(Param::B(l))) && !self.unseen_biases.contains(&l)
    }

    /// Reads a file as lying in `layout`; a refusal comes with how many steps went well before it.
    fn read(dump: &Dump, layout: Layout) -> Result<Self, (usize, Refusal)> {
        let (x, y) = (required(dump.x.as_ref()), required(dump.y.as_ref()));
        let x = x.matrix(layout.rows).ok_or_else(|| (0, shape_of("X", "two dimensions", &x)))?;
        let (n, mut sizes) = (x.rows(), vec![x.cols()]);
        let (mut params, mut shared_biases) = (BTreeMap::new(), BTreeSet::new());
        let has_biases = |l: &usize| dump.slots.contains_key(&Slot::Param(Param::B(*l)));
        let unseen_biases = (1..=dump.depth).filter(|l| !has_biases(l)).collect();
        for l in 1..=dump.depth {
            let (w, b) = layer(dump, layout, l, sizes[l - 1]).map_err(|refusal| (l, refusal))?;
            let w_units = w.cols();
            sizes.push(w_units);
            params.insert(Slot::Param(Param::W(l)), w);
            // Of biases that the file does not have, one number as their gradient says that they are one.
            let single = |array: &Array| array.data.len() == 1 && w_units > 1;
            let one_gradient = dump.slots.get(&Slot::Grad(Param::B(l))).is_some_and(single);
            if b.one_for_all || (one_gradient && !has_biases(&l)) {
                shared_biases.insert(l);
            }
            params.insert(Slot::Param(Param::B(l)), b.values);
        }
        let outputs = sizes[dump.depth];
        let (y, counted) =
            targets::read(&y, n, outputs, layout.rows).map_err(|refusal| (sizes.len(), refusal))?;
        let labels = (0..n).map(|r| argmax(y.row(r))).collect();
        let one_hot = y.cols() > 1 && (0..n).all(|r| is_hot(y.row(r)));
        let place = |place: &str| format!("the biases are the {place} row of W, behind a column of ones");
        let (notes, bias_rows) =
            (dump.bias_rows.map(place).into_iter().chain(counted).collect(), dump.bias_rows.is_some());
        let mut case = Self {
            layout,
            n,
            sizes,
            x,
            y,
            one_hot,
            labels,
            shared_biases,
            unseen_biases,
            bias_rows,
            alone: dump.alone,
            aside: BTreeSet::new(),
            given: params,
            notes,
        };
        for (&slot, array) in dump.slots.iter().filter(|(slot, _)| !matches!(slot, Slot::Param(_))) {
            let tensor = case.place(slot, array).map_err(|refusal| (case.sizes.len() + 1, refusal))?;
            if slot == Slot::Da(dump.depth) {
                let last = dump.depth;
                case.notes.push(format!("da{last} (the gradient by p) is not checked; dz{last} is"));
                continue;
            }
            case.given.insert(slot, tensor);
        }
        case.finite().map_err(|refusal| (usize::MAX, refusal))?;
        case.read_biases_off(dump);
        Ok(case)
    }

    /// A tensor in our layout.
    fn place(&mut self, slot: Slot, array: &Array) -> Result<Matrix, Refusal> {
        let expected = match slot {
            Slot::Loss | Slot::Accuracy if array.data.is_empty() => {
                return Err(shape_of(&slot.to_string(), "one value", array));
            }
            Slot::Loss | Slot::Accuracy => return Ok(reshape(array, 1, array.data.len())),
            Slot::P => [self.n, self.classes()],
            Slot::Z(l) | Slot::A(l) | Slot::Mask(l) | Slot::Dz(l) | Slot::Da(l) => [self.n, self.sizes[l]],
            _ => match slot.param() {
                Some(Param::B(l)) => return self.bias_like(slot, array, l),
                Some(Param::W(l)) => [self.sizes[l - 1], self.sizes[l]],
                None => [self.n, self.sizes[0]],
            },
        };
        let direct = if slot.param().is_some() { self.layout.in_out } else { self.layout.rows };
        let (rows, cols) = (expected[0], expected[1]);
        let lies = |direct: bool| array.shape == if direct { [rows, cols] } else { [cols, rows] };
        if lies(direct) {
            return Ok(if direct {
                reshape(array, rows, cols)
            } else {
                reshape(array, cols, rows).transposed()
            });
        }
        if lies(!direct) {
            self.notes.push(format!("{slot} is stored the other way round than W or X; read transposed"));
            return Ok(if direct {
                reshape(array, cols, rows).transposed()
            } else {
                reshape(array, rows, cols)
            });
        }
        // One sample, or one value a sample, may have lost a dimension.
        if array.shape.len() <= 1 && array.data.len() == rows * cols && (rows == 1 || cols == 1) {
            return Ok(reshape(array, rows, cols));
        }
        let wanted = if direct { [rows, cols] } else { [cols, rows] };
        Err(shape_of(&slot.to_string(), &format!("{wanted:?} as the other shapes say"), array))
    }

    /// Something of a bias's shape; a gradient may also be a scalar, or not summed over the batch.
    fn bias_like(&self, slot: Slot, array: &Array, l: usize) -> Result<Matrix, Refusal> {
        let (n, out) = (self.n, self.sizes[l]);
        let unsummed = [if self.layout.rows { n } else { out }, if self.layout.rows { out } else { n }];
        match array.data.len() {
            len if len == out && array.is_flat() => Ok(reshape(array, 1, out)),
            1 => Ok(Matrix::from_fn(1, out, |_, _| array.data[0])),
            _ if array.shape == unsummed && self.layout.rows => Ok(reshape(array, n, out)),
            _ if array.shape == unsummed => Ok(reshape(array, out, n).transposed()),
            _ => Err(shape_of(&slot.to_string(), &format!("{out} values for layer {l}"), array)),
        }
    }

    /// Biases that the file does not have, but that its z shows: what z is more than a·W, if that is the same for
    /// every sample.
    fn read_biases_off(&mut self, dump: &Dump) {
        for l in 1..=self.depth() {
            let slot = Slot::Param(Param::B(l));
            let input = if l == 1 { Some(&self.x) } else { self.get(Slot::A(l - 1)) };
            let (Some(z), Some(input), false) = (self.get(Slot::Z(l)), input, dump.slots.contains_key(&slot))
            else {
                continue;
            };
            let product = matmul(input, self.w(l));
            let size = z.data().iter().chain(product.data()).fold(0.0_f64, |size, z| size.max(z.abs()));
            let slack = size * if dump.single { 1e-5 } else { 1e-12 };
            let b = Matrix::from_fn(1, z.cols(), |_, c| z.at(0, c) - product.at(0, c));
            let same = (0..self.n)
                .all(|r| (0..z.cols()).all(|c| (z.at(r, c) - product.at(r, c) - b.at(0, c)).abs() <= slack));
            // Of one sample any difference could be a bias; one that is the same for all units surely is.
            let shared = b.cols() > 1 && b.data().iter().all(|value| (value - b.at(0, 0)).abs() <= slack);
            if same && (self.n > 1 || shared) && b.data().iter().any(|b| b.abs() > slack) {
                let of_all = if self.n > 1 { "" } else { ", the same for all units" };
                self.notes.push(format!("b{l} is not in the file; it was read off z{l}{of_all}"));
                if !shared {
                    self.shared_biases.remove(&l);
                }
                self.given.insert(slot, b);
                self.unseen_biases.remove(&l);
            }
        }
        // What a bias has become says nothing without what it was.
        let lost = |slot: &Slot| matches!(slot, Slot::New(Param::B(l)) if !dump.slots.contains_key(&Slot::Param(Param::B(*l))));
        self.given.retain(|slot, _| !lost(slot));
    }

    /// Parameters and batch must be numbers; what the code computed may be NaN: that is then the finding.
    fn finite(&self) -> Result<(), Refusal> {
        let parameters = self.given.iter().filter(|(slot, _)| matches!(slot, Slot::Param(_)));
        let named = parameters.map(|(slot, tensor)| (slot.to_string(), tensor));
        for (name, tensor) in named.chain([("X".to_owned(), &self.x), ("y".to_owned(), &self.y)]) {
            if let Some(at) = tensor.data().iter().position(|value| !value.is_finite()) {
                let (r, c) = (at / tensor.cols().max(1), at % tensor.cols().max(1));
                let problem = format!("has {name}[{r}, {c}] = {}", tensor.data()[at]);
                let hint = "NaN or infinity in the parameters or the batch spreads to everything; export a step \
                            from before training blew up";
                return Err(Refusal::new(problem, hint));
            }
        }
        Ok(())
    }
}

/// The biases `[1, out]` of a layer.
struct Biases {
    values: Matrix,
    one_for_all: bool,
}

/// Weights `[in, out]` and biases of one layer; biases that the file does not have are 0.
fn layer(dump: &Dump, layout: Layout, l: usize, width: usize) -> Result<(Matrix, Biases), Refusal> {
    let w = required(dump.slots.get(&Slot::Param(Param::W(l))));
    let weights = w.matrix(layout.in_out).filter(|weights| weights.rows() == width);
    let weights = weights.ok_or_else(|| {
        let what = if l == 1 { "X".to_owned() } else { format!("layer {}", l - 1) };
        let expected = format!("a side of {width}, because {what} gives layer {l} {width} values a sample");
        shape_of(&format!("W{l}"), &expected, &w)
    })?;
    let out = weights.cols();
    let Some(b) = dump.slots.get(&Slot::Param(Param::B(l))) else {
        return Ok((weights, Biases { values: Matrix::zeros([1, out]), one_for_all: false }));
    };
    if b.data.len() == 1 && out > 1 {
        return Ok((
            weights,
            Biases { values: Matrix::from_fn(1, out, |_, _| b.data[0]), one_for_all: true },
        ));
    }
    if !b.is_flat() || b.data.len() != out {
        return Err(shape_of(&format!("b{l}"), &format!("{out} values, one for each unit of W{l}"), b));
    }
    Ok((weights, Biases { values: reshape(b, 1, out), one_for_all: false }))
}

/// The values as a matrix; the caller has compared the sizes.
fn reshape(array: &Array, rows: usize, cols: usize) -> Matrix {
    Matrix::from_fn(rows, cols, |r, c| array.data.get(r * cols + c).copied().unwrap_or(f64::NAN))
}

/// An array `Dump` has made sure of.
fn required(array: Option<&Array>) -> Array {
    array.cloned().unwrap_or(Array { shape: Vec::new(), data: Vec::new(), kind: super::npy::Kind::F64 })
}

fn shape_of(name: &str, expected: &str, array: &Array) -> Refusal {
    misshapen(name, expected, &array.shape)
}
