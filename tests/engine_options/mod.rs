//! What every engine has to do with every training option, for the tests of both: take the reference's steps, leave
//! evaluation alone, and go on from a state as if nothing had happened.

use gpu_mlp::checks::selftest::steps::{self, BATCH, Case, SIZES, cases, check_case, order};
use gpu_mlp::engine::Engine;
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::reference::compare::Tolerance;
use gpu_mlp::step::StepOptions;
use gpu_mlp::step::metrics::Sums;
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
