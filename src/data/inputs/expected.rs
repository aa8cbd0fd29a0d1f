//! The inputs that a network expects, and errors for inputs that do not fit.

use std::path::Path;

use crate::data::scaling::LEAST_PIXELS;
use crate::data::{Frame, Preparation, Samples, Scaling, TableOptions};
use crate::error::{Error, Result};

/// What a network takes, and how inputs become it.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Values a sample.
    pub features: usize,
    /// How they are scaled.
    pub preparation: Preparation,
    /// Of tables: the column to leave out, by name or place from 0; if there is one too many, the usual names are known.
    pub label_column: Option<String>,
    /// Of tables: how they are read.
    pub table: TableOptions,
    /// How pictures are prepared.
    pub look: Look,
    /// Of tables: the column that has the rows' own names, if that is wanted.
    pub id_column: Option<String>,
}

/// How pictures are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// As the images that the network was trained on; if it does not say what those were, as they are.
    #[default]
    AsTrained,
    /// Made to look like MNIST's digits.
    Digits,
    /// As they are.
    Raw,
}

impl Expected {
    /// What it takes, of images.
    pub(super) fn in_words(&self) -> String {
        match self.preparation.frame {
            Some(Frame { rows, columns, colour, .. }) => {
                format!(
                    "images of {rows} x {columns} pixels{}",
                    if colour { ", in colours" } else { ", in grey" }
                )
            }
            None => format!("{} values, and does not say of what images", self.features),
        }
    }

    /// Whether what it takes are pixels, which are known by their places.
    pub(super) fn takes_pixels(&self) -> bool {
        let Preparation { scaling, frame, .. } = &self.preparation;
        frame.is_some() || (*scaling == Scaling::Bytes && self.features >= LEAST_PIXELS)
    }

    /// Samples in the form that the network was trained on, of values that are scaled.
    pub(super) fn samples(&self, values: &[f64], count: usize) -> Result<Samples> {
        let (features, unlabelled) = (self.features, vec![0; count]);
        match self.preparation.scaling {
            Scaling::Bytes => {
                let bytes = values.iter().map(|&value| value as u8).collect();
                Samples::new(features, bytes, unlabelled, 1)
            }
            Scaling::None | Scaling::Columns { .. } => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                Samples::of_floats(features, &values, unlabelled, 1)
            }
        }
    }

    /// The width and height of the grey images that the network was trained on, if it can have been square ones.
    pub(super) fn side(&self) -> Option<usize> {
        let side = self.features.isqrt();
        (side * side == self.features).then_some(side)
    }
}

/// Something that rows can be read from.
pub(super) trait Source: Send {
    /// Appends up to `rows` rows of unscaled values and says how many; none are left if that is 0. After an error, whole
    /// rows that came before it are there, and the rest is of no use.
    fn read(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize>;

    /// What is to be said of how it is read.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is to be said of what was read, at the end.
    fn closing_notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The rows' own names of what was read last, if they are wanted and there.
    fn ids(&mut self) -> Option<Vec<String>> {
        None
    }

    /// What was done to a picture before it was read.
    fn prepared(&self) -> Option<&str> {
        None
    }

    /// Whether its rows have numbers.
    fn has_rows(&self) -> bool;
}

/// What the network takes, for errors.
pub(super) fn wanted(path: &Path, got: &str, expected: &Expected) -> Error {
    let problem = format!("{got}, but the model takes {} values per sample", expected.features);
    Error::file(path, problem, "use data of the kind that the model was trained on")
}
