//! Batch normalisations of a file, folded into the layers beside them. A file does not say where they stand; names and sizes do.

use std::path::Path;

use super::order::Ordered;
use super::place::Place;
use crate::error::{Error, Message, Result, Setting, message};
use crate::exchange::normalisation::{self, EPSILON, Normalisation};
use crate::network::{Dense, Parameters};

/// A normalisation, its place and its name in the file.
pub type Named = (Place, String, Normalisation);

/// Where a normalisation stands beside a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// Between the layer and its activation.
    Behind(usize),
    /// In front of the layer: behind the activation of the one before it.
    Before(usize),
}

impl Spot {
    /// The spot on the other side of the activation, in a network of so many layers.
    fn beyond_the_activation(self, layers: usize) -> Self {
        match self {
            Self::Behind(layer) if layer + 1 < layers => Self::Before(layer + 1),
            Self::Before(layer) if layer > 0 => Self::Behind(layer - 1),
            only => only,
        }
    }
}

/// Folds normalisations into a network, and says where each was taken to stand.
///
/// # Errors
/// [`Error::File`] for one that fits nowhere, or at several places of which its name says none.
pub fn folded(
    network: Ordered,
    normalisations: &[Named],
    epsilon: Option<f64>,
    path: &Path,
) -> Result<(Parameters, Vec<Message>)> {
    if normalisations.is_empty() {
        if let Some(epsilon) = epsilon {
            let problem = ": the file has no batch normalisation with a running mean and variance";
            return Err(
                Error::usage(message![Setting::Eps.set(epsilon), problem]).hint(Setting::Eps.without())
            );
        }
        return Ok((network.parameters, network.note.into_iter().collect()));
    }
    let names = || normalisations.iter().map(|(_, name, _)| name.as_str());
    let mapped = |spots: Vec<Option<Spot>>| {
        let words = " numbers all as a torch.nn.Sequential would, in which each activation has a number too";
        message![
            Setting::Map.set(numbered(&network, &spots.into_iter().zip(names()).collect::<Vec<_>>())),
            words
        ]
    };
    let remedy = || {
        let behind = |(place, ..): &Named| partner(&network, place).map(Spot::Behind);
        mapped(normalisations.iter().map(behind).collect())
    };
    let (spots, is_guess) =
        spots(&network, normalisations).map_err(|problem| Error::file(path, problem, remedy()))?;
    let mut notes: Vec<Message> = network.note.clone().into_iter().collect();
    let mut layers = network.parameters.layers.clone();
    for ((_, name, normalisation), &spot) in normalisations.iter().zip(&spots) {
        let (at, is_behind) = match spot {
            Spot::Behind(at) => (at, true),
            Spot::Before(at) => (at, false),
        };
        let Dense { w, b } = &layers[at];
        let width = if is_behind { w.cols() } else { w.rows() };
        let (factor, summand) = normalisation.line(width, epsilon.unwrap_or(EPSILON)).map_err(|problem| {
            Error::file(path, format!("its normalisation `{name}`: {problem}"), remedy())
        })?;
        let fold = if is_behind { normalisation::behind } else { normalisation::before };
        let (w, b) = fold(w, b, &factor, &summand);
        layers[at] = Dense { w, b };
        let side = if is_behind { "before its activation" } else { "in front of it" };
        let text = format!("the batch normalisation `{name}` is folded into layer {} {side}", at + 1);
        notes.push(text.into());
    }
    if is_guess {
        let words = "on which side of an activation a normalisation stands is a guess by its name; if it is the other one: ";
        let others = spots.iter().map(|spot| Some(spot.beyond_the_activation(layers.len())));
        notes.push(message![words].and(mapped(others.collect())));
    }
    notes.push(match epsilon {
        Some(epsilon) => format!("the eps of its normalisations is {epsilon:e}, as you say").into(),
        None => message![
            format!("the eps of its normalisations is not in the file, so {EPSILON:e} is taken, PyTorch's default; "),
            Setting::Eps,
            " says another, such as 1e-3, which is Keras' default"
        ],
    });
    Ok((Parameters { layers }, notes))
}

/// Where each normalisation stands, and whether that is a guess by names alone.
fn spots(network: &Ordered, normalisations: &[Named]) -> Result<(Vec<Spot>, bool), String> {
    let partners: Vec<Option<usize>> =
        normalisations.iter().map(|(place, ..)| partner(network, place)).collect();
    let sides = Sides::of(network, normalisations, &partners);
    let mut is_guess = false;
    let spot = |((place, name, normalisation), partner): (&Named, &Option<usize>)| {
        if let Some(spot) = in_sequence(network, place) {
            return Ok(spot);
        }
        is_guess = true;
        let width = normalisation.width();
        match (partner, sides) {
            (&Some(layer), Sides::Behind) => Ok(Spot::Behind(layer)),
            // Of the inputs, or between the layer before and its activation, as usual.
            (&Some(layer), Sides::Before) => Ok(layer.checked_sub(1).map_or(Spot::Before(0), Spot::Behind)),
            (Some(_), Sides::Both) => Err(format!(
                "its normalisations may stand behind the layers of their numbers or in front of them, such as `{name}`: \
                 both fit"
            )),
            _ => by_size(network, place, width).ok_or_else(|| {
                format!("its normalisation `{name}` of {width} values fits at several places or at none")
            }),
        }
    };
    let spots = normalisations.iter().zip(&partners).map(spot).collect::<Result<_, _>>()?;
    Ok((spots, is_guess))
}

/// On which side of the layers of their numbers normalisations stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sides {
    Behind,
    Before,
    /// Either may be meant.
    Both,
    /// Neither fits all.
    Neither,
}

impl Sides {
    /// `bn1, fc1` may mean that one or the other comes first. Usually the layer does; then the last layer has none.
    fn of(network: &Ordered, normalisations: &[Named], partners: &[Option<usize>]) -> Self {
        let pairs = || {
            let named = partners.iter().zip(normalisations);
            let of = |(partner, (place, _, normalisation)): (&Option<usize>, &Named)| {
                Some((partner.filter(|_| in_sequence(network, place).is_none())?, normalisation.width()))
            };
            named.filter_map(of).collect::<Vec<(usize, usize)>>()
        };
        let pairs = pairs();
        let layers = &network.parameters.layers;
        let behind = pairs.iter().all(|&(layer, width)| layers[layer].w.cols() == width);
        let before = pairs.iter().all(|&(layer, width)| layers[layer].w.rows() == width);
        let has_last = pairs.iter().any(|&(layer, _)| layer + 1 == layers.len());
        match (behind, before) {
            (true, true) if has_last => Self::Both,
            (true, _) => Self::Behind,
            (false, true) => Self::Before,
            (false, false) => Self::Neither,
        }
    }
}

/// The spot of a normalisation that is numbered among layers, as in `net.0, net.1, net.3`: an activation has a number, too.
fn in_sequence(network: &Ordered, place: &Place) -> Option<Spot> {
    let numbers = network.layers.iter().enumerate();
    let beside: Vec<(usize, u64, u64)> = numbers
        .filter_map(|(at, (layer, _))| Some((at, layer.in_sequence(place)?)))
        .map(|(at, (layer, own))| (at, layer, own))
        .collect();
    let before = beside.iter().rfind(|(_, layer, own)| layer < own);
    match (before, beside.first()) {
        (Some(&(at, layer, own)), _) if layer + 1 == own || at + 1 == network.layers.len() => {
            Some(Spot::Behind(at))
        }
        (Some(&(at, ..)), _) => Some(Spot::Before(at + 1)),
        (None, Some(&(at, ..))) => Some(Spot::Before(at)),
        (None, None) => None,
    }
}

/// The layer that has the numbers of a normalisation: of several the one with the longest part of the name in common.
fn partner(network: &Ordered, place: &Place) -> Option<usize> {
    let numbers = Some(place.numbers()).filter(|numbers| !numbers.is_empty())?;
    let shared = |at: &usize| network.layers[*at].0.shared(place);
    let alike: Vec<usize> =
        (0..network.layers.len()).filter(|&at| network.layers[at].0.numbers() == numbers).collect();
    let most = alike.iter().map(shared).max()?;
    match alike.iter().filter(|at| shared(at) == most).collect::<Vec<_>>()[..] {
        [&only] => Some(only),
        _ => None,
    }
}

/// The only spot where so many values are normalised; the inputs, if the name says that it is the first of all; or behind the layer
/// after whose number its own comes, as in `fc1, bn2, fc3`.
fn by_size(network: &Ordered, place: &Place, width: usize) -> Option<Spot> {
    let layers = &network.parameters.layers;
    let own = place.numbers();
    let is_first = place.is_first()
        || (!own.is_empty() && network.layers.iter().all(|(layer, _)| own < layer.numbers()));
    if is_first && layers.first()?.w.rows() == width {
        return Some(Spot::Before(0));
    }
    let before = network.layers.iter().rposition(|(layer, _)| layer.numbers() < own);
    if let Some(before) = before.filter(|&at| !own.is_empty() && layers[at].w.cols() == width) {
        return Some(Spot::Behind(before));
    }
    let inputs = layers.iter().take(1).filter(|layer| layer.w.rows() == width).map(|_| Spot::Before(0));
    let behind = (0..layers.len()).filter(|&at| layers[at].w.cols() == width).map(Spot::Behind);
    let mut all = inputs.chain(behind);
    all.next().filter(|_| all.next().is_none())
}

/// Layers and what stands before and behind them, numbered as a `torch.nn.Sequential`: each layer has an activation.
fn numbered(network: &Ordered, stands: &[(Option<Spot>, &str)]) -> String {
    let at = |spot: Option<Spot>| stands.iter().filter(move |stand| stand.0 == spot).map(|stand| stand.1);
    let (mut pairs, mut number) = (Vec::new(), 0);
    for (layer, (_, name)) in network.layers.iter().enumerate() {
        let behind = at(Some(Spot::Behind(layer)));
        for name in at(Some(Spot::Before(layer))).chain([name.as_str()]).chain(behind) {
            pairs.push(format!("{name}=net.{number}"));
            number += 1;
        }
        number += 1;
    }
    pairs.extend(at(None).zip(number..).map(|(name, number)| format!("{name}=net.{number}")));
    pairs.join(",")
}
