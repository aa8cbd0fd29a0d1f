//! The doctor: names the bug in somebody's hand-written backpropagation from the numbers it produced.
//!
//! The idea: every exported tensor is computed again from the tensors exported before it, so that each bug shows
//! only where it is made. A tensor that does not agree is compared with what every known bug would have made of the
//! same operands; a bug is named only if its formula alone reproduces the numbers. Conventions (where 1/N stands,
//! which sign, which layout) are not bugs: the examination is run under each and the one with the fewest mismatches
//! counts.
//!
//! ```text
//! file       forms: what can be read; npz, npy: the arrays; digits: how exactly they are known; steps: of which step; keys,
//!            dump: their names; roles: what they are where names do not tell; reading: the choice between both; vectors,
//!            ones, targets, alone: what becomes a usual network; case: its tensors in one layout
//! formulas   the right formulas and the bugs, as tables; design: outputs and losses; catalogue: the bugs, what
//!            each means and its fix; derivation: why the right formula is as it is
//! exam       habits: what the file is beside the calculation; one examination: design, forward, backward, update,
//!            health, witness; judge: when numbers agree; worlds: the choice among conventions; intention: what only
//!            the person knows; report: the answer
//! line       the line of code that would be right
//! beside     trace: the right values as a file; comparison, rounding: a file beside the right values
//! text       the report in words
//! ```
//!
//! Nothing here needs a GPU, and nothing here prints.

pub mod beside;
pub mod exam;
pub mod file;
pub mod formulas;
pub(crate) mod line;
pub mod text;

pub use beside::{comparison, trace};
pub use exam::report::Report;
pub use file::{npy, npz};
pub use line::Language;

use self::exam::examination::Exam;
use self::exam::habits;
use self::exam::judge::Tolerance;
use self::exam::report::{Finding, Verdict};
use self::exam::worlds;
use self::file::case::Case;
use self::file::digits::{self, Rounded};
use self::file::dump::Dump;
use self::file::forms;
pub use self::file::npy::Refusal;
use self::file::reading::{self, Read};
use self::file::slot::{Param, Slot};
use self::file::steps;
use self::formulas::catalogue::Bug;
use crate::error::{Message, Result};
use crate::network::Activation;
use std::cmp::Reverse;
use std::path::Path;

/// What the user may say about a file beyond the file itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The hidden activation.
    pub act: Option<Activation>,
    /// Another relative tolerance.
    pub tolerance: Option<f64>,
    /// `(theirs, ours)`: names to be read as other names.
    pub map: Vec<(String, String)>,
    /// The language of the lines that would be right.
    pub language: Language,
}

/// Examines the arrays of the file or folder at `path`.
///
/// # Errors
/// [`crate::Error::Io`] and [`crate::Error::File`] if it cannot be read or has not enough in it.
pub fn examine_file(path: &Path, options: &Options) -> Result<Report> {
    let entries = forms::read(path)?;
    examine(&entries, options).map_err(|refusal| refusal.at(path))
}

/// Examines the arrays of a file.
///
/// # Errors
/// What is missing or does not fit, and a hint.
pub fn examine(entries: &npz::Entries, options: &Options) -> Result<Report, Refusal> {
    // What is no history of steps may look like one: then it is read as it is.
    if let Some(report) = first_wrong_step(entries, options) {
        return Ok(report);
    }
    examine_step(entries, options)
}

/// The report of the first step that is wrong, of a file with several; of the last one, if none is.
fn first_wrong_step(entries: &npz::Entries, options: &Options) -> Option<Report> {
    let examined = |saved| {
        let steps = steps::of(entries, saved);
        let mut right: Vec<(usize, Report)> = Vec::new();
        for (number, entries) in steps.files() {
            // The last one may have nothing but what the step before made.
            let Ok(mut report) = examine_step(&entries, options) else { continue };
            let is_right = report.verdict == Verdict::Clean;
            if steps.beyond > 0 {
                report
                    .notes
                    .insert(0, format!("the file has {} more steps, which are not examined", steps.beyond));
            }
            right.push((number, report));
            if !is_right {
                break;
            }
        }
        right
    };
    // Of the two ways to save parameters, the one under which more is right and better known.
    let worth = |reports: &Vec<(usize, Report)>| {
        reports.last().map(|(_, report)| {
            let (clean, known) = (report.verdict == Verdict::Clean, report.verdict != Verdict::Unknown);
            (clean, reports.len(), known, Reverse(report.findings.len()))
        })
    };
    let mut reports = examined(steps::Saved::Before);
    if worth(&reports).is_none_or(|(clean, ..)| !clean) {
        let after = examined(steps::Saved::After);
        if worth(&after) > worth(&reports) {
            reports = after;
        }
    }
    let (number, mut report) = reports.pop()?;
    let earlier: Vec<String> = reports.iter().map(|(number, _)| number.to_string()).collect();
    let right = join(&earlier);
    let said = match (report.verdict == Verdict::Clean, earlier.is_empty()) {
        (true, true) => format!("of several steps in the file, step {number} is examined"),
        (true, false) => {
            format!("the file has several steps: {right} and {number} are right; shown is the last of them")
        }
        (false, true) => format!("the file has several steps: step {number} is the first that is wrong"),
        (false, false) => {
            format!("the file has several steps: {right} are right, step {number} is the first that is wrong")
        }
    };
    report.notes.insert(0, said);
    report.step = Some(number);
    Some(report)
}

/// Numbers of steps in words: all of a few, the first and the last of many.
fn join(numbers: &[String]) -> String {
    match numbers {
        [first, .., last] if numbers.len() > 6 => format!("steps {first} to {last}"),
        numbers => format!("steps {}", numbers.join(", ")),
    }
}

/// Examines the arrays of one step; what cannot be explained exactly, by the digits that its numbers have.
fn examine_step(entries: &npz::Entries, options: &Options) -> Result<Report, Refusal> {
    let exact = examine_written(entries, options, 0.0);
    let explained = exact.as_ref().is_ok_and(|report| report.verdict != Verdict::Unknown);
    if explained || options.tolerance.is_some() {
        return exact;
    }
    let Some(Rounded { entries, error, notes }) = digits::rounded(entries) else { return exact };
    match examine_written(&entries, options, error) {
        Ok(mut report) => {
            report.notes.splice(0..0, notes);
            Ok(report)
        }
        Err(_) => exact,
    }
}

/// Examines the arrays of one step, which may be off by `error` relative to their sizes for having been rounded.
fn examine_written(entries: &npz::Entries, options: &Options, error: f64) -> Result<Report, Refusal> {
    let Read { mut dump, found } = reading::read(entries, &options.map)?;
    dump.act = options.act.or(dump.act);
    dump.leave_overwritten();
    let cases = Case::all(&dump)?;
    let cases = habits::understood(&mut dump, cases);
    let enough = dump.slots.keys().any(|slot| !matches!(slot, Slot::Param(_) | Slot::Mask(_)));
    if !enough {
        let hint = "export at least one of p, loss, dW1, W1_new; see `gpu-mlp doctor --template numpy`";
        return Err(Refusal::new(
            "has parameters and a batch, but nothing that was computed from them",
            hint,
        ));
    }
    let tolerance = Tolerance::new(dump.single, options.tolerance).of_written(error);
    let best = worlds::best(&dump, &cases, tolerance);
    let best = best.ok_or_else(|| Refusal::new("cannot be read", Message::default()))?;
    let mut report = concluded(&dump, best, options.language);
    let names = reading::names(&dump);
    report.speak(&names);
    report.call(|slot| match slot {
        // What the file has as W was saved after the step.
        Slot::New(param) if !dump.slots.contains_key(&slot) => {
            let own = Slot::Param(param).to_string();
            Some(names.get(&own).cloned().unwrap_or(own))
        }
        _ => None,
    });
    report.map = found.into_iter().map(|(theirs, ours)| format!("{theirs}={ours}")).collect();
    Ok(report)
}

/// The report of the examination that counts.
fn concluded(dump: &Dump, mut exam: Exam, language: Language) -> Report {
    if dump.alone {
        exam.leave_rate();
        exam.leave_lean();
        exam.leave_layers();
    } else {
        exam.witness();
        exam.leave_to_intention();
    }
    exam.leave_unidentified(dump);
    prefer_shared_names(&mut exam.findings);
    let lines: Vec<_> =
        exam.findings.iter().map(|finding| line::right(dump, &exam, finding.made_at, language)).collect();
    for (finding, line) in exam.findings.iter_mut().zip(lines) {
        finding.right = line;
    }
    let mut verdict = Verdict::Clean;
    for finding in &exam.findings {
        verdict = match (finding.bug.is_some(), finding.depends, verdict) {
            (false, false, _) | (_, _, Verdict::Unknown) => Verdict::Unknown,
            (true, _, _) | (_, _, Verdict::Bugs) => Verdict::Bugs,
            (false, true, _) => Verdict::Depends,
        };
    }
    if verdict == Verdict::Clean && !dump.strangers.is_empty() {
        // A bug may be why neither names nor numbers say what they are.
        verdict = Verdict::Depends;
    }
    let mut notes = dump.notes.clone();
    if dump.act.is_none() && dump.depth > 1 {
        let names: Vec<String> = exam.acts.iter().map(ToString::to_string).collect();
        let same = names.iter().all(|name| *name == names[0]);
        let names = if same { names[0].clone() } else { names.join(", ") };
        let odd = |f: &Finding| f.bug.is_none() && matches!(f.tensor, Slot::A(_));
        notes.push(if exam.findings.iter().any(odd) {
            format!("act is not in the file, and no activation gives all of a; {names} is supposed")
        } else {
            format!("act is not in the file; {names} fits")
        });
    }
    let grads: Vec<Param> =
        (1..=dump.depth).map(Param::W).filter(|&param| dump.slots.contains_key(&Slot::Grad(param))).collect();
    if exam.world.gradient > 1.0 && !grads.is_empty() && !dump.alone {
        notes.push(
            "dW and db are sums over the batch: right if the loss is one, too, or if 1/N is in the step"
                .to_owned(),
        );
    }
    if exam.world.sign < 0.0 && !grads.is_empty() {
        notes.push("gradients are of y - p, downhill: right if the step adds them".to_owned());
    }
    if exam.world.objective > 1.0 {
        notes.push("the loss is a sum over the batch, not a mean".to_owned());
    }
    notes.append(&mut exam.notes);
    if dump.alone {
        // Of the network around the layer nothing was checked.
        exam.checked.retain(|c| dump.names.contains_key(&c.tensor) && c.tensor != Slot::Da(1));
    }
    let first_mismatch = exam.findings.first().map(|finding| finding.tensor.to_string());
    Report {
        verdict,
        first_mismatch,
        beside: exam.beside(),
        findings: exam.findings,
        notes,
        checked: exam.checked,
        not_understood: dump.strangers.clone(),
        map: Vec::new(),
        step: None,
    }
}

/// Where numbers cannot tell bugs apart, the one that is named elsewhere in the same file comes first.
fn prefer_shared_names(findings: &mut [Finding]) {
    let sure: Vec<Bug> = findings.iter().filter(|f| f.also.is_empty()).filter_map(|f| f.bug).collect();
    for finding in findings.iter_mut() {
        let Some(bug) = finding.bug.filter(|bug| !sure.contains(bug)) else { continue };
        if let Some(at) = finding.also.iter().position(|other| sure.contains(other)) {
            finding.fix = finding.also[at].fix().to_owned();
            finding.bug = Some(std::mem::replace(&mut finding.also[at], bug));
            std::mem::swap(&mut finding.formula, &mut finding.alternatives[at]);
        }
    }
}
