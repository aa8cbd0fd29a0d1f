//! Killed at random moments, again and again, a run still ends with the bits of one that was left alone.
//!
//! `GPU_MLP_CRASHES` says how often; `GPU_MLP_CRASH_BACKEND` where (cpu, vulkan, …). `scripts/crash-test` does it 50 times.

use std::time::{Duration, Instant};

use gpu_mlp::training::checkpoint::load_model;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{BUSY, epochs_kept, leftovers};
use crate::cli_resume::same;
use crate::program::Place;

/// How many kills, and on what.
fn asked() -> (u32, String) {
    let variable = |name| std::env::var(name).ok();
    let kills = variable("GPU_MLP_CRASHES").map_or(6, |count| count.parse().unwrap());
    (kills, variable("GPU_MLP_CRASH_BACKEND").unwrap_or("cpu".into()))
}

#[test]
fn a_run_killed_again_and_again_equals_one_that_was_left_alone() {
    let place = Place::new();
    let (kills, backend) = asked();
    let epochs = (20 + 30 * kills).to_string();
    let args =
        |out| [&BUSY[..], &["--quiet", "--backend", &backend, "--epochs", &epochs, "--out", out]].concat();
    let begun = Instant::now();
    place.run(&args("straight")).ok();
    let straight = begun.elapsed();

    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let (mut in_training, mut last) = (0, 0);
    for kill in 0..kills {
        let mut child = place.command(&[&args("a")[..], &["--resume"]].concat()).spawn().unwrap();
        // On average about half of the run is done at the last kill; each start takes time, too.
        let most = straight / kills + Duration::from_millis(30);
        std::thread::sleep(most.mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX)));
        child.kill().unwrap();
        child.wait().unwrap();
        if !place.path("a").exists() {
            continue;
        }
        assert!(leftovers(&place, "a") <= 1, "kill {kill}: {:?}", place.names("a"));
        let model = place.path("a/model.safetensors");
        if place.path("a/checkpoint.safetensors").exists() {
            let epochs = epochs_kept(&place, "a");
            assert!(epochs >= last, "kill {kill}: it fell back from epoch {last} to {epochs}");
            in_training += u32::from(epochs > last);
            last = epochs;
        }
        if model.exists() {
            load_model(&model).unwrap();
        }
    }
    eprintln!(
        "{kills} kills on {backend}, {in_training} of them after further epochs; epoch {last} of {epochs}"
    );
    place.run(&[&args("a")[..], &["--resume"]].concat()).ok();
    same(&place, "a", "straight");
    assert_eq!(leftovers(&place, "a"), 0);
    assert!(in_training > 0, "no kill came while it trained");
}
