//! Mutation of images: the chunks of a PNG with right checksums, its pixels compressed again; anything else as bytes.

use std::io::{Read, Write};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::mutate::{LONGEST, Rng, below, edited, one_in, pick};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

type Chunk = ([u8; 4], Vec<u8>);

const KINDS: [&[u8; 4]; 10] =
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"acTL", b"fcTL"];

fn chunks(png: &[u8]) -> Option<Vec<Chunk>> {
    let (mut rest, mut chunks) = (png.strip_prefix(SIGNATURE)?, Vec::new());
    while let (Some(length), Some(kind)) = (rest.get(..4), rest.get(4..8)) {
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        chunks.push((kind.try_into().ok()?, rest.get(8..8 + length)?.to_vec()));
        rest = rest.get(12 + length..)?;
    }
    Some(chunks)
}

pub fn png(chunks: &[Chunk]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    for (kind, data) in chunks {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(kind);
        bytes.extend(data);
        bytes.extend(sum.sum().to_be_bytes());
    }
    bytes
}

pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    let Some(mut all) = chunks(input).filter(|all| !all.is_empty() && !one_in(rng, 5)) else {
        return edited(rng, input, other, &[]);
    };
    for _ in 0..=below(rng, 3) {
        let place = below(rng, all.len());
        match below(rng, 8) {
            0 if all.len() > 1 => drop(all.remove(place)),
            1 => all.insert(place, all[below(rng, all.len())].clone()),
            2 => all[place].0 = **pick(rng, &KINDS),
            3 => {
                let data = edited(rng, &all[place].1, other, &[]);
                all.insert(below(rng, all.len() + 1), (**pick(rng, &KINDS), data));
            }
            4 | 5 => pixels(rng, &mut all, other),
            _ => all[place].1 = edited(rng, &all[place].1, other, &[]),
        }
    }
    png(&all)
}

fn pixels(rng: &mut Rng, all: &mut [Chunk], other: &[u8]) {
    let Some((_, data)) = all.iter_mut().find(|(kind, _)| kind == b"IDAT") else { return };
    let mut plain = Vec::new();
    if ZlibDecoder::new(&data[..]).take(LONGEST as u64).read_to_end(&mut plain).is_ok() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
        if encoder.write_all(&edited(rng, &plain, other, &[])).is_ok() {
            *data = encoder.finish().unwrap_or_default();
        }
    }
}
