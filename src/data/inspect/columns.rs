//! The range, mean and deviation of every column, in one pass over the rows.

use serde::Serialize;

use super::values::values;
use crate::data::columns::{Cells, Value};
use crate::data::source::{Part, Rows, Source};
use crate::error::Result;
use crate::network::Task;

/// Values read at once.
const PIECE: usize = 1 << 20;

/// What the values of a column are like; those that are missing are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The lowest value; nothing if all are missing.
    pub min: Option<f64>,
    /// The highest.
    pub max: Option<f64>,
    /// The mean.
    pub mean: f64,
    /// The standard deviation: the variance is divided by the number of values.
    pub deviation: f64,
    /// Values that are missing, or not finite.
    pub missing: usize,
    /// How many different words or dates it has; nothing of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<usize>,
    /// Whether these are dates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dates: bool,
    #[serde(skip)]
    present: usize,
}

impl Column {
    fn new(name: Option<String>) -> Self {
        Self {
            name,
            min: None,
            max: None,
            mean: 0.0,
            deviation: 0.0,
            missing: 0,
            words: None,
            dates: false,
            present: 0,
        }
    }

    /// Whether there are values, and all are the same.
    pub fn is_constant(&self) -> bool {
        self.words.map_or(self.min.is_some() && self.min == self.max, |words| words == 1)
    }

    fn of_cells(name: Option<String>, cells: &Cells) -> Self {
        let mut column = Self::new(name);
        column.dates = matches!(cells, Cells::Dates(..));
        let words = if column.dates { cells.different() } else { cells.counts().len() };
        column.words = (words > 0).then_some(words);
        for value in cells.values() {
            match value {
                Value::Number(number) => column.push(number),
                Value::Missing => column.missing += 1,
                Value::Date(_) | Value::Word(_) => {}
            }
        }
        column.finished()
    }

    fn finished(mut self) -> Self {
        self.deviation = (self.deviation / self.present.max(1) as f64).sqrt();
        self
    }

    /// Takes a value along; until the end `deviation` is the sum of squares (Welford's update).
    fn push(&mut self, value: f64) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        self.present += 1;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        let delta = value - self.mean;
        self.mean += delta / self.present as f64;
        self.deviation += delta * (value - self.mean);
    }

    /// All columns as one: the means of parts and the variances within and between them.
    pub(super) fn of_all(columns: &[Self]) -> Self {
        let mut all = Self::new(None);
        let mut squares = 0.0;
        for column in columns {
            let (own, others) = (column.present as f64, all.present as f64);
            all.missing += column.missing;
            let (Some(min), Some(max)) = (column.min, column.max) else { continue };
            all.min = Some(all.min.map_or(min, |low| low.min(min)));
            all.max = Some(all.max.map_or(max, |high| high.max(max)));
            let delta = column.mean - all.mean;
            all.mean += delta * own / (own + others);
            squares +=
                column.deviation * column.deviation * own + delta * delta * own * others / (own + others);
            all.present += column.present;
        }
        all.deviation = (squares / (all.present.max(1)) as f64).sqrt();
        all
    }
}

/// Every target of the training part.
pub(super) fn of_targets(source: &Source, task: Task) -> Result<Vec<Column>> {
    let name = source.target.as_deref().unwrap_or("target");
    let numbers = source.train.answers.numbers(task, name, &source.train.path)?;
    let mut columns: Vec<Column> = numbers.names.iter().map(|name| Column::new(Some(name.clone()))).collect();
    for row in numbers.values.chunks(columns.len().max(1)) {
        columns.iter_mut().zip(row).for_each(|(column, &value)| column.push(value));
    }
    Ok(columns.into_iter().map(Column::finished).collect())
}

/// Every column of a part.
pub(super) fn of(part: &Part) -> Result<Vec<Column>> {
    let name = |column: usize| part.columns.as_ref().map(|names| names[column].clone());
    if let Rows::Columns(cells) = &part.rows {
        return Ok(cells.iter().enumerate().map(|(at, cells)| Column::of_cells(name(at), cells)).collect());
    }
    let mut columns: Vec<Column> = (0..part.features).map(|column| Column::new(name(column))).collect();
    let rows = (PIECE / part.features).max(1);
    for first in (0..part.len()).step_by(rows) {
        for row in values(part, first..part.len().min(first + rows))?.chunks(part.features) {
            columns.iter_mut().zip(row).for_each(|(column, &value)| column.push(f64::from(value)));
        }
    }
    Ok(columns.into_iter().map(Column::finished).collect())
}
