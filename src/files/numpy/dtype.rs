//! The value types of arrays: numbers, truth values and short texts.

use super::refusal::Refusal;

/// What one value of an array is, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtype {
    /// As NumPy writes it, such as `<f4`.
    pub descr: String,
    big_endian: bool,
    /// NumPy's letter: `f`, `i`, `u`, `b`, or `U` and `S` for text.
    pub letter: char,
    /// Bytes of a value: at least 1.
    pub size: usize,
}

impl Dtype {
    /// Reads what stands behind `'descr':`.
    ///
    /// # Errors
    /// A dtype that is neither a number nor a short text.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: String, hint: &str| Err(Refusal::new(what, hint));
        let quote = text.chars().next().unwrap_or(' ');
        let descr = match text.get(1..).and_then(|rest| rest.split_once(quote)) {
            Some((descr, _)) if quote == '\'' || quote == '"' => descr,
            _ => return refuse("is a structured array, not numbers".into(), "export plain arrays"),
        };
        let bare = descr.trim_start_matches(['<', '>', '|', '=']);
        let letter = bare.chars().next().unwrap_or(' ');
        let size = bare.get(1..).and_then(|size| size.parse::<usize>().ok()).unwrap_or(0);
        if letter == 'O' {
            let hint = "an array of Python objects (often lists of different lengths, or None); \
                        convert it with numpy.asarray(..., dtype=float) before saving";
            return refuse("holds pickled Python objects, which are never loaded".into(), hint);
        }
        let bytes = match (letter, size) {
            ('f', 2 | 4 | 8) | ('i' | 'u', 1 | 2 | 4 | 8) | ('b', 1) => size,
            ('U', 1..=1024) => size * 4,
            ('S', 1..=1024) => size,
            _ => {
                let hint = "export float32, float64 or integers";
                return refuse(format!("has dtype `{descr}`, which is not a number read here"), hint);
            }
        };
        Ok(Self { descr: descr.to_owned(), big_endian: descr.starts_with('>'), letter, size: bytes })
    }

    /// Whether values are texts.
    pub fn is_text(&self) -> bool {
        matches!(self.letter, 'U' | 'S')
    }

    /// One value, from exactly `size` bytes.
    pub fn number(&self, bytes: &[u8]) -> f64 {
        let mut eight = [0_u8; 8];
        for (to, &from) in eight.iter_mut().zip(bytes) {
            *to = from;
        }
        if self.big_endian {
            eight[..self.size.min(8)].reverse();
        }
        let bits = u64::from_le_bytes(eight);
        match (self.letter, self.size) {
            ('f', 2) => half(bits as u16),
            ('f', 4) => f64::from(f32::from_bits(bits as u32)),
            ('f', _) => f64::from_bits(bits),
            ('i', 1) => f64::from(bits as i8),
            ('i', 2) => f64::from(bits as i16),
            ('i', 4) => f64::from(bits as i32),
            ('i', _) => bits as i64 as f64,
            ('b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }

    /// Appends the numbers in `bytes`.
    pub fn append<T: From<f32>>(&self, bytes: &[u8], values: &mut Vec<T>, wide: impl Fn(f64) -> T) {
        match (self.letter, self.size, self.big_endian) {
            // The usual kinds have no need to pass through f64.
            ('u', 1, _) => values.extend(bytes.iter().map(|&byte| T::from(f32::from(byte)))),
            ('f', 4, false) => {
                values.extend(bytes.as_chunks().0.iter().map(|&four| T::from(f32::from_le_bytes(four))));
            }
            (_, size, _) => values.extend(bytes.chunks_exact(size).map(|bytes| wide(self.number(bytes)))),
        }
    }

    /// One text, from exactly `size` bytes.
    pub fn text(&self, body: &[u8]) -> String {
        if self.letter == 'S' {
            return String::from_utf8_lossy(body).trim_end_matches('\0').to_owned();
        }
        let code = |four: &[u8]| {
            let four = [four[0], four[1], four[2], four[3]];
            let code = if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
            char::from_u32(code).unwrap_or('?')
        };
        body.chunks_exact(4).map(code).filter(|&letter| letter != '\0').collect()
    }
}

/// An IEEE 754 half as f64: sign, 5 bits of exponent, 10 of fraction.
pub fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}
