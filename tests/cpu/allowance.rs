//! Who watches a run holds it up, and says how far it goes.

use gpu_mlp::Result;
use gpu_mlp::step::metrics::EpochRecord;
use gpu_mlp::training::checkpoint::State;
use gpu_mlp::training::{Observer, TrainConfig, Trainer};
use pollster::block_on;

use crate::tiny;
use crate::trainer::{config, engine};

/// Asks for its state before each wait.
#[derive(Default)]
struct Slow {
    asked: Vec<usize>,
    heard: Vec<usize>,
    saved: Vec<usize>,
    told: bool,
}

impl Observer for Slow {
    fn progress(&mut self, _epoch: usize, samples: usize, _of: usize) {
        self.heard.push(samples);
        self.told = false;
    }

    fn epoch(&mut self, _record: &EpochRecord, _state: &State) -> Result<()> {
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.saved.push(state.progress.samples);
        self.told = true;
        Ok(())
    }

    fn should_stop(&self) -> bool {
        false
    }

    fn should_save(&self) -> bool {
        !self.heard.is_empty() && !self.told
    }

    async fn allowance(&mut self, left: usize) -> usize {
        // A run that waits has told how far it is.
        assert!(self.heard.is_empty() || self.told);
        self.asked.push(left);
        // 0 counts as 1 would: a run that is asked for nothing does not stand still.
        if self.asked.len() == 1 { 0 } else { 8 }
    }
}

#[test]
fn an_observer_says_how_many_samples_come_next() {
    let dataset = tiny::dataset();
    let config = TrainConfig { batch_size: 8, epochs: 1, ..config() };
    let mut slow = Slow::default();
    let mut engine = engine(&config, &dataset);
    let mut trainer = block_on(Trainer::start(&mut engine, &config, &dataset)).unwrap();
    block_on(trainer.run(&mut slow)).unwrap();
    let samples = dataset.train.len();
    assert_eq!(slow.asked[..3], [samples, samples - 1, samples - 9]);
    assert_eq!(slow.asked.len(), 1 + (samples - 1).div_ceil(8));
    assert_eq!(slow.heard[..3], [1, 9, 17]);
    assert_eq!(slow.heard.last(), Some(&samples));
    // The epoch's end tells the rest.
    assert_eq!(slow.saved, slow.heard[..slow.heard.len() - 1]);
}
