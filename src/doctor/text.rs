//! A report in words: what `gpu-mlp doctor` prints.

use super::exam::report::{Finding, Operand, Report, Status, Verdict};
use super::file::slot::Slot;
use super::formulas::catalogue::{Bug, join};
use super::line::Language;
use crate::error::{Message, Setting};
use crate::words::shell::quoted;

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The headline, the findings, the notes, the table; right lines are in this language, and settings spelled as the reader knows
/// them.
pub fn of(report: &Report, language: Language, name: &dyn Fn(Setting) -> String) -> String {
    let mut text = headline(report, language, name);
    let mut told = BTreeSet::new();
    for finding in &report.findings {
        text.push('\n');
        let first = finding.bug.is_none() && std::ptr::eq(finding, &report.findings[0]);
        text.push_str(&paragraph(finding, first, told.insert(finding.fix.clone()), language));
    }
    if !report.map.is_empty() {
        let pairs: Vec<String> = report.map.iter().map(|pair| quoted(pair)).collect();
        let _ = writeln!(
            text,
            "\nNames read as: {}",
            Message::from(Setting::Map.set(pairs.join(","))).told(name)
        );
    }
    if !report.notes.is_empty() {
        text.push_str("\nNotes\n");
        for note in &report.notes {
            let _ = writeln!(text, "  - {note}");
        }
    }
    text.push_str("\nChecked\n");
    let names: Vec<String> = report.checked.iter().map(|c| called(&c.name, c.tensor)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(12);
    for (checked, name) in report.checked.iter().zip(&names) {
        let residual = checked.residual.map_or(String::new(), |residual| format!("{:.1e}", residual.0));
        let status = match checked.status {
            Status::Ok => "ok",
            Status::Wrong => "WRONG",
            Status::NotGiven => "not given",
            Status::NotChecked => "not checked",
        };
        let _ = writeln!(text, "  {name:<width$} {status:<12} {residual}");
    }
    text
}

/// A tensor under the file's name and ours.
fn called(name: &Option<String>, tensor: Slot) -> String {
    name.as_ref().map_or_else(|| tensor.to_string(), |name| format!("`{name}` ({tensor})"))
}

fn headline(report: &Report, language: Language, name: &dyn Fn(Setting) -> String) -> String {
    let checked = report.checked.iter().filter(|c| matches!(c.status, Status::Ok | Status::Wrong)).count();
    let Some(first) = report.findings.first() else {
        let open = report.checked.iter().filter(|c| c.status == Status::NotChecked);
        let open: Vec<String> = open.map(|c| called(&c.name, c.tensor)).collect();
        let rest = match open.as_slice() {
            [] => String::new(),
            open => format!(" Not checked: {}.", open.join(", ")),
        };
        let strangers: Vec<String> = report.not_understood.iter().map(|name| format!("`{name}`")).collect();
        return match strangers.as_slice() {
            [] => format!("Clean: all {checked} tensors checked are what they should be.{rest}\n"),
            names => format!(
                "Nothing is wrong in the {checked} tensors checked.{rest} Not understood, so not checked, although the shape fits this \
                 network: {}\nFix: say what they are, with {}, or leave them out; a bug may be why their numbers do not tell\n",
                names.join(", "),
                Message::from(Setting::Map.set("theirs=ours")).told(name)
            ),
        };
    };
    let bug = match first.bug {
        Some(bug) => bug.to_string(),
        None if first.also.is_empty() => format!("cause unknown: {}", first.formula),
        None if first.also.len() == 1 => format!("perhaps {}", first.also[0]),
        None => format!("one of {}", join(&first.also, ", ")),
    };
    let bugs: BTreeSet<&str> =
        report.findings.iter().filter_map(|finding| finding.bug.map(Bug::id)).collect();
    if report.verdict == Verdict::Depends {
        let tensor = called(&first.name, first.tensor);
        return format!("Depends on what was meant: {tensor} is {}\n{}\n", first.formula, first.fix);
    }
    let step = report.step.map_or(String::new(), |step| format!("step {step}, "));
    let mut text = format!("First wrong: {step}{} - {bug}\n", called(&first.name, first.tensor));
    // Without a name, what the line should be says most.
    if first.bug.is_none() {
        text.push_str(&right(first, language).map_or(String::new(), |right| format!("Right:{right}\n")));
    }
    let _ = writeln!(text, "Fix: {}", first.fix);
    if bugs.len() > 1 {
        let names: Vec<&str> = bugs.into_iter().collect();
        let _ = writeln!(text, "Bugs in all: {}", names.join(", "));
    }
    if report.verdict == Verdict::Unknown {
        text.push_str("Some mismatch has no name.\n");
    }
    text
}

/// The right line and what it starts from; several lines stand below.
fn right(finding: &Finding, language: Language) -> Option<String> {
    let right = finding.right.as_ref()?;
    let operand = |operand: &Operand| match &operand.shape {
        Some(shape) => format!("{} {shape:?}", operand.name),
        None => format!("{} not in the file", operand.name),
    };
    let operands: Vec<String> = right.operands.iter().map(operand).collect();
    let (code, operands) = (&right.code, format!("{} {}", language.comment(), operands.join(", ")));
    Some(match code.contains('\n') {
        true => format!("\n    {operands}\n    {}", code.replace('\n', "\n    ")),
        false => format!(" {code}   {operands}"),
    })
}

/// A finding; the right line of the first without a name stands above.
fn paragraph(finding: &Finding, first: bool, with_fix: bool, language: Language) -> String {
    let name = match (finding.bug, finding.depends) {
        (Some(bug), _) => bug.id(),
        (None, true) => "depends on what was meant",
        (None, false) => "cause unknown",
    };
    let mut text = format!("{}: {name}\n  {}\n", called(&finding.name, finding.tensor), finding.formula);
    if !finding.also.is_empty() {
        let what = match (finding.bug, finding.also.len()) {
            (Some(_), _) => "these numbers cannot tell it from",
            (None, 1) => "perhaps",
            (None, _) => "one of",
        };
        let _ = writeln!(text, "  {what}: {}", join(&finding.also, ", "));
    }
    // What is explained has a next best explanation; of what is not, the nearest formulas are listed.
    if finding.bug.is_some() {
        let _ = write!(text, "  residual {:.1e}", finding.residual.0);
        if let Some(other) = finding.runner_up.as_ref().filter(|other| other.residual.0.is_finite()) {
            let name = other.bug.as_deref().unwrap_or("the right formula");
            let _ = write!(text, "; next best {name} with {:.1e}", other.residual.0);
        }
        text.push('\n');
    }
    for near in &finding.nearest {
        let _ = writeln!(text, "  near: {}, {:.1e} off", near.formula, near.residual.0);
    }
    if let Some(right) = right(finding, language).filter(|_| !first) {
        let _ = writeln!(text, "  right:{right}");
    }
    if with_fix && !first {
        let _ = writeln!(text, "  fix: {}", finding.fix);
    }
    text
}
