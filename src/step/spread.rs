//! How the scores of several networks lie: the loss and each measure by itself.

use super::metrics::{Measure, Score};

/// Where several scores lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: Score,
    /// The root of the squared differences from the mean over their number less 1; absent of a single one.
    pub deviation: Option<Score>,
    /// The least of each number.
    pub lowest: Score,
    /// The largest of each number.
    pub highest: Score,
}

impl Spread {
    /// Of these scores; nothing of none.
    pub fn of(scores: &[Score]) -> Option<Self> {
        Some(Self {
            mean: of_each(scores, |values| Some(mean(values)))?,
            deviation: of_each(scores, deviation),
            lowest: of_each(scores, |values| values.iter().copied().reduce(f64::min))?,
            highest: of_each(scores, |values| values.iter().copied().reduce(f64::max))?,
        })
    }
}

/// The loss and each measure of several scores as one number each.
fn of_each(scores: &[Score], of: impl Fn(&[f64]) -> Option<f64>) -> Option<Score> {
    let losses: Vec<f64> = scores.iter().map(|score| score.loss).collect();
    let measures = scores.first()?.all().filter_map(|(measure, _)| {
        let values: Vec<f64> = scores.iter().filter_map(|score| score.get(measure)).collect();
        Some((measure, of(&values)?))
    });
    let with = |score: Score, (measure, value): (Measure, f64)| score.with(measure, value);
    Some(measures.fold(Score::of_loss(of(&losses)?), with))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Spread;
    use crate::step::metrics::{Measure, Score};

    #[test]
    fn a_spread_is_that_of_each_number_by_itself() {
        let score = |loss, r2| Score::of_loss(loss).with(Measure::R2, r2);
        let spread = Spread::of(&[score(1.0, 0.5), score(2.0, 0.2), score(6.0, 0.8)]).unwrap();
        assert_eq!(spread.mean, score(3.0, 0.5));
        assert_eq!((spread.lowest, spread.highest), (score(1.0, 0.2), score(6.0, 0.8)));
        let deviation = spread.deviation.unwrap();
        assert!((deviation.loss - 7.0_f64.sqrt()).abs() < 1e-12, "{deviation:?}");
        assert!((deviation.get(Measure::R2).unwrap() - 0.3).abs() < 1e-12, "{deviation:?}");
        assert_eq!(Spread::of(&[score(1.0, 0.5)]).unwrap().deviation, None);
        assert_eq!(Spread::of(&[]), None);
    }
}
