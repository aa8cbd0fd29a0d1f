//! Predictions as lines for people, or of JSON.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::output::{json, note};
use crate::data::inputs::Name;
use crate::data::{Outputs, Preparation};
use crate::error::Result;
use crate::reference::Matrix;
use crate::training::answers;
use crate::words::numerals::short;

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    input: &'a str,
    /// From 0; pictures have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    /// What was done to a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared: Option<&'a str>,
    #[serde(flatten)]
    said: Said<'a>,
}

/// What a network says of an input.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Class {
        #[serde(flatten)]
        first: Answer<'a>,
        /// The most probable classes, with --top.
        #[serde(skip_serializing_if = "Option::is_none")]
        top: Option<Vec<Answer<'a>>>,
    },
    /// Of labels or numbers.
    Outputs { outputs: Vec<OutputLine<'a>> },
}

/// One output of a network of labels or numbers.
#[derive(Serialize)]
struct OutputLine<'a> {
    name: &'a str,
    /// That the input has the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// In the target's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Of either between the members of an ensemble.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

#[derive(Serialize, Clone, Copy)]
struct Answer<'a> {
    class: &'a str,
    /// Of the network's output.
    index: usize,
    probability: f64,
    /// Of that between the members of an ensemble.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

/// What is said of a sample: probabilities or numbers.
#[derive(Clone, Copy)]
struct Answers<'a> {
    said: &'a [f64],
    /// Of each between the members of an ensemble.
    deviation: Option<&'a [f64]>,
}

impl Answers<'_> {
    fn deviation_of(&self, output: usize) -> Option<f64> {
        self.deviation.and_then(|all| all.get(output).copied())
    }
}

/// What stands behind a number that members of an ensemble differ in.
fn more_or_less(deviation: Option<String>) -> String {
    deviation.map_or(String::new(), |deviation| format!(" ± {deviation}"))
}

fn percent(probability: f64, deviation: Option<f64>) -> String {
    let deviation = more_or_less(deviation.map(|deviation| format!("{:.2}", 100.0 * deviation)));
    format!("{:6.2}{deviation} %", 100.0 * probability)
}

/// Turns probabilities into lines.
pub(super) struct Printer<'a> {
    /// So many classes are shown.
    top: usize,
    json: bool,
    classes: &'a [String],
    /// What the network's outputs stand for.
    outputs: &'a Outputs,
    /// Of the longest name so far.
    width: usize,
    /// What has been said of how pictures are prepared.
    told: HashSet<Arc<str>>,
}

impl<'a> Printer<'a> {
    /// Of a model that was prepared so.
    pub fn new(top: usize, json: bool, preparation: &'a Preparation) -> Self {
        let Preparation { class_names: classes, outputs, .. } = preparation;
        Self { top, json, classes, outputs, width: 0, told: HashSet::new() }
    }

    /// A line for each of these logits; of an ensemble with the deviation between its members.
    pub fn lines(&mut self, names: &[Name], logits: &Matrix, deviation: Option<&[f64]>) -> Result<String> {
        for prepared in names.iter().filter_map(|name| name.prepared.as_ref()) {
            if &**prepared != "taken as it is" && self.told.insert(prepared.clone()) {
                note(&format!("images are {prepared} (--raw takes them as they are)"));
            }
        }
        let answers = answers(self.outputs, logits);
        let outputs = answers.cols();
        let deviation = |row: usize| deviation.map(|all| &all[row * outputs..(row + 1) * outputs]);
        let answer = |row: usize| Answers { said: answers.row(row), deviation: deviation(row) };
        self.text(names.iter().enumerate().map(|(row, name)| (name, answer(row))))
    }

    /// What a network of labels or numbers says, output by output.
    fn outputs(&self, answers: Answers<'_>) -> Vec<OutputLine<'_>> {
        let is_label = *self.outputs == Outputs::Labels;
        self.classes
            .iter()
            .zip(answers.said)
            .enumerate()
            .map(|(output, (name, &answer))| OutputLine {
                name,
                probability: is_label.then_some(answer),
                value: (!is_label).then_some(answer),
                deviation: answers.deviation_of(output),
            })
            .collect()
    }

    fn text<'b>(&mut self, rows: impl Iterator<Item = (&'b Name, Answers<'b>)> + Clone) -> Result<String> {
        let shown = |name: &Name| match name.row {
            Some(row) => format!("{}[{row}]", name.input),
            None => name.input.to_string(),
        };
        let mut text = String::new();
        if !self.json {
            let longest = rows.clone().map(|(name, _)| shown(name).chars().count()).max();
            self.width = self.width.max(longest.unwrap_or(0));
        }
        let class_width = self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
        for (name, answers) in rows {
            let said = self.said(answers);
            if self.json {
                let (event, input, row) = ("prediction", &*name.input, name.row);
                let prepared = name.prepared.as_deref();
                text.push_str(&json(&Line { event, input, row, prepared, said })?);
            } else {
                let _ = write!(text, "{:width$}", shown(name), width = self.width);
                match said {
                    Said::Class { first, top } => {
                        for Answer { class, probability, deviation, .. } in top.unwrap_or_else(|| vec![first])
                        {
                            let _ =
                                write!(text, "  {class:class_width$} {}", percent(probability, deviation));
                        }
                    }
                    Said::Outputs { outputs } => {
                        for OutputLine { name, probability, value, deviation } in outputs {
                            let said = match (probability, value.unwrap_or_default()) {
                                (Some(probability), _) => percent(probability, deviation),
                                (None, value) => short(value) + &more_or_less(deviation.map(short)),
                            };
                            let _ = write!(text, "  {name} {said}");
                        }
                    }
                }
            }
            text.push('\n');
        }
        Ok(text)
    }

    fn said(&self, answers: Answers<'_>) -> Said<'_> {
        if !self.outputs.are_classes() {
            return Said::Outputs { outputs: self.outputs(answers) };
        }
        let ranked = self.ranked(answers);
        Said::Class { first: ranked[0], top: (self.top > 1).then_some(ranked) }
    }

    /// The most probable classes; of equal ones the first comes first.
    fn ranked(&self, answers: Answers<'_>) -> Vec<Answer<'_>> {
        let probabilities = answers.said;
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let answer = |index: usize| {
            let class = self.classes.get(index).map(String::as_str).unwrap_or_default();
            let deviation = answers.deviation_of(index);
            Answer { class, index, probability: probabilities[index], deviation }
        };
        order.into_iter().take(self.top).map(answer).collect()
    }
}
