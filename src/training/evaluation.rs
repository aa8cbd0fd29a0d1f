//! The evaluation of a trained network on a part of a data set: its score, its confusion matrix, the scores of each class,
//! how it ranks samples, and its most confident mistakes.

use super::Judge;
use super::figures::{LabelScore, TargetScore};
use super::model::Model;
use super::ranking::{Ranking, log_odds};
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::network::{Loss, Task};
use crate::step::metrics::{Measure, Score};
use crate::{memory, reference};

/// What is to be found out beside the scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// So many mistakes are kept.
    pub mistakes: usize,
    /// Of classes: the share of samples whose class is among so many with the largest logits.
    pub top: Option<usize>,
    /// The probability from which on the answer is yes: of the second of two classes, or of each label. Without it the answer is
    /// the larger logit, and a label's probability has to be above one half.
    pub thresholds: Option<Vec<f64>>,
}

/// What a network does on some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Loss and accuracy.
    pub score: Score,
    /// What was answered for what; of labels and numbers nothing.
    pub confusion: Confusion,
    /// Of labels: what the network is worth for each.
    pub labels: Vec<LabelScore>,
    /// Of numbers: what it is worth for each target.
    pub targets: Vec<TargetScore>,
    /// Of numbers: some samples, evenly taken, in the targets' own unit.
    pub points: Vec<Point>,
    /// The mistakes with the highest probability of the wrong answer, highest first.
    pub mistakes: Vec<Mistake>,
    /// Of each label or class, of two classes only of the second: how samples are ranked by its probability. Empty if there are
    /// more than [`RANKED`] probabilities.
    pub rankings: Vec<Ranking>,
    /// The share of samples whose class is among those with the largest logits, if that was asked for; of equal logits the first
    /// counts as larger.
    pub top: Option<f64>,
}

/// A sample's target and what the network says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Which of the targets.
    pub target: usize,
    /// What it is.
    pub actual: f64,
    /// What the network says.
    pub predicted: f64,
}

/// A sample and the wrong answer for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mistake {
    /// Its place in its part of the data set, from 0.
    pub sample: u32,
    /// The right class.
    pub label: usize,
    /// The class with the largest logit.
    pub answer: usize,
    /// The network's probability of its answer.
    pub probability: f64,
    /// The network's probability of the right class.
    pub of_right: f64,
}

/// How often each class was taken for each: a row a right class, a column an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

/// What a network's answers are worth for one class; a measure is absent where its denominator is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// Samples of the class.
    pub samples: u64,
    /// Of the answers with this class, the part that is right.
    pub precision: Option<f64>,
    /// Of the samples of this class, the part that is found.
    pub recall: Option<f64>,
    /// The harmonic mean of both: 2 · right / (samples + answers).
    pub f1: Option<f64>,
}

/// Two classes, and how often the one was taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confused {
    /// The right class.
    pub label: usize,
    /// The answer.
    pub answer: usize,
    /// Times.
    pub count: u64,
}

impl Confusion {
    /// Of no samples yet.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts a sample.
    ///
    /// # Panics
    /// If there is no such class, as slice indexing does.
    pub fn count(&mut self, label: usize, answer: usize) {
        self.counts[label][answer] += 1;
    }

    /// How many samples were answered with their own class.
    pub fn right(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// The counts: a row a right class, a column an answer.
    pub fn rows(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// One score a class.
    pub fn classes(&self) -> Vec<ClassScore> {
        let mut answers = vec![0; self.counts.len()];
        for row in &self.counts {
            answers.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        let score = |(class, row): (usize, &Vec<u64>)| {
            let (right, samples) = (row[class], row.iter().sum());
            let (precision, recall) = (share(right, answers[class]), share(right, samples));
            ClassScore { samples, precision, recall, f1: share(2 * right, samples + answers[class]) }
        };
        self.counts.iter().enumerate().map(score).collect()
    }

    /// The pairs of classes that were confused, the most frequent first.
    pub fn confused(&self) -> Vec<Confused> {
        let row = |(label, row): (usize, &Vec<u64>)| {
            let counted =
                row.iter().enumerate().filter(move |&(answer, &count)| answer != label && count > 0);
            counted.map(move |(answer, &count)| Confused { label, answer, count }).collect::<Vec<_>>()
        };
        let mut pairs: Vec<Confused> = self.counts.iter().enumerate().flat_map(row).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
        pairs
    }
}

/// Samples of a regression that are kept to be drawn.
const POINTS: usize = 500;

/// The most probabilities that are ranked: 256 MiB of them.
pub const RANKED: usize = 1 << 24;

/// Logits that are held at once, unless a single sample has more.
const LOGITS: usize = 1 << 20;

/// The class that logits predict: that of the largest one, or of two the second if its probability reaches the threshold.
pub fn answer<T: Copy + PartialOrd + Into<f64>>(logits: &[T], threshold: Option<f64>) -> usize {
    match (threshold, logits) {
        (Some(threshold), &[no, yes]) => usize::from(reference::sigmoid(yes.into() - no.into()) >= threshold),
        _ => reference::argmax(logits),
    }
}

/// Gives a model a part of a data set and measures it on that, in pieces.
///
/// # Errors
/// What the engine reports; [`Error::Usage`] if there is no memory for a confusion matrix of so many
/// classes.
pub async fn evaluate(
    model: &mut impl Model,
    loss: Loss,
    dataset: &Dataset,
    split: Split,
    question: &Question,
) -> Result<Evaluation> {
    let samples = dataset.split(split)?;
    model.load(split, samples.clone()).await?;
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    evaluate_some(model, loss, dataset, (split, &all), question).await
}

/// Measures a model on samples of a part that it has been given.
///
/// # Errors
/// As [`evaluate`].
pub async fn evaluate_some(
    model: &mut impl Model,
    loss: Loss,
    dataset: &Dataset,
    (split, all): (Split, &[u32]),
    question: &Question,
) -> Result<Evaluation> {
    let samples = dataset.split(split)?;
    if loss.task() != Task::Classification {
        return evaluate_values(model, loss, dataset, split, all, question).await;
    }
    let classes = dataset.preparation.class_names.len();
    let cells = (classes as u64).saturating_mul(classes as u64);
    memory::require(cells.saturating_mul(8), "a confusion matrix", "measure a network of fewer classes")?;
    let (sums, mut loss_sum) = (model.evaluate(split, all).await?, 0.0);
    let (mut confusion, mut mistakes, mut among_top) = (Confusion::new(classes), Vec::new(), 0_usize);
    let mut ranked = Ranked::new(if classes == 2 { 1 } else { classes }, all.len());
    let threshold = question.thresholds.as_ref().and_then(|thresholds| thresholds.first().copied());
    for piece in all.chunks((LOGITS / classes.max(1)).max(1)) {
        let logits = model.logits(split, piece).await?;
        for (row, &sample) in piece.iter().enumerate() {
            let (logits, label) = (logits.row(row), samples.labels()[sample as usize] as usize);
            let answer = answer(logits, threshold);
            confusion.count(label, answer);
            if sums.is_none() {
                let wide: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
                loss_sum += reference::log_sum_exp(&wide) - wide[label];
            }
            if answer != label && question.mistakes > 0 {
                mistakes.push(mistake(sample, label, answer, logits));
            }
            if let Some(top) = question.top {
                among_top += usize::from(rank(logits, label) < top);
            }
            if ranked.is_open() {
                let logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
                let odds = log_odds(&logits);
                let own = odds.iter().enumerate().skip(usize::from(classes == 2));
                ranked.push(own.map(|(class, &odds)| (odds, class == label)));
            }
        }
        // Of equals, those that come first are kept.
        mistakes.sort_by(|a: &Mistake, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(question.mistakes);
    }
    let right = confusion.right() as f64 / all.len() as f64;
    let score = match sums {
        Some(sums) if threshold.is_none() => sums.score(),
        Some(sums) => sums.score().with(Measure::Accuracy, right),
        None => Score::of_loss(loss_sum / all.len() as f64).with(Measure::Accuracy, right),
    };
    let (labels, targets, points) = Default::default();
    let (rankings, top) = (ranked.finish(), question.top.map(|_| among_top as f64 / all.len() as f64));
    Ok(Evaluation { score, confusion, labels, targets, points, mistakes, rankings, top })
}

/// Of labels and numbers.
async fn evaluate_values(
    model: &mut impl Model,
    loss: Loss,
    dataset: &Dataset,
    split: Split,
    all: &[u32],
    question: &Question,
) -> Result<Evaluation> {
    let outputs = &dataset.preparation.outputs;
    let stride = all.len().div_ceil(POINTS).max(1);
    let (mut points, is_number) = (Vec::new(), loss.task() == Task::Regression);
    let width = if is_number { 0 } else { dataset.preparation.class_names.len() };
    let mut ranked = Ranked::new(width, all.len());
    let judge = Judge::new(loss, dataset);
    let thresholds = question.thresholds.as_deref();
    let figures = judge
        .figures(model, split, all, thresholds, |sample, z, t| {
            if is_number && (sample as usize).is_multiple_of(stride) {
                points.extend(z.iter().zip(t).enumerate().map(|(target, (&z, &t))| Point {
                    target,
                    actual: outputs.unscaled(target, t.into()),
                    predicted: outputs.unscaled(target, z.into()),
                }));
            }
            if ranked.is_open() {
                ranked.push(z.iter().zip(t).map(|(&z, &t)| (f64::from(z), t > 0.5)));
            }
        })
        .await?;
    let figures = figures.ok_or_else(|| Error::Internal("targets that are classes".into()))?;
    let (confusion, mistakes) = (Confusion::new(0), Vec::new());
    let labels = if is_number { Vec::new() } else { figures.labels() };
    let targets = if is_number { figures.targets() } else { Vec::new() };
    let (score, rankings) = (figures.score(loss), ranked.finish());
    Ok(Evaluation { score, confusion, labels, targets, points, mistakes, rankings, top: None })
}

/// The log-odds of outputs, sample by sample, and whether they are right.
struct Ranked {
    /// Of each output; of too many none.
    outputs: Vec<Vec<(f64, bool)>>,
}

impl Ranked {
    fn new(outputs: usize, samples: usize) -> Self {
        let fits = outputs.saturating_mul(samples) <= RANKED;
        Self { outputs: vec![Vec::new(); if fits { outputs } else { 0 }] }
    }

    fn is_open(&self) -> bool {
        !self.outputs.is_empty()
    }

    fn push(&mut self, odds: impl Iterator<Item = (f64, bool)>) {
        self.outputs.iter_mut().zip(odds).for_each(|(output, odds)| output.push(odds));
    }

    fn finish(self) -> Vec<Ranking> {
        self.outputs.into_iter().map(Ranking::new).collect()
    }
}

/// How many classes have a larger logit; of equal ones the first counts as larger.
fn rank(logits: &[f32], label: usize) -> usize {
    let own = logits[label];
    let larger = |(class, z): &(usize, &f32)| **z > own || (**z == own && *class < label);
    logits.iter().enumerate().filter(larger).count()
}

fn mistake(sample: u32, label: usize, answer: usize, logits: &[f32]) -> Mistake {
    let logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
    let all = reference::log_sum_exp(&logits);
    let probability = |class: usize| (logits[class] - all).exp();
    Mistake { sample, label, answer, probability: probability(answer), of_right: probability(label) }
}

#[cfg(test)]
mod tests {
    use crate::training::evaluation::{ClassScore, Confusion, mistake, rank};

    #[test]
    fn classes_are_scored_by_their_rows_and_columns() {
        let mut confusion = Confusion::new(3);
        for (label, answer) in [(0, 0), (0, 0), (0, 1), (1, 0), (1, 0), (1, 1)] {
            confusion.count(label, answer);
        }
        let classes = confusion.classes();
        let zero =
            ClassScore { samples: 3, precision: Some(0.5), recall: Some(2.0 / 3.0), f1: Some(4.0 / 7.0) };
        assert_eq!(classes[0], zero);
        let never = ClassScore { samples: 0, precision: None, recall: None, f1: None };
        assert_eq!(classes[2], never, "a class that never occurs has no measures");
        let pairs: Vec<_> =
            confusion.confused().iter().map(|pair| (pair.label, pair.answer, pair.count)).collect();
        assert_eq!(pairs, [(1, 0, 2), (0, 1, 1)]);
    }

    #[test]
    fn of_equal_logits_the_first_counts_as_larger() {
        let logits = [1.0, 3.0, 1.0, 2.0];
        assert_eq!([0, 1, 2, 3].map(|class| rank(&logits, class)), [2, 0, 3, 1]);
    }

    #[test]
    fn a_mistake_knows_both_probabilities() {
        let found = mistake(7, 2, 0, &[2.0_f32.ln(), 0.0, 0.0]);
        assert!((found.probability - 0.5).abs() < 1e-7 && (found.of_right - 0.25).abs() < 1e-7, "{found:?}");
    }
}
