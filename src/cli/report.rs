//! `gpu-mlp report`: an HTML report of runs.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytesize::ByteSize;

use super::apart;
use super::choice::{DataChoice, DeviceChoice};
use super::loading;
use super::measure::{self, opened};
use super::output::{note, say};
use super::threshold::Threshold;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::report::{self, Ensemble, Run, Test};
use crate::step::metrics::Score;
use crate::training::evaluation::{self, Question};
use crate::training::run::ensemble::EnsembleDir;
use crate::training::run::folds::FoldsDir;
use crate::training::run::networks::Networks;
use crate::training::run::sweep::SweepDir;
use crate::words::numerals::counted;

const EXAMPLES: &str = "\
The report of one run has curves, mistakes, confusion matrix, precision and recall, weights, options, and the numbers of
every epoch. Several runs are compared; of a cross-validation there is a table of the scores with mean and deviation. Of an
ensemble the page shows what its members say together, and how they differ.
The report is one file that loads nothing and has no script. It replaces the file that --out names.

Examples:
  gpu-mlp report runs/2026-01-31T12-00-00Z-mnist
  gpu-mlp report runs/2026-01-31T12-00-00Z-mnist --out seven.html --data moved/mnist
  gpu-mlp report runs/2026-01-31T12-00-00Z-churn --threshold best
  gpu-mlp report runs/a runs/b runs/c --out comparison.html";

/// Write an HTML report of a run, or of several runs side by side.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// Folder of a run or of an ensemble, or of several runs to compare, such as the folds of a cross-validation
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE.html", default_value = "report.html")]
    out: PathBuf,
    /// For two classes and for labels: the probability from which on the answer is yes; `best` is the one with the highest F1 on
    /// the validation part of the run's data [default: the class with the larger probability]
    #[arg(long, value_name = "P|best")]
    threshold: Option<Threshold>,
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
}

/// Runs `gpu-mlp report`.
///
/// # Errors
/// [`Error::Usage`] for a run that is named twice, and data for several; [`Error::File`] for what is no run; what reading
/// the data that were named, or the device, reports; [`Error::Io`] if the page cannot be written.
pub fn run(args: &ReportArgs) -> Result<()> {
    let paths = SweepDir::each_run(&args.runs)?;
    let ensemble = match &args.runs[..] {
        [path] => EnsembleDir::open(path)?,
        _ => None,
    };
    check(args, if ensemble.is_some() { &args.runs } else { &paths })?;
    if let Some(ensemble) = ensemble {
        return of_ensemble(args, &ensemble);
    }
    let mut runs = paths.iter().map(|path| Run::read(path)).collect::<Result<Vec<_>>>()?;
    if let ([run], [path]) = (&mut runs[..], &paths[..]) {
        let left_out = run.model.clone().map(|(parameters, info)| {
            let measured = measured(&Networks::one(parameters, info), path, args)?;
            measured.map(|(test, _)| run.test = Some(test)).or_else(|error| {
                run.untested(&error);
                Ok(())
            })
        });
        left_out.transpose()?;
    }
    let page = match &runs[..] {
        [run] => report::page(run)?,
        several => {
            let folds = args.runs.iter().map(|path| FoldsDir::open(path)).collect::<Result<Vec<_>>>()?;
            let scores = folds.iter().flatten().map(FoldsDir::scores).collect::<Result<Vec<_>>>()?;
            report::comparison(several, &scores)?
        }
    };
    for problem in runs.iter().flat_map(Run::left_out) {
        note(&format!("left out: {problem}"));
    }
    let what = match runs.len() {
        1 => "one run".to_owned(),
        count => format!("a comparison of {count} runs"),
    };
    write(args, &page, &what)
}

fn write(args: &ReportArgs, page: &str, what: &str) -> Result<()> {
    let mut file = AtomicFile::create(&args.out)?;
    file.write_all(page.as_bytes()).map_err(Error::io("write", &args.out))?;
    file.finish()?;
    say(&format!("{}: {what}, {}; open it in a browser", args.out.display(), ByteSize(page.len() as u64)));
    Ok(())
}

/// The page of an ensemble: its members side by side, and what they say together.
fn of_ensemble(args: &ReportArgs, ensemble: &EnsembleDir) -> Result<()> {
    let path = ensemble.dir.path();
    let (networks, mut left_out) = (Networks::load(path)?, Vec::new());
    let (mut runs, mut test, mut scores) = (Vec::new(), None, Vec::new());
    for &number in &networks.numbers {
        runs.push(Run::read(&ensemble.dir.run(number))?);
    }
    match measured(&networks, path, args)? {
        Ok((own, members)) => (test, scores) = (Some(own), members),
        Err(error) => left_out.push(report::untested(&error)),
    }
    left_out.iter().for_each(|problem| note(&format!("left out: {problem}")));
    left_out.extend(networks.notes.iter().cloned());
    let page = report::ensemble(&Ensemble {
        name: path.display().to_string(),
        info: &networks.info,
        numbers: &networks.numbers,
        runs: &runs,
        scores: &scores,
        test: test.as_ref(),
        left_out: &left_out,
    })?;
    write(args, &page, &format!("an ensemble of {}", counted(runs.len(), "member")))
}

fn check(args: &ReportArgs, runs: &[PathBuf]) -> Result<()> {
    args.device.check()?;
    for run in &args.runs {
        apart::check("--out", &args.out, &apart::of_run(run))?;
    }
    for run in runs {
        apart::check("--out", &args.out, &apart::of_model(run, &args.data)?)?;
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = runs.iter().find(|run| !seen.insert(run.canonicalize().unwrap_or((*run).clone()))) {
        return Err(Error::usage(format!("{} is named twice: name each run once", twice.display())));
    }
    if args.threshold.is_some() && runs.len() > 1 {
        let problem =
            "--threshold: a comparison shows the scores of the runs as they were measured in training";
        return Err(Error::usage(problem).hint("leave it out, or name one run"));
    }
    match &args.data.data {
        Some(data) if runs.len() > 1 => Err(Error::usage(format!(
            "--data {data}: a comparison shows the scores of the runs and needs no data\n  hint: leave it out, or name \
             one run"
        ))),
        _ => Ok(()),
    }
}

/// What is measured for a page: the model, and each member of an ensemble.
type Measured = (Test, Vec<(usize, Score)>);

/// Measures networks on the test samples, for what metrics do not tell. Data that were named have to be there; without a run's
/// own there is still a page, and the inner error says why.
fn measured(networks: &Networks, path: &Path, args: &ReportArgs) -> Result<Result<Measured>> {
    let info = &networks.info;
    let dataset = match &args.data.data {
        Some(_) => loading::load_for(path, info, &args.data)?,
        None => match loading::load_own(path, info, &args.data, false) {
            Ok(dataset) => dataset,
            // Somebody who asks for a threshold wants to see what it does.
            Err(error) if args.threshold.is_some() => return Err(error),
            Err(error) => return Ok(Err(error)),
        },
    };
    let dataset = Arc::new(dataset);
    pollster::block_on(async {
        let mut model = opened(&args.device, networks).await?;
        let thresholds = match args.threshold {
            Some(threshold) => Some(threshold.of(path, info, &args.data, &mut model).await?),
            None => None,
        };
        let question =
            Question { mistakes: report::MISTAKES, thresholds: thresholds.clone(), ..Question::default() };
        let loss = info.spec.loss();
        let evaluation = evaluation::evaluate(&mut model, loss, &dataset, Split::Test, &question).await?;
        let part = (&*dataset, Split::Test);
        let members = measure::members(&mut model, networks, part, thresholds.as_deref()).await?;
        let (device, thresholds) = (model.info(), thresholds.unwrap_or_default());
        Ok(Ok((Test { evaluation, device, dataset: dataset.clone(), thresholds }, members)))
    })
}
