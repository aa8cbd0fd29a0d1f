//! The configuration of a run, from options, a file, and the run's first configuration.

use serde_json::Value;

use super::args::TrainArgs;
use super::config_file;
use crate::cli::choice::absolute;
use crate::error::{Error, Result};
use crate::network::MlpSpec;
use crate::step::optimizer::Algorithm;
use crate::training::run::RunConfig;

/// The values of all options, including defaults.
fn asked(args: &TrainArgs) -> RunConfig {
    RunConfig {
        data: args.data.data.clone().unwrap_or_default(),
        loading: args.data.loading.options(),
        backend: args.device.backend.name().into(),
        adapter: args.device.adapter.clone(),
        precision: args.device.precision,
        init: args.init.as_deref().map(absolute),
        train: args.options.config(args.dry_run),
    }
}

/// The configuration of a new run: defaults, then the file, then the options that were given.
pub(in crate::cli) fn configured(args: &TrainArgs, given: &[String]) -> Result<RunConfig> {
    let asked = asked(args);
    let Some(path) = &args.config else { return Ok(asked) };
    let (asked_values, mut values) = (asked.values()?, config_file::read(path)?);
    for option in given {
        if let Some(value) = asked_values.get(option) {
            values.insert(option.clone(), value.clone());
        }
    }
    let optimizer = match values.get("optimizer") {
        // The file's values have been looked at one by one.
        Some(name) => {
            serde_json::from_value(name.clone()).map_err(|error| Error::Internal(error.to_string()))?
        }
        None => Algorithm::default(),
    };
    let mut all = RunConfig::for_optimizer(optimizer).values()?;
    all.append(&mut values);
    serde_json::from_value(Value::Object(all)).map_err(|error| Error::Internal(error.to_string()))
}

/// The options that `--init` fixes: sizes, activation, loss and scaling.
///
/// # Errors
/// [`Error::Usage`] if they are asked for too.
pub(in crate::cli) fn begin_with(spec: &MlpSpec, config: &mut RunConfig, given: &[String]) -> Result<()> {
    let fixed = ["hidden", "activation", "loss", "task", "scale", "columns", "exclude", "max_categories"];
    if let Some(name) = given.iter().find(|name| fixed.contains(&name.as_str())) {
        let name = name.replace('_', "-");
        return Err(Error::usage(format!(
            "--{name} cannot be combined with --init: layers, activation, loss, task, columns and scaling come from the model\n  hint: leave \
             --{name} out"
        )));
    }
    let sizes = spec.sizes();
    config.train.hidden = sizes[1..sizes.len() - 1].to_vec();
    config.train.activation = spec.activation().clone();
    config.train.loss = Some(spec.loss());
    Ok(())
}

/// The configuration of a resumed run: its own, except for options that may change.
pub(in crate::cli) fn resumed(own: RunConfig, args: &TrainArgs, given: &[String]) -> Result<RunConfig> {
    let asked = asked(args);
    let (own_values, asked_values) = (own.values()?, asked.values()?);
    let mut config = own;
    for option in given {
        match option.as_str() {
            "epochs" => config.train.epochs = asked.train.epochs,
            "backend" => {
                config.backend.clone_from(&asked.backend);
                // The run's adapter was one of its backend's.
                config.adapter.clone_from(&asked.adapter);
            }
            "adapter" => config.adapter.clone_from(&asked.adapter),
            // It belongs to the adapter: another may not have it.
            "precision" => config.precision = asked.precision,
            "data" => {} // compared once both are places
            name => match (own_values.get(name), asked_values.get(name)) {
                (Some(own), Some(asked)) if own != asked => {
                    return Err(conflict(&name.replace('_', "-"), asked, own));
                }
                _ => {}
            },
        }
    }
    Ok(config)
}

pub(in crate::cli) fn conflict(
    option: &str,
    asked: &dyn std::fmt::Display,
    own: &dyn std::fmt::Display,
) -> Error {
    Error::usage(format!(
        "--{option} {asked} differs from the run's {own}\n  hint: a resumed run keeps its configuration; only \
         --epochs, --backend, --adapter and --precision may change"
    ))
}
