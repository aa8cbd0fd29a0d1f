//! A network that grows layer by layer, as the operations of a graph are gone through.
//!
//! Whatever only multiplies and adds is folded into the layer before it, or into the one behind it if there is an activation
//! between; before the first layer it is the scaling of the inputs.

use crate::data::Scaling;
use crate::exchange::normalisation::{before, behind};
use crate::network::{Activation, Activations, Dense, Parameters};
use crate::tensor::Tensor;

/// `factor · x + summand`, for all values alike (one number each) or for each its own.
#[derive(Debug, Clone)]
pub struct Line {
    /// Multiplied by.
    pub factor: Vec<f64>,
    /// Added then.
    pub summand: Vec<f64>,
}

impl Line {
    /// First this, then the other.
    fn then(&self, other: &Self) -> Result<Self, String> {
        let width = self.width().max(other.width());
        let (own, other) = (self.widened(width)?, other.widened(width)?);
        let factor = own.factor.iter().zip(&other.factor).map(|(a, b)| a * b).collect();
        let summand =
            own.summand.iter().zip(&other.factor).zip(&other.summand).map(|((a, f), s)| a * f + s).collect();
        Ok(Self { factor, summand })
    }

    fn width(&self) -> usize {
        self.factor.len().max(self.summand.len())
    }

    /// For so many values.
    fn widened(&self, width: usize) -> Result<Self, String> {
        let wide = |numbers: &[f64]| match numbers {
            [one] => Ok(vec![*one; width]),
            numbers if numbers.len() == width => Ok(numbers.to_vec()),
            numbers => Err(format!("{} numbers are applied to {width} values", numbers.len())),
        };
        Ok(Self { factor: wide(&self.factor)?, summand: wide(&self.summand)? })
    }
}

/// What has been gone through so far.
#[derive(Default)]
pub struct Chain {
    layers: Vec<Dense>,
    /// Behind each layer.
    activations: Vec<Option<Activation>>,
    /// Behind the last layer, before its activation.
    behind: Option<Line>,
    /// Before the layer that comes next.
    pending: Option<Line>,
    /// Before the first layer.
    scaling: Option<Line>,
}

impl Chain {
    /// Whether there is a layer.
    pub fn has_layers(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Values behind what was gone through, if they are known.
    pub fn width(&self) -> Option<usize> {
        self.layers.last().map(|layer| layer.w.cols())
    }

    /// A layer of `[in, out]` weights.
    ///
    /// # Errors
    /// If it does not fit the one before.
    pub fn layer(&mut self, w: Tensor, b: Option<Vec<f32>>) -> Result<(), String> {
        self.fold()?;
        let (ins, outs) = (w.rows(), w.cols());
        if let Some(width) = self.width().filter(|&width| width != ins) {
            return Err(format!("a layer of {ins} inputs follows one of {width} outputs"));
        }
        let b = match b {
            None => Tensor::zeros([outs]),
            Some(b) if b.len() == outs => Tensor::new([outs], b).map_err(|error| error.to_string())?,
            Some(b) => return Err(format!("a layer of {outs} outputs has {} biases", b.len())),
        };
        let mut layer = Dense { w, b };
        match self.pending.take() {
            Some(line) if self.layers.is_empty() => self.scaling = Some(line.widened(ins)?),
            Some(line) => {
                let line = line.widened(ins)?;
                let (w, b) = before(&layer.w, &layer.b, &line.factor, &line.summand);
                layer = Dense { w, b };
            }
            None => {}
        }
        self.layers.push(layer);
        self.activations.push(None);
        Ok(())
    }

    /// Multiplies and adds.
    ///
    /// # Errors
    /// If the numbers do not fit the values.
    pub fn line(&mut self, line: &Line) -> Result<(), String> {
        let place = match (self.layers.last(), self.activations.last()) {
            (Some(layer), Some(None)) => {
                line.widened(layer.w.cols())?;
                &mut self.behind
            }
            _ => &mut self.pending,
        };
        *place = Some(match &place {
            Some(before) => before.then(line)?,
            None => line.clone(),
        });
        Ok(())
    }

    /// Folds what stands behind the last layer into it, once for all of it: a graph may have many such operations.
    fn fold(&mut self) -> Result<(), String> {
        if let (Some(line), Some(layer)) = (self.behind.take(), self.layers.last_mut()) {
            let line = line.widened(layer.w.cols())?;
            let (w, b) = behind(&layer.w, &layer.b, &line.factor, &line.summand);
            *layer = Dense { w, b };
        }
        Ok(())
    }

    /// An activation.
    ///
    /// # Errors
    /// If there is no layer before it, or another activation.
    pub fn activation(&mut self, activation: Activation) -> Result<(), String> {
        self.fold()?;
        match self.activations.last_mut() {
            Some(slot @ None) if self.pending.is_none() => {
                *slot = Some(activation);
                Ok(())
            }
            _ => Err(format!("{} does not follow a layer directly", activation.name())),
        }
    }

    /// Makes the only output `z`, of which the sigmoid is a probability, the logits of no and yes: 0 and z.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn split_output(&mut self) -> Result<(), String> {
        self.fold()?;
        if let Some(Dense { w, b }) = self.layers.last_mut().filter(|layer| layer.w.cols() == 1) {
            let wide: Vec<f32> = w.data().iter().flat_map(|&weight| [0.0, weight]).collect();
            let own = b.data().first().copied().unwrap_or_default();
            if let (Ok(weights), Ok(biases)) =
                (Tensor::new([w.rows(), 2], wide), Tensor::new([2], vec![0.0, own]))
            {
                (*w, *b) = (weights, biases);
            }
        }
        Ok(())
    }

    /// The network, its activations, and what is done to its inputs.
    ///
    /// # Errors
    /// What of the graph a network here cannot have.
    pub fn finish(mut self) -> Result<(Parameters, Activations, Scaling), String> {
        self.fold()?;
        if let Some(Some(activation)) = self.activations.last() {
            return Err(format!(
                "its outputs go through {}: a network here ends with its last layer",
                activation.name()
            ));
        }
        if self.pending.is_some() && !self.layers.is_empty() {
            return Err("its outputs are scaled behind an activation".into());
        }
        let hidden = &self.activations[..self.activations.len().saturating_sub(1)];
        let hidden = hidden.iter().map(|activation| activation.unwrap_or(Activation::Identity));
        let each = Activations::Each(hidden.collect());
        let activations = each.only().map_or(each, Activations::Same);
        let scaling = match self.scaling {
            None => Scaling::None,
            Some(line) => {
                let is_byte = |(f, s): (&f64, &f64)| *f as f32 == 1.0_f32 / 255.0 && *s == 0.0;
                if line.factor.iter().zip(&line.summand).all(is_byte) {
                    Scaling::Bytes
                } else {
                    // A column that says nothing is multiplied by 0.
                    let shift = |(f, s): (&f64, &f64)| match (*f == 0.0, *s == 0.0) {
                        (false, _) => Ok(-s / f),
                        (true, true) => Ok(0.0),
                        (true, false) => Err("one of its inputs is replaced by a constant".to_owned()),
                    };
                    let pairs = line.factor.iter().zip(&line.summand);
                    Scaling::Columns {
                        shift: pairs.map(shift).collect::<Result<_, _>>()?,
                        factor: line.factor,
                    }
                }
            }
        };
        Ok((Parameters { layers: self.layers }, activations, scaling))
    }
}
