//! Whole numbers packed as differences, as far as to tell how many they are and where they end: lengths of texts are written so, and the
//! crate reserves as many as are claimed.

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::schema::types::ColumnDescriptor;

use super::header::varint;

/// The bytes of a page's values, behind the levels that say which are missing; nothing if it is damaged.
pub fn values<'p>(page: &'p Page, leaf: &ColumnDescriptor) -> Option<&'p [u8]> {
    match page {
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            buf.get((*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize)?..)
        }
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let levels =
                [(leaf.max_rep_level(), rep_level_encoding), (leaf.max_def_level(), def_level_encoding)];
            let mut rest = &buf[..];
            for (most, encoding) in levels.into_iter().filter(|(most, _)| *most > 0) {
                let bytes = match encoding {
                    Encoding::RLE => 4 + u32::from_le_bytes(*rest.first_chunk()?) as usize,
                    _ => (*num_values as usize * (16 - most.leading_zeros() as usize)).div_ceil(8),
                };
                rest = rest.get(bytes..)?;
            }
            Some(rest)
        }
        Page::DictionaryPage { .. } => None,
    }
}

/// The most numbers that one of so many lists has, one list behind the other; nothing if they are damaged.
pub fn longest(mut bytes: &[u8], lists: usize) -> Option<u64> {
    (0..lists).map(|_| pass(&mut bytes)).try_fold(0, |most, count| Some(most.max(count?)))
}

/// Passes over a list, and says how many numbers it has: a first one, then blocks of parts, whose differences have a width each.
fn pass(bytes: &mut &[u8]) -> Option<u64> {
    let (block, parts, count, _first) = (number(bytes)?, number(bytes)?, number(bytes)?, number(bytes)?);
    let each = block.checked_div(parts).filter(|&each| each > 0)?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let _least = number(bytes)?;
        let widths = take(bytes, parts)?;
        for &width in widths {
            if left > 0 {
                take(bytes, each.saturating_mul(width.into()) / 8)?;
            }
            left = left.saturating_sub(each);
        }
    }
    Some(count)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    varint(|| take(bytes, 1).map(|byte| byte[0]))
}

fn take<'b>(bytes: &mut &'b [u8], count: u64) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(count).ok()?)?;
    *bytes = rest;
    Some(taken)
}
