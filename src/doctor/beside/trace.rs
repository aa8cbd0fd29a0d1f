//! The right value of everything the doctor knows, for a network, a batch and one plain step of gradient descent.
//!
//! The formulas are those of [`crate::reference`], in f64, with samples as rows; dq is the derivative of the mean
//! loss by q, so 1/N stands in dz_L and nowhere else.

use crate::doctor::file::npy::{Array, Kind, Value};
use crate::doctor::file::npz::Entries;
use crate::doctor::file::slot::{Param, Slot};
use crate::network::{Loss, Task};
use crate::reference::{self, Aim, Layer, Matrix, Mlp};

/// A tensor under the name that the doctor has for it.
pub type Named = (Slot, Matrix);

/// z, a, p, loss, accuracy, dz, da, dW, db and, with a learning rate, W_new and b_new, in computing order.
///
/// Shapes for N samples and layer l of `in` inputs and `out` outputs: z, a, dz, da `[N, out]`, p `[N, classes]`, loss
/// and accuracy `[1, 1]`, dW and W_new `[in, out]`, db and b_new `[1, out]`.
///
/// ```text
/// W_new = W - lr · dW          b_new = b - lr · db
/// ```
///
/// # Panics
/// If x `[N, in]` or the labels (each less than the number of classes) do not fit the network.
pub fn computed(mlp: &Mlp, x: &Matrix, labels: &[u32], lr: Option<f64>) -> Vec<Named> {
    computed_for(Loss::SoftmaxCrossEntropy, mlp, x, Aim::Classes(labels), lr)
}

/// The same for any loss: p is the softmax or the sigmoid, and of numbers there are neither p nor accuracy; the accuracy of
/// labels is the share of samples that are all right.
///
/// # Panics
/// If x or the targets do not fit the network or the loss.
pub fn computed_for(loss: Loss, mlp: &Mlp, x: &Matrix, aim: Aim<'_>, lr: Option<f64>) -> Vec<Named> {
    let forward = mlp.forward(x);
    let backward = mlp.backward_from(&forward, loss.gradient(forward.logits(), aim, 0.0), &[]);
    let depth = mlp.layers.len();
    let mut all = Vec::new();
    for (l, z) in (1..=depth).zip(&forward.z) {
        all.push((Slot::Z(l), z.clone()));
        all.extend(forward.a.get(l).map(|a| (Slot::A(l), a.clone())));
    }
    let (n, z) = (x.rows() as f64, forward.logits());
    let mean = loss.of_rows(z, aim, 0.0).iter().sum::<f64>() / n;
    let p = match loss.task() {
        Task::Classification => Some(reference::softmax(z)),
        Task::MultiLabel => Some(z.map(reference::sigmoid)),
        Task::Regression => None,
    };
    let hits = loss.hits(z, aim).into_iter().filter(|&hit| hit).count();
    all.extend(p.iter().map(|p| (Slot::P, p.clone())));
    all.push((Slot::Loss, scalar(mean)));
    all.extend(p.map(|_| (Slot::Accuracy, scalar(hits as f64 / n))));
    for l in (1..=depth).rev() {
        if let Some(above) = mlp.layers.get(l) {
            all.push((Slot::Da(l), reference::matmul(&backward.dz[l], &above.w.transposed())));
        }
        all.push((Slot::Dz(l), backward.dz[l - 1].clone()));
        all.extend(parameters(l, &backward.layers[l - 1], Slot::Grad));
    }
    for (l, (layer, g)) in (1..).zip(mlp.layers.iter().zip(&backward.layers)) {
        all.extend(lr.into_iter().flat_map(|lr| parameters(l, &stepped(layer, g, lr), Slot::New)));
    }
    all
}

/// A file with the network alone: W, b and act.
pub fn network(mlp: &Mlp) -> Entries {
    let tensors = mlp.layers.iter().zip(1..).flat_map(|(layer, l)| parameters(l, layer, Slot::Param));
    let mut entries: Entries = tensors.map(|named| entry(&named)).collect();
    entries.insert("act".into(), Value::Text(mlp.activation.to_string()));
    entries
}

/// A file with the batch alone: X and y, as labels, or as numbers `[N, out]`.
pub fn batch(x: &Matrix, aim: Aim<'_>) -> Entries {
    let y = match aim {
        Aim::Values(values) => numbers(values.shape().to_vec(), values),
        Aim::Classes(labels) => {
            let data = labels.iter().map(|&label| f64::from(label)).collect();
            Value::Numbers(Array { shape: vec![labels.len()], data, kind: Kind::Whole })
        }
    };
    Entries::from([("X".into(), numbers(x.shape().to_vec(), x)), ("y".into(), y)])
}

/// A whole file: network, batch, learning rate and everything [`computed`] from them.
///
/// # Panics
/// As [`computed`].
pub fn entries(mlp: &Mlp, x: &Matrix, labels: &[u32], lr: f64) -> Entries {
    entries_for(Loss::SoftmaxCrossEntropy, mlp, x, Aim::Classes(labels), lr)
}

/// The same for any loss.
///
/// # Panics
/// As [`computed_for`].
pub fn entries_for(loss: Loss, mlp: &Mlp, x: &Matrix, aim: Aim<'_>, lr: f64) -> Entries {
    let mut entries = network(mlp);
    entries.extend(batch(x, aim));
    entries.insert("lr".into(), numbers(Vec::new(), &scalar(lr)));
    entries.insert("layout".into(), Value::Text("rows".into()));
    entries.extend(computed_for(loss, mlp, x, aim, Some(lr)).iter().map(entry));
    entries
}

/// The layer after a step: `w - lr · g`.
fn stepped(layer: &Layer, g: &Layer, lr: f64) -> Layer {
    let mut layer = layer.clone();
    let (w, b) = (layer.w.data_mut(), &mut layer.b);
    w.iter_mut().zip(g.w.data()).for_each(|(w, g)| *w -= lr * g);
    b.iter_mut().zip(&g.b).for_each(|(b, g)| *b -= lr * g);
    layer
}

fn parameters(l: usize, layer: &Layer, slot: fn(Param) -> Slot) -> [Named; 2] {
    let b = Matrix::from_fn(1, layer.b.len(), |_, c| layer.b[c]);
    [(slot(Param::W(l)), layer.w.clone()), (slot(Param::B(l)), b)]
}

/// A tensor as it stands in a file: b without its first side, loss and accuracy without any.
fn entry((slot, tensor): &Named) -> (String, Value) {
    let shape = match (slot, slot.param()) {
        (Slot::Loss | Slot::Accuracy, _) => Vec::new(),
        (_, Some(Param::B(_))) => vec![tensor.cols()],
        _ => tensor.shape().to_vec(),
    };
    (slot.to_string(), numbers(shape, tensor))
}

fn numbers(shape: Vec<usize>, tensor: &Matrix) -> Value {
    Value::Numbers(Array { shape, data: tensor.data().to_vec(), kind: Kind::F64 })
}

fn scalar(value: f64) -> Matrix {
    Matrix::from_fn(1, 1, |_, _| value)
}
