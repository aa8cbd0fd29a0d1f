//! What the words of a name say about its array: `delta_weights_i_h1` is a gradient of weights that lead to hidden
//! layer 1.

use super::vocabulary::{Sense, rebuilds, sense};
use crate::doctor::file::keys::{self, Key};

/// What an array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Weights, or what has their shape.
    Weight,
    /// Biases, or what has their shape.
    Bias,
    /// Before the activation.
    Pre,
    /// After the activation.
    Act,
    /// What a dense layer puts out: before the activation, or after it where the layer has its own.
    Dense,
    /// The gradient of what is before the activation.
    Delta,
    /// A gradient at a layer: before or after its activation.
    Error,
    /// The gradient of what is after the activation.
    ActGrad,
    /// The batch.
    Input,
    /// What the network shall say.
    Target,
    /// Dropout's mask.
    Mask,
    /// The loss.
    Loss,
    /// The accuracy.
    Accuracy,
    /// Something that is no tensor of the network: a derivative, a setting.
    Other,
}

/// Which array of a parameter's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The parameter.
    Value,
    /// Its gradient.
    Grad,
    /// Its velocity.
    Velocity,
    /// Adam's first moment.
    First,
    /// Adam's second moment.
    Second,
}

/// When an array was saved, relative to the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Not said.
    Now,
    /// After the step.
    After,
    /// Before the step, or of the batch before.
    Before,
}

/// Where in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// A number, counted from wherever its writer counts.
    Number(usize),
    /// The input.
    Input,
    /// A hidden layer, counted from wherever its writer counts.
    Hidden(usize),
    /// The last layer.
    Output,
}

/// What a name says.
#[derive(Debug, Clone)]
pub struct Words {
    /// What it is.
    pub kind: Option<Kind>,
    /// Which array of a parameter's shape.
    pub state: State,
    /// When it was saved.
    pub time: Time,
    /// Where; of weights, where they lead to.
    pub spot: Option<Spot>,
    /// Whether it says that it is kept: for the way back, or of squares.
    pub cached: bool,
    /// Whether it speaks of probabilities, or of what is predicted.
    pub chance: bool,
    /// Whether it speaks of a part of an autoencoder.
    pub rebuilds: bool,
    /// Whether all its words are known.
    pub known: bool,
    /// The name without its numbers: names that differ in nothing else are a series.
    pub stem: String,
}

/// A part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Sense(Sense),
    Number(usize),
}

/// The words of a name, in lower case, and its numbers as words of their own: `hiddenLayer2` is three.
fn split(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in name.chars() {
        let joins = before.is_alphanumeric()
            && before.is_ascii_digit() == letter.is_ascii_digit()
            && !(before.is_lowercase() && letter.is_uppercase());
        if letter.is_alphanumeric() {
            match words.last_mut().filter(|_| joins) {
                Some(word) => word.extend(letter.to_lowercase()),
                None => words.push(letter.to_lowercase().collect()),
            }
        }
        before = letter;
    }
    words
}

/// The senses of a word that the vocabulary may have only in parts: `dw`, `wih`, `hiddenlayer`.
fn senses(word: &str) -> Option<Vec<Sense>> {
    if let Some(sense) = sense(word) {
        return Some(vec![sense]);
    }
    if let Some(rest) = word.strip_prefix('d').and_then(senses) {
        return Some([vec![Sense::Grad], rest].concat());
    }
    let ends: Option<Vec<Sense>> = word.chars().skip(1).map(end_of_connection).collect();
    match (word.chars().next(), ends) {
        (Some('w'), Some(ends)) if word.len() <= 3 => return Some([vec![Sense::Weight], ends].concat()),
        (Some('b'), Some(ends)) if word.len() <= 3 => return Some([vec![Sense::Bias], ends].concat()),
        _ => {}
    }
    if word.len() == 2
        && let [Some(from), Some(to)] = [0, 1].map(|at| word.chars().nth(at).and_then(end_of_connection))
        && from != Sense::Out
        && to != Sense::In
    {
        return Some(vec![from, to]);
    }
    // The longest beginning that is a word, if the rest is words, too.
    (1..word.len()).rev().filter(|&at| word.is_char_boundary(at)).find_map(|at| {
        let (first, rest) = word.split_at(at);
        let known = first.len() >= 3 || ["w", "b", "z", "v", "m", "s", "h", "o", "x", "y"].contains(&first);
        let whole = rest.len() >= 2 || ["w", "b"].contains(&rest);
        // `neth` and `outo` are of the hidden and of the last layer.
        let end = first.len() >= 3 && ["h", "o"].contains(&rest);
        let first = sense(first).filter(|_| known && (whole || end))?;
        Some([vec![first], senses(rest)?].concat())
    })
}

/// `wih` leads from i to h.
fn end_of_connection(letter: char) -> Option<Sense> {
    match letter {
        'i' | 'x' => Some(Sense::In),
        'h' => Some(Sense::Hidden),
        'o' | 'y' => Some(Sense::Out),
        _ => None,
    }
}

impl Words {
    /// Reads a name.
    pub fn of(name: &str) -> Self {
        // TensorFlow's variables end in the number of an output, which is always the first.
        let split = split(name.strip_suffix(":0").unwrap_or(name));
        let number = |word: &String| word.parse::<usize>().ok().filter(|&number| number <= 999);
        let (mut parts, mut known) = (Vec::new(), true);
        for word in &split {
            match (number(word), senses(word)) {
                (Some(number), _) => parts.push(Part::Number(number)),
                (None, Some(senses)) => parts.extend(senses.into_iter().map(Part::Sense)),
                (None, None) => known = false,
            }
        }
        let stem = split.iter().map(|word| if number(word).is_some() { "#" } else { word });
        let stem = stem.collect::<Vec<_>>().join(" ");
        let has = |sense| parts.contains(&Part::Sense(sense));
        let graded = has(Sense::Grad) || has(Sense::Delta) || has(Sense::Error);
        let parameter = has(Sense::Weight) || has(Sense::Bias);
        let state = match () {
            () if !parameter => State::Value,
            () if has(Sense::Velocity) => State::Velocity,
            () if has(Sense::First) => State::First,
            () if has(Sense::Second) => State::Second,
            () if graded => State::Grad,
            () => State::Value,
        };
        let time = match () {
            () if has(Sense::After) => Time::After,
            () if has(Sense::Before) => Time::Before,
            () => Time::Now,
        };
        // A lone `h` may be a hidden layer, or the hypothesis.
        let spot = if parts == [Part::Sense(Sense::Hidden)] { None } else { spot(&parts, parameter) };
        // `adam_b2` is no bias.
        let is_setting = matches!(keys::parse(name), Some(Key::Number(_)));
        let kind = kind(&parts).filter(|&kind| kind != Kind::Bias || !is_setting);
        // The inputs of `dense2` are what layer 1 hands on.
        let below = kind == Some(Kind::ActGrad) && has(Sense::Dense);
        let spot = match spot {
            Some(Spot::Number(number)) if below => Some(Spot::Number(number.saturating_sub(1))),
            spot => spot,
        };
        let rebuilds = split.iter().any(|word| rebuilds(word));
        let (cached, chance) = (has(Sense::Cache), has(Sense::Chance));
        Self { kind, state, time, spot, cached, chance, rebuilds, known, stem }
    }

    /// Whether it names a parameter as it was before the step.
    pub fn is_parameter(&self, kind: Kind) -> bool {
        self.kind == Some(kind) && self.state == State::Value && self.time != Time::After
    }

    /// Its number, if it is counted.
    pub fn number(&self) -> Option<usize> {
        match self.spot {
            Some(Spot::Number(number)) => Some(number),
            _ => None,
        }
    }
}

/// What a name's words say that its array is.
fn kind(parts: &[Part]) -> Option<Kind> {
    let has = |sense| parts.contains(&Part::Sense(sense));
    let numbered = parts.iter().any(|part| matches!(part, Part::Number(_)));
    let placed = numbered || has(Sense::Hidden) || has(Sense::Out);
    // What goes into a layer's units.
    let into = has(Sense::In)
        && !has(Sense::Given)
        && (has(Sense::Hidden) || has(Sense::Out) || (numbered && has(Sense::Layer)));
    let kind = match () {
        () if has(Sense::Other) => Kind::Other,
        () if has(Sense::Mask) => Kind::Mask,
        () if has(Sense::Weight) => Kind::Weight,
        () if has(Sense::Bias) => Kind::Bias,
        () if has(Sense::Accuracy) => Kind::Accuracy,
        () if has(Sense::Delta) && !has(Sense::Act) => Kind::Delta,
        () if has(Sense::Error) => Kind::Error,
        // What goes into an activation is z; what goes into a sum is the layer below.
        () if has(Sense::Grad) && has(Sense::In) && has(Sense::Act) => Kind::Delta,
        () if has(Sense::Grad) && has(Sense::In) && has(Sense::Dense) => Kind::ActGrad,
        () if has(Sense::Grad) || has(Sense::Delta) => match () {
            () if has(Sense::Pre) || into => Kind::Delta,
            () if has(Sense::Act) => Kind::ActGrad,
            () if placed || has(Sense::Chance) => Kind::Error,
            () => return None,
        },
        () if has(Sense::Loss) && !has(Sense::Act) => Kind::Loss,
        () if has(Sense::Chance) => Kind::Act,
        () if has(Sense::Pre) => Kind::Pre,
        () if has(Sense::Target) => Kind::Target,
        () if into => Kind::Pre,
        () if has(Sense::Dense) && has(Sense::Out) && !has(Sense::Act) => Kind::Dense,
        () if has(Sense::In) => Kind::Input,
        () if has(Sense::Given) && has(Sense::Out) => Kind::Target,
        () if has(Sense::Act) || has(Sense::Out) || has(Sense::Hidden) => Kind::Act,
        () if has(Sense::Layer) && numbered => Kind::Act,
        () => return None,
    };
    Some(kind)
}

/// Where in the network a name's words say that its array is.
fn spot(parts: &[Part], parameter: bool) -> Option<Spot> {
    let mut spots: Vec<Spot> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| parts[before]);
        let next = match parts.get(at + 1) {
            Some(Part::Number(number)) => Some(*number),
            _ => None,
        };
        match part {
            Part::Sense(Sense::Hidden) => {
                let again = spots.iter().filter(|spot| matches!(spot, Spot::Hidden(_))).count();
                spots.push(Spot::Hidden(next.unwrap_or(again + 1)));
            }
            Part::Sense(Sense::Out | Sense::Chance) => spots.push(Spot::Output),
            Part::Sense(Sense::In) if parameter => spots.push(Spot::Input),
            // `hidden layer 2` and `h2` are counted among the hidden layers.
            Part::Number(number) if before != Some(Part::Sense(Sense::Hidden)) => {
                spots.push(Spot::Number(*number));
            }
            _ => {}
        }
    }
    // The outputs of a hidden layer are not the last ones.
    if let (false, Some(&Spot::Hidden(hidden))) =
        (parameter, spots.iter().find(|spot| matches!(spot, Spot::Hidden(_))))
    {
        return match spots.last() {
            Some(&Spot::Number(number)) => Some(Spot::Hidden(number)),
            _ => Some(Spot::Hidden(hidden)),
        };
    }
    match spots.as_slice() {
        // From one layer to the next: the lower one counts them.
        [.., Spot::Number(from), Spot::Number(to)] if parameter && *to == from + 1 => {
            Some(Spot::Number(*from))
        }
        // "Output" beside a number says what it is, not where.
        spots => spots.iter().rev().find(|spot| matches!(spot, Spot::Number(_))).or(spots.last()).copied(),
    }
}
