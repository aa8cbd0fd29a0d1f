//! Lines for people, and a progress bar below them.

use std::cell::Cell;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Ending, Face, Opening};
use crate::cli::output::{say, thousands};
use crate::error::Result;
use crate::network::Task;
use crate::step::metrics::{EpochRecord, Measure, Score};
use crate::training::Outcome;
use crate::training::headline;
use crate::words::numerals::counted;

pub(super) struct Text {
    bar: ProgressBar,
    epochs: Cell<usize>,
}

impl Text {
    pub fn new() -> Self {
        // indicatif draws on standard error, and nothing where that is no terminal.
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:32} {human_pos}/{human_len} samples, {eta} left")
        {
            bar.set_style(style);
        }
        Self { bar, epochs: Cell::new(0) }
    }

    fn say(&self, line: &str) {
        // A bar that has nothing to show yet must not be drawn between these lines.
        match self.bar.length() {
            Some(0) => say(line),
            _ => self.bar.suspend(|| say(line)),
        }
    }
}

impl Face for Text {
    fn start(&self, opening: &Opening<'_>) -> Result<()> {
        self.epochs.set(opening.config.train.epochs);
        self.bar.set_message(format!("epoch {}", opening.history.len() + 1));
        self.bar.set_length(0);
        for line in heading(opening) {
            self.say(&line);
        }
        let measure = format!("{:>9}", headline(opening.spec.loss().task()).title());
        let train = if opening.spec.loss().task() == Task::Regression { "" } else { &measure };
        let validation = match opening.plan.validation.is_empty() {
            true => String::new(),
            false => format!("    valid. loss {measure}"),
        };
        self.say(&format!(
            "\nepoch    train loss {train}     test loss {measure}{validation}     seconds   samples/s"
        ));
        Ok(())
    }

    fn progress(&self, epoch: usize, samples: usize, of: usize) {
        if samples < self.bar.position() as usize || self.bar.length() != Some(of as u64) {
            self.bar.reset();
            self.bar.set_length(of as u64);
            self.bar.set_message(format!("epoch {epoch}/{}", self.epochs.get()));
        }
        self.bar.set_position(samples as u64);
    }

    fn epoch(&self, record: &EpochRecord) {
        let score = |score: &Score| {
            let headline = score.headline();
            let measure = headline.map_or(String::new(), |(measure, value)| measure.shown(value));
            let width = headline.map_or(0, |(measure, _)| measure.title().chars().count().max(9));
            format!("    {:>10.4} {measure:>width$}", score.loss)
        };
        self.say(&format!(
            "{:>5}{}{}{}    {:>8.2}  {:>10}",
            record.epoch,
            score(&record.train),
            score(&record.test),
            record.validation.as_ref().map_or(String::new(), score),
            record.seconds,
            thousands(record.samples_per_second as usize)
        ));
    }

    fn end(&self, ending: &Ending<'_>) {
        self.pause();
        summary(ending).iter().for_each(|line| say(line));
    }

    fn pause(&self) {
        self.bar.finish_and_clear();
    }
}

/// The data, the network and the device.
pub(in crate::cli::train) fn heading(opening: &Opening<'_>) -> Vec<String> {
    let Opening { dataset, plan, spec, engine, .. } = opening;
    let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
    let validation = match plan.validation.len() {
        0 => String::new(),
        held_out => format!(" {} validation,", thousands(held_out)),
    };
    vec![
        format!(
            "data     {} ({}): {} training,{validation} {} test samples",
            dataset.name,
            dataset.origin,
            thousands(plan.train.len()),
            thousands(plan.test.len())
        ),
        format!("network  {}, {} parameters", sizes.join("-"), thousands(spec.parameter_count())),
        format!("device   {}: {}", engine.backend, engine.adapter),
        format!("run      {}", opening.run.display()),
    ]
}

/// How to continue an interrupted run.
pub(super) fn interrupted(ending: &Ending<'_>) -> String {
    format!("interrupted and saved. To continue: gpu-mlp train --resume {}", ending.run.display())
}

/// How the run ended, and its result.
pub(super) fn summary(ending: &Ending<'_>) -> Vec<String> {
    let Ending { outcome, epochs, best, seconds, model, patience, .. } = ending;
    let mut lines = Vec::new();
    if *outcome == Outcome::StoppedEarly {
        lines.push(format!("\nstopped early: no lower validation loss for {}", counted(*patience, "epoch")));
    }
    if *outcome == Outcome::Interrupted {
        lines.push(format!("\n{}", interrupted(ending)));
    } else if let Some(record) = best {
        let EpochRecord { epoch, test, .. } = record;
        let shown =
            |(measure, value): (Measure, f64)| format!("{} {}", measure.title(), measure.shown(value));
        let (binary, others): (Vec<_>, Vec<_>) = test.all().partition(|(measure, _)| measure.is_binary());
        let measures: String = others.into_iter().map(|pair| format!("test {}, ", shown(pair))).collect();
        let of_epoch =
            if epoch < epochs { format!(" (from epoch {epoch}, the best)") } else { String::new() };
        lines.push(format!(
            "\n{measures}test loss {:.4}, after {} in {seconds:.1} s",
            test.loss,
            counted(*epochs, "epoch")
        ));
        if !binary.is_empty() {
            lines.push(format!("scores   {}", binary.into_iter().map(shown).collect::<Vec<_>>().join(", ")));
        }
        lines.push(format!("model    {}{of_epoch}", model.display()));
    }
    lines
}
