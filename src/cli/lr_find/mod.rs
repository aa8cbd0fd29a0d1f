//! `gpu-mlp lr-find`: short trainings with many learning rates, and the rate to train with.

mod again;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use self::again::command;
use super::choice::{DataChoice, DeviceChoice};
use super::interrupt;
use super::loading;
use super::output::{json, note, say, thousands};
use super::side_by_side::{self, Progress, Workers};
use super::table::{self, Column};
use super::train::{self, Options, TrainArgs, configuration};
use crate::data::Dataset;
use crate::engine::{self, Device, Residency};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::report;
use crate::step::metrics::Score;
use crate::step::spread::Spread;
use crate::training::rates::{self, Part, RATES, Search, Tried, Unclear, of_rate, score_after};
use crate::training::run::RunConfig;
use crate::training::{Plan, TrainConfig};
use crate::words::numerals::counted;

/// With fewer training samples a loss says nothing.
const LEAST_SAMPLES: usize = 20;

const ABOUT: &str = "\
Every rate begins with the same weights and takes the same steps: a tenth of those of the training that the options describe, from
200 to 2,000. The rate of a schedule is its highest. The suggested rate is the smallest whose loss is about as low as the lowest.
The loss is that on training samples that are held out: a tenth, or of fewer than 5,000 samples each fifth in turn. Validation and
test set are not looked at.

Examples:
  gpu-mlp lr-find
  gpu-mlp lr-find --data flowers.csv --hidden 16 --optimizer adam
  gpu-mlp lr-find --data mnist --momentum 0.9 --out rates.html";

/// Find a learning rate: train a little with each of many, and suggest one.
#[derive(Debug, clap::Args)]
// The rate is what is looked for, so that --lr is refused.
#[command(after_help = ABOUT, mut_arg("lr", |lr| lr.hide(true)))]
pub struct LrFindArgs {
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    #[command(flatten)]
    options: Options,
    /// Read options from a file: TOML, or the config.json of a run; the command line overrides it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File for the page
    #[arg(long, value_name = "FILE.html", default_value = "lr-find.html")]
    out: PathBuf,
    /// Print JSON lines on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Show no progress and no notes
    #[arg(long, short)]
    quiet: bool,
}

/// A rate, for programs.
#[derive(Serialize)]
struct RateLine {
    event: &'static str,
    lr: f32,
    /// None if it diverged.
    loss: Option<f64>,
    #[serde(flatten)]
    measures: serde_json::Map<String, serde_json::Value>,
}

/// What came of it, for programs.
#[derive(Serialize)]
struct EndLine<'a> {
    event: &'static str,
    steps: usize,
    /// Before the first step.
    start_loss: f64,
    /// None if there is none.
    suggested: Option<f32>,
    command: Option<&'a str>,
}

/// Runs `gpu-mlp lr-find`; `given` names the options that the user gave.
///
/// # Errors
/// [`Error::Usage`] for options that cannot be meant, too few samples, or if no rate lowers the loss; what reading the data, the
/// device or training report.
pub fn run(args: &LrFindArgs, given: &[String]) -> Result<u8> {
    if given.iter().any(|name| name == "lr") {
        return Err(Error::usage("--lr is what lr-find looks for: leave it out"));
    }
    let (config, dataset, choice) = configured(args, given)?;
    let plan = Plan::new(&of_rate(&config.train, RATES[0]), &dataset)?;
    if plan.train.len() < LEAST_SAMPLES {
        let got = counted(plan.train.len(), "training sample");
        let problem = format!("{got}: a learning rate is looked for with {LEAST_SAMPLES} or more");
        return Err(Error::usage(problem).hint("train with the default, or try a few with gpu-mlp sweep"));
    }
    let (device, notice) = pollster::block_on(choice.open())?;
    notice.filter(|_| !args.quiet).iter().for_each(|text| note(text));
    if !args.quiet {
        side_by_side::note_alone(&device, RATES.len());
    }
    interrupt::listen("stopping; nothing is kept");
    let parts = rates::parts(&plan.train, config.train.seed);
    let steps = rates::steps(&config.train, plan.train.len());
    if !(args.json || args.quiet) {
        let (info, spec) = (device.info(), config.train.spec(&dataset)?);
        let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
        let held_out = match &parts[..] {
            [part] => format!("{} of them held out", thousands(part.held_out.len())),
            parts => format!("each {}th of them held out in turn", parts.len()),
        };
        let samples = thousands(plan.train.len());
        say(&format!(
            "data     {} ({}): {samples} training samples, {held_out}",
            dataset.name, dataset.origin
        ));
        say(&format!("network  {}, {}", sizes.join("-"), config.train.optimizer.name()));
        say(&format!("device   {}: {}", info.backend, info.adapter));
        say(&format!("search   {} learning rates, {} steps each", RATES.len(), thousands(steps)));
    }
    let probe = Probe { train: &config.train, dataset: &dataset, parts: &parts, device: &device, steps };
    let Some(search) = probe.all(args.json || args.quiet)? else { return Ok(interrupt::exit_code()) };
    tell(args, &dataset, &search)
}

/// The configuration, the data, and the device.
fn configured(args: &LrFindArgs, given: &[String]) -> Result<(RunConfig, Dataset, DeviceChoice)> {
    let of_train = TrainArgs::silent(&args.data, &args.device, args.options.clone(), args.config.clone());
    let config = configuration::configured(&of_train, given)?;
    of_rate(&config.train, RATES[0]).check()?;
    if config.init.is_some() {
        return Err(Error::usage("lr-find begins with new weights: leave `init` out of the file of options"));
    }
    let choice = train::device(&of_train, &config)?;
    let data = Some(config.data.clone()).filter(|data| !data.is_empty());
    let dataset = loading::load(data.as_deref(), &args.data, &config.loading, None, args.quiet)?;
    loading::check_side_by_side(&dataset, "lr-find")?;
    Ok((config, dataset, choice))
}

/// What it takes to try a rate.
struct Probe<'a> {
    train: &'a TrainConfig,
    dataset: &'a Dataset,
    parts: &'a [Part],
    device: &'a Device,
    steps: usize,
}

impl Probe<'_> {
    /// Tries all of them; nothing if the user ends it.
    fn all(&self, hidden: bool) -> Result<Option<Search>> {
        let Some(start) = self.score(RATES[0], 0, self.device)? else {
            return Err(Error::usage("the loss of the network is not a number before the first step")
                .hint("look at the values: gpu-mlp data show; --scale standard makes them small"));
        };
        let (progress, found) = (Progress::new(RATES.len(), "rates", hidden), Mutex::new(Vec::new()));
        let numbers: Vec<usize> = (0..RATES.len()).collect();
        let workers = Workers { threads: 1, at_once: usize::MAX };
        let ended = side_by_side::each(
            self.device,
            &progress,
            &numbers,
            workers,
            side_by_side::in_turn(),
            |number, device| {
                let lr = RATES[number];
                let score = self.score(lr, self.steps, device)?;
                found.lock().unwrap_or_else(PoisonError::into_inner).push(Tried { lr, score });
                progress.tick();
                Ok(())
            },
        );
        progress.end();
        ended?;
        let mut tried = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        tried.sort_by(|a, b| a.lr.total_cmp(&b.lr));
        Ok((!interrupt::asked()).then_some(Search { start, steps: self.steps, tried }))
    }

    /// What networks are worth after so many steps with a rate, on average over the parts.
    fn score(&self, lr: f32, steps: usize, device: &Device) -> Result<Option<Score>> {
        let config = of_rate(self.train, lr);
        let (spec, options) = (config.spec(self.dataset)?, config.step_options(self.dataset)?);
        config.require_memory(self.dataset, device.host_memory(&spec, &options))?;
        let mut scores = Vec::new();
        for part in self.parts {
            let score = pollster::block_on(async {
                let mut engine = engine::open(device, &spec, options, Residency::WhereTheyFit).await?;
                score_after(&mut engine, &config, self.dataset, part, steps, &interrupt::asked).await
            })?;
            let Some(score) = score else { return Ok(None) };
            scores.push(score);
        }
        Ok(Spread::of(&scores).map(|spread| spread.mean))
    }
}

/// Shows and writes what came of it.
fn tell(args: &LrFindArgs, dataset: &Dataset, search: &Search) -> Result<u8> {
    let suggested = search.suggested();
    let command = suggested.ok().map(command);
    if args.json {
        for tried in &search.tried {
            let measures = tried.score.iter().flat_map(Score::all);
            say(&json(&RateLine {
                event: "rate",
                lr: tried.lr,
                loss: tried.score.map(|score| score.loss),
                measures: measures.map(|(measure, value)| (measure.key().to_owned(), value.into())).collect(),
            })?);
        }
        let (steps, start_loss, command) = (search.steps, search.start.loss, command.as_deref());
        let suggested = suggested.ok();
        say(&json(&EndLine { event: "lr-find", steps, start_loss, suggested, command })?);
    } else if !args.quiet {
        say("");
        lines(search).iter().for_each(|line| say(line));
    }
    let page = report::lr_find(search, &dataset.name, command.as_deref());
    let mut file = AtomicFile::create(&args.out)?;
    file.write_all(page.as_bytes()).map_err(Error::io("write", &args.out))?;
    file.finish()?;
    let told = |line: &str| if args.json { note(line) } else { say(line) };
    if !args.quiet {
        told(&format!("\npage     {}", args.out.display()));
    }
    match (suggested, command) {
        (Ok(lr), Some(command)) => {
            if !args.json {
                say(&format!(
                    "suggested learning rate {lr:?}: it has learned about as much as any rate, and is the smallest of these\n\n  {command}"
                ));
            }
            Ok(0)
        }
        (Err(Unclear::Diverged), _) => {
            let problem = format!("training diverges at every learning rate from {:?} on", RATES[0]);
            Err(Error::usage(problem)
                .hint("look at the values: gpu-mlp data show; --scale standard makes them small"))
        }
        _ => {
            let least = search
                .tried
                .iter()
                .filter_map(|tried| tried.score)
                .map(|score| score.loss)
                .fold(f64::INFINITY, f64::min);
            let problem = format!(
                "no learning rate lowers the loss in {} steps: it is {:.4} at the start, and {least:.4} at the lowest",
                thousands(search.steps),
                search.start.loss
            );
            Err(Error::usage(problem).hint(
                "look at inputs and targets with gpu-mlp data show; --overfit-batches 1 of train shows whether they can be learned; \
                 a larger --epochs makes more steps",
            ))
        }
    }
}

fn lines(search: &Search) -> Vec<String> {
    let measure = search.start.headline().map(|(measure, _)| measure);
    let mut columns = vec![Column::number("lr", 0), Column::number("loss", 0)];
    columns.extend(measure.map(|measure| Column::number(measure.title(), 0)));
    columns.push(Column::text("", 0));
    let suggested = search.suggested().ok();
    let row = |name: String, score: Option<Score>, mark: &str| {
        let mut row = vec![name, score.map_or("diverged".to_owned(), |score| format!("{:.4}", score.loss))];
        row.extend(measure.map(|measure| {
            score.and_then(|score| score.get(measure)).map_or("-".to_owned(), |value| measure.shown(value))
        }));
        row.push(mark.to_owned());
        row
    };
    let mut rows = vec![row("start".into(), Some(search.start), "")];
    rows.extend(search.tried.iter().map(|tried| {
        row(
            format!("{:?}", tried.lr),
            tried.score,
            if suggested == Some(tried.lr) { "suggested" } else { "" },
        )
    }));
    table::lines(&columns, &rows, table::terminal_width())
}
