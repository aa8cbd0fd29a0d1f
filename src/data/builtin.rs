//! The built-in data set: small enough to be inside the binary, so that the first run needs nothing else.

use std::path::{Path, PathBuf};

use super::folder::{RawSplit, STEMS, source};
use super::idx;
use super::source::Source;
use crate::error::Result;

const FILES: [&[u8]; 4] = [
    include_bytes!("../../data/digits/train-images-idx3-ubyte.gz"),
    include_bytes!("../../data/digits/train-labels-idx1-ubyte.gz"),
    include_bytes!("../../data/digits/t10k-images-idx3-ubyte.gz"),
    include_bytes!("../../data/digits/t10k-labels-idx1-ubyte.gz"),
];

/// The digits that `gpu-mlp data make digits` draws by default, as they lie in the repository.
pub(super) fn digits() -> Result<Source> {
    let names = STEMS.map(|stem| PathBuf::from(format!("built in: {stem}.gz")));
    let split = |images: usize, labels: usize| {
        let (images_path, labels_path): (&Path, &Path) = (&names[images], &names[labels]);
        RawSplit::pair(
            idx::images_from(FILES[images], images_path)?,
            idx::labels_from(FILES[labels], labels_path)?,
            images_path,
            labels_path,
        )
    };
    Ok(source(Path::new("built in"), Some(10), split(0, 1)?, split(2, 3)?))
}
