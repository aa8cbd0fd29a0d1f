//! What a rank does when all do something: its part of the work, with an engine of its own.
//!
//! Every function is called by all ranks, since they meet in it. An error of one of them is an error for rank 0, and the others
//! wait for what rank 0 does about it.

use super::call::{Complaint, parameters, tensors_mut, words};
use super::cut::Cut;
use super::ranks::Team;
use crate::data::{Samples, Split};
use crate::engine::contract::Engine;
use crate::error::{Error, Result};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::metrics::Sums;

/// An engine of a rank.
pub(super) struct Part<'t, E> {
    pub engine: E,
    pub team: &'t dyn Team,
    pub cut: Cut,
    spec: MlpSpec,
    train: Option<Samples>,
    /// Steps taken since the run began, of which this rank may have had no rows.
    steps: u64,
    /// Samples that it has trained on since all had the same weights.
    own: usize,
    /// What went wrong after all had last met.
    failed: Option<Error>,
}

impl<'t, E: Engine> Part<'t, E> {
    pub fn new(engine: E, team: &'t dyn Team, spec: &MlpSpec, batch_size: usize) -> Self {
        let (cut, spec) = (Cut::new(team, batch_size), spec.clone());
        Self { engine, team, cut, spec, train: None, steps: 0, own: 0, failed: None }
    }

    pub fn spec(&self) -> &MlpSpec {
        &self.spec
    }

    pub async fn load(&mut self, split: Split, samples: Result<Samples>) -> Result<()> {
        let loaded = async {
            let samples = samples?;
            if split == Split::Train {
                self.train = Some(samples.clone());
            }
            self.engine.load(split, samples).await
        };
        agreed(self.team, loaded.await)
    }

    /// The gradient of a batch, with the same bits on every rank: Σ W_r g_r / Σ W_r over the ranks r, whose rows count W_r
    /// together.
    pub async fn gradients(&mut self, batch: &[u32]) -> Result<Parameters> {
        let rows = self.cut.of(batch);
        let own = match self.failed.take() {
            Some(error) => Err(error),
            // Without rows its part of the sum is zero.
            None if rows.is_empty() => Ok(Parameters::zeros(&self.spec)),
            None => self.engine.gradients(rows).await,
        };
        let share = (self.counted(rows) / self.counted(batch)) as f32;
        let (mut gradient, error) = match own {
            Ok(gradient) => (gradient, None),
            Err(error) => (Parameters::zeros(&self.spec), Some(error)),
        };
        tensors_mut(&mut gradient).flatten().for_each(|value| *value *= share);
        // A bucket for each layer's weights, and one for all biases and the number of ranks that have failed.
        let mut rest: Vec<f32> = Vec::new();
        for layer in &mut gradient.layers {
            self.team.sum(layer.w.data_mut());
            rest.extend_from_slice(layer.b.data());
        }
        rest.push(f32::from(u8::from(error.is_some())));
        self.team.sum(&mut rest);
        let mut from = 0;
        for layer in &mut gradient.layers {
            let biases = layer.b.data_mut();
            biases.copy_from_slice(&rest[from..from + biases.len()]);
            from += biases.len();
        }
        told(self.team, rest[from], error.map_or(Ok(gradient), Err))
    }

    /// The sum of the weights of samples; without weights their number.
    fn counted(&self, samples: &[u32]) -> f64 {
        match self.train.as_ref().and_then(Samples::weights) {
            Some(weights) => samples.iter().map(|&sample| f64::from(weights[sample as usize])).sum(),
            None => samples.len() as f64,
        }
    }

    /// Where an error of another rank is told the next time that all meet.
    pub async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        self.steps += 1;
        let advanced = self.engine.advance(gradient).await;
        self.keep(advanced)
    }

    /// Keeps an error of a rank that does not lead until all meet.
    fn keep(&mut self, done: Result<()>) -> Result<()> {
        if self.team.rank() == 0 {
            return done;
        }
        self.failed = self.failed.take().or(done.err());
        Ok(())
    }

    pub async fn step(&mut self, batch: &[u32]) -> Result<()> {
        let gradient = self.gradients(batch).await?;
        self.advance(&gradient).await
    }

    /// Steps of its own on its rows of these samples' batches.
    pub async fn own_steps(&mut self, samples: &[u32]) -> Result<()> {
        let batches = samples.chunks(self.cut.batch_size());
        self.steps += batches.len() as u64;
        let rows = batches.flat_map(|batch| self.cut.of(batch)).copied().collect::<Vec<u32>>();
        self.own += rows.len();
        let mut done = 0;
        while done < rows.len() && self.failed.is_none() {
            match self.engine.train(&rows[done..]).await {
                Ok(taken) => done += taken,
                Err(error) => return self.keep(Err(error)),
            }
        }
        Ok(())
    }

    /// The mean of all weights and of what the optimisers remember, weighted by what each rank was trained on.
    pub async fn average(&mut self) -> Result<()> {
        let state = match self.failed.take() {
            Some(error) => Err(error),
            None => self.state().await,
        };
        let mut all = [self.own as f32, f32::from(u8::from(state.is_err()))];
        self.team.sum(&mut all);
        let (mut weights, mut memory) = told(self.team, all[1], state)?;
        let share = std::mem::take(&mut self.own) as f32 / all[0].max(1.0);
        for values in std::iter::once(&mut weights).chain(&mut memory.moments).flat_map(tensors_mut) {
            values.iter_mut().for_each(|value| *value *= share);
            self.team.sum(values);
        }
        // A rank that had no rows of a short batch has taken fewer.
        memory.steps = self.steps;
        agreed(self.team, self.engine.set_parameters(&weights, Some(&memory)).await)
    }

    async fn state(&mut self) -> Result<(Parameters, OptimizerState)> {
        Ok((self.engine.parameters().await?, self.engine.optimizer_state().await?))
    }

    /// The state as words of a call.
    pub async fn state_in_words(&mut self) -> Result<(Vec<u32>, OptimizerState)> {
        let (weights, memory) = self.state().await?;
        Ok((std::iter::once(&weights).chain(&memory.moments).flat_map(words).collect(), memory))
    }

    /// Takes over a state from words of a call.
    pub async fn set_state(&mut self, state: &[u32], steps: Option<u64>, moments: usize) -> Result<()> {
        (self.steps, self.own) = (steps.unwrap_or(0), 0);
        let set = async {
            let (weights, mut rest) = parameters(&self.spec, state)?;
            let mut memory = OptimizerState { steps: self.steps, moments: Vec::new() };
            for _ in 0..moments {
                let (moment, after) = parameters(&self.spec, rest)?;
                memory.moments.push(moment);
                rest = after;
            }
            self.engine.set_parameters(&weights, steps.map(|_| &memory)).await
        };
        agreed(self.team, set.await)
    }

    pub async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        agreed(self.team, self.engine.set_sums(sums).await)
    }

    pub async fn sums(&mut self) -> Result<Sums> {
        let own = self.engine.sums().await;
        added(self.team, own)
    }

    pub async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let own = match self.share(samples) {
            [] => Ok(Sums::default()),
            rows => self.engine.evaluate(split, rows).await,
        };
        added(self.team, own)
    }

    /// The logits of all samples, row by row; on other ranks than rank 0 nothing.
    pub async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Vec<f32>> {
        let own = match self.share(samples) {
            [] => Ok(Vec::new()),
            rows => self.engine.logits(split, rows).await.map(|logits| logits.data().to_vec()),
        };
        let own = agreed(self.team, own)?;
        let all = self.team.gather(bytemuck::cast_slice(&own));
        Ok(all.iter().flat_map(|bytes| bytemuck::pod_collect_to_vec::<u8, f32>(bytes)).collect())
    }

    /// The rank's share of samples that are only looked at.
    fn share<'s>(&self, samples: &'s [u32]) -> &'s [u32] {
        let at = |rank: usize| rank * samples.len() / self.team.size();
        &samples[at(self.team.rank())..at(self.team.rank() + 1)]
    }
}

/// What a rank has done, once all have done the same: an error if one of them has one.
pub(super) fn agreed<T>(team: &dyn Team, own: Result<T>) -> Result<T> {
    let mut failed = [f32::from(u8::from(own.is_err()))];
    team.sum(&mut failed);
    told(team, failed[0], own)
}

/// The same, where the number of those that have failed is known.
fn told<T>(team: &dyn Team, failed: f32, own: Result<T>) -> Result<T> {
    if failed == 0.0 {
        return own;
    }
    let all = team.gather(&Complaint::bytes(own.as_ref().err()));
    let others =
        || Complaint::first(&all).unwrap_or_else(|| Error::Internal("another rank has failed".into()));
    Err(own.err().unwrap_or_else(others))
}

/// The sums of all ranks together; on other ranks than rank 0 none.
fn added(team: &dyn Team, own: Result<Sums>) -> Result<Sums> {
    let unread = |error: serde_json::Error| Error::Internal(error.to_string());
    let own = agreed(team, own)?;
    let mut all = Sums::default();
    for bytes in team.gather(&serde_json::to_vec(&own).map_err(unread)?) {
        let Sums { loss, hits, samples } = serde_json::from_slice(&bytes).map_err(unread)?;
        all.loss.extend(loss);
        all.hits += hits;
        all.samples += samples;
    }
    Ok(all)
}
