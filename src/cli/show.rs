//! `gpu-mlp data show`: the content of a data set, on one page.

use std::io::Write;
use std::path::PathBuf;

use bytesize::ByteSize;
use serde::Serialize;

use super::apart;
use super::choice::LoadChoice;
use super::output::{json, say, thousands, words};
use crate::data::inspect::{Column, Inspection, Summary, inspect};
use crate::data::{self, LoadOptions, Request};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::network::Task;
use crate::words::numerals::short;

/// Classes and columns that the page lists; --json has all.
const LISTED: usize = 30;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp data show mnist --png samples.png
  gpu-mlp data show mine.csv --label-column species";

/// Inspect a data set.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// Data set, as for `train --data`: a name or a path [default: mnist if it is on this machine, else digits]
    #[arg(value_name = "NAME|PATH")]
    data: Option<String>,
    /// Folder of data sets to search first
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Memory for samples, such as 512MiB or 2GB
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(data::MEMORY_LIMIT))]
    memory_limit: ByteSize,
    #[command(flatten)]
    loading: LoadChoice,
    /// Also draw the first samples of each class, one row per class, if they are images
    #[arg(long, value_name = "FILE.png")]
    png: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    event: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Runs `gpu-mlp data show`.
pub(super) fn run(args: &ShowArgs) -> Result<()> {
    let options = args.loading.options();
    if let Some(path) = &args.png {
        apart::check("--png", path, &apart::of_data(args.data.as_deref(), &args.loading))?;
    }
    let inspection = inspect(Request {
        data: args.data.as_deref(),
        data_dir: args.data_dir.as_deref(),
        memory_limit: Some(args.memory_limit.0),
        options: Some(&options),
        fitted: None,
    })?;
    let summary = inspection.summary();
    if let Some(path) = &args.png {
        draw(&inspection, path)?;
    }
    if args.json {
        say(&json(&Report { event: "data", summary })?);
        return Ok(());
    }
    page(summary, &options);
    match (&args.png, summary.image_shape) {
        (Some(path), _) => say(&format!("\nimages   {}, one row for each class", path.display())),
        (None, Some(_)) => say("\nto draw samples: --png FILE.png"),
        (None, None) => {}
    }
    Ok(())
}

fn draw(inspection: &Inspection, path: &PathBuf) -> Result<()> {
    let Some(bytes) = inspection.contact_sheet()? else {
        return Err(Error::usage(format!(
            "--png {}: the samples of {} are not images\n  hint: leave the option out",
            path.display(),
            inspection.summary().name
        )));
    };
    let mut file = AtomicFile::create(path)?;
    file.write_all(&bytes).map_err(Error::io("write", path))?;
    file.finish()
}

fn page(summary: &Summary, options: &LoadOptions) {
    say(&format!("{} is {}\n", summary.name, summary.form));
    let mut train = thousands(summary.train_samples);
    if let Some(validation) = summary.validation_samples {
        train.push_str(&format!(" for training, {} for validation", thousands(validation)));
    }
    let training = if summary.validation_samples.is_some() { "" } else { " for training" };
    say(&match summary.test_samples {
        Some(test) => format!("samples  {train}{training}, {} for testing", thousands(test)),
        None => format!(
            "samples  {train}; training holds out {} % of them, at random, for testing (--test-fraction, --test-data)",
            100.0 * options.test_fraction
        ),
    });
    let shape = summary.image_shape.map_or(String::new(), |[rows, cols]| {
        let colours = if summary.features == rows * cols { "" } else { ", in colours" };
        format!(" ({rows} x {cols} pixels{colours})")
    });
    let range = &summary.range;
    let ends = match (range.min, range.max) {
        (Some(min), Some(max)) => format!("{} to {}", short(min), short(max)),
        _ => "all missing".to_owned(),
    };
    say(&format!(
        "values   {} per sample{shape}: {}, {ends}, mean {}, deviation {}",
        thousands(summary.features),
        summary.values,
        short(range.mean),
        short(range.deviation)
    ));
    if let Some(scaling) = summary.scaling {
        say(&format!("scaling  {scaling}"));
    }
    match summary.task {
        Task::Classification => {
            say(&format!("classes  {}\n", thousands(summary.classes.len())));
            classes(summary);
        }
        task => {
            let why = summary.why.map_or(String::new(), |why| format!(", since they are {why}"));
            say(&format!("targets  {}, for --task {}{why}", thousands(summary.targets.len()), task.name()));
            columns(&summary.targets);
        }
    }
    columns(&summary.columns);
    if !summary.notes.is_empty() || !summary.warnings.is_empty() {
        say("");
    }
    summary.notes.iter().for_each(|text| say(&format!("note: {}", words(text))));
    summary.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
}

fn classes(summary: &Summary) {
    let listed = &summary.classes[..summary.classes.len().min(LISTED)];
    let width = listed.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max("class".len());
    let test =
        |text: &str| if summary.test_samples.is_some() { format!(" {text:>10}") } else { String::new() };
    say(&format!("  {:<width$} {:>10}{}", "class", "train", test("test")));
    for class in listed {
        let tests = test(&thousands(class.test));
        say(&format!("  {:<width$} {:>10}{tests}", class.name, thousands(class.train)));
    }
    more(summary.classes.len());
}

fn columns(columns: &[Column]) {
    let listed = &columns[..columns.len().min(LISTED)];
    if listed.is_empty() {
        return;
    }
    let name = |(place, column): (usize, &Column)| column.name.clone().unwrap_or_else(|| place.to_string());
    let names: Vec<String> = listed.iter().enumerate().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("column".len());
    let line = |name: &str, cells: [String; 5]| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:>11}")).collect();
        say(&format!("  {name:<width$}{cells}"));
    };
    say("");
    line("column", ["lowest", "highest", "mean", "deviation", "missing"].map(str::to_owned));
    for (name, column) in names.iter().zip(listed) {
        let end = |end: Option<f64>| end.map_or("-".to_owned(), short);
        let Column { min, max, mean, deviation, missing, words, dates, .. } = column;
        if let Some(words) = words {
            let different = format!("{words} {}", if *dates { "dates" } else { "words" });
            line(name, [different, "-".into(), "-".into(), "-".into(), missing.to_string()]);
            continue;
        }
        line(name, [end(*min), end(*max), short(*mean), short(*deviation), missing.to_string()]);
    }
    more(columns.len());
}

fn more(count: usize) {
    if count > LISTED {
        say(&format!("  … and {} more; --json has all", thousands(count - LISTED)));
    }
}
