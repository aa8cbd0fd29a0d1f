//! The rules of the house that a compiler does not know: who may import whom, what belongs where.

mod floors;
mod imports;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a folder of the project with an ending, as paths from the project's root.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} has no .{ending}");
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The lines of a Rust file with their numbers, without comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = text(path);
    let uncommented = |line: &str| {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") { String::new() } else { line.split(" // ").next().unwrap().to_owned() }
    };
    text.lines().enumerate().map(|(i, line)| (i + 1, uncommented(line))).collect()
}

/// Where one of the words occurs in code under `src/`, except in files whose path starts with one of `allowed`.
fn occurrences(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files("src", "rs") {
        if allowed.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        for (number, line) in code(&path) {
            if words.iter().any(|word| word_in(word, &line)) {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    found
}

/// Whether a word stands in a line and is not the end of a longer one.
fn word_in(word: &str, line: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(inside))
}

#[track_caller]
fn nowhere(words: &[&str], allowed: &[&str]) {
    assert_eq!(occurrences(words, allowed), Vec::<String>::new(), "{words:?} belong to {allowed:?} alone");
    let inside = allowed.iter().any(|_| !occurrences(words, &[]).is_empty());
    assert!(inside, "{words:?} are not even found where they belong: is this test still looking right?");
}

#[test]
fn wgpu_is_named_in_gpu_only() {
    nowhere(&["wgpu::", "use wgpu", "extern crate wgpu"], &["src/gpu"]);
}

#[test]
fn only_the_command_line_prints() {
    nowhere(&["stdout()", "stderr()"], &["src/cli"]);
    let macros = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];
    assert_eq!(occurrences(&macros, &["src/cli"]), Vec::<String>::new());
}

#[test]
fn only_the_command_line_waits() {
    nowhere(&["pollster"], &["src/cli"]);
}

/// These crates belong to the feature `cli`: the library is built without them.
#[test]
fn only_the_command_line_knows_a_terminal() {
    let crates = [
        "clap",
        "console::",
        "ctrlc::",
        "env_logger",
        "indicatif",
        "jiff",
        "ratatui",
        "signal_hook",
        "toml::",
    ];
    nowhere(&crates, &["src/cli"]);
}

/// The library names settings, and the command line spells them as flags. A whole command may be quoted anywhere.
#[test]
fn only_the_command_line_speaks_in_flags() {
    let is_flag = |line: &str| {
        line.match_indices("--").any(|(at, _)| {
            let (before, after) = (line[..at].chars().last(), line[at + 2..].chars().next());
            before.is_some_and(|c| " `\"(".contains(c)) && after.is_some_and(|c| c.is_ascii_lowercase())
        })
    };
    let mut found = occurrences(&["--"], &["src/cli"]);
    found.retain(|line| {
        let command = ["gpu-mlp ", "cargo install", "src/data/locate.rs", "style="]
            .iter()
            .any(|word| line.contains(word));
        is_flag(line) && !command
    });
    assert_eq!(found, Vec::<String>::new());
}

/// In a browser the system's clock panics.
#[test]
fn the_clock_is_one_that_a_browser_has() {
    let clocks =
        ["std::time::Instant", "std::time::SystemTime", "time::{Duration, Instant", "time::{SystemTime"];
    let found = occurrences(&clocks, &["src/cli"]);
    assert!(found.iter().all(|line| line.contains("use web_time::")), "{found:#?}");
    nowhere(&["web_time"], &["src/checks", "src/engine", "src/gpu", "src/training"]);
}

/// A browser has no files: what computes knows none.
#[test]
fn files_are_known_where_they_are_read_and_written() {
    nowhere(
        &["std::fs", "use std::{fs", "fs::File"],
        &[
            "src/cli",
            "src/data",
            "src/files",
            "src/training/run",
            "src/training/tensorboard",
            "src/gpu/pipeline_cache.rs",
        ],
    );
}

/// Fetching asks others, and serving the site answers browsers of this machine.
#[test]
fn only_fetch_and_web_use_the_network() {
    nowhere(&["ureq", "TcpStream", "std::net"], &["src/data/fetch", "src/cli/web"]);
}

/// Each use is allowed on its own, and says why it is sound; everywhere else the compiler refuses it.
#[test]
fn what_the_compiler_cannot_prove_stands_in_few_places_with_its_reason() {
    let manifest = text(Path::new("Cargo.toml"));
    assert!(manifest.lines().any(|line| line == "unsafe_code = \"deny\""), "[lints.rust] of Cargo.toml");
    let mut found = BTreeSet::new();
    for path in
        ["src", "tests", "benches", "mpi", "python", "web"].into_iter().flat_map(|folder| files(folder, "rs"))
    {
        let lines = code(&path);
        let is_quote = |line: &str| line.contains('"');
        if lines
            .iter()
            .any(|(_, line)| (word_in("unsafe", line) || line.contains("unsafe_code")) && !is_quote(line))
        {
            let reasons = text(&path).matches("SAFETY: ").count();
            assert!(reasons > 0, "{} does not say why it is sound", path.display());
            found.insert(path.display().to_string());
        }
    }
    let allowed = [
        "benches/gpu-static/compile/src/main.rs",
        "src/gpu/compile.rs",
        "src/gpu/pipeline_cache.rs",
        "src/gpu/precision.rs",
        "src/main.rs",
        "tests/fuzz/memory.rs",
    ];
    assert_eq!(found, allowed.map(String::from).into());
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let vague = ["util", "utils", "common", "helpers", "misc"];
    for path in ["src", "tests", "mpi", "python", "web"].into_iter().flat_map(|folder| files(folder, "rs")) {
        let text = text(&path);
        assert!(text.starts_with("//! "), "{} does not begin by saying what it is", path.display());
        assert!(text.lines().count() <= 400, "{} is longer than 400 lines: split it by role", path.display());
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!vague.contains(&stem.as_str()), "{} has a name that says nothing", path.display());
    }
}
