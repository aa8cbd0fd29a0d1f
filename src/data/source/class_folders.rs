//! A folder of class folders of PNG or JPEG images, or several of them in folders called `train`, `val` and `test`.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::labels::sort;
use super::pictures::{Picture, Pictures, Sizes, Wanted, broken_in_words};
use super::set::{TEST, TRAIN, VALIDATION, VALIDATION_AS_TEST};
use super::{Answers, Labels, Part, Reading, Rows, Source, part};
use crate::data::listed::some;
use crate::data::{Format, picture};
use crate::error::{Error, Message, Result, Setting, message};
use crate::files::folder::{MOST_NESTED, entries};
use crate::files::fs::{self, File};
use crate::words::numerals::counted;

/// Images decoded before they are put together, and their bytes.
const PIECE: usize = 512;
const PIECE_BYTES: usize = 32 << 20;

/// Bytes that tell an image from another file.
const START: u64 = 16;

/// The most bytes that an image's file may have; one that is longer is damaged or no image.
const MOST_BYTES: u64 = 1 << 29;

const HINT: &str = "an image set has one folder for each class, or the folders train and test with one folder for each class; an IDX \
                    set has four files with MNIST's names; a folder of tables has train.csv or train.parquet, one of arrays X.npy and y.npy; a single table is \
                    named itself";

pub(super) fn read(path: &Path, reading: Reading<'_>) -> Result<Source> {
    let path = &inner(path)?;
    let folders = entries(path)?.into_iter().filter(|path| fs::is_dir(path)).collect::<Vec<_>>();
    let named = |names: &[&str]| {
        let is = |folder: &&PathBuf, name: &str| name_of(folder).eq_ignore_ascii_case(name);
        names.iter().find_map(|name| folders.iter().find(|folder| is(folder, name)).cloned())
    };
    let (train_folder, mut test_folder, mut validation_folder) = match named(&TRAIN) {
        Some(train) => (train, named(&TEST), named(&VALIDATION)),
        None => (path.to_owned(), None, None),
    };
    let (mut left_out, mut notes) = (LeftOut::default(), Vec::new());
    if test_folder.is_none() && validation_folder.is_some() {
        test_folder = validation_folder.take();
        notes.push(VALIDATION_AS_TEST.into());
    }
    let (mut wanted, stretched) = wanted(&train_folder, reading)?;
    let mut memory = reading.memory;
    let mut read = |folder: PathBuf| {
        let images = Images::read(&folder, wanted, Reading { memory, ..reading }, &mut left_out)?;
        wanted = wanted.after(images.pictures.shape);
        memory = memory.saturating_sub(images.pictures.bytes.len() as u64);
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
    notes.extend(stretched.into_iter().chain(left_out.notes().into_iter().map(Message::from)));
    let mut unused = match left_out.others.as_slice() {
        [] => String::new(),
        [first, ..] => {
            format!(
                " ({} left out, not PNG or JPEG, such as {})",
                counted(left_out.others.len(), "file"),
                first.display()
            )
        }
    };
    if train.path != *path {
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

/// Where a set begins: folders that hold one folder and nothing else are gone through, as archives are unpacked into them.
fn inner(path: &Path) -> Result<PathBuf> {
    let mut inner = path.to_owned();
    for _ in 0..MOST_NESTED {
        match entries(&inner)?.as_slice() {
            [only] if fs::is_dir(only) && entries(only)?.iter().any(fs::is_dir) => inner = only.clone(),
            _ => break,
        }
    }
    Ok(inner)
}

/// The size that images of a set have to have, and what is to be said of it.
fn wanted(folder: &Path, reading: Reading<'_>) -> Result<(Wanted, Option<Message>)> {
    let mut sizes = Sizes::default();
    if reading.pictures.resize.is_none() {
        for class in entries(folder)?.iter().filter(|path| fs::is_dir(path)) {
            let files = entries(class)?;
            let own: Vec<Option<[usize; 2]>> = files.par_iter().map(|path| picture_size(path)).collect();
            own.into_iter().for_each(|size| sizes.count(size));
        }
    }
    Ok(sizes.wanted(reading))
}

/// The size of an image; nothing if the path leads to anything else.
fn picture_size(path: &Path) -> Option<[usize; 2]> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    picture::size(BufReader::new(File::open(path).ok()?))
}

/// What is left out of a set.
#[derive(Default)]
struct LeftOut {
    /// Files that are no images.
    others: Vec<PathBuf>,
    /// Images that cannot be decoded, and why.
    broken: Vec<Error>,
    /// Folders without an image.
    empty: Vec<String>,
}

impl LeftOut {
    fn notes(&self) -> Vec<String> {
        let broken = broken_in_words(&self.broken);
        let empty = (!self.empty.is_empty())
            .then(|| format!("folders without an image are left out: {}", some(&self.empty)));
        broken.into_iter().chain(empty).collect()
    }
}

/// The images of one part.
struct Images {
    folder: PathBuf,
    pictures: Pictures,
    labels: Labels,
    /// What each is called: its class and the file.
    files: Vec<String>,
}

impl Images {
    /// Reads the images class by class, in the order of the classes, then of the files' names.
    fn read(folder: &Path, wanted: Wanted, reading: Reading<'_>, left_out: &mut LeftOut) -> Result<Self> {
        let memory = reading.memory;
        let folders = entries(folder)?.into_iter().filter(|path| fs::is_dir(path));
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
        let mut images = Self {
            folder: folder.to_owned(),
            pictures: Pictures::default(),
            labels: Labels::default(),
            files: Vec::new(),
        };
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
                    piece.par_iter().map(|path| decode(path, wanted.after(shape))).collect();
                for (path, picture) in piece.iter().zip(decoded) {
                    let picture = match picture {
                        Ok(Some(picture)) => picture,
                        Ok(None) => {
                            left_out.others.push(path.clone());
                            continue;
                        }
                        Err(error) if reading.pictures.skip_broken => {
                            left_out.broken.push(error);
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    images.pictures.push(&picture, memory).map_err(|problem| {
                        let hint = message![Setting::MemoryLimit, " allows more memory"];
                        Error::file(path, problem, hint)
                    })?;
                    images.files.push(format!("{class}/{}", name_of(path)));
                    images.labels.push(class).map_err(|problem| Error::file(path, problem, HINT))?;
                }
            }
            if images.labels.len() == before {
                left_out.empty.push(class.clone());
            }
        }
        if images.labels.len() == 0 {
            let problem = "there is no PNG or JPEG image in the folders of this folder, which should be those of the classes";
            return Err(Error::file(folder, problem, HINT));
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
            origins: None,
            files: Some(Arc::new(self.files)),
        }
    }
}

/// Reads an image; nothing if the path leads to anything else, such as a folder, a pipe or a device.
fn decode(path: &Path, wanted: Wanted) -> Result<Option<Picture>> {
    if !fs::metadata(path).map_err(Error::io("read", path))?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.by_ref().take(START).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if picture::is_one(&bytes) {
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    }
    Picture::decode(&bytes, wanted).map_err(|problem| {
        let hint =
            message!["restore the image or remove it; ", Setting::SkipBroken, " leaves such images out"];
        Error::file(path, problem, hint)
    })
}
