//! Writes the built-in set, in any size, as the four IDX files of a data folder.

use std::path::{Path, PathBuf};

use super::Split;
use super::digits::draw;
use super::folder::{self, STEMS};
use super::idx::Writer;
use crate::error::{Error, Result, Setting, message};

/// Rows and columns of the images that [`draw`] makes.
const SHAPE: [u32; 2] = [28, 28];

/// Images drawn before they are written: 50 MB.
const PIECE: usize = 1 << 16;

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Digits {
    /// Number of training images.
    pub train: usize,
    /// Number of test images.
    pub test: usize,
    /// The same seed draws the same images.
    pub seed: u64,
    /// Write the files as they are, not as gzip.
    pub plain: bool,
}

/// Draws the set and writes it to `folder`, which is made if need be. The same numbers give the same files.
///
/// # Errors
/// [`Error::Usage`] if a count is 0 or too high; [`Error::File`] if the folder holds files that would be read in place
/// of the new ones; [`Error::Io`] if the files cannot be written.
pub fn digits(folder: &Path, digits: &Digits) -> Result<[PathBuf; 4]> {
    let most = u32::MAX as usize;
    for (setting, count) in [(Setting::Train, digits.train), (Setting::Test, digits.test)] {
        if !(1..=most).contains(&count) {
            return Err(Error::usage(message![
                setting.set(count),
                format!(": the number of images must be 1 to {most}")
            ]));
        }
    }
    std::fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    let paths =
        STEMS.map(|stem| folder.join(if digits.plain { stem.to_owned() } else { format!("{stem}.gz") }));
    for (path, stem) in paths.iter().zip(STEMS) {
        if let Some(other) = folder::find(folder, stem).filter(|found| found != path && !digits.plain) {
            let problem = format!("it would be read instead of {}", path.display());
            return Err(Error::file(&other, problem, "remove it, or make the set in another folder"));
        }
    }
    for (split, count, [images, labels]) in [
        (Split::Train, digits.train, [&paths[0], &paths[1]]),
        (Split::Test, digits.test, [&paths[2], &paths[3]]),
    ] {
        let mut images = Writer::images(images, count as u32, SHAPE)?;
        let mut labels = Writer::labels(labels, count as u32)?;
        for first in (0..count).step_by(PIECE) {
            let (pixels, classes) = draw(first..count.min(first + PIECE), split, digits.seed);
            images.write(&pixels)?;
            labels.write(&classes)?;
        }
        images.finish()?;
        labels.finish()?;
    }
    Ok(paths)
}
