//! Trainings that diverge: what is said of it, what is kept, and what `--on-divergence lower-lr` makes of them.

use gpu_mlp::Error;
use gpu_mlp::engine::Engine;
use gpu_mlp::training::checkpoint::State;
use gpu_mlp::training::{
    Divergence, Place as Where, TrainConfig, Trainer, Unobserved, initial_state, shuffled,
};
use pollster::block_on;
use serde_json::Value;

use crate::cli_resume::same;
use crate::program::{Place, lines, untimed_epochs};
use crate::tiny;
use crate::trainer::{config, engine, run};

fn finite(state: &State) -> bool {
    let all = std::iter::once(&state.parameters).chain(&state.optimizer.moments);
    let layers = all.flat_map(|parameters| &parameters.layers);
    layers.flat_map(|layer| layer.w.data().iter().chain(layer.b.data())).all(|value| value.is_finite())
}

/// The first step after which something is not finite, found by looking after every one.
fn first_by_looking(config: &TrainConfig) -> usize {
    let dataset = tiny::dataset();
    let (mut engine, all) = (engine(config, &dataset), (0..tiny::TRAIN as u32).collect::<Vec<_>>());
    let start = initial_state(config, &dataset).unwrap();
    block_on(async {
        engine.set_parameters(&start.parameters, Some(&start.optimizer)).await.unwrap();
        engine.set_sums(&start.progress.sums).await.unwrap();
        let epochs = (0..config.epochs).flat_map(|epoch| {
            let order = shuffled(&all, config.seed, epoch);
            order.chunks(config.batch_size).map(<[u32]>::to_vec).collect::<Vec<_>>()
        });
        for (step, batch) in epochs.enumerate() {
            engine.train(&batch).await.unwrap();
            let sums = engine.sums().await.unwrap();
            let (parameters, optimizer) =
                (engine.parameters().await.unwrap(), engine.optimizer_state().await.unwrap());
            let state = State { parameters, optimizer, ..start.clone() };
            if !finite(&state) || sums.loss.iter().any(|loss| !loss.is_finite()) {
                return step + 1;
            }
        }
        panic!("it does not diverge");
    })
}

/// What the trainer finds, from the last state that was kept.
fn found(config: &TrainConfig) -> (Divergence, usize) {
    let dataset = tiny::dataset();
    let (outcome, notes) = run(config, &dataset);
    let error = outcome.unwrap_err();
    let Error::Diverged { epoch, .. } = error else { panic!("{error}") };
    assert_eq!(epoch, notes.records.len() + 1);
    assert!(notes.states.iter().all(finite), "what is not finite is not kept");
    let state = notes.states.last().cloned().unwrap_or_else(|| initial_state(config, &dataset).unwrap());
    let mut engine = engine(config, &dataset);
    let divergence = block_on(async {
        let mut trainer =
            Trainer::resume(&mut engine, config, &dataset, &state, notes.records.clone()).await?;
        trainer.find_divergence(&dataset, &mut Unobserved).await
    });
    (divergence.unwrap().expect("there is a step"), epoch)
}

/// Weights that grow ninefold in every step: beyond an f32 after some forty steps.
fn growing() -> TrainConfig {
    TrainConfig { lr: 1.0, weight_decay: 10.0, epochs: 30, ..config() }
}

#[test]
fn the_step_is_the_one_that_looking_after_every_step_finds() {
    let cases = [
        TrainConfig { lr: 1e38, ..config() },
        growing(),
        TrainConfig { batch_size: 1, ..growing() },
        TrainConfig { momentum: 0.9, batch_size: 7, ..growing() },
        TrainConfig { dropout: 0.5, hidden: vec![9, 8], ..growing() },
    ];
    for config in cases {
        let (divergence, epoch) = found(&config);
        assert_eq!(divergence.step, first_by_looking(&config), "{config:?}");
        let steps = tiny::TRAIN.div_ceil(config.batch_size);
        assert_eq!(divergence.epoch, epoch);
        assert_eq!(divergence.step, (epoch - 1) * steps + divergence.batch);
    }
}

#[test]
fn the_layer_is_the_one_that_overflows() {
    let dataset = tiny::dataset();
    let config = TrainConfig { hidden: vec![9, 9], ..config() };
    let sound = initial_state(&config, &dataset).unwrap();
    let place = |spoil: &dyn Fn(&mut State), config: &TrainConfig| {
        let (mut engine, mut state) = (engine(config, &dataset), sound.clone());
        spoil(&mut state);
        block_on(async {
            let mut trainer = Trainer::resume(&mut engine, config, &dataset, &state, Vec::new()).await?;
            trainer.find_divergence(&dataset, &mut Unobserved).await
        })
        .unwrap()
        .map(|divergence| divergence.place)
    };
    for layer in 0..3 {
        let large = |state: &mut State| state.parameters.layers[layer].w.data_mut().fill(3e38);
        assert_eq!(place(&large, &config), Some(Where::Outputs(layer)));
    }
    // A step so long that the weights of the last layer, whose gradient comes first, do not survive it.
    let long = TrainConfig { lr: f32::MAX, weight_decay: 1e3, ..config.clone() };
    assert_eq!(place(&|_| {}, &long), Some(Where::Weights(2)));
    assert_eq!(place(&|_| {}, &config), None, "nothing is wrong with this one");
}

#[test]
fn weights_that_a_relu_hides_are_found() {
    let (dataset, config) = (tiny::dataset(), config());
    let mut state = initial_state(&config, &dataset).unwrap();
    state.parameters.layers[0].b.data_mut()[0] = f32::NEG_INFINITY;
    let mut engine = engine(&config, &dataset);
    let error = block_on(async {
        Trainer::resume(&mut engine, &config, &dataset, &state, Vec::new()).await?.run(&mut Unobserved).await
    });
    let text = error.unwrap_err().to_string();
    assert!(text.contains("in epoch 1: the weights of layers.0 are not finite"), "{text}");
}

fn diverging<'a>(lr: &'a str, weight_decay: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--json"];
    [&fixed[..], &["--lr", lr, "--weight-decay", weight_decay], more].concat()
}

fn recoveries(place: &Place, run: &str) -> Vec<Value> {
    let lines = lines(&place.text(&format!("{run}/metrics.jsonl")));
    lines.into_iter().filter(|line| line["event"] == "recovery").collect()
}

#[test]
fn it_stops_and_names_epoch_step_and_layer() {
    let place = Place::new();
    let ran = place.run(&diverging("1", "10", &["--batch-size", "8", "--epochs", "30", "--out", "a"]));
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    let kept = lines(&place.text("a/metrics.jsonl")).len() - 1;
    assert!(kept > 1, "some epochs went well");
    for fragment in [
        format!("error: training diverged in epoch {}: ", kept + 1),
        " of layers.".into(),
        " in step ".into(),
        format!("{kept} epochs are saved; to continue: gpu-mlp train --resume a --on-divergence lower-lr"),
    ] {
        assert!(ran.err.contains(&fragment), "`{fragment}` is not in: {}", ran.err);
    }
    // The network and the state are those of the last good epoch, and a second try ends as the first.
    let (model, again) = (place.read("a/model.safetensors"), place.run(&["train", "--resume", "a"]));
    assert_eq!(again.code, Some(5), "{}", again.err);
    assert!(place.read("a/model.safetensors") == model);
    let whole = place.run(&["train", "--resume", "a", "--on-divergence", "lower-lr", "--json"]);
    assert_eq!(whole.code, Some(0), "{}", whole.err);
    assert_eq!(untimed_epochs(&lines(&place.text("a/metrics.jsonl"))).len(), 30);
}

#[test]
fn a_lower_rate_from_the_start_is_the_same_as_that_rate() {
    let place = Place::new();
    // Weights times 1 - lr · 28 in each of an epoch's 60 steps: only below lr = 1/14 do they not grow.
    let args = |lr, out| diverging(lr, "28", &["--batch-size", "1", "--epochs", "4", "--out", out]);
    let ran = place.run(&[&args("1", "a")[..], &["--on-divergence", "lower-lr"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let rates: Vec<f64> = recoveries(&place, "a").iter().map(|line| line["lr"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.5, 0.25, 0.125, 0.0625]);
    assert!(
        place.text("a/config.json").contains("\"lr\": 1.0"),
        "the configuration stays what was asked for"
    );
    place.run(&args("0.0625", "b")).ok();
    assert!(place.read("a/model.safetensors") == place.read("b/model.safetensors"));
}

#[test]
fn a_resumed_run_keeps_its_lowered_rate() {
    let place = Place::new();
    let args = |out, epochs| {
        let more = ["--batch-size", "8", "--on-divergence", "lower-lr", "--out", out, "--epochs", epochs];
        diverging("1", "10", &more)
    };
    for (out, epochs) in [("straight", "14"), ("a", "8")] {
        let ran = place.run(&args(out, epochs));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    assert!(!recoveries(&place, "a").is_empty());
    let ran =
        place.run(&["train", "--resume", "a", "--epochs", "14", "--on-divergence", "lower-lr", "--json"]);
    assert!(ran.err.contains("this run has diverged before, so --lr is now "), "{}", ran.err);
    ran.ok();
    same(&place, "a", "straight");
    assert_eq!(recoveries(&place, "a"), recoveries(&place, "straight"));
}

#[test]
fn a_rate_that_no_halving_helps_is_given_up() {
    let place = Place::new();
    let hopeless =
        ["--hidden", "7", "--lr", "1e38", "--weight-decay", "1e30", "--batch-size", "8", "--epochs", "2"];
    let args = [&["train", "--backend", "cpu", "--data", "tiny", "--quiet"], &hopeless[..]].concat();
    let ran = place.run(&[&args[..], &["--out", "a", "--on-divergence", "lower-lr"]].concat());
    ran.fails(5, &["training diverged in epoch 1", "the learning rate has been halved 8 times"]);
    assert_eq!(recoveries(&place, "a").len(), 8);
}
