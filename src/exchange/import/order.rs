//! The layers of a file in the order of the network: as their names say, or, where those leave it open, in the only order in which
//! their sizes fit.

use std::path::Path;

use super::layer::{EXPECTED, Layer, Layers, stem};
use super::place::Place;

use crate::error::{Error, Message, Result, Setting, message};
use crate::network::{Dense, Parameters};
use crate::tensor::Tensor;

/// How a file's weights lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Orientation {
    /// `[out, in]`, as PyTorch keeps them.
    OutIn,
    /// `[in, out]`, as in `x @ W`.
    InOut,
}

/// Steps of the search for an order.
const MOST_STEPS: usize = 100_000;

/// A network whose layers are in order.
pub struct Ordered {
    pub parameters: Parameters,
    /// Where each layer stands, and what the file calls it.
    pub layers: Vec<(Place, String)>,
    /// What is to be said of it.
    pub note: Option<Message>,
}

/// The layers in order, in the usual orientation if that fits.
///
/// # Errors
/// [`Error::File`] if they do not fit each other in any order, or in several that the names leave open.
pub fn ordered(layers: Layers, path: &Path) -> Result<Ordered> {
    if let Some(layer) = layers.values().find(|layer| layer.w.is_none()) {
        let problem = format!("its layer `{}` has a bias but no weight", stem(&layer.name));
        return Err(Error::file(path, problem, EXPECTED));
    }
    let ways = match layers.values().any(|layer| layer.is_torch) {
        true => [Orientation::OutIn, Orientation::InOut],
        false => [Orientation::InOut, Orientation::OutIn],
    };
    let layers: Vec<(Place, Layer)> = layers.into_iter().collect();
    let by_name: Vec<usize> = (0..layers.len()).collect();
    let is_certain = layers.windows(2).all(|pair| pair[0].0.is_comparable(&pair[1].0));
    let finished = |parameters, order: &[usize], note| {
        let named = |&at: &usize| (layers[at].0.clone(), stem(&layers[at].1.name).to_owned());
        Ordered { parameters, layers: order.iter().map(named).collect(), note }
    };
    if is_certain && let Some(parameters) = ways.into_iter().find_map(|way| oriented(&layers, &by_name, way))
    {
        return Ok(finished(parameters, &by_name, None));
    }
    let (orders, is_whole) = Search::of(&layers, ways[0], !is_certain).orders();
    if let ([order], true) = (&orders[..], is_whole)
        && let Some(parameters) = oriented(&layers, order, ways[0])
    {
        let names: Vec<String> = order.iter().map(|&at| stem(&layers[at].1.name).to_owned()).collect();
        let note = format!("its layers are taken in the only order in which they fit: {}", names.join(", "));
        return Ok(finished(parameters, order, Some(note.into())));
    }
    let problem = match orders.len() > 1 || !is_whole {
        false => format!("its layers do not fit each other or their biases:{}", shapes(&layers)),
        true => format!(
            "its names do not say in which order its layers stand, and several orders may fit:{}",
            shapes(&layers)
        ),
    };
    let guess = orders.first().unwrap_or(&by_name);
    let pairs: Vec<String> = guess
        .iter()
        .zip(0..)
        .map(|(&at, number): (_, usize)| format!("{}=layers.{number}", stem(&layers[at].1.name)))
        .collect();
    let hint = message!["say in which order they stand: ", Setting::Map.set(pairs.join(","))];
    Err(Error::file(path, problem, hint))
}

fn shapes(layers: &[(Place, Layer)]) -> String {
    let shape =
        |tensor: &Option<Tensor>| tensor.as_ref().map_or("none".into(), |t| format!("{:?}", t.shape()));
    let line = |(_, Layer { name, w, b, .. }): &(Place, Layer)| {
        format!("\n  {name} {}, its bias {}", shape(w), shape(b))
    };
    layers.iter().map(line).collect()
}

/// The network of layers in this order, if its weights lie this way, and if they can.
fn oriented(layers: &[(Place, Layer)], order: &[usize], orientation: Orientation) -> Option<Parameters> {
    let dense = |&at: &usize| {
        let Layer { w, b, .. } = &layers[at].1;
        let w = match orientation {
            Orientation::OutIn => w.as_ref()?.transposed(),
            Orientation::InOut => w.clone()?,
        };
        let b = match b {
            Some(b) => Tensor::new([b.data().len()], b.data().to_vec()).ok()?,
            None => Tensor::zeros([w.cols()]),
        };
        Some(Dense { w, b })
    };
    let parameters = Parameters { layers: order.iter().map(dense).collect::<Option<_>>()? };
    parameters.spec().ok().map(|_| parameters)
}

/// The search for orders in which the sizes fit.
struct Search<'a> {
    layers: &'a [(Place, Layer)],
    /// Inputs and outputs of each layer.
    sizes: Vec<[usize; 2]>,
    /// Whether what the names say of two layers has to hold.
    by_name: bool,
    found: Vec<Vec<usize>>,
    steps: usize,
}

impl<'a> Search<'a> {
    fn of(layers: &'a [(Place, Layer)], orientation: Orientation, by_name: bool) -> Self {
        let size = |(_, layer): &(Place, Layer)| {
            let [rows, cols] = layer.w.as_ref().map_or([0, 0], |w| [w.rows(), w.cols()]);
            if orientation == Orientation::OutIn { [cols, rows] } else { [rows, cols] }
        };
        Self { layers, sizes: layers.iter().map(size).collect(), by_name, found: Vec::new(), steps: 0 }
    }

    /// One order if there is just one, two if there are more; none where the biases do not fit. And whether the search came to
    /// its end.
    fn orders(mut self) -> (Vec<Vec<usize>>, bool) {
        let fits = |((_, layer), size): (&(Place, Layer), &[usize; 2])| {
            layer.b.as_ref().is_none_or(|b| b.data().len() == size[1])
        };
        if self.layers.iter().zip(&self.sizes).all(fits) {
            self.extend(&mut Vec::new());
        }
        (self.found, self.steps <= MOST_STEPS)
    }

    fn extend(&mut self, order: &mut Vec<usize>) {
        self.steps += 1;
        if order.len() == self.layers.len() {
            self.found.push(order.clone());
            return;
        }
        for at in 0..self.layers.len() {
            if self.found.len() > 1 || self.steps > MOST_STEPS {
                return;
            }
            let follows = order.last().is_none_or(|&last| self.sizes[last][1] == self.sizes[at][0]);
            if follows && !order.contains(&at) && self.may_come(at, order) {
                order.push(at);
                self.extend(order);
                order.pop();
            }
        }
    }

    /// Whether nothing that has to come before a layer is still to come.
    fn may_come(&self, at: usize, order: &[usize]) -> bool {
        let place = &self.layers[at].0;
        let is_before = |other: &usize| self.layers[*other].0.is_comparable(place);
        !self.by_name || (0..at).filter(is_before).all(|other| order.contains(&other))
    }
}
