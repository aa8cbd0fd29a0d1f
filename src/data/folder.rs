//! A folder with the four files of MNIST, under the names MNIST gives them.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::idx::{self, ImagesFile};
use super::source::{Answers, Labels, LoadOptions, Part, Reading, Rows, Source};
use super::table_options::DEFAULTS;
use super::{Dataset, Format};
use crate::error::{Error, Result, Setting, message};

/// The four files, in the order train images, train labels, test images, test labels.
pub const STEMS: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The file of `stem` in `folder`, in any of the spellings in use: with `.gz`, without, and with a dot for the
/// second hyphen (`train-images.idx3-ubyte`). Plain files come first: they load faster.
pub fn find(folder: &Path, stem: &str) -> Option<PathBuf> {
    let dotted = stem.replace("-idx", ".idx");
    [stem.to_owned(), dotted.clone(), format!("{stem}.gz"), format!("{dotted}.gz")]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Whether all four files are in `folder`; nothing is said about what is in them.
pub fn is_complete(folder: &Path) -> bool {
    STEMS.iter().all(|stem| find(folder, stem).is_some())
}

/// Loads the set in `folder` and calls it `name`. With `classes` given, labels from there on are refused, and
/// that is the number of classes; else it is the highest label + 1, and at least 2. Images of more than `memory` bytes
/// in all are left in their files: the training images first, then those for testing.
///
/// # Errors
/// [`Error::File`] if the folder or one of the files is missing, damaged, does not fit the others, or would have to be
/// left on the disk and is gzip; [`Error::Io`] if one cannot be read.
pub fn load(folder: &Path, name: &str, classes: Option<usize>, memory: u64) -> Result<Dataset> {
    let reading = Reading {
        label_column: None,
        weight_column: None,
        table: &DEFAULTS,
        schema: None,
        plain: false,
        memory,
        keep_missing: false,
    };
    let source = read(folder, classes.map(|classes| (name, classes)), memory)?;
    let (dataset, ..) = source.dataset(name, folder, &LoadOptions::default(), None, reading)?;
    Ok(dataset)
}

/// Reads the set in `folder`, as [`load`]; with the name and the number of classes of a known one.
pub(super) fn read(folder: &Path, known: Option<(&str, usize)>, memory: u64) -> Result<Source> {
    if !folder.is_dir() {
        let problem = if folder.exists() { "this is not a folder" } else { "there is no such folder" };
        return Err(Error::file(folder, problem, "give the folder that holds the four IDX files of the set"));
    }
    let [train_images, train_labels, test_images, test_labels] = find_all(folder)?;
    let (train, test) = (ImagesFile::open(&train_images)?, ImagesFile::open(&test_images)?);
    let left = memory.checked_sub(train.bytes());
    let train_place = place(&train, left.is_some(), &train_images, memory)?;
    let test_place = place(&test, test.bytes() <= left.unwrap_or(memory), &test_images, memory)?;
    let (train, test) = rayon::join(
        || RawSplit::read(train, train_place, &train_images, &train_labels),
        || RawSplit::read(test, test_place, &test_images, &test_labels),
    );
    let (train, test) = (train?, test?);
    if train.shape != test.shape {
        let [[rows, cols], [test_rows, test_cols]] = [train.shape, test.shape];
        let problem = format!(
            "its images are {test_rows} x {test_cols} pixels, but those in {} are {rows} x {cols}",
            train_images.display()
        );
        return Err(Error::file(&test_images, problem, "use training and test files of one set"));
    }
    if let Some((name, classes)) = known {
        train.check_labels(&train_labels, name, classes)?;
        test.check_labels(&test_labels, name, classes)?;
    }
    Ok(source(folder, known.map(|(_, classes)| classes), train, test))
}

/// Where images are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Memory,
    Disk,
}

fn place(images: &ImagesFile<'_>, fits: bool, path: &Path, memory: u64) -> Result<Place> {
    if fits {
        return Ok(Place::Memory);
    }
    if !images.is_gzip() {
        return Ok(Place::Disk);
    }
    let sizes = [images.bytes(), memory].map(|bytes| ByteSize(bytes).display().iec().to_string());
    let problem = format!(
        "its images take {} of memory, but all images of the set together may take at most {}; a plain file can be read a \
         few images at a time, a gzip file cannot",
        sizes[0], sizes[1]
    );
    let hint = message![
        "unpack it with gunzip, so that it can stay on the disk; or allow more with ",
        Setting::MemoryLimit
    ];
    Err(Error::file(path, problem, hint))
}

fn find_all(folder: &Path) -> Result<[PathBuf; 4]> {
    let mut found = [const { PathBuf::new() }; 4];
    for (path, stem) in found.iter_mut().zip(STEMS) {
        let missing = || {
            let problem = format!("{stem} is missing (looked for {stem} and {stem}.gz)");
            Error::file(folder, problem, format!("put all four files there: {}", STEMS.join(", ")))
        };
        *path = find(folder, stem).ok_or_else(missing)?;
    }
    Ok(found)
}

/// One split as it comes from its two files: as many labels as images.
pub(super) struct RawSplit {
    shape: [usize; 2],
    images: Rows,
    labels: Vec<u8>,
}

impl RawSplit {
    fn read(images: ImagesFile<'_>, place: Place, images_path: &Path, labels_path: &Path) -> Result<Self> {
        match place {
            Place::Memory => {
                Self::pair(images.read()?, idx::read_labels(labels_path)?, images_path, labels_path)
            }
            Place::Disk => {
                let (shape, file) = (images.shape(), images.leave()?);
                let labels = idx::read_labels(labels_path)?;
                log::info!("{} stays on the disk", images_path.display());
                same_number(file.rows(), &labels, images_path, labels_path)?;
                Ok(Self { shape, images: Rows::Disk(file), labels })
            }
        }
    }

    /// Puts images and labels together; the paths are the names that errors give them.
    pub(super) fn pair(
        images: idx::Images,
        labels: Vec<u8>,
        images_path: &Path,
        labels_path: &Path,
    ) -> Result<Self> {
        same_number(images.len(), &labels, images_path, labels_path)?;
        Ok(Self { shape: images.shape, images: Rows::Memory(images.pixels), labels })
    }

    fn check_labels(&self, path: &Path, name: &str, classes: usize) -> Result<()> {
        match (0_usize..).zip(&self.labels).find(|&(_, &label)| usize::from(label) >= classes) {
            None => Ok(()),
            Some((index, label)) => {
                let problem = format!(
                    "label {index} is {label}, but {name} has {classes} classes, 0 to {}",
                    classes - 1
                );
                Err(Error::file(path, problem, "download the file again"))
            }
        }
    }
}

fn same_number(images: usize, labels: &[u8], images_path: &Path, labels_path: &Path) -> Result<()> {
    if images == labels.len() {
        return Ok(());
    }
    let images_path = images_path.display();
    let problem = format!("it has {} labels, but there are {images} images in {images_path}", labels.len());
    Err(Error::file(labels_path, problem, "use an images and a labels file of one set"))
}

/// The set of two splits whose images have the same shape.
pub(super) fn source(path: &Path, classes: Option<usize>, train: RawSplit, test: RawSplit) -> Source {
    let highest = train.labels.iter().chain(&test.labels).max().copied().unwrap_or(0);
    let classes = classes.unwrap_or((usize::from(highest) + 1).max(2));
    let [rows, cols] = train.shape;
    let count = train.labels.len() + test.labels.len();
    let part = |split: RawSplit| Part {
        path: path.to_owned(),
        format: Format::Bytes,
        features: split.shape[0] * split.shape[1],
        image_shape: Some(split.shape),
        columns: None,
        answers: Answers::One(Labels::of_bytes(&split.labels)),
        weights: None,
        rows: split.images,
    };
    Source {
        what: format!("a folder of IDX files: {count} images of {rows} x {cols} pixels"),
        notes: Vec::new(),
        train: part(train),
        validation: None,
        test: Some(part(test)),
        classes: Some((0..classes).map(|class| class.to_string()).collect()),
        target: None,
        schema: None,
    }
}
