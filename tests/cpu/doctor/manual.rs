//! `docs/doctor.md` and the code name the same bugs, with the same formulas, explanations and fixes; and every one
//! of them has a case.

use super::fixtures;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::tables;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of the manual's table of bugs: id, then formula, explanation and fix.
fn rows() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<String> =
            line.split(" | ").map(|cell| cell.trim_matches(['|', ' ']).to_owned()).collect();
        (cells[0].trim_matches('`').to_owned(), cells)
    };
    let table = text.split("## The bugs").nth(1).unwrap();
    table.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

#[test]
fn the_manual_lists_every_bug_and_no_other() {
    let in_manual: BTreeSet<String> = rows().into_keys().collect();
    let in_code: BTreeSet<String> = Bug::ALL.iter().map(Bug::to_string).collect();
    assert_eq!(in_manual, in_code);
    assert_eq!(in_code.len(), Bug::ALL.len(), "an id stands twice");
}

#[test]
fn the_manual_says_what_the_code_says() {
    let rows = rows();
    for bug in Bug::ALL {
        let row = &rows[bug.id()];
        assert_eq!(row.len(), 4, "{bug}: {row:?}");
        assert!(!row[1].is_empty(), "{bug} has no formula");
        for formula in tables::computed(*bug) {
            let formula = formula.replace('|', "\\|");
            assert!(row[1].contains(&formula), "{bug}: `{formula}` is not in the manual");
        }
        assert_eq!((row[2].as_str(), row[3].as_str()), (bug.why(), bug.fix()), "{bug}");
    }
}

#[test]
fn every_bug_has_a_page() {
    use gpu_mlp::doctor::formulas::derivation::Derivation;
    let without: Vec<&Bug> = Bug::ALL.iter().filter(|bug| Derivation::of(**bug).is_none()).collect();
    assert!(without.is_empty(), "{without:?} have no derivation");
    let silent: Vec<&Bug> = Bug::ALL.iter().filter(|bug| tables::computed(**bug).is_empty()).collect();
    assert!(silent.is_empty(), "the pages of {silent:?} do not say what was computed");
    let page = std::process::Command::new(env!("CARGO_BIN_EXE_gpu-mlp"))
        .args(["doctor", "--explain", "softmax-jacobian"])
        .output()
        .unwrap();
    let said = String::from_utf8(page.stdout).unwrap();
    let bug = Bug::SoftmaxJacobian;
    for part in [bug.why(), bug.fix(), "(p - y)/N", "gpu-mlp replay --bug softmax-jacobian", "Bishop"] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    // The picture: the accuracy that each training ends with stands at the end of its line.
    let accuracy = |name: &str| -> f64 {
        let line = said.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.trim_end_matches(" %").rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(accuracy("right  loss") > accuracy("wrong  loss") + 10.0, "{said}");
}

#[test]
fn every_bug_has_a_case() {
    let expected: BTreeSet<String> =
        fixtures::cases("f64").into_iter().flat_map(|case| case.expect).flatten().flatten().collect();
    let tested = |id: &str| expected.contains(id) || expected.contains(&format!("note:{id}"));
    let untested: Vec<&str> = Bug::ALL.iter().map(|bug| bug.id()).filter(|id| !tested(id)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn the_examples_show_what_the_program_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_gpu-mlp"))
        .args(["doctor", "docs/question.npz"])
        .current_dir(root)
        .output()
        .unwrap();
    assert_eq!(program.status.code(), Some(1));
    let said = String::from_utf8(program.stdout).unwrap();
    for page in ["README.md", "docs/doctor.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let example = text.split("$ gpu-mlp doctor docs/question.npz\n").nth(1).expect(page);
        let lines = example.lines().take_while(|line| !["```", "...", "…"].contains(line));
        let shown: Vec<&str> = lines.collect();
        assert!(
            shown.len() >= 3 && said.starts_with(&shown.join("\n")),
            "{page} shows {shown:#?}, not\n{said}"
        );
    }
}
