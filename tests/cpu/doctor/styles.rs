//! The names that people give their arrays, in styles.

use gpu_mlp::doctor::file::npz::Entries;

/// A key of ours: what it is, of which layer, and what follows.
pub struct Key<'a> {
    pub stem: &'a str,
    pub layer: usize,
    pub rest: &'a str,
}

impl<'a> Key<'a> {
    fn of(key: &'a str) -> Self {
        let at = key.find(|c: char| c.is_ascii_digit()).filter(|_| !key.starts_with("adam") && key != "l2");
        let Some(at) = at else { return Self { stem: key, layer: 0, rest: "" } };
        let end = key[at..].find(|c: char| !c.is_ascii_digit()).map_or(key.len(), |end| at + end);
        Self { stem: &key[..at], layer: key[at..end].parse().unwrap(), rest: &key[end..] }
    }
}

/// How somebody calls a tensor of a network of so many layers; nothing keeps our name.
pub type Naming = fn(&Key, usize) -> Option<String>;

/// What is special about the state of an optimiser: our prefix before their name of the parameter.
fn around(key: &Key, parameter: &str) -> Option<String> {
    let prefix = key.stem.strip_suffix(['W', 'b'])?;
    let prefix = match prefix {
        "" | "d" => return None,
        "v" => "velocity",
        "m" => "m",
        "s" => "s",
        _ => return None,
    };
    Some(format!("{prefix}_{parameter}{}", key.rest))
}

/// `i`, `h1`, …, `o`.
fn node(l: usize, depth: usize) -> String {
    match l {
        0 => "i".into(),
        l if l == depth => "o".into(),
        l => format!("h{l}"),
    }
}

/// wih, whh, who: hidden_inputs, hidden_outputs, output_errors.
fn initials(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let place = match l {
        l if l == depth => "final".to_owned(),
        1 => "hidden".to_owned(),
        l => format!("hidden{l}"),
    };
    let link = match (l, depth) {
        (1, 1) => "io".to_owned(),
        (1, _) => "ih".to_owned(),
        (l, depth) if l == depth => "ho".to_owned(),
        _ => "hh".to_owned(),
    };
    let end = if l == depth { "o".to_owned() } else { format!("h{l}") };
    let parameter = if stem.ends_with('W') { format!("w{link}") } else { format!("b_{end}") };
    Some(match stem {
        "X" => "inputs".into(),
        "y" => "targets".into(),
        "p" => "final_outputs".into(),
        "z" => format!("{place}_inputs"),
        "a" => format!("{place}_outputs"),
        "dz" if l == depth => "output_errors".into(),
        "dz" => format!("{place}_delta"),
        "da" => format!("{place}_errors"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("grad_{parameter}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// weights_i_to_h1, delta_weights_i_h1, h1_error_term.
pub fn links(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let (from, to) = (node(l.saturating_sub(1), depth), node(l, depth));
    let weights = format!("weights_{from}_to_{to}");
    let parameter = if stem.ends_with('W') { weights } else { format!("bias_{to}") };
    Some(match stem {
        "X" => "X_batch".into(),
        "y" => "y_batch".into(),
        "p" => "y_hat".into(),
        "z" => format!("{to}_input"),
        "a" => format!("{to}_output"),
        "dz" => format!("{to}_error_term"),
        "da" => format!("{to}_error"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" => format!("delta_weights_{from}_{to}{rest}"),
        "db" => format!("delta_{parameter}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// w0, w1, b0, b1; l0 is X, l1, l2; l2_delta, l1_error.
fn from_zero(key: &Key, _: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let parameter = format!("{}{}", stem.chars().last()?.to_lowercase(), l.saturating_sub(1));
    Some(match stem {
        "X" => "l0".into(),
        "l2" => "lambda".into(),
        "a" => format!("l{l}"),
        "z" => format!("z{l}"),
        "p" => "output".into(),
        "dz" => format!("l{l}_delta"),
        "da" => format!("l{l}_error"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("d{parameter}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// Theta1, a1 is X, z2, a2, delta3, Theta1_grad.
fn theta(key: &Key, _: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let parameter = if stem.ends_with('W') { format!("Theta{l}") } else { format!("bias{l}") };
    Some(match stem {
        "X" => "a1".into(),
        "p" => "h".into(),
        "z" | "a" => format!("{stem}{}", l + 1),
        "dz" => format!("delta{}", l + 1),
        "da" => format!("grad_a{}", l + 1),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("{parameter}_grad{rest}"),
        _ => return around(key, &parameter),
    })
}

/// synaptic_weights1, output_from_layer1, del4.
fn synapses(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let parameter = if stem.ends_with('W') { format!("synaptic_weights{l}") } else { format!("bias{l}") };
    Some(match stem {
        "X" => "training_set_inputs".into(),
        "y" => "training_set_outputs".into(),
        "p" => format!("output_from_layer{depth}"),
        "a" => format!("output_from_layer{l}"),
        "z" => format!("input_to_layer{l}"),
        "dz" => format!("del{l}"),
        "da" => format!("layer{l}_error"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("{parameter}_adjustment{rest}"),
        _ => return around(key, &parameter),
    })
}

/// w_hidden, w_hidden2, w_out; net_h1, out_h1.
pub fn sides(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let place = match l {
        l if l == depth => "out".to_owned(),
        1 => "hidden".to_owned(),
        l => format!("hidden{l}"),
    };
    let owner = if stem.ends_with('W') { "w" } else { "b" };
    let parameter = format!("{owner}_{place}");
    let node = node(l, depth);
    Some(match stem {
        "X" => "data".into(),
        "y" => "labels".into(),
        "p" => "out_o".into(),
        "z" => format!("net_{node}"),
        "a" => format!("out_{node}"),
        "dz" => format!("delta_{place}"),
        "da" => format!("error_{place}"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("grad_{parameter}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// layer1_weights, layer1_bias, layer1_z, Dw_layer1; d1 for the deltas.
fn layers(key: &Key, _: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let kind = if stem.ends_with('W') { "weights" } else { "bias" };
    let parameter = format!("layer{l}_{kind}");
    Some(match stem {
        "X" => "input_data".into(),
        "y" => "target".into(),
        "p" => "predictions".into(),
        "z" => format!("layer{l}_z"),
        "a" => format!("layer{l}_a"),
        "dz" => format!("d{l}"),
        "da" => format!("da_layer{l}"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" => format!("Dw_layer{l}{rest}"),
        "db" => format!("Db_layer{l}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// Lists flattened from 0: weights_0, zs_0, activations_0 is X.
pub fn lists(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let kind = if stem.ends_with('W') { "weights" } else { "biases" };
    let parameter = format!("{kind}_{}", l.saturating_sub(1));
    Some(match stem {
        "X" => "activations_0".into(),
        "p" => format!("activations_{depth}"),
        "a" => format!("activations_{l}"),
        "z" => format!("zs_{}", l - 1),
        "dz" => format!("deltas_{}", l - 1),
        "da" => format!("da_{}", l - 1),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" => format!("nabla_w_{}{rest}", l - 1),
        "db" => format!("nabla_b_{}{rest}", l - 1),
        _ => return around(key, &parameter),
    })
}

/// params['W1'], cache['Z1'], grads['dZ1'].
fn dictionaries(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let parameter = format!("{}{l}", stem.chars().last()?);
    Some(match stem {
        "y" => "Y".into(),
        "p" => format!("cache['A{depth}']"),
        "a" | "z" => format!("cache['{}{l}']", stem.to_uppercase()),
        "dz" => format!("grads['dZ{l}']"),
        "da" => format!("grads['dA{l}']"),
        "W" | "b" if rest.is_empty() => format!("params['{parameter}']"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" if rest.is_empty() => format!("grads['{stem}{l}']"),
        "dW" | "db" => format!("{stem}{l}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// wh, bh, wout, bout; hidden_layer_input, hiddenlayer_activations, d_hiddenlayer.
fn long_words(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let place = if l == depth { "output".to_owned() } else { "hidden".to_owned() };
    let number = if l == depth { String::new() } else { l.to_string() };
    let owner = if stem.ends_with('W') { "w" } else { "b" };
    let parameter = format!("{owner}{}{number}", if l == depth { "out" } else { "h" });
    Some(match stem {
        "y" => "t".into(),
        "p" => "predicted_output".into(),
        "z" => format!("{place}_layer{number}_input"),
        "a" => format!("{place}layer{number}_activations"),
        "dz" => format!("d_{place}{number}"),
        "da" => format!("error_at_{place}_layer{number}"),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("grad_{parameter}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// Layers and activations are objects: dense1_output is z, activation1_output a; dense2_dinputs is da1, activation1_dinputs dz1.
fn objects(key: &Key, depth: usize) -> Option<String> {
    let Key { stem, layer: l, rest } = *key;
    let kind = if stem.ends_with('W') { "weights" } else { "biases" };
    let parameter = format!("dense{l}_{kind}");
    Some(match stem {
        "p" => "loss_activation_output".into(),
        "z" => format!("dense{l}_output"),
        "a" => format!("activation{l}_output"),
        "dz" if l == depth => "loss_activation_dinputs".into(),
        "dz" => format!("activation{l}_dinputs"),
        "da" => format!("dense{}_dinputs", l + 1),
        "W" | "b" => format!("{parameter}{rest}"),
        "dW" | "db" => format!("dense{l}_d{kind}{rest}"),
        _ => return around(key, &parameter),
    })
}

/// The styles.
pub const STYLES: [(&str, Naming); 11] = [
    ("initials", initials),
    ("links", links),
    ("from zero", from_zero),
    ("theta", theta),
    ("synapses", synapses),
    ("sides", sides),
    ("layers", layers),
    ("lists", lists),
    ("dictionaries", dictionaries),
    ("long words", long_words),
    ("objects", objects),
];

/// A file under the names of a style.
pub fn renamed(entries: &Entries, naming: Naming) -> Entries {
    let depth = (1..).take_while(|l| entries.contains_key(&format!("W{l}"))).count();
    let name = |key: &str| naming(&Key::of(key), depth).unwrap_or_else(|| key.to_owned());
    let renamed: Entries = entries.iter().map(|(key, value)| (name(key), value.clone())).collect();
    assert_eq!(renamed.len(), entries.len(), "two keys became one: {:?}", renamed.keys());
    renamed
}
