//! `gpu-mlp gradcheck` on the CPU's engine; and that it would notice.

use gpu_mlp::checks::gradcheck::{self, Problem, Report};
use gpu_mlp::engine::{CpuEngine, Device};
use gpu_mlp::network::{Activation, Loss, Parameters};

use crate::program::Place;

/// The gradient that the CPU's engine computes.
fn gradient(problem: &Problem) -> Parameters {
    let spec = problem.spec().unwrap();
    let mut engine = CpuEngine::new(&spec, problem.options());
    pollster::block_on(problem.gradient(&mut engine)).unwrap()
}

fn wrong(report: &Report) -> Vec<&str> {
    report.tensors.iter().filter(|row| !row.ok).map(|row| row.tensor.as_str()).collect()
}

#[test]
fn the_engine_s_gradients_are_right() {
    for (hidden, batch) in [(&[16, 8][..], 13), (&[], 1), (&[5], 70), (&[9, 6, 7], 4)] {
        for seed in 0..5 {
            let problem = Problem::new(hidden, batch, seed).unwrap();
            let report = problem.judge(&gradient(&problem)).unwrap();
            assert!(report.ok, "{hidden:?}, {batch} samples, seed {seed}: {report:#?}");
            assert_eq!(report.tensors.len(), 2 * (hidden.len() + 1));
            let (checked, values) = report.tensors.iter().fold((0, 0), |(c, v), row| {
                assert_eq!(row.checked + row.kinks, row.values, "{row:?}");
                (c + row.checked, v + row.values)
            });
            assert!(20 * checked > 19 * values, "few kinks: {report:#?}");
            assert!(report.tensors.iter().all(|row| row.worst < row.allowed), "{report:#?}");
        }
    }
}

#[test]
fn other_activations_and_smoothed_labels_are_right_too() {
    for activation in Activation::ALL {
        let mut problem = Problem::with_activation(&[16, 8], activation, 13, 3).unwrap();
        problem.label_smoothing = 0.2;
        let smoothed = gradient(&problem);
        let report = problem.judge(&smoothed).unwrap();
        assert!(report.ok, "{activation:?}: {report:#?}");
        let kinks: usize = report.tensors.iter().map(|row| row.kinks).sum();
        assert!(kinks == 0 || activation == Activation::Relu, "only ReLU has kinks: {report:#?}");
        problem.label_smoothing = 0.0;
        assert!(!problem.judge(&smoothed).unwrap().ok, "{activation:?}: smoothing is noticed");
    }
}

#[test]
fn other_losses_are_right_too() {
    for loss in Loss::ALL {
        let problem = Problem::new(&[16, 8], 13, 3).unwrap().with_loss(loss).unwrap();
        let right = gradient(&problem);
        let report = problem.judge(&right).unwrap();
        assert!(report.ok, "{loss:?}: {report:#?}");
        for other in Loss::ALL.into_iter().filter(|&other| other != loss) {
            let report = Problem::new(&[16, 8], 13, 3).unwrap().with_loss(other).unwrap().judge(&right);
            assert!(!report.unwrap().ok, "{loss:?} is taken for {other:?}");
        }
    }
    let place = Place::new();
    for loss in Loss::ALL {
        place.run(&["gradcheck", "--backend", "cpu", "--loss", loss.name()]).ok();
    }
    let args = ["gradcheck", "--backend", "cpu", "--loss", "squared-error", "--label-smoothing", "0.1"];
    place.run(&args).fails(2, &["--label-smoothing"]);
}

#[test]
fn wrong_gradients_are_noticed() {
    let problem = Problem::new(&[16, 8], 13, 1).unwrap();
    let right = gradient(&problem);
    let judged = |change: &dyn Fn(&mut Parameters)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        problem.judge(&wrong).unwrap()
    };
    let one = judged(&|g| g.layers[1].w.data_mut()[77] += 1e-3);
    assert_eq!(wrong(&one), ["W2"], "one value");
    let nan = judged(&|g| g.layers[0].b.data_mut()[3] = f32::NAN);
    assert_eq!(wrong(&nan), ["b1"], "NaN");
    let zero = judged(&|g| g.layers[2].b.data_mut().fill(0.0));
    assert_eq!(wrong(&zero), ["b3"], "a bias without gradient");
    let scaled = judged(&|g| {
        for layer in &mut g.layers {
            layer.w.data_mut().iter_mut().chain(layer.b.data_mut()).for_each(|g| *g *= 13.0 / 12.0);
        }
    });
    assert_eq!(wrong(&scaled), ["W1", "b1", "W2", "b2", "W3", "b3"], "another 1/N");
    assert!(!scaled.ok && !one.ok && !nan.ok && !zero.ok);
    let other = Parameters::zeros(&Problem::new(&[16], 13, 1).unwrap().parameters.spec().unwrap());
    assert!(problem.judge(&other).is_err(), "another network");
}

#[test]
fn a_large_tensor_is_checked_in_part() {
    let problem = Problem::new(&[120], 2, 4).unwrap();
    let report = problem.judge(&gradient(&problem)).unwrap();
    let first = &report.tensors[0];
    assert!(report.ok && first.values == 2520 && first.checked + first.kinks == 840, "{report:#?}");
}

#[test]
fn the_command_prints_a_table_and_json() {
    let place = Place::new();
    let out = place.run(&["gradcheck", "--backend", "cpu"]).ok();
    assert!(out.contains("(cpu) are correct.") && out.lines().count() == 8, "{out}");
    let json =
        place.run(&["gradcheck", "--backend", "cpu", "--hidden", "4", "--seed", "7", "--json"]).lines();
    assert_eq!(json[0]["ok"], true);
    assert_eq!(json[0]["engine"]["backend"], "cpu");
    assert_eq!(json[0]["tensors"][3]["tensor"], "b2");
    let checked = pollster::block_on(async {
        let problem = Problem::new(&[4], 13, 7).unwrap();
        gradcheck::check(&problem, &Device::Cpu).await.unwrap()
    });
    assert_eq!(json[0]["tensors"], serde_json::to_value(&checked.report.tensors).unwrap());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let place = Place::new();
    place.run(&["gradcheck", "--backend", "cpu", "--batch", "0"]).fails(2, &["--batch", "4096"]);
    place.run(&["gradcheck", "--backend", "cpu", "--batch", "4097"]).fails(2, &["--batch", "4096"]);
    place.run(&["gradcheck", "--backend", "cpu", "--adapter", "x"]).fails(2, &["--adapter x"]);
    place.run(&["gradcheck", "--backend", "cpu", "--hidden", "0"]).fails(2, &["--hidden"]);
}
