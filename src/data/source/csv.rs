//! Text tables, plain or gzip, as data sets: one column has the labels, or several have targets, the others the values.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::labels::placeholders_in_words;
use super::raw::{RawTable, Roles};
use super::{Answers, Numbers, Reading, Source};
use crate::data::columns::Value;
use crate::data::schema::unique;
use crate::data::table::{Look, Table, line};
use crate::error::{Error, Message, Result, Setting, message};

/// Reads a table from its `start` and the `rest` of it.
pub(super) fn read(path: &Path, start: Vec<u8>, rest: impl Read, reading: Reading<'_>) -> Result<Source> {
    let Some(mut table) = Table::open(path, start, rest, reading.table, Look::Rows)? else {
        return Err(Error::file(path, "it is empty", "use a file with a row for each sample"));
    };
    if let Some(schema) = reading.schema {
        table.spelling.decimal_comma |= schema.decimal_comma;
        table.spelling.na_values.extend(schema.na_values.iter().cloned());
    }
    let width = table.columns();
    if width < 2 {
        return Err(one_column(&table, path, reading));
    }
    let header: Option<Vec<String>> = table.names().map(|names| names.map(str::to_owned).collect());
    let found = reading.schema.map(|schema| schema.find(header.as_deref(), width, path)).transpose()?;
    let head = table.head();
    let targets = match (reading.label_column, &found, reading.schema) {
        (None, Some(found), Some(schema)) => found.wanted_targets(schema, path)?,
        (asked, ..) => head.targets(asked, reading.table.exclude.as_deref())?,
    };
    let weight = reading.weight_column.map(|name| head.column(name)).transpose()?;
    if let Some(weight) = weight.filter(|weight| targets.contains(weight)) {
        let problem = format!("column {weight}, from 0, is named both as labels and as weights");
        return Err(Error::file(path, problem, message!["name another with ", Setting::WeightColumn]));
    }
    // Where the columns are known already, these options have been followed.
    let places = |asked: &Option<String>| {
        asked.as_deref().filter(|_| found.is_none()).map(|asked| head.listed(asked)).transpose()
    };
    let (asked, excluded) = (places(&reading.table.columns)?, places(&reading.table.exclude)?);
    let names = match &header {
        Some(names) => unique(names),
        None => (0..width).map(|column| column.to_string()).collect(),
    };
    let roles = Roles { named: header.is_some(), names, targets, weight, asked, excluded };
    let mut raw = RawTable::new(path, reading, roles, found, "line")?;
    let (places, answers, weights) = (raw.places(), raw.answers(), raw.weights());
    let placeholders: Vec<Vec<String>> =
        raw.roles().targets.iter().map(|&column| head.placeholders(column)).collect();
    let mut rows = Rows { places, placeholders, unlabelled: 0, origins: Vec::new(), answers, weights };
    let mut row = StringRecord::new();
    while table.read(&mut row)? {
        rows.push(&mut raw, &table, &row)?;
    }
    if rows.answers.len() == 0 {
        let (problem, hint) = match rows.unlabelled {
            0 => ("it has only a header", "use a file with a row for each sample"),
            _ => ("not one of its rows has a label", "name the column that has them"),
        };
        return Err(Error::file(path, problem, hint));
    }
    raw.spelling(&table.spelling);
    let mut source = raw.source(table.kind(), rows.answers, rows.weights, (rows.origins, rows.unlabelled))?;
    source.notes.extend(placeholders_in_words(&rows.placeholders.concat()).map(Message::from));
    Ok(source)
}

/// A table of one column, which mostly has another separator.
fn one_column(table: &Table<impl Read>, path: &Path, reading: Reading<'_>) -> Error {
    let needs = "a table needs a column of labels and columns of values";
    let sign = table.first_line().chars().find(|sign| ['|', ':', ';', '\t', ','].contains(sign));
    let hint = match (reading.table.separator, sign) {
        (Some(separator), _) => {
            message![format!("{needs}: "), Setting::Separator.set(separator.name()), " may be the wrong one"]
        }
        (None, Some(sign)) => {
            format!("{needs}; if `{sign}` stands between them, write a comma, a semicolon or a tab for it")
                .into()
        }
        (None, None) => needs.into(),
    };
    Error::file(path, "its first line has 1 column", hint)
}

/// What is read so far beside the values.
struct Rows {
    /// The columns of values.
    places: Vec<usize>,
    /// For each target the words that stand for a missing one.
    placeholders: Vec<Vec<String>>,
    /// Rows that have no label, and are left out.
    unlabelled: usize,
    /// The others, by their numbers from 0.
    origins: Vec<u32>,
    answers: Answers,
    weights: Option<Vec<f32>>,
}

impl Rows {
    fn push(&mut self, raw: &mut RawTable<'_>, table: &Table<impl Read>, row: &StringRecord) -> Result<()> {
        let text = |column: usize| row.get(column).unwrap_or_default().trim();
        let is_missing = |(&column, placeholders): (&usize, &Vec<String>)| {
            table.spelling.is_missing(text(column)) || placeholders.iter().any(|word| word == text(column))
        };
        if raw.roles().targets.iter().zip(&self.placeholders).any(is_missing) {
            self.unlabelled += 1;
            return Ok(());
        }
        self.origins.push((self.origins.len() + self.unlabelled) as u32);
        if let (Some(weights), Some(column)) = (&mut self.weights, raw.roles().weight) {
            let weight = match table.spelling.value(text(column)) {
                Value::Number(number) if number > 0.0 && (number as f32).is_finite() => number as f32,
                _ => {
                    let problem = format!("`{}` is not a weight: expected a number above 0", text(column));
                    return Err(table.wrong(row, column, &problem));
                }
            };
            weights.push(weight);
        }
        for (at, &column) in self.places.iter().enumerate() {
            let value = table.spelling.value(text(column));
            if matches!(value, Value::Number(number) if !number.is_finite()) && !raw.keeps_missing() {
                let problem = format!("`{}` is not a finite number", text(column));
                return Err(table.wrong(row, column, &problem));
            }
            raw.push(at, value, line(row)).map_err(|problem| table.wrong(row, column, &problem))?;
        }
        raw.check_memory(|| format!("its values up to line {}", line(row)))?;
        for &column in &raw.roles().targets {
            match &mut self.answers {
                Answers::One(labels) => labels.push(&table.spelling.pointed(text(column))),
                Answers::Many(numbers) => {
                    push_number(numbers, table.spelling.value(text(column)), text(column))
                }
            }
            .map_err(|problem| table.wrong(row, column, &problem))?;
        }
        Ok(())
    }
}

fn push_number(numbers: &mut Numbers, value: Value<'_>, text: &str) -> Result<(), String> {
    match value {
        Value::Number(number) => {
            numbers.values.push(number);
            Ok(())
        }
        _ => Err(format!("`{text}` is not a number; with several targets, all are numbers")),
    }
}
