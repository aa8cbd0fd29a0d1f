//! Training with bugs: right without any, the question's own loop with its three, and every bug that can be injected.

use std::sync::Mutex;

use gpu_mlp::data::Dataset;
use gpu_mlp::network::{Activation, MlpSpec, Parameters};
use gpu_mlp::reference::optimizer::Optimizer;
use gpu_mlp::reference::training::Memory;
use gpu_mlp::reference::{Layer, Matrix, Mlp, log_sum_exp};
use gpu_mlp::replay::injection::{self, Injection};
use gpu_mlp::replay::setting::Setting;
use gpu_mlp::replay::training::{Batch, Training};
use gpu_mlp::replay::{self, Config, Curve, Point, Watch};
use gpu_mlp::report::chart::{Figure, Line, Panel, Series, XAxis, svg};
use gpu_mlp::training::shuffled;
use serde_json::Value;

use crate::program::Place;
use crate::tiny;

const LR: f64 = 0.1;

fn network(hidden: &[usize]) -> Mlp {
    let spec = MlpSpec::with_hidden(tiny::FEATURES, hidden, tiny::CLASSES).unwrap();
    Parameters::he_uniform(&spec, 3).in_f64(Activation::Relu)
}

fn batch(dataset: &Dataset, indices: &[u32]) -> Batch {
    let labels = indices.iter().map(|&i| dataset.train.labels()[i as usize]).collect();
    Batch { x: dataset.train.inputs(indices).unwrap(), labels }
}

fn bugs(names: &[&str]) -> Vec<Injection> {
    names.iter().map(|name| Injection::parse(name).unwrap()).collect()
}

fn plain() -> Setting {
    Setting::of(&[], 1)
}

/// The batches of two epochs.
fn batches(dataset: &Dataset) -> Vec<Batch> {
    let all: Vec<u32> = (0..tiny::TRAIN as u32).collect();
    let of =
        |epoch| shuffled(&all, 3, epoch).chunks(7).map(|samples| batch(dataset, samples)).collect::<Vec<_>>();
    (0..2).flat_map(of).collect()
}

fn whole(dataset: &Dataset) -> Batch {
    batch(dataset, &(0..tiny::TRAIN as u32).collect::<Vec<_>>())
}

#[track_caller]
fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-11 * (1.0 + expected.abs()), "got {got}, expected {expected}");
}

#[test]
fn without_bugs_it_is_the_reference() {
    let dataset = tiny::dataset();
    for act in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
        let mut expected = Mlp { activation: act.into(), ..network(&[9, 5]) };
        let mut training = Training::new(&expected.layers, act, None, &[], &plain());
        let mut memory = Memory::new(&expected);
        let plain = gpu_mlp::reference::training::Training::plain(Optimizer::sgd(0.0, 0.0));
        for step in batches(&dataset) {
            plain.step(&mut expected, &mut memory, LR, &step.x, step.labels.as_slice());
            training.step(step);
        }
        let whole = whole(&dataset);
        let loss = expected.loss(&whole.x, &whole.labels);
        let measured = training.evaluate(whole);
        near(measured.loss, loss);
        assert_eq!((measured.printed_loss, measured.printed_accuracy), (measured.loss, measured.accuracy));
    }
}

/// The question's `train`, a sample at a time, as it stands: `error.dot(dsoftmax(p))`, `np.sum(…, axis=0)` of a vector,
/// `=` where `+=` is meant, `/ n_records` in the step.
fn question(mlp: &mut Mlp, batch: &Batch) {
    let n = batch.labels.len() as f64;
    let mut dw: Vec<Matrix> = mlp.layers.iter().map(|layer| Matrix::zeros(layer.w.shape())).collect();
    let mut db = vec![0.0; mlp.layers.len()];
    for (r, &label) in batch.labels.iter().enumerate() {
        let x = Matrix::from_fn(1, batch.x.cols(), |_, c| batch.x.at(r, c));
        let forward = mlp.forward(&x);
        let logits = forward.logits().row(0);
        let p: Vec<f64> = logits.iter().map(|z| (z - log_sum_exp(logits)).exp()).collect();
        let error: Vec<f64> = p.iter().enumerate().map(|(c, p)| f64::from(c == label as usize) - p).collect();
        let jacobian = |i: usize, j: usize| if i == j { p[i] * (1.0 - p[j]) } else { -p[i] * p[j] };
        let mut term: Vec<f64> =
            (0..p.len()).map(|j| (0..p.len()).map(|i| error[i] * jacobian(i, j)).sum()).collect();
        for l in (0..mlp.layers.len()).rev() {
            let a = forward.a[l].row(0);
            for (i, a) in a.iter().enumerate() {
                for (j, term) in term.iter().enumerate() {
                    dw[l].data_mut()[i * term_count(&mlp.layers[l]) + j] += term * a;
                }
            }
            db[l] = term.iter().sum();
            let w = &mlp.layers[l].w;
            term = (0..a.len())
                .map(|i| {
                    let back: f64 = term.iter().enumerate().map(|(j, term)| term * w.at(i, j)).sum();
                    back * f64::from(a[i] > 0.0)
                })
                .collect();
        }
    }
    for ((layer, dw), db) in mlp.layers.iter_mut().zip(&dw).zip(db) {
        layer.w.data_mut().iter_mut().zip(dw.data()).for_each(|(w, dw)| *w += LR * dw / n);
        layer.b.iter_mut().for_each(|b| *b += LR * db / n);
    }
}

fn term_count(layer: &Layer) -> usize {
    layer.w.cols()
}

/// `CE + ln N + ln mean_i exp(LSE_i) - mean_i LSE_i`: what a softmax over the whole matrix makes of the loss.
fn whole_matrix_loss(mlp: &Mlp, batch: &Batch) -> f64 {
    let logits = mlp.forward(&batch.x).logits().clone();
    let n = batch.labels.len() as f64;
    let sums: Vec<f64> = (0..logits.rows()).map(|r| log_sum_exp(logits.row(r))).collect();
    mlp.loss(&batch.x, &batch.labels) + n.ln() + (log_sum_exp(&sums) - n.ln()) - sums.iter().sum::<f64>() / n
}

#[test]
fn the_question_s_bugs_are_the_question_s_code() {
    let dataset = tiny::dataset();
    let injected = replay::seed_question().unwrap().pop().unwrap().bugs;
    let mut expected = network(&[9, 5]);
    let mut training = Training::new(&expected.layers, Activation::Relu, Some(LR), &injected, &plain());
    for step in batches(&dataset) {
        question(&mut expected, &step);
        training.step(step);
    }
    let whole = whole(&dataset);
    let (loss, printed) = (expected.loss(&whole.x, &whole.labels), whole_matrix_loss(&expected, &whole));
    let measured = training.evaluate(whole);
    near(measured.loss, loss);
    near(measured.printed_loss, printed);
    assert_eq!(measured.accuracy, measured.printed_accuracy, "arg max does not see it");
    assert!(training.never_applied().is_empty());
}

fn config(hidden: &[usize], act: Activation) -> Config {
    Config { hidden: hidden.to_vec(), batch_size: 7, epochs: 3, lr: None, seed: 3, act }
}

struct Patient;

impl Watch for Patient {
    fn measured(&self, _: usize, _: &Point) -> bool {
        true
    }
}

fn curves(hidden: &[usize], act: Activation, names: &[&str]) -> Vec<Curve> {
    let plans = replay::with_and_without(&bugs(names));
    replay::replay(&tiny::dataset(), &config(hidden, act), &plans, &Patient).unwrap().unwrap()
}

/// Bugs that need something else than a small ReLU network to show: what they need.
const NEEDS: [(&str, &[usize], Activation); 5] = [
    ("preactivation-other-input", &[tiny::FEATURES, 6], Activation::Relu),
    ("activation-derivative-on-preactivation", &[6, 6], Activation::Sigmoid),
    ("preactivation-overwritten", &[6, 6], Activation::Sigmoid),
    ("activation-derivative-twice", &[6, 6], Activation::Sigmoid),
    ("weight-grad-own-output", &[6, 6], Activation::Relu),
];

/// Bugs of numbers that a sane network never meets: exp overflows, a probability underflows.
const RARE: [&str; 2] = ["softmax-overflow", "log-of-zero"];

#[test]
fn every_bug_that_can_be_injected_changes_the_curves() {
    for (bug, _) in injection::all() {
        let id = bug.id();
        let needs = NEEDS.iter().find(|(other, ..)| *other == id);
        let (hidden, act) = needs.map_or((&[9, 5][..], Activation::Relu), |(_, hidden, act)| (hidden, *act));
        let both = curves(hidden, act, &[id]);
        let rare = RARE.contains(&id);
        assert_eq!(both[1].never_applied.contains(&id.to_owned()), rare, "{id}");
        let same = both[0].points == both[1].points;
        assert_eq!(same, rare, "{id}: {:?}", both[1].points.last());
        assert!(both[0].never_applied.is_empty() && both[0].diverged.is_none(), "{id}");
    }
}

#[test]
fn every_further_formula_that_can_be_injected_applies_somewhere() {
    const NETWORKS: [(&[usize], Activation); 4] = [
        (&[9, 5], Activation::Relu),
        (&[5, 5], Activation::Sigmoid),
        (&[5, 5], Activation::Tanh),
        (&[5, 5], Activation::LeakyRelu),
    ];
    let never = |id: &str| {
        let applies = |(hidden, act)| curves(hidden, act, &[id])[1].never_applied.is_empty();
        !NETWORKS.into_iter().any(applies)
    };
    let is_rare = |id: &str| RARE.iter().any(|rare| id.starts_with(rare));
    let all: Vec<(String, &str)> = injection::further().collect();
    let idle: Vec<&(String, &str)> = all.iter().filter(|(id, _)| !is_rare(id) && never(id)).collect();
    assert!(all.len() > 80 && idle.is_empty(), "{} formulas; of no effect: {idle:#?}", all.len());
}

#[test]
fn a_bug_of_the_evaluation_leaves_the_training_alone() {
    let both = curves(&[9, 5], Activation::Relu, &["evaluation:softmax-whole-batch"]);
    for (right, wrong) in both[0].points.iter().zip(&both[1].points) {
        assert_eq!(
            (right.measured.loss, right.measured.accuracy),
            (wrong.measured.loss, wrong.measured.accuracy)
        );
        assert!(wrong.measured.printed_loss > right.measured.loss + 20_f64.ln() - 1e-9);
    }
    let everywhere = curves(&[9, 5], Activation::Relu, &["softmax-whole-batch"]);
    assert_ne!(
        everywhere[1].points.last().unwrap().measured.loss,
        both[0].points.last().unwrap().measured.loss
    );
}

#[test]
fn a_training_that_diverges_ends_and_says_where() {
    let plans = replay::with_and_without(&bugs(&["sign-flipped"]));
    let config = Config { epochs: 200, lr: Some(1e6), ..config(&[9], Activation::Relu) };
    let both = replay::replay(&tiny::dataset(), &config, &plans, &Patient).unwrap().unwrap();
    let wrong = &both[1];
    assert!(wrong.diverged.is_some_and(|epoch| epoch < 200.0), "{wrong:?}");
    assert!(wrong.points.last().is_some_and(|point| !point.measured.loss.is_finite()));
}

#[test]
fn a_watcher_can_end_it() {
    struct Impatient(Mutex<usize>);
    impl Watch for Impatient {
        fn measured(&self, _: usize, _: &Point) -> bool {
            *self.0.lock().unwrap() += 1;
            false
        }
    }
    let watch = Impatient(Mutex::new(0));
    let plans = replay::with_and_without(&[]);
    assert_eq!(
        replay::replay(&tiny::dataset(), &config(&[9], Activation::Relu), &plans, &watch).unwrap(),
        None
    );
    assert!(*watch.0.lock().unwrap() <= 2);
}

#[test]
fn a_rise_is_told_from_a_ripple() {
    let with = |losses: &[f64]| {
        let mut curve = curves(&[], Activation::Relu, &["bias-zero"]).remove(0);
        let point = curve.points[0];
        curve.points = losses
            .iter()
            .map(|&printed_loss| {
                let mut point = point;
                point.measured.printed_loss = printed_loss;
                point
            })
            .collect();
        let lowest =
            curve.points.iter().min_by(|a, b| a.measured.printed_loss.total_cmp(&b.measured.printed_loss));
        curve.lowest = lowest.copied();
        curve.rise = curve
            .points
            .last()
            .zip(curve.lowest)
            .map(|(last, low)| last.measured.printed_loss - low.measured.printed_loss);
        curve.rises()
    };
    assert!(with(&[10.0, 9.0, 12.0]));
    assert!(!with(&[2.3, 0.2, 0.21]));
    assert!(!with(&[2.3, 1.0, 0.2]));
}

#[test]
fn a_chart_is_well_formed_and_says_what_it_shows() {
    let line = |series, points: &[(f64, f64)]| Line { series, points: points.to_vec(), mark: None };
    let panel = |percent| Panel {
        title: "loss & <more>".into(),
        x_label: "epoch".into(),
        x_axis: if percent { XAxis::Logarithmic } else { XAxis::Linear },
        percent,
        zoomed: false,
        lines: vec![
            line(0, &[(0.0, 2.0), (1.0, f64::NAN), (2.0, 1.0)]),
            line(1, &[(0.0, 0.5), (2.0, f64::INFINITY)]),
        ],
    };
    let series = ["right", "wrong \"one\""].map(|name| Series { name: name.into() }).to_vec();
    let figure = Figure {
        title: "t".into(),
        description: "d".into(),
        series,
        panels: vec![panel(false), panel(true)],
    };
    let drawn = svg(&figure);
    assert!(drawn.contains("loss &amp; &lt;more&gt;") && drawn.contains("wrong &quot;one&quot;"), "{drawn}");
    assert!(drawn.contains("<title id=\"title\">t</title>") && drawn.contains("<desc id=\"desc\">d</desc>"));
    assert!(drawn.contains("100 %") && !drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    // A line with a hole begins anew after it.
    assert!(
        drawn.lines().any(|line| line.contains("<path class=\"s0\"") && line.matches('M').count() == 2),
        "{drawn}"
    );
}

#[test]
fn the_program_writes_a_picture_a_table_and_the_numbers() {
    let place = Place::new();
    let small = ["--data", "tiny", "--hidden", "7", "--batch-size", "8", "--epochs", "2"];
    let args = [&["replay", "--bug", "softmax-jacobian,bias-zero", "--out", "a/b"][..], &small].concat();
    let out = place.run(&args).ok();
    assert!(out.contains("16-7-3 relu on tiny, batch 8, learning rate 0.1, 2 epochs, seed 1"), "{out}");
    assert!(out.contains("right ") && out.contains("softmax-jacobian + bias-zero "), "{out}");
    let numbers: Value = serde_json::from_slice(&place.read("a/b/replay.json")).unwrap();
    assert_eq!(numbers["curves"][1]["bugs"], serde_json::json!(["softmax-jacobian", "bias-zero"]));
    // An evaluation before each of 8 batches, as there are no more, in each of two epochs; and the last.
    let points = numbers["curves"][0]["points"].as_array().unwrap();
    assert_eq!((points.len(), &points[16]["epoch"]), (17, &serde_json::json!(2.0)));
    let drawn = String::from_utf8(place.read("a/b/replay.svg")).unwrap();
    assert!(drawn.contains("softmax-jacobian + bias-zero") && drawn.contains("accuracy"));
    #[cfg(feature = "png")]
    {
        let png = place.read("a/b/replay.png");
        let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!((&png[..8], size(16)), (&b"\x89PNG\r\n\x1a\n"[..], 3 * 360 * 2));
    }
    let printed = place.run(&[&args[..], &["--json"]].concat()).lines();
    assert_eq!(printed, [numbers], "the same again, and the same in the file");
}

#[test]
fn the_seed_question_is_five_trainings() {
    let place = Place::new();
    let ran = place.run(&[
        "replay",
        "--seed-question",
        "--data",
        "tiny",
        "--hidden",
        "7",
        "--batch-size",
        "8",
        "--epochs",
        "1",
    ]);
    let numbers: Value = serde_json::from_slice(&place.read("replay/replay.json")).unwrap();
    let curves = numbers["curves"].as_array().unwrap();
    assert_eq!(
        curves.iter().map(|curve| curve["bugs"].as_array().unwrap().len()).collect::<Vec<_>>(),
        [0, 1, 1, 1, 3]
    );
    assert!(ran.ok().contains("all three, as in the question"));
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let place = Place::new();
    for (args, expected) in [
        (
            &["--bug", "softmax-jacobain"][..],
            "there is no bug called `softmax-jacobain`; did you mean `softmax-jacobian`?",
        ),
        (&["--bug", "bias-not-summed"], "cannot be replayed: its db has a row for every sample"),
        (&["--bug", "softmax-jacobian/9"], "expected a number from 1 to 5, the formulas of softmax-jacobian"),
        (&["--bug", "updated-weights-in-backward/1"], "cannot be replayed: it starts from a tensor"),
        (&["--bug", "backward:bias-zero"], "`backward:` is unknown"),
        (&[], "--bug"),
        (&["--bug", "bias-zero", "--epochs", "0"], "--epochs 0: expected 1 or more"),
        (&["--bug", "bias-zero", "--lr", "-1"], "--lr -1: expected a number greater than 0"),
        (
            &["--bug", "bias-zero", "--batch-size", "61"],
            "--batch-size 61: expected 1 to 60, the training samples",
        ),
        (&["--bug", "bias-zero", "--data", "nowhere/at/all"], "nowhere/at/all"),
    ] {
        let data = if args.contains(&"--data") { &[][..] } else { &["--data", "tiny"] };
        let batch = if args.contains(&"--batch-size") { &[][..] } else { &["--batch-size", "8"] };
        let ran = place.run(&[&["replay"], args, data, batch].concat());
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
        assert!(!place.path("replay").exists(), "{args:?}");
    }
    let list = place.run(&["replay", "--list"]).ok();
    assert_eq!(list.lines().count(), injection::all().count() + injection::further().count());
}
