//! The rows of several files as one part, for what is fitted to all of them.

use super::{Answers, Part, Rows, same_shape};
use crate::error::{Error, Result, Setting, message};

impl Part {
    /// Adds the rows of another file of the same kind.
    ///
    /// # Errors
    /// [`Error::File`] if it is of another kind, or left on the disk.
    pub fn append(&mut self, other: Self) -> Result<()> {
        same_shape(self, &other)?;
        let refused = |problem: String| {
            let hint = "make the parts of files of one kind";
            Err(Error::file(&other.path, problem, hint))
        };
        let first = self.path.display();
        match (&mut self.rows, &other.rows) {
            (Rows::Memory(rows), Rows::Memory(more)) if self.format == other.format => rows.extend(more),
            (Rows::Columns(columns), Rows::Columns(more)) if columns.len() == more.len() => {
                for (cells, more) in columns.iter_mut().zip(more) {
                    for value in more.values() {
                        cells.push(value);
                    }
                }
            }
            (Rows::Disk(_), _) | (_, Rows::Disk(_)) => {
                let hint =
                    message!["allow more with ", Setting::MemoryLimit, ", or make parts of one file alone"];
                let problem =
                    "samples that stay on the disk can not be put together with those of another file";
                return Err(Error::file(&other.path, problem, hint));
            }
            _ => return refused(format!("its values are of another kind than those of {first}")),
        }
        match (&mut self.answers, other.answers) {
            (Answers::One(labels), Answers::One(more)) => labels.append(&more),
            (Answers::Many(numbers), Answers::Many(more)) if numbers.names.len() == more.names.len() => {
                numbers.values.extend(more.values);
            }
            _ => {
                let problem = format!("its targets are of another kind than those of {first}");
                return Err(Error::file(&other.path, problem, "make the parts of files of one kind"));
            }
        }
        self.weights = self.weights.take().zip(other.weights).map(|(mut weights, more)| {
            weights.extend(more);
            weights
        });
        (self.origins, self.files) = (None, None);
        Ok(())
    }

    /// Keeps every so many of its rows, the first among them.
    pub fn thin(&mut self, every: usize) {
        let rows: Vec<usize> = (0..self.len()).step_by(every.max(1)).collect();
        if rows.len() == self.len() {
            return;
        }
        let part = self.part(&rows);
        let values = std::mem::replace(&mut self.rows, Rows::Memory(Vec::new()));
        *self = part;
        if let Rows::Memory(mut bytes) = values {
            let size = self.features * self.format.size();
            for (to, row) in rows.into_iter().enumerate() {
                bytes.copy_within(row * size..(row + 1) * size, to * size);
            }
            bytes.truncate(self.len() * size);
            bytes.shrink_to_fit();
            self.rows = Rows::Memory(bytes);
        }
    }
}
