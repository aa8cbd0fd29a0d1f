//! A network: the sizes of its layers, its parameters and their seeded initialisation. Independent of devices.

use super::{Activation, Activations, Loss, Task};
use crate::error::{Error, Remedy, Result, Setting};
use crate::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A multi-layer perceptron: the sizes of inputs, hidden layers and outputs, the activations that follow every layer but
/// the last, and the loss of the last layer's outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpSpec {
    sizes: Vec<usize>,
    activation: Activations,
    loss: Loss,
}

impl MlpSpec {
    /// A network of these sizes, inputs first, outputs last, with ReLU and softmax cross-entropy.
    ///
    /// # Errors
    /// [`Error::Usage`] for fewer than two sizes, a size of 0, or sizes whose parameters no machine could hold.
    pub fn new(sizes: Vec<usize>) -> Result<Self> {
        if sizes.len() < 2 || sizes.contains(&0) {
            return Err(Error::usage(format!(
                "a network needs at least an input and an output size, each 1 or more; got {sizes:?}"
            )));
        }
        let spec = Self { sizes, activation: Activations::default(), loss: Loss::default() };
        let parameters = spec.layers().try_fold(0_usize, |total, (ins, outs)| {
            ins.checked_add(1)?.checked_mul(outs)?.checked_add(total)
        });
        // Kernels index with u32, and a host needs each parameter several times over.
        if parameters.is_none_or(|count| count > u32::MAX as usize) {
            let problem =
                format!("a network of sizes {:?} has more than {} parameters", spec.sizes, u32::MAX);
            return Err(Error::usage(problem).hint(Remedy::smaller(&[Setting::Hidden])));
        }
        Ok(spec)
    }

    /// A network with these hidden layers, and ReLU.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_hidden(inputs: usize, hidden: &[usize], outputs: usize) -> Result<Self> {
        Self::new([&[inputs], hidden, &[outputs]].concat())
    }

    /// The same sizes with another activation, or one for each hidden layer.
    pub fn with_activation(self, activation: impl Into<Activations>) -> Self {
        Self { activation: activation.into(), ..self }
    }

    /// What follows the layers but the last.
    pub fn activation(&self) -> &Activations {
        &self.activation
    }

    /// The same network with another loss.
    pub fn with_loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// What it is trained to make small.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Inputs, hidden layers, outputs.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Values that enter the network.
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// Values that leave it: one for each class, label or number.
    pub fn classes(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// Inputs and outputs of each layer.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        self.sizes.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// Weights and biases in all.
    pub fn parameter_count(&self) -> usize {
        self.layers().map(|(ins, outs)| (ins + 1) * outs).sum()
    }
}

/// The parameters of one layer: z = x · w + b.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Weights `[in, out]`.
    pub w: Tensor,
    /// Biases `[out]`.
    pub b: Tensor,
}

/// The parameters of all layers, from the input to the logits; or an optimiser's moments of them, which have the same
/// shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// One entry a layer.
    pub layers: Vec<Dense>,
}

impl Parameters {
    /// All zero.
    pub fn zeros(spec: &MlpSpec) -> Self {
        let dense = |(ins, outs)| Dense { w: Tensor::zeros([ins, outs]), b: Tensor::zeros([outs]) };
        Self { layers: spec.layers().map(dense).collect() }
    }

    /// The weights that training starts from, layer by layer: as [`he_uniform`](Self::he_uniform) before ReLU and its kin,
    /// which pass half of what comes in, and as [`glorot_uniform`](Self::glorot_uniform) before sigmoid, tanh and identity.
    /// The last layer is as the one before it. Networks that predict numbers start from Glorot's smaller weights everywhere:
    /// few inputs and He's weights make a first guess that is far from the targets, and a part of it stays.
    pub fn initial(spec: &MlpSpec, seed: u64) -> Self {
        if spec.loss.task() == Task::Regression {
            return Self::glorot_uniform(spec, seed);
        }
        Self::uniform(spec, seed, |l, ins, outs| {
            match spec.activation.of(l.min(spec.layers().len().saturating_sub(2))) {
                Activation::Sigmoid | Activation::Tanh | Activation::Identity => 6.0 / (ins + outs) as f64,
                Activation::Relu
                | Activation::Gelu
                | Activation::LeakyRelu
                | Activation::Elu
                | Activation::Silu
                | Activation::Softplus => 6.0 / ins as f64,
            }
        })
    }

    /// He initialisation: weights uniform in ±√(6 / in), whose variance is 2 / in; biases zero.
    ///
    /// Source: He, Zhang, Ren, Sun, *Delving Deep into Rectifiers* (2015). The uniform form needs nothing but a square
    /// root, so a seed gives the same bits on every machine.
    pub fn he_uniform(spec: &MlpSpec, seed: u64) -> Self {
        Self::uniform(spec, seed, |_, ins, _| 6.0 / ins as f64)
    }

    /// Glorot initialisation: weights uniform in ±√(6 / (in + out)); biases zero.
    ///
    /// Source: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010),
    /// equation 16.
    pub fn glorot_uniform(spec: &MlpSpec, seed: u64) -> Self {
        Self::uniform(spec, seed, |_, ins, outs| 6.0 / (ins + outs) as f64)
    }

    /// Weights uniform in ± the root of `limit`.
    fn uniform(spec: &MlpSpec, seed: u64, limit: impl Fn(usize, usize, usize) -> f64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut parameters = Self::zeros(spec);
        for (l, layer) in parameters.layers.iter_mut().enumerate() {
            let limit = limit(l, layer.w.rows(), layer.w.cols()).sqrt();
            for w in layer.w.data_mut() {
                // 53 random bits make a number in 0..1 that is exact.
                let unit = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                *w = ((2.0 * unit - 1.0) * limit) as f32;
            }
        }
        parameters
    }

    /// The sizes that these parameters chain to; they know neither activation nor loss, so the spec has
    /// those of [`MlpSpec::new`].
    ///
    /// # Errors
    /// [`Error::Shape`] if a layer does not take what the one before it gives, or a bias does not fit its weights.
    pub fn spec(&self) -> Result<MlpSpec> {
        let mut sizes: Vec<usize> = self.layers.first().map(|layer| layer.w.rows()).into_iter().collect();
        for (index, Dense { w, b }) in self.layers.iter().enumerate() {
            if w.shape().len() != 2 || sizes.last() != Some(&w.rows()) {
                let expected = format!("[{}, out]", sizes[sizes.len() - 1]);
                return Err(Error::Shape {
                    what: format!("weights of layer {index}"),
                    expected,
                    got: format!("{:?}", w.shape()),
                });
            }
            if b.shape() != [w.cols()] {
                return Err(Error::shape(format!("bias of layer {index}"), [w.cols()], b.shape()));
            }
            sizes.push(w.cols());
        }
        MlpSpec::new(sizes)
    }

    /// Adds `factor` times other parameters, value by value: so gradients of several batches become their mean.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are of another network.
    pub fn add(&mut self, factor: f32, other: &Self) -> Result<()> {
        other.check(&self.spec()?)?;
        for (own, other) in self.layers.iter_mut().zip(&other.layers) {
            let values = own.w.data_mut().iter_mut().chain(own.b.data_mut());
            values.zip(other.w.data().iter().chain(other.b.data())).for_each(|(a, b)| *a += factor * b);
        }
        Ok(())
    }

    /// The last layer, counted from 0, with a value that is infinite or no number. Backward propagation comes to the
    /// last layer first.
    pub fn last_unsound_layer(&self) -> Option<usize> {
        // The sum of what is 0 for a finite value and NaN for any other: without branches, a few thousand values a
        // microsecond.
        let sound = |tensor: &Tensor| tensor.data().iter().fold(0.0, |sum, value| sum + value * 0.0) == 0.0;
        self.layers.iter().rposition(|Dense { w, b }| !sound(w) || !sound(b))
    }

    /// Whether these are parameters of that network.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are not.
    pub fn check(&self, spec: &MlpSpec) -> Result<()> {
        let own = self.spec()?;
        if own.sizes != spec.sizes {
            return Err(Error::shape("parameters", spec.sizes(), own.sizes()));
        }
        Ok(())
    }
}

/// What an optimiser remembers from step to step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OptimizerState {
    /// Steps taken since the run began.
    pub steps: u64,
    /// Moments of every parameter: none, gradient descent's velocity, or Adam's means of gradients and of their squares.
    pub moments: Vec<Parameters>,
}

impl OptimizerState {
    /// Whether it is the state of an optimiser with so many moments, for a network.
    ///
    /// # Errors
    /// [`Error::Shape`] if it is not.
    pub fn check(&self, spec: &MlpSpec, moments: usize) -> Result<()> {
        if self.moments.len() != moments {
            return Err(Error::shape("moments of the optimiser", moments, self.moments.len()));
        }
        self.moments.iter().try_for_each(|moments| moments.check(spec))
    }
}
