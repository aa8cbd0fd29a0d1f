//! The training of the members, and the measuring of what they say together.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::super::args::{OnDeviceLost, OnDivergence, TrainArgs};
use super::super::face::{Opening, heading};
use super::table;
use crate::cli::choice::DeviceChoice;
use crate::cli::interrupt;
use crate::cli::measure;
use crate::cli::output::{json, note, say};
use crate::cli::side_by_side::{self, Progress, Training, Workers};
use crate::data::{Dataset, Split};
use crate::engine::Device;
use crate::error::{Error, Result};
use crate::network::Task;
use crate::step::metrics::Score;
use crate::training::evaluation::{self, Question};
use crate::training::run::ensemble::{EnsembleDir, MemberScore};
use crate::training::run::networks::Networks;
use crate::training::run::stand::{Stand, forget_divergence};
use crate::training::{Model, Plan};

/// A line for programs.
#[derive(Serialize)]
struct Line<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    scores: &'a T,
}

/// The members, and what it takes to train them.
pub(super) struct Members<'a> {
    pub args: &'a TrainArgs,
    pub own: EnsembleDir,
    pub dataset: Dataset,
    pub plan: Plan,
    pub choice: DeviceChoice,
    pub device: Device,
    pub begun: Instant,
}

impl Members<'_> {
    /// Trains each member that is not at its end, measures them together, and shows and keeps their scores; the exit code.
    ///
    /// # Errors
    /// The first error of a member that is no divergence; the first divergence if all members diverge.
    pub fn train(&self) -> Result<u8> {
        let Self { args, own, .. } = self;
        let is_silent = args.json || args.quiet;
        interrupt::listen("saving and stopping; Ctrl-C again stops at once, without saving");
        let before = self.scores()?;
        let numbers: Vec<usize> =
            before.iter().filter(|score| self.is_open(score)).map(|score| score.member).collect();
        let epochs = own.dir.config.train.total_epochs();
        let progress = Progress::new(own.dir.count * epochs, "epochs", is_silent);
        if !is_silent {
            self.heading(own.dir.count - numbers.len())?;
        }
        progress.skip(before.iter().map(|score| score.epochs).sum());
        let (first, workers) = (Mutex::new(None), Workers { threads: 1, at_once: self.at_once() });
        let ended = side_by_side::each(
            &self.device,
            &progress,
            &numbers,
            workers,
            side_by_side::in_turn(),
            |number, device| {
                if let Some(error) = self.member(number, device, &progress)? {
                    first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                self.tell(&own.score(number)?, &progress)
            },
        );
        progress.end();
        ended.inspect_err(|_| own.dir.withdraw())?;
        if interrupt::asked() {
            self.finish([None, None])?;
            let path = own.dir.path().display();
            note(&format!(
                "what the members have learned is kept; to continue: gpu-mlp train --resume {path}"
            ));
            return Ok(interrupt::exit_code());
        }
        if self.scores()?.iter().all(|score| score.stand == Stand::Diverged) {
            self.finish([None, None])?;
            let first = first.into_inner().unwrap_or_else(PoisonError::into_inner);
            return Err(first.unwrap_or_else(|| self.all_diverged()));
        }
        self.finish(pollster::block_on(self.together())?)?;
        Ok(0)
    }

    /// Members that train at once at most: of a device that may be lost and opened again, one, since a device is opened by one
    /// training at a time.
    fn at_once(&self) -> usize {
        if self.args.on_device_lost == OnDeviceLost::Fail || !self.device.is_gpu() {
            if !self.args.quiet {
                side_by_side::note_alone(&self.device, self.own.dir.count);
            }
            return usize::MAX;
        }
        if !self.args.quiet {
            note(
                "--on-device-lost trains the members one after another, since each of them may open the GPU anew",
            );
        }
        1
    }

    fn all_diverged(&self) -> Error {
        let path = self.own.dir.path();
        let hint = format!(
            "train again with a smaller --lr, or: gpu-mlp train --resume {} --on-divergence lower-lr",
            path.display()
        );
        Error::file(path, "every member of this ensemble has diverged", hint)
    }

    /// What has come of each member so far.
    fn scores(&self) -> Result<Vec<MemberScore>> {
        (1..=self.own.dir.count).map(|number| self.own.score(number)).collect()
    }

    /// Whether a member is not at its end.
    fn is_open(&self, score: &MemberScore) -> bool {
        match score.stand {
            Stand::Diverged => self.args.on_divergence == OnDivergence::LowerLr,
            // More epochs may be wanted by now.
            Stand::Done => score.epochs < self.own.dir.config.train.total_epochs(),
            Stand::Waiting | Stand::Unfinished => true,
        }
    }

    fn heading(&self, done: usize) -> Result<()> {
        let (config, count) = (&self.own.dir.config, self.own.dir.count);
        let spec = config.train.spec(&self.dataset)?;
        let (engine, run) = (&self.device.info(), self.own.dir.path());
        let (dataset, plan, spec, history) = (&self.dataset, &self.plan, &spec, &[][..]);
        for line in heading(&Opening { dataset, plan, spec, engine, run, config, history }) {
            say(&line);
        }
        let first = config.train.seed;
        let last = first + count as u64 - 1;
        say(&format!("ensemble {count} members, with the seeds {first} to {last}\n"));
        if done > 0 {
            say(&format!("{done} of {count} members are done already"));
        }
        Ok(())
    }

    /// Trains one member; how it diverged, if it did.
    fn member(&self, number: usize, device: &Device, progress: &Progress) -> Result<Option<Error>> {
        let config = self.own.config(number);
        let epochs = config.train.total_epochs();
        let (ensemble, resume) = (None, None);
        let args = TrainArgs { ensemble, resume, overwrite: false, quiet: true, ..self.args.clone() };
        let training = Training {
            args,
            config,
            dataset: &self.dataset,
            choice: self.choice.clone(),
            // A GPU that one member has lost is opened again for the next.
            device: Some(device.clone()).filter(|device| !matches!(device, Device::Gpu(_))),
            face: progress.face(usize::MAX, epochs),
        };
        let run = self.own.dir.run(number);
        // It goes on otherwise.
        forget_divergence(&run)?;
        training.train_in(&run)
    }

    fn tell(&self, score: &MemberScore, progress: &Progress) -> Result<()> {
        match (score.stand.is_final(), self.args.json, self.args.quiet) {
            (true, true, _) => say(&json(&Line { event: "member", scores: score })?),
            (true, false, false) => progress.say(&table::sentence(score, self.own.dir.count)),
            _ => {}
        }
        Ok(())
    }

    /// What the mean of the members' answers is worth on the test and the validation part.
    async fn together(&self) -> Result<[Option<Score>; 2]> {
        let networks = Networks::load(self.own.dir.path())?;
        networks.notes.iter().filter(|_| !self.args.quiet).for_each(|text| note(text));
        let mut ensemble = measure::on(&self.device, &networks).await?;
        let loss = networks.info.spec.loss();
        let mut scores = [None, None];
        let parts = [(Split::Test, &self.plan.test), (Split::Validation, &self.plan.validation)];
        for (score, (split, all)) in scores.iter_mut().zip(parts).filter(|(_, (_, all))| !all.is_empty()) {
            ensemble.load(split, self.dataset.split(split)?.clone()).await?;
            let (part, question) = ((split, &all[..]), Question::default());
            let found =
                evaluation::evaluate_some(&mut ensemble, loss, &self.dataset, part, &question).await?;
            *score = Some(match loss.task() {
                Task::Regression => found.score,
                _ => found.beside(found.score),
            });
        }
        Ok(scores)
    }

    /// Shows and keeps what came of all; `together` is what they are worth on the test and the validation part.
    fn finish(&self, together: [Option<Score>; 2]) -> Result<()> {
        let scores = self.own.scores(together)?;
        self.own.dir.keep(&scores)?;
        if self.args.json {
            say(&json(&Line { event: "ensemble", scores: &scores })?);
        } else if !self.args.quiet {
            table::print(&scores, self.begun.elapsed().as_secs_f64());
        }
        Ok(())
    }
}
