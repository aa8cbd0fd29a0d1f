//! Files that cannot be read, or do not hold a network: a clear refusal, never a panic, never much memory.

use super::{PLAIN, export, network};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::{self, Entries};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn good() -> Entries {
    export(&network(1, 17, &[6, 5, 4], Activation::Relu), PLAIN, 0.1)
}

fn refused(entries: &Entries, words: &[&str]) {
    let doctor::Refusal { problem, hint } = doctor::examine(entries, &Options::default()).unwrap_err();
    for word in words {
        assert!(problem.contains(word), "`{word}` is not in: {problem} / {hint}");
    }
}

fn numbers<'a>(entries: &'a mut Entries, key: &str) -> &'a mut Array {
    match entries.get_mut(key) {
        Some(Value::Numbers(array)) => array,
        other => panic!("{key}: {other:?}"),
    }
}

/// An archive of entries given as bytes.
fn archive(entries: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap()
}

fn npy(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

fn unreadable(bytes: Cursor<Vec<u8>>, words: &str) {
    let problem = npz::read_from(bytes).unwrap_err().problem;
    assert!(problem.contains(words), "`{words}` is not in: {problem}");
}

#[test]
fn not_a_zip() {
    unreadable(Cursor::new(b"not a zip at all".to_vec()), "not an .npz file");
    unreadable(Cursor::new(Vec::new()), "not an .npz file");
    unreadable(archive(&[("W1.npy", b"not an array")]), "`W1` is not a NumPy array");
}

#[test]
fn an_array_without_values_claims_no_side_without_end() {
    let file = archive(&[("X.npy", &npy("'<f8'", "(0, 18446744073709551615)", &[]))]);
    unreadable(file, "more than the");
}

#[test]
fn a_zip_bomb_is_stopped() {
    // 300 MiB of zeros in a few hundred KiB, behind a header that asks for even more.
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("X.npy", SimpleFileOptions::default()).unwrap();
    writer.write_all(&npy("'<f8'", "(1099511627776,)", &[])).unwrap();
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..300 {
        writer.write_all(&zeros).unwrap();
    }
    let bytes = writer.finish().unwrap();
    assert!(bytes.get_ref().len() < 1 << 20);
    unreadable(bytes, "takes more memory than the 16 MiB");
}

#[test]
fn a_header_that_claims_too_much() {
    unreadable(archive(&[("X.npy", &npy("'<f8'", "(1000000000000, 8)", &[0; 64]))]), "holds 64 bytes");
    unreadable(archive(&[("X.npy", &npy("'<f8'", "(18446744073709551615, 8)", &[0; 64]))]), "holds 64 bytes");
}

#[test]
fn what_is_not_numbers() {
    unreadable(archive(&[("X.npy", &npy("'|O'", "(2,)", &[0; 16]))]), "pickled Python objects");
    unreadable(archive(&[("X.npy", &npy("'<c16'", "(1,)", &[0; 16]))]), "dtype `<c16`");
    unreadable(archive(&[("X.npy", &npy("'<M8[s]'", "(2,)", &[0; 16]))]), "dtype `<M8[s]`");
    unreadable(archive(&[("X.npy", &npy("[('a', '<f8')]", "(2,)", &[0; 16]))]), "structured array");
    let mut entries = good();
    entries.insert("W1".into(), Value::Text("abc".into()));
    refused(&entries, &["`W1` holds text"]);
    let mut entries = good();
    entries.insert("act".into(), Value::Text("mish".into()));
    refused(&entries, &["act = \"mish\""]);
}

#[test]
fn damaged_archives_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.npz");
    let entries = good();
    npz::write(&path, entries.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for cut in (0..bytes.len()).step_by(97) {
        assert!(npz::read_from(Cursor::new(bytes[..cut].to_vec())).is_err(), "cut at {cut}");
    }
    let mut unread = 0;
    for at in (0..bytes.len()).step_by(13) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x55;
        // Whatever comes out, it comes out in order.
        match npz::read_from(Cursor::new(broken)) {
            Ok(entries) => drop(doctor::examine(&entries, &Options::default())),
            Err(_) => unread += 1,
        }
    }
    assert!(unread > 100);
}

#[test]
fn missing_keys_are_listed() {
    let mut entries = good();
    entries.remove("b2");
    entries.remove("y");
    entries.retain(|key, _| !key.starts_with('z') && !key.starts_with('a') && !key.starts_with("dz"));
    refused(&entries, &["lacks y"]);
    refused(&Entries::new(), &["lacks W1, X, y"]);
    let bare: Entries = good()
        .into_iter()
        .filter(|(key, _)| ["W1", "W2", "b1", "b2", "X", "y"].contains(&key.as_str()))
        .collect();
    refused(&bare, &["nothing that was computed"]);
}

#[test]
fn more_layers_than_weights() {
    let mut entries = good();
    let z = entries["z2"].clone();
    entries.insert("z5".into(), z);
    refused(&entries, &["has z5", "layers 1 to 2"]);
}

#[test]
fn shapes_that_do_not_chain() {
    let mut entries = good();
    numbers(&mut entries, "W2").shape = vec![4, 5];
    numbers(&mut entries, "W2").data[0] += 1.0;
    let mut short = good();
    let w = numbers(&mut short, "W2");
    (w.shape, w.data) = (vec![3, 4], vec![0.5; 12]);
    refused(&short, &["W2", "a side of 5", "layer 1 gives layer 2 5 values"]);
    let mut bias = good();
    let b = numbers(&mut bias, "b1");
    (b.shape, b.data) = (vec![3], vec![0.5; 3]);
    refused(&bias, &["b1", "5 values"]);
    let mut tensor = good();
    let z = numbers(&mut tensor, "z1");
    (z.shape, z.data) = (vec![17, 3], vec![0.5; 51]);
    refused(&tensor, &["z1", "[17, 5]"]);
    let mut labels = good();
    numbers(&mut labels, "y").data[3] = 4.0;
    refused(&labels, &["label 4", "classes 0 to 3"]);
}

#[test]
fn values_that_are_not_numbers() {
    for (key, value) in [("W1", f64::NAN), ("b2", f64::INFINITY), ("X", f64::NAN)] {
        let mut entries = good();
        numbers(&mut entries, key).data[0] = value;
        refused(&entries, &[key]);
    }
    // In what was computed they are findings, not refusals.
    let mut entries = good();
    numbers(&mut entries, "dW1").data[7] = f64::NAN;
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert_eq!(report.first_mismatch.as_deref(), Some("dW1"));
    assert_eq!(report.findings[0].bug, None);
}

#[test]
fn a_file_survives_being_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let array = |kind| Array { shape: vec![2, 2], data: vec![1.0, -2.0, 0.5, 4.0], kind };
    let whole = Array { shape: vec![], data: vec![7.0], kind: Kind::Whole };
    let entries = Entries::from([
        ("d".into(), Value::Numbers(array(Kind::F64))),
        ("s".into(), Value::Numbers(array(Kind::F32))),
        ("n".into(), Value::Numbers(whole)),
        ("t".into(), Value::Text("relu".into())),
    ]);
    npz::write(&path, entries.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
    assert_eq!(npz::read(&path).unwrap(), entries);
}

#[test]
fn one_array_that_cannot_be_read_refuses_no_file() {
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for (name, value) in good() {
        names.push(format!("{name}.npy"));
        parts.push(doctor::npy::render(&value));
    }
    for (name, descr) in
        [("history", "'|O'"), ("when", "'<M8[s]'"), ("c", "'<c16'"), ("mix", "[('a', '<f8')]")]
    {
        names.push(format!("{name}.npy"));
        parts.push(npy(descr, "(2,)", &[0; 32]));
    }
    let entries: Vec<(&str, &[u8])> =
        names.iter().zip(&parts).map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let entries = npz::read_from(archive(&entries)).unwrap();
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    for name in
        ["`history` is left out: it holds pickled", "`when` is left out", "`c` is left out", "`mix` is"]
    {
        assert!(report.notes.iter().any(|note| note.starts_with(name)), "{name}: {:?}", report.notes);
    }
}

#[test]
fn what_is_there_twice_is_a_note() {
    let mut entries = good();
    let copy = entries["dW1"].clone();
    entries.insert("grad_W1".into(), copy);
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(
        report.notes.iter().any(|note| note == "`grad_W1` is the same array as `dW1`"),
        "{:?}",
        report.notes
    );
    numbers(&mut entries, "grad_W1").data[0] += 1.0;
    refused(&entries, &["two keys for dW1: `dW1` and `grad_W1`"]);
}

#[test]
fn a_refusal_lists_what_the_file_has() {
    let mut entries = good();
    entries.retain(|name, _| !["W1", "X", "z1", "a1"].contains(&name.as_str()));
    let doctor::Refusal { problem, hint } = doctor::examine(&entries, &Options::default()).unwrap_err();
    assert!(problem.contains("lacks W1"), "{problem}");
    let hint = hint.to_string();
    assert!(hint.contains("W2 [5, 4]") && hint.contains("dW1 [6, 5]"), "{hint}");
    // Under other names it says what neither names nor numbers show.
    let mut entries = good();
    entries.retain(|name, _| ["W1", "W2", "b1", "b2", "X", "p"].contains(&name.as_str()));
    let entries = entries.into_iter().map(|(name, value)| (format!("my_{name}"), value)).collect();
    let doctor::Refusal { problem, .. } = doctor::examine(&entries, &Options::default()).unwrap_err();
    assert_eq!(problem, "lacks y: no name and no numbers show it");
}
