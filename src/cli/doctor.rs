//! `gpu-mlp doctor`: what is wrong with somebody's hand-written backpropagation.

use super::{number, output};
use crate::doctor::exam::report::{Finding, Report, Status, Verdict};
use crate::doctor::file::template;
use crate::doctor::{self, Options};
use crate::error::{Error, Result};
use crate::network::Activation;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp doctor --template numpy      the lines that save the arrays of one batch
  gpu-mlp doctor mine.npz
  gpu-mlp doctor mine.npz --act sigmoid --map hidden_w=W1,hidden_b=b1";

/// Finds the first wrong tensor in arrays exported from your own network, the formula it equals, and the fix.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// The .npz file with W1.., b1.., X, y and anything computed from them
    #[arg(required_unless_present = "template")]
    file: Option<PathBuf>,

    /// Print the answer as JSON
    #[arg(long)]
    json: bool,

    /// The hidden activation, if the file has no `act`
    #[arg(long, value_enum)]
    act: Option<Activation>,

    /// Largest relative difference that still counts as equal [default: 1e-9 for float64, 1e-4 for float32]
    #[arg(long, value_name = "X", value_parser = number::real::<f64>)]
    tolerance: Option<f64>,

    /// Read your key THEIRS as our key OURS; may be repeated
    #[arg(long, value_name = "THEIRS=OURS", value_delimiter = ',')]
    map: Vec<String>,

    /// Print a snippet that exports the right keys, and stop
    #[arg(long, value_name = "LANGUAGE", value_parser = ["numpy", "pytorch", "julia"])]
    template: Option<String>,
}

/// Runs the command; returns the exit code: 0 clean, 1 a mismatch.
///
/// # Errors
/// [`Error::Usage`], [`Error::Io`] or [`Error::File`], exit code 2: unreadable, or not enough to check.
pub fn run(args: &DoctorArgs) -> Result<u8> {
    if let Some(language) = &args.template {
        output::say(snippet(language).trim_end());
        return Ok(0);
    }
    let Some(file) = &args.file else {
        return Err(Error::usage("doctor needs a FILE.npz"));
    };
    let report = doctor::examine_file(file, &options(args)?)?;
    let text = if args.json { output::json(&report)? } else { human(&report) };
    output::say(text.trim_end());
    Ok(report.exit_code())
}

fn options(args: &DoctorArgs) -> Result<Options> {
    let pair = |text: &String| {
        let (theirs, ours) = text
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("--map wants THEIRS=OURS, got `{text}`")))?;
        Ok((theirs.to_owned(), ours.to_owned()))
    };
    if let Some(tolerance) = args.tolerance.filter(|tolerance| !(*tolerance > 0.0 && *tolerance < 1.0)) {
        return Err(Error::usage(format!("--tolerance must lie between 0 and 1, got {tolerance}")));
    }
    Ok(Options {
        act: args.act,
        tolerance: args.tolerance,
        map: args.map.iter().map(pair).collect::<Result<_>>()?,
    })
}

fn snippet(language: &str) -> &'static str {
    match language {
        "pytorch" => template::PYTORCH,
        "julia" => template::JULIA,
        _ => template::NUMPY,
    }
}

/// The headline, the findings, the notes, the table.
fn human(report: &Report) -> String {
    let mut text = headline(report);
    let mut told = BTreeSet::new();
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&paragraph(finding, told.insert(finding.fix.clone())));
    }
    if !report.notes.is_empty() {
        text.push_str("\nNotes\n");
        for note in &report.notes {
            let _ = writeln!(text, "  - {note}");
        }
    }
    text.push_str("\nChecked\n");
    for checked in &report.checked {
        let residual = checked.residual.map_or(String::new(), |residual| format!("{:.1e}", residual.0));
        let status = match checked.status {
            Status::Ok => "ok",
            Status::Wrong => "WRONG",
            Status::NotGiven => "not given",
            Status::NotChecked => "not checked",
        };
        let _ = writeln!(text, "  {:<12} {status:<12} {residual}", checked.tensor.to_string());
    }
    text
}

fn headline(report: &Report) -> String {
    let checked = report.checked.iter().filter(|c| matches!(c.status, Status::Ok | Status::Wrong)).count();
    let Some(first) = report.findings.first() else {
        return format!("Clean: all {checked} tensors checked are what they should be.\n");
    };
    let bug = match &first.bug {
        Some(bug) => bug.clone(),
        None if first.also.is_empty() => "cause unknown".to_owned(),
        None => format!("one of {}", first.also.join(", ")),
    };
    let bugs: BTreeSet<&String> = report.findings.iter().filter_map(|finding| finding.bug.as_ref()).collect();
    if report.verdict == Verdict::Depends {
        return format!("Depends on what was meant: {} is {}\n{}\n", first.tensor, first.formula, first.fix);
    }
    let mut text = format!("First wrong: {} - {bug}\nFix: {}\n", first.tensor, first.fix);
    if bugs.len() > 1 {
        let names: Vec<&str> = bugs.iter().map(|bug| bug.as_str()).collect();
        let _ = writeln!(text, "Bugs in all: {}", names.join(", "));
    }
    if report.verdict == Verdict::Unknown {
        text.push_str("Some mismatch has no name.\n");
    }
    text
}

fn paragraph(finding: &Finding, with_fix: bool) -> String {
    let name = finding.bug.as_deref().unwrap_or("unknown");
    let mut text = format!("{}: {name}\n  {}\n", finding.tensor, finding.formula);
    if !finding.also.is_empty() {
        let what = if finding.bug.is_some() { "these numbers cannot tell it from" } else { "candidates" };
        let _ = writeln!(text, "  {what}: {}", finding.also.join(", "));
    }
    let _ = write!(text, "  residual {:.1e}", finding.residual.0);
    if let Some(other) = &finding.runner_up {
        let name = other.bug.as_deref().unwrap_or("the right formula");
        let _ = write!(text, "; next best {name} with {:.1e}", other.residual.0);
    }
    text.push('\n');
    if with_fix {
        let _ = writeln!(text, "  fix: {}", finding.fix);
    }
    text
}
