//! `docs/dependencies.md` lists what `Cargo.toml` does, no more and no less, with the features that are asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The crates of a section of a `Cargo.toml`, and the features that it asks for.
fn asked(path: &str, section: &str) -> BTreeMap<String, String> {
    let manifest = text(path);
    let lines = manifest.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    let entries = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let features = |entry: &str| {
        let list = entry.split_once(", features = [").or_else(|| entry.split_once("{ features = ["));
        let list = list.map_or("", |(_, rest)| rest.split(']').next().unwrap()).replace('"', "");
        match (entry.contains("default-features = false"), list.is_empty()) {
            (true, true) => "none".to_owned(),
            (true, false) => list,
            (false, true) => "default".to_owned(),
            (false, false) => format!("default, {list}"),
        }
    };
    entries.map(|(name, entry)| (name.to_owned(), features(entry))).collect()
}

/// The crates of a table under a heading, and the features that it names.
fn listed(heading: &str) -> BTreeMap<String, String> {
    let page = text("docs/dependencies.md");
    let lines = page.lines().skip_while(|line| *line != format!("## {heading}")).skip(1);
    let rows = lines.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, features, licence, reason] = cells[..] else { panic!("four cells: {line}") };
        assert!(!licence.is_empty() && reason.len() > 10, "{line}");
        (name.trim_matches('`').to_owned(), features.replace('`', ""))
    };
    rows.map(row).collect()
}

#[test]
fn every_dependency_is_listed_with_its_features() {
    for (section, heading) in [
        ("dependencies", "In the program"),
        ("target.'cfg(not(target_family = \"wasm\"))'.dependencies", "On systems with drivers"),
        ("target.'cfg(target_family = \"wasm\")'.dependencies", "In a browser"),
        ("target.\"cfg(unix)\".dependencies", "On Unix"),
        ("target.\"cfg(windows)\".dependencies", "On Windows"),
        ("dev-dependencies", "In tests and benchmarks"),
    ] {
        let asked = asked("Cargo.toml", section);
        assert!(!asked.is_empty(), "[{section}]");
        assert_eq!(listed(heading), asked, "docs/dependencies.md, {heading}, and Cargo.toml, [{section}]");
    }
}

/// The library itself is not listed.
#[test]
fn what_only_other_members_need_is_listed() {
    for (manifest, heading) in [
        ("mpi/Cargo.toml", "In `gpu-mlp-mpi`"),
        ("python/Cargo.toml", "In `gpu-mlp-python`"),
        ("web/Cargo.toml", "In `gpu-mlp-web`"),
        ("web/bindgen/Cargo.toml", "In `gpu-mlp-bindgen`"),
    ] {
        let mut asked = asked(manifest, "dependencies");
        asked.remove("gpu-mlp");
        assert_eq!(listed(heading), asked, "docs/dependencies.md and {manifest}");
    }
}

/// What a library user gets without the program.
#[test]
fn the_architecture_lists_the_crates_of_the_library() {
    let manifest = text("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines =
        lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.contains("optional = true"));
    let needed: Vec<&str> = lines.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let page = text("docs/architecture.md");
    let (_, list) = page.split_once("The library uses these crates").unwrap();
    let (list, _) = list.split_once('(').unwrap();
    let named: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(named, needed, "docs/architecture.md, and what is not optional in Cargo.toml");
}
