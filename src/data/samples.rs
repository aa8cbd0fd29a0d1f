//! The samples of one split: rows of bytes, in memory or left in their file, and the targets of each.

use std::sync::Arc;

use super::Targets;
use super::format::Format;
use super::parts::Parts;
use super::row_file::RowFile;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// `len` rows of `features` values, and the targets of each. A clone shares all of them. Samples are equal wherever they are from.
#[derive(Debug, Clone)]
pub struct Samples {
    features: usize,
    format: Format,
    rows: Rows,
    targets: Arc<Targets>,
    /// Where targets are numbers: each sample's own number.
    numbers: Arc<Vec<u32>>,
    /// What each counts in training, if not all count the same.
    weights: Option<Arc<Vec<f32>>>,
    /// Which row of its file each is, if they are not all rows in their order.
    origins: Option<Arc<Vec<u32>>>,
    /// Of samples that are files: what each row is called.
    files: Option<Arc<Vec<String>>>,
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        (self.features, self.format) == (other.features, other.format)
            && (&self.rows, &self.targets) == (&other.rows, &other.targets)
            && (&self.numbers, &self.weights) == (&other.numbers, &other.weights)
    }
}

/// Where rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    Memory(Arc<Vec<u8>>),
    File(Arc<RowFile>),
    Parts(Arc<Parts>),
}

impl Rows {
    /// These rows, of so many bytes each, one after another: a copy.
    pub fn read(&self, indices: &[u32], size: usize) -> Result<Vec<u8>> {
        match self {
            Self::File(file) => file.read(indices),
            Self::Parts(parts) => parts.read(indices),
            Self::Memory(pixels) => {
                let row = |&i: &u32| &pixels[i as usize * size..(i as usize + 1) * size];
                Ok(indices.iter().flat_map(row).copied().collect())
            }
        }
    }
}

impl Samples {
    /// Whether one is a clone of the other.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.targets, &other.targets)
    }

    /// Samples over `pixels` (row-major, `features` bytes a row) and `labels`, each less than `classes`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are no samples, no features, or not one row for each label;
    /// [`Error::Usage`] if a label is not less than `classes`.
    pub fn new(features: usize, pixels: Vec<u8>, labels: Vec<u32>, classes: usize) -> Result<Self> {
        Self::in_format(Format::Bytes, features, pixels, labels, classes)
    }

    /// Samples over `bytes`, which are values in that format: row-major, `features` of them a row.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn in_format(
        format: Format,
        features: usize,
        bytes: Vec<u8>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        let expected =
            labels.len().checked_mul(features).and_then(|values| values.checked_mul(format.size()));
        if features == 0 || labels.is_empty() || expected != Some(bytes.len()) {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::shape("samples", [labels.len().max(1), features.max(1)], got));
        }
        Self::of_classes(features, format, Rows::Memory(Arc::new(bytes)), labels, classes)
    }

    /// Samples over `values` (row-major, `features` of them a row), which a network sees as they are.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_floats(features: usize, values: &[f32], labels: Vec<u32>, classes: usize) -> Result<Self> {
        Self::in_format(Format::Floats, features, bytemuck::cast_slice(values).to_vec(), labels, classes)
    }

    /// Samples whose rows stay in their file until they are wanted.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on_disk(file: RowFile, labels: Vec<u32>, classes: usize) -> Result<Self> {
        let (features, rows) = (file.row_bytes(), file.rows());
        if features == 0 || labels.is_empty() || rows != labels.len() {
            return Err(Error::shape("samples", [labels.len().max(1), features.max(1)], [rows, features]));
        }
        Self::of_classes(features, Format::Bytes, Rows::File(Arc::new(file)), labels, classes)
    }

    /// Samples whose rows stay in their parts, of which a few are in memory at a time.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn in_parts(parts: Parts, labels: Vec<u32>, classes: usize) -> Result<Self> {
        let (features, format, rows) = (parts.features(), parts.format(), parts.rows());
        if features == 0 || labels.is_empty() || rows != labels.len() {
            return Err(Error::shape("samples", [labels.len().max(1), features.max(1)], [rows, features]));
        }
        Self::of_classes(features, format, Rows::Parts(Arc::new(parts)), labels, classes)
    }

    /// The same rows with numbers as targets.
    ///
    /// # Errors
    /// [`Error::Shape`] if the targets are not of as many samples; [`Error::Usage`] if they are no numbers.
    pub fn with_targets(self, targets: Targets) -> Result<Self> {
        if targets.len() != self.len() {
            return Err(Error::shape("targets", self.len(), targets.len()));
        }
        let Targets::Values { values, .. } = &targets else {
            return Err(Error::usage("classes come with the samples, numbers are put in their place"));
        };
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::usage(format!("a target is {value}, which is not a finite number")));
        }
        let numbers = Arc::new((0..self.len() as u32).collect());
        Ok(Self { targets: Arc::new(targets), numbers, ..self })
    }

    fn of_classes(
        features: usize,
        format: Format,
        rows: Rows,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        match (0_usize..).zip(&labels).find(|&(_, &label)| label as usize >= classes) {
            None => Ok(Self {
                features,
                format,
                rows,
                targets: Arc::new(Targets::Classes(labels)),
                numbers: Arc::default(),
                weights: None,
                origins: None,
                files: None,
            }),
            Some((index, label)) => Err(Error::usage(format!(
                "label {index} is {label}, but the labels of {classes} classes go from 0 to {}",
                classes.saturating_sub(1)
            ))),
        }
    }

    /// How many samples: at least 1.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Never true: the constructors refuse an empty set.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// What a row's values are stored as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes in a row.
    pub fn row_bytes(&self) -> usize {
        self.features * self.format.size()
    }

    /// Values in a row: at least 1.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The largest distance of a value from 0, of numbers in memory.
    pub(super) fn largest(&self) -> Option<f32> {
        let Rows::Memory(bytes) = &self.rows else { return None };
        let values = (self.format == Format::Floats).then(|| bytes.chunks_exact(size_of::<f32>()))?;
        values.map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]).abs()).max_by(f32::total_cmp)
    }

    /// Whether the rows are left in their file.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.rows, Rows::File(_) | Rows::Parts(_))
    }

    /// Whether the rows are left in parts, which are read one after another.
    pub fn is_in_parts(&self) -> bool {
        matches!(self.rows, Rows::Parts(_))
    }

    /// Some of the samples by the part that they are in, if they are in parts.
    pub fn by_part(&self, samples: &[u32]) -> Option<Vec<Vec<u32>>> {
        match &self.rows {
            Rows::Parts(parts) => Some(parts.grouped(samples)),
            Rows::Memory(_) | Rows::File(_) => None,
        }
    }

    /// Begins to read the parts of samples that are wanted soon, in that order, if they are in parts.
    pub fn prefetch(&self, soon: &[u32]) {
        if let Rows::Parts(parts) = &self.rows {
            parts.prefetch(soon);
        }
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The rows of these samples, one after another: a copy. To read many while something else computes, see
    /// [`Reader`](super::Reader).
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Io`] if they cannot be read from their file.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn read(&self, indices: &[u32]) -> Result<Vec<u8>> {
        self.rows.read(indices, self.row_bytes())
    }

    /// These samples, in this order. Rows in memory are copied; those in a file stay there.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are none; [`Error::Usage`] if they are in parts.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn part(&self, samples: &[usize]) -> Result<Self> {
        if samples.is_empty() {
            return Err(Error::shape("samples", ["1 or more".to_owned()], 0));
        }
        let rows = match &self.rows {
            Rows::File(file) => Rows::File(Arc::new(file.part(samples))),
            Rows::Parts(_) => {
                let problem = "the data are a set in parts, from which no samples are split off";
                let hint = "make other parts: `gpu-mlp data shard` splits off what is to be held out";
                return Err(Error::usage(problem).hint(hint));
            }
            Rows::Memory(values) => {
                let size = self.row_bytes();
                let row = |&sample: &usize| &values[sample * size..(sample + 1) * size];
                Rows::Memory(Arc::new(samples.iter().flat_map(row).copied().collect()))
            }
        };
        let targets = self.targets.part(samples);
        let numbers = match targets {
            Targets::Classes(_) => Vec::new(),
            Targets::Values { .. } => (0..samples.len() as u32).collect(),
        };
        let weights = self.weights.as_ref().map(|all| samples.iter().map(|&sample| all[sample]).collect());
        let origins = samples.iter().map(|&sample| self.origin(sample as u32)).collect();
        Ok(Self {
            rows,
            targets: Arc::new(targets),
            numbers: Arc::new(numbers),
            weights: weights.map(Arc::new),
            origins: Some(Arc::new(origins)),
            files: self.files.clone(),
            ..*self
        })
    }

    /// These samples as a network sees them, in double precision: `[indices, features]`; a byte is divided by 255.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn inputs(&self, indices: &[u32]) -> Result<Tensor<f64>> {
        let bytes = self.read(indices)?;
        let values = match self.format {
            Format::Bytes => bytes.into_iter().map(|byte| f64::from(byte) / 255.0).collect(),
            Format::Floats => {
                bytemuck::pod_collect_to_vec::<u8, f32>(&bytes).into_iter().map(f64::from).collect()
            }
        };
        Tensor::new([indices.len(), self.features], values)
    }

    /// The same samples, each of which counts so much in training. Only what the weights are to each other matters.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are not one for each sample; [`Error::Usage`] for one that is not a finite number above 0.
    pub fn with_weights(self, weights: Vec<f32>) -> Result<Self> {
        if weights.len() != self.len() {
            return Err(Error::shape("weights of samples", self.len(), weights.len()));
        }
        match weights.iter().position(|weight| !(*weight > 0.0 && weight.is_finite())) {
            None => Ok(Self { weights: Some(Arc::new(weights)), ..self }),
            Some(at) => Err(Error::usage(format!(
                "sample {at} has the weight {}: expected a finite number above 0",
                weights[at]
            ))),
        }
    }

    /// The same samples, each of which is this row of its file, from 0; or all of its rows in their order.
    #[must_use]
    pub fn with_origins(self, origins: Option<Vec<u32>>) -> Self {
        Self { origins: origins.map(Arc::new), ..self }
    }

    /// The same samples, of which each row is a file of this name.
    #[must_use]
    pub fn with_files(self, files: Option<Arc<Vec<String>>>) -> Self {
        Self { files, ..self }
    }

    /// The file that a sample is, if samples are files.
    pub fn file(&self, sample: u32) -> Option<&str> {
        self.files.as_ref()?.get(self.origin(sample) as usize).map(String::as_str)
    }

    /// Which row of its file a sample is, from 0.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn origin(&self, sample: u32) -> u32 {
        self.origins.as_ref().map_or(sample, |origins| origins[sample as usize])
    }

    /// What each sample counts in training, if not all count the same.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_ref().map(|weights| weights.as_slice())
    }

    /// What each row is to be answered with.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// One number for each row: its class; or where targets are numbers its own, under which [`Targets::row`] has them.
    pub fn labels(&self) -> &[u32] {
        match &*self.targets {
            Targets::Classes(classes) => classes,
            Targets::Values { .. } => &self.numbers,
        }
    }
}
