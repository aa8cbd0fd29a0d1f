//! `gpu-mlp data`: make the built-in data set, fetch a known one, list them all. `show` and the sets in parts have their own files.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::number;
use super::output::say;
use super::parts::{self, ShardArgs, VerifyArgs};
use super::show::ShowArgs;
use crate::data::catalog::{self, KNOWN, Known};
use crate::data::fetch::{self, Event, Limits};
use crate::data::{Places, make};
use crate::error::{Error, Result};
use crate::words::spelling::did_you_mean;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp data list
  gpu-mlp data fetch mnist
  gpu-mlp data make digits --train 60000 --test 10000 --out digits
  gpu-mlp data show mine.csv
  gpu-mlp data shard a.parquet b.parquet --out parts
  gpu-mlp data verify parts";

const MAKE: &str = "\
Examples:
  gpu-mlp data make digits
  gpu-mlp data make digits --train 1000000 --plain --out many";

const FETCH: &str = "\
Examples:
  gpu-mlp data fetch mnist
  gpu-mlp data fetch fashion-mnist --data-dir sets";

const LIST: &str = "\
Examples:
  gpu-mlp data list
  gpu-mlp data list --data-dir sets";

/// Make, fetch, list, inspect and cut up data sets.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DataArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Draw the built-in data set in any size and write it as a folder of IDX files
    Make(MakeArgs),
    /// Download a known data set; the only command that goes online
    Fetch(FetchArgs),
    /// List the known data sets, and where they are or how to get them
    List(ListArgs),
    /// Inspect a data set: format, shape, ranges, classes, warnings
    Show(Box<ShowArgs>),
    /// Make a set in parts of files that exceed the memory together
    Shard(Box<ShardArgs>),
    /// Check the parts of a set: length and SHA-256 of each
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = MAKE)]
struct MakeArgs {
    /// Data set to make
    #[arg(value_parser = [catalog::DIGITS])]
    name: String,
    /// Number of training images
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = number::whole::<usize>)]
    train: usize,
    /// Number of test images
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = number::whole::<usize>)]
    test: usize,
    /// Seed; the same seed draws the same images
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole::<u64>)]
    seed: u64,
    /// Write plain files instead of gzip: they are larger, but can stay on the disk during training
    #[arg(long)]
    plain: bool,
    /// Folder for the four files
    #[arg(long, value_name = "DIR", default_value = catalog::DIGITS)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = FETCH)]
struct FetchArgs {
    /// Data set to fetch: mnist, fashion-mnist
    name: String,
    /// Folder to put the data set into [default: GPU_MLP_DATA_DIR, else this machine's cache folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = LIST)]
struct ListArgs {
    /// Folder of data sets to search first
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs `gpu-mlp data …`, and returns the exit code.
///
/// # Errors
/// What making, fetching or writing the set reports.
pub fn run(args: DataArgs) -> Result<u8> {
    match args.command {
        Command::Verify(args) => return parts::run_verify(&args),
        Command::Make(args) => run_make(&args)?,
        Command::Fetch(args) => run_fetch(&args)?,
        Command::Show(args) => super::show::run(&args)?,
        Command::Shard(args) => parts::run_shard(&args)?,
        Command::List(args) => run_list(&args),
    }
    Ok(0)
}

fn run_make(args: &MakeArgs) -> Result<()> {
    let MakeArgs { train, test, seed, plain, .. } = *args;
    let paths = make::digits(&args.out, &make::Digits { train, test, seed, plain })?;
    for path in paths {
        say(&format!("wrote {}", path.display()));
    }
    // The bare name means the set that is built in.
    say(&format!("train on it with: gpu-mlp train --data {}", Path::new(".").join(&args.out).display()));
    Ok(())
}

fn run_list(args: &ListArgs) {
    let places = Places::of_this_machine(args.data_dir.as_deref());
    say(&format!("{:<15}{}", catalog::DIGITS, "built in"));
    for known in &KNOWN {
        let place = match places.complete(known) {
            Some(path) => path.display().to_string(),
            None => format!("not on this machine; `gpu-mlp data fetch {}` downloads it", known.name),
        };
        say(&format!("{:<15}{place}  ({})", known.name, known.about));
    }
}

fn run_fetch(args: &FetchArgs) -> Result<()> {
    let known = fetchable(&args.name)?;
    let folder = Places::of_this_machine(args.data_dir.as_deref()).home(known)?;
    let mut display = Display::new();
    let fetched = fetch::fetch(known, &folder, &fetch::mirrors(known), &Limits::default(), &mut |event| {
        display.show(&event)
    });
    display.bar.finish_and_clear();
    let verdict = if fetched? == 0 { "is already there and complete" } else { "is there and complete" };
    say(&format!("{} {verdict}: {}", known.name, folder.display()));
    Ok(())
}

fn fetchable(name: &str) -> Result<&'static Known> {
    if name == catalog::DIGITS {
        return Err(Error::usage("digits is built in: `--data digits` needs no download".to_owned()));
    }
    catalog::find(name).ok_or_else(|| {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        Error::usage(format!(
            "there is no data set called `{name}` to fetch{}\n  hint: known names are {}",
            did_you_mean(name, catalog::names()),
            names.join(", ")
        ))
    })
}

/// Shows a fetch on standard error: a bar on a terminal, else a line for each file.
struct Display {
    bar: ProgressBar,
    on_terminal: bool,
}

impl Display {
    fn new() -> Self {
        Self { bar: ProgressBar::hidden(), on_terminal: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, event: &Event<'_>) {
        match *event {
            Event::Whole { path } => self.line(&format!("{}: already there and complete", file_name(path))),
            Event::Start { url } => self.start(url),
            Event::Received { bytes, total } => {
                if let Some(total) = total {
                    self.bar.set_length(total);
                }
                self.bar.set_position(bytes);
            }
            Event::Resumed { from, reason } => self.line(&format!("{reason}; continuing from byte {from}")),
            Event::Failed { url, reason } => {
                self.bar.finish_and_clear();
                self.line(&format!("{url}: {reason}"));
            }
            Event::SetAside { path } => self.line(&format!("a damaged file is now {}", path.display())),
            Event::Stored { path } => {
                self.bar.finish_and_clear();
                self.line(&format!("{}: downloaded; length and checksum are correct", file_name(path)));
            }
        }
    }

    fn start(&mut self, url: &str) {
        if !self.on_terminal {
            self.line(&format!("fetching {url}"));
            return;
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
        self.bar =
            ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_message(url.rsplit('/').next().unwrap_or(url).to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn line(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        });
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
