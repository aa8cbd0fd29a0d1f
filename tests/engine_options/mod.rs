//! What every engine has to do with every training option, for the tests of both: take the reference's steps, leave
//! evaluation alone, and go on from a state as if nothing had happened.

use gpu_mlp::Error;
use gpu_mlp::checks::selftest::steps::{self, BATCH, Case, SIZES, cases, check_case, order};
use gpu_mlp::engine::Engine;
use gpu_mlp::network::{Dense, MlpSpec, Parameters};
use gpu_mlp::reference::compare::{self, Tolerance};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

/// Sizes that end inside a block of 4 and inside a line of 16, and at their ends.
const ALL_SIZES: [&[usize]; 3] = [&SIZES, &[16, 32, 10], &[5, 1, 3]];

/// Trains on all these samples, however many the engine takes at a time.
pub fn train(engine: &mut impl Engine, samples: &[u32]) {
    block_on(steps::train(engine, samples)).unwrap();
}

/// An engine that has the initial parameters.
fn fresh<E: Engine>(make: &impl Fn(&MlpSpec, StepOptions) -> E, spec: &MlpSpec, case: &Case) -> E {
    let mut engine = make(spec, case.options);
    block_on(steps::load(&mut engine, spec)).unwrap();
    block_on(engine.set_parameters(&Parameters::initial(spec, 5), None)).unwrap();
    block_on(engine.set_sums(&Sums::default())).unwrap();
    engine
}

/// Steps with each option are the reference's; dropout's masks are, too, and evaluation knows no dropout.
pub fn equal_the_reference<E: Engine>(make: impl Fn(&MlpSpec, StepOptions) -> E) {
    // Rounding to f32 differs by a few ε a step and grows from step to step. Adam divides small gradients by their own
    // size, so that what is rounded in them counts for more.
    let tolerance = Tolerance { atol: 5e-5, rtol: 5e-4 };
    let make = async |spec: &MlpSpec, options| Ok(make(spec, options));
    let cases = cases();
    let everything = cases.iter().filter(|case| case.name == "everything");
    let others = everything.flat_map(|case| ALL_SIZES[1..].iter().map(move |sizes| (case, sizes)));
    for (case, sizes) in cases.iter().map(|case| (case, &ALL_SIZES[0])).chain(others) {
        let row = block_on(check_case(case, sizes, 20, tolerance, &make)).unwrap();
        assert!(row.ok, "{}, {sizes:?}: {row:#?}", case.name);
    }
}

/// A run that is cut and goes on in another engine ends with the same bits, whatever the options.
pub fn resume<E: Engine>(make: impl Fn(&MlpSpec, StepOptions) -> E) {
    for case in cases() {
        let spec = MlpSpec::new(SIZES.to_vec()).unwrap().with_activation(&case.activation);
        let order = order(24);
        let mut straight = fresh(&make, &spec, &case);
        train(&mut straight, &order);
        let mut first = fresh(&make, &spec, &case);
        train(&mut first, &order[..9 * BATCH]);
        let mut second = fresh(&make, &spec, &case);
        block_on(async {
            let (parameters, state) =
                (first.parameters().await.unwrap(), first.optimizer_state().await.unwrap());
            second.set_parameters(&parameters, Some(&state)).await.unwrap();
            second.set_sums(&first.sums().await.unwrap()).await.unwrap();
            train(&mut second, &order[9 * BATCH..]);
            let name = case.name;
            assert!(second.parameters().await.unwrap() == straight.parameters().await.unwrap(), "{name}");
            let states = (second.optimizer_state().await.unwrap(), straight.optimizer_state().await.unwrap());
            assert!(states.0 == states.1, "{name}: moments");
            assert_eq!(second.sums().await.unwrap(), straight.sums().await.unwrap(), "{name}: sums");
        });
    }
}

/// What one optimiser remembers is nothing that another can go on with.
pub fn moments_of_another_optimiser_are_refused<E: Engine>(make: impl Fn(&MlpSpec, StepOptions) -> E) {
    let (cases, spec) = (cases(), MlpSpec::new(ALL_SIZES[1].to_vec()).unwrap());
    let find = |name| cases.iter().find(|case| case.name == name).unwrap();
    let state = block_on(fresh(&make, &spec, find("nesterov")).optimizer_state()).unwrap();
    let mut adam = fresh(&make, &spec, find("adam"));
    let error = block_on(adam.set_parameters(&Parameters::initial(&spec, 5), Some(&state))).unwrap_err();
    assert!(error.to_string().contains("moments of the optimiser: expected shape 2, got 1"), "{error}");
}

/// What parameters and velocities may be off by where the step is fused into the product that makes the gradient.
///
/// Both make the same sums g in the same order. Of what follows from them, the exact values of a step are
///
/// ```text
/// g' = g + d w        v' = μ v + g'        w' = w - lr v'
/// ```
///
/// and each product and each sum is rounded once, or not at all where a compiler has fused them, by u = ε/2 of its
/// result. So v' lies within e = u (d |w| + |g'| + μ |v| + |v'|) of the exact one, and w' within lr e + u (lr |v'| + |w'|);
/// terms in u² are below a tenth of that. Two such values are apart by twice that, and a little more for the tenth.
fn apart(sgd: Sgd, w: f32, v: f32, g: f32) -> [f64; 2] {
    let u = f64::from(f32::EPSILON) / 2.0;
    let [lr, momentum, decay] = [sgd.lr, sgd.momentum, sgd.weight_decay].map(f64::from);
    let [w, v, g] = [w, v, g].map(f64::from);
    let along = g + decay * w;
    let next = momentum * v + along;
    let of_v = u * (decay * w.abs() + along.abs() + momentum * v.abs() + next.abs());
    let of_w = lr * of_v + u * (lr * next.abs() + (w - lr * next).abs());
    [of_w, of_v].map(|off| 2.2 * off)
}

/// A gradient that leaves the step and comes back gives the step that the whole would have been, from the same state,
/// with every option: to the bit, or where `is_fused` says so within what the derivation of [`apart`] allows. Loss and hits
/// are added up to the same bits.
pub fn halves_are_a_step<E: Engine>(
    make: impl Fn(&MlpSpec, StepOptions) -> E,
    is_fused: impl Fn(&StepOptions) -> bool,
) {
    for case in cases() {
        let spec =
            MlpSpec::new(SIZES.to_vec()).unwrap().with_activation(&case.activation).with_loss(case.loss);
        let (mut whole, mut halves) = (fresh(&make, &spec, &case), fresh(&make, &spec, &case));
        for (number, batch) in (0..).zip(order(20).chunks(BATCH)) {
            let name = format!("{}, step {number}", case.name);
            block_on(async {
                let (w, before) = (whole.parameters().await.unwrap(), whole.optimizer_state().await.unwrap());
                halves.set_parameters(&w, Some(&before)).await.unwrap();
                assert_eq!(whole.train(batch).await.unwrap(), batch.len());
                let g = halves.gradients(batch).await.unwrap();
                assert!(halves.parameters().await.unwrap() == w, "{name}: a gradient moves nothing");
                assert!(halves.optimizer_state().await.unwrap() == before, "{name}: nor any moment");
                halves.advance(&g).await.unwrap();
                let got = (halves.parameters().await.unwrap(), halves.optimizer_state().await.unwrap());
                let want = (whole.parameters().await.unwrap(), whole.optimizer_state().await.unwrap());
                assert_eq!(got.1.steps, want.1.steps, "{name}");
                assert!(want.0 != w, "{name}: a step moves something");
                let Some(sgd) = case.options.fused(number).filter(|_| is_fused(&case.options)) else {
                    assert!(got == want, "{name}: not the same bits");
                    return;
                };
                let still = Parameters::zeros(&spec);
                let v = before.moments.first().unwrap_or(&still);
                let allowed = |index: usize| {
                    move |i: usize, (w, v, g): (&[f32], &[f32], &[f32])| apart(sgd, w[i], v[i], g[i])[index]
                };
                let from = (&w, v, &g);
                near(&name, &got.0, &want.0, from, allowed(0));
                for (got, want) in got.1.moments.iter().zip(&want.1.moments) {
                    near(&format!("{name}, velocity"), got, want, from, allowed(1));
                }
            });
        }
        let sums = [block_on(whole.sums()).unwrap(), block_on(halves.sums()).unwrap()];
        assert_eq!(sums[0], sums[1], "{}: sums", case.name);
    }
}

/// Parameters that lie within what follows from weights, velocities and gradients before the step.
fn near(
    what: &str,
    got: &Parameters,
    want: &Parameters,
    (w, v, g): (&Parameters, &Parameters, &Parameters),
    allowed: impl Fn(usize, (&[f32], &[f32], &[f32])) -> f64,
) {
    let tensors = |all: &Parameters| -> Vec<Vec<f32>> {
        let of = |layer: &Dense| [layer.w.data().to_vec(), layer.b.data().to_vec()];
        all.layers.iter().flat_map(of).collect()
    };
    let before = [w, v, g].map(tensors);
    for (index, (got, want)) in tensors(got).iter().zip(tensors(want)).enumerate() {
        let want: Vec<f64> = want.into_iter().map(f64::from).collect();
        let [w, v, g] = [&before[0][index], &before[1][index], &before[2][index]];
        compare::within(got, &want, |i| allowed(i, (w, v, g)))
            .unwrap_or_else(|mismatch| panic!("{what}: tensor {index}: {mismatch}"));
    }
}

/// The gradient of a batch is the mean of its parts' gradients, each times its samples: what several processes share out
/// and add up. Each of the three is a sum of at most N products, and so off by N ε of the sum S of their magnitudes, which
/// the gradients of single samples tell; the mean itself and what was rounded on the way to its factors take no more than
/// as much again.
pub fn parts_add_up<E: Engine>(make: impl Fn(&MlpSpec, StepOptions) -> E) {
    for case in cases().into_iter().filter(|case| !case.options.dropout.is_on()) {
        let spec =
            MlpSpec::new(SIZES.to_vec()).unwrap().with_activation(&case.activation).with_loss(case.loss);
        let mut engine = fresh(&make, &spec, &case);
        let batch = &order(2)[..BATCH];
        let mut gradient = |samples: &[u32]| block_on(engine.gradients(samples)).unwrap();
        let flat = |gradient: &Parameters| -> Vec<f64> {
            let values = |layer: &Dense| [layer.w.data().to_vec(), layer.b.data().to_vec()].concat();
            gradient.layers.iter().flat_map(values).map(f64::from).collect()
        };
        let whole = flat(&gradient(batch));
        let mut mean = vec![0.0; whole.len()];
        for part in [&batch[..5], &batch[5..]] {
            let share = part.len() as f64 / BATCH as f64;
            mean.iter_mut().zip(flat(&gradient(part))).for_each(|(sum, g)| *sum += share * g);
        }
        let mut magnitude = vec![0.0; whole.len()];
        for sample in batch {
            let alone = flat(&gradient(&[*sample]));
            magnitude.iter_mut().zip(alone).for_each(|(sum, g)| *sum += g.abs() / BATCH as f64);
        }
        let largest = magnitude.iter().fold(0.0, |most: f64, &s| most.max(s));
        for (i, (got, want)) in mean.iter().zip(&whole).enumerate() {
            // Errors of what is below and above a layer are relative to the largest there.
            let allowed = 6.0 * BATCH as f64 * f64::from(f32::EPSILON) * (magnitude[i] + 0.1 * largest);
            assert!((got - want).abs() <= allowed, "{}: {i}: {got} is not {want} ± {allowed}", case.name);
        }
    }
}

/// What is no batch, and what is no gradient of the network, is refused, and nothing has moved.
pub fn halves_refuse_what_does_not_fit<E: Engine>(make: impl Fn(&MlpSpec, StepOptions) -> E) {
    let (cases, spec) = (cases(), MlpSpec::new(ALL_SIZES[1].to_vec()).unwrap());
    let mut engine = fresh(&make, &spec, &cases[0]);
    let too_many: Vec<u32> = (0..=BATCH as u32).collect();
    for samples in [&[][..], &too_many] {
        let error = block_on(engine.gradients(samples)).unwrap_err();
        assert!(error.to_string().contains("expected 1 to 13"), "{error}");
    }
    let other = Parameters::zeros(&MlpSpec::new(vec![16, 31, 10]).unwrap());
    assert!(matches!(block_on(engine.advance(&other)), Err(Error::Shape { .. })));
    assert_eq!(block_on(engine.optimizer_state()).unwrap().steps, 0);
    assert_eq!(block_on(engine.parameters()).unwrap(), Parameters::initial(&spec, 5));
    // A step needs no samples if its gradient comes from elsewhere.
    let mut bare = make(&spec, cases[0].options);
    block_on(bare.advance(&Parameters::initial(&spec, 5))).unwrap();
    assert_ne!(block_on(bare.parameters()).unwrap(), Parameters::zeros(&spec));
    assert!(block_on(bare.gradients(&[0])).unwrap_err().to_string().contains("no training samples"));
}
