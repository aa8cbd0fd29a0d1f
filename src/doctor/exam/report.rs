//! What the doctor found; serialises to the JSON that `gpu-mlp doctor --json` prints.

use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::hypothesis::Hypothesis;
use crate::reference::Matrix;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every tensor given is what it should be.
    Clean,
    /// Every mismatch has a name.
    Bugs,
    /// What is right or wrong by what was meant, and the file does not tell.
    Depends,
    /// Some mismatch has no name.
    Unknown,
}

/// The line of code that would be right, in the language asked for and the file's own layout and names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Right {
    /// `dW1 = X.T @ dz1`; in languages with loops several lines.
    pub code: String,
    /// What it starts from.
    pub operands: Vec<Operand>,
}

/// A tensor that a line starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operand {
    /// What the file calls it; our name, if it does not have it.
    pub name: String,
    /// Its shape in the file.
    pub shape: Option<Vec<usize>>,
}

/// A formula that does not explain a tensor, but comes near.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Near {
    /// The bugs that it stands for; none for the right formula.
    pub bugs: Vec<Bug>,
    /// What it computes.
    pub formula: String,
    /// How far its numbers are off.
    pub residual: Number,
}

/// The best explanation that was not given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunnerUp {
    /// Its bug, or nothing if it is the right formula.
    pub bug: Option<String>,
    /// How far its numbers are off.
    pub residual: Number,
}

/// One mismatch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The tensor of the file that shows it.
    pub tensor: Slot,
    /// What the file calls it, if not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The bug, if its formula alone reproduces the numbers.
    pub bug: Option<Bug>,
    /// Bugs these numbers cannot tell from it; without a bug, the candidates.
    pub also: Vec<Bug>,
    /// What the tensor equals, or what can be said about it.
    pub formula: String,
    /// How far the formula's numbers are off: `|u - h| / max(|u|, |h|)`.
    pub residual: Number,
    /// The next best.
    pub runner_up: Option<RunnerUp>,
    /// What to do.
    pub fix: String,
    /// The line that would be right; nothing if the bug is in no line.
    pub right: Option<Right>,
    /// Without a bug, the formulas that come nearest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<Near>,
    /// Right if one thing was meant, the bug in `also` if another: the formula says both.
    pub depends: bool,
    /// The tensor whose line is wrong: the same, or one that the file does not have.
    #[serde(skip)]
    pub made_at: Slot,
    /// The formulas of the bugs in `also`.
    #[serde(skip)]
    pub alternatives: Vec<String>,
    /// How many times the right one the tensor is, if that alone is wrong and it is none of the usual factors.
    #[serde(skip)]
    pub factor: Option<f64>,
    /// The row of a table that explains it, if one does.
    #[serde(skip)]
    pub row: Option<&'static Hypothesis>,
}

impl Finding {
    /// A mismatch of which nothing more is known.
    pub fn new(tensor: Slot, formula: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            tensor,
            made_at: tensor,
            name: None,
            bug: None,
            also: Vec::new(),
            formula: formula.into(),
            residual: Number(0.0),
            runner_up: None,
            fix: fix.into(),
            right: None,
            nearest: Vec::new(),
            depends: false,
            alternatives: Vec::new(),
            factor: None,
            row: None,
        }
    }
}

impl Finding {
    /// Takes the bug's name from it, which becomes one of those that it may be.
    pub fn doubt(&mut self, fix: impl Into<String>) {
        self.also.splice(0..0, self.bug.take());
        self.alternatives.clear();
        self.fix = fix.into();
    }
}

/// What became of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Which one.
    pub tensor: Slot,
    /// What the file calls it, if not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ok`, `wrong`, `not given` or `not checked`.
    pub status: Status,
    /// How far it is from the right one, computed from the file's own tensors before it.
    pub residual: Option<Number>,
}

/// What became of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// It is what it should be, given what it was computed from.
    #[serde(rename = "ok")]
    Ok,
    /// It is not.
    #[serde(rename = "wrong")]
    Wrong,
    /// The file does not have it.
    #[serde(rename = "not given")]
    NotGiven,
    /// It is there, but something it depends on is not.
    #[serde(rename = "not checked")]
    NotChecked,
}

/// A wrong tensor and what it should be, computed from the file's own tensors before it: samples, or inputs, by units.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// Which one.
    pub tensor: Slot,
    /// What the file has.
    pub given: Matrix,
    /// What is right.
    pub right: Matrix,
}

/// A number that JSON may not be able to hold: infinity and NaN become null.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Number(pub f64);

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The answer in one word.
    pub verdict: Verdict,
    /// The first wrong tensor in computing order.
    pub first_mismatch: Option<String>,
    /// Every mismatch, in computing order.
    pub findings: Vec<Finding>,
    /// Conventions recognised, warnings, and what to export to learn more.
    pub notes: Vec<String>,
    /// Every tensor.
    pub checked: Vec<Checked>,
    /// Arrays of which neither names nor numbers say what they are, although they have the shape of a tensor that the file lacks:
    /// a bug in them is not seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_understood: Vec<String>,
    /// The wrong tensors whose right numbers are known, in computing order.
    #[serde(skip)]
    pub beside: Vec<Beside>,
    /// Which of the file's steps it is, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// `theirs=ours`: names whose meaning was found from shapes and numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<String>,
}

impl Report {
    /// Says everything in the file's own names, given by ours.
    pub fn speak(&mut self, names: &BTreeMap<String, String>) {
        if names.is_empty() {
            return;
        }
        for checked in &mut self.checked {
            checked.name = names.get(&checked.tensor.to_string()).cloned();
        }
        for finding in &mut self.findings {
            finding.name = names.get(&finding.tensor.to_string()).cloned();
            let texts = [&mut finding.formula, &mut finding.fix].into_iter().chain(&mut finding.alternatives);
            let near = finding.nearest.iter_mut().map(|near| &mut near.formula);
            texts.chain(near).for_each(|text| *text = spoken(text, names, PROSE));
            if let Some(right) = &mut finding.right {
                right.code = spoken(&right.code, names, &[]);
                right
                    .operands
                    .iter_mut()
                    .for_each(|operand| operand.name = spoken(&operand.name, names, &[]));
            }
        }
        self.notes.iter_mut().for_each(|note| *note = spoken(note, names, PROSE));
    }

    /// Calls tensors that have no name of the file's own as `name` does, if it knows them.
    pub fn call(&mut self, name: impl Fn(Slot) -> Option<String>) {
        let given = self.checked.iter_mut().filter(|checked| checked.status != Status::NotGiven);
        let checked = given.map(|checked| (checked.tensor, &mut checked.name));
        let findings = self.findings.iter_mut().map(|finding| (finding.tensor, &mut finding.name));
        for (tensor, own) in checked.chain(findings).filter(|(_, own)| own.is_none()) {
            *own = name(tensor);
        }
    }

    /// 0 if clean, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.verdict != Verdict::Clean)
    }

    /// Whether a bug is named, alone or among those that cannot be told from it.
    pub fn names(&self, bug: Bug) -> bool {
        let named = |finding: &Finding| finding.bug == Some(bug) || finding.also.contains(&bug);
        self.findings.iter().any(|finding| finding.bug.is_some() && named(finding))
    }
}

/// Names that are words of prose, too.
const PROSE: &[&str] = &["loss", "accuracy"];

/// A text with the file's names for ours, but for those kept. What stands in backquotes is the file's already.
fn spoken(text: &str, names: &BTreeMap<String, String>, kept: &[&str]) -> String {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut said, mut word, mut quoted) = (String::new(), String::new(), false);
    for letter in text.chars().chain(['\0']) {
        if inside(letter) {
            word.push(letter);
            continue;
        }
        let known = names.get(&word).filter(|_| !quoted && !kept.contains(&word.as_str()));
        said.push_str(known.unwrap_or(&word));
        word.clear();
        quoted ^= letter == '`';
        said.push(letter);
    }
    said.pop();
    said
}
