//! How well a network's scores rank samples: ROC and precision-recall curves, the areas under them, and thresholds.
//!
//! A sample is positive (it has the class or the label) or negative. With P positives and N negatives, of which tp and fp have
//! at least the score s:
//!
//! ```text
//! recall = tp / P      fall-out = fp / N      precision = tp / (tp + fp)
//! ROC-AUC           = area under recall over fall-out, by trapezoids: equal scores count one half
//! average precision = Σ (recallᵢ - recallᵢ₋₁) · precisionᵢ      over the different scores, from the highest down
//! ```
//!
//! Both are scikit-learn's `roc_auc_score` and `average_precision_score`. Scores are log-odds, so that probabilities near 1 are
//! not taken for equal.

use crate::reference;

/// A score, and how many samples have at least it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    score: f64,
    positives: u64,
    negatives: u64,
}

/// Samples by their score, from the highest down.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranking {
    steps: Vec<Step>,
}

impl Ranking {
    /// Of the log-odds that a sample is positive, and whether it is.
    pub fn new(mut scored: Vec<(f64, bool)>) -> Self {
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<Step> = Vec::new();
        let (mut positives, mut negatives) = (0, 0);
        for (score, positive) in scored {
            positives += u64::from(positive);
            negatives += u64::from(!positive);
            let step = Step { score, positives, negatives };
            match steps.last_mut().filter(|last| last.score == score) {
                Some(last) => *last = step,
                None => steps.push(step),
            }
        }
        Self { steps }
    }

    fn totals(&self) -> (f64, f64) {
        self.steps.last().map_or((0.0, 0.0), |all| (all.positives as f64, all.negatives as f64))
    }

    /// The same samples, of which those are positive that were negative.
    pub fn reversed(&self) -> Self {
        let Some(all) = self.steps.last() else { return Self::default() };
        let counts = self.steps.iter().map(|step| (step.positives, step.negatives));
        let above = std::iter::once((0, 0)).chain(counts).take(self.steps.len()).collect::<Vec<_>>();
        let step = |(step, (positives, negatives)): (&Step, (u64, u64))| Step {
            score: -step.score,
            positives: all.negatives - negatives,
            negatives: all.positives - positives,
        };
        Self { steps: self.steps.iter().zip(above).rev().map(step).collect() }
    }

    /// The area under the ROC curve: the chance that a positive sample has a higher score than a negative one. None if samples of
    /// one kind are missing.
    pub fn roc_auc(&self) -> Option<f64> {
        let (positives, negatives) = self.totals();
        let (mut area, mut before) = (0.0, (0.0, 0.0));
        for step in &self.steps {
            let now = (step.positives as f64, step.negatives as f64);
            area += (now.1 - before.1) * f64::midpoint(now.0, before.0);
            before = now;
        }
        (positives > 0.0 && negatives > 0.0).then(|| area / (positives * negatives))
    }

    /// The area under the precision-recall curve, in steps. None if no sample is positive.
    pub fn average_precision(&self) -> Option<f64> {
        let (positives, _) = self.totals();
        let (mut area, mut before) = (0.0, 0.0);
        for step in &self.steps {
            let now = step.positives as f64;
            area += (now - before) * now / (step.positives + step.negatives) as f64;
            before = now;
        }
        (positives > 0.0).then(|| area / positives)
    }

    /// The probability from which on samples should be called positive for the highest F1; of equally good ones the highest. None
    /// if no sample is positive.
    pub fn best_threshold(&self) -> Option<f64> {
        let (positives, _) = self.totals();
        let f1 = |step: &Step| {
            2.0 * step.positives as f64 / (positives + (step.positives + step.negatives) as f64)
        };
        let mut best: Option<(f64, &Step)> = None;
        for step in &self.steps {
            let f1 = f1(step);
            if best.is_none_or(|(most, _)| f1 > most) {
                best = Some((f1, step));
            }
        }
        best.filter(|_| positives > 0.0).map(|(_, step)| reference::sigmoid(step.score))
    }

    /// Fall-out, recall and precision of calling samples positive from this probability on. None if samples of one kind are missing,
    /// or if no sample reaches it.
    pub fn at(&self, threshold: f64) -> Option<[f64; 3]> {
        let (positives, negatives) = self.totals();
        let reached = self.steps.iter().take_while(|step| reference::sigmoid(step.score) >= threshold);
        let Step { positives: right, negatives: wrong, .. } = reached.last()?;
        let (right, wrong) = (*right as f64, *wrong as f64);
        (positives > 0.0 && negatives > 0.0)
            .then(|| [wrong / negatives, right / positives, right / (right + wrong)])
    }

    /// Fall-out and recall, from (0, 0) to (1, 1), in about `most` points.
    pub fn roc(&self, most: usize) -> Vec<(f64, f64)> {
        let (positives, negatives) = self.totals();
        let point = |step: &Step| (step.negatives as f64 / negatives, step.positives as f64 / positives);
        std::iter::once((0.0, 0.0)).chain(self.thinned(most).map(point)).collect()
    }

    /// Recall and precision, from the highest score down, in about `most` points.
    pub fn precision_recall(&self, most: usize) -> Vec<(f64, f64)> {
        let (positives, _) = self.totals();
        let point = |step: &Step| {
            let said = (step.positives + step.negatives) as f64;
            (step.positives as f64 / positives, step.positives as f64 / said)
        };
        self.thinned(most).map(point).collect()
    }

    /// Some steps, at about equal numbers of samples, and always the last.
    fn thinned(&self, most: usize) -> impl Iterator<Item = &Step> {
        let last = self.steps.last().map_or(0, |all| all.positives + all.negatives);
        let stride = (last / most.max(1) as u64).max(1);
        let mut next = 0;
        self.steps.iter().filter(move |step| {
            let count = step.positives + step.negatives;
            let taken = count >= next || count == last;
            if taken {
                next = count + stride;
            }
            taken
        })
    }
}

/// The log-odds of each class: how much likelier it is than all others together.
///
/// ```text
/// oddsₖ = zₖ - ln Σ exp(zⱼ)      j ≠ k
/// ```
pub fn log_odds(logits: &[f64]) -> Vec<f64> {
    let top = reference::argmax(logits);
    let all: f64 = logits.iter().map(|z| (z - logits[top]).exp()).sum();
    let others = |class: usize| {
        // The largest term is taken out of the sum by leaving it out: a difference would lose all that is small beside it.
        let rest = |(_, z): (usize, &f64)| (z - logits[top]).exp();
        let without_top = || logits.iter().enumerate().filter(|(other, _)| *other != top).map(rest).sum();
        if class == top { without_top() } else { all - (logits[class] - logits[top]).exp() }
    };
    (0..logits.len()).map(|class| logits[class] - logits[top] - others(class).ln()).collect()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{Ranking, log_odds};

    #[test]
    fn a_threshold_is_a_point_of_both_curves() {
        let ranking = Ranking::new(vec![(2.0, true), (1.0, false), (0.0, true), (-1.0, false)]);
        assert_eq!(ranking.at(0.5), Some([0.5, 1.0, 2.0 / 3.0]), "the odds of 0 are a half");
        assert_eq!(ranking.at(0.6), Some([0.5, 0.5, 0.5]));
        assert_eq!(ranking.at(0.9), None, "no sample reaches it");
        assert_eq!(Ranking::new(vec![(1.0, true)]).at(0.5), None, "there is no negative one");
    }

    #[test]
    fn a_perfect_and_a_reversed_ranking_have_areas_of_one_and_none() {
        let right = Ranking::new(vec![(2.0, true), (1.0, true), (-1.0, false)]);
        assert_eq!((right.roc_auc(), right.average_precision()), (Some(1.0), Some(1.0)));
        let wrong = Ranking::new(vec![(2.0, false), (1.0, true)]);
        assert_eq!((wrong.roc_auc(), wrong.average_precision()), (Some(0.0), Some(0.5)));
        let equal = Ranking::new(vec![(0.0, false), (0.0, true), (0.0, true), (0.0, false)]);
        assert_eq!((equal.roc_auc(), equal.average_precision()), (Some(0.5), Some(0.5)));
        let one_kind = Ranking::new(vec![(0.0, false), (1.0, false)]);
        assert_eq!((one_kind.roc_auc(), one_kind.average_precision()), (None, None));
        assert_eq!(one_kind.best_threshold(), None);
    }

    /// Scikit-learn 1.9 gave these for y and s with many equal scores.
    #[test]
    fn areas_are_those_of_scikit_learn() {
        let s = [0.9, 0.8, 0.8, 0.8, 0.55, 0.5, 0.5, 0.4, 0.4, 0.1, 0.1, 0.1];
        let y = [1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1];
        let ranking = Ranking::new(s.into_iter().zip(y.map(|y| y == 1)).collect());
        let number = |area: Option<f64>| area.unwrap_or(f64::NAN);
        let (auc, precision) = (number(ranking.roc_auc()), number(ranking.average_precision()));
        assert!((auc - ROC_AUC).abs() < 1e-15, "{auc}");
        assert!((precision - AVERAGE_PRECISION).abs() < 1e-15, "{precision}");
    }

    const ROC_AUC: f64 = 0.666_666_666_666_666_7;
    const AVERAGE_PRECISION: f64 = 0.687_830_687_830_687_8;

    /// By their definitions: pairs of samples, and thresholds one by one.
    #[test]
    fn areas_are_those_of_pairs_and_of_thresholds() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for round in 0..200 {
            let count = rng.random_range(2..40);
            let few = round % 2 == 0;
            let scored: Vec<(f64, bool)> = (0..count)
                .map(|_| {
                    let score: f64 = rng.random_range(-3.0..3.0);
                    (if few { score.round() } else { score }, rng.random_bool(0.4))
                })
                .collect();
            let ranking = Ranking::new(scored.clone());
            let of = |kind: bool| scored.iter().filter(move |(_, positive)| *positive == kind);
            let pairs = of(true).flat_map(|(a, _)| of(false).map(move |(b, _)| (a, b)));
            let won: f64 = pairs
                .clone()
                .map(|(a, b)| {
                    if a > b {
                        1.0
                    } else if a == b {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum();
            let expected = (pairs.clone().count() > 0).then(|| won / pairs.count() as f64);
            assert_eq!(ranking.roc_auc().is_some(), expected.is_some());
            assert!((ranking.roc_auc().unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12);
            if of(true).count() == 0 {
                continue;
            }
            let mut thresholds: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
            thresholds.sort_by(|a, b| b.total_cmp(a));
            thresholds.dedup();
            let at = |threshold: f64| {
                let said = scored.iter().filter(|(score, _)| *score >= threshold);
                let right = said.clone().filter(|(_, positive)| *positive).count() as f64;
                (right / of(true).count() as f64, right / said.count() as f64)
            };
            let (mut area, mut before) = (0.0, 0.0);
            for &threshold in &thresholds {
                let (recall, precision) = at(threshold);
                area += (recall - before) * precision;
                before = recall;
            }
            assert!((ranking.average_precision().unwrap_or(f64::NAN) - area).abs() < 1e-12);
            let f1 = |threshold: f64| {
                let (recall, precision) = at(threshold);
                if recall == 0.0 { 0.0 } else { 2.0 * recall * precision / (recall + precision) }
            };
            let best = ranking.best_threshold().unwrap_or(f64::NAN);
            let odds = (best / (1.0 - best)).ln();
            let most = thresholds.iter().map(|&threshold| f1(threshold)).fold(0.0, f64::max);
            let nearest = thresholds.iter().copied().find(|threshold| (threshold - odds).abs() < 1e-9);
            assert!((f1(nearest.unwrap_or(f64::NAN)) - most).abs() < 1e-12, "{best}");
            let negated = scored.iter().map(|&(score, positive)| (-score, !positive)).collect();
            assert_eq!(ranking.reversed(), Ranking::new(negated));
            for points in [ranking.roc(10), ranking.roc(usize::MAX)] {
                assert_eq!((points[0].0, points[0].1), (0.0, 0.0));
                assert!(points.is_sorted_by(|a, b| a.1 <= b.1), "{points:?}");
            }
        }
    }

    #[test]
    fn log_odds_of_two_classes_are_their_difference() {
        let close = |odds: Vec<f64>, wanted: &[f64]| {
            odds.iter().zip(wanted).all(|(odds, wanted)| (odds - wanted).abs() < 1e-14 * wanted.abs())
        };
        assert!(close(log_odds(&[1.0, 3.5]), &[-2.5, 2.5]));
        assert!(close(log_odds(&[0.0; 3]), &[-(2.0_f64.ln()); 3]));
        assert!(close(log_odds(&[90.0, 0.0]), &[90.0, -90.0]), "though both probabilities are 1 and 0");
    }
}
