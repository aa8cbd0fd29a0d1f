//! Trains on your own arrays: points on the three arms of a spiral, which no straight line can separate.
//!
//! `cargo run --release --example own_arrays`

use std::f32::consts::TAU;

use gpu_mlp::data::{Dataset, Outputs, Preparation, Samples, Scaling};
use gpu_mlp::engine::CpuEngine;
use gpu_mlp::optimizer::Algorithm;
use gpu_mlp::trainer::{TrainConfig, Trainer, Unobserved};

const ARMS: usize = 3;

/// `points` on each arm: the coordinates, row after row, and the arm of each point.
fn spiral(points: usize) -> (Vec<f32>, Vec<u32>) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for arm in 0..ARMS {
        for i in 0..points {
            let radius = (i as f32 + 0.5) / points as f32;
            let angle = TAU * (arm as f32 / ARMS as f32 + 0.75 * radius);
            values.extend([radius * angle.cos(), radius * angle.sin()]);
            labels.push(arm as u32);
        }
    }
    (values, labels)
}

fn main() -> gpu_mlp::Result<()> {
    let samples = |points| {
        let (values, labels) = spiral(points);
        Samples::of_floats(2, &values, labels, ARMS)
    };
    let dataset = Dataset {
        validation: None,
        name: "spiral".into(),
        origin: "own arrays".into(),
        image_shape: [1, 2],
        classes: ARMS,
        preparation: Preparation {
            scaling: Scaling::None,
            class_names: ["first", "second", "third"].map(String::from).to_vec(),
            outputs: Outputs::Classes,
            schema: None,
            frame: None,
        },
        train: samples(400)?,
        test: samples(77)?,
    };
    let config = TrainConfig {
        hidden: vec![32, 32],
        batch_size: 32,
        epochs: 40,
        optimizer: Algorithm::Adam,
        lr: 0.01,
        ..TrainConfig::default()
    };

    let (spec, options) = (config.spec(&dataset)?, config.step_options(&dataset)?);
    let mut engine = CpuEngine::new(&spec, options);
    let history = pollster::block_on(async {
        let mut trainer = Trainer::start(&mut engine, &config, &dataset).await?;
        trainer.run(&mut Unobserved).await?;
        Ok::<_, gpu_mlp::Error>(trainer.history().to_vec())
    })?;

    for record in history.iter().step_by(10).chain(history.last()) {
        println!(
            "epoch {:2}  test loss {:.4}  accuracy {:.1} %",
            record.epoch,
            record.test.loss,
            100.0 * record.test.accuracy()
        );
    }
    let learnt = history.last().is_some_and(|record| record.test.accuracy() > 0.95);
    assert!(learnt, "the arms have not been told apart");
    Ok(())
}
