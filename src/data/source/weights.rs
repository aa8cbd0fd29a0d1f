//! Weights of samples in training: by a column of weights, by their classes, or by both.
//!
//! With n training samples, k classes, and n_c samples of a class, `balanced` gives that class the weight n / (k · n_c), as
//! scikit-learn does: every class counts the same.

use crate::data::Samples;
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;

/// The samples to train on with the weights that are asked for.
///
/// # Errors
/// [`Error::Usage`] for weights if the task is not classification, and for unknown classes.
pub fn weighted(
    samples: Samples,
    column: Option<Vec<f32>>,
    class_weight: Option<&str>,
    task: Task,
    names: &[String],
) -> Result<Samples> {
    let of_classes = match class_weight {
        Some(_) if task != Task::Classification => {
            return Err(Error::usage(message![
                Setting::ClassWeight,
                format!(" is for classes, but the data are for {}", task.name())
            ])
            .hint(message![Setting::WeightColumn, " weighs samples"]));
        }
        Some("balanced") => Some(balanced(samples.labels(), names.len())),
        Some(text) => Some(given(text, names)?),
        None => None,
    };
    if column.is_none() && of_classes.is_none() {
        return Ok(samples);
    }
    let mut weights = column.unwrap_or_else(|| vec![1.0; samples.len()]);
    if let Some(of_classes) = of_classes {
        weights
            .iter_mut()
            .zip(samples.labels())
            .for_each(|(weight, &class)| *weight *= of_classes[class as usize]);
    }
    samples.with_weights(weights)
}

/// A class without samples keeps 1, which nothing meets.
fn balanced(labels: &[u32], classes: usize) -> Vec<f32> {
    let mut counts = vec![0_usize; classes];
    labels.iter().for_each(|&class| counts[class as usize] += 1);
    let weight = |count: usize| labels.len() as f64 / (classes * count) as f64;
    counts.into_iter().map(|count| if count == 0 { 1.0 } else { weight(count) as f32 }).collect()
}

/// `name=weight,…`; classes that are not named count 1.
fn given(text: &str, names: &[String]) -> Result<Vec<f32>> {
    let mut weights = vec![1.0; names.len()];
    for pair in text.split(',') {
        let refused = |problem: &str| {
            Error::usage(message![Setting::ClassWeight.set(text), format!(": {problem}")]).hint(format!(
                "`balanced`, or name=weight,name=weight with classes such as {}",
                names.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", ")
            ))
        };
        let (name, weight) = pair
            .rsplit_once('=')
            .ok_or_else(|| refused(&format!("`{pair}` is not of the form name=weight")))?;
        let weight = weight.trim().parse().ok().filter(|weight: &f32| *weight > 0.0 && weight.is_finite());
        let weight = weight.ok_or_else(|| refused(&format!("`{pair}` has no weight above 0")))?;
        let class = names.iter().position(|own| own == name.trim());
        weights[class.ok_or_else(|| refused(&format!("there is no class `{}`", name.trim())))?] = weight;
    }
    Ok(weights)
}
