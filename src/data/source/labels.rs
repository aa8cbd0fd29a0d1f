//! Class labels as they are read: a text for each row, kept once for all rows that have the same.

use std::collections::HashMap;
use std::path::Path;

use crate::data::listed::listed;
use crate::error::{Error, Result, Setting, message};

/// The most classes that labels may have.
const MOST_CLASSES: usize = 65_536;

/// The longest name of a class, in bytes.
const LONGEST_NAME: usize = 256;

/// How often labels occur.
#[derive(Debug, Clone, Copy)]
pub struct Occurrences {
    /// How many different ones there are.
    pub different: usize,
    /// Those that occur once or twice.
    pub seldom: usize,
    /// Rows of the rarest and of the most frequent one.
    pub least: usize,
    pub most: usize,
}

/// The label of each row.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    /// For each row the place of its name in `names`.
    rows: Vec<u32>,
    /// Each row as a number, as long as all are.
    values: Vec<f64>,
    /// Rows whose number has no name any more, since there are too many different ones for classes.
    unnamed: usize,
}

impl Labels {
    /// Labels that are whole numbers.
    pub fn of_whole(numbers: &[i64]) -> Self {
        let mut labels = Self::default();
        let mut known = HashMap::new();
        for &number in numbers {
            let place = *known.entry(number).or_insert_with(|| labels.number(number.to_string()));
            labels.rows.push(place);
        }
        labels
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len() + self.unnamed
    }

    /// Adds the label of a row. A whole number is the same label with and without `.0`; `01` and `1e1` are other labels than
    /// `1` and `10`.
    ///
    /// # Errors
    /// Why it can be no class: text that is too long, or one different label too many.
    pub fn push(&mut self, text: &str) -> Result<(), String> {
        if text.len() > LONGEST_NAME {
            return Err(format!(
                "a label of {} bytes is not a class name: at most {LONGEST_NAME}",
                text.len()
            ));
        }
        let (number, before) = (text.parse::<f64>(), self.len());
        if let Ok(number) = number
            && self.values.len() == before
        {
            self.values.push(number);
            if self.names.len() > MOST_CLASSES {
                self.unnamed += 1;
                return Ok(());
            }
        } else if self.unnamed > 0 {
            return Err(format!("`{text}` is not a number, and all targets before it are"));
        } else {
            self.values = Vec::new();
        }
        self.push_name(whole(text).to_owned());
        if self.names.len() > MOST_CLASSES && self.values.is_empty() {
            return Err(format!(
                "the labels up to here are {} different ones: these are too many for classes",
                self.names.len()
            ));
        }
        Ok(())
    }

    /// Adds the label of a row as it is.
    pub fn push_name(&mut self, name: String) {
        let number = self.number(name);
        self.rows.push(number);
    }

    fn number(&mut self, name: String) -> u32 {
        if let Some(&number) = self.numbers.get(&name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        number
    }

    /// Adds the labels of other rows.
    pub fn append(&mut self, other: &Self) {
        let places: Vec<u32> = other.names.iter().map(|name| self.number(name.clone())).collect();
        let values = self.values().zip(other.values()).map(|(own, more)| [own, more].concat());
        self.rows.extend(other.rows.iter().map(|&name| places[name as usize]));
        self.values = values.unwrap_or_default();
    }

    /// For each row the number of its label; rows of the same label have the same. None if there are too many labels.
    pub fn groups(&self) -> Option<&[u32]> {
        (self.unnamed == 0).then_some(&self.rows)
    }

    /// Each row as a number, if all are.
    pub fn values(&self) -> Option<&[f64]> {
        (self.len() > 0 && self.values.len() == self.len()).then_some(&self.values)
    }

    /// The first label that is no number.
    pub fn first_word(&self) -> Option<&str> {
        self.names.iter().map(String::as_str).find(|name| name.parse::<f64>().is_err())
    }

    /// How often labels occur.
    pub fn occurrences(&self) -> Occurrences {
        let mut counts = vec![0_usize; self.names.len()];
        self.rows.iter().for_each(|&name| counts[name as usize] += 1);
        counts.retain(|&count| count > 0);
        Occurrences {
            different: counts.len(),
            seldom: counts.iter().filter(|&&count| count <= 2).count(),
            least: counts.iter().copied().min().unwrap_or(0),
            most: counts.iter().copied().max().unwrap_or(0),
        }
    }

    /// Whether there are no more different ones than classes may be.
    pub fn can_be_classes(&self) -> bool {
        self.unnamed == 0 && self.names.len() <= MOST_CLASSES
    }

    /// Whether these can be classes at all.
    ///
    /// # Errors
    /// [`Error::File`] that says why not.
    pub fn check(&self, path: &Path) -> Result<()> {
        let hint = || {
            message![
                "name the column of the classes with ",
                Setting::LabelColumn,
                "; ",
                Setting::Task.set("regression"),
                " predicts a quantity"
            ]
        };
        let is_fraction = |name: &&String| name.parse::<f64>().is_ok_and(|n| n.fract() != 0.0 || n.is_nan());
        if let Some(name) = self.names.iter().find(is_fraction) {
            let problem = format!("the label `{name}` is not a class: classes are names or whole numbers");
            return Err(Error::file(path, problem, hint()));
        }
        let (classes, rows) = (self.names.len(), self.len());
        if !self.can_be_classes() || (classes > 100 && classes > rows / 2) {
            let problem =
                format!("{rows} rows have {classes} different labels: these are too many for classes");
            return Err(Error::file(path, problem, hint()));
        }
        Ok(())
    }

    /// The labels of these rows, in this order.
    pub fn part(&self, rows: &[usize]) -> Self {
        let (names, numbers) = (self.names.clone(), self.numbers.clone());
        let values = self.values().map_or(Vec::new(), |values| rows.iter().map(|&row| values[row]).collect());
        if self.unnamed > 0 {
            return Self { names, numbers, rows: Vec::new(), unnamed: values.len(), values };
        }
        let rows = rows.iter().map(|&row| self.rows[row]).collect();
        Self { names, numbers, rows, values, unnamed: 0 }
    }

    /// The class of each row, as its place in `names`.
    ///
    /// # Errors
    /// [`Error::File`] for a label that is not in `names`.
    pub fn classes(&self, names: &[String], path: &Path) -> Result<Vec<u32>> {
        let known: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let classes: Vec<Option<u32>> =
            self.names.iter().map(|name| known.get(name.as_str()).copied()).collect();
        let class = |(row, &name): (usize, &u32)| {
            classes[name as usize].ok_or_else(|| {
                let some = names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if names.len() > 8 { ", …" } else { "" };
                let problem = format!(
                    "sample {row}, from 0: the label `{}` is not one of the {} known classes ({some}{more})",
                    self.names[name as usize],
                    names.len()
                );
                Error::file(path, problem, "train on data that contain every class")
            })
        };
        self.rows.iter().enumerate().map(class).collect()
    }
}

/// A whole number without its `.0`; anything else as it is.
fn whole(text: &str) -> &str {
    let Some((whole, fraction)) = text.split_once('.') else { return text };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    if zeros && digits(whole.strip_prefix('-').unwrap_or(whole)) { whole } else { text }
}

/// The names of all classes in the order of a network's outputs: numbers by size, else by the alphabet.
pub fn sorted<'a>(labels: impl IntoIterator<Item = &'a Labels>) -> Vec<String> {
    let mut names: Vec<String> = labels.into_iter().flat_map(|labels| labels.names.clone()).collect();
    sort(&mut names);
    names.dedup();
    names
}

/// Sorts names that are all numbers by size, others by the alphabet.
pub fn sort(names: &mut [String]) {
    let number = |name: &String| name.parse::<f64>().ok().filter(|number| number.is_finite());
    names.sort();
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|a, b| number(a).unwrap_or_default().total_cmp(&number(b).unwrap_or_default()));
    }
}

/// What is said of words that stand for missing labels, if there are any.
pub fn placeholders_in_words(words: &[String]) -> Option<String> {
    let words = (!words.is_empty()).then(|| listed(words))?;
    Some(format!("taken for missing labels, as the other labels look: {words}"))
}
