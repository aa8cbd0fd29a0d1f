//! One layer without its network: what goes in, `W` and `b`, what comes out, and the gradients that go back through it.
//! `A_prev, W, b, Z, dZ, dW, db, dA_prev`, or `x, w, b, out, dout, dx, dw, db`.
//!
//! It becomes a network of this layer, whose last gradient is the file's. A layer with its activation gets one above it that
//! hands on what it is given.

use super::case::Case;
use super::dump::Dump;
use super::layout::Layout;
use super::npy::{Array, Kind as Precision, Value};
use super::npz::Entries;
use super::roles::arrays::{Named, named};
use super::roles::relations::{Function, relations};
use super::roles::words::{Kind, State, Time};
use super::slot::{Param, Slot};

/// Units beyond which a layer's activation is not looked at: the layer above it would be too large.
const WIDEST: usize = 1024;

/// What the answer says about a layer alone.
const ALONE: &str = "one layer by itself is in the file: what goes out and comes back through it is checked with the file's own \
                     arrays; where the gradient above it comes from, the loss, and whether 1/N is missing are not";

/// The file as one layer; nothing if it is none.
pub fn read(entries: &Entries) -> Option<Dump> {
    let flat: Entries = entries.iter().map(|(name, value)| (name.clone(), flattened(value))).collect();
    let arrays = named(&flat);
    let layer = Layer::find(&arrays)?;
    let dump = layer.dump(&arrays).filter(|_| layer.shows_something())?;
    Case::all(&dump).ok().map(|_| dump)
}

/// Samples of more sides than one are rows, as a layer sees them.
fn flattened(value: &Value) -> Value {
    match value {
        Value::Numbers(array) if array.shape.len() > 2 => {
            let rows = array.shape[0];
            let shape = vec![rows, array.data.len() / rows.max(1)];
            Value::Numbers(Array { shape, ..array.clone() })
        }
        other => other.clone(),
    }
}

/// The only one of some arrays, if there are any; nothing if there are several.
fn single(all: &[usize]) -> Option<Option<usize>> {
    match all {
        [] => Some(None),
        [only] => Some(Some(*only)),
        _ => None,
    }
}

/// Whether an array is the sum `a·W + b` of a layer, however they lie.
fn is_sum(arrays: &[Named], input: usize, w: usize, b: Option<usize>, z: usize) -> bool {
    Layout::ALL.into_iter().any(|layout| {
        relations(arrays, layout, None).iter().any(|relation| {
            let own = (relation.a, relation.w, relation.out) == (input, w, z);
            own && relation.function == Function::None && (b.is_none() || relation.b == b)
        })
    })
}

/// The arrays of a layer, by their positions.
#[derive(Default)]
struct Layer {
    input: usize,
    w: usize,
    b: Option<usize>,
    z: Option<usize>,
    a: Option<usize>,
    dz: Option<usize>,
    da: Option<usize>,
    dw: Option<usize>,
    db: Option<usize>,
    dx: Option<usize>,
}

impl Layer {
    /// The layer that the names speak of: each of its arrays once.
    fn find(arrays: &[Named]) -> Option<Self> {
        let all =
            |is: &dyn Fn(&Named) -> bool| (0..arrays.len()).filter(|&i| is(&arrays[i])).collect::<Vec<_>>();
        let one = |is: &dyn Fn(&Named) -> bool| single(&all(is));
        let parameter = |kind: Kind| move |a: &Named| a.words.is_parameter(kind);
        let gradient =
            |kind: Kind| move |a: &Named| a.words.kind == Some(kind) && a.words.state == State::Grad;
        let of = |kind: Kind, before: bool| {
            move |a: &Named| a.words.kind == Some(kind) && (a.words.time == Time::Before) == before
        };
        let w = one(&parameter(Kind::Weight))?.filter(|&w| arrays[w].sides().is_some())?;
        let input = one(&of(Kind::Act, true))?.or(one(&|a| a.words.kind == Some(Kind::Input))?)?;
        // `dx` beside `x`.
        let back = |a: &Named| a.name.eq_ignore_ascii_case(&format!("d{}", arrays[input].name));
        let dx = one(&of(Kind::ActGrad, true))?.or(one(&back)?);
        let mut errors = all(&|a| a.words.kind == Some(Kind::Error));
        let b = one(&parameter(Kind::Bias))?;
        // Where the sum and its activation are both called as what a layer puts out, the numbers tell which is which, and
        // `d` before their names which gradient is whose.
        let mut made = all(&of(Kind::Act, false));
        let mut gradients = all(&of(Kind::ActGrad, false));
        gradients.retain(|&da| Some(da) != dx);
        let sum = match made[..] {
            [first, second] => Some([first, second].into_iter().find(|&z| is_sum(arrays, input, w, b, z))?),
            _ => None,
        };
        let sum_gradient = sum.and_then(|z| {
            let name = format!("d{}", arrays[z].name);
            let back = |i: &usize| arrays[*i].name.eq_ignore_ascii_case(&name);
            gradients.iter().chain(&errors).copied().find(back)
        });
        for list in [&mut made, &mut gradients, &mut errors] {
            list.retain(|&array| Some(array) != sum && Some(array) != sum_gradient);
        }
        let error = single(&errors)?;
        let mut layer = Self {
            input,
            w,
            b,
            z: one(&of(Kind::Pre, false))?.or(sum),
            a: single(&made)?,
            dz: one(&of(Kind::Delta, false))?.or(sum_gradient),
            da: single(&gradients)?,
            dw: one(&gradient(Kind::Weight))?,
            db: one(&gradient(Kind::Bias))?,
            dx,
        };
        // `dout` is the gradient of `out`, or of the sum.
        match (layer.dz, layer.da, layer.a) {
            (_, None, Some(_)) => layer.da = error,
            (None, None, None) => layer.dz = error,
            _ => {}
        }
        Some(layer)
    }

    /// Whether the activation is part of it.
    fn is_activated(&self) -> bool {
        match (self.dz, self.da) {
            (_, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => self.a.is_some(),
        }
    }

    /// Whether something can be checked: what comes out, or what comes back.
    fn shows_something(&self) -> bool {
        let back = self.dz.is_some() || self.da.is_some();
        let gradients = self.dw.is_some() || self.db.is_some() || self.dx.is_some();
        self.z.is_some() || (self.is_activated() && self.a.is_some()) || (back && gradients)
    }

    /// The network of this layer; nothing if it is too wide.
    fn dump(&self, arrays: &[Named]) -> Option<Dump> {
        let outputs = [self.z, self.a, self.dz, self.da].into_iter().flatten().next();
        let mut dump = Dump { alone: true, depth: 1, ..Dump::default() };
        let mut put = |slot: Slot, array: Option<usize>| {
            let Some(array) = array.map(|array| &arrays[array]) else { return };
            dump.single |= array.is_single();
            dump.slots.insert(slot, array.array.clone());
            dump.names.insert(slot, array.name.to_owned());
        };
        put(Slot::Param(Param::W(1)), Some(self.w));
        put(Slot::Param(Param::B(1)), self.b);
        put(Slot::Z(1), self.z);
        let shows_back = self.dz.is_some() || self.da.is_some();
        if shows_back {
            put(Slot::Dz(1), self.dz);
            put(Slot::Grad(Param::W(1)), self.dw);
            put(Slot::Grad(Param::B(1)), self.db);
            put(Slot::Da(0), self.dx);
        }
        if self.is_activated() {
            put(Slot::A(1), self.a);
            put(Slot::Da(1), self.da);
        }
        let units = outputs.map(|array| arrays[array].array);
        if self.is_activated() {
            dump.depth = 2;
            let width = self.units(arrays, units?).filter(|&width| width <= WIDEST)?;
            let unit = |i: usize| f64::from(u8::from(i.is_multiple_of(width + 1)));
            let data = (0..width * width).map(unit).collect();
            let identity = Array { shape: vec![width, width], data, kind: Precision::F64 };
            dump.slots.insert(Slot::Param(Param::W(2)), identity);
            let above = self.da.map(|da| arrays[da].array.clone());
            dump.slots.extend(above.map(|above| (Slot::Dz(2), above)));
        }
        let input = &arrays[self.input];
        (dump.x, dump.x_name) = (Some(input.array.clone()), Some(input.name.to_owned()));
        dump.y = units.map(|array| Array { data: vec![0.0; array.data.len()], ..array.clone() });
        dump.notes.push(ALONE.to_owned());
        Some(dump)
    }

    /// The units of the layer: the side of its outputs that its weights have, too, and its inputs not.
    fn units(&self, arrays: &[Named], outputs: &Array) -> Option<usize> {
        let (w, x) = (arrays[self.w].sides()?, arrays[self.input].sides()?);
        let other = |side: usize| w.iter().position(|&s| s == side).map(|at| w[1 - at]);
        let fits = |side: &usize| other(*side).is_some_and(|inside| x.contains(&inside));
        outputs.shape.iter().copied().find(fits)
    }
}
