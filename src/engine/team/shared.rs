//! The engine of rank 0: it calls all ranks, and does its own part.

use super::call::{Call, What, words};
use super::part::{Part, agreed};
use super::teamwork::Teamwork;
use crate::data::{Samples, Split};
use crate::engine::contract::{Engine, EngineInfo, check_batch};
use crate::error::Result;
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// Batches of steps of their own that ranks take in one call at most.
const BATCHES_PER_CALL: usize = 16;

/// A network in the hands of a team. With gradients that are averaged in every step, it does with each batch what one engine
/// does that has the whole of it, but for the order of sums.
pub struct Shared<'t, E: Engine> {
    part: Part<'t, E>,
    info: EngineInfo,
    sync_every: Option<usize>,
    /// Batches since the ranks have averaged their weights.
    since: usize,
    /// Whether all ranks have the same weights, to the bit.
    settled: bool,
}

impl<'t, E: Engine> Shared<'t, E> {
    /// Over an engine whose options are those of rank 0's [`Cut`](super::Cut) of batches of `batch_size` samples. The other
    /// ranks open theirs, for a learning rate that was halved so many times.
    ///
    /// # Errors
    /// [`Error::Rank`](crate::error::Error::Rank) if one of them cannot.
    pub fn new(
        engine: E,
        teamwork: Teamwork<'t>,
        spec: &MlpSpec,
        batch_size: usize,
        lr_halvings: u32,
    ) -> Result<Self> {
        let Teamwork { team, sync_every } = teamwork;
        Call::new(What::Open { lr_halvings }).send(team);
        let engine = agreed(team, Ok(engine))?;
        let own = engine.info();
        let all = team.gather(&serde_json::to_vec(&own).unwrap_or_default());
        let mut adapters: Vec<String> = Vec::new();
        for info in all.iter().filter_map(|bytes| serde_json::from_slice::<EngineInfo>(bytes).ok()) {
            if !adapters.contains(&info.adapter) {
                adapters.push(info.adapter);
            }
        }
        let rhythm =
            sync_every.map_or(String::new(), |steps| format!(", weights averaged every {steps} steps"));
        let adapter = format!("{} ranks of {}{rhythm}", team.size(), adapters.join(" and "));
        let part = Part::new(engine, team, spec, batch_size);
        Ok(Self { part, info: EngineInfo { adapter, ..own }, sync_every, since: 0, settled: false })
    }

    fn call(&self, what: What, words: &[u32]) {
        Call::with(what, words).send(self.part.team);
    }

    /// Gives all ranks the same weights, before anybody looks at them: the mean, or where they had the same gradients those of
    /// rank 0, from which devices of another kind may be off by what they have rounded.
    async fn settle(&mut self) -> Result<()> {
        if self.settled {
            return Ok(());
        }
        if self.since > 0 {
            self.call(What::Average, &[]);
            self.part.average().await?;
            self.since = 0;
        } else {
            let (state, memory) = self.part.state_in_words().await?;
            self.put(&state, Some(memory.steps), memory.moments.len()).await?;
        }
        self.settled = true;
        Ok(())
    }

    async fn put(&mut self, state: &[u32], steps: Option<u64>, moments: usize) -> Result<()> {
        self.call(What::State { steps, moments }, state);
        self.part.set_state(state, steps, moments).await
    }
}

impl<E: Engine> Drop for Shared<'_, E> {
    fn drop(&mut self) {
        // Where the process breaks down nobody is called any more.
        if !std::thread::panicking() {
            self.call(What::Close, &[]);
        }
    }
}

impl<E: Engine> Engine for Shared<'_, E> {
    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.call(What::Load { split: split as usize }, &[]);
        self.part.load(split, Ok(samples)).await
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let batch_size = self.part.cut.batch_size();
        let batches = self.sync_every.map_or(1, |steps| (steps - self.since).min(BATCHES_PER_CALL));
        let now = &samples[..samples.len().min(batches * batch_size)];
        self.settled = false;
        let Some(steps) = self.sync_every else {
            self.call(What::Step, now);
            self.part.step(now).await?;
            return Ok(now.len());
        };
        self.since += now.len().div_ceil(batch_size);
        let average = self.since >= steps;
        self.call(What::OwnSteps { average }, now);
        let done = self.part.own_steps(now).await;
        if average {
            // The others average whatever has become of rank 0's steps.
            let averaged = self.part.average().await;
            self.since = 0;
            done.and(averaged)?;
            self.settled = true;
        } else {
            done?;
        }
        Ok(now.len())
    }

    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        check_batch(samples, self.part.cut.batch_size())?;
        self.call(What::Gradients, samples);
        self.part.gradients(samples).await
    }

    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        gradient.check(self.part.spec())?;
        self.settled = false;
        self.call(What::Advance, &words(gradient).collect::<Vec<u32>>());
        self.part.advance(gradient).await
    }

    async fn sums(&mut self) -> Result<Sums> {
        self.settle().await?;
        self.call(What::Sums, &[]);
        self.part.sums().await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.call(What::Clear, &[]);
        self.part.set_sums(sums).await
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        self.settle().await?;
        self.call(What::Evaluate { split: split as usize }, samples);
        self.part.evaluate(split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.settle().await?;
        self.call(What::Logits { split: split as usize }, samples);
        let values = self.part.logits(split, samples).await?;
        Tensor::new([samples.len(), self.part.spec().classes()], values)
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        self.settle().await?;
        self.part.engine.parameters().await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        self.settle().await?;
        self.part.engine.optimizer_state().await
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        parameters.check(self.part.spec())?;
        let moments = optimizer.map_or(&[][..], |state| &state.moments);
        moments.iter().try_for_each(|moment| moment.check(self.part.spec()))?;
        let state: Vec<u32> = std::iter::once(parameters).chain(moments).flat_map(words).collect();
        let put = self.put(&state, optimizer.map(|state| state.steps), moments.len()).await;
        (self.since, self.settled) = (0, put.is_ok());
        put
    }
}
