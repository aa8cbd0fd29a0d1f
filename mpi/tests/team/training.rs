//! Several ranks train as one does, and only rank 0 is seen.

use serde_json::Value;

use crate::place::{PROGRAM, Place, lines, run};

const TRAIN: [&str; 9] = [
    "train",
    "--backend",
    "cpu",
    "--hidden",
    "7,5",
    "--activation",
    "tanh",
    "--json",
    "--validation-fraction",
];

/// A small network, with a tenth of the samples held out.
fn train<'a>(options: &[&'a str], out: &'a str) -> Vec<&'a str> {
    [&TRAIN[..], &["0.1", "--out", out], options].concat()
}

/// The losses of all epochs.
fn losses(printed: &str) -> Vec<f64> {
    let lines = lines(printed);
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("start"), count("end")), (1, 1), "{printed}");
    let of = |line: &Value| {
        ["train_loss", "validation_loss", "test_loss"].map(|name| line[name].as_f64().unwrap())
    };
    lines.iter().filter(|line| line["event"] == "epoch").flat_map(of).collect()
}

/// 46 samples to train on, in batches of 8 and a last one of 6, or of 2, or of 45 and 1. What is rounded otherwise grows from step to
/// step; after 12 to 138 steps it is far below this.
#[test]
fn ranks_have_the_losses_of_one() {
    let place = Place::new();
    let numbers = ["--data", "numbers.csv", "--batch-size", "8"];
    let classes = ["--data", "classes.csv", "--batch-size", "8"];
    for (number, (data, options, ranks)) in [
        (
            classes,
            &["--momentum", "0.9", "--nesterov", "--clip-norm", "0.5", "--weight-decay", "0.01"][..],
            [2, 3],
        ),
        (classes, &["--optimizer", "adamw", "--dropout", "0.2", "--label-smoothing", "0.1"], [2, 4]),
        (numbers, &["--loss", "huber", "--optimizer", "adam", "--lr-schedule", "cosine"], [3, 4]),
        (["--data", "classes.csv", "--batch-size", "2"], &["--class-weight", "balanced"], [3, 4]),
        (["--data", "numbers.csv", "--batch-size", "45"], &["--momentum", "0.5"], [2, 4]),
    ]
    .into_iter()
    .enumerate()
    {
        let options = [&data[..], options, &["--epochs", "6", "--threads", "1"]].concat();
        let want = losses(&run(place.alone(&train(&options, &format!("alone-{number}")))).ok());
        for ranks in ranks {
            let got = losses(&run(place.ranks(ranks, &train(&options, &format!("{ranks}-{number}")))).ok());
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(&want) {
                assert!((got - want).abs() < 2e-4 * want, "{options:?}, {ranks} ranks: {got} is not {want}");
            }
        }
    }
}

#[test]
fn one_rank_is_the_program_without_mpirun() {
    let place = Place::new();
    let options = ["--data", "classes.csv", "--threads", "1", "--epochs", "2"];
    run(place.alone(&train(&options, "alone"))).ok();
    run(place.ranks(1, &train(&options, "one"))).ok();
    assert!(place.read("alone/model.safetensors") == place.read("one/model.safetensors"));
    let printed = run(place.ranks(2, &["eval", "one", "--backend", "cpu"])).ok();
    assert_eq!(
        printed.matches("accuracy").count(),
        run(place.alone(&["eval", "one", "--backend", "cpu"])).ok().matches("accuracy").count()
    );
}

#[test]
fn weights_are_averaged_if_that_is_asked_for() {
    let place = Place::new();
    let options =
        ["--data", "classes.csv", "--batch-size", "8", "--epochs", "30", "--lr", "0.5", "--sync-every", "3"];
    let printed = run(place.ranks(2, &train(&options, "out"))).ok();
    let lines = lines(&printed);
    assert!(lines[0]["adapter"].as_str().unwrap().contains("averaged every 3 steps"), "{}", lines[0]);
    let accuracy = lines.last().unwrap()["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.8, "{accuracy}");
}

#[test]
fn ranks_share_out_a_set_in_parts() {
    let place = Place::new();
    run(place.alone(&["data", "shard", "classes.csv", "--part-size", "100B", "--out", "parts"])).ok();
    let options = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "parts",
        "--batch-size",
        "8",
        "--hidden",
        "7",
        "--threads",
        "1",
    ];
    let train = |out| [&options[..], &["--epochs", "4", "--json", "--out", out]].concat();
    let of = |printed: String| -> Vec<f64> {
        let epochs = lines(&printed).into_iter().filter(|line| line["event"] == "epoch");
        epochs.flat_map(|line| ["train_loss", "test_loss"].map(|name| line[name].as_f64().unwrap())).collect()
    };
    let (want, got) =
        (of(run(place.alone(&train("alone"))).ok()), of(run(place.ranks(3, &train("three"))).ok()));
    assert_eq!((want.len(), got.len()), (8, 8));
    let same = |(got, want): (&f64, &f64)| (got - want).abs() < 2e-4 * want;
    assert!(got.iter().zip(&want).all(same), "{got:?} is not {want:?}");
}

/// Steps of a few samples are nothing beside adding up.
#[test]
fn a_network_that_is_no_faster_on_two_ranks_is_told_what_helps() {
    let place = Place::new();
    let options =
        ["train", "--backend", "cpu", "--data", "classes.csv", "--batch-size", "4", "--hidden", "64,64"];
    let ran = run(place.ranks(2, &[&options[..], &["--epochs", "20", "--out", "out"]].concat()));
    assert!(ran.err.contains("one rank alone is about as fast"), "{ran:#?}");
    assert!(ran.err.contains("a larger --batch-size, or --sync-every 16, adds up less often"), "{ran:#?}");
}

#[test]
fn help_has_examples_of_this_program() {
    let place = Place::new();
    for command in [&["--help"][..], &["train", "--help"], &["data", "shard", "--help"]] {
        let help = run(place.alone(command)).ok();
        assert!(help.contains("\n  gpu-mlp-mpi ") && !help.contains("  gpu-mlp "), "{help}");
    }
}

/// Two ranks on one software adapter, and one of them on the CPU.
#[test]
fn adapters_train_together() {
    let place = Place::new();
    let devices = run(place.alone(&["devices", "--json"])).ok();
    if !devices.contains("\"vulkan\"") {
        assert!(std::env::var_os("GPU_MLP_REQUIRE_GPU").is_none(), "no Vulkan adapter: {devices}");
        eprintln!("skipped: there is no Vulkan adapter");
        return;
    }
    let options = ["--data", "classes.csv", "--batch-size", "8", "--epochs", "3", "--dropout", "0.2"];
    let want = losses(&run(place.alone(&train(&options, "alone"))).ok());
    let on = |backend: &'static str, out: &'static str| {
        let mut args = train(&options, out);
        args[2] = backend;
        [&["-n", "1", PROGRAM], &args[..]].concat()
    };
    for (second, out) in [("vulkan", "two"), ("cpu", "mixed")] {
        let args = [&on("vulkan", out)[..], &[":"], &on(second, out)].concat();
        for (got, want) in losses(&run(place.mpirun(&args)).ok()).iter().zip(&want) {
            assert!((got - want).abs() < 1e-3 * want, "{out}: {got} is not {want}");
        }
    }
}
