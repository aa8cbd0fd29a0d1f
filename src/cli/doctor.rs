//! `gpu-mlp doctor`: finds the bug in a hand-written backpropagation.

use super::{number, output};
use crate::doctor::exam::report::{Finding, Operand, Report, Status, Verdict};
use crate::doctor::file::slot::Slot;
use crate::doctor::file::template;
use crate::doctor::formulas::catalogue::{Bug, join};
use crate::doctor::formulas::derivation::Derivation;
use crate::doctor::formulas::tables;
use crate::doctor::{self, Language, Options};
use crate::error::{Error, Result};
use crate::network::Activation;
use crate::replay::injection::{self, Injection};
use crate::replay::sketch::sketch;
use crate::words::shell::quoted;
use crate::words::spelling::did_you_mean;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp doctor --template numpy      the lines that save the arrays of one batch
  gpu-mlp doctor --template locals     one line that saves all arrays of a function, under their own names
  gpu-mlp doctor mine.npz              or mine.json, or a folder with an .npy or .csv for each array
  gpu-mlp doctor mine.json --language javascript
  gpu-mlp doctor --explain softmax-jacobian
  gpu-mlp doctor mine.npz --act sigmoid --map hidden_w=W1,hidden_b=b1";

/// Find the first wrong tensor among arrays that your own network exported, the bug that explains it, and the fix.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// The .npz or .json file, or folder of .npy or .csv files, with weights, biases, X, y and anything computed from them
    #[arg(required_unless_present_any = ["template", "explain"])]
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

    /// The language of your code: the line that would be right is written in it
    #[arg(long, value_enum, default_value_t)]
    language: Language,

    /// Print a snippet that exports the right keys, and stop
    #[arg(long, value_name = "LANGUAGE", value_parser = template::ALL.map(|(language, _)| language))]
    template: Option<String>,

    /// Print the page of a bug (what it is, why it is wrong, how to mend it, how to see it), and stop
    #[arg(long, value_name = "BUG")]
    explain: Option<String>,
}

/// Runs the command; returns the exit code: 0 clean, 1 a mismatch.
///
/// # Errors
/// [`Error::Usage`], [`Error::Io`] or [`Error::File`], exit code 2: unreadable, or not enough to check.
pub fn run(args: &DoctorArgs) -> Result<u8> {
    let snippet = template::ALL.iter().find(|(language, _)| args.template.as_deref() == Some(language));
    if let Some((_, snippet)) = snippet {
        output::say(snippet.trim_end());
        return Ok(0);
    }
    if let Some(id) = &args.explain {
        output::say(page(id)?.trim_end());
        return Ok(0);
    }
    let Some(file) = &args.file else {
        return Err(Error::usage("doctor needs a FILE"));
    };
    let report = doctor::examine_file(file, &options(args)?)?;
    let text = if args.json { output::json(&report)? } else { human(&report, args.language) };
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
        language: args.language,
    })
}

/// The page of a bug.
fn page(id: &str) -> Result<String> {
    let bug = Bug::by_id(id).and_then(|bug| Some((bug, Derivation::of(bug)?)));
    let (bug, derivation) = bug.ok_or_else(|| {
        let near = did_you_mean(id, Bug::ALL.iter().map(|bug| bug.id()));
        Error::usage(format!("there is no bug called `{id}`{near}; docs/doctor.md lists all"))
    })?;
    let mut text = format!("{bug}\n{}\n", bug.why());
    let mut part = |title: &str, lines: &[String]| {
        let _ = writeln!(text, "\n{title}\n  {}", lines.join("\n  "));
    };
    let (formulas, computed) = (tables::formulas(bug), tables::computed(bug));
    let line = |asked: String| {
        Injection::parse(&asked).map_or_else(|why| why, |_| format!("gpu-mlp replay --bug {asked}"))
    };
    let mut replay = Injection::parse(id).map_or(Ok(Vec::new()), |injection| sketch(&injection))?;
    replay.push(line(id.to_owned()));
    // Of a bug that cannot be trained with, one line says why.
    if injection::formula(bug).is_some() {
        replay.extend((2..=formulas.len()).map(|number| line(format!("{id}/{number}"))));
    }
    let own = |line: &str| line.to_owned();
    match computed[..] {
        [one] => part("What was computed", &[own(one)]),
        _ => {
            let numbered = (1..).zip(&computed).map(|(number, formula)| format!("{number}. {formula}"));
            part("What was computed", &numbered.collect::<Vec<_>>());
        }
    }
    part("What is right", &[own(derivation.right)]);
    part("Why", &derivation.lines.map(own));
    part("Fix", &[own(bug.fix())]);
    part("What it does to loss and accuracy", &replay);
    part("Read more", &[own(derivation.source)]);
    Ok(text)
}

/// The headline, the findings, the notes, the table.
fn human(report: &Report, language: Language) -> String {
    let mut text = headline(report, language);
    let mut told = BTreeSet::new();
    for finding in &report.findings {
        text.push('\n');
        let first = finding.bug.is_none() && std::ptr::eq(finding, &report.findings[0]);
        text.push_str(&paragraph(finding, first, told.insert(finding.fix.clone()), language));
    }
    if !report.map.is_empty() {
        let pairs: Vec<String> = report.map.iter().map(|pair| quoted(pair)).collect();
        let _ = writeln!(text, "\nNames read as: --map {}", pairs.join(","));
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

fn headline(report: &Report, language: Language) -> String {
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
                 network: {}\nFix: say what they are, with --map theirs=ours, or leave them out; a bug may be why their numbers do not tell\n",
                names.join(", ")
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
