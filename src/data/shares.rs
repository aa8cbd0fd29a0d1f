//! The choice of samples: those that are held out, and folds.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Setting, message};

/// One of the equal parts of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fold {
    /// Which, from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

impl Fold {
    /// The most parts: a run for each is more than anybody waits for.
    const MOST: usize = 10_000;

    /// One of `of`.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such fold.
    pub fn new(number: usize, of: usize) -> Result<Self> {
        match (2..=Self::MOST).contains(&of) && (1..=of).contains(&number) {
            true => Ok(Self { number, of }),
            false => {
                let most = Self::MOST;
                let problem = match number {
                    1 => message![Setting::Folds.set(of), format!(": expected 2 to {most} folds")],
                    _ => format!("fold {number} of {of}: expected 2 to {most} folds, and one of them").into(),
                };
                Err(Error::usage(problem))
            }
        }
    }
}

impl TryFrom<String> for Fold {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        numbers
            .and_then(|(number, of)| Self::new(number, of).ok())
            .ok_or_else(|| format!("`{text}` is not a fold: expected one such as 1/5"))
    }
}

impl From<Fold> for String {
    fn from(fold: Fold) -> Self {
        format!("{}/{}", fold.number, fold.of)
    }
}

/// How many of the rows a fraction is.
///
/// # Errors
/// [`Error::Usage`] if nothing would be left on either side.
pub fn count(setting: Setting, fraction: f64, rows: usize) -> Result<usize> {
    if !(0.0..1.0).contains(&fraction) {
        let problem = message![setting.set(fraction), ": expected a fraction from 0 to less than 1"];
        return Err(Error::usage(problem).hint("0.2 is a fifth of the samples"));
    }
    let count = (fraction * rows as f64).round() as usize;
    if count > 0 && count < rows {
        return Ok(count);
    }
    let problem = message![
        setting.set(fraction),
        format!(" holds out {count} of {rows} samples: both sides need at least one each")
    ];
    Err(Error::usage(problem).hint("give a fraction between 0 and 1 that leaves samples on both sides"))
}

/// `count` of the rows at random, the same for the same seed. Of classes each gives about the same part, and none all of its
/// rows.
pub fn chosen(rows: usize, classes: Option<&[u32]>, count: usize, seed: u64) -> Vec<usize> {
    let order = shuffled(rows, seed);
    let chosen =
        classes.map(|classes| stratified(&order, classes, count)).filter(|chosen| !chosen.is_empty());
    chosen.unwrap_or_else(|| order[..count].to_vec())
}

/// The rows of a fold. Each row is in one fold; of each class, and of all rows, the folds have the same number, give or take
/// one.
pub fn of_fold(rows: usize, classes: Option<&[u32]>, fold: Fold, seed: u64) -> Vec<usize> {
    let mut order = shuffled(rows, seed);
    if let Some(classes) = classes {
        order.sort_by_key(|&row| classes[row]);
    }
    // Dealt out one by one, class after class.
    order.into_iter().skip(fold.number - 1).step_by(fold.of).collect()
}

/// The rows that were chosen and the others, each in their own order.
pub fn sides(rows: usize, chosen: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut is_chosen = vec![false; rows];
    chosen.iter().for_each(|&row| is_chosen[row] = true);
    (0..rows).partition(|&row| is_chosen[row])
}

fn shuffled(rows: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

/// The validation samples of a run of version 0.1.0, which chose them among all samples by the seed of the training.
pub fn chosen_of_earlier(rows: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut rng);
    order.split_off(rows - count)
}

/// The first rows of the order of each class: `count` in all, as far as no class gives all of its rows.
fn stratified(order: &[usize], classes: &[u32], count: usize) -> Vec<usize> {
    let mut sizes = vec![0_usize; classes.iter().max().map_or(0, |&class| class as usize + 1)];
    classes.iter().for_each(|&class| sizes[class as usize] += 1);
    let part = |size: usize| count as f64 * size as f64 / order.len() as f64;
    let mut quotas: Vec<usize> = sizes.iter().map(|&size| part(size) as usize).collect();
    let mut missing = count - quotas.iter().sum::<usize>();
    // What the whole parts leave over goes to the largest remainders.
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by(|&a, &b| part(sizes[b]).fract().total_cmp(&part(sizes[a]).fract()));
    for class in by_remainder {
        let room = sizes[class].saturating_sub(1).saturating_sub(quotas[class]);
        let more = missing.min(1).min(room);
        quotas[class] += more;
        missing -= more;
    }
    order
        .iter()
        .copied()
        .filter(|&row| {
            let quota = &mut quotas[classes[row] as usize];
            let taken = *quota > 0;
            *quota -= usize::from(taken);
            taken
        })
        .collect()
}
