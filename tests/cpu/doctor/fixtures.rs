//! Every case of `tests/fixtures/doctor.py`: named right from the whole file, from the gradients alone and from the
//! updates alone; what is right stays silent.

use gpu_mlp::doctor::exam::report::{Report, Status, Verdict};
use gpu_mlp::doctor::file::npz::{self, Entries};
use gpu_mlp::doctor::file::slot::Slot;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use serde_json::Value as Json;
use std::path::Path;

/// A case: its arrays, and what must be said about it.
pub struct Case {
    pub name: String,
    pub entries: Entries,
    pub expect: [Option<Vec<String>>; 3],
}

/// The cases of one precision.
pub fn cases(suffix: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let arrays = npz::read(&folder.join(format!("doctor_{suffix}.npz"))).unwrap();
    let manifest: Json =
        serde_json::from_str(&std::fs::read_to_string(folder.join("doctor.json")).unwrap()).unwrap();
    let names = |value: &Json| {
        value.as_array().map(|ids| ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let one = |(name, case): (&String, &Json)| {
        let keys = case["keys"].as_object().unwrap().iter();
        let entries = keys.map(|(key, id)| (key.clone(), arrays[id.as_str().unwrap()].clone())).collect();
        let expect = ["expect", "grads", "updates"].map(|part| names(&case[part]));
        Case { name: name.clone(), entries, expect }
    };
    manifest[suffix].as_object().unwrap().iter().map(one).collect()
}

/// The parts of a file that show gradients alone, or updates alone.
fn only(entries: &Entries, part: usize) -> Entries {
    let parameter = |key: &str| matches!(key.as_bytes(), [b'W' | b'b', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    let common = |key: &str| parameter(key) || ["X", "y", "act", "l2"].contains(&key);
    let gradient = |key: &str| key.starts_with("dW") || key.starts_with("db");
    let update = |key: &str| {
        let state = key.ends_with("_prev") && !gradient(key);
        key.ends_with("_new") || state || key == "lr" || key == "momentum" || key.starts_with("adam")
    };
    let keep = |key: &str| common(key) || if part == 1 { gradient(key) } else { update(key) };
    entries.iter().filter(|(key, _)| keep(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether a bug is said to be one under one of two intentions: without the loss some numbers say no more.
fn left_open(report: &Report, bug: Bug) -> bool {
    let loss = report.checked.iter().any(|c| c.tensor == Slot::Loss && c.status != Status::NotGiven);
    !loss && report.findings.iter().any(|f| f.depends && f.also.contains(&bug))
}

/// What is wrong with the answer; nothing if it is as expected.
fn complaint(report: &Report, expect: &[String]) -> Option<String> {
    let (notes, bugs): (Vec<&String>, Vec<&String>) = expect.iter().partition(|id| id.starts_with("note:"));
    let bugs: Vec<Bug> = bugs.into_iter().map(|id| Bug::by_id(id).unwrap()).collect();
    let said: Vec<String> = report
        .findings
        .iter()
        .map(|f| format!("{} {:?} also {:?} ({:.1e}; {})", f.tensor, f.bug, f.also, f.residual.0, f.formula))
        .collect();
    let wrong = |what: String| Some(format!("{what}; said {said:#?}"));
    for &bug in &bugs {
        if !report.names(bug) && !left_open(report, bug) {
            return wrong(format!("{bug} is not named"));
        }
    }
    for id in &notes {
        let id = id.trim_start_matches("note:");
        if !report.notes.iter().any(|note| note.starts_with(id)) {
            return wrong(format!("no note {id}"));
        }
    }
    let expected = |f: &gpu_mlp::doctor::exam::report::Finding| {
        f.bug.is_some_and(|named| bugs.iter().any(|bug| named == *bug || f.also.contains(bug)))
    };
    if let Some(other) = report.findings.iter().find(|f| !expected(f) && !f.depends) {
        return wrong(format!("{:?} at {} was not expected", other.bug, other.tensor));
    }
    let open = bugs.iter().all(|&bug| left_open(report, bug));
    let verdict = match (bugs.is_empty(), open) {
        (true, _) => Verdict::Clean,
        (false, true) => Verdict::Depends,
        (false, false) => Verdict::Bugs,
    };
    if report.verdict == verdict { None } else { wrong(format!("verdict {:?}", report.verdict)) }
}

fn check(suffix: &str, part: usize) {
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases(suffix) {
        let Some(expect) = &case.expect[part] else { continue };
        count += 1;
        let entries = if part == 0 { case.entries.clone() } else { only(&case.entries, part) };
        let answer = doctor::examine(&entries, &Options::default());
        let complaint = match answer {
            Ok(report) => complaint(&report, expect),
            Err(refusal) => Some(format!("refused: {refusal:?}")),
        };
        failures.extend(complaint.map(|text| format!("{}: {text}", case.name)));
    }
    assert!(count > 100, "only {count} cases");
    assert!(failures.is_empty(), "{} of {count} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn whole_files_in_f64() {
    check("f64", 0);
}

#[test]
fn whole_files_in_f32() {
    check("f32", 0);
}

#[test]
fn gradients_alone_in_f64() {
    check("f64", 1);
}

#[test]
fn gradients_alone_in_f32() {
    check("f32", 1);
}

#[test]
fn updates_alone_in_f64() {
    check("f64", 2);
}

#[test]
fn updates_alone_in_f32() {
    check("f32", 2);
}
