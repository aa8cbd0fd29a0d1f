//! Columns of words that are dates; and those that are mostly numbers or dates, which is a mistake somewhere.

use super::RawTable;
use crate::data::columns::{Cells, DateOrder, Dates};
use crate::data::listed::{listed, some};
use crate::error::{Error, Result, Setting, message};
use crate::words::numerals::counted;

/// A column of words of which at least this part are numbers is one of numbers with a word that does not belong there (of dates alike), if
/// there are more different numbers than codes are.
const MOSTLY: f64 = 0.9;
const CODES: usize = 50;

/// So many different words with signs, such as `10 %`, may be categories.
const FEW_DECORATED: usize = 20;

impl RawTable<'_> {
    /// Columns of words that are dates become columns of dates.
    pub(super) fn find_dates(&mut self) -> Result<Option<String>> {
        let mut found = Vec::new();
        for at in 0..self.inputs.len() {
            let name = listed(std::slice::from_ref(self.name(at)));
            let order = match self.cells[at].dates() {
                Some(Dates::All(order)) => order,
                Some(Dates::EitherOrder) => return Err(self.open_dates(at)),
                Some(Dates::Some(count)) => {
                    self.check_dates(at, count)?;
                    continue;
                }
                None if matches!(self.cells[at], Cells::Dates(..)) => DateOrder::default(),
                None => continue,
            };
            if !matches!(self.cells[at], Cells::Dates(..)) {
                self.cells[at] = self.cells[at].dated(order);
            }
            found.push(match order {
                DateOrder::YearFirst | DateOrder::Named => name,
                DateOrder::Digits => format!("{name} (its numbers are dates such as {})", order.example()),
                DateOrder::Clock => format!("{name} (a time alone)"),
                DateOrder::DayFirst => format!("{name} (the day first)"),
                DateOrder::MonthFirst => format!("{name} (the month first)"),
            });
        }
        Ok((!found.is_empty()).then(|| {
            format!("dates become the days since the first, with month, weekday and hour; a time alone becomes a part of a day: {}", some(&found))
        }))
    }

    /// Dates of which either the first or the second number may be the month.
    fn open_dates(&self, at: usize) -> Error {
        let counts = self.cells[at].counts();
        let (name, word) = (self.name(at), counts.first().map_or("", |(word, _)| word));
        let problem = format!(
            "column `{name}` has dates such as `{word}`, and nothing in it tells whether the day or the month comes first"
        );
        let hint =
            message!["write them as 2024-03-31, or leave the column out with ", Setting::Exclude.set(name)];
        Error::file(self.path, problem, hint)
    }

    /// A few words among many dates are mistakes, or stand for missing values.
    fn check_dates(&self, at: usize, dates: usize) -> Result<()> {
        let counts = self.cells[at].counts();
        let few = dates <= CODES || (dates as f64) < MOSTLY * counts.len() as f64;
        if dates == 0 || (few && dates < counts.len()) {
            return Ok(());
        }
        let others = counts.iter().filter(|(word, _)| !DateOrder::fits_some(word));
        let others: Vec<String> = others.map(|(word, _)| (*word).to_owned()).collect();
        let name = self.name(at);
        let what = match others.is_empty() {
            true => "dates of more than one order".to_owned(),
            false => format!("dates, and {} that are none: {}", others.len(), listed(&others)),
        };
        let hint = message![
            "if they stand for missing values, name them with ",
            Setting::NaValues,
            "; else write all dates in one way, or leave the column out with ",
            Setting::Exclude
        ];
        Err(Error::file(self.path, format!("column `{name}` has {what}"), hint))
    }

    /// Numbers with a sign or separators of thousands are no words: nobody means an input for each of them.
    pub(super) fn check_decorated(&self) -> Result<()> {
        for role in &self.inputs {
            let counts = self.cells[role.at].counts();
            let decorated: Vec<&str> =
                counts.iter().map(|(word, _)| *word).filter(|word| is_decorated(word)).collect();
            // Numbers below 1,000 have no separator.
            let plain = counts.iter().filter(|(word, _)| word.parse::<f64>().is_ok()).count();
            let numbers = (decorated.len() + plain) as f64;
            if decorated.len() <= FEW_DECORATED || numbers < MOSTLY * counts.len() as f64 {
                continue;
            }
            let (name, word) = (self.name(role.at), decorated[0]);
            let problem = format!(
                "column `{name}` has numbers with a sign or separators of thousands, such as `{word}`"
            );
            let hint = message![
                "write plain numbers, such as 1034.5; pandas reads thousands with read_csv(…, thousands=\",\"); or leave the column out \
                 with ",
                Setting::Exclude.set(name)
            ];
            return Err(Error::file(self.path, problem, hint));
        }
        Ok(())
    }

    /// A word among many different numbers is a mistake, or stands for a missing value, unless all of them are codes.
    pub(super) fn check_words(&self) -> Result<()> {
        for role in &self.inputs {
            let counts = self.cells[role.at].counts();
            let is_number = |word: &str| word.parse::<f64>().is_ok();
            let numbers = counts.iter().filter(|(word, _)| is_number(word));
            let rows: usize = counts.iter().map(|(_, count)| count).sum();
            let of_numbers: usize = numbers.clone().map(|(_, count)| count).sum();
            if numbers.count() <= CODES || (of_numbers as f64) < MOSTLY * rows as f64 {
                continue;
            }
            let words: Vec<String> = counts
                .iter()
                .filter(|(word, _)| !is_number(word))
                .map(|(word, _)| (*word).to_owned())
                .collect();
            if words.iter().all(|word| is_code(word)) {
                continue;
            }
            let (name, line, unit) = (self.name(role.at), self.first_words[role.at], self.unit);
            let problem = format!(
                "column `{name}` has {of_numbers} numbers and {}: {}; the first stands in {unit} {line}",
                counted(rows - of_numbers, "word"),
                listed(&words)
            );
            let hint = message![
                "if they stand for missing values, name them with ",
                Setting::NaValues,
                "; else correct them, or leave the column out with ",
                Setting::Exclude
            ];
            return Err(Error::file(self.path, problem, hint));
        }
        Ok(())
    }
}

/// Whether a word is a number with a sign such as `$` or `%`, or with separators of thousands.
fn is_decorated(word: &str) -> bool {
    let bare = word
        .trim_matches(|letter: char| !letter.is_alphanumeric() && !['-', '+', '.', ','].contains(&letter))
        .trim();
    let bare = bare.trim_start_matches(['-', '+']);
    let begins = bare.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let plain = bare.replace([',', '\'', ' ', '\u{a0}', '\u{202f}'], "");
    let dots = plain.matches('.').count();
    let plain = if dots > 1 { plain.replace('.', "") } else { plain };
    let is_plain = word.parse::<f64>().is_ok();
    !is_plain
        && begins
        && plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && plain.parse::<f64>().is_ok()
}

/// Whether a word is a code, a whole number with a letter before or after it, as `136A` and `c118`.
fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix(char::is_alphabetic).or_else(|| word.strip_suffix(char::is_alphabetic));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
