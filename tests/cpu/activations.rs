//! An activation for each hidden layer, from the command line to the model's file.

use gpu_mlp::network::{Activation, Activations};
use gpu_mlp::training::run;

use crate::program::Place;

#[test]
fn each_hidden_layer_may_have_its_own() {
    let place = Place::new();
    let args = [
        "--hidden",
        "6,5",
        "--activation",
        "silu,leaky-relu",
        "--epochs",
        "2",
        "--batch-size",
        "8",
        "--out",
        "a",
        "--quiet",
    ];
    place.train(&args).ok();
    let (_, info) = run::load_model(&place.path("a")).unwrap();
    let each = Activations::Each(vec![Activation::Silu, Activation::LeakyRelu]);
    assert_eq!((info.spec.activation(), each.only()), (&each, None));
    assert!(place.text("a/config.json").contains("\"silu\",\n    \"leaky-relu\""));
    place.run(&["eval", "a", "--backend", "cpu"]).ok();
    let exported = place.run(&["export", "a", "--to", "safetensors", "--out", "b.safetensors"]).ok();
    assert!(exported.contains(", 6), SiLU(), Linear(6, 5), LeakyReLU(), Linear(5, 3))"), "{exported}");
    place.run(&["import", "b.safetensors", "--out", "c.safetensors"]).ok();
    assert_eq!(run::load_model(&place.path("c.safetensors")).unwrap().1.spec.activation(), &each);
    place.train(&["--config", "a/config.json", "--epochs", "1", "--out", "d", "--quiet"]).ok();
    assert_eq!(run::load_model(&place.path("d")).unwrap().1.spec.activation(), &each);
}

#[test]
fn what_is_no_list_of_activations_is_refused() {
    let place = Place::new();
    place
        .train(&["--activation", "relu,tanh", "--hidden", "5"])
        .fails(2, &["--activation relu,tanh", "--hidden"]);
    place.train(&["--activation", "swish"]).fails(2, &["swish", "leaky-relu"]);
    place.run(&["gradcheck", "--backend", "cpu", "--activation", "relu"]).ok();
    let other = ["gradcheck", "--backend", "cpu", "--activation", "elu,softplus"];
    place.run(&other).ok();
    place
        .run(&["gradcheck", "--backend", "cpu", "--activation", "relu,elu,tanh"])
        .fails(2, &["--activation"]);
}
