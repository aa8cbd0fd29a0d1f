//! `gpu-mlp data shard` and `data verify`: sets in parts, for data that exceed the memory.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::choice::LoadChoice;
use super::output::{note, say, thousands, words};
use crate::data::parts::{Entry, Manifest, PART_BYTES, Sharding, shard, verify};
use crate::data::{self, Format, Places};
use crate::error::Result;
use crate::words::numerals::counted;

const SHARD: &str = "\
Examples:
  gpu-mlp data shard a.parquet b.parquet c.parquet --out parts
  gpu-mlp data shard sensors/*.csv --label-column state --validation-fraction 0.1 --out parts
  gpu-mlp train --data parts --memory-limit 512MiB";

const VERIFY: &str = "\
Exit code: 0 if all parts are whole, 1 if some are not, 2 if the folder does not say what its parts are.

Examples:
  gpu-mlp data verify parts";

#[derive(Debug, clap::Args)]
#[command(after_help = SHARD)]
pub(super) struct ShardArgs {
    /// The rows of all of these are one set: names or paths, as for `train --data`. One at a time has to fit into memory
    #[arg(value_name = "NAME|PATH", required = true)]
    data: Vec<String>,
    /// Folder for the parts: new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Rows of a part in bytes, such as 8MiB; training holds ten parts in memory
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(PART_BYTES))]
    part_size: ByteSize,
    /// Folder of data sets to search first
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Memory for samples, such as 512MiB or 2GB
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(data::MEMORY_LIMIT))]
    memory_limit: ByteSize,
    #[command(flatten)]
    loading: LoadChoice,
}

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY)]
pub(super) struct VerifyArgs {
    /// Folder of the parts
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs `gpu-mlp data shard`.
pub(super) fn run_shard(args: &ShardArgs) -> Result<()> {
    let sharding = Sharding {
        data: &args.data,
        options: &args.loading.options(),
        data_dir: args.data_dir.as_deref(),
        memory_limit: args.memory_limit.0,
        part_bytes: args.part_size.0,
    };
    let (manifest, notes) = shard(&args.out, &sharding, &Places::of_this_machine(args.data_dir.as_deref()))?;
    notes.iter().for_each(|text| note(&words(text)));
    summary(&args.out, &manifest);
    say(&format!("train on it with: gpu-mlp train --data {}", Path::new(".").join(&args.out).display()));
    Ok(())
}

/// Runs `gpu-mlp data verify`, and returns the exit code.
pub(super) fn run_verify(args: &VerifyArgs) -> Result<u8> {
    let verdict = verify(&args.folder)?;
    summary(&args.folder, &verdict.manifest);
    for (file, problem) in &verdict.damaged {
        say(&format!("damaged  {}: {problem}", args.folder.join(file).display()));
    }
    let (damaged, all) = (verdict.damaged.len(), verdict.manifest.entries().count());
    if damaged == 0 {
        say(&format!("whole    {}: length and SHA-256 are as they were", counted(all, "part")));
        return Ok(0);
    }
    say(&format!(
        "{damaged} of {} damaged: restore the files, or make the parts again",
        counted(all, "part")
    ));
    Ok(1)
}

fn summary(folder: &Path, manifest: &Manifest) {
    let part = |name: &str, entries: &[Entry]| {
        let rows = entries.iter().map(|entry| entry.rows).sum();
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        say(&format!(
            "{name:<9}{} samples in {}, {}",
            thousands(rows),
            counted(entries.len(), "part"),
            ByteSize(bytes)
        ));
    };
    let values = if manifest.format == Format::Bytes { "bytes" } else { "numbers" };
    let Manifest { features, preparation, .. } = manifest;
    say(&format!("{}: {} {values} a sample", folder.display(), thousands(*features)));
    part("train", &manifest.train);
    let others = [("validate", &manifest.validation), ("test", &manifest.test)];
    others.iter().filter(|(_, entries)| !entries.is_empty()).for_each(|(name, entries)| part(name, entries));
    say(&format!("task     {}, {} outputs", preparation.task().name(), preparation.class_names.len()));
    say(&format!("scaling  {}", preparation.scaling.words()));
}
