//! What the doctor found; serialises to the JSON that `gpu-mlp doctor --json` prints.

use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::hypothesis::Hypothesis;
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
    /// Right if one thing was meant, the bug in `also` if another: the formula says both.
    pub depends: bool,
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
            texts.for_each(|text| *text = spoken(text, names));
        }
        self.notes.iter_mut().for_each(|note| *note = spoken(note, names));
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

/// A text with the file's names for ours. What stands in backquotes is the file's already.
fn spoken(text: &str, names: &BTreeMap<String, String>) -> String {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut said, mut word, mut quoted) = (String::new(), String::new(), false);
    for letter in text.chars().chain(['\0']) {
        if inside(letter) {
            word.push(letter);
            continue;
        }
        // Words of prose, too, not only names.
        let known = names.get(&word).filter(|_| !quoted && word != "loss" && word != "accuracy");
        said.push_str(known.unwrap_or(&word));
        word.clear();
        quoted ^= letter == '`';
        said.push(letter);
    }
    said.pop();
    said
}
