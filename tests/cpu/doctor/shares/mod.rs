//! Every bug, over every output, activation and layout where it can occur, in both precisions: how often it is named.
//!
//! `GPU_MLP_SHARES=N` makes N files of every formula and prints the table of docs/doctor.md; `scripts/doctor-shares` puts
//! it there. `GPU_MLP_SHARES_OF=ID` makes those of one bug alone.

mod export;
mod growth;
mod matrices;
mod spoilt;
mod stepped;

use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::layout::Layout;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::design::{Design, Head, Measure};
use gpu_mlp::doctor::formulas::{steps, tables};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spoilt::{Fault, Style};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bugs that are no row of a table, and how many forms of each are made.
const OTHERS: [(Bug, usize); 23] = [
    (Bug::InputsNotAligned, 1),
    (Bug::LabelsPermuted, 2),
    (Bug::LabelsWrong, 1),
    (Bug::AccumulatorNotReset, 2),
    (Bug::MissingBatchMean, 1),
    (Bug::DoubleBatchMean, 1),
    (Bug::ScaleByClasses, 3),
    (Bug::ScaleConstant, 4),
    (Bug::SignFlipped, 2),
    (Bug::L2OnBias, 1),
    (Bug::L2Factor, 2),
    (Bug::DecayWithoutLr, 2),
    (Bug::BiasNotUpdated, 1),
    (Bug::WeightNotUpdated, 1),
    (Bug::MomentumFormula, 11),
    (Bug::AdamBiasCorrection, 6),
    (Bug::AdamFormula, 3),
    (Bug::RmspropFormula, steps::SQUARES.len() + steps::SCALED.len()),
    (Bug::DropoutMaskMissing, 1),
    (Bug::InputsUnscaled, 1),
    (Bug::ConstantInit, 1),
    (Bug::DeadRelu, 1),
    (Bug::LearningRateTooHigh, 1),
];

/// How a file was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// The bug, by its name alone.
    Named,
    /// The bug and others whose numbers are the same.
    Among,
    /// Right for one intention, the bug for another.
    Depends,
    /// Wrong, but no name.
    Unknown,
    /// Another bug.
    Other,
    /// Nothing.
    Missed,
}

impl Answer {
    const ALL: [Self; 6] =
        [Self::Named, Self::Among, Self::Depends, Self::Unknown, Self::Other, Self::Missed];

    fn of(report: &Report, bug: Bug) -> Self {
        let findings = &report.findings;
        if report.notes.iter().any(|note| note.starts_with(bug.id())) {
            return Self::Named;
        }
        if report.verdict == Verdict::Clean {
            return Self::Missed;
        }
        if findings.iter().any(|f| f.depends && f.also.contains(&bug)) {
            return Self::Depends;
        }
        if let Some(finding) = findings.iter().find(|f| f.bug == Some(bug)) {
            return if finding.also.is_empty() { Self::Named } else { Self::Among };
        }
        if findings.iter().any(|f| f.also.contains(&bug)) {
            return Self::Among;
        }
        if findings.iter().any(|f| f.bug.is_some()) { Self::Other } else { Self::Unknown }
    }
}

fn pick<T: Clone>(rng: &mut ChaCha8Rng, of: &[T]) -> T {
    of.choose(rng).unwrap().clone()
}

/// Where a fault may be: a usual network, or any.
fn style(rng: &mut ChaCha8Rng, fault: Fault, attempt: usize) -> Style {
    let usual = match fault {
        Fault::Row(table, _) => ["p", "loss", "accuracy", "last dz"]
            .contains(&table)
            .then_some(true)
            .or_else(|| table.ends_with("other designs").then_some(false)),
        // Elsewhere a factor of the loss is a convention.
        Fault::Other(Bug::MissingBatchMean | Bug::ScaleByClasses, _) => Some(true),
        Fault::Other(..) => None,
    };
    let huber = Design { head: Head::Of(Activation::Identity), measure: Measure::Huber(1.0), factor: 1.0 };
    let designs: Vec<Design> = Design::ALL
        .into_iter()
        .chain([huber])
        .filter(|design| fault.bug() != Bug::ErrorNotClipped || *design == huber)
        .filter(|design| usual.is_none_or(|usual| usual == design.is_usual()))
        .collect();
    let design = pick(rng, &designs);
    let outputs = if design.head.is_softmax() { pick(rng, &[3, 4, 5]) } else { pick(rng, &[1, 1, 3, 4]) };
    // Some formulas need a square W, or N as large as the layers.
    let square = attempt % 4 == 3;
    // Where N is the number of outputs, a mean over these is a convention.
    let as_wide = attempt % 8 == 7 && fault.bug() != Bug::DoubleBatchMean;
    let (n, sizes) = match (square, as_wide) {
        (false, _) => {
            let depth = pick(rng, &[2, 2, 3, 4]);
            let hidden = (1..depth).map(|_| pick(rng, &[5, 6, 7, 8]));
            let hidden: Vec<usize> = hidden.collect();
            (37, [vec![pick(rng, &[5, 6, 9])], hidden, vec![outputs]].concat())
        }
        (true, false) => (37, vec![6, 6, 6, outputs.max(2)]),
        (true, true) => (6, vec![6, 6, 6, 6]),
    };
    let depth = sizes.len() - 1;
    let layout = pick(
        rng,
        &[
            Layout { rows: true, in_out: true },
            Layout { rows: false, in_out: false },
            Layout { rows: true, in_out: false },
            Layout { rows: false, in_out: true },
        ],
    );
    let factor = if design.is_usual() { 1.0 } else { pick(rng, &[1.0, 2.0]) };
    let act = if fault.bug() == Bug::DeadRelu { Activation::Relu } else { pick(rng, &Activation::ALL) };
    Style {
        design: Design { factor, ..design },
        act,
        n,
        layout,
        single: rng.random_bool(0.5),
        labels: rng.random_bool(0.5),
        // A summed loss beside a step along the mean is a convention.
        mean: if fault.bug() == Bug::LossScale { pick(rng, &[0, 1]) } else { pick(rng, &[0, 0, 1, 2]) },
        at: rng.random_bool(0.5).then(|| rng.random_range(1..=depth)),
        sizes,
        over_n: rng.random_bool(0.3),
        state: rng.random_bool(0.7),
        lr: match fault.bug() {
            Bug::LearningRateTooHigh => 200.0,
            // With lr = 1 - μ, a velocity that is an average of gradients is the same as one that has lr in it.
            Bug::MomentumFormula => pick(rng, &[0.05, 0.3]),
            _ => pick(rng, &[0.05, 0.1, 0.3]),
        },
    }
}

/// Every fault.
fn faults() -> Vec<Fault> {
    let rows =
        tables::ALL.iter().flat_map(|&(table, rows)| rows.iter().map(move |row| Fault::Row(table, row)));
    let others = OTHERS.iter().flat_map(|&(bug, forms)| (0..forms).map(move |form| Fault::Other(bug, form)));
    rows.chain(others).collect()
}

/// How often each bug was answered how, what was not named, and faults that no style could have.
struct Shares {
    counts: BTreeMap<Bug, BTreeMap<Answer, usize>>,
    misses: Vec<String>,
    never: Vec<String>,
}

fn shares(each: usize) -> Shares {
    let mut shares = Shares { counts: BTreeMap::new(), misses: Vec::new(), never: Vec::new() };
    let only = std::env::var("GPU_MLP_SHARES_OF").ok();
    for (index, fault) in faults().into_iter().enumerate() {
        if only.as_ref().is_some_and(|id| id != fault.bug().id()) {
            continue;
        }
        let (mut made, mut attempt) = (0, 0);
        while made < each && attempt < 20 * each + 60 {
            let rng = &mut ChaCha8Rng::seed_from_u64((index * 1_000_003 + attempt) as u64);
            let style = style(rng, fault, attempt);
            attempt += 1;
            let Some(entries) = spoilt::file(&style, fault, rng) else { continue };
            made += 1;
            let report = doctor::examine(&entries, &Options::default());
            let answer = report.as_ref().map_or(Answer::Missed, |report| Answer::of(report, fault.bug()));
            *shares.counts.entry(fault.bug()).or_default().entry(answer).or_default() += 1;
            if answer > Answer::Depends {
                let said: Vec<String> = report
                    .iter()
                    .flat_map(|r| &r.findings)
                    .map(|f| format!("{} {:?} {:?}: {}", f.tensor, f.bug, f.also, f.formula))
                    .collect();
                let refused = report.err().map_or(String::new(), |refusal| format!("{refusal:?}"));
                shares.misses.push(format!("{answer:?}: {fault:?}\n  {style:?}\n  {said:#?}{refused}"));
            }
        }
        if made == 0 {
            shares.never.push(format!("{fault:?}"));
        }
    }
    shares
}

impl Shares {
    /// Files, and those whose bug was named, alone or with what cannot be told from it.
    fn named(&self) -> (usize, usize) {
        let of = |wanted: &dyn Fn(Answer) -> bool| {
            self.counts
                .values()
                .flatten()
                .filter(|(answer, _)| wanted(**answer))
                .map(|(_, count)| count)
                .sum()
        };
        (of(&|_| true), of(&|answer| answer <= Answer::Depends))
    }

    fn table(&self) -> String {
        let (files, named) = self.named();
        let mut text = format!(
            "Of {files} files, {:.1} % are named.\n\n| bug | files | named | with others | depends | no name | another | missed |\n|---|---|---|---|---|---|---|---|\n",
            100.0 * named as f64 / files as f64
        );
        for bug in Bug::ALL {
            let counts = self.counts.get(bug).cloned().unwrap_or_default();
            let files: usize = counts.values().sum();
            let share = |answer: Answer| match counts.get(&answer) {
                None => String::new(),
                Some(count) => format!("{:.1} %", 100.0 * *count as f64 / files as f64),
            };
            let cells = Answer::ALL.map(share).join(" | ");
            let _ = writeln!(text, "| `{bug}` | {files} | {cells} |");
        }
        text
    }
}

#[test]
fn every_bug_is_named() {
    let each: usize = std::env::var("GPU_MLP_SHARES").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let shares = shares(each);
    if std::env::var_os("GPU_MLP_SHARES").is_some() {
        println!("{}\n{}\n", shares.misses.join("\n"), shares.table());
    }
    let (files, named) = shares.named();
    let misses = shares.misses.join("\n");
    assert!(named * 100 >= files * 95, "{named} of {files} named\n{misses}");
    assert!(shares.never.is_empty(), "no style has {:#?}", shares.never);
    let unseen: Vec<&Bug> = Bug::ALL.iter().filter(|bug| !shares.counts.contains_key(bug)).collect();
    assert!(unseen.is_empty(), "no file has {unseen:?}");
}
