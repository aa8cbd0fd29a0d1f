//! Which file imports which: the graph of `use` and of paths in code, read from the text.
//!
//! A name is followed through re-exports to the file that defines it, so that `crate::network::MlpSpec` is an import of
//! `network/model.rs` and not of the `mod.rs` that hands it on. `mod x;` is no import: a parent says only that it has x.

use std::collections::{BTreeMap, BTreeSet};

/// Of each file, those that it imports, as paths under `src/`.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// A module's path from the crate's root, without `crate`.
type Path = Vec<String>;

/// A module as it stands in the text: in a file of its own, or in braces.
struct Module {
    file: String,
    /// Its text without comments, texts, `use` and modules in braces.
    code: String,
    /// What `use` brings into it: the name, and where that comes from, as it is written.
    uses: Vec<(String, Path)>,
}

/// Computes the graph of a crate from its files: paths under `src/`, and their text.
pub fn graph<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Graph {
    let mut modules = BTreeMap::new();
    let mut graph = Graph::new();
    for (file, text) in files {
        graph.insert(file.to_owned(), BTreeSet::new());
        take_in(&mut modules, place(file), file, &bare(text));
    }
    for (path, module) in &modules {
        let imported = module.uses.iter().map(|(_, written)| written.clone());
        for written in imported.chain(paths(&module.code)) {
            let target = absolute(&modules, path, &written).and_then(|path| defined_in(&modules, path));
            if let Some(target) = target.filter(|target| *target != module.file) {
                graph.get_mut(&module.file).unwrap().insert(target);
            }
        }
    }
    graph
}

/// Every pair of files each of which reaches the other, and the way there and back.
pub fn circles(graph: &Graph) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for start in graph.keys() {
        let seen = found.iter().any(|circle| circle.contains(&start.as_str()));
        if let Some(circle) = (!seen).then(|| way_back(graph, start)).flatten() {
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a file to itself.
fn way_back<'g>(graph: &'g Graph, start: &'g str) -> Option<Vec<&'g str>> {
    let mut ways = vec![vec![start]];
    let mut reached = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
                let way = [way.as_slice(), &[next.as_str()]].concat();
                if next == start {
                    return Some(way);
                }
                if reached.insert(next) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

/// The module that a file is.
fn place(file: &str) -> Path {
    let mut parts: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if ["mod", "lib", "main"].contains(&parts[parts.len() - 1].as_str()) {
        parts.pop();
    }
    parts
}

/// Takes in a module and those in braces inside it.
fn take_in(modules: &mut BTreeMap<Path, Module>, path: Path, file: &str, text: &str) {
    let mut module = Module { file: file.to_owned(), code: String::new(), uses: Vec::new() };
    let mut rest = text;
    while let Some((at, word)) = next_word(rest) {
        let after = &rest[at + word.len()..];
        let inner = after.trim_start().split_once('{').filter(|(name, _)| is_name(name.trim()));
        module.code.push_str(&rest[..at]);
        match (word, inner) {
            ("use", _) => {
                let (tree, behind) = after.split_once(';').unwrap();
                leaves(tree.trim(), &[], &mut module.uses);
                rest = behind;
            }
            ("mod", Some((name, body))) => {
                let end = closing(body);
                take_in(modules, [path.as_slice(), &[name.trim().to_owned()]].concat(), file, &body[..end]);
                rest = &body[end..];
            }
            // `pub(in crate::x)` says who may look and imports nothing.
            ("in", _) if rest[..at].trim_end().ends_with('(') => rest = after.split_once(')').unwrap().1,
            _ => {
                module.code.push_str(word);
                rest = after;
            }
        }
    }
    module.code.push_str(rest);
    modules.insert(path, module);
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The next word of a text, and where it begins.
fn next_word(text: &str) -> Option<(usize, &str)> {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let at = text.find(inside)?;
    let length = text[at..].find(|c| !inside(c)).unwrap_or(text.len() - at);
    Some((at, &text[at..at + length]))
}

/// Where the brace that is open at the beginning of a text is closed.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let closes = |(_, c): &(usize, char)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0
    };
    text.char_indices().find(closes).map_or(text.len(), |(at, _)| at)
}

/// The names that a tree of `use` brings in, and their paths.
fn leaves(tree: &str, before: &[String], uses: &mut Vec<(String, Path)>) {
    let segments = |text: &str| -> Path {
        text.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    if let Some((head, group)) = tree.split_once('{') {
        let before = [before, &segments(head)].concat();
        let mut depth = 0;
        let parts = group[..closing(group)].split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        parts.map(str::trim).filter(|part| !part.is_empty()).for_each(|part| leaves(part, &before, uses));
        return;
    }
    let (written, alias) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name)));
    let mut path = [before, &segments(written)].concat();
    path.pop_if(|last| last == "self" || last == "*");
    let name = alias.map(str::trim).map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned);
    uses.push((name, path));
}

/// Every path of two segments or more in code.
fn paths(code: &str) -> Vec<Path> {
    let (mut found, mut path): (Vec<Path>, Path) = (Vec::new(), Vec::new());
    let mut rest = code;
    while let Some((at, word)) = next_word(rest) {
        // What follows a generic argument or a dot is no beginning of a path.
        if rest[..at].trim() != "::" || path.is_empty() {
            found.push(std::mem::take(&mut path));
        }
        path.push(word.to_owned());
        rest = &rest[at + word.len()..];
    }
    found.push(path);
    found.retain(|path| path.len() > 1);
    found
}

/// Where a path leads that is written in a module; nothing if out of the crate.
fn absolute(modules: &BTreeMap<Path, Module>, module: &Path, written: &Path) -> Option<Path> {
    let (first, others) = written.split_first()?;
    let beside = |first: &String| [module.as_slice(), std::slice::from_ref(first)].concat();
    match first.as_str() {
        "crate" => Some(others.to_vec()),
        "self" => Some([module, others].concat()),
        "super" => {
            let above = written.iter().take_while(|segment| *segment == "super").count();
            Some([&module[..module.len().checked_sub(above)?], &written[above..]].concat())
        }
        _ if modules.contains_key(&beside(first)) => Some([module, written.as_slice()].concat()),
        _ => {
            let imported =
                modules[module].uses.iter().find(|(name, path)| name == first && path != written)?;
            // A name that comes from a crate of the same name would be looked up for ever.
            let from = Some(&imported.1).filter(|path| path[0] != *first)?;
            Some([absolute(modules, module, from)?.as_slice(), others].concat())
        }
    }
}

/// The file that defines what a path names, after every re-export on the way.
fn defined_in(modules: &BTreeMap<Path, Module>, mut path: Path) -> Option<String> {
    // A chain of re-exports that is longer than this leads round.
    for _ in 0..16 {
        let known = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
        let (module, item) = path.split_at(known);
        let from = &modules[module];
        let handed_on = item.first().and_then(|name| from.uses.iter().find(|(other, _)| other == name));
        let next = handed_on.and_then(|(_, written)| absolute(modules, &module.to_vec(), written));
        match next {
            Some(next) => path = [next.as_slice(), &item[1..]].concat(),
            None => return Some(from.file.clone()),
        }
    }
    None
}

/// A text of Rust without comments, and without what stands in quotes.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') && is_raw(rest) => {
                let hashes = rest[1..].chars().take_while(|&c| c == '#').count();
                let end = format!("\"{}", "#".repeat(hashes));
                let begun = hashes + 2;
                rest[begun..].find(&end).map_or(rest.len(), |at| begun + at + end.len())
            }
            '"' => quoted(rest, '"'),
            // Not the beginning of a lifetime.
            '\'' if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') => quoted(rest, '\''),
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

fn is_raw(text: &str) -> bool {
    text[1..].trim_start_matches('#').starts_with('"')
}

/// The length of what stands in quotes, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let ends = |(_, c): &(usize, char)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    };
    text.char_indices().skip(1).find(ends).map_or(text.len(), |(at, _)| at + 1)
}
