//! The members of an ensemble in words: a line for each, and a table of all.

use crate::cli::output::{duration, say};
use crate::cli::spread::{Row, lines};
use crate::cli::table::Column;
use crate::step::metrics::Score;
use crate::training::run::ensemble::{EnsembleScores, MemberScore};
use crate::words::numerals::counted;

/// A member that is done.
pub(super) fn sentence(score: &MemberScore, of: usize) -> String {
    let told = |test: Score| {
        let headline = test
            .headline()
            .map(|(measure, value)| format!("test {} {}, ", measure.title(), measure.shown(value)));
        format!("{}test loss {:.4}", headline.unwrap_or_default(), test.loss)
    };
    let came = score.test.0.map_or_else(|| score.stand.name().to_owned(), told);
    format!(
        "member {} of {of}: {came} ({}, {})",
        score.member,
        counted(score.epochs, "epoch"),
        duration(score.training_seconds)
    )
}

/// All members, how they differ, and what they are worth together.
pub(super) fn print(scores: &EnsembleScores, seconds: f64) {
    let about = vec![Column::number("seed", 1), Column::number("epochs", 1), Column::text("state", 0)];
    let row = |score: &MemberScore| Row {
        member: score.member,
        score: score.test.0,
        about: vec![score.seed.to_string(), score.epochs.to_string(), score.stand.name().to_owned()],
    };
    say("");
    lines(about, scores.scores.iter().map(row).collect(), scores.test.0).iter().for_each(|line| say(line));
    if scores.test.0.is_some() {
        say(&format!(
            "\ntest scores; deviation: between the members; ensemble: of the mean of their answers; {}",
            duration(seconds)
        ));
        say(&format!("run      {}", scores.run_dir));
    }
}
