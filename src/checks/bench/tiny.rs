//! Steps of networks so small that one launch may take many of them, beside a launch or three for each.

use super::speed;
use super::subject::LEARNING_RATE;
use super::{Observer, TinyNetwork};
use crate::checks::selftest::{fused_steps, steps};
use crate::engine::{self, Device, Engine, Residency};
use crate::error::Result;
use crate::kernels::FusedSteps;
use crate::network::{MlpSpec, Parameters};
use crate::step::{Sgd, StepOptions};

/// Sizes of the layers: a table of flowers, and digits of 8 x 8.
const NETWORKS: [&[usize]; 2] = [&[4, 10, 3], &[64, 32, 10]];

/// Samples in a batch.
const BATCH_SIZE: usize = 32;

/// Batches in a row: some launches of the most steps.
const BATCHES: usize = 256;

/// Measures in about `seconds`. An observer that ends it gets none of the networks that are left.
pub(super) async fn measure(
    device: &Device,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Vec<TinyNetwork>> {
    let seconds = seconds / (3 * NETWORKS.len()) as f64;
    let mut found = Vec::new();
    for sizes in NETWORKS {
        let spec = MlpSpec::new(sizes.to_vec())?;
        let on = async |device: &Device| microseconds(device, &spec, seconds, observer).await;
        let (mut one_launch, mut launches) = (None, None);
        if let Device::Gpu(gpu) = device {
            if FusedSteps::runs_on(gpu) {
                one_launch = on(device).await?;
            }
            launches = on(&Device::Gpu(fused_steps::separately(gpu))).await?;
        }
        if let Some(cpu) = on(&Device::Cpu).await? {
            let layers = sizes.to_vec();
            found.push(TinyNetwork { layers, batch_size: BATCH_SIZE, one_launch, launches, cpu });
        }
    }
    Ok(found)
}

/// A step as it trains.
async fn microseconds(
    device: &Device,
    spec: &MlpSpec,
    seconds: f64,
    observer: &impl Observer,
) -> Result<Option<f64>> {
    let sgd = Sgd { lr: LEARNING_RATE, momentum: 0.0, weight_decay: 0.0 };
    let options = StepOptions::sgd(BATCH_SIZE, sgd);
    let mut engine = engine::open(device, spec, options, Residency::WhereTheyFit).await?;
    steps::load(&mut engine, spec).await?;
    engine.set_parameters(&Parameters::he_uniform(spec, 1), None).await?;
    let order: Vec<u32> = (0..BATCHES * BATCH_SIZE).map(|i| (i % steps::TRAIN) as u32).collect();
    let speed = speed::training(&mut engine, &order, BATCH_SIZE, seconds, observer).await?;
    Ok(speed.map(|speed| speed.seconds * 1e6 * BATCH_SIZE as f64 / speed.samples as f64))
}
