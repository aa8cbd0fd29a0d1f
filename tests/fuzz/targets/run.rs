//! What a run writes and reads again, and files of options.

use std::fs;

use gpu_mlp::checkpoint::{self, ModelInfo, Progress, State};
use gpu_mlp::cli::config_file;
use gpu_mlp::data::{Dataset, Outputs, Preparation, Samples, Scaling};
use gpu_mlp::metrics::{EpochRecord, Measure, Score, Sums};
use gpu_mlp::model::{MlpSpec, OptimizerState, Parameters};
use gpu_mlp::run::event::Event;
use gpu_mlp::run::{RunConfig, RunDir};
use gpu_mlp::trainer::{Plan, TrainConfig};

use super::target;
use crate::driver::{Mutate, Target};
use crate::json;
use crate::mutate::edited;
use crate::place::{self, judged};

/// A small network's parameters.
pub fn network() -> (MlpSpec, Parameters) {
    let spec = MlpSpec::new(vec![3, 2, 2]).unwrap();
    let parameters = Parameters::he_uniform(&spec, 1);
    (spec, parameters)
}

pub fn model() -> Target {
    let (folder, path) = place::file("model.safetensors");
    let (spec, parameters) = network();
    let class_names = vec!["no".to_owned(), "yes".to_owned()];
    let columns = Scaling::Columns { shift: vec![1.0, 2.0, 3.0], factor: vec![0.5, 0.0, 4.0] };
    let mut seeds: Vec<Vec<u8>> = [Scaling::Bytes, Scaling::None, columns]
        .into_iter()
        .map(|scaling| {
            let preparation = Preparation {
                scaling,
                class_names: class_names.clone(),
                outputs: Outputs::Classes,
                schema: None,
                frame: None,
            };
            let info = ModelInfo { spec: spec.clone(), preparation };
            checkpoint::save_model(&path, &parameters, &info).unwrap();
            without_checksum(&fs::read(&path).unwrap())
        })
        .collect();
    // As an earlier version wrote it.
    let bare = r#"{\"layers\":[3,2,2],\"activation\":\"relu\",\"input_scale\":0.00392156862745098}"#;
    seeds.push(with_metadata(&seeds[0], bare));
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let (parameters, ModelInfo { spec, preparation }) = judged(checkpoint::load_model(&path))?;
        parameters.check(&spec).unwrap();
        assert_eq!(preparation.class_names.len(), spec.classes(), "as many names as classes");
        if let Scaling::Columns { shift, factor } = &preparation.scaling {
            assert_eq!(
                (shift.len(), factor.len()),
                (spec.inputs(), spec.inputs()),
                "a scaling for each input"
            );
            assert!(shift.iter().chain(factor).all(|value| value.is_finite()));
        }
        Ok(())
    };
    target("model", seeds, json::mutate_safetensors, Box::new(read))
}

/// The file with other words in its metadata.
pub fn with_metadata(file: &[u8], escaped: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    header["__metadata__"]["gpu_mlp"] = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &file[8 + length..]].concat()
}

/// The file as it was before it had a checksum, which would keep all that is mutated from what lies behind it.
fn without_checksum(file: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let text = header["__metadata__"]["gpu_mlp"].as_str().unwrap();
    let mut info: serde_json::Value = serde_json::from_str(text).unwrap();
    assert!(info.as_object_mut().unwrap().remove("sha256").is_some());
    let escaped = serde_json::to_string(&info.to_string()).unwrap();
    with_metadata(file, &escaped[1..escaped.len() - 1])
}

pub fn checkpoint() -> Target {
    let (folder, path) = place::file("checkpoint.safetensors");
    let (spec, parameters) = network();
    let sums = Sums { loss: vec![0.5, 0.25], hits: 3, samples: 8 };
    let progress = Progress { epochs: 2, samples: 8, sums, lr_halvings: 1 };
    let seed = |moments: usize, best: bool| {
        let optimizer = OptimizerState { steps: 9, moments: vec![Parameters::zeros(&spec); moments] };
        let (progress, parameters) = (progress.clone(), parameters.clone());
        let state = State { progress, best: best.then(|| parameters.clone()), parameters, optimizer };
        checkpoint::save_state(&path, &state).unwrap();
        without_checksum(&fs::read(&path).unwrap())
    };
    let seeds = vec![seed(0, false), seed(1, true), seed(2, false)];
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let state = judged(checkpoint::load_state(&path, &spec))?;
        state.parameters.check(&spec).unwrap();
        Ok(())
    };
    target("checkpoint", seeds, json::mutate_safetensors, Box::new(read))
}

fn small_set() -> Dataset {
    let samples = || Samples::new(4, (0..40).collect(), vec![0, 1, 0, 1, 1, 0, 1, 0, 1, 1], 2).unwrap();
    Dataset {
        name: "small".into(),
        origin: "a test".into(),
        image_shape: [2, 2],
        classes: 2,
        preparation: Preparation::of_images(2),
        train: samples(),
        validation: Some(samples()),
        test: samples(),
    }
}

fn run_config(train: TrainConfig) -> RunConfig {
    let (data, backend) = ("digits".into(), "cpu".into());
    let defaults = RunConfig::for_optimizer(train.optimizer);
    RunConfig { data, backend, train, ..defaults }
}

pub fn config() -> Target {
    let folder = place::folder();
    let path = folder.path().join("config.json");
    let set = small_set();
    let full = TrainConfig {
        early_stopping: Some(3),
        overfit_batches: Some(2),
        batch_size: 2,
        ..TrainConfig::default()
    };
    let seed = |train| serde_json::to_vec_pretty(&run_config(train)).unwrap();
    let seeds = vec![seed(TrainConfig { batch_size: 2, ..TrainConfig::default() }), seed(full)];
    let read = move |input: &[u8]| {
        fs::write(&path, input).unwrap();
        let config = judged(RunDir::open(folder.path()).and_then(|run| run.config()))?;
        can_be_trained(&config, &set)
    };
    target("config", seeds, json::mutate, Box::new(read))
}

/// Everything about a configuration that is looked at before training begins.
fn can_be_trained(config: &RunConfig, set: &Dataset) -> Result<(), String> {
    judged(config.train.check())?;
    judged(config.train.spec(set))?;
    let plan = judged(Plan::new(&config.train, set))?;
    let options = judged(config.train.step_options(set))?;
    let last = options.schedule.total.saturating_sub(1);
    assert!([0, last].iter().all(|&step| options.schedule.rate(step).lr.is_finite()), "{options:?}");
    assert!(!plan.train.is_empty() && !plan.test.is_empty());
    Ok(())
}

/// A file of options.
pub fn options() -> Target {
    let set = small_set();
    let seeds = [
        "hidden = [4, 2]\nbatch-size = 2\nlr = 0.5 # fast\noptimizer = \"adam\"\n",
        "data = 'digits'\nbatch_size = 3\nlr-schedule = \"cosine\"\nlr_min = 1e-3\nwarmup-epochs = 0.5\n",
        "batch-size = 2\nlr-schedule = \"step\"\nlr-step-epochs = 2\ndropout = 0.5\nscale = \"minmax\"\n",
    ];
    let seeds = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    let (folder, path) = place::file("options.toml");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let given = judged(config_file::read(&path))?;
        let mut values = serde_json::to_value(run_config(TrainConfig::default())).unwrap();
        values.as_object_mut().unwrap().extend(given);
        // Each value was looked at on its own.
        can_be_trained(&serde_json::from_value(values).unwrap(), &set)
    };
    let mutate: Mutate = |rng, input, other| {
        let words =
            ["=", "\n", "[", "]", "[[a]]\n", "[a.b]\n", "{", "}", "\"", "epochs", "true", "1979-05-27", "_"];
        edited(rng, input, other, &words)
    };
    target("options", seeds, mutate, Box::new(read))
}

pub fn metrics() -> Target {
    let folder = place::folder();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    let path = folder.path().join("metrics.jsonl");
    let line = |epoch| {
        let record = EpochRecord {
            epoch,
            train: Score::of_loss(0.5).with(Measure::Accuracy, 0.75),
            test: Score::of_loss(0.5).with(Measure::R2, 1.0),
            validation: (epoch > 1).then(|| Score::of_loss(0.25)),
            seconds: 0.5,
            samples_per_second: 1e5,
        };
        serde_json::to_string(&Event::Epoch(Box::new(record))).unwrap()
    };
    let recovery = r#"{"event":"recovery","epoch":2,"problem":"x","action":"lower-lr","lr":0.5}"#;
    let seed = format!("{{\"event\":\"start\",\"data\":\"x\"}}\n{}\n{recovery}\n{}\n", line(1), line(2));
    let progress = Progress { epochs: 2, lr_halvings: 1, ..Progress::default() };
    let read = move |input: &[u8]| {
        fs::write(&path, input).unwrap();
        let run = RunDir::open(folder.path()).unwrap();
        let records = judged(run.rewind(&progress))?;
        assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2]);
        // What was kept is kept again.
        assert_eq!(run.rewind(&progress).unwrap(), records);
        Ok(())
    };
    target("metrics", vec![seed.into_bytes()], json::mutate_lines, Box::new(read))
}
