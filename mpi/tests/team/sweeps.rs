//! Sweeps whose trials are dealt to ranks.

use std::process::Command;

use serde_json::Value;

use crate::place::{Place, finish, lines, run, until};

const SWEEP: [&str; 11] = [
    "sweep",
    "--backend",
    "cpu",
    "--data",
    "classes.csv",
    "--hidden",
    "7",
    "--threads",
    "1",
    "--lr",
    "0.02,0.05,0.1,0.2,0.3",
];

#[test]
fn trials_are_dealt_to_ranks_and_are_those_of_one_process() {
    let place = Place::new();
    let options = [&SWEEP[..], &["--folds", "2", "--epochs", "3", "--quiet", "--json", "--out"]].concat();
    run(place.alone(&[&options[..], &["alone"]].concat())).ok();
    let printed = run(place.ranks(3, &[&options[..], &["dealt"]].concat())).ok();
    assert_eq!(lines(&printed).last().unwrap()["done"], 5, "{printed}");
    for trial in 1..=5 {
        for fold in 1..=2 {
            let model =
                |sweep: &str| place.read(&format!("{sweep}/trial-{trial}/fold-{fold}/model.safetensors"));
            assert!(model("alone") == model("dealt"), "trial {trial}, fold {fold}");
        }
    }
}

#[test]
fn a_sweep_that_lost_a_rank_is_continued() {
    let place = Place::new();
    let options = [&SWEEP[..], &["--epochs", "400", "--quiet", "--json", "--out"]].concat();
    let child = place.ranks(2, &[&options[..], &["s"]].concat()).spawn().unwrap();
    until("the third trial", || place.path("s/trial-3/config.json").exists());
    let process = place.process_of(1).unwrap();
    assert!(Command::new("kill").args(["-KILL", &process]).status().unwrap().success());
    let ran = finish(child);
    assert!(ran.code != Some(0), "{ran:#?}");
    let printed = run(place.ranks(3, &["sweep", "--resume", "s", "--threads", "1", "--json"])).ok();
    assert_eq!(lines(&printed).last().unwrap()["done"], 5, "{printed}");
    run(place.alone(&[&options[..], &["whole"]].concat())).ok();
    for trial in 1..=5 {
        let model = |sweep: &str| place.read(&format!("{sweep}/trial-{trial}/model.safetensors"));
        assert!(model("s") == model("whole"), "trial {trial}");
    }
}

/// Whether a machine without an adapter fails the test.
const REQUIRED: &str = "GPU_MLP_REQUIRE_GPU";

#[test]
fn on_an_adapter_a_rank_trains_its_share_side_by_side() {
    let place = Place::new();
    let devices = run(place.alone(&["devices", "--json"])).out;
    let adapters = serde_json::from_str::<Value>(&devices).unwrap()["adapters"].take();
    let adapter = adapters.as_array().unwrap().iter().find(|adapter| adapter["compute"] == true);
    let Some(name) = adapter.and_then(|adapter| adapter["name"].as_str()) else {
        assert!(std::env::var_os(REQUIRED).is_none(), "no adapter: {devices}");
        eprintln!("skipped: no adapter; {REQUIRED}=1 makes this an error");
        return;
    };
    let sweep = ["sweep", "--adapter", name, "--data", "classes.csv", "--hidden", "7", "--epochs", "3"];
    let options = [&sweep[..], &["--lr", "0.02,0.05,0.1,0.2", "--quiet", "--out"]].concat();
    let logged = |mut command: Command| {
        command.env("RUST_LOG", "gpu_mlp=info");
        let ran = run(command);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        ran.err
    };
    let alone = logged(place.alone(&[&options[..], &["alone"]].concat()));
    assert_eq!(alone.matches("4 of [3, 7, 2]").count(), 1, "{alone}");
    let dealt = logged(place.ranks(2, &[&options[..], &["dealt"]].concat()));
    assert_eq!(dealt.matches("2 of [3, 7, 2]").count(), 2, "{dealt}");
    for trial in 1..=4 {
        let model = |sweep: &str| place.read(&format!("{sweep}/trial-{trial}/model.safetensors"));
        assert!(model("alone") == model("dealt"), "trial {trial}");
    }
}
