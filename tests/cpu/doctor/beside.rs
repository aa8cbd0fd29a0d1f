//! The right numbers beside the wrong ones: put in their place, nothing is wrong there any more.

use gpu_mlp::doctor::exam::report::Status;
use gpu_mlp::doctor::file::npz;
use gpu_mlp::doctor::npy::Value;
use gpu_mlp::doctor::{self, Options};

use super::fixtures::cases;

#[test]
fn the_question_is_right_with_the_right_numbers() {
    let mut entries = npz::read(std::path::Path::new("docs/question.npz")).unwrap();
    let mut seen = Vec::new();
    // Each tensor is computed from those before it as they are, so that they are mended one after another.
    for _ in 0..20 {
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        let Some(first) = report.beside.first() else { break };
        let Some(Value::Numbers(array)) = entries.get_mut(&first.tensor.to_string()) else {
            panic!("{} is not in the file", first.tensor)
        };
        // One number for all units stands for as many.
        assert!(first.given.data().starts_with(&array.data), "{}", first.tensor);
        array.data = first.right.data().to_vec();
        if array.shape.iter().product::<usize>() != array.data.len() {
            array.shape = vec![array.data.len()];
        }
        seen.push(first.tensor.to_string());
    }
    assert!(seen.len() >= 3, "{seen:?}");
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(report.findings.is_empty(), "mended {seen:?}, and still: {:?}", report.findings);
}

#[test]
fn there_is_a_pair_for_wrong_tensors_alone_and_it_differs() {
    let mut pairs = 0;
    for case in cases("f64") {
        let Ok(report) = doctor::examine(&case.entries, &Options::default()) else { continue };
        for pair in &report.beside {
            let row = report.checked.iter().find(|checked| checked.tensor == pair.tensor).unwrap();
            assert_eq!(row.status, Status::Wrong, "{}: {}", case.name, pair.tensor);
            assert_ne!(pair.given.data(), pair.right.data(), "{}: {}", case.name, pair.tensor);
            pairs += 1;
        }
    }
    assert!(pairs > 50, "{pairs} pairs");
}
