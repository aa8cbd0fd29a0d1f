//! The forms a file of arrays may have: an `.npz`, a `.json`, or a folder with an `.npy` or `.csv` for each array. What
//! is in another form is refused with the lines that make it one of these.

use super::npy::{self, Refusal, Value};
use super::npz::{self, Entries};
use super::{csv, json};
use crate::error::{Error, Message, Result};
use crate::files::fs;
use crate::files::regular_file;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// The most files of a folder that are read.
const FILES: usize = 4096;

/// Reads the arrays of a file or a folder, told by content.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::File`] if it is in no form that is known or too large.
pub fn read(path: &Path) -> Result<Entries> {
    if fs::is_dir(path) {
        return folder(path);
    }
    read_from(BufReader::new(regular_file::open(path)?)).map_err(|refusal| refusal.at(path))
}

/// Reads the arrays of a file, told by content.
///
/// # Errors
/// The problem and a hint.
pub fn read_from(mut source: impl Read + Seek) -> Result<Entries, Refusal> {
    let mut start = Vec::new();
    let unreadable =
        |error: std::io::Error| Refusal::new(format!("cannot be read: {error}"), Message::default());
    source.by_ref().take(128).read_to_end(&mut start).map_err(unreadable)?;
    source.rewind().map_err(unreadable)?;
    if let Some((problem, hint)) = foreign(&start) {
        return Err(Refusal::new(problem, hint));
    }
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return json::read_from(source);
    }
    if let Some((problem, hint)) = no_archive(&start) {
        return Err(Refusal::new(problem, hint));
    }
    let entries = npz::read_from(source)?;
    if entries.keys().any(|name| name.ends_with("data.pkl")) {
        return Err(Refusal::new("is a file of torch.save, not an .npz file", TORCH));
    }
    Ok(entries)
}

const TORCH: &str = "two lines save its tensors: d = torch.load(FILE), then \
                     numpy.savez(\"dump.npz\", **{k: v.detach().cpu().numpy() for k, v in d.items()})";
const PICKLE: &str = "a pickle can run any program, so it is never loaded; two lines save its arrays: \
                      d = pickle.load(open(FILE, \"rb\")), then \
                      numpy.savez(\"dump.npz\", **{k: numpy.asarray(v) for k, v in d.items()})";
const MATLAB: &str = "one line of Matlab or Octave saves its arrays into a folder: d = load(FILE); mkdir dump; for n = fieldnames(d)', \
                      dlmwrite(['dump/' n{1} '.csv'], d.(n{1}), 'precision', 17); end, then name the folder; or two lines of \
                      Python: d = scipy.io.loadmat(FILE), then \
                      numpy.savez(\"dump.npz\", **{k: v for k, v in d.items() if k[0] != \"_\"})";
const HDF5: &str = "of a .mat one line of Matlab saves the arrays into a folder: d = load(FILE); mkdir dump; for n = fieldnames(d)', \
                    dlmwrite(['dump/' n{1} '.csv'], d.(n{1}), 'precision', 17); end, then name the folder; or save with \
                    save(FILE, \"-v7\"), and read that with scipy.io.loadmat";
const ONE_ARRAY: &str = "put an .npy file for each array into one folder and name the folder, or save all arrays with \
                         numpy.savez(\"dump.npz\", W1=W1, ...)";

/// What a file is that is none of ours, and how to make it one.
fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    match start {
        [0x80, 2..=5, ..] => Some(("is a pickle, not an .npz file", PICKLE)),
        _ if start.starts_with(b"MATLAB 5.0") => Some(("is a .mat file, not an .npz file", MATLAB)),
        _ if start.starts_with(b"# Created by Octave") => {
            Some(("is a text file of Octave, not an .npz file", MATLAB))
        }
        // A .mat of version 7.3 begins with 512 bytes of text.
        _ if start.starts_with(b"\x89HDF") || start.starts_with(b"MATLAB 7.3") => {
            Some(("is an HDF5 file (a .mat of version 7.3?), not an .npz file", HDF5))
        }
        _ if start.starts_with(b"\x93NUMPY") => Some(("is one array, not an .npz file", ONE_ARRAY)),
        _ => None,
    }
}

const FORMS: &str = "an .npz of named arrays, a .json object of them, or a folder with an .npy or .csv file for each is read; \
                     `gpu-mlp doctor --template numpy` shows how to save one";

/// What a file is that cannot be an archive.
fn no_archive(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const OBJECT: &str =
        "put the arrays into an object under their names: {\"W1\": [[0.1, 0.2], ...], \"lr\": 0.1}";
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        [] => Some(("is empty", FORMS)),
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => {
            Some(("is a picture, not an .npz file", FORMS))
        }
        [b'P', b'K', ..] => None,
        _ if first == Some(&b'[') => Some(("is a JSON list, not an object", OBJECT)),
        _ if is_text(start) => {
            Some(("is text, not an .npz file or a JSON object: a single table, or notes", FORMS))
        }
        _ => None,
    }
}

/// Whether bytes can be the start of a text: none of control but for blanks, and UTF-8 but for a letter that is cut.
fn is_text(start: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let valid = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    valid && !start.iter().any(control)
}

/// The arrays of a folder, each in a file of its name.
fn folder(path: &Path) -> Result<Entries> {
    let ending = |file: &PathBuf| file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let mut files = Vec::new();
    for file in fs::paths(path).map_err(Error::io("read", path))?.take(FILES) {
        let file = file.map_err(Error::io("read", path))?;
        files.extend(matches!(ending(&file).as_deref(), Some("npy" | "csv")).then_some(file));
    }
    if files.is_empty() {
        let hint =
            "a folder holds an .npy or .csv file for each array, named as the array; or name an .npz file";
        return Err(Error::file(path, "has no .npy or .csv files", hint));
    }
    files.sort();
    let (mut entries, mut left) = (Entries::new(), npz::MEMORY);
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        let source = regular_file::open(&file)?;
        source.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", &file))?;
        if bytes.len() as u64 > left {
            let problem =
                format!("takes more memory than the {} MiB allowed for a folder", npz::MEMORY >> 20);
            return Err(Error::file(&file, problem, "export one small batch: 37 samples are plenty"));
        }
        let most = (left / 8) as usize;
        let array =
            if bytes.starts_with(b"\x93NUMPY") { npy::parse(&bytes, most) } else { csv::parse(&bytes, most) };
        let value = array.unwrap_or_else(|refusal| Value::Unreadable(refusal.problem));
        left = left.saturating_sub(npz::memory(&value).max(bytes.len() as u64));
        entries.insert(name, value);
    }
    Ok(entries)
}
