//! Who may import whom: a room what stands on a floor below it, and no file one that imports it in turn.

use super::imports::{Graph, circles, graph};

/// The rooms from the ground up. A room may import what stands on a lower floor, and nothing on its own.
///
/// A part of a room has a floor of its own where that says something; its files then count to the part alone.
const FLOORS: &[&[&str]] = &[
    &["error", "words"],
    &["files", "memory", "tensor"],
    &["network", "step"],
    &["data", "reference"],
    &["engine/contract", "doctor/file"],
    &["engine/cpu", "gpu", "doctor/formulas"],
    &["kernels", "doctor/exam"],
    &["engine", "doctor/beside"],
    &["training", "doctor"],
    &["checks", "exchange", "report"],
    &["replay"],
    &["cli"],
];

/// Whether a file under `src/` is in a room, or is that room.
fn is_in(file: &str, room: &str) -> bool {
    file.strip_prefix(room).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// The room of a file, the innermost that has a floor, and the floor.
fn room(file: &str) -> Option<(&'static str, usize)> {
    let rooms =
        FLOORS.iter().enumerate().flat_map(|(floor, rooms)| rooms.iter().map(move |&room| (room, floor)));
    rooms.filter(|(room, _)| is_in(file, room)).max_by_key(|(room, _)| room.len())
}

/// What `lib.rs` and `main.rs` import is how they join the rooms.
fn is_root(file: &str) -> bool {
    ["lib.rs", "main.rs"].contains(&file)
}

/// Every import that does not lead down, and every file that is in no room.
fn upward(graph: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, imported) in graph.iter().filter(|(file, _)| !is_root(file)) {
        let Some((own, floor)) = room(file) else {
            wrong.push(format!("{file} is in no room of FLOORS"));
            continue;
        };
        for other in imported {
            let allowed = room(other).is_some_and(|(room, below)| room == own || below < floor);
            if !allowed {
                wrong.push(format!("{file} must not import {other}"));
            }
        }
    }
    wrong
}

fn house() -> Graph {
    let texts: Vec<(String, String)> = super::files("src", "rs")
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix("src").unwrap().display().to_string().replace('\\', "/");
            (inside, super::text(&path))
        })
        .collect();
    graph(texts.iter().map(|(file, text)| (file.as_str(), text.as_str())))
}

#[test]
fn imports_lead_down() {
    let house = house();
    assert_eq!(upward(&house), Vec::<String>::new());
    for room in FLOORS.iter().copied().flatten() {
        assert!(house.keys().any(|file| is_in(file, room)), "FLOORS has {room}, which is not there");
    }
}

#[test]
fn no_file_imports_what_imports_it() {
    assert_eq!(circles(&house()), Vec::<Vec<&str>>::new(), "give what both need a file of its own");
}

/// The graph of a few files.
fn planted(files: &[(&str, &str)]) -> Graph {
    graph(files.iter().copied())
}

/// Asserts what the first of the files imports.
#[track_caller]
fn imports(files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = planted(files)[files[0].0].iter().cloned().collect();
    assert_eq!(found, expected, "{}", files[0].1);
}

#[test]
fn imports_are_found_in_every_form() {
    let rest = [
        ("lib.rs", "pub mod data;\npub mod gpu;\npub mod error;\npub use error::{Error, Result};"),
        ("error.rs", "pub enum Error {}"),
        ("gpu/mod.rs", "mod buffer;\npub use buffer::Buffer as Bytes;\npub(crate) mod kernel;"),
        ("gpu/buffer.rs", ""),
        ("gpu/kernel.rs", ""),
        ("data/idx.rs", ""),
    ];
    let with = |text: &'static str| [&[("data/mod.rs", text)], rest.as_slice()].concat();
    for (text, expected) in [
        ("use crate::error::Error;", &["error.rs"][..]),
        ("use crate::{gpu::{Bytes, kernel}, Error};", &["error.rs", "gpu/buffer.rs", "gpu/kernel.rs"]),
        ("use super::gpu::kernel::{self, Kernel};", &["gpu/kernel.rs"]),
        ("fn f() -> crate::Result<()> { super::gpu::kernel::run() }", &["error.rs", "gpu/kernel.rs"]),
        ("use crate::gpu;\nfn f(_: gpu::Bytes) {}", &["gpu/buffer.rs", "gpu/mod.rs"]),
        ("use crate::gpu as device;\ntype B = device::Bytes;", &["gpu/buffer.rs", "gpu/mod.rs"]),
        ("pub mod idx;\npub use idx::Images;", &["data/idx.rs"]),
        ("mod idx;\nfn f() { idx::read(); }", &["data/idx.rs"]),
        ("mod tests {\n    use super::*;\n    use super::idx::Images;\n}", &["data/idx.rs"]),
        ("pub mod idx;", &[]),
        ("// use crate::gpu::kernel;\n/* crate::gpu::kernel */ const A: &str = \"crate::gpu::kernel\";", &[]),
        (
            "const A: char = '\"'; const B: &str = r#\"crate::gpu::\"kernel\"#;\nuse crate::Error;",
            &["error.rs"],
        ),
        ("pub(in crate::gpu) fn f<'a>(a: &'a str) {}", &[]),
        ("use gpu::kernel; use std::error::Error;", &[]),
    ] {
        imports(&with(text), expected);
    }
}

#[test]
fn an_import_that_leads_up_is_found() {
    let files = [("lib.rs", ""), ("error.rs", ""), ("gpu/mod.rs", "use crate::error::Error;")];
    assert_eq!(upward(&planted(&files)), Vec::<String>::new());
    let up = [&files[..], &[("engine/cpu/rows.rs", "fn f() { crate::gpu::Gpu::open(); }")]].concat();
    assert_eq!(upward(&planted(&up)), ["engine/cpu/rows.rs must not import gpu/mod.rs"], "beside it");
    let up = [&files[..], &[("words/mod.rs", "use crate::gpu::Gpu;")]].concat();
    assert_eq!(upward(&planted(&up)), ["words/mod.rs must not import gpu/mod.rs"]);
    let handed_on =
        [("lib.rs", "pub use gpu::Gpu;"), files[1], files[2], ("words/mod.rs", "use crate::Gpu;")];
    assert_eq!(upward(&planted(&handed_on)), ["words/mod.rs must not import gpu/mod.rs"]);
    let nowhere = [&files[..], &[("attic.rs", "")]].concat();
    assert_eq!(upward(&planted(&nowhere)), ["attic.rs is in no room of FLOORS"]);
}

#[test]
fn a_circle_is_found() {
    let parent = ("data/mod.rs", "mod idx;\nmod rows;\npub use idx::Images;\npub struct Dataset;");
    let down = [parent, ("data/idx.rs", "use super::rows::Rows;"), ("data/rows.rs", "")];
    assert_eq!(circles(&planted(&down)), Vec::<Vec<&str>>::new());
    let pair = [parent, ("data/idx.rs", "use super::rows::Rows;"), ("data/rows.rs", "use super::Images;")];
    assert_eq!(circles(&planted(&pair)), [["data/idx.rs", "data/rows.rs", "data/idx.rs"]]);
    let to_parent =
        [parent, ("data/idx.rs", "use super::rows::Rows;"), ("data/rows.rs", "use super::Dataset;")];
    let round = planted(&to_parent);
    assert_eq!(circles(&round), [["data/idx.rs", "data/rows.rs", "data/mod.rs", "data/idx.rs"]]);
}
