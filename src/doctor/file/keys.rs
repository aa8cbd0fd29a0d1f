//! From the names people give their arrays to ours.

use super::slot::{Param, Slot};

/// What a key of the file means.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// A tensor of the network.
    Slot(Slot),
    /// A tensor of the last layer, whose number only the whole file tells: its z or dz.
    Last(fn(usize) -> Slot),
    /// The batch.
    X,
    /// Labels or one-hot rows.
    Y,
    /// A number the update needs, by our name.
    Number(&'static str),
    /// The hidden activation's name.
    Act,
    /// `rows` or `columns`: how samples lie.
    Layout,
}

/// Names without a layer's number; the first is ours. Compared in lower case, first as they are.
const WHOLE: [(&[&str], Key); 18] = [
    (&["x", "x_batch", "inputs", "input", "features", "a0"], Key::X),
    (&["y", "labels", "label", "targets", "target", "y_true", "y_onehot", "y_one_hot", "onehot"], Key::Y),
    (
        &[
            "p",
            "probs",
            "probabilities",
            "y_hat",
            "yhat",
            "predictions",
            "pred",
            "output",
            "softmax",
            "final_outputs",
        ],
        Key::Slot(Slot::P),
    ),
    (&["logits", "scores"], Key::Last(Slot::Z)),
    (&["dlogits", "dscores", "grad_logits", "output_error_term", "delta_out"], Key::Last(Slot::Dz)),
    (&["loss", "cost", "j"], Key::Slot(Slot::Loss)),
    (&["accuracy", "acc"], Key::Slot(Slot::Accuracy)),
    (&["act", "activation"], Key::Act),
    (&["layout"], Key::Layout),
    (&["lr", "learning_rate", "learningrate", "learn_rate", "step_size", "eta", "alpha"], Key::Number("lr")),
    (&["l2", "lambda", "lambd", "reg", "weight_decay", "wd"], Key::Number("l2")),
    (&["momentum", "mu"], Key::Number("momentum")),
    (&["drop_p", "dropout", "drop"], Key::Number("drop_p")),
    (&["adam_b1", "beta1", "b1_adam"], Key::Number("adam_b1")),
    (&["adam_b2", "beta2", "b2_adam"], Key::Number("adam_b2")),
    (&["adam_eps", "eps", "epsilon"], Key::Number("adam_eps")),
    (&["rho", "decay_rate", "rms_decay"], Key::Number("rho")),
    (&["adam_t", "t", "step"], Key::Number("adam_t")),
];

/// Stems of names with a layer's number: what they are without separators, in lower case.
const STEMS: [(&[&str], Stem); 13] = [
    (&["w", "weight", "weights", "kernel", "theta"], Stem::Param(Param::W)),
    (&["b", "bias", "biases"], Stem::Param(Param::B)),
    (&["z", "preact", "pre"], Stem::Layer(Slot::Z)),
    (&["a", "h", "act", "hidden"], Stem::Layer(Slot::A)),
    (&["mask", "dropmask", "d"], Stem::Layer(Slot::Mask)),
    (&["dz", "delta", "gradz", "gz"], Stem::Layer(Slot::Dz)),
    (&["da", "grada", "ga", "dh"], Stem::Layer(Slot::Da)),
    (&["dw", "gradw", "gw", "nablaw", "dweight", "dweights", "wgrad"], Stem::Grad(Param::W)),
    (&["db", "gradb", "gb", "nablab", "dbias", "dbiases", "bgrad"], Stem::Grad(Param::B)),
    (&["vw", "vdw", "velw"], Stem::State(Param::W, Slot::V, Slot::VPrev)),
    (&["vb", "vdb", "velb"], Stem::State(Param::B, Slot::V, Slot::VPrev)),
    (&["mw", "mdw"], Stem::State(Param::W, Slot::M, Slot::MPrev)),
    (&["mb", "mdb"], Stem::State(Param::B, Slot::M, Slot::MPrev)),
];

/// Adam's second moment, apart because its stems would make the table above too wide.
const SECOND: [(&[&str], Owner); 2] = [(&["sw", "sdw"], Param::W), (&["sb", "sdb"], Param::B)];

/// Which of a layer's parameters.
type Owner = fn(usize) -> Param;

/// What a stem makes of a layer's number.
#[derive(Clone, Copy)]
enum Stem {
    Param(Owner),
    Layer(fn(usize) -> Slot),
    Grad(Owner),
    State(Owner, fn(Param) -> Slot, fn(Param) -> Slot),
}

/// When a tensor was saved, relative to the step.
#[derive(Clone, Copy, PartialEq)]
enum Time {
    Now,
    Before,
    After,
}

/// The meaning of `name`, if it is one of ours or an alias.
pub fn parse(name: &str) -> Option<Key> {
    let lower = name.to_lowercase();
    if let Some((_, key)) = WHOLE.iter().find(|(names, _)| names.contains(&lower.as_str())) {
        return Some(*key);
    }
    let (rest, time) = time(&lower);
    let (stem, layer) = number(&rest)?;
    let second = SECOND.iter().find(|(names, _)| names.contains(&stem.as_str()));
    let stem = match second {
        Some((_, param)) => Stem::State(*param, Slot::S, Slot::SPrev),
        None => STEMS.iter().find(|(names, _)| names.contains(&stem.as_str())).map(|(_, stem)| *stem)?,
    };
    let slot = match (stem, time) {
        (Stem::Param(param), Time::Now | Time::Before) => Slot::Param(param(layer)),
        (Stem::Param(param), Time::After) => Slot::New(param(layer)),
        (Stem::Grad(param), Time::Before) => Slot::GradPrev(param(layer)),
        (Stem::Grad(param), _) => Slot::Grad(param(layer)),
        (Stem::State(param, _, before), Time::Before) => before(param(layer)),
        (Stem::State(param, after, _), _) => after(param(layer)),
        (Stem::Layer(slot), Time::Now) => slot(layer),
        (Stem::Layer(_), _) => return None,
    };
    Some(Key::Slot(slot))
}

/// A name without its words for before or after the step.
fn time(name: &str) -> (String, Time) {
    for (word, time) in [("new", Time::After), ("next", Time::After), ("after", Time::After)] {
        if let Some(rest) = name.strip_suffix(word).or_else(|| name.strip_prefix(word)) {
            return (rest.trim_matches('_').to_owned(), time);
        }
    }
    for word in ["prev", "old", "before"] {
        if let Some(rest) = name.strip_suffix(word).or_else(|| name.strip_prefix(word)) {
            return (rest.trim_matches('_').to_owned(), Time::Before);
        }
    }
    (name.to_owned(), Time::Now)
}

/// A stem without separators, and the number behind it.
fn number(name: &str) -> Option<(String, usize)> {
    let digits = name.chars().rev().take_while(char::is_ascii_digit).count();
    let (stem, number) = name.split_at(name.len() - digits);
    let layer: usize = number.parse().ok().filter(|layer| (1..=999).contains(layer))?;
    Some((stem.replace(['_', '.', '-'], ""), layer))
}

/// A PyTorch parameter's name, `layers.0.weight` or `fc1.bias.grad`: whose position, which parameter, our word
/// around it (`` for the parameter, `d` for its gradient, `_new` after the step).
pub fn torch(name: &str) -> Option<(usize, bool, &'static str)> {
    let (name, after) = match name.strip_suffix("_new") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (name, gradient) = match name.strip_suffix(".grad") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (stem, kind) = name.rsplit_once('.')?;
    let weight = match kind {
        "weight" => true,
        "bias" => false,
        _ => return None,
    };
    let digits: String = stem.chars().rev().take_while(char::is_ascii_digit).collect();
    let position = digits.chars().rev().collect::<String>().parse().ok()?;
    match (gradient, after) {
        (true, true) => None,
        (true, false) => Some((position, weight, "d")),
        (false, true) => Some((position, weight, "_new")),
        (false, false) => Some((position, weight, "")),
    }
}
