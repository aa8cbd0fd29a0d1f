//! The built-in data set: small enough to be inside the program, so that the first run needs nothing else.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::catalog::DIGITS;
use super::folder::{RawSplit, STEMS, source};
use super::idx;
use super::source::Source;
use super::{Dataset, Frame, Preparation, Samples};
use crate::error::Result;
#[cfg(target_family = "wasm")]
use crate::files::regular_file;

/// Where they are said to come from.
pub(super) const ORIGIN: &str = "built in";

const CLASSES: usize = 10;

/// The files, in the order of their stems.
#[cfg(not(target_family = "wasm"))]
fn files() -> Result<[Cow<'static, [u8]>; 4]> {
    const FILES: [&[u8]; 4] = [
        include_bytes!("../../data/digits/train-images-idx3-ubyte.gz"),
        include_bytes!("../../data/digits/train-labels-idx1-ubyte.gz"),
        include_bytes!("../../data/digits/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../../data/digits/t10k-labels-idx1-ubyte.gz"),
    ];
    Ok(FILES.map(Cow::Borrowed))
}

/// The files, in the order of their stems. They are larger than a module for browsers without them, so a page fetches them
/// when it needs them, and gives them in the folder `digits`.
#[cfg(target_family = "wasm")]
fn files() -> Result<[Cow<'static, [u8]>; 4]> {
    let read = |stem| regular_file::read(&Path::new("digits").join(format!("{stem}.gz")));
    let [train_images, train_labels, test_images, test_labels] = STEMS.map(read);
    Ok([train_images?, train_labels?, test_images?, test_labels?].map(Cow::Owned))
}

/// The digits that `gpu-mlp data make digits` draws by default, as they lie in the repository.
pub(super) fn digits() -> Result<Source> {
    let files = files()?;
    let names = STEMS.map(|stem| PathBuf::from(format!("built in: {stem}.gz")));
    let split = |images: usize, labels: usize| {
        let (images_path, labels_path): (&Path, &Path) = (&names[images], &names[labels]);
        RawSplit::pair(
            idx::images_from(&*files[images], images_path)?,
            idx::labels_from(&*files[labels], labels_path)?,
            images_path,
            labels_path,
        )
    };
    Ok(source(Path::new(ORIGIN), Some(CLASSES), split(0, 1)?, split(2, 3)?))
}

/// The built-in digits, as [`load`](super::load) prepares them; but without all that can be read beside them, which a module for
/// browsers would have to hold.
///
/// # Errors
/// None that a user could cause.
pub fn built_in() -> Result<Dataset> {
    let files = files()?;
    let [train_images, train_labels, test_images, test_labels] = &files;
    let place = Path::new(ORIGIN);
    let part = |images: &[u8], labels: &[u8]| {
        let (images, labels) = (idx::images_from(images, place)?, idx::labels_from(labels, place)?);
        let labels = labels.into_iter().map(u32::from).collect();
        Ok((images.shape, Samples::new(images.shape[0] * images.shape[1], images.pixels, labels, CLASSES)?))
    };
    let (image_shape, train) = part(train_images, train_labels)?;
    let (_, test) = part(test_images, test_labels)?;
    let frame = Some(Frame::of(&train, image_shape)?);
    Ok(Dataset {
        name: DIGITS.to_owned(),
        origin: ORIGIN.to_owned(),
        image_shape,
        classes: CLASSES,
        train,
        validation: None,
        test,
        preparation: Preparation { frame, ..Preparation::of_images(CLASSES) },
    })
}
