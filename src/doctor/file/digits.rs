//! How exactly the numbers of a file are known, by their digits. Text has few of them; and what was calculated in 32 bits
//! is a number of 32 bits, whatever it is stored as.

use super::npy::{Array, Kind, Value};
use super::npz::Entries;

/// The most digits of a number that was rounded when it was written. A number that was not has fewer by chance only.
const SHORT: usize = 11;

/// A loss with fewer digits may be one that is exactly so.
const FEWEST: usize = 3;

/// The numbers of an array whose digits are counted.
const COUNTED: usize = 200;

/// An array that is known less exactly than this says nothing of what was calculated.
const COARSE: f64 = 1e-2;

/// A file whose numbers were rounded when they were written.
#[derive(Debug, Clone)]
pub struct Rounded {
    /// Its arrays, as numbers of low precision.
    pub entries: Entries,
    /// How far an array may be off, relative to its size.
    pub error: f64,
    /// What is said of it.
    pub notes: Vec<String>,
}

/// The digits of a number as it is written shortest, and how many of them stand behind the point.
fn digits(value: f64) -> Option<(usize, i32)> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    Some((count, count as i32 - 1 - exponent.parse::<i32>().ok()?))
}

/// Some of the values, evenly.
fn sample(data: &[f64]) -> impl Iterator<Item = f64> {
    data.iter().copied().step_by(data.len().div_ceil(COUNTED).max(1)).filter(|value| value.is_finite())
}

/// Whether numbers were calculated in 32 bits: each is one of 32 bits, and not for being short.
pub fn is_single(data: &[f64]) -> bool {
    let fits = |value: f64| f64::from(value as f32) == value;
    let long = |value: f64| digits(value).is_some_and(|(count, _)| count > SHORT);
    sample(data).any(long) && data.iter().all(|&value| fits(value) || !value.is_finite())
}

/// How far one printed number may be off, relatively; 0 if it was not rounded.
pub fn rounding(value: f64) -> f64 {
    match digits(value) {
        Some((count, decimals)) if (FEWEST..=SHORT).contains(&count) => {
            0.6 * 10_f64.powi(-decimals) / value.abs()
        }
        _ => 0.0,
    }
}

/// The file with its numbers as exact as their digits; nothing if some array was not rounded.
pub fn rounded(entries: &Entries) -> Option<Rounded> {
    let arrays = || {
        entries.iter().filter_map(|(name, value)| match value {
            Value::Numbers(array) if array.data.len() > 1 && array.kind != Kind::Whole => Some((name, array)),
            _ => None,
        })
    };
    let (mut most, mut behind) = (0, 0);
    for (count, decimals) in arrays().flat_map(|(_, array)| sample(&array.data)).filter_map(digits) {
        (most, behind) = (most.max(count), behind.max(decimals));
        if most > SHORT {
            return None;
        }
    }
    if most == 0 {
        return None;
    }
    // A fixed number of decimals, or of digits: whichever is coarser for a value.
    let off = |value: f64| {
        let of_point = 10_f64.powi(-behind);
        let of_digits = 10_f64.powf(value.abs().log10().floor() + 1.0 - most as f64);
        0.5 * if value == 0.0 || !value.is_finite() { of_point } else { of_digits.max(of_point) }
    };
    let error = |array: &Array| {
        let size = array.data.iter().map(|value| value * value).sum::<f64>();
        let errors = array.data.iter().map(|&value| off(value).powi(2)).sum::<f64>();
        if size > 0.0 && size.is_finite() { (errors / size).sqrt() } else { 0.0 }
    };
    let mut kept = entries.clone();
    let (mut largest, mut coarse) = (0.0_f64, Vec::new());
    for (name, array) in arrays() {
        match error(array) {
            error if error > COARSE => {
                kept.remove(name);
                coarse.push(format!("`{name}`"));
            }
            error => largest = largest.max(error),
        }
    }
    for value in kept.values_mut() {
        if let Value::Numbers(array) = value
            && array.kind == Kind::F64
        {
            array.kind = Kind::F32;
        }
    }
    let mut notes = vec![format!(
        "numbers are written with at most {most} digits, {behind} behind the point: what differs by no more than that is right"
    )];
    if !coarse.is_empty() {
        notes.push(format!("{} not used: too few digits are left of such small numbers", coarse.join(", ")));
    }
    Some(Rounded { entries: kept, error: largest, notes })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{digits, is_single, rounded, rounding};
    use crate::doctor::file::npy::{Array, Kind, Value};
    use crate::doctor::file::npz::Entries;

    #[test]
    fn digits_of_text_are_counted() {
        assert_eq!(digits(0.001_25), Some((3, 5)));
        assert_eq!(digits(1250.0), Some((3, -1)));
        assert_eq!(digits(-12.5), Some((3, 1)));
        assert!((rounding(0.423_1) - 0.6e-4 / 0.423_1).abs() < 1e-12);
        assert_eq!((rounding(0.5), rounding(2.0_f64.ln())), (0.0, 0.0));
    }

    #[test]
    fn numbers_of_32_bits_are_known() {
        assert!(is_single(&[f64::from(0.1_f32), 0.5, f64::from(0.7_f32)]));
        assert!(!is_single(&[0.1, 0.5, f64::from(0.7_f32)]));
        assert!(!is_single(&[0.25, 0.5, 1.0]), "short numbers are exact");
    }

    #[test]
    fn a_file_is_as_exact_as_its_digits() {
        let array = |data: Vec<f64>| Value::Numbers(Array { shape: vec![data.len()], data, kind: Kind::F64 });
        let mut entries = Entries::new();
        entries.insert("a".into(), array(vec![0.123_456, -1.5, 0.000_012]));
        entries.insert("tiny".into(), array(vec![0.000_002, 0.000_001]));
        let found = rounded(&entries).unwrap();
        assert!(!found.entries.contains_key("tiny") && found.notes.len() == 2, "{found:?}");
        assert!(found.error > 1e-7 && found.error < 1e-5, "{found:?}");
        entries.insert("nan".into(), array(vec![f64::NAN, f64::INFINITY, 0.0]));
        assert!(rounded(&entries).is_some());
        entries.insert("long".into(), array(vec![1.0 / 3.0, 0.5]));
        assert!(rounded(&entries).is_none());
    }
}
