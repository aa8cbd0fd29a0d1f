//! What people do differently without being wrong, and numbers that cannot decide.

use super::{PLAIN, Style, export, network};
use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;

fn report(entries: &Entries) -> Report {
    doctor::examine(entries, &Options::default()).unwrap()
}

fn assert_clean(entries: &Entries) -> Report {
    let report = report(entries);
    assert_eq!(report.verdict, Verdict::Clean, "{:#?}", report.findings);
    report
}

#[test]
fn an_activation_that_is_not_named_is_found() {
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
        let mut entries = export(&network(3, 17, &[6, 5, 4], activation), PLAIN, 0.1);
        entries.remove("act");
        let name = format!("{activation:?} fits").to_lowercase();
        assert!(assert_clean(&entries).notes.iter().any(|note| note.contains(&name)));
    }
}

#[test]
fn the_names_people_use_are_understood() {
    let entries = export(&network(4, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let rename = |key: &str| match key {
        "p" => "probs".to_owned(),
        "z2" => "logits".to_owned(),
        "lr" => "learning_rate".to_owned(),
        "dz2" => "dlogits".to_owned(),
        "loss" => "cost".to_owned(),
        key if key.starts_with("dW") => key.replace("dW", "grad_W"),
        key if key.starts_with("db") => key.replace("db", "grad_b"),
        key => key.to_owned(),
    };
    let renamed: Entries = entries.iter().map(|(key, value)| (rename(key), value.clone())).collect();
    let checked = |report: Report| {
        report.checked.into_iter().map(|c| (c.tensor, c.status, c.residual)).collect::<Vec<_>>()
    };
    assert_eq!(checked(assert_clean(&renamed)), checked(assert_clean(&entries)));
}

#[test]
fn pytorch_parameters_are_understood() {
    let style = Style { in_out: false, ..PLAIN };
    let entries = export(&network(5, 17, &[6, 5, 4], Activation::Relu), style, 0.1);
    let rename = |key: &str| match key.as_bytes() {
        [kind @ (b'W' | b'b'), digit, rest @ ..] => {
            let kind = if *kind == b'W' { "weight" } else { "bias" };
            format!("layers.{}.{kind}{}", (digit - b'1') * 2, std::str::from_utf8(rest).unwrap())
        }
        _ => key.to_owned(),
    };
    let renamed: Entries = entries.iter().map(|(key, value)| (rename(key), value.clone())).collect();
    assert!(renamed.contains_key("layers.2.bias_new"), "{:?}", renamed.keys());
    assert_clean(&renamed);
}

#[test]
fn other_names_can_be_mapped() {
    let mut entries = export(&network(6, 17, &[6, 5, 4], Activation::Relu), PLAIN, 0.1);
    let w = entries.remove("W1").unwrap();
    // Without z1 and a1, nothing says what it is.
    entries.retain(|key, _| key != "z1" && key != "a1");
    entries.insert("first".into(), w);
    assert!(doctor::examine(&entries, &Options::default()).unwrap_err().problem.contains("lacks W1"));
    let options = Options { map: vec![("first".into(), "W1".into())], ..Options::default() };
    assert_eq!(doctor::examine(&entries, &options).unwrap().verdict, Verdict::Clean);
}

#[test]
fn batches_that_cannot_decide_are_warned_of() {
    let warned = |n: usize, what: &str| {
        let entries = export(&network(7, n, &[6, 5, 4], Activation::Relu), PLAIN, 0.1);
        assert!(assert_clean(&entries).notes.iter().any(|note| note.contains(what)), "N = {n}");
    };
    warned(1, "N = 1");
    warned(4, "N = C = 4");
    warned(5, "width of a layer");
    let entries = export(&network(7, 37, &[6, 5, 4], Activation::Relu), PLAIN, 0.1);
    assert!(!assert_clean(&entries).notes.iter().any(|note| note.contains("export N = 37")));
}

#[test]
fn an_unknown_bug_is_not_given_a_name() {
    let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let Some(Value::Numbers(dw)) = entries.get_mut("dW1") else { panic!() };
    for (i, value) in dw.data.iter_mut().enumerate() {
        *value *= 1.0 + (i as f64).sin();
    }
    for key in ["W1_new", "W2_new", "b1_new", "b2_new"] {
        entries.remove(key);
    }
    let report = report(&entries);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert_eq!(report.first_mismatch.as_deref(), Some("dW1"));
    assert_eq!((report.findings.len(), &report.findings[0].bug), (1, &None));
    assert!(report.findings[0].formula.contains("values are wrong"), "{}", report.findings[0].formula);
    assert!(report.notes.iter().any(|note| note.contains("central differences")), "{:?}", report.notes);
}

#[test]
fn a_weight_for_each_sample_is_described() {
    let mut entries = export(&network(9, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let Some(Value::Numbers(dz)) = entries.get_mut("dz2") else { panic!() };
    for (i, value) in dz.data.iter_mut().enumerate() {
        *value *= 1.0 + (i / 4) as f64;
    }
    let report = report(&entries);
    assert!(
        report.findings[0].formula.contains("a factor of its own for each sample"),
        "{:?}",
        report.findings[0]
    );
}

#[test]
fn fortran_order_and_other_dtypes_are_read() {
    // Written by hand: 2 x 3, first index fastest, big-endian 16-bit integers.
    let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([1_i16, 4, 2, 5, 3, -6].iter().flat_map(|v| v.to_be_bytes()));
    let array = gpu_mlp::doctor::file::npy::parse(&bytes, 100).unwrap();
    let expected = Array { shape: vec![2, 3], data: vec![1.0, 2.0, 3.0, 4.0, 5.0, -6.0], kind: Kind::Whole };
    assert_eq!(array, Value::Numbers(expected));
    let header = "{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([0x3c00_u16, 0xc000, 0x0001, 0x7c00].iter().flat_map(|v| v.to_le_bytes()));
    let Value::Numbers(array) = gpu_mlp::doctor::file::npy::parse(&bytes, 100).unwrap() else { panic!() };
    assert_eq!(array.data, [1.0, -2.0, 2_f64.powi(-24), f64::INFINITY]);
}
