//! `gpu-mlp doctor`: finds the bug in a hand-written backpropagation.

use super::{number, output};
use crate::doctor::file::template;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::derivation::Derivation;
use crate::doctor::formulas::tables;
use crate::doctor::{self, Language, Options, text};
use crate::error::{Error, Result};
use crate::network::Activation;
use crate::replay::injection::{self, Injection};
use crate::replay::sketch::sketch;
use crate::words::spelling::did_you_mean;

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
    let text =
        if args.json { output::json(&report)? } else { text::of(&report, args.language, &output::flag) };
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
