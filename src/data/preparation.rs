//! What is done to a table's values before a network sees them, fitted on the training part alone, and the names of the
//! classes: both belong to a model as much as its weights do.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How values are to be scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Bytes by 1 / 255; values that all lie in -1..1 not at all; others as `Standard`.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Each column to 0..1.
    Minmax,
    /// Each column to mean 0 and variance 1.
    Standard,
}

/// How values are scaled: x = (value - shift) · factor, column by column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Bytes: shift 0, factor 1 / 255.
    Bytes,
    /// Shift 0, factor 1.
    None,
    /// One shift and one factor a column.
    Columns {
        /// Subtracted first.
        shift: Vec<f32>,
        /// Multiplied by then; 0 for a column that is constant.
        factor: Vec<f32>,
    },
}

/// What a model has to know of a table beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// How its values were scaled.
    pub scaling: Scaling,
    /// The names of the classes, in the order of the network's outputs.
    pub class_names: Vec<String>,
}

impl Preparation {
    /// That of images: bytes, and classes that go by their numbers.
    pub fn of_images(classes: usize) -> Self {
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Self { scaling: Scaling::Bytes, class_names }
    }
}

/// Whether every value is one that a byte holds, and some are beyond 0 and 1.
fn are_bytes(values: &[f32]) -> bool {
    values.iter().all(|value| (0.0..=255.0).contains(value) && value.fract() == 0.0)
        && values.iter().any(|&value| value > 1.0)
}

impl Scaling {
    /// Fits a scaling to rows of `columns` values each.
    ///
    /// Source: the mean and the variance (divided by n) of Bishop, *Pattern Recognition and Machine Learning*, section
    /// 9.1, in f64.
    pub fn fit(scale: Scale, values: &[f32], columns: usize) -> Self {
        let per_column = |of: &dyn Fn(&mut dyn Iterator<Item = f64>) -> (f64, f64)| {
            let column = |c: usize| of(&mut values.iter().skip(c).step_by(columns).map(|&v| f64::from(v)));
            let inverse = |width: f64| if width > 0.0 { (1.0 / width) as f32 } else { 0.0 };
            let fitted = (0..columns).map(column).map(|(shift, width)| (shift as f32, inverse(width)));
            let (shift, factor) = fitted.unzip();
            Self::Columns { shift, factor }
        };
        match scale {
            Scale::None => Self::None,
            Scale::Auto if are_bytes(values) => Self::Bytes,
            Scale::Auto if values.iter().all(|value| value.abs() <= 1.0) => Self::None,
            Scale::Minmax => per_column(&|column| {
                let ends = (f64::INFINITY, f64::NEG_INFINITY);
                let (low, high) = column.fold(ends, |(low, high), v| (low.min(v), high.max(v)));
                (low, high - low)
            }),
            Scale::Auto | Scale::Standard => per_column(&|column| {
                let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
                for value in column {
                    // Welford's update: no difference of large sums.
                    n += 1.0;
                    let delta = value - mean;
                    mean += delta / n;
                    squares += delta * (value - mean);
                }
                (mean, f64::sqrt(squares / n))
            }),
        }
    }

    /// Scales rows in place. Bytes stay what they are: whoever reads them divides by 255.
    ///
    /// # Errors
    /// [`Error::Usage`] if the scaling is one of other columns, or of bytes, and some value is none.
    pub fn apply(&self, values: &mut [f32], columns: usize) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Bytes => match values.iter().find(|v| !(0.0..=255.0).contains(*v) || v.fract() != 0.0) {
                None => Ok(()),
                Some(value) => Err(Error::Usage(format!(
                    "the value {value} is no byte, and the network was trained on bytes scaled by 1/255\n  hint: use \
                     data of the same kind"
                ))),
            },
            Self::Columns { shift, .. } if shift.len() != columns => Err(Error::Usage(format!(
                "the data has {columns} columns, and the network was trained on {}",
                shift.len()
            ))),
            Self::Columns { shift, factor } => {
                for row in values.chunks_mut(columns) {
                    for ((value, shift), factor) in row.iter_mut().zip(shift).zip(factor) {
                        *value = (*value - shift) * factor;
                    }
                }
                Ok(())
            }
        }
    }
}
