//! The choice of the samples to test on.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::Answers;
use crate::data::LoadOptions;
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;

/// A random part of the rows, the same for the same seed. Of classes each gives about the same part, and none all of its rows.
///
/// # Errors
/// [`Error::Usage`] if nothing would be left for training or for testing.
pub fn chosen(answers: &Answers, options: &LoadOptions, task: Task) -> Result<Vec<usize>> {
    let (rows, fraction) = (answers.len(), options.test_fraction);
    let count = (fraction * rows as f64).round() as usize;
    if !(fraction > 0.0 && fraction < 1.0) || count == 0 || count >= rows {
        return Err(Error::usage(message![
            Setting::TestFraction.set(fraction),
            format!(
                " takes {count} of {rows} samples for testing: training and test set need at least one each"
            )
        ])
        .hint(message![
            "give a fraction between 0 and 1, or a test set with ",
            Setting::TestData,
            "; ",
            Setting::TestFraction.set(0),
            " trains on all samples"
        ]));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(options.split_seed));
    let classes = answers
        .labels()
        .filter(|_| options.stratified && task == Task::Classification)
        .and_then(|labels| labels.groups());
    let chosen =
        classes.map(|classes| stratified(&order, classes, count)).filter(|chosen| !chosen.is_empty());
    Ok(chosen.unwrap_or_else(|| order[..count].to_vec()))
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
