//! The layer that an array's name means: lists may begin at 0 or at 1, the input may count as layer 1, and outputs are
//! last whatever their number.

use super::arrays::Named;
use super::backbone::Backbone;
use super::words::{Kind, Spot};
use std::collections::BTreeMap;

/// The layer of every array whose name says one.
pub struct Layers {
    of: Vec<Option<usize>>,
}

impl Layers {
    /// Reads the names of all arrays.
    pub fn new(arrays: &[Named], backbone: &Backbone) -> Self {
        let depth = backbone.w.len();
        let mut series: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, array) in arrays.iter().enumerate().filter(|(_, array)| array.words.number().is_some()) {
            series.entry(&array.words.stem).or_default().push(i);
        }
        let kind = |members: &[usize]| members.first().and_then(|&member| arrays[member].words.kind);
        let mut shifts: BTreeMap<&str, i64> = BTreeMap::new();
        let mut deltas = None;
        // A series that ends before the last layer is counted as the sums are where numbers show their layers, or else as the
        // deltas are: these come first.
        let shown =
            |members: &[usize]| members.iter().any(|&z| backbone.relations.iter().any(|r| r.out == z));
        let mut order: Vec<(&str, Vec<usize>)> = series.into_iter().collect();
        order.sort_by_key(|(_, members)| match kind(members) {
            Some(Kind::Pre | Kind::Dense) if shown(members) => 0,
            Some(Kind::Delta) => 1,
            Some(Kind::Pre) => 2,
            _ => 3,
        });
        for (stem, members) in &order {
            let shift = shift(arrays, backbone, members, deltas);
            if matches!(kind(members), Some(Kind::Delta | Kind::Pre | Kind::Dense)) {
                deltas.get_or_insert(shift);
            }
            shifts.insert(*stem, shift);
        }
        let layer = |array: &Named| match array.words.spot? {
            Spot::Number(number) => {
                usize::try_from(number as i64 + shifts.get(array.words.stem.as_str())?).ok()
            }
            // Weights at the input lead to the first layer.
            Spot::Input => Some(usize::from(matches!(array.words.kind, Some(Kind::Weight | Kind::Bias)))),
            Spot::Hidden(hidden) => Some(hidden),
            Spot::Output => Some(depth),
        };
        Self { of: arrays.iter().map(layer).collect() }
    }

    /// The layer that an array's name means.
    pub fn of(&self, array: usize) -> Option<usize> {
        self.of[array]
    }
}

/// What is added to the numbers of a series to get layers: the shift under which most shapes fit.
fn shift(arrays: &[Named], backbone: &Backbone, members: &[usize], deltas: Option<i64>) -> i64 {
    let numbers =
        || members.iter().filter_map(|&member| arrays[member].words.number().map(|number| number as i64));
    let (depth, layout) = (backbone.w.len() as i64, backbone.layout);
    let parameter = |kind: Option<Kind>| matches!(kind, Some(Kind::Weight | Kind::Bias));
    let of_parameters = members.iter().any(|&member| parameter(arrays[member].words.kind));
    // Gradients are counted as the weights are, if those are counted.
    let weights = backbone.w.iter().enumerate();
    let counted = weights.filter_map(|(l, &w)| Some(l as i64 + 1 - arrays[w].words.number()? as i64)).next();
    // These may end before the last layer.
    let hidden = members.iter().any(|&member| {
        let kind = arrays[member].words.kind;
        matches!(kind, Some(Kind::Act | Kind::Delta | Kind::Error | Kind::ActGrad | Kind::Mask))
    });
    let usual = match (of_parameters, hidden) {
        (true, _) => counted,
        (false, true) => deltas,
        (false, false) => None,
    };
    let one = usize::from(backbone.ones.is_some());
    let fits = |member: usize, layer: i64| {
        let Some(layer) = usize::try_from(layer).ok().filter(|&layer| layer < backbone.sizes.len()) else {
            return false;
        };
        let (array, width) = (&arrays[member], backbone.sizes[layer]);
        match array.words.kind {
            Some(Kind::Weight) => {
                layer > 0
                    && array.weights(layout).is_some_and(|[inside, out]| {
                        let wanted = [backbone.sizes[layer - 1] + one, width];
                        [inside, out] == wanted || [out, inside] == wanted
                    })
            }
            Some(Kind::Bias) => layer > 0 && array.is_vector(width),
            Some(Kind::Delta) if layer == 0 => false,
            _ => {
                let either = |wanted: [usize; 2]| {
                    array.sides().is_some_and(|[rows, cols]| [rows, cols] == wanted || [cols, rows] == wanted)
                };
                // `adjustment1` may be a gradient of the weights.
                let samples = array.samples_beside(layout, backbone.ones) == Some([backbone.n, width]);
                samples
                    || either([backbone.n, width])
                    || layer > 0 && either([backbone.sizes[layer - 1] + one, width])
            }
        }
    };
    let related = |member: usize, layer: i64| {
        let w = usize::try_from(layer - 1).ok().and_then(|l| backbone.w.get(l));
        let first = layer == 1;
        w.is_some_and(|&w| {
            backbone.relations.iter().any(|r| r.out == member && r.w == w && first == (r.a == backbone.x))
        })
    };
    let of_layers = |shift: i64, test: &dyn Fn(usize, i64) -> bool| {
        members.iter().zip(numbers()).filter(|&(&member, number)| test(member, number + shift)).count()
    };
    let last = numbers().max().unwrap_or(0);
    [0, -1, 1, 2, -2]
        .into_iter()
        .rev()
        .max_by_key(|&shift| {
            let ends = last + shift == depth;
            let fitting = of_layers(shift, &fits);
            (fitting, of_layers(shift, &related), usual == Some(shift), ends)
        })
        .unwrap_or(0)
}
