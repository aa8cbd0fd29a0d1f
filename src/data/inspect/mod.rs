//! The content of a data set before scaling: shapes, ranges, classes and warnings.

mod columns;
mod sheet;
mod summary;
mod values;
mod warnings;

use super::columns::of_words;
use super::locate::{self, Found};
use super::scaling::Scaling;
use super::source::{Part, Rows, Source};
use super::table_options::Missing;
use super::{Format, LoadOptions, Places, Request, Schema};
use crate::error::{Message, Result};
use crate::network::Task;

pub use super::classes::Class;
pub use columns::Column;
pub use summary::Summary;

/// A set that was looked at.
#[derive(Debug)]
pub struct Inspection {
    summary: Summary,
    source: Source,
}

/// Looks at what `request` asks for, in the folders of this machine. Values that are missing or not finite are counted
/// where [`load`](super::load) refuses them.
///
/// # Errors
/// As [`load`](super::load).
pub fn inspect(request: Request<'_>) -> Result<Inspection> {
    inspect_from(request, &locate::places_of(request)?)
}

/// [`inspect`], looking in `places` only.
///
/// # Errors
/// As [`load`](super::load).
pub fn inspect_from(request: Request<'_>, places: &Places) -> Result<Inspection> {
    let default = LoadOptions::default();
    let options = request.options.unwrap_or(&default);
    let Found { name, origin, source, .. } = locate::find(request.data, places, request.reading(true))?;
    let (task, why) = source.task(options.task);
    let source = source.of_task(task)?.with_given(options, request.reading(true), task)?;
    let columns = columns::of(&source.train)?;
    let classes = if task == Task::Classification { classes(&source)? } else { Vec::new() };
    let targets = if task == Task::Classification { Vec::new() } else { columns::of_targets(&source, task)? };
    let range = Column::of_all(&columns);
    let schema = match (&source.schema, &source.train.rows) {
        (Some(draft), Rows::Columns(columns)) => Some(draft.fitted(columns, &options.table)),
        _ => None,
    };
    let fills = matches!(options.table.missing, Missing::Auto | Missing::Impute) && schema.is_some();
    let scaling = (range.missing == 0 || fills)
        .then(|| source.scaling(options.scale, schema.as_ref(), request.reading(true).memory));
    let Source { what, notes, train, validation, test, .. } = &source;
    let mut notes = notes.clone();
    if let (Some(schema), Rows::Columns(columns)) = (&schema, &train.rows) {
        notes.extend(of_words(&schema.inputs, columns).into_iter().map(Message::from));
    }
    let constant = columns.iter().filter(|column| column.is_constant()).count();
    let mut summary = Summary {
        name,
        origin,
        form: what.clone(),
        notes,
        inputs: schema.as_ref().map(Schema::features).unwrap_or_default(),
        task,
        why,
        train_samples: train.len(),
        validation_samples: validation.as_ref().map(Part::len),
        test_samples: test.as_ref().map(Part::len),
        features: train.features,
        image_shape: train.image_shape,
        values: if train.format == Format::Bytes { "bytes" } else { "numbers" },
        scaling: scaling.as_ref().map(Scaling::words),
        range,
        constant,
        classes,
        targets,
        columns,
        warnings: Vec::new(),
    };
    summary.warnings = warnings::of(&summary, scaling.as_ref(), options.scale, fills);
    if train.image_shape.is_some() {
        summary.columns.clear();
    }
    Ok(Inspection { summary, source })
}

impl Inspection {
    /// What there is to say.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The first samples of each class as a PNG file, a row a class; nothing if samples are no images.
    ///
    /// # Errors
    /// Those of reading samples from their file.
    pub fn contact_sheet(&self) -> Result<Option<Vec<u8>>> {
        sheet::png(&self.source, &self.summary)
    }
}

fn classes(source: &Source) -> Result<Vec<Class>> {
    let names = source.class_names();
    let numbers = |part: &Part| part.answers.one_hot(&part.path)?.classes(&names, &part.path);
    let test = source.test.as_ref().map(numbers).transpose()?.unwrap_or_default();
    Ok(Class::counted(&names, &numbers(&source.train)?, &test))
}
