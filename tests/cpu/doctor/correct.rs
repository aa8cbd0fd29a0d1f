//! Right networks are clean, whatever their shape and however they are written down.

use super::{Network, PLAIN, Style, export, network};
use gpu_mlp::doctor::exam::report::{Status, Verdict};
use gpu_mlp::doctor::file::npy::Value;
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Sigmoid, Activation::Tanh];

/// A style for every seed, so that all of them come together with all activations and depths.
fn style(seed: u64, rows: bool, single: bool) -> Style {
    Style {
        rows,
        // Columns go with (out, in); rows with either.
        in_out: rows && !seed.is_multiple_of(3),
        single,
        one_hot: seed.is_multiple_of(2),
        mean: (seed % 3) as usize,
        ascent: seed.is_multiple_of(5),
    }
}

/// The steps must follow the gradients of the style: `export` always steps right, so only 1/N and sign vary.
fn made(seed: u64, depth: usize, activation: Activation) -> Network {
    let sizes = &[6, 5, 7, 5, 4];
    let sizes = if depth == 4 { sizes.to_vec() } else { [&sizes[..depth], &[4]].concat() };
    network(seed, 13 + (seed % 4) as usize * 2, &sizes, activation)
}

/// Complaints of one seed, over activations, depths, layouts and precisions.
fn complaints(seed: u64, part: impl Fn(&str) -> bool, gradients_alone: bool) -> Vec<String> {
    let mut all = Vec::new();
    for activation in ACTIVATIONS {
        for depth in 1..=4 {
            for (rows, single) in [(true, false), (true, true), (false, false), (false, true)] {
                let style = style(seed, rows, single);
                let entries = export(&made(seed, depth, activation), style, 0.1);
                let kept: Entries = entries.into_iter().filter(|(key, _)| part(key)).collect();
                let report = doctor::examine(&kept, &Options::default()).unwrap();
                let wrong = report.checked.iter().any(|c| c.status == Status::Wrong);
                if report.verdict != Verdict::Clean || wrong {
                    all.push(format!(
                        "seed {seed}, {activation:?}, {depth} layers, {style:?}: {:#?}",
                        report.findings
                    ));
                }
                if !gradients_alone {
                    assert!(report.checked.iter().filter(|c| c.status == Status::Ok).count() >= 6 * depth);
                }
            }
        }
    }
    all
}

#[test]
fn hundred_random_networks_are_clean() {
    let all: Vec<String> = (0..100).flat_map(|seed| complaints(seed, |_| true, false)).collect();
    assert!(all.is_empty(), "{} complaints, the first: {}", all.len(), all[0]);
}

#[test]
fn their_gradients_alone_are_clean() {
    let part = |key: &str| {
        !(key.starts_with('z')
            || key.starts_with('a') && key != "act"
            || key.ends_with("_new")
            || key.starts_with("dz")
            || key.starts_with("da")
            || key == "p")
    };
    let all: Vec<String> = (0..20).flat_map(|seed| complaints(seed, part, true)).collect();
    assert!(all.is_empty(), "{} complaints, the first: {}", all.len(), all[0]);
}

#[test]
fn their_updates_alone_are_clean() {
    let part = |key: &str| {
        key.len() <= 3 && (key.starts_with(['W', 'b']) || ["X", "y", "act", "lr"].contains(&key))
            || key.ends_with("_new")
    };
    let all: Vec<String> = (0..20).flat_map(|seed| complaints(seed, part, true)).collect();
    assert!(all.is_empty(), "{} complaints, the first: {}", all.len(), all[0]);
}

#[test]
fn any_part_of_a_right_file_is_clean_or_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for seed in 0..150 {
        let activation = ACTIVATIONS[seed as usize % 3];
        let (depth, single) = (1 + seed as usize % 4, seed % 7 == 0);
        let entries = export(&made(seed, depth, activation), style(seed, seed % 4 > 0, single), 0.1);
        let needed = |key: &str| key == "X" || key == "y" || key.len() == 2 && key.starts_with(['W', 'b']);
        let share = rng.random::<f64>();
        let kept: Entries =
            entries.into_iter().filter(|(key, _)| needed(key) || rng.random::<f64>() < share).collect();
        match doctor::examine(&kept, &Options::default()) {
            Ok(report) => {
                let keys: Vec<&String> = kept.keys().collect();
                assert_eq!(report.verdict, Verdict::Clean, "seed {seed}, {keys:?}: {:#?}", report.findings);
            }
            Err(refusal) => assert!(refusal.problem.contains("nothing that was computed"), "{refusal:?}"),
        }
    }
}

/// The size of the question's network: a full file takes under 2 s, right or wrong, and memory of the file's order.
#[test]
fn a_network_of_the_usual_size_takes_no_time() {
    let mut entries = export(&network(1, 37, &[784, 300, 75, 10], Activation::Relu), PLAIN, 0.1);
    let started = std::time::Instant::now();
    assert_eq!(doctor::examine(&entries, &Options::default()).unwrap().verdict, Verdict::Clean);
    let Some(Value::Numbers(dz)) = entries.get_mut("dz3") else { panic!() };
    dz.data.iter_mut().for_each(|value| *value *= 10.0);
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.names(Bug::ScaleByClasses), "{:#?}", report.findings);
    assert!(started.elapsed().as_secs_f64() < 4.0, "{:?} for both", started.elapsed());
}
