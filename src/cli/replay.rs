//! `gpu-mlp replay`: what a bug does to the curves.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::choice::{self, DataChoice, Hidden};
use super::loading;
use super::output::{complain, json, note, say};
use super::{interrupt, number};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::network::Activation;
use crate::replay::injection::{self, Injection};
use crate::replay::{self, Config, Curve, Plan, Point, Watch};
use crate::report::chart::{self, Figure};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp replay --bug softmax-jacobian                        without the bug, and with p - y sent through the Jacobian
  gpu-mlp replay --bug evaluation:softmax-whole-batch          a bug in the evaluation only
  gpu-mlp replay --bug bias-zero,missing-batch-mean --epochs 5
  gpu-mlp replay --seed-question --data mnist                  the question that started this project
  gpu-mlp replay --list                                        every bug that can be replayed, and its formula";

/// Train correctly and again with a bug: what the bug does to loss and accuracy, as a plot and a table.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Bugs to inject together, by the doctor's ids; ID/2 is the second formula of a bug; evaluation:ID acts only in the
    /// evaluation
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = injected)]
    #[arg(required_unless_present_any = ["seed_question", "list"])]
    bug: Vec<Injection>,
    /// Replay the three bugs of the question, each alone and all together
    #[arg(long, conflicts_with = "bug")]
    seed_question: bool,
    /// List the bugs that can be injected, and stop
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    data: DataChoice,
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    hidden: Hidden,
    /// Samples per batch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = number::whole::<usize>)]
    batch_size: usize,
    /// Passes over the training samples [default: 10; 25 with --seed-question]
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    epochs: Option<usize>,
    /// Learning rate [default: 0.1; with momentum 0.01, with Adam 0.001]
    #[arg(long, value_name = "RATE", value_parser = number::real::<f64>)]
    lr: Option<f64>,
    /// Seed of the weights and of the order of samples
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole::<u64>)]
    seed: u64,
    /// Activation after the hidden layers
    #[arg(long, value_enum, default_value_t = Activation::Relu)]
    act: Activation,
    /// Folder for replay.svg, replay.png and replay.json
    #[arg(long, value_name = "DIR", default_value = "replay")]
    out: PathBuf,
    /// Print the curves as one JSON object
    #[arg(long)]
    json: bool,
}

/// The value of `--bug`.
fn injected(text: &str) -> Result<Injection, String> {
    Injection::parse(text).map_err(|why| format!("{why}\n  hint: `gpu-mlp replay --list` shows all"))
}

/// Everything that is written to replay.json and printed with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    data: &'a str,
    layers: Vec<usize>,
    optimiser: Vec<&'static str>,
    lr: f64,
    batch_size: usize,
    epochs: usize,
    seed: u64,
    act: &'a str,
    curves: &'a [Curve],
}

/// Runs the command; returns the exit code: 0, or 130 if it was interrupted.
///
/// # Errors
/// Options that cannot be meant; what reading the data or writing the folder reports.
pub fn run(args: &ReplayArgs) -> Result<u8> {
    if args.list {
        say(list().trim_end());
        return Ok(0);
    }
    let plans = match args.seed_question {
        true => replay::seed_question().map_err(Error::Internal)?,
        false => replay::with_and_without(&args.bug),
    };
    // Weights, gradients, and both of their moments in f64.
    args.hidden.require_memory(32)?;
    let dataset =
        loading::load(args.data.data.as_deref(), &args.data, &args.data.loading.options(), None, args.json)?;
    loading::check_side_by_side(&dataset, "replay")?;
    let config = Config {
        hidden: args.hidden.0.clone(),
        batch_size: args.batch_size,
        epochs: args.epochs.unwrap_or(if args.seed_question { 25 } else { 10 }),
        lr: args.lr,
        seed: args.seed,
        act: args.act,
    };
    let spec = config.check(&dataset)?;
    fs::create_dir_all(&args.out).map_err(Error::io("create", &args.out))?;
    interrupt::listen("stopping; nothing will be written");
    let Some(curves) =
        replay::replay(&dataset, &config, &plans, &Progress { plans: &plans, quiet: args.json })?
    else {
        return Ok(interrupt::exit_code());
    };
    let (setting, lr) = config.setting(&plans);
    let answer = Answer {
        data: &dataset.name,
        layers: spec.sizes().to_vec(),
        optimiser: setting.words(),
        lr,
        batch_size: config.batch_size,
        epochs: config.epochs,
        seed: config.seed,
        act: args.act.name(),
        curves: &curves,
    };
    let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
    let what = if args.seed_question { "the question's three bugs" } else { "what the bug does" };
    let title = format!("{} on {}: {what}", sizes.join("-"), dataset.name);
    let written = write(&args.out, &replay::figure(&title, &curves), &json(&answer)?)?;
    if args.json {
        say(&json(&answer)?);
        return Ok(0);
    }
    say(&heading(&answer, &sizes));
    say(table(&curves).trim_end());
    for curve in curves.iter().filter(|curve| !curve.never_applied.is_empty()) {
        note(&format!(
            "{} never had an effect on this network: its formula needs a different one (a square W, another activation, larger logits)",
            curve.never_applied.join(", ")
        ));
    }
    say(&format!(
        "\n{}",
        written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("  ")
    ));
    Ok(0)
}

/// Reports evaluations on standard error.
struct Progress<'a> {
    plans: &'a [Plan],
    quiet: bool,
}

impl Watch for Progress<'_> {
    fn measured(&self, plan: usize, point: &Point) -> bool {
        if !self.quiet && point.epoch.fract() == 0.0 {
            let Point { epoch, measured } = point;
            complain(&format!(
                "epoch {epoch:>3}  printed loss {:>9.4}  accuracy {:>6.2} %  {}",
                measured.printed_loss,
                100.0 * measured.accuracy,
                self.plans[plan].label
            ));
        }
        !interrupt::asked()
    }
}

fn list() -> String {
    let mut text = String::new();
    for (bug, formula) in injection::all() {
        let _ = writeln!(text, "{bug:<42} {formula}");
    }
    for (id, formula) in injection::further() {
        let _ = writeln!(text, "{id:<42} {formula}");
    }
    text
}

fn heading(answer: &Answer<'_>, sizes: &[String]) -> String {
    let optimiser: String = answer.optimiser.iter().map(|word| format!(", {word}")).collect();
    format!(
        "\n{} {} on {}, batch {}, learning rate {}{optimiser}, {} epochs, seed {}\n",
        sizes.join("-"),
        answer.act,
        answer.data,
        answer.batch_size,
        answer.lr,
        answer.epochs,
        answer.seed
    )
}

/// One row per training: the printed loss, and the true one.
fn table(curves: &[Curve]) -> String {
    let width = curves.iter().map(|curve| curve.label.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{:<width$}  {:>8} {:>8} {:>8} {:>9} {:>9}   {:>8} {:>9}\n{:<width$}  {:>8} {:>8} {:>8} {:>9} {:>9}   {:>8} {:>9}\n",
        "",
        "printed",
        "",
        "",
        "",
        "accuracy",
        "cross-",
        "",
        "training",
        "first",
        "lowest",
        "last",
        "rise",
        "at lowest",
        "entropy",
        "accuracy"
    );
    for curve in curves {
        let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else { continue };
        let lowest = curve.lowest;
        let _ = write!(
            text,
            "{:<width$}  {:>8.4} {:>8} {:>8.4} {:>9} {:>9}   {:>8.4} {:>7.2} %",
            curve.label,
            first.measured.printed_loss,
            lowest.map_or("-".into(), |point| format!("{:.4}", point.measured.printed_loss)),
            last.measured.printed_loss,
            curve.rise.map_or("-".into(), |rise| format!("{rise:+.4}")),
            lowest.map_or("-".into(), |point| format!("{:.2} %", 100.0 * point.measured.accuracy)),
            last.measured.loss,
            100.0 * last.measured.accuracy
        );
        text.push_str(
            &curve
                .diverged
                .map_or("\n".into(), |epoch| format!("  diverged in epoch {:.0}\n", epoch.floor() + 1.0)),
        );
    }
    text
}

/// Writes the picture and the numbers; returns the files.
fn write(folder: &Path, figure: &Figure, numbers: &str) -> Result<Vec<PathBuf>> {
    #[allow(unused_mut, reason = "without the feature there is no PNG")]
    let mut files = vec![
        ("replay.svg", chart::svg(figure).into_bytes()),
        ("replay.json", format!("{numbers}\n").into_bytes()),
    ];
    #[cfg(feature = "png")]
    files.push(("replay.png", chart::png(figure)?));
    let write = |(name, bytes): (&str, Vec<u8>)| {
        let path = folder.join(name);
        let mut file = AtomicFile::create(&path)?;
        file.write_all(&bytes).map_err(Error::io("write", &path))?;
        file.finish()?;
        Ok(path)
    };
    files.into_iter().map(write).collect()
}
