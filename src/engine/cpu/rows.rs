//! The work of one thread on its rows of a batch: forward through all layers, the loss, and backward.

use fearless_simd::{Simd, f32x16, prelude::*};

use super::activation::{Hidden, Place};
use super::lines::{Line, Panels, WIDTH};
use super::loss::{self, Target};
use super::product::{Term, load};
use super::weights::{Bias, Slab};
use crate::data::{Chunk, Format};
use crate::network::{Loss, MlpSpec};
use crate::step::StepOptions;

/// All weights and biases, to be read.
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    /// By threads, and by layers.
    pub slabs: &'a [Vec<Slab>],
    pub biases: &'a [Bias],
}

/// The matrices of a thread's rows, made once.
pub(super) struct Rows {
    /// The input of each layer.
    x: Vec<Panels>,
    /// The gradient by each layer's output; the last holds the logits first.
    dz: Vec<Panels>,
    /// The gradient by each layer's biases: the sum of dz's rows.
    db: Vec<Vec<Line>>,
    /// What hidden layers do, if it is not the plain ReLU.
    hidden: Option<Hidden>,
    /// How much of each label is spread over all classes, in training.
    label_smoothing: f32,
    /// What the outputs are measured by.
    of: Loss,
    /// One sample's outputs.
    z: Vec<f32>,
    /// Of the rows, after the loss.
    pub loss: f64,
    /// Rows that are all right.
    pub hits: u64,
}

impl Rows {
    pub fn new(spec: &MlpSpec, options: &StepOptions, capacity: usize) -> Self {
        Self {
            x: spec.layers().map(|(ins, _)| Panels::zeros(capacity, ins)).collect(),
            dz: spec.layers().map(|(_, outs)| Panels::zeros(capacity, outs)).collect(),
            db: spec.layers().map(|(_, outs)| vec![Line::default(); outs.div_ceil(WIDTH)]).collect(),
            hidden: Hidden::new(spec, options, capacity),
            label_smoothing: options.label_smoothing,
            of: spec.loss(),
            z: vec![0.0; spec.classes()],
            loss: 0.0,
            hits: 0,
        }
    }

    /// Fills every layer's input, the logits, and loss and hits.
    #[inline(always)]
    pub fn evaluate<S: Simd>(&mut self, s: S, network: Network<'_>, data: &Chunk<'_>, samples: &[u32]) {
        self.forward(s, network, data, samples, None);
        self.score(data, samples, None);
    }

    /// As [`evaluate`](Self::evaluate), and then the gradients; `scale` is what weights are multiplied by: 1 / samples in the batch.
    #[inline(always)]
    pub fn gradients<S: Simd>(
        &mut self,
        s: S,
        network: Network<'_>,
        data: &Chunk<'_>,
        samples: &[u32],
        scale: f32,
        place: Place,
    ) {
        self.forward(s, network, data, samples, Some(place));
        self.score(data, samples, Some(scale));
        self.backward(s, network);
    }

    /// What the gradient by a layer's weights is made of.
    #[inline(always)]
    pub fn term(&self, layer: usize) -> Term<'_> {
        Term { x: &self.x[layer], dz: &self.dz[layer] }
    }

    /// These rows' gradient by a layer's biases.
    #[inline(always)]
    pub fn bias_gradient(&self, layer: usize) -> &[Line] {
        &self.db[layer]
    }

    /// Appends the logits of all rows, which [`evaluate`](Self::evaluate) has left.
    pub fn append_logits(&self, values: &mut Vec<f32>) {
        let logits = &self.dz[self.dz.len() - 1];
        for row in 0..logits.rows() {
            let start = values.len();
            values.resize(start + self.z.len(), 0.0);
            logits.read_row(row, &mut values[start..]);
        }
    }

    #[inline(always)]
    fn forward<S: Simd>(
        &mut self,
        s: S,
        network: Network<'_>,
        data: &Chunk<'_>,
        samples: &[u32],
        place: Option<Place>,
    ) {
        self.x.iter_mut().chain(&mut self.dz).for_each(|matrix| matrix.set_rows(samples.len()));
        for (row, &sample) in samples.iter().enumerate() {
            gather(data, sample as usize, &mut self.x[0], row);
        }
        let last = self.x.len() - 1;
        for (l, bias) in network.biases.iter().enumerate() {
            let (below, above) = self.x.split_at_mut(l + 1);
            let out = above.first_mut().unwrap_or(&mut self.dz[last]);
            for (panel, &b) in out.panels_mut().zip(&bias.b) {
                panel.fill(b);
            }
            network.slabs.iter().for_each(
                #[inline(always)]
                |slabs| slabs[l].add_forward(s, &below[l], out),
            );
            if l == last {
                continue;
            }
            if let Some(hidden) = &mut self.hidden {
                hidden.activate(l, out, place);
            } else {
                for panel in out.panels_mut() {
                    panel.iter_mut().for_each(
                        #[inline(always)]
                        |line| relu(s, line),
                    );
                }
            }
        }
    }

    /// Adds up loss and hits, and turns the logits into the gradient by them if there is a scale.
    fn score(&mut self, data: &Chunk<'_>, samples: &[u32], scale: Option<f32>) {
        (self.loss, self.hits) = (0.0, 0);
        let last = self.dz.len() - 1;
        for (row, &sample) in samples.iter().enumerate() {
            let label = data.labels()[sample as usize];
            self.dz[last].read_row(row, &mut self.z);
            let smoothing = if scale.is_some() { self.label_smoothing } else { 0.0 };
            let target = Target { label: label as usize, values: data.target(label) };
            let scale = scale.map(|scale| scale * data.weight(sample));
            let (loss, hit) = loss::score(self.of, &mut self.z, target, smoothing, scale);
            self.loss += f64::from(loss);
            self.hits += u64::from(hit);
            if scale.is_some() {
                self.dz[last].write_row(row, &self.z);
            }
        }
    }

    /// From the gradient by the logits to that by every layer's output and biases.
    #[inline(always)]
    fn backward<S: Simd>(&mut self, s: S, network: Network<'_>) {
        for l in (1..self.dz.len()).rev() {
            let (below, above) = self.dz.split_at_mut(l);
            let dx = &mut below[l - 1];
            dx.panels_mut().for_each(|panel| panel.fill(Line::default()));
            network.slabs.iter().for_each(
                #[inline(always)]
                |slabs| slabs[l].add_backward(s, &above[0], dx),
            );
            if let Some(hidden) = &self.hidden {
                hidden.differentiate(l - 1, dx);
                continue;
            }
            for (dx, a) in dx.panels_mut().zip(self.x[l].panels()) {
                for (dx, a) in dx.iter_mut().zip(a) {
                    mask(s, dx, a);
                }
            }
        }
        for (db, dz) in self.db.iter_mut().zip(&self.dz) {
            for (db, panel) in db.iter_mut().zip(dz.panels()) {
                let sum = panel.iter().fold(f32x16::splat(s, 0.0), |sum, line| sum + load(s, line));
                sum.store_array(&mut db.0);
            }
        }
    }
}

/// A sample as a network sees it, into a row: bytes as numbers in 0..1, f32 as they are.
#[inline(always)]
fn gather(data: &Chunk<'_>, sample: usize, x: &mut Panels, row: usize) {
    let values = data.row(sample);
    match data.format() {
        Format::Bytes => fill(values, |byte| f32::from(byte) * (1.0 / 255.0), x, row),
        Format::Floats => fill(values.as_chunks().0, f32::from_ne_bytes, x, row),
    }
}

/// Values as numbers, into a row.
#[inline(always)]
fn fill<T: Copy>(values: &[T], number: impl Fn(T) -> f32, x: &mut Panels, row: usize) {
    let (lines, rest) = values.as_chunks::<WIDTH>();
    let mut panels = x.panels_mut();
    for (values, panel) in lines.iter().zip(&mut panels) {
        panel[row].0 = values.map(&number);
    }
    for panel in panels {
        for (x, &value) in panel[row].0.iter_mut().zip(rest) {
            *x = number(value);
        }
    }
}

/// Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
#[inline(always)]
fn relu<S: Simd>(s: S, line: &mut Line) {
    let z = load(s, line);
    z.simd_lt(0.0).select(f32x16::splat(s, 0.0), z).store_array(&mut line.0);
}

/// The gradient passes where the activation is positive.
#[inline(always)]
fn mask<S: Simd>(s: S, dz: &mut Line, a: &Line) {
    load(s, a).simd_gt(0.0).select(load(s, dz), f32x16::splat(s, 0.0)).store_array(&mut dz.0);
}
