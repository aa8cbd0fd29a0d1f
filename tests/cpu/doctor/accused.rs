//! Right networks of kinds that are easily taken for wrong ones, each as a family: clean, whatever else varies.

use super::innocent::network::file;
use super::innocent::style::{Biases, Clip, Digits, Dropout, Habit, Names, Rule, Style, Weights};
use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::formulas::bend::Gelu;
use gpu_mlp::doctor::formulas::design::{Design, Head, Measure};
use gpu_mlp::doctor::npy::{Array, Value};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;

/// Networks of each family.
const EACH: u64 = 40;

/// A whole file of a right network, plain but for what `change` makes of it.
fn clean(change: impl Fn(&mut Style)) {
    for seed in 0..EACH {
        let mut style = Style::plain(seed);
        change(&mut style);
        let report = doctor::examine(&file(seed, &style), &Options::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Clean, "seed {seed}, {style:?}: {:#?}", report.findings);
    }
}

fn design(style: &mut Style, head: Head, measure: Measure) {
    style.design = Design { head, measure, factor: 1.0 };
}

#[test]
fn sigmoid_outputs_with_squared_error() {
    clean(|style| design(style, Head::Of(Activation::Sigmoid), Measure::Squared));
}

#[test]
fn one_sigmoid_output() {
    for measure in [Measure::Squared, Measure::Binary] {
        clean(|style| {
            design(style, Head::Of(Activation::Sigmoid), measure);
            *style.sizes.last_mut().unwrap() = 1;
        });
    }
}

#[test]
fn several_sigmoids_with_binary_cross_entropy() {
    clean(|style| design(style, Head::Of(Activation::Sigmoid), Measure::Binary));
}

#[test]
fn a_summed_loss_with_its_penalty() {
    let designs = [
        (Head::Of(Activation::Sigmoid), Measure::Squared),
        (Head::Of(Activation::Tanh), Measure::Squared),
        (Head::Of(Activation::Identity), Measure::Absolute),
        (Head::Of(Activation::Sigmoid), Measure::Binary),
    ];
    for (seed, (head, measure)) in (0..EACH).flat_map(|seed| designs.map(|of| (seed, of))) {
        let mut style = Style::plain(seed);
        design(&mut style, head, measure);
        (style.habits, style.mean, style.loss) = (vec![Habit::HiddenDecay], 3, 1.0);
        let mut entries = file(seed, &style);
        let weights = |name: &str| name.len() == 2 && name.starts_with('W');
        let squares: f64 = entries
            .iter()
            .filter(|(name, _)| weights(name))
            .flat_map(|(_, value)| &numbers(value).data)
            .map(|w| w * w)
            .sum();
        let Some(Value::Numbers(loss)) = entries.get_mut("loss") else { panic!("a loss") };
        loss.data[0] += 0.01 * squares;
        let kind = loss.kind;
        if seed % 2 == 0 {
            entries.insert("l2".into(), Value::Numbers(Array { shape: Vec::new(), data: vec![0.02], kind }));
        }
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Clean, "seed {seed}, {style:?}: {:#?}", report.findings);
    }
}

fn numbers(value: &Value) -> &Array {
    match value {
        Value::Numbers(array) => array,
        other => panic!("{other:?}"),
    }
}

#[test]
fn biases_that_do_not_move_depend_on_what_was_meant() {
    for seed in 0..EACH {
        let mut style = Style::plain(seed);
        style.biases = Biases::Plain;
        let mut entries = file(seed, &style);
        entries.retain(|name, _| !name.starts_with("db"));
        let new: Vec<String> =
            entries.keys().filter(|name| name.starts_with('b') && name.ends_with("_new")).cloned().collect();
        for name in new {
            let before = entries[name.trim_end_matches("_new")].clone();
            entries.insert(name, before);
        }
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Depends, "seed {seed}, {style:?}: {:#?}", report.findings);
    }
}

#[test]
fn numbers_as_targets() {
    clean(|style| design(style, Head::Of(Activation::Identity), Measure::Squared));
}

#[test]
fn another_activation_in_every_layer() {
    clean(|style| {
        style.sizes = vec![6, 5, 7, 4];
        style.acts = vec![Activation::Relu, Activation::Tanh];
    });
}

#[test]
fn softplus_whose_derivative_is_the_sigmoid() {
    clean(|style| style.acts.fill(Activation::Softplus));
}

#[test]
fn a_summed_loss_and_a_step_along_the_mean() {
    clean(|style| (style.mean, style.loss) = (2, 1.0));
}

#[test]
fn softmax_of_an_activation() {
    for inner in [Activation::Tanh, Activation::Sigmoid] {
        clean(|style| design(style, Head::SoftmaxOf(inner), Measure::CrossEntropy));
    }
}

#[test]
fn weights_saved_after_the_step() {
    let nothing: [&[&str]; 5] =
        [&[], &["dW", "db", "lr"], &["z", "da"], &["z", "dW", "db", "lr"], &["dz", "dW", "db", "lr"]];
    for lost in nothing {
        clean(|style| (style.habits, style.lost) = (vec![Habit::SavedAfterStep], lost.to_vec()));
    }
}

#[test]
fn a_penalty_that_the_file_does_not_tell_of() {
    clean(|style| style.habits = vec![Habit::HiddenDecay]);
}

#[test]
fn a_scheduled_learning_rate() {
    clean(|style| style.habits = vec![Habit::ScheduledRate]);
}

#[test]
fn inputs_saved_before_they_were_scaled() {
    clean(|style| style.habits = vec![Habit::RawInputs]);
}

#[test]
fn dz_under_the_name_of_da() {
    clean(|style| style.habits = vec![Habit::DaIsDz]);
}

#[test]
fn losses_of_many_steps() {
    clean(|style| style.habits = vec![Habit::LossHistory]);
}

#[test]
fn no_biases_or_one_for_all_units() {
    for biases in [Biases::Absent, Biases::OneForAll, Biases::Forgotten] {
        clean(|style| style.biases = biases);
    }
}

#[test]
fn leaky_relu_with_a_slope_of_its_own() {
    for (slope, lost) in [(0.2, &[][..]), (0.1, &["a"]), (0.3, &["a", "z2", "z3"])] {
        clean(|style| {
            style.acts.fill(Activation::LeakyRelu);
            (style.slope, style.lost) = (slope, lost.to_vec());
        });
    }
}

#[test]
fn biases_as_a_row_of_the_weights() {
    for biases in [Biases::LastRow, Biases::FirstRow, Biases::HiddenOnes, Biases::Unit] {
        for habits in [vec![], vec![Habit::SavedAfterStep]] {
            clean(|style| (style.biases, style.habits) = (biases, habits.clone()));
        }
    }
}

#[test]
fn the_input_counted_as_layer_1() {
    clean(|style| style.names = Names::InputFirst);
    clean(|style| {
        // Layers of one width: only the numbers tell what is counted from where.
        style.sizes.fill(4);
        style.names = Names::InputFirst;
    });
}

#[test]
fn arrays_counted_from_0() {
    clean(|style| (style.names, style.biases) = (Names::FromZero, Biases::Absent));
    let after = &["dW", "z", "lr", "loss"];
    clean(|style| {
        (style.names, style.biases) = (Names::FromZero, Biases::Absent);
        style.habits = vec![Habit::SavedAfterStep];
        style.lost = after.to_vec();
    });
}

#[test]
fn classes_or_samples_with_weights() {
    for weights in [Weights::Class, Weights::Sample] {
        clean(|style| style.weights = weights);
    }
    clean(|style| {
        design(style, Head::Of(Activation::Sigmoid), Measure::Squared);
        *style.sizes.last_mut().unwrap() = 1;
        style.weights = Weights::Class;
    });
}

#[test]
fn clipped_gradients() {
    for clip in [Clip::Norm, Clip::Value] {
        clean(|style| style.clip = clip);
    }
}

#[test]
fn masks_without_a_rate() {
    for dropout in [Dropout::Said, Dropout::Unsaid, Dropout::Unscaled, Dropout::Scaled] {
        clean(|style| style.dropout = dropout);
    }
}

#[test]
fn steps_of_every_optimiser() {
    let rules =
        [Rule::Momentum, Rule::Nesterov, Rule::RmsProp, Rule::Adagrad, Rule::Adam, Rule::AdamW, Rule::Rprop];
    for rule in rules {
        for lost in [&[][..], &["before"]] {
            clean(|style| {
                (style.rule, style.lost, style.ascent) = (rule, lost.to_vec(), false);
            });
        }
    }
}

#[test]
fn forms_of_a_gelu() {
    for gelu in [Gelu::Tanh, Gelu::Sigmoid] {
        clean(|style| {
            style.acts.fill(Activation::Gelu);
            style.gelu = gelu;
        });
    }
}

#[test]
fn a_huber_loss_with_any_border() {
    for delta in [1.0, 0.5, 1.35, 0.27] {
        clean(|style| {
            design(style, Head::Of(Activation::Identity), Measure::Huber(delta));
            style.acts.fill(Activation::LeakyRelu);
        });
    }
}

#[test]
fn numbers_of_few_digits() {
    for digits in [
        Digits::Significant(6),
        Digits::Significant(8),
        Digits::Decimals(6),
        Digits::Decimals(8),
        Digits::OfSingle,
    ] {
        clean(|style| (style.single, style.digits) = (false, digits));
    }
}

#[test]
fn gradients_clipped_to_a_norm_without_any_dz() {
    clean(|style| {
        style.clip = Clip::Norm;
        style.lost = vec!["dz", "da", "z"];
    });
}
