//! The file of a network with one bug in it: any formula of the doctor's tables, or any of the bugs that are no formula
//! of one tensor, in any style.

use super::matrices::{apart, column_sums, normal, scaled, zip};
use super::{export, growth, stepped};
use gpu_mlp::doctor::file::case::Case;
use gpu_mlp::doctor::file::layout::Layout;
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::file::slot::{Param, Slot};
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::design::Design;
use gpu_mlp::doctor::formulas::hypothesis::{Hypothesis, Site};
use gpu_mlp::doctor::formulas::steps::Numbers;
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Matrix, matmul};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// A row of a table, by the tensor that the table is of.
    Row(&'static str, &'static Hypothesis),
    /// A bug that is no row, in one of its forms.
    Other(Bug, usize),
}

impl Fault {
    pub fn bug(self) -> Bug {
        match self {
            Self::Row(_, row) => row.bug,
            Self::Other(bug, _) => bug,
        }
    }

    fn is(self, bug: Bug) -> bool {
        matches!(self, Self::Other(own, _) if own == bug)
    }
}

/// How the network and its file are.
#[derive(Debug, Clone)]
pub struct Style {
    pub design: Design,
    pub act: Activation,
    pub sizes: Vec<usize>,
    pub n: usize,
    pub layout: Layout,
    pub single: bool,
    /// Targets as class numbers, if they are classes.
    pub labels: bool,
    /// Where 1/N stands: in dz, in dW and db, in the step.
    pub mean: usize,
    /// The layer that has the bug; none is every layer.
    pub at: Option<usize>,
    pub lr: f64,
    /// The penalty is λ/2N·Σw², not λ/2·Σw².
    pub over_n: bool,
    /// The optimiser's state after the step is in the file.
    pub state: bool,
}

pub struct Making<'a> {
    pub style: &'a Style,
    pub fault: Fault,
    pub case: Case,
    pub numbers: Numbers,
    z: Vec<Matrix>,
    a: Vec<Matrix>,
    applied: bool,
}

/// The file; nothing if the fault changes nothing in this style.
pub fn file(style: &Style, fault: Fault, rng: &mut ChaCha8Rng) -> Option<Entries> {
    let mut making = Making::new(style, fault, rng);
    making.forward(rng);
    making.backward(rng);
    let whole = match fault.bug() {
        Bug::InputsUnscaled | Bug::ConstantInit | Bug::DeadRelu => true,
        Bug::LearningRateTooHigh => growth::loss_grows(style, &making.case),
        _ => making.applied,
    };
    whole.then(|| export::entries(style, &making.case, &making.numbers))
}

impl<'a> Making<'a> {
    fn new(style: &'a Style, fault: Fault, rng: &mut ChaCha8Rng) -> Self {
        let (n, sizes) = (style.n, &style.sizes);
        let outputs = sizes[sizes.len() - 1];
        let stretch = if fault.is(Bug::InputsUnscaled) { 120.0 } else { 1.0 };
        let x = normal(rng, n, sizes[0], stretch);
        let mut given = BTreeMap::new();
        for (l, pair) in (1..).zip(sizes.windows(2)) {
            // Overflows and underflows need large logits.
            let rare = matches!(fault.bug(), Bug::SoftmaxOverflow | Bug::SoftmaxBatchMax | Bug::LogOfZero);
            let large = if rare && l == sizes.len() - 1 { 900.0 } else { 1.0 };
            let constant = fault.is(Bug::ConstantInit);
            let w = normal(rng, pair[0], pair[1], 1.2 * large / (pair[0] as f64).sqrt());
            let b = normal(rng, 1, pair[1], 0.3);
            let dead = if fault.is(Bug::DeadRelu) && l == 1 { -100.0 } else { 0.0 };
            let w = if constant { w.map(|_| 0.3) } else { w };
            let b = b.map(|b| if constant { 0.1 } else { b + dead });
            given.insert(Slot::Param(Param::W(l)), w);
            given.insert(Slot::Param(Param::B(l)), b);
        }
        let labels: Vec<usize> = (0..n).map(|_| rng.random_range(0..outputs)).collect();
        let y = Matrix::from_fn(n, outputs, |r, c| match outputs {
            1 => (r % 2) as f64,
            _ => f64::from(labels[r] == c),
        });
        let mut numbers = Numbers::from([("lr", style.lr)]);
        numbers.extend(stepped::numbers(fault));
        let case = Case {
            layout: style.layout,
            n,
            sizes: sizes.clone(),
            x: x.clone(),
            y,
            one_hot: outputs > 1,
            labels,
            shared_biases: BTreeSet::new(),
            unseen_biases: BTreeSet::new(),
            bias_rows: false,
            alone: false,
            aside: BTreeSet::new(),
            given,
            notes: Vec::new(),
        };
        Self { style, fault, case, numbers, z: Vec::new(), a: vec![x], applied: false }
    }

    fn depth(&self) -> usize {
        self.case.depth()
    }

    pub fn number(&self, name: &str) -> f64 {
        self.numbers.get(name).copied().unwrap_or(0.0)
    }

    /// λ, or λ/N; a decay that lacks lr is in the step alone.
    fn penalty(&self) -> f64 {
        if self.fault.is(Bug::DecayWithoutLr) {
            return 0.0;
        }
        self.number("l2") / if self.style.over_n { self.case.count() } else { 1.0 }
    }

    fn site<'s>(&'s self, l: usize, up: &'s Matrix) -> Site<'s> {
        Site {
            case: &self.case,
            act: self.style.act.into(),
            design: self.style.design,
            numbers: &self.numbers,
            single: self.style.single,
            l,
            z: &self.z,
            a: &self.a,
            up,
        }
    }

    fn here(&self, l: usize) -> bool {
        self.style.at.is_none_or(|at| at == l)
    }

    /// A tensor of layer l: what the injected row of its table makes of `up`, or the right one.
    fn made(&mut self, table: &str, l: usize, up: &Matrix, right: Matrix) -> Matrix {
        let Fault::Row(own, row) = self.fault else { return right };
        if own != table || !self.here(l) {
            return right;
        }
        let wrong = (row.value)(&self.site(l, up)).filter(|wrong| apart(wrong, &right));
        self.applied |= wrong.is_some();
        wrong.unwrap_or(right)
    }

    /// A tensor as another bug has it.
    pub fn changed(
        &mut self,
        bug: Bug,
        l: usize,
        right: Matrix,
        wrong: impl Fn(&Self, &Matrix, usize) -> Option<Matrix>,
    ) -> Matrix {
        let Fault::Other(own, form) = self.fault else { return right };
        if own != bug || !self.here(l) {
            return right;
        }
        let wrong = wrong(self, &right, form).filter(|wrong| apart(wrong, &right));
        self.applied |= wrong.is_some();
        wrong.unwrap_or(right)
    }

    fn forward(&mut self, rng: &mut ChaCha8Rng) {
        let depth = self.depth();
        for l in 1..=depth {
            let up = self.a[l - 1].clone();
            let product = matmul(&up, self.case.w(l));
            let right = Matrix::from_fn(product.rows(), product.cols(), |r, c| {
                product.at(r, c) + self.case.b(l).at(0, c)
            });
            let z = self.made("z", l, &up, right);
            let turn = |_: &Self, z: &Matrix, _| {
                Some(Matrix::from_fn(z.rows(), z.cols(), |r, c| z.at((r + 1) % z.rows(), c)))
            };
            let z = if l == 1 { self.changed(Bug::InputsNotAligned, 1, z, turn) } else { z };
            self.z.push(z.clone());
            self.case.given.insert(Slot::Z(l), z.clone());
            if l == depth {
                break;
            }
            let act = self.style.act;
            let mut right = z.map(|z| act.apply(z));
            let q = self.number("drop_p");
            if q > 0.0 {
                let mask = Matrix::from_fn(z.rows(), z.cols(), |_, _| f64::from(rng.random::<f64>() >= q));
                right = zip(&right, &mask, |a, m| a * m / (1.0 - q));
                self.case.given.insert(Slot::Mask(l), mask);
            }
            // An overwritten z is a: what follows is right.
            let overwritten =
                matches!(self.fault, Fault::Row("z", row) if row.bug == Bug::PreactivationOverwritten);
            let undropped = |m: &Self, _: &Matrix, _| Some(m.z[l - 1].map(|z| act.apply(z)));
            let right = self.changed(Bug::DropoutMaskMissing, l, right, undropped);
            let a = if overwritten && self.here(l) { z } else { self.made("a", l, &z, right) };
            self.case.given.insert(Slot::A(l), a.clone());
            self.a.push(a);
        }
        let z = self.z[depth - 1].clone();
        let right = self.style.design.head.apply(&z);
        let p = self.made("p", depth, &z, right);
        self.case.given.insert(Slot::P, p.clone());
        let (usual, count) = (self.style.design.is_usual(), self.case.count());
        let squares: f64 = (1..=depth).flat_map(|l| self.case.w(l).data().to_vec()).map(|w| w * w).sum();
        let factor = if usual { 1.0 } else { self.style.design.factor };
        let total = self.style.design.measure.total(&p, &self.case.y) * factor / count;
        let one = |value: f64| Matrix::from_fn(1, 1, |_, _| value);
        // Beside a decay that lacks lr, it is the loss that decides.
        let decided = self.fault.is(Bug::DecayWithoutLr) && self.style.over_n;
        let penalty = if decided { self.number("l2") } else { self.penalty() };
        let loss = one(total + penalty / 2.0 * squares);
        let loss = self.made(if usual { "loss" } else { "loss of other designs" }, depth, &p, loss);
        self.case.given.insert(Slot::Loss, loss);
        if self.case.one_hot {
            let best =
                |row: &[f64]| (0..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best });
            let hits = (0..self.case.n).filter(|&r| best(p.row(r)) == self.case.labels[r]).count();
            let accuracy = self.made("accuracy", depth, &p, one(hits as f64 / count));
            self.case.given.insert(Slot::Accuracy, accuracy);
        }
    }

    /// `dz_L`, summed over nothing, with 1/N if it stands there.
    fn output_delta(&mut self, rng: &mut ChaCha8Rng) -> Matrix {
        let (depth, count) = (self.depth(), self.case.count());
        let (z, p, design) =
            (self.z[depth - 1].clone(), self.case.given[&Slot::P].clone(), self.style.design);
        let of = |y: &Matrix| scaled(&design.delta(&z, &p, y), 1.0 / count);
        let right = of(&self.case.y);
        let table = if design.is_usual() { "last dz" } else { "last dz of other designs" };
        let mut dz = self.made(table, depth, &p, right);
        let (n, outputs) = (self.case.n, self.case.classes());
        let others: Vec<usize> = (0..n).map(|_| rng.random_range(0..outputs)).collect();
        if self.case.one_hot {
            let hot =
                |label: &dyn Fn(usize) -> usize| Matrix::from_fn(n, outputs, |r, c| f64::from(label(r) == c));
            dz = self.changed(Bug::LabelsPermuted, depth, dz, |m, _, form| {
                Some(of(&hot(&|r| m.case.labels[if form == 0 { (r + 1) % n } else { n - 1 - r }])))
            });
            dz = self.changed(Bug::LabelsWrong, depth, dz, |m, _, _| {
                Some(of(&hot(&|r| if r % 3 == 0 { others[r] } else { m.case.labels[r] })))
            });
        }
        let classes = outputs as f64;
        dz = self.changed(Bug::ScaleByClasses, depth, dz, |_, dz, form| {
            (outputs > 2 && form < 2).then(|| scaled(dz, [classes, 1.0 / classes][form]))
        });
        dz = self.changed(Bug::SignFlipped, depth, dz, |_, dz, form| (form == 0).then(|| scaled(dz, -1.0)));
        dz = self.changed(Bug::MissingBatchMean, depth, dz, |m, dz, _| {
            (m.style.mean == 0).then(|| scaled(dz, count))
        });
        dz = self.changed(Bug::DoubleBatchMean, depth, dz, |_, dz, _| Some(scaled(dz, 1.0 / count)));
        if self.style.mean == 0 { dz } else { scaled(&dz, count) }
    }

    fn backward(&mut self, rng: &mut ChaCha8Rng) {
        let mut dz = self.output_delta(rng);
        for l in (1..=self.depth()).rev() {
            self.case.given.insert(Slot::Dz(l), dz.clone());
            for param in [Param::W(l), Param::B(l)] {
                let gradient = self.gradient(param, &dz, rng);
                self.step(param, &gradient, rng);
            }
            if l > 1 {
                dz = self.through(l - 1, &dz);
            }
        }
    }

    /// The gradient of a parameter, put into the file.
    fn gradient(&mut self, param: Param, dz: &Matrix, rng: &mut ChaCha8Rng) -> Matrix {
        let l = param.layer();
        let mean = if self.style.mean == 1 { 1.0 / self.case.count() } else { 1.0 };
        let parameter = self.case.given[&Slot::Param(param)].clone();
        let (table, right) = match param {
            Param::W(_) => ("dW", matmul(&self.a[l - 1].transposed(), dz)),
            Param::B(_) => ("db", column_sums(dz)),
        };
        let mut g = scaled(&self.made(table, l, dz, right), mean);
        let lr = self.number("lr");
        if matches!(param, Param::W(_)) {
            // With 1/N in the step, the gradient of the penalty counts once for each sample.
            let samples = if self.style.mean == 2 { self.case.count() } else { 1.0 };
            let l2 = self.penalty() * samples;
            g = self.changed(Bug::L2Factor, l, zip(&g, &parameter, |g, w| g + l2 * w), |_, g, form| {
                Some(zip(g, &parameter, |g, w| g + [2.0, -0.5][form] * l2 * w))
            });
            let classes = self.case.classes() as f64;
            g = self.changed(Bug::ScaleByClasses, l, g, |m, g, form| {
                (m.case.classes() > 2 && form == 2).then(|| scaled(g, classes))
            });
            g = self
                .changed(Bug::ScaleConstant, l, g, |_, g, form| Some(scaled(g, [2.0, 0.5, 0.37, lr][form])));
            g = self.changed(Bug::SignFlipped, l, g, |_, g, form| (form == 1).then(|| scaled(g, -1.0)));
        } else {
            let l2 = self.number("l2");
            g = self.changed(Bug::L2OnBias, l, g, |_, g, _| Some(zip(g, &parameter, |g, b| g + l2 * b)));
        }
        if self.fault.is(Bug::AccumulatorNotReset) {
            let earlier = normal(rng, g.rows(), g.cols(), 0.1);
            let whole = |_: &Self, g: &Matrix, form| {
                Some(if form == 0 { zip(g, &earlier, |g, e| g + e) } else { scaled(g, 3.0) })
            };
            g = self.changed(Bug::AccumulatorNotReset, l, g, whole);
            self.case.given.insert(Slot::GradPrev(param), earlier);
        }
        self.case.given.insert(Slot::Grad(param), g.clone());
        g
    }

    fn through(&mut self, l: usize, above: &Matrix) -> Matrix {
        let right = matmul(above, &self.case.w(l + 1).transposed());
        let da = self.made("da", l, above, right);
        self.case.given.insert(Slot::Da(l), da.clone());
        let act = self.style.act;
        let mut right = zip(&da, &self.z[l - 1], |d, z| d * act.derivative(z));
        if let Some(mask) = self.case.get(Slot::Mask(l)) {
            let q = self.number("drop_p");
            right = zip(&right, mask, |d, m| d * m / (1.0 - q));
        }
        self.made("dz", l, &da, right)
    }
}
