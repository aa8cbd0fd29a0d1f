//! What a name and a shape say for an array as a tensor, once network and batch are known.

use super::arrays::Named;
use super::backbone::Backbone;
use super::layers::Layers;
use super::relations::Function;
use super::words::{Kind, State, Time};
use crate::doctor::file::slot::{Param, Slot};

/// What speaks for an array as a tensor: its kind by name.
pub const KIND: i32 = 4;

/// The same of its layer.
const LAYER: i32 = 2;

/// What speaks against: another kind or another layer than the name says.
const AGAINST: i32 = -8;

/// What names and shapes say.
pub struct Evidence<'t> {
    arrays: &'t [Named<'t>],
    backbone: &'t Backbone,
    layers: Layers,
}

impl<'t> Evidence<'t> {
    /// Reads the names of all arrays.
    pub fn new(arrays: &'t [Named<'t>], backbone: &'t Backbone) -> Self {
        Self { arrays, backbone, layers: Layers::new(arrays, backbone) }
    }

    fn depth(&self) -> usize {
        self.backbone.w.len()
    }

    /// Whether an array has a tensor's shape, turned or not.
    pub fn has_shape(&self, array: usize, slot: Slot) -> bool {
        let (array, sizes, n) = (&self.arrays[array], &self.backbone.sizes, self.backbone.n);
        let either = |rows: usize, cols: usize| {
            array.sides().is_some_and(|sides| sides == [rows, cols] || sides == [cols, rows])
        };
        let one = usize::from(self.backbone.ones.is_some());
        match (slot, slot.param()) {
            (_, Some(Param::W(l))) => either(sizes[l - 1] + one, sizes[l]),
            (_, Some(Param::B(l))) => {
                let unsummed = matches!(slot, Slot::Grad(_)) && either(n, sizes[l]);
                array.is_vector(sizes[l]) || array.is_vector(1) || unsummed
            }
            (slot, None) => {
                let layer = slot.layer().unwrap_or(self.depth());
                let width = sizes[layer];
                // The unit of ones is none of the outputs.
                let with_ones = one == 1 && layer < self.depth() && either(n, width + 1);
                with_ones || either(n, width) || (width == 1 || n == 1) && array.is_vector(n * width)
            }
        }
    }

    /// What an array's name says for it as a tensor, or against.
    pub fn words(&self, array: usize, slot: Slot) -> i32 {
        let words = &self.arrays[array].words;
        let proven = self.is_activation(array, slot);
        if self.goes_into_the_softmax(array, slot) {
            return AGAINST;
        }
        let Some(kind) = words.kind else { return if proven { KIND } else { 0 } };
        let depth = self.depth();
        let last = slot.layer().is_none_or(|layer| layer == depth);
        let named = match (slot, kind) {
            _ if proven => KIND,
            // Some call Z what a layer hands on, and outputs Y beside targets T: the numbers tell.
            (Slot::A(_), Kind::Pre) if self.is_only_activated(array, slot) => KIND,
            (Slot::P, Kind::Pre | Kind::Target) if self.is_only_activated(array, slot) => KIND,
            (Slot::Z(_), Kind::Pre) if self.is_only_activated(array, slot) => return AGAINST,
            (Slot::P, Kind::Act) if self.is_of_logits(array) => return AGAINST,
            (Slot::Z(l), Kind::Act) if l == depth && self.is_of_logits(array) => KIND,
            (Slot::Z(_), Kind::Pre) | (Slot::A(_) | Slot::P, Kind::Act) => KIND,
            (Slot::Z(_) | Slot::A(_) | Slot::P, Kind::Dense) => KIND - 1,
            (Slot::Dz(_), Kind::Delta) | (Slot::Da(_), Kind::ActGrad) | (Slot::Mask(_), Kind::Mask) => KIND,
            // Beside a delta, what is called an error is on the way there.
            (Slot::Dz(l), Kind::Error) if last && !self.has_delta(l) => KIND,
            (Slot::Dz(_) | Slot::Da(_), Kind::Error) => KIND - 1,
            // `d1` is a delta or a mask: the numbers tell.
            (Slot::Mask(_), Kind::Error) => 0,
            (_, Kind::Weight | Kind::Bias) => self.parameter_words(array, slot),
            // In the name of what no sample has, `in` and `out` are places: `upd_in` beside `upd_out`.
            (slot, Kind::Input | Kind::Act) if slot.param().is_some() && !self.is_of_samples(array) => {
                return 0;
            }
            // Shape and numbers tell whether `adjustment1` is of samples or of weights.
            (Slot::Grad(Param::W(_)), Kind::Error) if !self.is_of_samples(array) => match words.number() {
                Some(_) => KIND - 1,
                None => return 0,
            },
            _ => AGAINST,
        };
        let place = match (self.layers.of(array), slot.layer().unwrap_or(depth)) {
            (Some(layer), own) if layer == own => LAYER,
            (Some(_), _) => AGAINST,
            (None, _) => 0,
        };
        named + place
    }

    /// Whether an array has as many samples as the batch, and a width of some layer.
    fn is_of_samples(&self, array: usize) -> bool {
        (1..=self.depth()).any(|l| self.has_shape(array, Slot::Dz(l)))
    }

    /// Whether some array is the delta of a layer by its name.
    fn has_delta(&self, l: usize) -> bool {
        let named = |array: &usize| {
            let is_delta = self.arrays[*array].words.kind == Some(Kind::Delta);
            is_delta && self.layers.of(*array) == Some(l)
        };
        (0..self.arrays.len()).filter(named).any(|array| self.has_shape(array, Slot::Dz(l)))
    }

    /// Whether the values of every sample sum to 1.
    fn sums_to_one(&self, array: usize) -> bool {
        let rows = self.arrays[array].matrix(self.backbone.layout.rows);
        rows.is_some_and(|m| {
            m.cols() > 1 && (0..m.rows()).all(|r| (m.row(r).iter().sum::<f64>() - 1.0).abs() < 1e-4)
        })
    }

    /// Whether an array is what the last layer's activation made, and goes on into a softmax: it is neither z nor p.
    fn goes_into_the_softmax(&self, array: usize, slot: Slot) -> bool {
        let made = |function: fn(Function) -> bool| {
            let mut relations = self.backbone.relations.iter();
            relations.any(|r| r.out == array && Some(&r.w) == self.backbone.w.last() && function(r.function))
        };
        let goes_on = || self.backbone.activated.iter().any(|&(z, p)| z == array && self.sums_to_one(p));
        matches!(slot, Slot::P) | matches!(slot, Slot::Z(l) if l == self.depth())
            && made(|function| matches!(function, Function::Activation(_)))
            && !made(|function| function == Function::None)
            && goes_on()
    }

    /// Whether numbers show an array as one side of an activation, whatever its name says: what a layer called `output`
    /// hands to its softmax is z.
    fn is_activation(&self, array: usize, slot: Slot) -> bool {
        let mut activated = self.backbone.activated.iter();
        match slot {
            Slot::Z(_) => activated.any(|&(z, _)| z == array),
            Slot::A(_) | Slot::P => activated.any(|&(_, a)| a == array),
            _ => false,
        }
    }

    /// Whether an array is what a layer's activation made of its sum, and not the sum, and its name says no place: `z1` and
    /// `hidden_inputs` would be overwritten.
    fn is_only_activated(&self, array: usize, slot: Slot) -> bool {
        let w = self.backbone.w[slot.layer().unwrap_or(self.depth()) - 1];
        let mut made = self.backbone.relations.iter().filter(|r| r.out == array && r.w == w).peekable();
        let bare = self.arrays[array].words.spot.is_none();
        bare && made.peek().is_some() && made.all(|r| r.function != Function::None)
    }

    /// Whether outputs for classes can be no probabilities, nor what a tanh makes: PyTorch's `outputs` are logits.
    fn is_of_logits(&self, array: usize) -> bool {
        let (own, y) = (&self.arrays[array], &self.arrays[self.backbone.y].array);
        let beyond = own.array.data.iter().any(|&v| v < 0.0) && own.array.data.iter().any(|&v| v.abs() > 1.0);
        let classes = self.backbone.sizes[self.depth()] > 1
            && (y.is_flat() || y.data.iter().all(|&v| v == 0.0 || v == 1.0));
        beyond && classes && !own.words.chance
    }

    /// The same for something of a parameter's shape.
    fn parameter_words(&self, array: usize, slot: Slot) -> i32 {
        let words = &self.arrays[array].words;
        let before = words.time == Time::Before;
        let fits = match slot {
            Slot::Grad(_) => words.state == State::Grad && !before,
            Slot::GradPrev(_) => words.state == State::Grad && before,
            Slot::New(param) => {
                words.state == State::Value && (words.time == Time::After || !before && self.is_old(param))
            }
            Slot::V(_) => words.state == State::Velocity && !before,
            Slot::VPrev(_) => words.state == State::Velocity && before,
            Slot::M(_) => words.state == State::First && !before,
            Slot::MPrev(_) => words.state == State::First && before,
            Slot::S(_) => words.state == State::Second && !before,
            Slot::SPrev(_) => words.state == State::Second && before,
            _ => false,
        };
        let owner = match slot.param() {
            Some(Param::W(_)) => words.kind == Some(Kind::Weight),
            _ => words.kind == Some(Kind::Bias),
        };
        // A second array of a parameter's name: a word that nobody knows may say that the step made it.
        let may_be_new = matches!(slot, Slot::New(_)) && words.state == State::Value && !words.known;
        match owner {
            true if fits => KIND,
            true if may_be_new => 0,
            _ => AGAINST,
        }
    }

    /// Whether the parameter of the forward pass is the one from before by its name: `W1` beside `W1_old` is the new one.
    fn is_old(&self, param: Param) -> bool {
        let array = match param {
            Param::W(l) => self.backbone.w.get(l - 1).copied(),
            Param::B(l) => self.backbone.b.get(l - 1).copied().flatten(),
        };
        array.is_some_and(|array| self.arrays[array].words.time == Time::Before)
    }

    /// Whether a name says that an array is the gradient of a layer's bias.
    pub fn is_bias_gradient(&self, array: usize, l: usize) -> bool {
        self.parameter_words(array, Slot::Grad(Param::B(l))) == KIND && self.layers.of(array) == Some(l)
    }
}
