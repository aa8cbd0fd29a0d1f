//! Makes a folder of parts out of files, of which one at a time has to fit into memory.
//!
//! The files are read twice: first for what is fitted to the training rows of all of them (scaling, classes, columns), then for the
//! samples. If the training rows of all files do not fit into memory together, every second of them is looked at, or every fourth, and
//! so on.

use std::fs;
use std::path::Path;

use super::gather::{Counts, Gathered, gather, of_file};
use super::manifest::{Manifest, VERSION};
use super::stage::Stage;
use crate::data::locate::{Loaded, Places, Request, load_from};
use crate::data::samples::Samples;
use crate::data::source::{Fitted, LoadOptions};
use crate::data::{Dataset, Split};
use crate::error::{Error, Message, Result, Setting, message};

/// Bytes of the rows of a part, if nobody says otherwise: 8 MiB.
pub const PART_BYTES: u64 = 8 << 20;

/// The most parts: each has a file.
const MOST_PARTS: usize = 100_000;

/// What parts are to be made of.
#[derive(Debug, Clone, Copy)]
pub struct Sharding<'a> {
    /// Files, folders or known names: the rows of all of them are one set.
    pub data: &'a [String],
    /// How they are read, and what is split off.
    pub options: &'a LoadOptions,
    /// Where known names are looked for.
    pub data_dir: Option<&'a Path>,
    /// Bytes of samples to hold in memory.
    pub memory_limit: u64,
    /// About how many bytes the rows of a part have.
    pub part_bytes: u64,
}

/// Makes the parts in a folder, which has to be empty if it is there. Returns what is to be said beside it.
///
/// # Errors
/// [`Error::Usage`] for a folder that holds something, and options that cannot be meant; what reading the files reports.
pub fn shard(folder: &Path, sharding: &Sharding<'_>, places: &Places) -> Result<(Manifest, Vec<Message>)> {
    if sharding.options.class_weight.is_some() {
        let problem = message![Setting::ClassWeight, " is for training: parts have no weights of classes"];
        return Err(Error::usage(problem).hint("give it to `gpu-mlp train`"));
    }
    let is_empty = || folder.read_dir().map(|mut entries| entries.next().is_none());
    if folder.exists() && !is_empty().map_err(Error::io("read", folder))? {
        let problem = message![Setting::Out.set(folder.display()), ": the folder holds something"];
        return Err(Error::usage(problem).hint("name an empty folder, or one that is not there"));
    }
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let made = made(folder, sharding, places);
    if made.is_err() {
        // What is there is of no use to anybody.
        let _ = fs::remove_dir_all(folder);
    }
    made
}

fn made(folder: &Path, sharding: &Sharding<'_>, places: &Places) -> Result<(Manifest, Vec<Message>)> {
    let Sharding { data, options, .. } = *sharding;
    let reading = sharding.request(None, options, None).reading(false);
    let Gathered { dataset, counts, mut notes } = gather(data, options, reading, places)?;
    let Dataset { name, image_shape, preparation, train, .. } = dataset;
    let (inputs, row_bytes) = (train.features(), train.row_bytes());
    drop(train);
    let staging = tempfile::tempdir_in(folder).map_err(Error::io("create a folder in", folder))?;
    let stage = |split: Split| {
        let rows: usize = counts.iter().map(|counts| counts[split as usize]).sum();
        let parts = (rows as u64).saturating_mul(row_bytes as u64).div_ceil(sharding.part_bytes.max(1));
        match usize::try_from(parts).ok().filter(|parts| *parts <= MOST_PARTS) {
            Some(parts) => Ok(Stage::new(split, staging.path(), parts, options.split_seed)),
            None => {
                let problem =
                    format!("the {} samples would be {parts} parts: at most {MOST_PARTS}", split.name());
                Err(Error::usage(problem).hint("make larger parts"))
            }
        }
    };
    let mut stages = [stage(Split::Train)?, stage(Split::Test)?, stage(Split::Validation)?];
    for ((number, name), counts) in data.iter().enumerate().zip(&counts) {
        let (own, fitted) =
            (of_file(options, number), Fitted { preparation: &preparation, inputs, whole: false });
        let Loaded { dataset, notes: more, .. } =
            load_from(sharding.request(Some(name), &own, Some(fitted)), places)?;
        notes.extend(more.into_iter().map(|note| note.of(Path::new(name))));
        add(&mut stages, &dataset, counts, Path::new(name))?;
    }
    let Some((format, features)) = stages[Split::Train as usize].kind() else {
        return Err(Error::Internal("files without training samples".into()));
    };
    let [train, test, validation] = stages.map(|stage| stage.finish(folder));
    let (train, validation, test, version) = (train?, validation?, test?, VERSION);
    let manifest =
        Manifest { version, name, image_shape, features, format, preparation, train, validation, test };
    manifest.write(folder)?;
    Ok((manifest, notes))
}

impl<'a> Sharding<'a> {
    fn request(
        &self,
        data: Option<&'a str>,
        options: &'a LoadOptions,
        fitted: Option<Fitted<'a>>,
    ) -> Request<'a> {
        let (data_dir, memory_limit) = (self.data_dir, Some(self.memory_limit));
        Request { data, data_dir, memory_limit, options: Some(options), fitted }
    }
}

/// Adds the samples of a file, which are as many as they were when it was read first.
fn add(stages: &mut [Stage; 3], dataset: &Dataset, counts: &Counts, path: &Path) -> Result<()> {
    let test = Some(&dataset.test).filter(|test| !test.is(&dataset.train));
    let splits = [Some(&dataset.train), test, dataset.validation.as_ref()];
    for ((stage, samples), &count) in stages.iter_mut().zip(splits).zip(counts) {
        if samples.map_or(0, Samples::len) != count {
            let hint = "do not change it while parts are made of it";
            return Err(Error::file(path, "it is read twice, and now has other samples", hint));
        }
        samples.iter().try_for_each(|samples| stage.add(samples))?;
    }
    Ok(())
}
