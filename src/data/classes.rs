//! How often classes occur, and what is to be said of it.

use serde::Serialize;

/// Names that a warning lists.
const NAMES: usize = 5;

/// The largest class has more than so many times the samples of the smallest: it is worth a warning.
const IMBALANCE: usize = 4;

/// How often a class occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Samples of the training part.
    pub train: usize,
    /// Samples of the test part.
    pub test: usize,
}

impl Class {
    /// Classes of these names, of which `train` and `test` have a number for each sample.
    pub(super) fn counted(names: &[String], train: &[u32], test: &[u32]) -> Vec<Self> {
        let class = |name: &String| Self { name: name.clone(), train: 0, test: 0 };
        let mut classes: Vec<Self> = names.iter().map(class).collect();
        train.iter().for_each(|&class| classes[class as usize].train += 1);
        test.iter().for_each(|&class| classes[class as usize].test += 1);
        classes
    }
}

/// What may go wrong with such classes.
pub(super) fn warnings(classes: &[Class], has_test: bool) -> Vec<String> {
    let train = absent(classes, |class| class.train)
        .map(|names| format!("there are no training samples of class {names}"));
    let test = absent(classes, |class| class.test)
        .map(|names| format!("there are no test samples of class {names}"));
    imbalance(classes).into_iter().chain(train).chain(test.filter(|_| has_test)).collect()
}

/// Some names, and how many more there are.
pub(super) fn some<T>(items: &[T], name: impl Fn(&T) -> String) -> String {
    let names: Vec<String> = items.iter().take(NAMES).map(name).collect();
    let more = items.len().saturating_sub(NAMES);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

fn imbalance(classes: &[Class]) -> Option<String> {
    let size = |class: &&Class| class.train;
    let known = || classes.iter().filter(|class| class.train > 0);
    let (largest, smallest) = (known().max_by_key(size)?, known().min_by_key(size)?);
    if known().count() == 1 {
        return Some(format!("all samples are of class {}: there is nothing to learn", largest.name));
    }
    let all: usize = classes.iter().map(|class| class.train).sum();
    (largest.train > IMBALANCE * smallest.train).then(|| {
        format!(
            "the classes are not balanced: {} has {} samples and {} has {}; always predicting {} is right {:.1} % of the \
             time",
            largest.name,
            largest.train,
            smallest.name,
            smallest.train,
            largest.name,
            100.0 * largest.train as f64 / all as f64
        )
    })
}

/// Classes that one of the parts lacks.
fn absent(classes: &[Class], of: impl Fn(&Class) -> usize) -> Option<String> {
    let classes: Vec<&Class> = classes.iter().filter(|&class| of(class) == 0).collect();
    (!classes.is_empty()).then(|| some(&classes, |class| class.name.clone()))
}
