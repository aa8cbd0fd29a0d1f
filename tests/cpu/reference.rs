//! The reference against central differences, hand-unrolled steps, and numpy (tests/fixtures/reference.json).

use gpu_mlp::network::Activation;
use gpu_mlp::reference::optimizer::Optimizer;
use gpu_mlp::reference::training::{Memory, Training};
use gpu_mlp::reference::{
    Layer, Matrix, Mlp, argmax, cross_entropy, cross_entropy_backward, dense, hits, log_sum_exp, matmul,
    softmax, sum_rows,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Deserialize;

/// Uniform in -1..1.
fn random(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Matrix {
    Matrix::from_fn(rows, cols, |_, _| (rng.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
}

fn network(rng: &mut ChaCha8Rng, sizes: &[usize], activation: Activation) -> Mlp {
    let layer =
        |pair: &[usize]| Layer { w: random(rng, pair[0], pair[1]), b: random(rng, 1, pair[1]).into_data() };
    Mlp { layers: sizes.windows(2).map(layer).collect(), activation: activation.into() }
}

#[track_caller]
fn close(what: &str, got: &[f64], want: &[f64], rtol: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 1e-14 + rtol * want.abs(), "{what}[{i}]: got {got:e}, want {want:e}");
    }
}

/// All parameters of layer `l`, weights first.
fn parameter(layer: &mut Layer, i: usize) -> &mut f64 {
    let weights = layer.w.data().len();
    if i < weights { &mut layer.w.data_mut()[i] } else { &mut layer.b[i - weights] }
}

/// Which hidden units are on, for every sample: a difference across a change of this crosses a kink.
fn pattern(mlp: &Mlp, x: &Matrix) -> Vec<bool> {
    let z = mlp.forward(x).z;
    z[..z.len() - 1].iter().flat_map(|z| z.data().iter().map(|&z| z > 0.0)).collect()
}

/// Compares every gradient with (loss(q + h) - loss(q - h)) / 2h; returns how many were compared, and of how many.
fn check_gradients(mlp: &Mlp, x: &Matrix, labels: &[u32]) -> (usize, usize) {
    // The difference is off by about h² · loss''' / 6 and by ε · loss / h: both near 1e-10 at this h.
    const H: f64 = 1e-5;
    let gradients = mlp.backward(&mlp.forward(x), labels).layers;
    let (mut compared, mut all) = (0, 0);
    for (l, mut gradient) in gradients.into_iter().enumerate() {
        for i in 0..gradient.w.data().len() + gradient.b.len() {
            all += 1;
            let moved = |by: f64| {
                let mut moved = mlp.clone();
                *parameter(&mut moved.layers[l], i) += by;
                moved
            };
            let (up, down) = (moved(H), moved(-H));
            if mlp.activation.of(0).has_kink() && pattern(&up, x) != pattern(&down, x) {
                continue;
            }
            compared += 1;
            let want = (up.loss(x, labels) - down.loss(x, labels)) / (2.0 * H);
            let got = *parameter(&mut gradient, i);
            assert!(
                (got - want).abs() <= 1e-8 + 1e-6 * want.abs(),
                "{:?}, layer {l}, parameter {i}: back-propagation {got:e}, difference {want:e}",
                mlp.activation
            );
        }
    }
    (compared, all)
}

#[test]
fn backward_agrees_with_central_differences() {
    let shapes: [(&[usize], usize); 7] = [
        (&[4, 3], 5),
        (&[1, 2], 1),
        (&[5, 7, 3], 4),
        (&[3, 1, 2], 6),
        (&[3, 8, 5, 4], 3),
        (&[2, 3, 4, 3, 5], 7),
        (&[6, 5, 2, 7, 1], 2),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    for activation in Activation::ALL {
        for (sizes, rows) in shapes {
            let mlp = network(&mut rng, sizes, activation);
            let x = random(&mut rng, rows, sizes[0]);
            let classes = sizes[sizes.len() - 1] as u32;
            let labels: Vec<u32> = (0..rows).map(|_| rng.next_u32() % classes).collect();
            let (compared, all) = check_gradients(&mlp, &x, &labels);
            assert!(10 * compared >= 9 * all, "{compared} of {all} coordinates are clear of kinks");
        }
    }
}

#[test]
fn a_wrong_gradient_is_noticed() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut mlp = network(&mut rng, &[3, 4, 2], Activation::Tanh);
    let x = random(&mut rng, 5, 3);
    check_gradients(&mlp, &x, &[0, 1, 1, 0, 1]);
    // The gradients of one activation against the differences of another.
    let wrong = mlp.backward(&mlp.forward(&x), &[0, 1, 1, 0, 1]).layers;
    mlp.activation = Activation::Sigmoid.into();
    let right = mlp.backward(&mlp.forward(&x), &[0, 1, 1, 0, 1]).layers;
    let off = wrong[0].w.data().iter().zip(right[0].w.data()).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f64::max) > 1e-3);
}

#[test]
fn softmax_and_its_loss_bear_extreme_logits() {
    assert_eq!(log_sum_exp(&[1e4, 1e4]), 1e4 + 2_f64.ln());
    assert_eq!(log_sum_exp(&[-1e4, -1e4]), -1e4 + 2_f64.ln());
    assert_eq!(log_sum_exp(&[1e4, -1e4]), 1e4);
    assert!((log_sum_exp(&[0.0, 1.0, 2.0]) - 2.407_605_964_444_38).abs() < 1e-14);
    let logits = Matrix::new([3, 3], vec![1e4, -1e4, 0.0, -1e4, -1e4, -1e4, 0.0, -40.0, -1e4]).unwrap();
    let p = softmax(&logits);
    close("softmax", p.row(0), &[1.0, 0.0, 0.0], 0.0);
    // -1e4 + log 3 is rounded at the size of 1e4, and the exponential carries that on.
    close("softmax", p.row(1), &[1.0 / 3.0; 3], 1e-11);
    let losses = cross_entropy(&logits, &[1, 2, 0]);
    assert_eq!(losses[0], 2e4, "not the log of a probability that underflowed");
    assert!((losses[1] - 3_f64.ln()).abs() < 1e-11);
    assert!(losses[2] > 4e-18 && losses[2] < 4.3e-18 || losses[2] == 0.0, "{:e}", losses[2]);
    let dz = cross_entropy_backward(&logits, &[1, 2, 0]);
    close("dz", dz.row(0), &[1.0 / 3.0, -1.0 / 3.0, 0.0], 1e-15);
    assert!(dz.data().iter().all(|dz| dz.is_finite()));
    assert!((0..3).all(|r| dz.row(r).iter().sum::<f64>().abs() < 1e-11), "a row's gradients cancel");
    let nan = Matrix::new([1, 2], vec![f64::NAN, 0.0]).unwrap();
    assert!(cross_entropy(&nan, &[1])[0].is_nan(), "NaN is not hidden");
}

#[test]
fn activations_and_their_derivatives() {
    assert_eq!([-1.0, 0.0, 2.0].map(|z| Activation::Relu.apply(z)), [0.0, 0.0, 2.0]);
    assert_eq!([-1.0, 0.0, 2.0].map(|z| Activation::Relu.derivative(z)), [0.0, 0.0, 1.0]);
    assert_eq!((Activation::Sigmoid.apply(0.0), Activation::Sigmoid.derivative(0.0)), (0.5, 0.25));
    assert_eq!((Activation::Tanh.apply(0.0), Activation::Tanh.derivative(0.0)), (0.0, 1.0));
    for activation in Activation::ALL {
        assert!(activation.apply(f64::NAN).is_nan(), "{activation:?}");
        assert!([-800.0, 800.0].into_iter().all(|z| activation.derivative(z).is_finite()), "{activation:?}");
    }
}

#[test]
fn products_sums_and_hits_by_hand() {
    let a = Matrix::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let b = Matrix::new([3, 2], vec![7.0, 8.0, 9.0, 10.0, 11.0, 12.0]).unwrap();
    assert_eq!(matmul(&a, &b).data(), [58.0, 64.0, 139.0, 154.0]);
    assert_eq!(dense(&a, &b, &[1.0, -1.0]).data(), [59.0, 63.0, 140.0, 153.0]);
    assert_eq!(sum_rows(&a), [5.0, 7.0, 9.0]);
    assert_eq!((argmax(&[1.0, 3.0, 3.0]), argmax(&[2.0])), (1, 0), "the first of equals");
    assert_eq!(hits(&a, &[2, 0]), [true, false]);
}

#[test]
fn sgd_with_momentum_and_decay_by_hand() {
    let sgd = Optimizer::sgd(0.5, 0.2);
    let (mut w, mut v, mut unused) = ([1.0, -2.0], [0.0, 0.0], [0.0, 0.0]);
    sgd.step(1, 0.1, &mut w, [&mut v, &mut unused], &[0.3, 0.4]);
    // v = 0.3 + 0.2 · 1 = 0.5 and 0.4 - 0.2 · 2 = 0
    close("v", &v, &[0.5, 0.0], 1e-15);
    close("w", &w, &[0.95, -2.0], 1e-15);
    sgd.step(2, 0.1, &mut w, [&mut v, &mut unused], &[-0.1, 1.0]);
    // v = 0.5 · 0.5 - 0.1 + 0.2 · 0.95 = 0.34 and 1 - 0.4 = 0.6
    close("v", &v, &[0.34, 0.6], 1e-15);
    close("w", &w, &[0.916, -2.06], 1e-15);
}

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Flat {
    w: Vec<f64>,
    b: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    sizes: Vec<usize>,
    rows: usize,
    activation: String,
    lr: f64,
    momentum: f64,
    weight_decay: f64,
    x: Vec<f64>,
    labels: Vec<u32>,
    layers: Vec<Flat>,
    logits: Vec<f64>,
    row_losses: Vec<f64>,
    gradients: Vec<Flat>,
    step_losses: Vec<f64>,
    step_hits: Vec<usize>,
    trained: Vec<Flat>,
    velocity: Vec<Flat>,
}

impl Case {
    fn mlp(&self) -> Mlp {
        let layer = |(flat, pair): (&Flat, &[usize])| Layer {
            w: Matrix::new([pair[0], pair[1]], flat.w.clone()).unwrap(),
            b: flat.b.clone(),
        };
        let activation = match self.activation.as_str() {
            "relu" => Activation::Relu,
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            other => panic!("activation {other}"),
        };
        Mlp {
            layers: self.layers.iter().zip(self.sizes.windows(2)).map(layer).collect(),
            activation: activation.into(),
        }
    }
}

#[track_caller]
fn layers_close(what: &str, got: &[Layer], want: &[Flat]) {
    assert_eq!(got.len(), want.len(), "{what}: layers");
    for (l, (got, want)) in got.iter().zip(want).enumerate() {
        close(&format!("{what}, layer {l}, w"), got.w.data(), &want.w, 1e-11);
        close(&format!("{what}, layer {l}, b"), &got.b, &want.b, 1e-11);
    }
}

#[test]
fn everything_agrees_with_numpy() {
    let fixtures: Fixtures = serde_json::from_str(include_str!("../fixtures/reference.json")).unwrap();
    assert_eq!(fixtures.cases.len(), 6);
    for case in fixtures.cases {
        let (name, mut mlp) = (&case.name, case.mlp());
        let x = Matrix::new([case.rows, case.sizes[0]], case.x.clone()).unwrap();
        let forward = mlp.forward(&x);
        close(&format!("{name}: logits"), forward.logits().data(), &case.logits, 1e-12);
        close(name, &cross_entropy(forward.logits(), &case.labels), &case.row_losses, 1e-12);
        let gradients = mlp.backward(&forward, &case.labels).layers;
        layers_close(&format!("{name}: gradient"), &gradients, &case.gradients);
        let training = Training::plain(Optimizer::sgd(case.momentum, case.weight_decay));
        let mut memory = Memory::new(&mlp);
        for (step, (&want, &want_hits)) in case.step_losses.iter().zip(&case.step_hits).enumerate() {
            let labels = case.labels.as_slice();
            let (loss, hits) = training.step(&mut mlp, &mut memory, case.lr, &x, labels);
            close(&format!("{name}: loss of step {step}"), &[loss], &[want], 1e-12);
            assert_eq!(hits, want_hits, "{name}: hits of step {step}");
        }
        layers_close(&format!("{name}: trained"), &mlp.layers, &case.trained);
        layers_close(&format!("{name}: velocity"), &memory.moments[0], &case.velocity);
    }
}
