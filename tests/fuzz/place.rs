//! A folder in memory for readers that want a path, and how a reader's answer is judged.

use std::path::{Path, PathBuf};

use gpu_mlp::data::{self, Dataset, LoadOptions, Places, Request, Split, Targets};
use gpu_mlp::{Error, Result};
use tempfile::TempDir;

/// A folder, in memory where the system has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A file in a folder of its own.
pub fn file(name: &str) -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join(name);
    (folder, path)
}

/// A refusal has to be one that the user can mend: wrong usage or unreadable input.
pub fn judged<T>(result: Result<T>) -> std::result::Result<T, String> {
    result.map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(!matches!(error, Error::Shape { .. }), "says no file: {error}");
        error.to_string()
    })
}

/// Loads a path, and looks at what came.
pub fn load(path: &Path) -> std::result::Result<(), String> {
    load_with(path, &LoadOptions::default())
}

/// [`load`] with these options.
pub fn load_with(path: &Path, options: &LoadOptions) -> std::result::Result<(), String> {
    let request = Request { data: path.to_str(), options: Some(options), ..Request::default() };
    let loaded = judged(data::load_from(request, &Places::default()))?;
    sound(&loaded.dataset)
}

fn sound(set: &Dataset) -> std::result::Result<(), String> {
    assert_eq!(set.classes, set.preparation.class_names.len());
    for split in Split::ALL {
        let Ok(samples) = set.split(split) else { continue };
        match samples.targets() {
            Targets::Classes(classes) => assert!(classes.iter().all(|&class| (class as usize) < set.classes)),
            Targets::Values { width, values } => {
                assert_eq!((*width, values.len()), (set.classes, set.classes * samples.len()));
                assert!(values.iter().all(|value| value.is_finite()));
            }
        }
        let inputs = match samples.inputs(&[samples.len() as u32 - 1]) {
            // Those of parts are read when they are wanted.
            Err(error) if samples.by_part(&[0]).is_some() => return judged(Err(error)),
            inputs => inputs.unwrap(),
        };
        assert!(inputs.data().iter().all(|value| value.is_finite()), "{inputs:?}");
    }
    Ok(())
}
