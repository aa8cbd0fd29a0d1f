//! The network itself on the device, or several of one shape: parameters, and the launches of a forward pass and of a training
//! step.

use std::sync::Arc;

use super::form::{Form, Fused, Layer};
use super::rows::rows_apart;
use super::step_members::{Kind, StepMembers};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch, Slice};
use crate::kernels::{Activate, Advance, BoundSteps, ClipNorm, Kernels, Layout, Matrix, Slots, ValuesLoss};
use crate::network::{Activation, Dense, MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::tensor::Tensor;

/// Parameters in device memory.
pub(super) struct Network {
    pub gpu: Gpu,
    pub kernels: Kernels,
    pub layers: Vec<Layer>,
    /// How many networks there are.
    pub count: usize,
    /// What hidden layers do, if it is not the ReLU that the products have fused in.
    hidden: Option<Vec<Activate>>,
    pub form: Form,
    pub rule: Rule,
    /// The loss, if it is not the softmax's of [`Kernels`].
    loss: Option<ValuesLoss>,
    moments: usize,
}

/// How weights change.
pub(super) enum Rule {
    /// In the product that makes the gradient.
    Fused,
    /// The gradient is stored first.
    Stored(Box<Stored>),
}

/// What is done with a gradient that is there.
pub(super) struct Stored {
    clip: Option<Clip>,
    pub advance: Advance,
}

/// What shortens gradients, and room to measure them.
struct Clip {
    kernels: ClipNorm,
    sums: Buffer,
}

/// What a step works on, and whose it is: a batch of each network, equally far apart.
pub(super) struct Batch<'a> {
    pub members: &'a StepMembers,
    pub x: &'a Matrix,
    /// What each layer puts out; the last are the logits.
    pub z: &'a [Matrix],
    /// The gradient by it.
    pub dz: &'a [Matrix],
    /// f'(z) of each hidden layer, if the ReLU is not fused.
    pub slopes: &'a [Matrix],
    pub order: Slice<'a>,
    /// Of all samples, where they are numbers.
    pub targets: &'a Buffer,
    pub sums: &'a Buffer,
    /// The numbers of each network's step.
    pub steps: Slice<'a>,
}

/// One matrix for each layer's output, with room for a fixed number of rows.
pub(super) struct Outputs(Vec<Matrix>);

impl Outputs {
    pub fn new(gpu: &Gpu, label: &str, spec: &MlpSpec, rows: usize) -> Result<Self> {
        let layouts = spec.layers().map(|(_, outs)| Layout::activations(rows, outs));
        let matrix = |(l, layout)| Matrix::zeros(gpu, &format!("{label}{l}"), layout);
        Self::with_constants(gpu, layouts.enumerate().map(matrix).collect::<Result<_>>()?)
    }

    /// What a training step needs: outputs, and gradients by them.
    pub fn for_training(network: &Network, spec: &MlpSpec, rows: usize) -> Result<[Self; 2]> {
        let gpu = &network.gpu;
        if !matches!(network.form, Form::ThreeLaunches(_)) {
            return Ok([Self::new(gpu, "z", spec, rows)?, Self::new(gpu, "dz", spec, rows)?]);
        }
        let layouts: Vec<Layout> = spec.layers().map(|(_, outs)| Layout::activations(rows, outs)).collect();
        let mut z = Matrix::zeros_together(gpu, "z and dz", &[&layouts[..], &layouts].concat(), 1)?;
        let dz = z.split_off(layouts.len());
        Ok([Self::with_constants(gpu, z)?, Self::with_constants(gpu, dz)?])
    }

    /// The kernels never write the constant that the next layer's bias meets: it is written here.
    fn with_constants(gpu: &Gpu, matrices: Vec<Matrix>) -> Result<Self> {
        for matrix in &matrices {
            matrix.write(gpu, &matrix.layout.pack_activations(&[]))?;
        }
        Ok(Self(matrices))
    }

    /// The matrices of a batch of `rows`.
    pub fn of(&self, rows: usize) -> Vec<Matrix> {
        self.0.iter().map(|matrix| matrix.rows(0, rows)).collect()
    }

    /// The same of several networks, which begin so many rows apart.
    pub fn every(&self, apart: usize, rows: usize, networks: &Arc<[u32]>) -> Vec<Matrix> {
        self.of(rows).iter().map(|matrix| matrix.every(apart, networks)).collect()
    }
}

impl Network {
    /// So many networks, all parameters zero, that take steps of this [kind](Kind).
    pub async fn new(
        gpu: Gpu,
        kernels: Kernels,
        spec: &MlpSpec,
        options: &StepOptions,
        count: usize,
    ) -> Result<Self> {
        let Kind { fused, moments, clips, drops } = Kind::of(options);
        let layers = spec.layers().len();
        let activations: Vec<Activation> = (1..layers).map(|l| spec.activation().of(l - 1)).collect();
        let plain = activations.iter().all(|&activation| activation == Activation::Relu);
        let hidden = match !plain || drops {
            true => Some(Activate::of_layers(&gpu, &activations).await?),
            false => None,
        };
        let form = Form::of(&gpu, spec, options, hidden.is_none(), count).await?;
        log::info!("{count} of {:?}: {form}", spec.sizes());
        let layers = form.layers(&gpu, spec, moments, !fused, count)?;
        let rule = match fused {
            true => Rule::Fused,
            false => {
                let clip = match clips {
                    true => {
                        let kernels = ClipNorm::new(&gpu).await?;
                        let sums = vec![0.0_f32; count * kernels.sums(layers.iter().map(|layer| &layer.g))];
                        Some(Clip { kernels, sums: gpu.upload("squares of the gradient", &sums)? })
                    }
                    false => None,
                };
                Rule::Stored(Box::new(Stored { clip, advance: Advance::new(&gpu).await? }))
            }
        };
        let loss = ValuesLoss::new(&gpu, spec.loss()).await?;
        gpu.keep_pipelines();
        Ok(Self { gpu, kernels, layers, count, hidden, form, rule, loss, moments })
    }

    /// [`Sum`](crate::kernels::Sum)s that a step of a network on `rows` adds to.
    pub fn sums(&self, rows: usize) -> usize {
        match &self.form {
            Form::ManyLaunches => self.evaluation_sums(rows),
            Form::ThreeLaunches(fused) => fused.middle.sums(rows),
            // The first half of a step alone adds to them, too.
            Form::OneLaunch(whole) => whole.sums().max(self.evaluation_sums(rows)),
        }
    }

    /// Those between a network's first and the next's, in steps on batches of so many.
    pub fn sums_apart(&self, batch_size: usize) -> usize {
        match &self.form {
            Form::OneLaunch(whole) if self.count > 1 => whole.sums(),
            _ => self.sums(rows_apart(batch_size)),
        }
    }

    /// Steps of a launch at most, where one takes several.
    pub fn steps_of_launch(&self) -> Option<usize> {
        match &self.form {
            Form::OneLaunch(whole) => Some(whole.steps()),
            _ => None,
        }
    }

    /// Steps on slots in one launch, where the form is that.
    pub fn bind_steps(
        &self,
        x: &Matrix,
        order: &Buffer,
        sums: &Buffer,
        slots: [usize; 2],
        members: &StepMembers,
    ) -> Result<Option<BoundSteps>> {
        let Form::OneLaunch(whole) = &self.form else { return Ok(None) };
        let ([slot_rows, batch_size], label_smoothing) = (slots, &members.label_smoothing()[..]);
        let slots = Slots { x, order, sums, slot_rows, batch_size, label_smoothing };
        whole.bind(&self.gpu, &self.layers, self.moments, slots, members).map(Some)
    }

    /// How many products of a step on `rows` have operands rounded to f16, and how many there are.
    pub fn in_f16(&self, rows: usize) -> [usize; 2] {
        let mut counts = [0, 3 * self.layers.len() - 1];
        for (l, layer) in self.layers.iter().enumerate() {
            let [forward, backward, update] = self.kernels.matmul.in_f16(rows, layer.w.layout);
            // The first layer's inputs need no gradient, and kernels of several layers round nothing.
            let half = match self.form {
                Form::ManyLaunches => [forward, backward && l > 0, update],
                Form::ThreeLaunches(_) => [forward && l == 0, false, false],
                Form::OneLaunch(_) => [false; 3],
            };
            counts[0] += half.iter().filter(|&&half| half).count();
        }
        counts
    }

    /// Whether hidden layers need slopes.
    pub fn has_slopes(&self) -> bool {
        self.hidden.is_some()
    }

    /// Whether a step's numbers are read at all.
    pub fn reads_steps(&self) -> bool {
        self.hidden.is_some() || matches!(self.rule, Rule::Stored(_))
    }

    /// Those that an evaluation of `rows` adds to.
    pub fn evaluation_sums(&self, rows: usize) -> usize {
        self.loss.as_ref().map_or(self.kernels.softmax_xent.sums(rows), |loss| loss.sums(rows))
    }

    /// Adds the loss of outputs to sums, for an evaluation.
    pub fn measure(&self, z: &Matrix, order: Slice<'_>, targets: &Buffer, sums: &Buffer) -> Result<Launch> {
        match &self.loss {
            None => self.kernels.softmax_xent.evaluate(&self.gpu, z, order, sums),
            Some(loss) => loss.evaluate(&self.gpu, z, order, targets, sums),
        }
    }

    /// From x to the logits, which are the last of `z`, for an evaluation of one network.
    pub fn forward(&self, x: &Matrix, z: &[Matrix], network: usize) -> Result<Vec<Launch>> {
        let w = |layer: &Layer| layer.w.alone(network);
        self.forward_with(x, z, w, |activate, _, a| activate.evaluate(&self.gpu, a))
    }

    fn forward_with(
        &self,
        x: &Matrix,
        z: &[Matrix],
        w: impl Fn(&Layer) -> Matrix,
        activated: impl Fn(&Activate, usize, &Matrix) -> Result<Launch>,
    ) -> Result<Vec<Launch>> {
        let (mut launches, last) = (Vec::new(), self.layers.len() - 1);
        for (l, layer) in self.layers.iter().enumerate() {
            let input = if l == 0 { x } else { &z[l - 1] };
            let relu = l < last && self.hidden.is_none();
            launches.push(self.kernels.matmul.forward(&self.gpu, input, &w(layer), &z[l], relu)?);
            if let Some(activate) = self.hidden.as_ref().filter(|_| l < last) {
                launches.push(activated(&activate[l], l, &z[l])?);
            }
        }
        Ok(launches)
    }

    /// One step on a batch. All gradients are there before any weight changes, so that the updates depend on nothing but
    /// them and may run side by side.
    pub fn step(&self, batch: &Batch<'_>) -> Result<Vec<Launch>> {
        let mut launches = self.gradients(batch, None)?;
        if let Rule::Stored(stored) = &self.rule {
            launches.append(&mut self.shorten(batch.members)?);
            let networks = &batch.members.networks;
            for layer in &self.layers {
                let Layer { w, moments, g } = layer.of(networks);
                launches.push(stored.advance.launch(&self.gpu, batch.steps, &g, &w, &moments)?);
            }
        }
        Ok(launches)
    }

    /// Shortens the gradients that are stored, if they are to be clipped.
    pub fn shorten(&self, members: &StepMembers) -> Result<Vec<Launch>> {
        let Rule::Stored(stored) = &self.rule else { return Ok(Vec::new()) };
        let Some(Clip { kernels, sums }) = &stored.clip else { return Ok(Vec::new()) };
        let gradients: Vec<Matrix> = self.layers.iter().map(|layer| layer.g.of(&members.networks)).collect();
        let gradients: Vec<&Matrix> = gradients.iter().collect();
        kernels.launches(&self.gpu, sums, &gradients, &members.clip_norm())
    }

    /// Forward and backward, to the gradients, or where the rule is fused to the weights' step itself. With `stored` to
    /// the gradients in any case, and these are put there.
    pub fn gradients(&self, batch: &Batch<'_>, stored: Option<&[Matrix]>) -> Result<Vec<Launch>> {
        if let Form::ThreeLaunches(fused) = &self.form {
            return self.fused_gradients(fused, batch, stored);
        }
        let (gpu, matmul) = (&self.gpu, &self.kernels.matmul);
        let &Batch { members, x, z, dz, slopes, order, targets, sums, steps } = batch;
        let (dropout, w) = (members.dropout(), |layer: &Layer| layer.w.of(&members.networks));
        let mut launches = self.forward_with(x, z, w, |activate, l, a| {
            activate.train(gpu, (&dropout, l), steps, &slopes[l], a)
        })?;
        let last = self.layers.len() - 1;
        let (logits, smoothing) = (&z[last], members.label_smoothing());
        let mut dz: Vec<&Matrix> = dz.iter().collect();
        match &self.loss {
            None => {
                let softmax_xent = &self.kernels.softmax_xent;
                launches.push(softmax_xent.train(gpu, logits, order, sums, dz[last], &smoothing)?);
            }
            Some(loss) => {
                launches.push(loss.train(gpu, logits, order, targets, sums)?);
                // The gradient has taken the logits' place.
                dz[last] = logits;
            }
        }
        for l in (1..=last).rev() {
            let relu = self.hidden.is_none();
            launches.push(matmul.backward(gpu, dz[l], &w(&self.layers[l]), &z[l - 1], dz[l - 1], relu)?);
            if let Some(activate) = &self.hidden {
                launches.push(activate[l - 1].backward(gpu, &slopes[l - 1], dz[l - 1])?);
            }
        }
        for (l, layer) in self.layers.iter().enumerate() {
            let Layer { w, moments, g } = layer.of(&members.networks);
            let input = if l == 0 { x } else { &z[l - 1] };
            launches.push(match (&self.rule, stored) {
                (Rule::Fused, None) => matmul.update(gpu, input, dz[l], &w, &moments[0], &members.sgd())?,
                (_, stored) => {
                    matmul.gradient(gpu, input, dz[l], stored.map_or(&g, |stored| &stored[l]), &moments[1])?
                }
            });
        }
        Ok(launches)
    }

    /// The same in three launches: the first layer, all others forward and backward, and the weights of all.
    fn fused_gradients(
        &self,
        fused: &Fused,
        batch: &Batch<'_>,
        stored: Option<&[Matrix]>,
    ) -> Result<Vec<Launch>> {
        let (gpu, &Batch { members, x, z, dz, order, sums, .. }) = (&self.gpu, batch);
        let all = |matrix: fn(&Layer) -> &Matrix| -> Vec<Matrix> {
            self.layers.iter().map(|layer| matrix(layer).of(&members.networks)).collect()
        };
        let (w, sgd) = (all(|layer| &layer.w), members.sgd());
        let spare = [self.layers[0].moments[1].clone()];
        let (out, v, sgd) = match (&self.rule, stored) {
            (_, Some(stored)) => (stored.to_vec(), spare.to_vec(), None),
            (Rule::Fused, _) if self.moments > 0 => {
                (w.clone(), all(|layer| &layer.moments[0]), Some(&sgd[..]))
            }
            (Rule::Fused, _) => (w.clone(), spare.to_vec(), Some(&sgd[..])),
            (Rule::Stored(_), _) => (all(|layer| &layer.g), spare.to_vec(), None),
        };
        Ok(vec![
            self.kernels.matmul.forward(gpu, x, &w[0], &z[0], true)?,
            fused.middle.launch(gpu, &w, (z, dz), order, sums, &members.label_smoothing())?,
            fused.update.launch(gpu, x, (z, dz), &out, &v, sgd)?,
        ])
    }

    /// Those of one network.
    pub async fn parameters(&self, network: usize) -> Result<Parameters> {
        self.download_all(|layer| layer.w.alone(network)).await
    }

    /// The optimiser's moments of all parameters of one network.
    pub async fn moments(&self, network: usize) -> Result<Vec<Parameters>> {
        let mut moments = Vec::new();
        for index in 0..self.moments {
            moments.push(self.download_all(|layer| layer.moments[index].alone(network)).await?);
        }
        Ok(moments)
    }

    async fn download_all(&self, matrix: impl Fn(&Layer) -> Matrix) -> Result<Parameters> {
        let mut layers = Vec::new();
        for layer in &self.layers {
            layers.push(download(&self.gpu, &matrix(layer)).await?);
        }
        Ok(Parameters { layers })
    }

    /// Overwrites a network's parameters and the optimiser's moments: with zero if there are none. All are of the network's
    /// shapes.
    pub fn set(&self, network: usize, parameters: &Parameters, state: Option<&OptimizerState>) -> Result<()> {
        let given = state.map_or(&[][..], |state| &state.moments);
        for (l, layer) in self.layers.iter().enumerate() {
            let (w, moments) = (&layer.w.alone(network), layer.moments.each_ref().map(|m| m.alone(network)));
            let write = |matrix: &Matrix, dense: &Dense| {
                matrix.write(&self.gpu, &matrix.layout.pack_weights(dense.w.data(), dense.b.data()))
            };
            write(w, &parameters.layers[l])?;
            for (index, moment) in moments.iter().take(self.moments).enumerate() {
                match given.get(index) {
                    Some(given) => write(moment, &given.layers[l])?,
                    None => moment.write(&self.gpu, &vec![0.0; moment.layout.len()])?,
                }
            }
        }
        Ok(())
    }
}

pub(super) async fn download(gpu: &Gpu, weights: &Matrix) -> Result<Dense> {
    let (packed, layout) = (weights.read(gpu).await?, weights.layout);
    let w = Tensor::new([layout.rows, layout.cols], layout.unpack(&packed))?;
    Ok(Dense { w, b: Tensor::new([layout.cols], layout.unpack_bias(&packed))? })
}
