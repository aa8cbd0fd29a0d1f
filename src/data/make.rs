//! Writes the built-in set, in any size, as the four IDX files of a data folder.

use std::path::{Path, PathBuf};

use super::digits::{Split, draw};
use super::folder::STEMS;
use super::idx;
use crate::error::{Error, Result};

/// Rows and columns of the images that [`draw`] makes.
const SHAPE: [u32; 2] = [28, 28];

/// The most images of one split: [`draw`] hands out a split in one piece, 785 bytes of memory an image.
const MOST: usize = 2_000_000;

/// Draws `train` and `test` images with `seed` and writes them to `folder`, which is made if need be. The same
/// numbers give the same files.
///
/// # Errors
/// [`Error::Usage`] if a count is 0 or too high; [`Error::Io`] if the files cannot be written.
pub fn digits(folder: &Path, train: usize, test: usize, seed: u64) -> Result<[PathBuf; 4]> {
    for (option, count) in [("--train", train), ("--test", test)] {
        if !(1..=MOST).contains(&count) {
            return Err(Error::Usage(format!("{option} {count}: the number of images must be 1 to {MOST}")));
        }
    }
    std::fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    let paths = STEMS.map(|stem| folder.join(format!("{stem}.gz")));
    for (split, count, [images, labels]) in
        [(Split::Train, train, [&paths[0], &paths[1]]), (Split::Test, test, [&paths[2], &paths[3]])]
    {
        let (pixels, classes) = draw(count, split, seed);
        idx::write_images(images, SHAPE, &pixels)?;
        idx::write_labels(labels, &classes)?;
    }
    Ok(paths)
}
