//! The scaling of values for a network, fitted to the training set alone, and the names of the classes:
//! both belong to a model as much as its weights do.

use serde::{Deserialize, Serialize};

use super::picture_options::Frame;
use super::scaling::Scaling;
use super::schema::Schema;
use crate::network::Task;
use crate::words::numerals::counted;

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
    /// What the images are like, if samples are images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
}

impl Preparation {
    /// That of images of bytes whose classes are called by their numbers.
    pub fn of_images(classes: usize) -> Self {
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Self { scaling: Scaling::Bytes, class_names, outputs: Outputs::Classes, schema: None, frame: None }
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
            return Err(format!(
                "it has {}, but its network has {classes} classes",
                counted(names, "class name")
            ));
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
        if let Some(schema) = &self.schema {
            schema.check(inputs)?;
        }
        if let Some(Frame { rows, columns, .. }) = self.frame.filter(|frame| !frame.fits(inputs)) {
            return Err(format!(
                "its images are {rows} x {columns} pixels, but its network has {inputs} inputs"
            ));
        }
        let Scaling::Columns { shift, factor } = &self.scaling else { return Ok(()) };
        if (shift.len(), factor.len()) != (inputs, inputs) {
            let (shifts, factors) = (shift.len(), factor.len());
            return Err(format!(
                "it has {} and {} for scaling, but its network has {}",
                counted(shifts, "shift"),
                counted(factors, "factor"),
                counted(inputs, "input")
            ));
        }
        match shift.iter().chain(factor).all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err("it scales inputs by numbers that are not finite".into()),
        }
    }
}
