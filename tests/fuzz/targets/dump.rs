//! Arrays of somebody's own step, as the doctor and `trace --compare` read them.

use std::io::Cursor;

use gpu_mlp::doctor::{self, comparison, trace};

use super::run::network;
use super::target;
use crate::archive;
use crate::driver::Target;

/// Read, compared with the right values, and examined.
pub fn dump() -> Target {
    let (spec, parameters) = network();
    let x = gpu_mlp::Tensor::new([2, 3], vec![0.5, -1.0, 2.0, 0.25, 1.5, -0.5]).unwrap();
    let step = trace::entries(&parameters.in_f64(spec.activation()), &x, &[0, 1], 0.1);
    let mut bytes = Cursor::new(Vec::new());
    let entries = step.iter().map(|(name, value)| (name.as_str(), doctor::npy::render(value)));
    gpu_mlp::numpy::npz::write(&mut bytes, entries).unwrap();
    let read = |input: &[u8]| {
        let words = |(problem, hint): gpu_mlp::doctor::Refusal| format!("{problem}\n  hint: {hint}");
        let entries = doctor::npz::read_from(Cursor::new(input)).map_err(words)?;
        let compared = comparison::compare(&entries, None).map_err(words);
        let report = doctor::examine(&entries, &doctor::Options::default()).map_err(words)?;
        assert!(
            !report.checked.is_empty()
                || !report.findings.is_empty()
                || compared.is_err()
                || !report.notes.is_empty()
        );
        compared.map(drop)
    };
    target("dump", vec![bytes.into_inner()], archive::mutate, Box::new(read))
}
