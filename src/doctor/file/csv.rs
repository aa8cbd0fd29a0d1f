//! One array as a text of numbers: a row a line, apart by commas, semicolons, tabs or blanks.

use super::digits;
use super::npy::{Array, Kind, Refusal, Value};

/// Reads an array of at most so many values; a first line of words is a header.
///
/// # Errors
/// The problem and a hint: no numbers, or rows of different lengths.
pub fn parse(bytes: &[u8], most: usize) -> Result<Value, Refusal> {
    let hint = "write a row a line, numbers apart by commas";
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::new("is not text", hint))?;
    let (mut data, mut rows, mut cols) = (Vec::new(), 0, 0);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines {
        let apart = |letter: char| matches!(letter, ',' | ';') || letter.is_whitespace();
        let before = data.len();
        let mut bad = None;
        for cell in line.split(apart).filter(|cell| !cell.is_empty()) {
            match cell.trim_matches('"').parse::<f64>() {
                Ok(value) => data.push(value),
                Err(_) => bad = bad.or(Some(cell)),
            }
        }
        match bad {
            Some(_) if at == 0 => data.clear(),
            Some(cell) => {
                let cell: String = cell.chars().take(20).collect();
                return Err(Refusal::new(
                    format!("has `{cell}` in line {}, which is no number", at + 1),
                    hint,
                ));
            }
            None => {
                let own = data.len() - before;
                if rows > 0 && own != cols {
                    let problem = format!("has {own} numbers in line {}, and {cols} above", at + 1);
                    return Err(Refusal::new(problem, hint));
                }
                (rows, cols) = (rows + 1, own);
            }
        }
        if data.len() > most {
            return Err(Refusal::new(format!("has more than {most} values"), "export one small batch"));
        }
    }
    if rows == 0 {
        return Err(Refusal::new("has no numbers", hint));
    }
    let shape = match (rows, cols) {
        (1, 1) => Vec::new(),
        (rows, cols) => vec![rows, cols],
    };
    // Few digits are not the precision of the calculation.
    let short = |cell: &str| cell.bytes().filter(u8::is_ascii_digit).count() < 12;
    let whole = data.iter().all(|value| value.fract() == 0.0);
    let coarse = text.split([',', ';', '\n', ' ', '\t']).all(short);
    let kind = if whole {
        Kind::Whole
    } else if coarse || digits::is_single(&data) {
        Kind::F32
    } else {
        Kind::F64
    };
    Ok(Value::Numbers(Array { shape, data, kind }))
}
