//! `--config FILE`: options from TOML, or from the `config.json` of a run, under their own names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::step::optimizer::Algorithm;
#[cfg(feature = "tui")]
use crate::training::TrainConfig;
use crate::training::run::RunConfig;
#[cfg(feature = "tui")]
use crate::training::run::spelled;
use crate::words::spelling;

/// The largest size of a file of options.
const MAX_BYTES: u64 = 1 << 20;

/// The options of a training that differ from the defaults, as on a command line.
#[cfg(feature = "tui")]
pub(super) fn chosen(config: &TrainConfig) -> Result<String> {
    let run = |train: TrainConfig| RunConfig { train, ..RunConfig::for_optimizer(Algorithm::default()) };
    let defaults = run(TrainConfig::for_optimizer(config.optimizer)).values()?;
    let plain = run(TrainConfig::default()).values()?;
    let differs = |(name, value): &(&String, &Value)| {
        if name.as_str() == "optimizer" { plain[*name] != **value } else { defaults[*name] != **value }
    };
    let own = run(config.clone()).values()?;
    let chosen = own.iter().filter(differs).map(|(name, value)| {
        let name = name.replace('_', "-");
        match value {
            Value::Bool(_) => format!("--{name}"),
            value => format!("--{name} {}", spelled(value)),
        }
    });
    let chosen: Vec<String> = chosen.collect();
    Ok(if chosen.is_empty() { "default options".into() } else { chosen.join(" ") })
}

/// The values in a file, each of them checked.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::File`] if it is neither TOML nor JSON, names an unknown option,
/// or has an invalid value.
pub fn read(path: &Path) -> Result<Map<String, Value>> {
    let mut text = String::new();
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(Error::io("read", path))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::file(path, "larger than 1 MiB", "name a file of options"));
    }
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let parsed: Result<Map<String, Value>, String> = match is_json {
        true => serde_json::from_str(&text).map_err(|error| error.to_string()),
        false => toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned()),
    };
    let hint = "write one option per line, named as on the command line: batch-size = 64";
    let parsed = parsed.map_err(|error| Error::file(path, error, hint))?;

    let known = RunConfig::for_optimizer(Algorithm::default()).values()?;
    let mut checked = Map::new();
    for (name, value) in parsed {
        let key = name.replace('-', "_");
        if !known.contains_key(&key) {
            let names: Vec<String> = known.keys().map(|key| key.replace('_', "-")).collect();
            let meant = spelling::did_you_mean(&key.replace('_', "-"), names.iter().map(String::as_str));
            let hint = format!("options are {}", names.join(", "));
            return Err(Error::file(path, format!("there is no option `{name}`{meant}"), hint));
        }
        let mut alone = known.clone();
        alone.insert(key.clone(), value.clone());
        if let Err(error) = serde_json::from_value::<RunConfig>(Value::Object(alone)) {
            let hint = format!("such as {} = {}", key.replace('_', "-"), known[&key]);
            return Err(Error::file(path, format!("{name}: {error}"), hint));
        }
        if checked.insert(key, value).is_some() {
            return Err(Error::file(path, format!("`{name}` is given twice"), "leave one of them out"));
        }
    }
    Ok(checked)
}
