//! Host tensors: a shape and its values in row-major order.

use crate::error::{Error, Result};

/// A dense array in host memory, row-major: the last dimension is contiguous.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<T = f32> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T: Copy + Default> Tensor<T> {
    /// A tensor of `shape` over `data`.
    ///
    /// # Errors
    /// [`Error::Shape`] if `data` does not have as many values as `shape` asks for.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self> {
        let shape = shape.into();
        let expected = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
        if expected != Some(data.len()) {
            return Err(Error::Shape {
                what: "tensor".into(),
                expected: format!("{shape:?}"),
                got: format!("{} values", data.len()),
            });
        }
        Ok(Self { shape, data })
    }

    /// A tensor of `shape` whose values are all zero.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let data = vec![T::default(); shape.iter().product()];
        Self { shape, data }
    }

    /// A tensor whose value at row `r`, column `c` is `f(r, c)`.
    pub fn from_fn(rows: usize, cols: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let data = (0..rows * cols).map(|i| f(i / cols, i % cols)).collect();
        Self { shape: vec![rows, cols], data }
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The first dimension (1 for a scalar).
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// The values of one row: the product of all dimensions but the first.
    pub fn cols(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// All values, row-major.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All values, row-major, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The values, without the shape.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The value at row `r`, column `c`.
    ///
    /// # Panics
    /// If the position is outside the tensor, as slice indexing does.
    pub fn at(&self, r: usize, c: usize) -> T {
        self.data[r * self.cols() + c]
    }

    /// Row `r`.
    ///
    /// # Panics
    /// If there is no such row, as slice indexing does.
    pub fn row(&self, r: usize) -> &[T] {
        let cols = self.cols();
        &self.data[r * cols..(r + 1) * cols]
    }

    /// The matrix with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.cols(), self.rows(), |r, c| self.at(c, r))
    }

    /// The same shape with every value passed through `f`.
    pub fn map<U>(&self, f: impl FnMut(T) -> U) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().copied().map(f).collect() }
    }
}
