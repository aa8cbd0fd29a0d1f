//! Event files, which TensorBoard draws: `tensorboard --logdir runs`.
//!
//! Every epoch of a run is a step, counted from 1, with the scalars `loss/train`, `loss/validation`, `loss/test`, the same
//! of `accuracy` or the task's other measures, `learning_rate` and `samples_per_second`; the configuration is a text. A file is a row of records
//!
//! ```text
//! length  u64     of the message
//! crc     u32     masked, of the length's 8 bytes
//! message         an `Event` as protocol buffer
//! crc     u32     masked, of the message
//! ```
//!
//! in little-endian order; masked is the CRC-32C turned right by 15 bits, plus 0xa282ead8. Source: `record_writer.py` of
//! TensorBoard and `tfrecord` in TensorFlow's guide.
//!
//! A resumed run starts a new file, as TensorFlow does. Its first records say from which step on it is valid
//! (`SessionLog START`), and TensorBoard drops that step and later ones of older files: an epoch that is trained again
//! after a crash is shown once.

pub mod proto;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use web_time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use self::proto::{
    Content, DataClass, DataType, Event, PluginData, SessionLog, SessionStatus, Summary, SummaryMetadata,
    TensorProto, TensorShapeProto, Value, What,
};
use crate::error::{Error, Result};
use crate::step::metrics::EpochRecord;

/// What every event file's name has, followed by the second in which it was begun: TensorBoard reads them in that order.
const PREFIX: &str = "events.out.tfevents.";
/// Whose event files they are.
const SUFFIX: &str = ".gpu-mlp";

/// A file of events that grows.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

/// The event files of this program in a folder, the oldest first.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(Error::io("read", folder))?;
    paths.retain(|path| second_of(path).is_some());
    paths.sort();
    Ok(paths)
}

/// The second in the name of an event file.
fn second_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

impl EventFile {
    /// A new file beside older ones, which no longer count from step `first` on.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn create(folder: &Path, first: usize) -> Result<Self> {
        // Behind the newest one, also if that was begun in this second or the clock went back.
        let newest = files(folder)?.last().and_then(|path| second_of(path));
        let mut second = newest.map_or(0, |newest| newest + 1).max(now() as u64);
        let (file, path) = loop {
            let path = folder.join(format!("{PREFIX}{second:010}{SUFFIX}"));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => second += 1,
                opened => break (opened.map_err(Error::io("write", &path))?, path),
            }
        };
        let mut events = Self { file, path };
        let start = SessionLog { status: SessionStatus::Start.into() };
        events.append(&[
            event(0, What::FileVersion("brain.Event:2".into())),
            event(first, What::SessionLog(start)),
        ])?;
        Ok(events)
    }

    /// A text in Markdown, for the view of texts.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn text(&mut self, step: usize, tag: &str, markdown: &str) -> Result<()> {
        let metadata = SummaryMetadata {
            plugin_data: Some(PluginData { plugin_name: "text".into() }),
            data_class: DataClass::Tensor.into(),
        };
        let tensor = TensorProto {
            dtype: DataType::DtString.into(),
            tensor_shape: Some(TensorShapeProto {}),
            string_val: vec![markdown.into()],
        };
        let content = Some(Content::Tensor(tensor));
        let value = vec![Value { tag: tag.into(), metadata: Some(metadata), content }];
        self.append(&[event(step, What::Summary(Summary { value }))])
    }

    /// The scalars of an epoch, whose last step had this learning rate.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written.
    pub fn epoch(&mut self, record: &EpochRecord, lr: f64) -> Result<()> {
        let scalar = |tag: &str, value: f64| {
            let content = Some(Content::SimpleValue(value as f32));
            Value { tag: tag.into(), metadata: None, content }
        };
        let EpochRecord { train, test, validation, .. } = record;
        let mut value =
            vec![scalar("learning_rate", lr), scalar("samples_per_second", record.samples_per_second)];
        let parts = [("train", Some(train)), ("test", Some(test)), ("validation", validation.as_ref())];
        for (part, score) in parts.into_iter().filter_map(|(part, score)| Some((part, score?))) {
            value.push(scalar(&format!("loss/{part}"), score.loss));
            value.extend(
                score.all().map(|(measure, value)| scalar(&format!("{}/{part}", measure.key()), value)),
            );
        }
        self.append(&[event(record.epoch, What::Summary(Summary { value }))])
    }

    /// Writes records, and sees them onto the disk.
    fn append(&mut self, events: &[Event]) -> Result<()> {
        let bytes: Vec<u8> = events.iter().flat_map(|event| record(&event.encode_to_vec())).collect();
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(Error::io("write", &self.path))
    }
}

fn event(step: usize, what: What) -> Event {
    Event { wall_time: now(), step: step as i64, what: Some(what) }
}

/// A message as a file has it.
fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let crc = |bytes: &[u8]| masked(crc32c::crc32c(bytes)).to_le_bytes();
    [&length[..], &crc(&length), message, &crc(message)].concat()
}

/// What stands for a checksum where it is stored: a checksum over data that hold checksums would say little.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
