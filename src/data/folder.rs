//! A folder with the four files of MNIST, under the names MNIST gives them.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::idx::{self, Array, Element, ImagesFile};
use super::picture_options::{AS_THEY_ARE, PictureOptions};
use super::source::{Answers, Labels, LoadOptions, Part, Reading, Rows, Source, row_words};
use super::table_options::DEFAULTS;
use super::{Dataset, Format};
use crate::error::{Error, Result, Setting, message};
use crate::files::fs;
use crate::words::numerals::counted;

/// The four files, in the order train images, train labels, test images, test labels.
pub const STEMS: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The most bytes of a file of labels.
const LABELS: u64 = 1 << 30;

/// The most classes that are counted from 0.
const MOST_CLASSES: i64 = 1 << 16;

/// The file of `stem` in `folder`, in any of the spellings in use: with `.gz`, without, and with a dot for the
/// second hyphen (`train-images.idx3-ubyte`). Plain files come first: they load faster.
pub fn find(folder: &Path, stem: &str) -> Option<PathBuf> {
    let dotted = stem.replace("-idx", ".idx");
    [stem.to_owned(), dotted.clone(), format!("{stem}.gz"), format!("{dotted}.gz")]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| fs::is_file(path))
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
        pictures: &AS_THEY_ARE,
        npz_keys: None,
        size: None,
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
    if !fs::is_dir(folder) {
        let problem = if fs::exists(folder) { "this is not a folder" } else { "there is no such folder" };
        return Err(Error::file(folder, problem, "give the folder that holds the four IDX files of the set"));
    }
    read_files(folder, &find_all(folder)?, known, &AS_THEY_ARE, memory)
}

/// Reads the set of these four files, which `path` led to.
pub(super) fn read_files(
    path: &Path,
    files: &[PathBuf; 4],
    known: Option<(&str, usize)>,
    pictures: &PictureOptions,
    memory: u64,
) -> Result<Source> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let others = has_others(train_images)? || has_others(test_images)?;
    let (mut train, mut test) = match others && known.is_none() {
        true => {
            let train = RawSplit::of_arrays(train_images, train_labels, memory)?;
            let left = memory.saturating_sub(train.memory());
            (train, RawSplit::of_arrays(test_images, test_labels, left)?)
        }
        false => {
            let (train, test) = (ImagesFile::open(train_images)?, ImagesFile::open(test_images)?);
            let left = memory.checked_sub(train.bytes());
            let train_place = place(&train, left.is_some(), train_images, memory)?;
            let test_place = place(&test, test.bytes() <= left.unwrap_or(memory), test_images, memory)?;
            let (train, test) = rayon::join(
                || RawSplit::read(train, train_place, train_images, train_labels),
                || RawSplit::read(test, test_place, test_images, test_labels),
            );
            (train?, test?)
        }
    };
    if let (Some(own), Some(other)) = (train.shape, test.shape)
        && own != other
    {
        let [[rows, cols], [test_rows, test_cols]] = [own, other];
        let problem = format!(
            "its images are {test_rows} x {test_cols} pixels, but those in {} are {rows} x {cols}",
            train_images.display()
        );
        return Err(Error::file(test_images, problem, "use training and test files of one set"));
    }
    if let Some((name, classes)) = known {
        train.check_labels(train_labels, name, classes)?;
        test.check_labels(test_labels, name, classes)?;
    }
    if pictures.transpose {
        train.transpose(train_images)?;
        test.transpose(test_images)?;
    }
    let mut source = source(path, known.map(|(_, classes)| classes), train, test);
    let name = train_images.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.contains("emnist-") && !pictures.transpose {
        let note = message![
            "EMNIST's images are mirrored about their diagonal; ",
            Setting::Transpose,
            " puts them upright"
        ];
        source.notes.push(note);
    }
    Ok(source)
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
    /// Rows and columns, if rows are images.
    shape: Option<[usize; 2]>,
    features: usize,
    format: Format,
    images: Rows,
    labels: Vec<i64>,
}

impl RawSplit {
    fn read(images: ImagesFile<'_>, place: Place, images_path: &Path, labels_path: &Path) -> Result<Self> {
        let shape = images.shape();
        let (count, images) = match place {
            Place::Memory => {
                let images = images.read()?;
                (images.len(), Rows::Memory(images.pixels))
            }
            Place::Disk => {
                let file = images.leave()?;
                log::info!("{} stays on the disk", images_path.display());
                (file.rows(), Rows::Disk(file))
            }
        };
        let labels = labels(labels_path)?;
        same_number(count, labels.len(), images_path, labels_path)?;
        let features = shape[0] * shape[1];
        Ok(Self { shape: Some(shape), features, format: Format::Bytes, images, labels })
    }

    /// Of files that have other elements than bytes, or other dimensions than images.
    fn of_arrays(images_path: &Path, labels_path: &Path, memory: u64) -> Result<Self> {
        let labels = labels(labels_path)?;
        let array = Array::read(images_path, memory)?;
        let (count, row) = (array.dims[0], array.dims[1..].to_vec());
        let features = row.iter().product();
        if row.is_empty() {
            let problem = "it has one number for each sample, like a file of labels";
            let hint = "use a file of images, or of rows of numbers";
            return Err(Error::file(images_path, problem, hint));
        }
        same_number(count, labels.len(), images_path, labels_path)?;
        let shape = match row[..] {
            [rows, cols] | [rows, cols, 1 | 3] => Some([rows, cols]),
            _ => None,
        };
        if array.element == Element::U8 && shape.is_some() {
            let images = Rows::Memory(array.into_bytes());
            return Ok(Self { shape, features, format: Format::Bytes, images, labels });
        }
        if memory < 4 * (count * features) as u64 {
            let problem = format!("as f32 its numbers take more than the {memory} bytes of memory left");
            return Err(Error::file(
                images_path,
                problem,
                message!["allow more with ", Setting::MemoryLimit],
            ));
        }
        let mut bytes = Vec::with_capacity(4 * count * features);
        for (at, number) in array.numbers().enumerate() {
            if !(number as f32).is_finite() {
                let (row, value) = (at / features, at % features);
                let problem = format!("row {row}, value {value}, both from 0: {number} is not a finite f32");
                return Err(Error::file(images_path, problem, "fill in or remove such rows"));
            }
            bytes.extend_from_slice(&(number as f32).to_ne_bytes());
        }
        Ok(Self { shape, features, format: Format::Floats, images: Rows::Memory(bytes), labels })
    }

    /// Puts images and labels together; the paths are the names that errors give them.
    pub(super) fn pair(
        images: idx::Images,
        labels: Vec<u8>,
        images_path: &Path,
        labels_path: &Path,
    ) -> Result<Self> {
        same_number(images.len(), labels.len(), images_path, labels_path)?;
        let (shape, labels) = (images.shape, labels.into_iter().map(i64::from).collect());
        let features = shape[0] * shape[1];
        let images = Rows::Memory(images.pixels);
        Ok(Self { shape: Some(shape), features, format: Format::Bytes, images, labels })
    }

    fn memory(&self) -> u64 {
        match &self.images {
            Rows::Memory(bytes) => bytes.len() as u64,
            Rows::Disk(_) | Rows::Columns(_) => 0,
        }
    }

    /// Rows become columns and columns rows, in every image.
    fn transpose(&mut self, path: &Path) -> Result<()> {
        let (Some([rows, cols]), Rows::Memory(bytes)) = (self.shape, &mut self.images) else {
            let problem = message![Setting::Transpose, " is for images that fit into memory"];
            let hint =
                message!["allow more with ", Setting::MemoryLimit, ", or ", Setting::Transpose.without()];
            return Err(Error::file(path, problem, hint));
        };
        let size = self.features / (rows * cols) * self.format.size();
        let mut upright = Vec::with_capacity(bytes.len());
        for image in bytes.chunks_exact(rows * cols * size) {
            for (col, row) in (0..cols).flat_map(|col| (0..rows).map(move |row| (col, row))) {
                let at = (row * cols + col) * size;
                upright.extend_from_slice(&image[at..at + size]);
            }
        }
        *bytes = upright;
        self.shape = Some([cols, rows]);
        Ok(())
    }

    fn check_labels(&self, path: &Path, name: &str, classes: usize) -> Result<()> {
        match (0_usize..).zip(&self.labels).find(|&(_, &label)| label >= classes as i64) {
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

/// Whether an IDX file has other elements than bytes, or other dimensions than files of images and of labels have.
fn has_others(path: &Path) -> Result<bool> {
    let kind = idx::kind_of(path)?;
    Ok(!matches!(kind, None | Some((Element::U8, 1 | 3))))
}

/// The labels of a file: bytes, other whole numbers, or (as QMNIST has them) rows of numbers that begin with the label.
fn labels(path: &Path) -> Result<Vec<i64>> {
    if !has_others(path)? {
        return Ok(idx::read_labels(path)?.into_iter().map(i64::from).collect());
    }
    let array = Array::read(path, LABELS)?;
    if array.element.is_float() || array.dims.len() > 2 {
        let problem = format!("its elements are {:?}, in {} dimensions", array.element, array.dims.len());
        return Err(Error::file(path, problem, "labels are whole numbers, one for each sample"));
    }
    let width: usize = array.dims[1..].iter().product();
    Ok(array.numbers().step_by(width).map(|number| number as i64).collect())
}

fn same_number(images: usize, labels: usize, images_path: &Path, labels_path: &Path) -> Result<()> {
    if images == labels {
        return Ok(());
    }
    let images_path = images_path.display();
    let are = if images == 1 { "is" } else { "are" };
    let (labels, images) = (counted(labels, "label"), counted(images, "image"));
    let problem = format!("it has {labels}, but there {are} {images} in {images_path}");
    Err(Error::file(labels_path, problem, "use an images and a labels file of one set"))
}

/// The names of the classes: from 0, or where the lowest label is 1, from 1 to the highest. Nothing of labels that are no counts.
fn class_names(labels: impl Iterator<Item = i64> + Clone) -> Option<Vec<String>> {
    let (lowest, highest) = (labels.clone().min()?, labels.max()?);
    let first = if lowest == 1 { 1 } else { 0 };
    let highest = highest.max(first + 1);
    (lowest >= 0 && highest < MOST_CLASSES)
        .then(|| (first..=highest).map(|class| class.to_string()).collect())
}

/// The set of two splits whose images have the same shape.
pub(super) fn source(path: &Path, classes: Option<usize>, train: RawSplit, test: RawSplit) -> Source {
    let classes = match classes {
        Some(classes) => Some((0..classes).map(|class| class.to_string()).collect()),
        None => class_names(train.labels.iter().chain(&test.labels).copied()),
    };
    let (row, count) = (row_words(train.shape, train.features), train.labels.len() + test.labels.len());
    let part = |split: RawSplit| Part {
        path: path.to_owned(),
        format: split.format,
        features: split.features,
        image_shape: split.shape,
        columns: None,
        answers: Answers::One(Labels::of_whole(&split.labels)),
        weights: None,
        origins: None,
        files: None,
        rows: split.images,
    };
    let images = if train.shape.is_some() { "images" } else { "rows" };
    Source {
        what: format!("a folder of IDX files: {count} {images} of {row}"),
        notes: Vec::new(),
        train: part(train),
        validation: None,
        test: Some(part(test)),
        classes,
        target: None,
        schema: None,
    }
}
