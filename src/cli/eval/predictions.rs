//! `--predictions`: every sample's right answer and the predicted one, as a CSV file.

use std::path::Path;

use crate::data::{Outputs, Preparation, Samples, Split, Targets};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::training::answers;
use crate::training::{Model, evaluation};

/// Logits that are held at once, unless a single sample has more.
const LOGITS: usize = 1 << 20;

/// How logits become answers.
pub(super) struct Predictions<'a> {
    pub preparation: &'a Preparation,
    /// From which probability on the answer is yes, if that was asked for.
    pub thresholds: Option<&'a [f64]>,
}

impl Predictions<'_> {
    /// Writes the answers for samples that the model has been given.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written; what the model reports.
    pub async fn write(
        &self,
        path: &Path,
        model: &mut impl Model,
        split: Split,
        samples: &Samples,
    ) -> Result<()> {
        let mut file = AtomicFile::create(path)?;
        let failed = |error: csv::Error| Error::io("write", path)(error.into());
        let mut writer = csv::Writer::from_writer(file.file_mut());
        let first: &[&str] = if samples.file(0).is_some() { &["row", "file"] } else { &["row"] };
        let columns = first.iter().map(|&name| name.to_owned()).chain(self.columns());
        writer.write_record(columns.collect::<Vec<_>>()).map_err(failed)?;
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        let outputs = self.preparation.class_names.len().max(1);
        for piece in all.chunks((LOGITS / outputs).max(1)) {
            let logits = model.logits(split, piece).await?.map(f64::from);
            let answers = answers(&self.preparation.outputs, &logits);
            for (at, &sample) in piece.iter().enumerate() {
                let number = (u64::from(samples.origin(sample)) + 1).to_string();
                let cells = self.cells((logits.row(at), answers.row(at)), samples, sample);
                let file = samples.file(sample).map(str::to_owned);
                writer.write_record(std::iter::once(number).chain(file).chain(cells)).map_err(failed)?;
            }
        }
        writer.flush().map_err(Error::io("write", path))?;
        drop(writer);
        file.finish()
    }

    fn columns(&self) -> Vec<String> {
        let Preparation { class_names: names, outputs, .. } = self.preparation;
        let each = |words: &[&str]| -> Vec<String> {
            names.iter().flat_map(|name| words.iter().map(move |word| format!("{word} {name}"))).collect()
        };
        match outputs {
            Outputs::Classes => {
                [vec!["actual".to_owned(), "predicted".to_owned()], each(&["probability"])].concat()
            }
            Outputs::Labels => each(&["actual", "predicted", "probability"]),
            Outputs::Numbers { .. } => each(&["actual", "predicted"]),
        }
    }

    /// What is said of a sample: of its logits, and of what they answer.
    fn cells(&self, (logits, answers): (&[f64], &[f64]), samples: &Samples, sample: u32) -> Vec<String> {
        let Preparation { class_names: names, outputs, .. } = self.preparation;
        let targets = samples.targets();
        let text = |number: f64| (number as f32).to_string();
        let threshold = |at: usize| self.thresholds.and_then(|thresholds| thresholds.get(at).copied());
        match (targets, outputs) {
            (Targets::Classes(classes), _) => {
                let named = |class: usize| names.get(class).cloned().unwrap_or_default();
                let answer = evaluation::answer(logits, threshold(0));
                let both = [named(classes[sample as usize] as usize), named(answer)];
                both.into_iter().chain(answers.iter().copied().map(text)).collect()
            }
            (Targets::Values { .. }, Outputs::Numbers { .. }) => {
                let of = |(at, (&answer, &t)): (usize, (&f64, &f32))| {
                    [outputs.unscaled(at, t.into()), answer].map(text)
                };
                answers.iter().zip(targets.row(sample as usize)).enumerate().flat_map(of).collect()
            }
            (Targets::Values { .. }, _) => {
                let of = |(at, (&probability, &t)): (usize, (&f64, &f32))| {
                    let said = threshold(at).map_or(logits[at] > 0.0, |threshold| probability >= threshold);
                    [u8::from(t > 0.5).to_string(), u8::from(said).to_string(), text(probability)]
                };
                answers.iter().zip(targets.row(sample as usize)).enumerate().flat_map(of).collect()
            }
        }
    }
}
