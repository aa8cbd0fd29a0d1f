//! A training loop of your own over an engine: the first epochs leave out what the network finds easy.
//!
//! The engine keeps the network and the samples. It returns the gradient of given samples, and takes a step along a given
//! gradient; everything else is up to the loop. With a GPU the same loop runs on it:
//! `cargo run --release --example custom_loop -- gpu`.

use gpu_mlp::data::{self, Dataset, Request, Split};
use gpu_mlp::engine::{self, Device, Engine, Residency};
use gpu_mlp::gpu::{Gpu, adapter};
use gpu_mlp::metrics::Sums;
use gpu_mlp::model::Parameters;
use gpu_mlp::trainer::{TrainConfig, shuffled};

/// Training samples that the network predicts wrongly, or correctly with a probability below `sure`.
async fn hard(engine: &mut impl Engine, dataset: &Dataset, sure: f32) -> gpu_mlp::Result<Vec<u32>> {
    let all: Vec<u32> = (0..dataset.train.len() as u32).collect();
    let logits = engine.logits(Split::Train, &all).await?;
    let is_hard = |&sample: &u32| {
        let (row, right) = (logits.row(sample as usize), dataset.train.labels()[sample as usize] as usize);
        let sum: f32 = row.iter().map(|logit| (logit - row[right]).exp()).sum();
        1.0 / sum < sure
    };
    Ok(all.into_iter().filter(is_hard).collect())
}

async fn train(engine: &mut impl Engine, dataset: &Dataset, config: &TrainConfig) -> gpu_mlp::Result<f64> {
    let spec = config.spec(dataset)?;
    let parameters = Parameters::initial(&spec, config.seed);
    engine.set_parameters(&parameters, None).await?;
    let mut accuracy = 0.0;
    for epoch in 0..config.epochs {
        let chosen = hard(engine, dataset, 0.9).await?;
        let order = shuffled(&chosen, config.seed, epoch);
        engine.set_sums(&Sums::default()).await?;
        // Each step goes along the mean gradient of two batches, as if two machines had one each. Where nothing is to be
        // done with a gradient, `engine.train(&order[done..])` takes whole steps, and many of them at once.
        for pair in order.chunks(2 * config.batch_size) {
            let mut mean = Parameters::zeros(&spec);
            for batch in pair.chunks(config.batch_size) {
                let share = batch.len() as f32 / pair.len() as f32;
                mean.add(share, &engine.gradients(batch).await?)?;
            }
            engine.advance(&mean).await?;
        }
        let all: Vec<u32> = (0..dataset.test.len() as u32).collect();
        accuracy = engine.evaluate(Split::Test, &all).await?.score().accuracy();
        println!(
            "epoch {}: {} hard samples, then test accuracy {:.1} %",
            epoch + 1,
            order.len(),
            100.0 * accuracy
        );
    }
    Ok(accuracy)
}

fn main() -> gpu_mlp::Result<()> {
    let dataset = data::load(Request { data: Some("digits"), ..Request::default() })?.dataset;
    let config = TrainConfig { hidden: vec![64], epochs: 5, lr: 0.2, ..TrainConfig::default() };
    let (spec, options) = (config.spec(&dataset)?, config.step_options(&dataset)?);
    let on_gpu = std::env::args().nth(1).is_some_and(|device| device == "gpu");
    let accuracy = pollster::block_on(async {
        let found = if on_gpu { adapter::find(&adapter::Request::default()).await? } else { None };
        let device = match found {
            Some(adapter) => Device::Gpu(Gpu::open(&adapter).await?),
            None => Device::Cpu,
        };
        let mut engine = engine::open(&device, &spec, options, Residency::WhereTheyFit).await?;
        engine.load_dataset(&dataset).await?;
        train(&mut engine, &dataset, &config).await
    })?;
    assert!(accuracy > 0.9, "the network has not learnt");
    Ok(())
}
