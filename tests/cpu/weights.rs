//! What samples count in training: a sample of weight 2 is as good as the sample twice.

use std::fs;

use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

use crate::program::Place;
use crate::tiny;

/// The weights after a step on all of these samples at once.
fn stepped(train: Samples) -> Parameters {
    let spec = MlpSpec::new(vec![train.features(), 5, tiny::CLASSES]).unwrap();
    let all: Vec<u32> = (0..train.len() as u32).collect();
    let options = StepOptions::sgd(all.len(), Sgd { lr: 0.5, momentum: 0.0, weight_decay: 0.0 });
    let mut engine = CpuEngine::new(&spec, options);
    block_on(async {
        engine.load(Split::Train, train).await.unwrap();
        engine.set_parameters(&Parameters::initial(&spec, 3), None).await.unwrap();
        engine.set_sums(&Sums::default()).await.unwrap();
        assert_eq!(engine.train(&all).await.unwrap(), all.len());
        engine.parameters().await.unwrap()
    })
}

#[test]
fn a_weight_of_two_is_the_sample_twice() {
    let plain = tiny::dataset();
    let rows: Vec<u32> = (0..9).collect();
    let samples = |rows: &[u32]| {
        let labels = rows.iter().map(|&row| plain.train.labels()[row as usize]).collect();
        Samples::new(plain.train.features(), plain.train.read(rows).unwrap(), labels, plain.classes).unwrap()
    };
    let weights = (0..9).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 }).collect();
    let weighted = stepped(samples(&rows).with_weights(weights).unwrap());
    let twice: Vec<u32> = rows.iter().copied().chain([0, 3, 6]).collect();
    let repeated = stepped(samples(&twice));
    for (a, b) in weighted.layers.iter().zip(&repeated.layers) {
        for (a, b) in a.w.data().iter().zip(b.w.data()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
    assert_ne!(weighted, stepped(samples(&rows)), "weights do something");
    assert_eq!(stepped(samples(&rows).with_weights(vec![3.0; 9]).unwrap()), stepped(samples(&rows)));
}

#[test]
fn weights_that_are_none_are_refused() {
    let train = tiny::dataset().train;
    assert!(train.clone().with_weights(vec![1.0]).is_err());
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = train.clone().with_weights(vec![bad; train.len()]).unwrap_err().to_string();
        assert!(error.contains("above 0"), "{error}");
    }
}

#[test]
fn classes_and_columns_have_weights() {
    let place = Place::new();
    let mut table = String::from("a,b,w,label\n");
    for i in 0..80 {
        let class = if i % 8 == 0 { "rare" } else { "often" };
        table.push_str(&format!("{},{},{},{class}\n", i % 7, i % 5, 1 + i % 3));
    }
    fs::write(place.path("t.csv"), table).unwrap();
    let train = |args: &[&str]| {
        let base = ["train", "--backend", "cpu", "--data", "t.csv", "--hidden", "4", "--batch-size", "8"];
        let own = ["--epochs", "2", "--out", "run", "--overwrite", "--quiet"];
        place.run(&[&base[..], &own, args].concat())
    };
    let model = |args: &[&str]| {
        train(args).ok();
        place.read("run/model.safetensors")
    };
    let drop = ["--weight-column", "w"];
    let plain = model(&drop);
    let weighted = model(&[&drop[..], &["--class-weight", "balanced"]].concat());
    assert!(plain != weighted, "balance does something");
    assert!(place.text("run/config.json").contains("\"class_weight\": \"balanced\""));
    let named = model(&[&drop[..], &["--class-weight", "rare=7,often=1"]].concat());
    assert!(named != weighted && named != plain);
    let end = place.run(&["eval", "run", "--backend", "cpu", "--json"]).lines();
    assert!(end[0]["accuracy"].is_number(), "{end:?}");
    train(&["--class-weight", "odd=2"]).fails(2, &["there is no class `odd`", "often, rare"]);
    train(&["--class-weight", "rare"]).fails(2, &["`rare` is not of the form name=weight"]);
    train(&["--class-weight", "rare=0"]).fails(2, &["no weight above 0"]);
    train(&["--weight-column", "label"]).fails(2, &["named both as labels and as weights"]);
    train(&["--weight-column", "a"]).fails(2, &["`0` is not a weight"]);
    let numbers: String = (0..20).map(|i| format!("{i},{}\n", f64::from(i) * 0.7)).collect();
    fs::write(place.path("t.csv"), format!("a,b\n{numbers}")).unwrap();
    train(&["--label-column", "b", "--class-weight", "balanced"])
        .fails(2, &["--weight-column weighs samples"]);
    let folder = ["train", "--backend", "cpu", "--data", "tiny", "--weight-column", "w"];
    place.run(&folder).fails(2, &["--weight-column", "is an IDX set, and the option is for tables"]);
}
