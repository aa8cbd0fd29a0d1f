//! The header of a page, in Thrift's compact encoding, read to check it before the crate believes it.
//!
//! It is read strictly, so that the crate cannot see another page in the same bytes: fields in order, once, of their own kinds.

use std::io::{self, Read};

/// The kinds of fields, as Thrift numbers them.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// The most fields within fields.
const DEEPEST: u8 = 8;

/// A known field.
#[derive(Clone, Copy)]
enum Field {
    Number,
    Truth,
    Has(&'static [Self]),
}

/// The fields of a header, by their numbers from 1: the kind of the page, its size, its packed size, its checksum, then what a page of
/// each kind has, the number of values first.
const PAGE: &[Field] = &[
    Field::Number,
    Field::Number,
    Field::Number,
    Field::Number,
    Field::Has(&[Field::Number; 4]),
    Field::Has(&[]),
    Field::Has(&[Field::Number, Field::Number, Field::Truth]),
    Field::Has(&[
        Field::Number,
        Field::Number,
        Field::Number,
        Field::Number,
        Field::Number,
        Field::Number,
        Field::Truth,
    ]),
];

/// The kind of page that has nothing of the column, and is passed over.
const INDEX: i32 = 1;

/// What a page claims.
#[derive(Debug, Default)]
pub struct Header {
    /// Bytes of the header itself.
    pub length: u64,
    pub is_index: bool,
    /// Bytes of the page in the file.
    pub packed: u64,
    /// Bytes that it unpacks to.
    pub unpacked: u64,
    /// Values of the column.
    pub values: u64,
    /// Entries of a dictionary.
    pub entries: u64,
}

impl Header {
    /// The header at the beginning of what is read.
    ///
    /// # Errors
    /// If it is none, or ends early.
    pub fn read(from: impl Read) -> io::Result<Self> {
        let (mut bytes, mut header) = (Bytes { from, read: 0 }, Self::default());
        bytes.fields(PAGE, 0, &mut |field, number| {
            // The crate refuses what is below 0.
            let size = u64::try_from(number).unwrap_or(u64::MAX);
            match field {
                1 => header.is_index = number == INDEX,
                2 => header.unpacked = size,
                3 => header.packed = size,
                5 | 8 => header.values = header.values.max(size),
                7 => header.entries = size,
                _ => {}
            }
        })?;
        header.length = bytes.read;
        Ok(header)
    }
}

/// Bytes that are read and counted.
struct Bytes<R> {
    from: R,
    read: u64,
}

impl<R: Read> Bytes<R> {
    /// Hands on each known field: its number, and its value or the first one within it.
    fn fields(&mut self, known: &[Field], depth: u8, take: &mut dyn FnMut(usize, i32)) -> io::Result<()> {
        let mut id = 0;
        loop {
            let byte = self.byte()?;
            let (step, kind) = (usize::from(byte >> 4), byte & 15);
            if byte == 0 {
                return Ok(());
            }
            if step == 0 || depth == DEEPEST {
                return Err(damaged());
            }
            id += step;
            match (known.get(id - 1), kind) {
                (Some(Field::Number), I32) => take(id, self.number()?),
                (Some(Field::Truth) | None, TRUE | FALSE) => {}
                (Some(Field::Has(inner)), STRUCT) => {
                    let mut first = 0;
                    self.fields(inner, depth + 1, &mut |field, value| {
                        if field == 1 {
                            first = value;
                        }
                    })?;
                    take(id, first);
                }
                // What is not known is passed over by its kind, by the crate as here.
                (None, BYTE) => self.skip(1)?,
                (None, I16 | I32 | I64) => drop(self.varint()?),
                (None, DOUBLE) => self.skip(8)?,
                (None, BINARY) => {
                    let length = self.varint()?;
                    self.skip(length)?;
                }
                (None, STRUCT) => self.fields(&[], depth + 1, &mut |_, _| {})?,
                _ => return Err(damaged()),
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink())?;
        self.read += skipped;
        if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn varint(&mut self) -> io::Result<u64> {
        varint(|| self.byte().ok()).ok_or_else(damaged)
    }

    /// A number with its sign in the lowest bit.
    fn number(&mut self) -> io::Result<i32> {
        let value = u32::try_from(self.varint()?).map_err(|_| damaged())?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

/// A number of seven bits in each byte, the lowest first; nothing if it has no end.
pub fn varint(mut next: impl FnMut() -> Option<u8>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is not the header of a page")
}
