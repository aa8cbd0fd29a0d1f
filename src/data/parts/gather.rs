//! What is fitted to several files together: their training rows, as far as memory holds them.

use crate::data::locate::{Found, Places, find};
use crate::data::source::{Answers, LoadOptions, Part, Reading, Rows, Source, sort};
use crate::data::{Dataset, Split};
use crate::error::{Error, Message, Result};
use crate::network::Task;

/// How many samples each split has, at its number.
pub type Counts = [usize; Split::ALL.len()];

/// Files that were read once.
pub struct Gathered {
    /// The training rows that were looked at as one set, with what was fitted to them.
    pub dataset: Dataset,
    /// The samples of every file.
    pub counts: Vec<Counts>,
    /// What is to be said.
    pub notes: Vec<Message>,
}

/// The options for the file of a number: what lies beside the set is read with the first one.
pub fn of_file(options: &LoadOptions, number: usize) -> LoadOptions {
    let mut own = options.clone();
    if number > 0 {
        own.validation_data = None;
        if own.test_data.take().is_some() {
            own.test_fraction = 0.0;
        }
    }
    own
}

/// Reads files one after another, each within what the rows that are kept leave of the memory.
///
/// # Errors
/// What reading them reports; [`Error::File`] for one that does not fit those before.
pub fn gather(
    data: &[String],
    options: &LoadOptions,
    reading: Reading<'_>,
    places: &Places,
) -> Result<Gathered> {
    let (mut pool, mut counts) = (None::<Pool>, Vec::with_capacity(data.len()));
    for (number, name) in data.iter().enumerate() {
        let (found, task) = read(name, &of_file(options, number), pool.as_ref(), reading, places)?;
        let count = |part: Option<&Part>| part.map_or(0, Part::len);
        let Source { train, test, validation, .. } = &found.source;
        counts.push([train.len(), count(test.as_ref()), count(validation.as_ref())]);
        let pool = match &mut pool {
            None => pool.insert(Pool::new(found, task)?),
            Some(pool) => {
                pool.add(found.source)?;
                pool
            }
        };
        if number + 1 < data.len() {
            pool.shrink(reading.memory / 2);
        }
    }
    let mut pool = pool.ok_or_else(|| Error::usage("there are no files to make parts of"))?;
    if data.len() > 1 {
        pool.shrink_inputs(options, reading.memory);
    }
    pool.fitted(counts, options, reading)
}

/// A file with its splits, as [`Source::dataset`] makes them.
fn read(
    name: &str,
    options: &LoadOptions,
    before: Option<&Pool>,
    reading: Reading<'_>,
    places: &Places,
) -> Result<(Found, Task)> {
    let first = before.map(|pool| &pool.found.source);
    let reading = Reading {
        memory: reading.memory.saturating_sub(first.map_or(0, |first| first.train.memory())),
        schema: first.and_then(|first| first.schema.as_ref()),
        size: first.and_then(|first| first.train.image_shape),
        ..reading
    };
    let found = find(Some(name), places, reading)?;
    let task = before.map_or_else(|| found.source.task(options.task).0, |pool| pool.task);
    let source = found.source.of_task(task)?.with_given(options, reading, task)?;
    let tested = options.test_fraction != 0.0 || source.test.is_some();
    let mut source = source.with_shares(options, task, tested)?;
    if task != Task::Classification {
        let name = source.target.as_deref().unwrap_or("target");
        source.train.answers = Answers::Many(source.train.answers.numbers(task, name, &source.train.path)?);
    }
    Ok((Found { source, ..found }, task))
}

/// The training rows of the files so far.
struct Pool {
    /// The first file, with the rows of all.
    found: Found,
    task: Task,
    /// The classes of all files.
    classes: Vec<String>,
    /// Of the rows of a file every so many are kept.
    every: usize,
}

impl Pool {
    fn new(mut found: Found, task: Task) -> Result<Self> {
        // What reading has to say is said when the files are read for their samples.
        (found.source.notes, found.source.validation) = (Vec::new(), None);
        let classes = found.source.class_names();
        Ok(Self { found, task, classes, every: 1 })
    }

    fn add(&mut self, other: Source) -> Result<()> {
        self.classes.extend(other.class_names());
        let own = &mut self.found.source;
        own.test = own.test.take().or(other.test);
        let mut train = other.train;
        train.thin(self.every);
        own.train.append(train)
    }

    /// Leaves out every second row until the others take no more memory than that.
    fn shrink(&mut self, memory: u64) {
        while self.found.source.train.memory() > memory && self.found.source.train.len() > 1 {
            self.every *= 2;
            self.found.source.train.thin(2);
        }
    }

    /// The same until they do not as inputs either, of which a column of words is several.
    fn shrink_inputs(&mut self, options: &LoadOptions, memory: u64) {
        let Source { schema, train, .. } = &mut self.found.source;
        let inputs = match (schema, &train.rows) {
            (_, Rows::Disk(_)) => return,
            (Some(draft), Rows::Columns(columns)) => draft.fitted(columns, &options.table).width(),
            _ => train.features,
        };
        while train.len() > 1 && (train.len() as u64).saturating_mul(4 * inputs as u64) > memory {
            self.every *= 2;
            train.thin(2);
        }
    }

    fn fitted(
        mut self,
        counts: Vec<Counts>,
        options: &LoadOptions,
        reading: Reading<'_>,
    ) -> Result<Gathered> {
        let usual = LoadOptions::default();
        if self.task == Task::Classification {
            sort(&mut self.classes);
            self.classes.dedup();
            self.found.source.classes = Some(self.classes);
        }
        let tested = self.found.source.test.is_some();
        let options = LoadOptions {
            task: Some(self.task),
            test_data: None,
            test_fraction: if tested { usual.test_fraction } else { 0.0 },
            validation_data: None,
            validation_fraction: usual.validation_fraction,
            ..options.clone()
        };
        let Found { name, origin, source, .. } = self.found;
        let (dataset, _, mut notes) = source.dataset(&name, &origin, &options, None, reading)?;
        if self.every > 1 {
            let note = format!(
                "scaling and columns are fitted to one in {} training samples: memory does not hold all of them together",
                self.every
            );
            notes.push(note.into());
        }
        Ok(Gathered { dataset, counts, notes })
    }
}
