//! A table of any format while it is read: which column is what, the raw columns of values, and what is to be said of them.

mod doubt;

use std::path::Path;

use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source};
use crate::data::Format;
use crate::data::columns::{Cells, Input, LeftOut, Value, left_out};
use crate::data::listed::{listed, some};
use crate::data::scaling::LEAST_PIXELS;
use crate::data::schema::{Found, Layout, Schema, in_their_order};
use crate::data::table::Spelling;
use crate::data::table_options::Missing;
use crate::error::{Error, Message, Result, Setting, message};
use crate::words::numerals::counted;

/// Which column is what, by its place.
#[derive(Debug)]
pub struct Roles {
    /// Whether the table names its columns.
    pub named: bool,
    /// Their names, no two the same, or their places.
    pub names: Vec<String>,
    /// Labels or targets.
    pub targets: Vec<usize>,
    /// Weights of samples.
    pub weight: Option<usize>,
    /// The columns that were asked for.
    pub asked: Option<Vec<usize>>,
    /// The columns that were excluded.
    pub excluded: Option<Vec<usize>>,
}

/// A column that is read: its number among the inputs, and its place in the table.
#[derive(Debug, Clone, Copy)]
struct Role {
    at: usize,
    column: usize,
}

/// What is read so far.
pub struct RawTable<'a> {
    path: &'a Path,
    reading: Reading<'a>,
    roles: Roles,
    /// Of a known schema: how its columns lie here.
    found: Option<Found>,
    inputs: Vec<Role>,
    cells: Vec<Cells>,
    /// The lines or rows of the first word and of the first missing value of each column; 0 if there is none.
    first_words: Vec<u64>,
    first_missing: Vec<u64>,
    bytes: u64,
    spelling: Spelling,
    /// What a row is counted as, from 1.
    unit: &'static str,
}

impl<'a> RawTable<'a> {
    /// A table of which nothing is read yet.
    ///
    /// # Errors
    /// [`Error::File`] if no column is left for values.
    pub fn new(
        path: &'a Path,
        reading: Reading<'a>,
        roles: Roles,
        found: Option<Found>,
        unit: &'static str,
    ) -> Result<Self> {
        let Roles { names, targets, weight, asked, excluded, .. } = &roles;
        let is_input = |column: &usize| {
            !targets.contains(column)
                && Some(*column) != *weight
                && excluded.as_ref().is_none_or(|excluded| !excluded.contains(column))
        };
        let columns: Vec<usize> = match (&found, asked) {
            (Some(found), _) => found.inputs.clone(),
            (None, Some(asked)) => asked.iter().copied().filter(is_input).collect(),
            (None, None) => (0..names.len()).filter(is_input).collect(),
        };
        if columns.is_empty() {
            let hint = match (asked, excluded) {
                (Some(_), _) => message!["name at least one column of values with ", Setting::Columns],
                (None, Some(_)) => message!["leave at least one column of values out of ", Setting::Exclude],
                (None, None) => message!["leave at least one column of values out of ", Setting::LabelColumn],
            };
            return Err(Error::file(path, "of its columns none is left for values", hint));
        }
        let inputs: Vec<Role> =
            columns.into_iter().enumerate().map(|(at, column)| Role { at, column }).collect();
        let cells = match reading.schema {
            Some(schema) => schema.inputs.iter().map(Input::cells).collect(),
            None => vec![Cells::default(); inputs.len()],
        };
        let (first_words, first_missing) = (vec![0; inputs.len()], vec![0; inputs.len()]);
        let spelling = Spelling::default();
        Ok(Self {
            path,
            reading,
            roles,
            found,
            inputs,
            cells,
            first_words,
            first_missing,
            bytes: 0,
            spelling,
            unit,
        })
    }

    /// Which column is what.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The columns of values, by their places.
    pub fn places(&self) -> Vec<usize> {
        self.inputs.iter().map(|role| role.column).collect()
    }

    /// Whether values that are missing or not finite are only counted.
    pub fn keeps_missing(&self) -> bool {
        self.reading.keep_missing
    }

    /// How the table writes numbers and missing values: the model has to know.
    pub fn spelling(&mut self, spelling: &Spelling) {
        self.spelling = spelling.clone();
    }

    /// Answers to be filled.
    pub fn answers(&self) -> Answers {
        match self.roles.targets.len() {
            1 => Answers::One(Labels::default()),
            _ => Answers::Many(Numbers { names: self.target_names(), values: Vec::new() }),
        }
    }

    /// Weights to be filled.
    pub fn weights(&self) -> Option<Vec<f32>> {
        self.roles.weight.map(|_| Vec::new())
    }

    fn target_names(&self) -> Vec<String> {
        self.roles.targets.iter().map(|&column| self.roles.names[column].clone()).collect()
    }

    fn name(&self, at: usize) -> &String {
        &self.roles.names[self.inputs[at].column]
    }

    /// Adds a value to a column; `line` is where it stands.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn push(&mut self, at: usize, value: Value<'_>, line: u64) -> Result<(), String> {
        let value = match self.reading.schema {
            Some(schema) => schema.inputs[at].kept(value)?,
            None => value,
        };
        match value {
            Value::Missing if self.reading.plain && !self.reading.keep_missing => {
                return Err("the value is missing".into());
            }
            Value::Missing if self.first_missing[at] == 0 => self.first_missing[at] = line.max(1),
            Value::Word(word) if self.reading.plain => {
                return Err(format!("`{word}` is not a finite number"));
            }
            Value::Number(number) if !number.is_finite() && !self.keeps_missing() => {
                return Err(format!("{number} is not a finite number"));
            }
            Value::Word(_) if self.first_words[at] == 0 => self.first_words[at] = line.max(1),
            _ => {}
        }
        let value = match value {
            Value::Number(number) if !number.is_finite() => Value::Missing,
            value => value,
        };
        self.bytes += self.cells[at].push(value) as u64;
        Ok(())
    }

    /// Whether what was read is within the memory that is allowed.
    ///
    /// # Errors
    /// [`Error::File`] if it is not.
    pub fn check_memory(&self, what: impl Fn() -> String) -> Result<()> {
        let memory = self.reading.memory;
        if self.bytes <= memory {
            return Ok(());
        }
        let problem = format!("{} take more than {memory} bytes of memory", what());
        let hint = message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"];
        Err(Error::file(self.path, problem, hint))
    }

    /// The table as a source, which has these rows of the file, from 0; `unlabelled` rows were left out of it.
    ///
    /// # Errors
    /// [`Error::File`] for a column of numbers that has a few words, and if rows with missing values are to be left out and
    /// none remains.
    pub fn source(
        mut self,
        what: &str,
        answers: Answers,
        weights: Option<Vec<f32>>,
        (origins, unlabelled): (Vec<u32>, usize),
    ) -> Result<Source> {
        let mut notes = self.found.as_ref().map_or(Vec::new(), |found| found.notes.clone());
        if self.found.is_none() && !self.reading.plain {
            notes.extend(self.find_dates()?);
            self.check_words()?;
            self.check_decorated()?;
            notes.extend(self.sift());
        }
        if self.reading.table.missing == Missing::Error && !self.reading.keep_missing {
            self.check_missing()?;
        }
        let rows = if unlabelled == 1 { "row without a label is" } else { "rows without a label are" };
        notes.extend((unlabelled > 0).then(|| format!("{unlabelled} {rows} left out")));
        let columns = self.inputs.len();
        let names: Vec<String> = (0..columns).map(|at| self.name(at).clone()).collect();
        let target_names = self.target_names();
        let Roles { named, targets, weight, names: all, .. } = &self.roles;
        let labels = match (targets.len(), named) {
            (1, true) => format!("labels in column `{}`", target_names[0]),
            (1, false) => format!("labels in column {}, from 0, without a header", target_names[0]),
            _ => format!("targets in columns {}", target_names.join(", ")),
        };
        let inputs: Vec<Input> = match self.reading.schema {
            Some(schema) => schema.inputs.clone(),
            None => {
                names.iter().zip(&self.cells).map(|(name, cells)| Input::draft(name.clone(), cells)).collect()
            }
        };
        let layout = Layout {
            named: *named,
            width: all.len(),
            inputs: self.inputs.iter().map(|role| role.column).collect(),
            targets: targets.clone(),
        };
        let schema = Schema {
            inputs,
            targets: target_names.clone(),
            weight: weight.map(|weight| all[weight].clone()),
            layout: Some(layout),
            decimal_comma: self.spelling.decimal_comma,
            na_values: self.spelling.na_values,
        };
        if schema.decimal_comma && !self.reading.table.decimal_comma && self.reading.schema.is_none() {
            notes.push("numbers are written with a decimal comma".into());
        }
        let is_pixels =
            columns >= LEAST_PIXELS && self.cells.iter().all(|cells| matches!(cells, Cells::Bytes(_)));
        let side = columns.isqrt();
        let rows = answers.len();
        let mut train = Part {
            path: self.path.to_owned(),
            format: Format::Floats,
            features: columns,
            image_shape: (is_pixels && side * side == columns).then_some([side, side]),
            columns: named.then_some(names),
            rows: Rows::Columns(self.cells),
            answers,
            weights,
            origins: Some(origins),
            files: None,
        };
        if self.reading.table.missing == Missing::Drop && !self.reading.keep_missing {
            notes.extend(train.drop_missing()?);
        }
        if self.reading.plain && !is_pixels {
            notes.extend(train.columns.as_deref().map(in_their_order));
        }
        let what = format!("{what}: {} of {}, {labels}", counted(rows, "row"), counted(columns, "value"));
        let target = named.then(|| target_names[0].clone());
        Ok(Source {
            what,
            notes: notes.into_iter().map(Message::from).collect(),
            train,
            validation: None,
            test: None,
            classes: None,
            target,
            schema: Some(schema),
        })
    }

    /// Leaves out columns that say nothing of a sample, as long as another is left and nobody asked for them.
    fn sift(&mut self) -> Option<String> {
        if self.roles.asked.is_some() {
            return None;
        }
        let why =
            |role: &Role| left_out(&self.roles.names[role.column], &self.cells[role.at], role.column == 0);
        let reasons: Vec<Option<LeftOut>> = self.inputs.iter().map(why).collect();
        if reasons.iter().all(Option::is_some) {
            return None;
        }
        let of = |reason: LeftOut, why: &str| {
            let own = self.inputs.iter().filter(|role| reasons[role.at] == Some(reason));
            let name = |name: &String| match name.as_str() {
                "" if reason == LeftOut::Empty => "the column without a name".to_owned(),
                _ => listed(std::slice::from_ref(name)),
            };
            let names: Vec<String> = own.map(|role| name(&self.roles.names[role.column])).collect();
            (!names.is_empty()).then(|| format!("{} ({why})", some(&names)))
        };
        let said: Vec<String> =
            [of(LeftOut::Identity, "different in almost every row"), of(LeftOut::Empty, "without a value")]
                .into_iter()
                .flatten()
                .collect();
        let kept = |at: &usize| reasons[*at].is_none();
        let places: Vec<usize> = (0..self.inputs.len()).filter(kept).collect();
        if places.len() < self.inputs.len() {
            self.cells = places.iter().map(|&at| std::mem::take(&mut self.cells[at])).collect();
            self.first_words = places.iter().map(|&at| self.first_words[at]).collect();
            self.first_missing = places.iter().map(|&at| self.first_missing[at]).collect();
            let role = |(at, &old): (usize, &usize)| Role { at, column: self.inputs[old].column };
            self.inputs = places.iter().enumerate().map(role).collect();
        }
        (!said.is_empty()).then(|| format!("left out: {}", said.join(", ")))
    }

    /// The first missing value, where it is an error.
    fn check_missing(&self) -> Result<()> {
        let lacking = self.inputs.iter().filter(|role| self.first_missing[role.at] > 0);
        let Some(first) = lacking.min_by_key(|role| self.first_missing[role.at]) else { return Ok(()) };
        let (line, name) = (self.first_missing[first.at], self.name(first.at));
        let unit = self.unit;
        let problem = format!("{unit} {line}, column {} (`{name}`): the value is missing", first.column);
        let hint = message![
            "fill it in, or let it be filled in with ",
            Setting::Missing.set("auto"),
            "; ",
            Setting::Missing.set("drop"),
            " leaves such rows out"
        ];
        Err(Error::file(self.path, problem, hint))
    }
}
