//! `--submission`: predictions as the CSV file that a competition takes.

use std::path::Path;

use crate::data::inputs::Name;
use crate::data::{Outputs, Preparation};
use crate::error::{Error, Result};
use crate::reference::{self, Matrix};
use crate::training::answers;

/// The lines of the file.
pub(super) struct Submission<'a> {
    columns: &'a [String],
    classes: &'a [String],
    outputs: &'a Outputs,
    begun: bool,
}

impl<'a> Submission<'a> {
    /// With these columns.
    ///
    /// # Errors
    /// [`Error::Usage`] if they are neither two nor one for each output and one before them, and for two of one name or none.
    pub fn new(columns: &'a [String], preparation: &'a Preparation) -> Result<Self> {
        let Preparation { class_names: classes, outputs, .. } = preparation;
        let one_answer = columns.len() == 2 && (outputs.are_classes() || classes.len() == 1);
        if !one_answer && columns.len() != classes.len() + 1 {
            let own = columns.len();
            let wanted = match outputs.are_classes() {
                true => format!(
                    "two, such as ImageId,Label, or one and one for each of the {} classes",
                    classes.len()
                ),
                false => format!("one, and one for each of the {} outputs", classes.len()),
            };
            return Err(Error::usage(format!("--submission names {own} columns: expected {wanted}")));
        }
        let again = |(at, name): (usize, &String)| columns[..at].contains(name);
        if columns.iter().any(|name| name.trim().is_empty()) || columns.iter().enumerate().any(again) {
            let problem = format!("--submission {}: each column needs a name of its own", columns.join(","));
            return Err(
                Error::usage(problem).hint("name them as the competition does, such as PassengerId,Survived")
            );
        }
        Ok(Self { columns, classes, outputs, begun: false })
    }

    /// A line for each of these logits, below the names of the columns.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be written.
    pub fn lines(&mut self, names: &[Name], logits: &Matrix) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Error::Internal(format!("writing CSV: {error}"));
        if !self.begun {
            writer.write_record(self.columns).map_err(failed)?;
            self.begun = true;
        }
        let answers = answers(self.outputs, logits);
        for (row, name) in names.iter().enumerate() {
            let own = answers.row(row);
            let said = match self.outputs.are_classes() && self.columns.len() == 2 {
                true => vec![self.classes.get(reference::argmax(own)).cloned().unwrap_or_default()],
                false => own.iter().map(|answer| (*answer as f32).to_string()).collect(),
            };
            writer.write_record([id(name)].iter().chain(&said)).map_err(failed)?;
        }
        let bytes = writer.into_inner().map_err(|error| Error::Internal(format!("writing CSV: {error}")))?;
        String::from_utf8(bytes).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// A sample's own name, or its number from 1; of a picture the file's name without its ending.
fn id(name: &Name) -> String {
    match (&name.id, name.row) {
        (Some(id), _) => id.to_string(),
        (None, Some(row)) => (row + 1).to_string(),
        (None, None) => {
            Path::new(&*name.input).file_stem().unwrap_or_default().to_string_lossy().into_owned()
        }
    }
}
