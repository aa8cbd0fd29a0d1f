//! A network's score on a part of a data set: from an engine's sums if they are enough, else from its outputs.

use super::figures::Figures;
use super::model::Model;
use super::scoring::hits;
use crate::data::{Dataset, Outputs, Split, Targets};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::network::Loss;
use crate::reference::Matrix;
use crate::step::metrics::{Score, Sums};

/// Outputs that are held at once, unless a single sample has more.
const OUTPUTS: usize = 1 << 20;

/// What samples are judged by.
pub struct Judge {
    loss: Loss,
    outputs: Outputs,
    /// Of each split, where they are numbers.
    targets: Option<[Option<Targets>; Split::ALL.len()]>,
}

impl Judge {
    /// Of a loss and a data set that has targets for it.
    pub fn new(loss: Loss, dataset: &Dataset) -> Self {
        let targets = |split: Split| dataset.split(split).ok().map(|samples| samples.targets().clone());
        let classes = matches!(dataset.train.targets(), Targets::Classes(_));
        let targets = (!classes).then(|| Split::ALL.map(targets));
        Self { loss, outputs: dataset.preparation.outputs.clone(), targets }
    }

    /// The score on the training samples.
    pub fn trained(&self, sums: &Sums) -> Score {
        sums.score_of(hits(self.loss.task()))
    }

    /// The score on these samples.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn score(&self, engine: &mut impl Engine, split: Split, samples: &[u32]) -> Result<Score> {
        match self.figures(engine, split, samples, None, |_, _, _| {}).await? {
            Some(figures) => Ok(figures.score(self.loss)),
            None => Ok(self.trained(&engine.evaluate(split, samples).await?)),
        }
    }

    /// The figures of labels and numbers; none of classes. Labels are said to be there from `thresholds` on. `each` is told of every sample: its number, what the network puts
    /// out, and what it should.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn figures(
        &self,
        model: &mut impl Model,
        split: Split,
        samples: &[u32],
        thresholds: Option<&[f64]>,
        mut each: impl FnMut(u32, &[f32], &[f32]),
    ) -> Result<Option<Figures>> {
        let Some(targets) = &self.targets else { return Ok(None) };
        let Some(targets) = &targets[split as usize] else {
            return Err(Error::Internal(format!("no {} samples to be judged", split.name())));
        };
        let width = targets.row(0).len();
        let mut figures = Figures::new(width);
        if let Some(thresholds) = thresholds {
            figures = figures.with_thresholds(thresholds);
        }
        for piece in samples.chunks((OUTPUTS / width).max(1)) {
            let z = model.logits(split, piece).await?;
            for (row, &sample) in piece.iter().enumerate() {
                let (z, t) = (z.row(row), targets.row(sample as usize));
                let [wide, aim] = [z, t].map(|row| Matrix::from_fn(1, width, |_, c| f64::from(row[c])));
                figures.count(&self.outputs, self.loss.of_rows(&wide, &aim, 0.0)[0], z, t);
                each(sample, z, t);
            }
        }
        Ok(Some(figures))
    }
}
