//! The same files under the names people give: read without `map`, and the same said about them.

use super::fixtures::{self, Case};
use super::sigmoids::{Lying, drawn};
use super::styles::{Naming, STYLES, links, lists, renamed, sides};
use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;

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
fn files_in_many_styles_of_naming_are_read() {
    // In 32 bits, some of the cases: they take long.
    for (suffix, every) in [("f64", 1), ("f32", 5)] {
        // Of equal units in 32 bits nothing but names tells the arrays of two layers apart.
        let apart = |case: &Case| suffix == "f64" || case.name != "constant-init";
        let cases: Vec<Case> = fixtures::cases(suffix).into_iter().filter(apart).step_by(every).collect();
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

/// exp(z) beside z is no z, and a loop's last delta is the one of the first layer, although widths are equal.
#[test]
fn arrays_on_the_way_do_not_take_the_place_of_others() {
    let network = super::network(3, 11, &[6, 5, 4], gpu_mlp::network::Activation::Relu);
    let mut entries = super::export(&network, super::PLAIN, 0.1);
    let exp = |value: &Value| match value {
        Value::Numbers(array) => {
            let data = array.data.iter().map(|value| value.exp()).collect();
            Value::Numbers(Array { data, ..array.clone() })
        }
        other => other.clone(),
    };
    entries.insert("exp_scores".into(), exp(&entries["z2"]));
    let scores = entries.remove("z2").unwrap();
    entries.insert("scores".into(), scores);
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?} {:?}", report.map, report.findings);
    let network = super::network(3, 1, &[5, 4, 4, 2], gpu_mlp::network::Activation::Sigmoid);
    let mut entries = renamed(&super::export(&network, super::PLAIN, 0.1), lists);
    let last = entries["deltas_0"].clone();
    entries.retain(|name, _| !name.starts_with("deltas_") && !name.starts_with("da_"));
    entries.insert("delta".into(), last);
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?} {:?}", report.map, report.findings);
}

/// Targets whose name says only that they come out: the file has the difference.
/// `W1_x, W2_x, …` beside `W1, W2, …` are what these become, in whatever words, and no layers above them.
#[test]
fn a_second_series_of_weights_is_no_deeper_network() {
    let lying = Lying { rows: true, in_out: true, single: false };
    let (network, x, y) = drawn(8, 17, &[[5].as_slice(), &[6; 4], &[4]].concat());
    let theirs = |ours: &str| -> Option<String> {
        let (kind, number) = ours.split_at(ours.find(|letter: char| letter.is_ascii_digit())?);
        let (number, after) = number.split_once('_').map_or((number, ""), |(number, _)| (number, "_qq"));
        let word = [
            ("W", "syn"),
            ("b", "off"),
            ("z", "net"),
            ("a", "q"),
            ("dz", "err"),
            ("dW", "gsyn"),
            ("db", "goff"),
        ];
        let word = word.iter().find(|(own, _)| *own == kind)?.1;
        Some(format!("{word}{}{after}", number.parse::<usize>().ok()? - 1))
    };
    let (file, _) = network.step(&x, &y, lying, false);
    let named: Entries = file
        .iter()
        .filter_map(|(ours, value)| match ours.as_str() {
            "X" => Some(("stuff".to_owned(), value.clone())),
            "y" => Some(("wanted".to_owned(), value.clone())),
            "p" => Some(("q4".to_owned(), value.clone())),
            ours => theirs(ours).map(|name| (name, value.clone())),
        })
        .collect();
    let report = doctor::examine(&named, &Options::default()).unwrap();
    assert_eq!(report.verdict, Verdict::Clean, "{:?}", report.findings);
    assert!(report.map.iter().any(|pair| pair == "syn4=W5"), "{:?}", report.map);
    assert!(report.map.iter().any(|pair| pair == "syn4_qq=W5_new"), "{:?}", report.map);
}

#[test]
fn targets_are_what_the_error_is_measured_from() {
    let network = super::network(4, 9, &[4, 5, 3], gpu_mlp::network::Activation::Tanh);
    let mut entries = renamed(&super::export(&network, super::PLAIN, 0.1), sides);
    let values = |value: &Value| match value {
        Value::Numbers(array) => array.clone(),
        _ => unreachable!(),
    };
    let (p, labels) = (values(&entries["out_o"]), values(&entries.remove("labels").unwrap()));
    let hot = |i: usize| f64::from(labels.data[i / 3] == (i % 3) as f64);
    let hot: Vec<f64> =
        if labels.data.len() == p.data.len() { labels.data } else { (0..27).map(hot).collect() };
    let away = p.data.iter().zip(&hot).map(|(p, y)| p - y).collect();
    entries.insert("tr_out".into(), Value::Numbers(Array { data: hot, ..p.clone() }));
    entries.insert("err".into(), Value::Numbers(Array { data: away, ..p }));
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?} {:?}", report.map, report.findings);
    assert!(report.map.contains(&"tr_out=y".to_owned()), "{:?}", report.map);
}

/// h0 and h1 are the first and the second hidden layer; and the line that is printed for `--map` says all of it.
#[test]
fn hidden_layers_may_be_counted_from_zero() {
    let naming: Naming = |key, depth| {
        let before = key.layer.saturating_sub(1);
        Some(match key.stem {
            "X" => "X_batch".into(),
            "y" => "y_batch".into(),
            "p" => "S".into(),
            "z" => format!("Z{before}"),
            "a" => format!("H{before}"),
            "dz" => format!("D{before}"),
            "W" | "b" => format!("{}{before}{}", key.stem.to_uppercase(), key.rest),
            "dW" | "db" => format!("g{}{before}", key.stem[1..].to_uppercase()),
            "da" => format!("back_{}_{depth}", key.layer),
            _ => return None,
        })
    };
    let network = super::network(7, 19, &[9, 7, 5, 4], gpu_mlp::network::Activation::Relu);
    let mut entries = renamed(&super::export(&network, super::PLAIN, 0.1), naming);
    entries.retain(|name, _| !name.starts_with("back_"));
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?} {:?}", report.map, report.findings);
    assert!(report.map.contains(&"H1=a2".to_owned()), "{:?}", report.map);
    let pair =
        |line: &String| line.split_once('=').map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()));
    let map = report.map.iter().filter_map(pair).collect();
    let again = doctor::examine(&entries, &Options { map, ..Options::default() }).unwrap();
    assert_eq!(said(&again), said(&report));
    assert_eq!(again.checked.len(), report.checked.len());
}

/// What the user says an array is, no other array is, whatever it is called.
#[test]
fn a_map_frees_the_name_that_another_array_has() {
    let network = super::network(3, 11, &[6, 5, 4], gpu_mlp::network::Activation::Relu);
    let mut entries = super::export(&network, super::PLAIN, 0.1);
    let right = entries.remove("a1").unwrap();
    entries.insert("kept".into(), right);
    entries.insert("a1".into(), entries["dz1"].clone());
    let map = vec![("kept".to_owned(), "a1".to_owned())];
    let report = doctor::examine(&entries, &Options { map, ..Options::default() }).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.notes.iter().any(|note| note.contains("`kept` was said to be it")), "{:?}", report.notes);
}

/// The biases of a fresh network: what they become is a multiple of their gradient, and no name says which is which.
#[test]
fn biases_of_0_are_told_from_their_gradients_without_any_name() {
    let mut network = super::network(5, 37, &[12, 9, 7, 4], Activation::Relu);
    network.mlp.layers.iter_mut().for_each(|layer| layer.b.fill(0.0));
    let entries = super::export(&network, super::PLAIN, 0.1);
    for turn in 0..entries.len() {
        let name = |at: usize| format!("q{:02}", (11 * at + turn) % entries.len());
        let anonymous: Entries =
            entries.values().enumerate().map(|(at, value)| (name(at), value.clone())).collect();
        assert_eq!(anonymous.len(), entries.len());
        let report = doctor::examine(&anonymous, &Options::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Clean, "{turn}: {:?}", report.findings);
    }
}
