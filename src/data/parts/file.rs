//! One part as a file: an `.npz` of arrays that are stored as they are.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use crate::data::Targets;
use crate::data::format::Format;
use crate::error::{Error, Result};
use crate::files::fs::{self, File};
use crate::files::numpy::npy::{Header, Refusal, header};
use crate::files::numpy::npz::{self, Archive};
use crate::files::regular_file;

const HINT: &str =
    "`gpu-mlp data verify` names all parts that are damaged; `gpu-mlp data shard` makes them again";

/// The arrays of a part.
pub const VALUES: &str = "X";
pub const TARGETS: &str = "y";
pub const WEIGHTS: &str = "w";

/// The rows of a part, to be written.
pub struct Content {
    /// What a value is stored as.
    pub format: Format,
    /// Values in a row.
    pub features: usize,
    /// The rows, in this machine's order of bytes.
    pub rows: Vec<u8>,
    /// As many as rows.
    pub targets: Targets,
    /// As many as rows, if there are any.
    pub weights: Vec<f32>,
}

impl Content {
    /// As the bytes of a file. A checksum of each array comes with the format.
    ///
    /// # Errors
    /// None that can happen in memory.
    pub fn bytes(&self) -> std::io::Result<Vec<u8>> {
        let count = self.targets.len();
        let rows = match self.format {
            Format::Bytes => array("|u1", &[count, self.features], &self.rows),
            Format::Floats => array("<f4", &[count, self.features], &little(&self.rows)),
        };
        let targets = match &self.targets {
            Targets::Classes(classes) => array("<u4", &[count], &little(bytemuck::cast_slice(classes))),
            Targets::Values { width, values } => {
                array("<f4", &[count, *width], &little(bytemuck::cast_slice(values)))
            }
        };
        let weights = array("<f4", &[count], &little(bytemuck::cast_slice(&self.weights)));
        let weights = (!self.weights.is_empty()).then_some((WEIGHTS, weights));
        let mut file = Cursor::new(Vec::new());
        npz::store(&mut file, [(VALUES, rows), (TARGETS, targets)].into_iter().chain(weights))?;
        Ok(file.into_inner())
    }
}

fn array(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut array = header(descr, shape);
    array.extend_from_slice(bytes);
    array
}

/// Values of four bytes from this machine's order to the file's, or back.
fn little(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    }
    bytes
}

/// A part that is open for reading.
pub struct Opened<'p> {
    archive: Archive<BufReader<File>>,
    path: &'p Path,
    rows: usize,
}

impl<'p> Opened<'p> {
    /// The part at `path`, which is said to have so many rows.
    ///
    /// # Errors
    /// [`Error::File`] if it is none; [`Error::Io`] if it cannot be read.
    pub fn open(path: &'p Path, rows: usize) -> Result<Self> {
        let file = regular_file::open(path)?;
        let archive = Archive::open(BufReader::new(file)).map_err(|refusal| refusal.at(path).hint(HINT))?;
        Ok(Self { archive, path, rows })
    }

    /// The values, in this machine's order of bytes.
    ///
    /// # Errors
    /// [`Error::File`] if they are not such values, not finite, or damaged.
    pub fn values(&mut self, format: Format, features: usize) -> Result<Vec<u8>> {
        let shape = [self.rows, features];
        match format {
            Format::Bytes => self.array(VALUES, "|u1", &shape),
            Format::Floats => self.finite(VALUES, &shape),
        }
    }

    /// A class for each row, of so many.
    ///
    /// # Errors
    /// As [`values`](Self::values); also for a class that there is not.
    pub fn classes(&mut self, count: usize) -> Result<Vec<u32>> {
        let shape = [self.rows];
        let classes: Vec<u32> = bytemuck::pod_collect_to_vec(&self.array(TARGETS, "<u4", &shape)?);
        match classes.iter().find(|&&class| class as usize >= count) {
            None => Ok(classes),
            Some(class) => {
                Err(refused(self.path, TARGETS, format!("has the class {class}, of {count} from 0 on")))
            }
        }
    }

    /// `width` numbers for each row.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    pub fn numbers(&mut self, width: usize) -> Result<Vec<f32>> {
        let shape = [self.rows, width];
        Ok(bytemuck::pod_collect_to_vec(&self.finite(TARGETS, &shape)?))
    }

    /// What each row counts, if they say so.
    ///
    /// # Errors
    /// As [`values`](Self::values); also for a weight that is not above 0.
    pub fn weights(&mut self) -> Result<Option<Vec<f32>>> {
        if !self.archive.names().iter().any(|name| name == WEIGHTS) {
            return Ok(None);
        }
        let shape = [self.rows];
        let weights: Vec<f32> = bytemuck::pod_collect_to_vec(&self.finite(WEIGHTS, &shape)?);
        match weights.iter().find(|&&weight| weight <= 0.0) {
            None => Ok(Some(weights)),
            Some(weight) => {
                Err(refused(self.path, WEIGHTS, format!("has the weight {weight}, which is not above 0")))
            }
        }
    }

    /// The bytes of an array of finite f32.
    fn finite(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u8>> {
        let bytes = self.array(name, "<f4", shape)?;
        match bytes.as_chunks().0.iter().all(|&four| f32::from_ne_bytes(four).is_finite()) {
            true => Ok(bytes),
            false => Err(refused(self.path, name, "has a number that is not finite".into())),
        }
    }

    /// The bytes of an array of this kind. No more are taken than the shape has.
    fn array(&mut self, name: &str, descr: &str, shape: &[usize]) -> Result<Vec<u8>> {
        let path = self.path;
        let of = |refusal: Refusal| refusal.of(format!("`{name}`")).at(path).hint(HINT);
        let Some(place) = self.archive.names().iter().position(|own| own == name) else {
            return Err(refused(self.path, name, "is not there".into()));
        };
        let mut entry = self.archive.entry(place).map_err(of)?;
        let own = Header::read(&mut entry).map_err(of)?;
        if own.dtype.descr != descr || own.shape != shape || own.fortran {
            let problem = format!("is {:?} of {}, expected {shape:?} of {descr}", own.shape, own.dtype.descr);
            return Err(refused(path, name, problem));
        }
        let expected = own.bytes().ok_or_else(|| of(own.wrong_length("fewer")))?;
        // A size in a header reserves no more than the file has.
        let there = fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut bytes = Vec::with_capacity(expected.min(usize::try_from(there).unwrap_or(usize::MAX)));
        // Reading to the end also checks the sum of the entry.
        let most = expected as u64 + 1;
        entry
            .by_ref()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|error| refused(path, name, format!("is damaged: {error}")))?;
        if bytes.len() != expected {
            return Err(of(own.wrong_length(bytes.len())));
        }
        Ok(if own.dtype.size == 4 { little(&bytes) } else { bytes })
    }
}

fn refused(path: &Path, name: &str, problem: String) -> Error {
    Error::file(path, format!("its array `{name}` {problem}"), HINT)
}
