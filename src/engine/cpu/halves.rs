//! The halves of a step one by one: the gradient leaves, and one comes back. The whole step in `mod.rs` has no use for
//! either; both keep the order of its sums.

use fearless_simd::dispatch;
use rayon::prelude::*;

use super::CpuEngine;
use crate::data::Split;
use crate::engine::contract::check_batch;
use crate::error::Result;
use crate::network::{Dense, Parameters};

impl CpuEngine {
    /// The gradient of a batch.
    pub(super) fn gradients_of(&mut self, samples: &[u32]) -> Result<Parameters> {
        check_batch(samples, self.options.batch_size)?;
        let all = self.given.of(Split::Train)?.clone();
        let data = self.readers[Split::Train as usize].chunk(&all, samples, &[])?;
        self.there_and_back(&data, data.indices());
        self.differentiate();
        let mut gradient = Parameters::zeros(&self.spec);
        for (l, Dense { w, b }) in gradient.layers.iter_mut().enumerate() {
            self.slabs.iter().for_each(|slabs| slabs[l].read_gradient(w));
            self.biases[l].read_gradient(b);
        }
        Ok(gradient)
    }

    /// Keeps the gradient, which is a sum over the threads' samples.
    fn differentiate(&mut self) {
        let (level, rows) = (self.level, &self.rows);
        for (l, bias) in self.biases.iter_mut().enumerate() {
            bias.make_room();
            let terms = rows.iter().map(|rows| rows.bias_gradient(l));
            dispatch!(level, s => bias.differentiate(s, terms));
        }
        self.slabs.par_iter_mut().with_max_len(1).for_each(|slabs| {
            for (l, slab) in slabs.iter_mut().enumerate() {
                slab.make_room();
                let terms = rows.iter().map(
                    #[inline(always)]
                    |rows| rows.term(l),
                );
                dispatch!(level, s => slab.differentiate(s, terms));
            }
        });
    }

    /// The step along a gradient: by the fused rule's own arithmetic where the whole step has that.
    pub(super) fn advance_along(&mut self, gradient: &Parameters) -> Result<()> {
        gradient.check(&self.spec)?;
        for (l, Dense { w, b }) in gradient.layers.iter().enumerate() {
            self.slabs.iter_mut().for_each(|slabs| slabs[l].set_gradient(w));
            self.biases[l].set_gradient(b);
        }
        let (level, fused) = (self.level, self.options.fused(self.steps));
        let step = self.options.step(self.steps);
        let factor = self.options.clip_norm.map_or(1.0, |most| self.clip_factor(most));
        self.biases.iter_mut().for_each(|bias| match fused {
            Some(sgd) => dispatch!(level, s => bias.descend_along(s, sgd)),
            None => dispatch!(level, s => bias.advance(s, &step, factor)),
        });
        self.slabs.par_iter_mut().with_max_len(1).flatten_iter().for_each(|slab| match fused {
            Some(sgd) => dispatch!(level, s => slab.descend_along(s, sgd)),
            None => dispatch!(level, s => slab.advance(s, &step, factor)),
        });
        self.steps += 1;
        Ok(())
    }
}
