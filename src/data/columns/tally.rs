//! What had to be done to values of columns, counted so that it can be said.

use super::cells::Value;
use super::input::{Input, Taken};
use crate::data::listed::listed;

/// Counts for each input of a schema.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    filled: Vec<u64>,
    unseen: Vec<u64>,
    other: Vec<u64>,
    /// One value that training has not seen.
    example: Option<String>,
}

impl Tally {
    /// Takes a value into the inputs, and counts what was done to it; `at` is the input's number.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn push(
        &mut self,
        at: usize,
        input: &Input,
        value: Value<'_>,
        inputs: &mut Vec<f64>,
    ) -> Result<(), String> {
        let taken = input.push(value, inputs)?;
        let counts = match taken {
            Taken::Known => return Ok(()),
            Taken::Filled => &mut self.filled,
            Taken::Unseen => &mut self.unseen,
            Taken::Other => &mut self.other,
        };
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] += 1;
        if let (Taken::Unseen, Value::Word(word), None) = (taken, value, &self.example) {
            self.example = Some(word.chars().take(40).collect());
        }
        Ok(())
    }

    /// What is to be said of it.
    pub fn notes(&self, inputs: &[Input]) -> Vec<String> {
        let named = |counts: &[u64]| -> (u64, String) {
            let own = inputs.iter().zip(counts).filter(|&(_, &count)| count > 0);
            let names: Vec<String> = own.map(|(input, _)| input.name.clone()).collect();
            (counts.iter().sum(), listed(&names))
        };
        let mut notes = Vec::new();
        if let (count @ 1.., names) = named(&self.filled) {
            let values = if count == 1 { "value" } else { "values" };
            let lacks =
                |(input, count): (&Input, &u64)| (*count > 0 && input.indicator).then(|| input.name.clone());
            let told: Vec<String> = inputs.iter().zip(&self.filled).filter_map(lacks).collect();
            let told = match told.is_empty() {
                true => String::new(),
                false => format!("; one more input is 1 where the value is missing: {}", listed(&told)),
            };
            notes.push(format!(
                "{count} missing {values} filled in with the mean or the most frequent value of the training rows: {names}{told}"
            ));
        }
        if let (count @ 1.., names) = named(&self.unseen) {
            let values = if count == 1 { "value" } else { "values" };
            let example = self.example.as_ref().map_or(String::new(), |word| format!(", such as `{word}`"));
            notes.push(format!(
                "{count} {values} that the training rows do not have{example}, taken as none of the categories: {names}"
            ));
        }
        if let (count @ 1.., names) = named(&self.other) {
            let values = if count == 1 { "value" } else { "values" };
            notes.push(format!(
                "{count} {values} taken as `other`, since rare in the training rows or not there: {names}"
            ));
        }
        notes
    }
}
