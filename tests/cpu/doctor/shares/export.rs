//! The file of a spoilt network.

use super::spoilt::Style;
use gpu_mlp::doctor::file::case::Case;
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::file::slot::Param;
use gpu_mlp::doctor::formulas::steps::Numbers;
use gpu_mlp::reference::Matrix;

/// The file of a case, in its style.
pub fn entries(style: &Style, case: &Case, numbers: &Numbers) -> Entries {
    let round = |&v: &f64| if style.single { f64::from(v as f32) } else { v };
    let kind = if style.single { Kind::F32 } else { Kind::F64 };
    let array = |m: &Matrix, direct: bool| {
        let m = if direct { m.clone() } else { m.transposed() };
        Value::Numbers(Array { shape: m.shape().to_vec(), data: m.data().iter().map(round).collect(), kind })
    };
    let rows = style.layout.rows;
    let mut out: Entries = case
        .given
        .iter()
        .map(|(slot, value)| {
            let weight = matches!(slot.param(), Some(Param::W(_)));
            (slot.to_string(), array(value, if weight { style.layout.in_out } else { rows }))
        })
        .collect();
    out.insert("X".into(), array(&case.x, rows));
    let labels = Matrix::from_fn(1, case.n, |_, r| case.labels[r] as f64);
    out.insert(
        "y".into(),
        if style.labels && case.one_hot { array(&labels, true) } else { array(&case.y, rows) },
    );
    out.insert("act".into(), Value::Text(style.act.name().to_owned()));
    for (name, number) in numbers {
        out.insert((*name).to_owned(), array(&Matrix::from_fn(1, 1, |_, _| *number), true));
    }
    out
}
