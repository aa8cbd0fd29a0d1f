//! Right networks as people write them, drawn at random from the grid of outputs, losses, activations, layouts, biases,
//! gradient conventions, optimisers and habits of exporting: none is ever accused, and hardly any is not understood.
//!
//! `GPU_MLP_INNOCENT=N` draws N networks, `GPU_MLP_INNOCENT_FROM` says which come first, and `GPU_MLP_INNOCENT_KEEP=DIR` keeps
//! those that are not clean as `.npz` files.

mod any;
pub mod network;
pub mod style;
mod training;

use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::numpy::npz;
use network::file;
use rayon::prelude::*;
use std::path::Path;
use style::{Style, style};

/// What is wrong with the answer to a right network.
fn complaint(report: &Report) -> Option<String> {
    let said = || {
        format!(
            "{:?}",
            report
                .findings
                .iter()
                .map(|f| (f.tensor, f.bug, f.also.clone(), f.formula.clone()))
                .collect::<Vec<_>>()
        )
    };
    // Weights drawn at random may really be dead.
    if report.findings.iter().all(|f| f.bug == Some(Bug::DeadRelu)) {
        return None;
    }
    let accused = report.findings.iter().any(|f| f.bug.is_some() && f.bug != Some(Bug::DeadRelu));
    match report.verdict {
        Verdict::Clean | Verdict::Depends => None,
        _ if accused => Some(format!("ACCUSED {}", said())),
        _ => Some(format!("not known {}", said())),
    }
}

/// Writes a file that somebody wants to look at.
fn keep(seed: u64, entries: &Entries) {
    let Ok(folder) = std::env::var("GPU_MLP_INNOCENT_KEEP") else { return };
    let file = std::fs::File::create(Path::new(&folder).join(format!("{seed}.npz"))).unwrap();
    npz::write(file, entries.iter().map(|(name, value)| (name.clone(), doctor::npy::render(value)))).unwrap();
}

/// The seeds that are asked for, or so many.
fn seeds(count: u64) -> Vec<u64> {
    let said = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = said("GPU_MLP_INNOCENT_FROM").unwrap_or(0);
    (first..first + said("GPU_MLP_INNOCENT").unwrap_or(count)).collect()
}

/// Those who were accused, and those who were not understood, of files drawn by their seeds.
fn examined(seeds: Vec<u64>, drawn: impl Fn(u64) -> (Style, Entries) + Sync) -> [Vec<String>; 2] {
    let examine = |seed: u64| {
        let (style, entries) = drawn(seed);
        let keys: Vec<&str> = entries.keys().map(String::as_str).collect();
        let text = |what: String| {
            keep(seed, &entries);
            format!("seed {seed}: {what}\n{style:?}\n{}\n", keys.join(" "))
        };
        match doctor::examine(&entries, &Options::default()) {
            Ok(report) => complaint(&report).map(text),
            Err(refusal) if refusal.problem.contains("nothing that was computed") => None,
            Err(refusal) => Some(text(format!("refused: {}", refusal.problem))),
        }
    };
    let all: Vec<String> = seeds.into_par_iter().filter_map(examine).collect();
    let (accused, unknown) = all.into_iter().partition(|text| text.contains(": ACCUSED"));
    [accused, unknown]
}

/// The first of many.
fn some(all: &[String]) -> String {
    all.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn right_networks_are_never_accused() {
    // The last were accused once: a gradient that is rounding alone, and signs that nothing but dz shows.
    let seeds = [seeds(10_000), vec![51254, 13009084]].concat();
    let count = seeds.len();
    let [accused, unknown] = examined(seeds, |seed| {
        let style = style(seed);
        let entries = file(seed, &style);
        (style, entries)
    });
    accused.iter().chain(&unknown).for_each(|text| println!("{text}"));
    println!("{} accused, {} not known of {count}", accused.len(), unknown.len());
    assert!(
        accused.is_empty(),
        "{} of {count} accused:\n{}\n{} not known",
        accused.len(),
        some(&accused),
        unknown.len()
    );
    assert!(unknown.len() * 200 <= count, "{} of {count} not known:\n{}", unknown.len(), some(&unknown));
}

/// Seeds of networks that were accused once: weight decay in the velocity, a penalty with the loss's factor, gradients clipped to
/// a norm, W after the step, one bias for all, da under the name of dz, signs without targets, velocities that point downhill,
/// factors in several tensors, square weights that lie either way, a loss that is not understood, layers counted from the input, and
/// others.
const ACCUSED_ONCE: &[u64] = &[
    1003, 1047, 1058, 1081, 1242, 1256, 1266, 1364, 1402, 1653, 1721, 1749, 1763, 1837, 1867, 1955, 1968,
    2024, 2085, 2330, 2416, 2652, 2950, 2963, 2964, 2974, 3006, 3012, 3085, 3102, 3169, 3209, 3328, 3387,
    3428, 3457, 3710, 3761, 3898, 3906, 104700, 104399, 105692, 105612, 400131, 401479, 401617, 1000627,
    1000762, 1001014, 1001273, 1001404, 1004148, 1004414, 1004778, 1005233, 1005702, 1006444, 1006496,
    1006792, 1006868, 1007800, 1008004, 1008111, 1008279, 1008449, 1008539, 1009013, 1009530, 1009606,
    1009863, 1010932, 1011060, 1040711, 1050980, 1051377, 9000705, 9000985, 9001342, 12000768, 12000864,
    13001457, 13002547, 14000619, 14000897, 14000958, 15000944, 16000639, 16001734, 16002479, 15001776,
    15002589, 15003836, 17002342, 17003253, 18000308, 18001663, 18002999, 19000399, 19000415, 19002973,
    20000586, 20002494,
];

/// All habits at once, any arrays left out: much cannot be understood, and nobody may be accused.
#[test]
fn right_networks_of_any_habits_are_never_accused() {
    let seeds = [seeds(600), ACCUSED_ONCE.to_vec()].concat();
    let count = seeds.len();
    let [accused, unknown] = examined(seeds, any::drawn);
    accused.iter().for_each(|text| println!("{text}"));
    println!("{} accused, {} not known of {count}", accused.len(), unknown.len());
    assert!(accused.is_empty(), "{} of {count} accused:\n{}", accused.len(), some(&accused));
}
