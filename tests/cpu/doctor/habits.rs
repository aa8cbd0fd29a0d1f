//! What people leave in their files, and call it: the optimiser's states before and after, weights after the step of one
//! sample, a layer whose sum and output have alike names, lists that begin with nothing.

use super::innocent::network::file;
use super::innocent::style::{Biases, Rule, Style};
use super::roles::{after_the_step, clean};
use super::sigmoids::{Lying, called, drawn, numbers, read, squeezed, times, ways};
use gpu_mlp::doctor::exam::report::Status;
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::file::slot::{Param, Slot};
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::reference::Matrix;

/// `mW1_prev, mW1` under the names that people give: `m_W1, m_W1_new`, `cache_W1, cache_W1_new`, …
fn of_states(rule: Rule, ours: &str) -> String {
    let (stem, before) = ours.strip_suffix("_prev").map_or((ours, false), |stem| (stem, true));
    let Some(parameter) = stem.strip_prefix(['m', 's', 'v']).filter(|rest| rest.starts_with(['W', 'b']))
    else {
        return ours.to_owned();
    };
    let word = match (rule, stem.starts_with('m')) {
        (Rule::Adam, true) => "m_",
        (Rule::Adam, false) => "v_",
        (Rule::RmsProp, _) => "cache_",
        (Rule::Adagrad, _) => "G_",
        _ => "v",
    };
    format!("{word}{parameter}{}", if before { "" } else { "_new" })
}

#[test]
fn states_of_optimisers_have_the_names_that_people_give() {
    for seed in 0..60 {
        let rule = [Rule::Momentum, Rule::RmsProp, Rule::Adagrad, Rule::Adam][seed as usize % 4];
        let style = Style { rule, ascent: false, biases: Biases::Plain, ..Style::plain(seed) };
        let ours = file(seed, &style);
        let theirs: Entries =
            ours.iter().map(|(name, value)| (of_states(rule, name), value.clone())).collect();
        let told = format!("seed {seed} {rule:?} {:?}", theirs.keys());
        let report = clean(&theirs, &told);
        let state = if rule == Rule::Momentum { Slot::V } else { Slot::S };
        for slot in [state(Param::W(1)), Slot::New(Param::W(1))] {
            let status = report.checked.iter().find(|c| c.tensor == slot).map(|c| c.status);
            assert_eq!(status, Some(Status::Ok), "{slot} of {told}: {:?} {:?}", report.map, report.notes);
        }
    }
}

/// Squares that are overwritten, and an average whose two weights are exchanged, are no right optimiser's.
#[test]
fn squares_that_are_not_gathered_are_seen() {
    for seed in 0..12 {
        let style = Style { rule: Rule::RmsProp, ascent: false, biases: Biases::Plain, ..Style::plain(seed) };
        let ours = file(seed, &style);
        let squares = numbers(&ours["dW1"]).data.iter().map(|g| g * g);
        let before = &numbers(&ours["sW1_prev"]).data;
        let lost: Vec<f64> = squares.clone().collect();
        let exchanged: Vec<f64> = squares.zip(before).map(|(square, s)| 0.1 * s + 0.9 * square).collect();
        let spoilt = |data: &[f64]| {
            let mut file = ours.clone();
            let array = Array { data: data.to_vec(), ..numbers(&ours["sW1"]).clone() };
            file.insert("sW1".into(), Value::Numbers(array));
            let rho = Array { shape: Vec::new(), data: vec![0.9], kind: Kind::F64 };
            file.insert("rho".into(), Value::Numbers(rho));
            read(&file)
        };
        for (data, says) in [(lost, "is lost"), (exchanged, "the wrong way round")] {
            let report = spoilt(&data);
            assert_eq!(report.first_mismatch.as_deref(), Some("sW1"), "seed {seed}: {:?}", report.checked);
            assert!(report.findings[0].formula.contains(says), "seed {seed}: {:?}", report.findings);
        }
    }
}

/// Of one sample the steps of W and b look alike; a file without b has no step of b.
#[test]
fn weights_of_one_sample_may_be_those_after_the_step() {
    for lying in ways() {
        for (sizes, biased) in [(vec![6, 5, 4], false), (vec![6, 5, 4], true), (vec![9, 7, 5, 4], true)] {
            let (mut network, x, y) = drawn(51, 1, &sizes);
            if !biased {
                network.layers.iter_mut().for_each(|(_, b)| *b = Matrix::zeros(b.shape()));
            }
            let mut file = network.step(&x, &y, lying, false).0;
            after_the_step(&mut file);
            file.retain(|name, _| !name.starts_with("dW") && !name.starts_with("db") && name != "lr");
            if !biased {
                file.retain(|name, _| !name.starts_with('b'));
            }
            let told = format!("{sizes:?} {lying:?} biased {biased}");
            for file in [file.clone(), squeezed(&file)] {
                let report = clean(&file, &told);
                let said = report.notes.iter().any(|note| note.contains("those after the step"));
                assert!(said, "{told}: {:?}", report.notes);
            }
        }
    }
}

/// `a = x·w + b` and `out = relu(a)`, with `da` and `dout`: numbers tell which is the sum.
#[test]
fn a_layers_sum_may_be_called_as_its_output() {
    for lying in ways() {
        let (network, x, upper) = drawn(61, 11, &[6, 5]);
        let (w, b) = &network.layers[0];
        let product = gpu_mlp::reference::matmul(&x, w);
        let z = Matrix::from_fn(11, 5, |r, c| product.at(r, c) + b.at(0, c));
        let dz = times(&upper, &z.map(|z| f64::from(u8::from(z > 0.0))));
        let sums = Matrix::from_fn(1, 5, |_, c| (0..11).map(|r| dz.at(r, c)).sum());
        let samples = [
            ("x", x.clone()),
            ("a", z.clone()),
            ("out", z.map(|z| z.max(0.0))),
            ("dout", upper.clone()),
            ("da", dz.clone()),
            ("dx", gpu_mlp::reference::matmul(&dz, &w.transposed())),
            ("b", b.clone()),
            ("db", sums),
        ];
        let weights = [("w", w.clone()), ("dw", gpu_mlp::reference::matmul(&x.transposed(), &dz))];
        let lie = |all: &[(&str, Matrix)], direct: bool| -> Vec<(String, Value)> {
            let own =
                |(name, m): &(&str, Matrix)| ((*name).to_owned(), super::array(m, direct, lying.single));
            all.iter().map(own).collect()
        };
        let file: Entries =
            lie(&samples, lying.rows).into_iter().chain(lie(&weights, lying.in_out)).collect();
        let report = clean(&file, &format!("{lying:?}"));
        let ok = report.checked.iter().filter(|c| c.status == Status::Ok && c.name.is_some()).count();
        assert!(ok >= 5, "{lying:?}: {:?}", report.checked);
        let mut wrong = file.clone();
        wrong.insert("da".into(), super::array(&upper, lying.rows, lying.single));
        let report = read(&wrong);
        assert!(report.names(Bug::ActivationDerivativeMissing), "{lying:?}: {:?}", report.findings);
    }
}

/// `errors` and that times f' are da and dz, though `errors` did not come from the weights of the file.
#[test]
fn an_error_and_its_bent_form_are_da_and_dz() {
    let lying = Lying { rows: true, in_out: true, single: false };
    for n in [5, 9] {
        let (network, x, y) = drawn(71, n, &[6, 5, 4]);
        let mut file = network.step(&x, &y, lying, false).0;
        let (a, back) = (numbers(&file["a1"]).clone(), numbers(&file["da1"]).clone());
        let strange: Vec<f64> =
            back.data.iter().enumerate().map(|(i, v)| v + 0.1 * (i as f64).sin()).collect();
        let bent = strange.iter().zip(&a.data).map(|(e, a)| e * a * (1.0 - a)).collect();
        file.retain(|name, _| {
            !name.ends_with("_new") && !["da1", "dz1", "dW1", "db1", "lr"].contains(&name.as_str())
        });
        file.insert("hidden_errors".into(), Value::Numbers(Array { data: strange, ..back.clone() }));
        file.insert("hidden_grad".into(), Value::Numbers(Array { data: bent, ..back }));
        let report = read(&file);
        assert_eq!(report.first_mismatch.as_deref(), Some("da1"), "{:?} {:?}", report.map, report.findings);
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    }
}

/// `input`, `output` and the deltas of a network for XOR: the outputs are what it shall say.
#[test]
fn the_output_of_a_table_is_its_target() {
    for lying in ways().filter(|lying| !lying.single) {
        let (network, x, y) = drawn(81, 4, &[2, 6, 1]);
        let y = y.map(|y| f64::from(u8::from(y > 0.5)));
        let file = network.step(&x, &y, lying, false).0;
        let names = [
            ("X", "input"),
            ("y", "output"),
            ("W1", "w0"),
            ("W2", "w1"),
            ("b1", "b0"),
            ("b2", "b1"),
            ("a1", "l1"),
            ("p", "l2"),
            ("dz1", "l1_delta"),
            ("dz2", "l2_delta"),
        ];
        let report = clean(&called(&file, &names), &format!("{lying:?}"));
        assert!(report.map.contains(&"output=y".to_owned()), "{:?}", report.map);
    }
}

/// The parts of an autoencoder by their names, without an error from its inputs.
#[test]
fn an_autoencoder_is_known_by_its_parts() {
    for lying in ways() {
        let (network, x, _) = drawn(91, 11, &[6, 3, 6]);
        let file = network.step(&x, &x, lying, false).0;
        let names = [
            ("X", "X"),
            ("W1", "W_enc"),
            ("W2", "W_dec"),
            ("b1", "b_enc"),
            ("b2", "b_dec"),
            ("a1", "code"),
            ("p", "X_hat"),
            ("dW1", "dW_enc"),
            ("dW2", "dW_dec"),
        ];
        let report = clean(&called(&file, &names), &format!("{lying:?}"));
        assert!(report.map.contains(&"X=y".to_owned()), "{:?}", report.map);
    }
}

/// Lists that count from the input begin with an empty one; a history may have no entry yet.
#[test]
fn arrays_without_values_are_left_out() {
    let lying = Lying { rows: true, in_out: true, single: false };
    let (network, x, y) = drawn(95, 7, &[6, 5, 4]);
    let mut file = network.step(&x, &y, lying, false).0;
    let none = || Value::Numbers(Array { shape: vec![0], data: Vec::new(), kind: Kind::F64 });
    file.insert("losses".into(), none());
    file.insert("W0".into(), none());
    let report = clean(&file, "empty arrays");
    let said = "`W0`, `losses` left out: no values in them".to_owned();
    assert!(report.notes.contains(&said), "{:?}", report.notes);
}

/// Weights from before the step, and biases from after it.
#[test]
fn biases_alone_may_be_those_after_the_step() {
    for lying in ways() {
        for shows_z in [true, false] {
            let (network, x, y) = drawn(97, 11, &[6, 5, 4]);
            let mut file = network.step(&x, &y, lying, false).0;
            for name in ["b1", "b2"] {
                let new = file.remove(&format!("{name}_new")).unwrap();
                file.insert(name.into(), new);
            }
            file.retain(|name, _| name != "lr" && (shows_z || !name.starts_with('z')));
            clean(&file, &format!("{lying:?} with z {shows_z}"));
        }
    }
}

/// Labels that count as 0.9 and 0.1 shared out, in the gradient and in the loss; both forms of the targets in the file.
#[test]
fn smoothed_labels_are_a_convention() {
    for seed in 0..20 {
        let style = Style { labels: false, ..Style::plain(seed) };
        let mut file = file(seed, &style);
        file.retain(|name, _| {
            ["X", "y", "p", "z1"].contains(&name.as_str()) || name.starts_with(['W', 'b', 'a', 'z'])
        });
        let (p, y) = (numbers(&file["p"]).clone(), numbers(&file["y"]).clone());
        let smooth = |y: f64| 0.9 * y + 0.1 / 4.0;
        let dz: Vec<f64> = p.data.iter().zip(&y.data).map(|(p, y)| (p - smooth(*y)) / 37.0).collect();
        let loss = p.data.iter().zip(&y.data).map(|(p, y)| -smooth(*y) * p.ln()).sum::<f64>() / 37.0;
        let last = style.sizes.len() - 1;
        file.retain(|name, _| !name.ends_with("_new"));
        file.insert(format!("dz{last}"), Value::Numbers(Array { data: dz, ..p }));
        file.insert(
            "loss".into(),
            Value::Numbers(Array { shape: Vec::new(), data: vec![loss], kind: Kind::F64 }),
        );
        let slack = Array { data: y.data.iter().map(|y| smooth(*y)).collect(), ..y };
        file.insert("y_smooth".into(), Value::Numbers(slack));
        let report = clean(&file, &format!("seed {seed}"));
        assert!(report.notes.iter().any(|note| note.contains("label smoothing")), "{:?}", report.notes);
    }
}

/// Adam's moments say what W was before the step.
#[test]
fn moments_lead_back_to_the_weights_before_the_step() {
    for seed in 0..16 {
        let style = Style { rule: Rule::Adam, ascent: false, biases: Biases::Plain, ..Style::plain(seed) };
        let mut file = file(seed, &style);
        file.retain(|name, _| !name.ends_with("_prev") && !name.starts_with("adam") && name != "lr");
        after_the_step(&mut file);
        let report = clean(&file, &format!("seed {seed} {:?}", file.keys()));
        assert!(
            report.notes.iter().any(|note| note.contains("m/(√s + ε)")),
            "seed {seed}: {:?}",
            report.notes
        );
    }
}
