//! A layer's parameters, and a step of gradient descent on some of their rows.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use crate::error::{Error, Result};
use crate::kernels::Sgd;
use crate::model::Dense;
use crate::tensor::Tensor;

/// Weights `[in, out]` and biases `[1, out]`: a row of weights whose input is always 1.
pub(super) struct Layer {
    pub w: Array2<f32>,
    pub b: Array2<f32>,
    /// Velocities of w and b, if there is momentum.
    v: Option<(Array2<f32>, Array2<f32>)>,
}

/// Rows of weights, the rows of their velocities, and what their gradient g = xᵀ · dz is made of.
pub(super) struct Update<'a> {
    w: ArrayViewMut2<'a, f32>,
    v: Option<ArrayViewMut2<'a, f32>>,
    x_t: ArrayView2<'a, f32>,
    dz: ArrayView2<'a, f32>,
}

impl Layer {
    pub fn zeros(ins: usize, outs: usize, momentum: bool) -> Self {
        let (w, b) = (Array2::zeros((ins, outs)), Array2::zeros((1, outs)));
        Self { v: momentum.then(|| (w.clone(), b.clone())), w, b }
    }

    /// The update of this layer, cut by rows of w into as many pieces as there are parts, one added to each; the
    /// bias goes to the last, which may have fewer rows than the others.
    pub fn updates<'a>(
        &'a mut self,
        x: ArrayView2<'a, f32>,
        dz: ArrayView2<'a, f32>,
        ones: ArrayView2<'a, f32>,
        parts: &mut [Vec<Update<'a>>],
    ) {
        let rows = self.w.nrows().div_ceil(parts.len());
        let x_t = x.reversed_axes();
        let (v, v_b) = self.v.as_mut().map(|(v, b)| (v, b.view_mut())).unzip();
        let mut v = v.map(|v| v.axis_chunks_iter_mut(Axis(0), rows));
        let pieces = self.w.axis_chunks_iter_mut(Axis(0), rows).enumerate();
        for ((index, w), part) in pieces.zip(parts.iter_mut()) {
            let start = index * rows;
            let (_, from_start) = x_t.split_at(Axis(0), start);
            let (x_t, _) = from_start.split_at(Axis(0), w.nrows());
            part.push(Update { w, v: v.as_mut().and_then(Iterator::next), x_t, dz });
        }
        if let Some(last) = parts.last_mut() {
            last.push(Update { w: self.b.view_mut(), v: v_b, x_t: ones, dz });
        }
    }

    /// Parameters as the rest of the program keeps them.
    pub fn dense(&self) -> Result<Dense> {
        dense(&self.w, &self.b)
    }

    /// Velocities, if there is momentum.
    pub fn velocity(&self) -> Option<Result<Dense>> {
        self.v.as_ref().map(|(w, b)| dense(w, b))
    }

    /// Replaces the parameters, and the velocities if there is momentum.
    pub fn set(&mut self, parameters: &Dense, velocity: &Dense) -> Result<()> {
        let shape = self.w.dim();
        (self.w, self.b) = arrays(parameters, shape)?;
        if self.v.is_some() {
            self.v = Some(arrays(velocity, shape)?);
        }
        Ok(())
    }
}

impl Update<'_> {
    /// w = w - lr · (g + weight_decay · w), or the same with momentum, with the product added right into its target.
    pub fn apply(mut self, sgd: Sgd) {
        let Sgd { lr, momentum, weight_decay } = sgd;
        match &mut self.v {
            None => general_mat_mul(-lr, &self.x_t, &self.dz, 1.0 - lr * weight_decay, &mut self.w),
            Some(v) => {
                general_mat_mul(1.0, &self.x_t, &self.dz, momentum, v);
                v.scaled_add(weight_decay, &self.w);
                self.w.scaled_add(-lr, v);
            }
        }
    }
}

fn dense(w: &Array2<f32>, b: &Array2<f32>) -> Result<Dense> {
    let values = |array: &Array2<f32>| array.iter().copied().collect();
    let w_tensor = Tensor::new([w.nrows(), w.ncols()], values(w))?;
    Ok(Dense { w: w_tensor, b: Tensor::new([b.len()], values(b))? })
}

/// The caller has checked the shapes.
fn arrays(Dense { w, b }: &Dense, shape: (usize, usize)) -> Result<(Array2<f32>, Array2<f32>)> {
    let array = |shape, tensor: &Tensor| {
        Array2::from_shape_vec(shape, tensor.data().to_vec())
            .map_err(|error| Error::Internal(error.to_string()))
    };
    Ok((array(shape, w)?, array((1, shape.1), b)?))
}
