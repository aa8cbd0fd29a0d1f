//! A folder of class folders of PNG or JPEG images, or several of them in folders called `train`, `val` and `test`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::labels::sort;
use super::pictures::{Picture, Pictures};
use super::set::VALIDATION_AS_TEST;
use super::{Answers, Labels, Part, Reading, Rows, Source, part};
use crate::data::{Format, picture};
use crate::error::{Error, Result, Setting, message};

/// Images decoded before they are put together, and their bytes.
const PIECE: usize = 512;
const PIECE_BYTES: usize = 32 << 20;

/// Bytes that tell an image from another file.
const START: u64 = 16;

/// The most bytes that an image's file may have; one that is longer is damaged or no image.
const MOST_BYTES: u64 = 1 << 29;

const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

const HINT: &str = "an image set has one folder for each class, or the folders train and test with one folder for each class; an IDX \
                    set has four files with MNIST's names";

pub(super) fn read(path: &Path, reading: Reading<'_>) -> Result<Source> {
    let folders = entries(path)?.into_iter().filter(|path| path.is_dir()).collect::<Vec<_>>();
    let named = |names: &[&str]| {
        let is = |folder: &&PathBuf, name: &str| name_of(folder).eq_ignore_ascii_case(name);
        names.iter().find_map(|name| folders.iter().find(|folder| is(folder, name)).cloned())
    };
    let (train_folder, mut test_folder, mut validation_folder) = match named(&TRAIN) {
        Some(train) => (train, named(&TEST), named(&VALIDATION)),
        None => (path.to_owned(), None, None),
    };
    let mut notes = Vec::new();
    if test_folder.is_none() && validation_folder.is_some() {
        test_folder = validation_folder.take();
        notes.push(VALIDATION_AS_TEST.to_owned());
    }
    let (mut left, mut left_out) = (reading.memory, Vec::new());
    let mut read = |folder: PathBuf| {
        let images = Images::read(&folder, left, &mut left_out)?;
        left = left.saturating_sub(images.pictures.bytes.len() as u64);
        Ok(images)
    };
    let mut train = read(train_folder)?;
    let (mut test, mut validation) =
        (test_folder.map(&mut read).transpose()?, validation_folder.map(&mut read).transpose()?);
    let mut all: Vec<&mut Images> =
        [Some(&mut train), test.as_mut(), validation.as_mut()].into_iter().flatten().collect();
    // Grey images in one part and colours in another: all have colours.
    if all.iter().any(|images| images.pictures.is_colour()) {
        all.iter_mut().for_each(|images| images.pictures.in_colour());
    }
    let (train, test, validation) = (train.part(), test.map(Images::part), validation.map(Images::part));
    let parts = || [Some(&train), test.as_ref(), validation.as_ref()].into_iter().flatten();
    let rows: usize = parts().map(Part::len).sum();
    let mut unused = match left_out.as_slice() {
        [] => String::new(),
        [first, ..] => {
            format!(
                " ({} files that are not PNG or JPEG left out, such as {})",
                left_out.len(),
                first.display()
            )
        }
    };
    if train.path != path {
        let used = |folder: &&PathBuf| parts().any(|part| part.path == **folder);
        let others: Vec<String> =
            folders.iter().filter(|folder| !used(folder)).map(|path| name_of(path)).collect();
        if !others.is_empty() {
            unused.push_str(&format!(" ({} left out)", others.join(", ")));
        }
    }
    let row = part::row_words(train.image_shape, train.features);
    let what = format!("a folder of class folders of images: {rows} of {row}{unused}");
    Ok(Source { what, notes, train, validation, test, classes: None, target: None, schema: None })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a folder, by name, without hidden files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if !name_of(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The images of one part.
struct Images {
    folder: PathBuf,
    pictures: Pictures,
    labels: Labels,
}

impl Images {
    /// Reads the images class by class, in the order of the classes, then of the files' names.
    fn read(folder: &Path, memory: u64, left_out: &mut Vec<PathBuf>) -> Result<Self> {
        let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
        let mut classes: Vec<String> = folders.map(|path| name_of(&path)).collect();
        sort(&mut classes);
        if classes.is_empty() {
            let files = entries(folder)?.iter().take(3).map(|path| name_of(path)).collect::<Vec<_>>();
            let own = if files.is_empty() {
                "it is empty".to_owned()
            } else {
                format!("it has {}", files.join(", "))
            };
            return Err(Error::file(folder, format!("there is no data set in this folder: {own}"), HINT));
        }
        let mut images =
            Self { folder: folder.to_owned(), pictures: Pictures::default(), labels: Labels::default() };
        for class in &classes {
            let before = images.labels.len();
            let files = entries(&folder.join(class))?;
            let mut left = files.as_slice();
            while !left.is_empty() {
                // Until there is an image nobody knows how much memory one takes.
                let shape = images.pictures.shape;
                let count = shape.map_or(1, |[rows, cols]| (PIECE_BYTES / (3 * rows * cols)).clamp(1, PIECE));
                let (piece, rest) = left.split_at(count.min(left.len()));
                left = rest;
                let decoded: Vec<Result<Option<Picture>>> =
                    piece.par_iter().map(|path| decode(path, shape)).collect();
                for (path, picture) in piece.iter().zip(decoded) {
                    let Some(picture) = picture? else {
                        left_out.push(path.clone());
                        continue;
                    };
                    images.pictures.push(&picture, memory).map_err(|problem| {
                        let hint = message![Setting::MemoryLimit, " allows more memory"];
                        Error::file(path, problem, hint)
                    })?;
                    images.labels.push(class).map_err(|problem| Error::file(path, problem, HINT))?;
                }
            }
            if images.labels.len() == before {
                let problem =
                    "there is no PNG or JPEG image in this folder, which should hold the images of a class";
                return Err(Error::file(folder.join(class), problem, HINT));
            }
        }
        Ok(images)
    }

    fn part(self) -> Part {
        Part {
            path: self.folder,
            format: Format::Bytes,
            features: self.pictures.features(),
            image_shape: self.pictures.shape,
            columns: None,
            rows: Rows::Memory(self.pictures.bytes),
            answers: Answers::One(self.labels),
            weights: None,
        }
    }
}

/// Reads an image; nothing if the path leads to anything else, such as a folder, a pipe or a device.
fn decode(path: &Path, shape: Option<[usize; 2]>) -> Result<Option<Picture>> {
    if !fs::metadata(path).map_err(Error::io("read", path))?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.by_ref().take(START).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if picture::is_one(&bytes) {
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    }
    Picture::decode(&bytes, shape).map_err(|problem| {
        let hint = "restore the image, or remove it; all images have to have one size";
        Error::file(path, problem, hint)
    })
}
