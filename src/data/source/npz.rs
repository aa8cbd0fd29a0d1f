//! Sets in one `.npz` file: an array of values and an array of labels, for training and for testing or for both together.
//!
//! An array's header is believed only as an upper bound: values are converted as they are unpacked, and memory grows with
//! what really arrives.

use std::io::{BufReader, Read};
use std::path::Path;

use super::roles::Roles;
use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
use crate::data::Format;
use crate::error::{Error, Message, Result, Setting, message};
use crate::files::fs::File;
use crate::files::numpy::npy::{Header, Refusal, row_major};
use crate::files::numpy::npz::Archive;
use crate::words::numerals::counted;

const HINT: &str = "save x_train, y_train, x_test and y_test, or X and y, with numpy.savez";

/// As many arrays as a message lists.
const LISTED: usize = 20;

type Npz = Archive<BufReader<File>>;

pub(super) fn read(path: &Path, reading: Reading<'_>) -> Result<Source> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let refused = |refusal: Refusal| refusal.at(path);
    let mut archive = Archive::open(BufReader::new(file)).map_err(refused)?;
    let names = archive.names().to_vec();
    let roles = match reading.npz_keys {
        Some(keys) => {
            let arrays = if names.is_empty() { String::new() } else { shapes(&mut archive) };
            Roles::by_keys(&names, keys, || arrays.clone())?
        }
        None => Roles::by_name(&names, |_| true).ok_or_else(|| {
            let problem = format!(
                "it has neither the arrays x_train and y_train nor X and y; it has {}",
                if names.is_empty() { "none".to_owned() } else { shapes(&mut archive) }
            );
            let keys = Setting::NpzKeys.set("theirs=X,others=y");
            Error::file(path, problem, message![HINT, ", or name the arrays: ", keys])
        })?,
    };
    let (roles, notes) = roles.settled(&names);
    let used: Vec<&str> = roles.places().iter().map(|&place| names[place].as_str()).collect();
    let what = format!("an .npz file of {}", used.join(", "));
    roles.source(&what, notes, reading, |places, reading| pair(&mut archive, &places, path, reading))
}

/// The arrays of a file, with their shapes.
fn shapes(archive: &mut Npz) -> String {
    let names = archive.names().to_vec();
    let mut arrays = Vec::new();
    for (place, name) in names.iter().enumerate().take(LISTED) {
        let shape =
            archive.entry(place).and_then(|mut entry| Header::read(&mut entry)).map(|header| header.shape);
        arrays.push(shape.map_or_else(|_| name.clone(), |shape| format!("{name} {shape:?}")));
    }
    match names.len().saturating_sub(LISTED) {
        0 => arrays.join(", "),
        more => format!("{} and {more} more", arrays.join(", ")),
    }
}

/// The part whose values and labels are these entries.
fn pair(archive: &mut Npz, places: &[usize], path: &Path, reading: Reading<'_>) -> Result<Part> {
    let names: Vec<String> = places.iter().map(|&place| archive.names()[place].clone()).collect();
    let refused = |at: usize| {
        let name = format!("`{}`", names[at]);
        move |refusal: Refusal| refusal.of(&name).at(path)
    };
    let answers = {
        let entry = &mut archive.entry(places[1]).map_err(refused(1))?;
        answers(entry, reading.memory).map_err(refused(1))?
    };
    let entry = &mut archive.entry(places[0]).map_err(refused(0))?;
    let values = values(entry, reading).map_err(refused(0))?;
    together(values, answers, [&names[0], &names[1]], path)
}

/// The part whose values and labels are in these files, which errors call so.
///
/// # Errors
/// [`Error::File`] for arrays that do not fit each other.
pub(super) fn part_of(
    (x, x_name): (&mut impl Read, &str),
    (y, y_name): (&mut impl Read, &str),
    path: &Path,
    reading: Reading<'_>,
) -> Result<Part> {
    let refused = |name: &str| {
        let name = format!("`{name}`");
        move |refusal: Refusal| refusal.of(&name).at(path)
    };
    let answers = answers(y, reading.memory).map_err(refused(y_name))?;
    together(values(x, reading).map_err(refused(x_name))?, answers, [x_name, y_name], path)
}

/// Values and labels as a part.
fn together(values: Values, answers: Answers, names: [&str; 2], path: &Path) -> Result<Part> {
    let names = names.map(|name| format!("`{name}`"));
    let Values { shape, format, bytes } = values;
    if shape[0] != answers.len() {
        let problem = format!(
            "{} has {}, but {} has {}",
            names[1],
            counted(answers.len(), "label"),
            names[0],
            counted(shape[0], "row")
        );
        return Err(Error::file(path, problem, "save one label for each row"));
    }
    let features = shape[1..].iter().product();
    let image_shape = match shape[1..] {
        [rows, cols] | [rows, cols, 1 | 3] => Some([rows, cols]),
        [_] if format == Format::Floats => part::square(&bytes, features),
        _ => None,
    };
    Ok(Part {
        path: path.to_owned(),
        format,
        features,
        image_shape,
        columns: None,
        rows: Rows::Memory(bytes),
        answers,
        weights: None,
        origins: None,
        files: None,
    })
}

/// Rows as a part has them.
struct Values {
    shape: Vec<usize>,
    format: Format,
    bytes: Vec<u8>,
}

/// Images of bytes stay bytes; every other number becomes an f32.
fn values(source: &mut impl Read, reading: Reading<'_>) -> Result<Values, Refusal> {
    let header = Header::read(source)?;
    let (shape, dtype) = (header.shape.clone(), &header.dtype);
    if shape.len() < 2 || shape.contains(&0) {
        let hint = "save values as [samples, values], or images as [samples, rows, columns]";
        return refused(
            format!("has shape {shape:?}: expected at least one row of at least one value"),
            hint,
        );
    }
    if dtype.is_text() {
        return refused("holds texts, not numbers", "save numbers");
    }
    let format = if (dtype.letter, dtype.size) == ('u', 1) && shape.len() > 2 {
        Format::Bytes
    } else {
        Format::Floats
    };
    let needed = header.count().and_then(|count| (count as u64).checked_mul(format.size() as u64));
    if needed.is_none_or(|needed| needed > reading.memory) {
        let problem = format!("has shape {shape:?}: more than the {} bytes of memory left", reading.memory);
        return refused(problem, message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"]);
    }
    let row: usize = shape[1..].iter().product();
    let (mut bytes, mut at) = (Vec::new(), 0);
    header.each(source, |value| {
        match format {
            Format::Bytes => bytes.push(value[0]),
            Format::Floats => {
                let number = dtype.number(value) as f32;
                if !number.is_finite() && !reading.keep_missing {
                    let place = if header.fortran {
                        String::new()
                    } else {
                        format!(" in row {}, value {}, both from 0", at / row, at % row)
                    };
                    let problem = format!("has {:?}, which is not a finite f32{place}", dtype.number(value));
                    return refused(problem, "fill in or remove such rows");
                }
                let number = if number.is_finite() { number } else { f32::NAN };
                bytes.extend_from_slice(&number.to_ne_bytes());
            }
        }
        at += 1;
        Ok(())
    })?;
    if header.fortran {
        bytes = match format {
            Format::Bytes => row_major(&shape, &bytes),
            Format::Floats => row_major(&shape, &bytemuck::pod_collect_to_vec::<u8, [u8; 4]>(&bytes))
                .as_flattened()
                .to_vec(),
        };
    }
    Ok(Values { shape, format, bytes })
}

fn refused<T>(problem: impl Into<String>, hint: impl Into<Message>) -> Result<T, Refusal> {
    Err(Refusal::new(problem, hint))
}

/// One answer a row, a number, truth value or text; or several numbers a row.
fn answers(source: &mut impl Read, memory: u64) -> Result<Answers, Refusal> {
    let header = Header::read(source)?;
    let (shape, dtype) = (&header.shape, &header.dtype);
    match shape[..] {
        [rows] | [rows, 1] if rows > 0 => {}
        [rows, columns] if rows > 0 && columns > 1 && !dtype.is_text() => {}
        _ => {
            let problem =
                format!("has shape {shape:?}: expected one label per row, or several numbers per row");
            return refused(problem, "save labels as an array [samples], or numbers as [samples, targets]");
        }
    }
    if header.count().and_then(|count| (count as u64).checked_mul(8)).is_none_or(|needed| needed > memory) {
        let problem = format!("has shape {shape:?}: more than the {memory} bytes of memory left");
        return refused(problem, message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"]);
    }
    if let [_, columns] = shape[..]
        && columns > 1
    {
        return numbers(&header, source, columns).map(Answers::Many);
    }
    let mut labels = Labels::default();
    header.each(source, |value| {
        if dtype.is_text() {
            let text = dtype.text(value);
            if text.trim().is_empty() {
                return refused(
                    format!("has no label for row {}, from 0", labels.len()),
                    "fill in or remove such rows",
                );
            }
            labels.push(text.trim())
        } else {
            labels.push(&dtype.number(value).to_string())
        }
        .map_err(|problem| Refusal::new(format!("cannot be used: {problem}"), "save one class per row"))
    })?;
    Ok(Answers::One(labels))
}

/// Several numbers a row, which are called by their places.
fn numbers(header: &Header, source: &mut impl Read, columns: usize) -> Result<Numbers, Refusal> {
    let mut values = Vec::new();
    header.each(source, |value| {
        values.push(header.dtype.number(value));
        Ok(())
    })?;
    let values = if header.fortran { row_major(&header.shape, &values) } else { values };
    Ok(Numbers { names: (0..columns).map(|column| column.to_string()).collect(), values })
}
