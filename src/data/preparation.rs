//! The scaling of values for a network, fitted to the training set alone, and the names of the classes:
//! both belong to a model as much as its weights do.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Format;
use super::schema::Schema;
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;

/// How values are to be scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Bytes by 1 / 255; values that all lie in -1..1 not at all; others as by `standard`.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Each column to 0..1.
    Minmax,
    /// Each column to mean 0 and variance 1.
    Standard,
}

impl Scale {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Auto, Self::None, Self::Minmax, Self::Standard];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Minmax => "minmax",
            Self::Standard => "standard",
        }
    }
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

/// What a network's outputs stand for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// A logit for each class, of which a sample has one.
    #[default]
    Classes,
    /// A logit for each label, of which a sample may have any number.
    Labels,
    /// Numbers, standardised: `(y - mean) / deviation`, each target with its own mean and deviation in the training set.
    Numbers {
        /// Subtracted first.
        mean: Vec<f32>,
        /// Divided by then: greater than 0.
        deviation: Vec<f32>,
    },
}

impl Outputs {
    /// Whether they are classes.
    pub fn are_classes(&self) -> bool {
        *self == Self::Classes
    }

    /// What a network's output number `column` says, in the target's own unit.
    pub fn unscaled(&self, column: usize, output: f64) -> f64 {
        match self {
            Self::Classes | Self::Labels => output,
            Self::Numbers { mean, deviation } => {
                output * f64::from(deviation[column]) + f64::from(mean[column])
            }
        }
    }
}

/// What a model has to know of its data beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// How values were scaled.
    pub scaling: Scaling,
    /// The names of the classes, labels or targets, in the order of the network's outputs.
    pub class_names: Vec<String>,
    /// What the outputs stand for; absent in files of version 0.1.0, whose networks are all classifiers.
    #[serde(default, skip_serializing_if = "Outputs::are_classes")]
    pub outputs: Outputs,
    /// The columns of the table, if the inputs were columns with names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

impl Preparation {
    /// That of images of bytes whose classes are called by their numbers.
    pub fn of_images(classes: usize) -> Self {
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Self { scaling: Scaling::Bytes, class_names, outputs: Outputs::Classes, schema: None }
    }

    /// What a network that was trained with this is asked for.
    pub fn task(&self) -> Task {
        match self.outputs {
            Outputs::Classes => Task::Classification,
            Outputs::Labels => Task::MultiLabel,
            Outputs::Numbers { .. } => Task::Regression,
        }
    }

    /// Whether a network of so many inputs and outputs can have been trained with this.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, inputs: usize, classes: usize) -> Result<(), String> {
        let names = self.class_names.len();
        if names != classes {
            return Err(format!("it names {names} classes, but its network has {classes}"));
        }
        if let Outputs::Numbers { mean, deviation } = &self.outputs {
            let sound = mean.iter().all(|mean| mean.is_finite())
                && deviation.iter().all(|deviation| deviation.is_finite() && *deviation > 0.0);
            if (mean.len(), deviation.len()) != (classes, classes) || !sound {
                return Err(format!(
                    "it does not scale the {classes} outputs of its network by finite numbers"
                ));
            }
        }
        if let Some(schema) = self.schema.as_ref().filter(|schema| schema.inputs.len() != inputs) {
            let named = schema.inputs.len();
            return Err(format!("it names {named} columns, and its network has {inputs} inputs"));
        }
        let Scaling::Columns { shift, factor } = &self.scaling else { return Ok(()) };
        if (shift.len(), factor.len()) != (inputs, inputs) {
            let (shifts, factors) = (shift.len(), factor.len());
            return Err(format!(
                "it has {shifts} shifts and {factors} factors for scaling, but its network has {inputs} inputs"
            ));
        }
        match shift.iter().chain(factor).all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err("it scales inputs by numbers that are not finite".into()),
        }
    }
}

/// Rows of fewer values than 8 x 8 are no images of numbers: small whole numbers are common in tables.
pub const LEAST_PIXELS: usize = 64;

/// Whether numbers are bytes of images that were written as numbers: whole, from 0 to 255, some in the upper half, and
/// many a row.
fn are_bytes(values: impl Iterator<Item = f32> + Clone, columns: usize) -> bool {
    columns >= LEAST_PIXELS
        && are_whole_bytes(values.clone())
        && values.into_iter().any(|value| value > 127.0)
}

/// Whether every value is one that a byte holds.
pub fn are_whole_bytes(mut values: impl Iterator<Item = f32>) -> bool {
    values.all(|value| (0.0..=255.0).contains(&value) && value.fract() == 0.0)
}

/// Two numbers for each column, taken along with every row: the ends, or mean and sum of squares.
struct Moments {
    rows: f64,
    pairs: Vec<(f64, f64)>,
}

impl Moments {
    fn of(
        values: impl Iterator<Item = f32>,
        columns: usize,
        start: (f64, f64),
        update: impl Fn(&mut (f64, f64), f64, f64),
    ) -> Self {
        let mut moments = Self { rows: 0.0, pairs: vec![start; columns] };
        for (i, value) in values.enumerate() {
            let column = i % columns;
            moments.rows += f64::from(u8::from(column == 0));
            update(&mut moments.pairs[column], f64::from(value), moments.rows);
        }
        moments
    }
}

impl Scaling {
    /// Fits a scaling to rows of `columns` values each.
    ///
    /// Source: the mean and the variance (divided by n) of Bishop, *Pattern Recognition and Machine Learning*, section
    /// 9.1, in f64.
    pub(super) fn fit(
        scale: Scale,
        format: Format,
        values: impl Iterator<Item = f32> + Clone,
        columns: usize,
    ) -> Self {
        let inverse = |width: f64| if width > 0.0 { (1.0 / width) as f32 } else { 0.0 };
        let fitted = |pairs: Vec<(f64, f64)>| {
            let (shift, factor) =
                pairs.into_iter().map(|(shift, width)| (shift as f32, inverse(width))).unzip();
            Self::Columns { shift, factor }
        };
        match scale {
            Scale::None => Self::None,
            Scale::Auto if format == Format::Bytes || are_bytes(values.clone(), columns) => Self::Bytes,
            Scale::Auto if values.clone().all(|value| value.abs() <= 1.0) => Self::None,
            Scale::Minmax => {
                let ends = Moments::of(values, columns, (f64::INFINITY, f64::NEG_INFINITY), |ends, v, _| {
                    *ends = (ends.0.min(v), ends.1.max(v));
                });
                fitted(ends.pairs.into_iter().map(|(low, high)| (low, high - low)).collect())
            }
            Scale::Auto | Scale::Standard => {
                // Welford's update: no difference of large sums.
                let moments = Moments::of(values, columns, (0.0, 0.0), |(mean, squares), v, n| {
                    let delta = v - *mean;
                    *mean += delta / n;
                    *squares += delta * (v - *mean);
                });
                let n = moments.rows;
                fitted(
                    moments.pairs.into_iter().map(|(mean, squares)| (mean, f64::sqrt(squares / n))).collect(),
                )
            }
        }
    }

    /// Scales rows of f32 in place. Bytes stay what they are: their readers divide by 255.
    pub(crate) fn apply(&self, rows: &mut [u8], columns: usize, path: &Path) -> Result<()> {
        let Self::Columns { shift, factor } = self else { return Ok(()) };
        for row in rows.chunks_mut(4 * columns) {
            for ((bytes, shift), factor) in row.chunks_exact_mut(4).zip(shift).zip(factor) {
                let value = f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                let scaled = (value - shift) * factor;
                if !scaled.is_finite() {
                    let problem =
                        format!("{value} cannot be scaled: ({value} - {shift}) · {factor} is not finite");
                    return Err(Error::file(
                        path,
                        problem,
                        message!["change the unit of the column, or use ", Setting::Scale.another()],
                    ));
                }
                bytes.copy_from_slice(&scaled.to_ne_bytes());
            }
        }
        Ok(())
    }

    /// A description for the user.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Bytes => "bytes, scaled by 1/255",
            Self::None => "numbers, taken as they are",
            Self::Columns { .. } => "numbers, each column scaled with statistics of the training set",
        }
    }
}
