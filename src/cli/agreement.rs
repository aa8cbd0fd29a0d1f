//! Whether all ranks of a team are about to do the same: with the same program, options and data.

use std::fs::File;
use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::output::told;
use crate::data::{Dataset, Fingerprint};
use crate::engine::team::Team;
use crate::error::{Error, Result};
use crate::training::run::{RunConfig, spelled};

/// Options in which ranks may differ: where the data lie, and what each computes on.
const OWN: [&str; 4] = ["data", "backend", "adapter", "precision"];

/// What a rank is about to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Intent {
    machine: String,
    /// The version of the program, and the length and checksum of its file.
    build: String,
    options: Map<String, Value>,
    data: Option<Fingerprint>,
    /// Why it cannot, and the exit code for that.
    error: Option<(String, u8)>,
}

/// Compares what all ranks are about to do, if they can; the exit code if this one has to end since rank 0 says so.
///
/// # Errors
/// On rank 0 the first rank that cannot begin, or is about to do something else.
pub(super) fn agree(team: &dyn Team, ready: Result<(&RunConfig, &Dataset), &Error>) -> Result<Option<u8>> {
    let intent = Intent::of(team, ready);
    let bytes = serde_json::to_vec(&intent).map_err(|error| Error::Internal(error.to_string()))?;
    let all = team.gather(&bytes);
    let judged = if team.rank() == 0 { judge(&all) } else { Ok(()) };
    let mut verdict: Vec<u8> = judged.as_ref().err().map(Error::exit_code).into_iter().collect();
    team.broadcast(&mut verdict);
    match (judged, ready) {
        // In its own words, which say what to do.
        (Err(_), Err(_)) if team.rank() == 0 => Ok(None),
        (Err(error), _) => Err(error),
        (Ok(()), _) => Ok(verdict.first().copied()),
    }
}

impl Intent {
    fn of(team: &dyn Team, ready: Result<(&RunConfig, &Dataset), &Error>) -> Self {
        let said = |error: &Error| (told(error), error.exit_code());
        let own = ready.map_err(said).and_then(|(config, dataset)| {
            let both = || Ok((config.values()?, dataset.fingerprint()?));
            both().map_err(|error: Error| said(&error))
        });
        let (mut options, data, error) = match own {
            Ok((options, data)) => (options, Some(data), None),
            Err(error) => (Map::new(), None, Some(error)),
        };
        options.retain(|name, _| !OWN.contains(&name.as_str()));
        Self { machine: team.machine(), build: build(), options, data, error }
    }
}

fn judge(all: &[Vec<u8>]) -> Result<()> {
    let unread =
        |error: serde_json::Error| Error::usage(format!("another version of the program is a rank: {error}"));
    let all: Vec<Intent> =
        all.iter().map(|bytes| serde_json::from_slice(bytes)).collect::<Result<_, _>>().map_err(unread)?;
    let failed = all.iter().enumerate().find_map(|(rank, intent)| Some((rank, intent.error.as_ref()?)));
    if let Some((rank, (told, exit_code))) = failed {
        let told = format!("on {}: {told}", all[rank].machine);
        return Err(Error::Rank { rank, told, exit_code: *exit_code });
    }
    let [first, others @ ..] = &all[..] else { return Ok(()) };
    let differs =
        others.iter().zip(1..).find_map(|(other, rank)| Some((rank, other, difference(other, first)?)));
    match differs {
        None => Ok(()),
        Some((rank, other, what)) => {
            let problem = format!("rank {rank} on {} has {what}", other.machine);
            Err(Error::usage(problem).hint("start all ranks with the same program, options and data"))
        }
    }
}

/// What a rank has otherwise than rank 0.
fn difference(other: &Intent, first: &Intent) -> Option<String> {
    if other.build != first.build {
        return Some(format!(
            "another build of the program than rank 0: {}, not {}",
            other.build, first.build
        ));
    }
    let all = || other.options.keys().chain(first.options.keys());
    let of = |intent: &Intent, name: &String| intent.options.get(name).map_or("nothing".into(), spelled);
    if let Some(name) = all().find(|&name| other.options.get(name) != first.options.get(name)) {
        let [own, its] = [first, other].map(|intent| of(intent, name));
        return Some(format!("other options than rank 0: --{} {its}, not {own}", name.replace('_', "-")));
    }
    let said = |data: &Option<Fingerprint>| match data {
        Some(Fingerprint { samples, hash }) => format!("{samples} samples with the hash {hash}"),
        None => "none".to_owned(),
    };
    (other.data != first.data)
        .then(|| format!("other data than rank 0: {}, not {}", said(&other.data), said(&first.data)))
}

/// What tells builds of the program apart.
fn build() -> String {
    let sum = || -> std::io::Result<(u64, u32)> {
        let mut file = File::open(std::env::current_exe()?)?;
        let (mut length, mut sum, mut piece) = (0, 0, vec![0; 1 << 20]);
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok((length, sum));
            }
            length += read as u64;
            sum = crc32c::crc32c_append(sum, &piece[..read]);
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    match sum() {
        Ok((length, sum)) => format!("{version}, {length} bytes with the checksum {sum:08x}"),
        Err(error) => format!("{version}, not to be read ({error})"),
    }
}
