//! Sweeps whose trials are dealt to ranks.

use std::process::Command;

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
