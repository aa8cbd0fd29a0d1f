//! The words that names of arrays are made of, and their senses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a word says about an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Weights.
    Weight,
    /// Biases.
    Bias,
    /// Before the activation.
    Pre,
    /// After the activation.
    Act,
    /// A layer, of whatever kind.
    Layer,
    /// A layer's sum without its activation, where both are objects.
    Dense,
    /// Something that comes out.
    Out,
    /// What the network says.
    Chance,
    /// A hidden layer.
    Hidden,
    /// Something that goes in.
    In,
    /// What the network shall say.
    Target,
    /// What it is trained on: its inputs and targets.
    Given,
    /// A gradient.
    Grad,
    /// The gradient before the activation.
    Delta,
    /// A gradient at a layer.
    Error,
    /// After the step.
    After,
    /// Before the step.
    Before,
    /// Momentum's state.
    Velocity,
    /// Adam's first moment.
    First,
    /// Adam's second moment.
    Second,
    /// What is kept: for the way back, or of squares.
    Cache,
    /// Dropout's mask.
    Mask,
    /// The loss.
    Loss,
    /// The accuracy.
    Accuracy,
    /// No tensor of the step.
    Other,
    /// Nothing.
    Filler,
}

/// The parts of an autoencoder.
const ENCODER: &str = "enc encoder encoded latent bottleneck";
const DECODER: &str = "dec decoder decoded recon reconstruction reconstructed";

/// Words and their senses.
const VOCABULARY: [(Sense, &str); 28] = [
    (
        Sense::Weight,
        "w ws wt wts weight weights theta thetas kernel kernels syn synapse synapses synaptic lw coef \
         coefs",
    ),
    (Sense::Bias, "b bs bias biases lb intercept intercepts"),
    (
        Sense::Pre,
        "z zs net nets pre preact preactivation logit logits score scores linear weighted sum tilde",
    ),
    (Sense::Act, "a as act acts activation activations activated"),
    (Sense::Layer, "l layer layers"),
    (Sense::Dense, "dense fc affine"),
    (Sense::Out, "o out outs output outputs final last fin"),
    (Sense::Out, DECODER),
    (
        Sense::Chance,
        "p yp prob probs probability probabilities pred preds predicted prediction predictions softmax yhat \
         hat guess hypothesis",
    ),
    (Sense::Hidden, "h hid hidden hs code"),
    (Sense::Hidden, ENCODER),
    (Sense::Given, "train training trn tr set dataset"),
    (Sense::In, "i in x xs xb inp input inputs data feature features sample samples image images"),
    (
        Sense::Target,
        "y ys yb t ts tgt targ target targets label labels true onehot expected desired wanted truth actual",
    ),
    (
        Sense::Grad,
        "d g grad grads gradient gradients nabla update updates change changes adj adjust adjustment adjustments",
    ),
    (Sense::Delta, "delta deltas del term"),
    (Sense::Error, "e err errs error errors"),
    (Sense::After, "new next updated upd after"),
    (Sense::Before, "old prev previous before"),
    (Sense::Velocity, "v vel velocity velocities mom momentum momentums vd"),
    (Sense::First, "m md moment moments"),
    (Sense::Second, "s r sq sd"),
    (Sense::Mask, "mask masks dropout drop keep"),
    (Sense::Cache, "cache caches cached"),
    (Sense::Loss, "loss losses cost costs j"),
    (Sense::Accuracy, "acc accuracy"),
    (
        Sense::Other,
        "slope slopes deriv derivative prime history hist test val valid validation mean std best exp exps",
    ),
    (
        Sense::Filler,
        "to from self params parameters param model network nn batch mini minibatch \
         by wrt of the my np list dict value values arr array mat matrix vec vector unit units node \
         nodes neuron neurons",
    ),
];

/// The sense of every word; of a word with several the first.
static SENSES: LazyLock<BTreeMap<&str, Sense>> = LazyLock::new(|| {
    let last_first = VOCABULARY.iter().rev();
    last_first.flat_map(|&(sense, words)| words.split(' ').map(move |word| (word, sense))).collect()
});

/// The sense of a word.
pub fn sense(word: &str) -> Option<Sense> {
    SENSES.get(word).copied()
}

/// Whether a word is of a part of an autoencoder.
pub fn rebuilds(word: &str) -> bool {
    ENCODER.split(' ').chain(DECODER.split(' ')).any(|known| known == word)
}
