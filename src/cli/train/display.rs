//! What a run says while it goes on: JSON lines, or lines for people and a progress bar; and what it keeps.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::session::Session;
use crate::checkpoint::State;
use crate::cli::interrupt;
use crate::cli::output::{json, note, say, thousands};
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::gpu::Pipelines;
use crate::metrics::{EpochRecord, Recovery};
use crate::run::RunDir;
use crate::trainer::{Observer, Outcome, TrainConfig};

/// A line of `metrics.jsonl` and of `train --json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Start(Start<'a>),
    Epoch(&'a EpochRecord),
    Recovery(&'a Recovery),
    End(End<'a>),
}

#[derive(Serialize)]
pub(super) struct Start<'a> {
    #[serde(flatten)]
    engine: &'a EngineInfo,
    layers: Vec<usize>,
    parameters: usize,
    /// Seen in an epoch: what is held out, or left out, is not among them.
    train_samples: usize,
    validation_samples: usize,
    test_samples: usize,
    data: &'a str,
    data_origin: &'a str,
    #[serde(flatten)]
    config: &'a TrainConfig,
    /// From the program's start to here: reading data, opening the device, compiling kernels.
    setup_seconds: f64,
    /// The kernels' part of it; not on the CPU.
    #[serde(flatten)]
    pipelines: Option<Pipelines>,
    run_dir: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct End<'a> {
    outcome: &'static str,
    epochs: usize,
    /// The epoch that the model and these scores are of: the newest, or with early stopping the best.
    model_epoch: Option<usize>,
    test_accuracy: Option<f64>,
    test_loss: Option<f64>,
    seconds: f64,
    run_dir: Cow<'a, str>,
}

/// Writes the run's folder, and tells whoever watches.
pub(super) struct Display<'a> {
    session: &'a Session<'a>,
    run: &'a RunDir,
    bar: ProgressBar,
}

impl<'a> Display<'a> {
    pub fn new(session: &'a Session<'a>, run: &'a RunDir, epochs: usize) -> Self {
        // indicatif draws on standard error, and nothing where that is no terminal.
        let bar = if session.args.quiet || session.args.json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0).with_message(format!("epoch {}", epochs + 1))
        };
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:32} {human_pos}/{human_len} samples, {eta} left")
        {
            bar.set_style(style);
        }
        Self { session, run, bar }
    }

    /// Whether lines for people are wanted.
    fn talks(&self) -> bool {
        !self.session.args.quiet && !self.session.args.json
    }

    /// Keeps a line if it is new, and prints it if JSON is wanted.
    fn record(&self, line: &Line<'_>, keep: bool) -> Result<()> {
        let text = json(line)?;
        if keep {
            self.run.append(&text)?;
        }
        if self.session.args.json {
            say(&text);
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        if !self.talks() {
            return;
        }
        // A bar that has nothing to show yet must not be drawn between these lines.
        match self.bar.length() {
            Some(0) => say(line),
            _ => self.bar.suspend(|| say(line)),
        }
    }

    pub fn start(&self, engine: &EngineInfo, pipelines: Option<Pipelines>, new: bool) -> Result<()> {
        let Session { config, dataset, plan, begun, .. } = self.session;
        let spec = config.train.spec(dataset)?;
        let start = Start {
            engine,
            layers: spec.sizes().to_vec(),
            parameters: spec.parameter_count(),
            train_samples: plan.train.len(),
            validation_samples: plan.validation.len(),
            test_samples: plan.test.len(),
            data: &dataset.name,
            data_origin: &dataset.origin,
            config: &config.train,
            setup_seconds: begun.elapsed().as_secs_f64(),
            pipelines,
            run_dir: self.run.path().to_string_lossy(),
        };
        self.record(&Line::Start(start), new)?;
        let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
        let validation = match plan.validation.len() {
            0 => String::new(),
            held_out => format!(" {} validation,", thousands(held_out)),
        };
        self.say(&format!(
            "data     {} ({}): {} training,{validation} {} test samples",
            dataset.name,
            dataset.origin,
            thousands(plan.train.len()),
            thousands(plan.test.len())
        ));
        self.say(&format!("network  {}, {} parameters", sizes.join("-"), thousands(spec.parameter_count())));
        self.say(&format!("device   {}: {}", engine.backend, engine.adapter));
        self.say(&format!("run      {}\n", self.run.path().display()));
        let validation = if plan.validation.is_empty() { "" } else { "    valid. loss  accuracy" };
        self.say(&format!(
            "epoch    train loss  accuracy     test loss  accuracy{validation}     seconds   samples/s"
        ));
        Ok(())
    }

    /// After so many epochs, with the one that the network comes from.
    pub fn end(
        &self,
        outcome: Outcome,
        epochs: usize,
        best: Option<&EpochRecord>,
        seconds: f64,
    ) -> Result<()> {
        self.bar.finish_and_clear();
        let end = End {
            outcome: match outcome {
                Outcome::Finished => "finished",
                Outcome::StoppedEarly => "stopped_early",
                Outcome::Interrupted => "interrupted",
            },
            epochs,
            model_epoch: best.map(|record| record.epoch),
            test_accuracy: best.map(|record| record.test_accuracy),
            test_loss: best.map(|record| record.test_loss),
            seconds,
            run_dir: self.run.path().to_string_lossy(),
        };
        self.record(&Line::End(end), true)?;
        let run = self.run.path().display();
        if outcome == Outcome::StoppedEarly {
            let patience = self.session.config.train.early_stopping.unwrap_or_default();
            self.say(&format!("\nstopped early: no better validation loss for {patience} epochs"));
        }
        if outcome == Outcome::Interrupted {
            let text = format!("interrupted; saved. To go on: gpu-mlp train --resume {run}");
            if self.session.args.json && !self.session.args.quiet {
                note(&text); // standard output is for JSON
            }
            self.say(&format!("\n{text}"));
        } else if let Some(record) = best {
            let EpochRecord { epoch, test_accuracy, test_loss, .. } = record;
            let of_epoch =
                if *epoch < epochs { format!(", of epoch {epoch}, the best") } else { String::new() };
            self.say(&format!(
                "\ntest accuracy {:.2} %, test loss {test_loss:.4}, after {epochs} epochs in {seconds:.1} s\nmodel    {}{of_epoch}",
                100.0 * test_accuracy,
                self.run.model().display()
            ));
        }
        Ok(())
    }

    /// Clears the bar before an error is printed.
    pub fn abandon(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Display<'_> {
    fn progress(&mut self, epoch: usize, samples: usize, of: usize) {
        if samples < self.bar.position() as usize || self.bar.length() != Some(of as u64) {
            self.bar.reset();
            self.bar.set_length(of as u64);
            self.bar.set_message(format!("epoch {epoch}/{}", self.session.config.train.epochs));
        }
        self.bar.set_position(samples as u64);
    }

    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()> {
        // The line first: see `run`.
        self.record(&Line::Epoch(record), true)?;
        self.run.save(state, &self.session.model_info()?)?;
        let score = |loss: f64, accuracy: f64| format!("    {loss:>10.4}  {:>6.2} %", 100.0 * accuracy);
        let validation = record.validation_loss.zip(record.validation_accuracy);
        let line = format!(
            "{:>5}{}{}{}    {:>8.2}  {:>10}",
            record.epoch,
            score(record.train_loss, record.train_accuracy),
            score(record.test_loss, record.test_accuracy),
            validation.map_or(String::new(), |(loss, accuracy)| score(loss, accuracy)),
            record.seconds,
            thousands(record.samples_per_second as usize)
        );
        self.say(&line);
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.run.save_state(state)
    }

    fn should_stop(&self) -> bool {
        interrupt::asked()
    }
}
