//! The same files under the names people give: read without `map`, and the same said about them.

use super::fixtures::{self, Case};
use gpu_mlp::doctor::exam::report::Report;
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};

/// A key of ours: what it is, of which layer, and what follows.
struct Key<'a> {
    stem: &'a str,
    layer: usize,
    rest: &'a str,
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
type Naming = fn(&Key, usize) -> Option<String>;

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
fn links(key: &Key, depth: usize) -> Option<String> {
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
        "y" => "training_set_outputs_true".into(),
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
fn sides(key: &Key, depth: usize) -> Option<String> {
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
fn lists(key: &Key, depth: usize) -> Option<String> {
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

const STYLES: [(&str, Naming); 10] = [
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
];

fn renamed(entries: &Entries, naming: Naming) -> Entries {
    let depth = (1..).take_while(|l| entries.contains_key(&format!("W{l}"))).count();
    let name = |key: &str| naming(&Key::of(key), depth).unwrap_or_else(|| key.to_owned());
    let renamed: Entries = entries.iter().map(|(key, value)| (name(key), value.clone())).collect();
    assert_eq!(renamed.len(), entries.len(), "two keys became one: {:?}", renamed.keys());
    renamed
}

/// What is said, in our names.
fn said(report: &Report) -> Vec<(String, Option<Bug>)> {
    report.findings.iter().map(|finding| (finding.tensor.to_string(), finding.bug)).collect()
}

/// Reads every case under every style: how many were read, and what was read wrongly or not at all.
fn read(cases: &[Case]) -> (usize, Vec<String>, Vec<String>) {
    let (mut same, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for case in cases {
        let plain = said(&doctor::examine(&case.entries, &Options::default()).unwrap());
        for (style, naming) in STYLES {
            match doctor::examine(&renamed(&case.entries, naming), &Options::default()) {
                Ok(report) if said(&report) == plain => same += 1,
                Ok(report) => {
                    let lost: Vec<&String> =
                        report.notes.iter().filter(|note| note.contains("not used")).collect();
                    wrong.push(format!(
                        "{style}, {}: {:?} for {plain:?} {:?} {lost:?}",
                        case.name,
                        said(&report),
                        report.map
                    ));
                }
                Err(refusal) => refused.push(format!("{style}, {}: {refusal:?}", case.name)),
            }
        }
    }
    (same, refused, wrong)
}

#[test]
fn files_in_ten_styles_of_naming_are_read() {
    // In 32 bits, some of the cases: they take long.
    for (suffix, every) in [("f64", 1), ("f32", 5)] {
        let cases: Vec<Case> = fixtures::cases(suffix).into_iter().step_by(every).collect();
        let (same, refused, wrong) = read(&cases);
        let all = same + refused.len() + wrong.len();
        assert!(
            wrong.is_empty(),
            "{} of {all} are read wrongly, the first {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(20)]
        );
        assert!(
            refused.len() * 20 <= all,
            "{} of {all} are refused, the first {:#?}",
            refused.len(),
            &refused[..refused.len().min(20)]
        );
    }
}

#[test]
fn everything_is_said_in_the_names_of_the_file() {
    let cases = fixtures::cases("f64");
    let case = cases.iter().find(|case| case.name == "db-absolute").unwrap();
    let report = doctor::examine(&renamed(&case.entries, links), &Options::default()).unwrap();
    let finding = &report.findings[0];
    assert!(finding.tensor.to_string().starts_with("db"), "{finding:?}");
    let name = finding.name.as_ref().unwrap();
    assert!(name.starts_with("delta_bias_") && finding.formula.starts_with(name.as_str()), "{finding:?}");
    assert!(report.checked.iter().any(|c| c.tensor.to_string() == "p" && c.name.as_deref() == Some("y_hat")));
    // A file in our own names is spoken of in them.
    let report = doctor::examine(&case.entries, &Options::default()).unwrap();
    assert!(
        report.findings.iter().all(|finding| finding.name.is_none())
            && report.checked.iter().all(|c| c.name.is_none())
    );
}

#[test]
fn parameters_beside_those_from_before_are_the_new_ones() {
    let cases = fixtures::cases("f64");
    let case = cases.iter().find(|case| case.name == "clean-tanh").unwrap();
    let name = |key: &str| match (key.strip_suffix("_new"), key.starts_with(['W', 'b'])) {
        (Some(parameter), _) => parameter.to_owned(),
        (None, true) => format!("{key}_old"),
        (None, false) => key.to_owned(),
    };
    let entries: Entries = case.entries.iter().map(|(key, value)| (name(key), value.clone())).collect();
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let checked = report.checked.iter().filter(|c| c.tensor.to_string() == "W2_new");
    assert!(
        checked.into_iter().all(|c| c.residual.is_some() && c.name.as_deref() == Some("W2")),
        "{report:?}"
    );
}

/// Where all widths are equal, shapes say nothing about layers, and a series of hidden layers ends before the last.
#[test]
fn hidden_layers_are_counted_as_the_deltas_are() {
    let network = super::network(5, 17, &[6; 9], gpu_mlp::network::Activation::Tanh);
    let entries = super::export(&network, super::PLAIN, 0.1);
    // The first style has one name for all links between hidden layers.
    for (style, naming) in STYLES.into_iter().skip(1) {
        let report = doctor::examine(&renamed(&entries, naming), &Options::default()).unwrap();
        assert!(report.findings.is_empty(), "{style}: {:?} {:?}", report.map, report.findings);
    }
}

/// Words that nobody knows: the numbers alone say what `off0`, `gsyn0` and `syn0_qq` are.
#[test]
fn numbers_tell_what_unknown_words_do_not() {
    let naming: Naming = |key, _| {
        let before = key.layer.saturating_sub(1);
        let (kind, rest) = match key.rest {
            "_new" => (key.stem, "_qq"),
            rest => (key.stem, rest),
        };
        Some(match kind {
            "X" => "stuff".into(),
            "y" => "wanted".into(),
            "p" => "qp".into(),
            "z" => format!("net{before}"),
            "a" => format!("q{before}"),
            "dz" => format!("err{before}"),
            "W" | "dW" => format!("{}syn{before}{rest}", if kind == "W" { "" } else { "g" }),
            "b" | "db" => format!("{}off{before}{rest}", if kind == "b" { "" } else { "g" }),
            _ => return None,
        })
    };
    for act in [gpu_mlp::network::Activation::Relu, gpu_mlp::network::Activation::Tanh] {
        let network = super::network(7, 19, &[9, 7, 5, 4], act);
        let entries = renamed(&super::export(&network, super::PLAIN, 0.1), naming);
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        assert!(report.findings.is_empty(), "{:?} {:?}", report.map, report.findings);
        let updated = report.checked.iter().filter(|c| c.tensor.to_string().ends_with("_new"));
        assert_eq!(updated.filter(|c| c.residual.is_some()).count(), 6, "{:?}", report.map);
    }
}
