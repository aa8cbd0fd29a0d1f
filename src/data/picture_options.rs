//! How images are to be read, and what those are like that a network was trained on.

use serde::{Deserialize, Serialize};

use super::format::Format;

use super::samples::Samples;
use crate::error::Result;

/// How images are to be read, as far as they do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureOptions {
    /// Width and height that images are stretched to; if `None`, and they have several sizes, the commonest one.
    pub resize: Option<[usize; 2]>,
    /// Whether images that cannot be decoded are left out.
    pub skip_broken: bool,
    /// Whether rows and columns of IDX images change places.
    pub transpose: bool,
}

/// What holds if nobody says anything.
pub static AS_THEY_ARE: PictureOptions =
    PictureOptions { resize: None, skip_broken: false, transpose: false };

/// What the images are like that a network was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Rows of pixels.
    pub rows: usize,
    /// Pixels of a row.
    pub columns: usize,
    /// Whether a pixel has three values: red, green and blue.
    pub colour: bool,
    /// Whether they are drawn like MNIST's digits: bright ink in the middle of black.
    pub digits: bool,
}

/// Images that are looked at.
const LOOKED_AT: usize = 500;
/// The part of them that has to be alike.
const MOST: f64 = 0.9;
/// The longer side of the ink, as a part of the image's: MNIST's is 20/28, and the built-in digits' 18/28 to 28/28.
const INK: f64 = 17.5 / 28.0;
/// How far the centre of mass may lie from the middle, as a part of the side: MNIST's by rounding, the built-in digits' by 4/28.
const OFF_CENTRE: f64 = 4.2 / 28.0;
/// The brightest that a pixel of the border may be. Images that fill their frame, as Fashion-MNIST's do, are brighter there.
const PAPER: u8 = 96;

impl Frame {
    /// Of samples that are images of so many rows and columns.
    ///
    /// # Errors
    /// What reading samples from their file reports.
    pub fn of(samples: &Samples, [rows, columns]: [usize; 2]) -> Result<Self> {
        let colour = samples.features() == 3 * rows * columns;
        let mut frame = Self { rows, columns, colour, digits: false };
        if rows == columns && !colour && samples.format() == Format::Bytes {
            let stride = samples.len().div_ceil(LOOKED_AT);
            let some: Vec<u32> = (0..samples.len() as u32).step_by(stride).collect();
            let bytes = samples.read(&some)?;
            let digits = bytes.chunks_exact(rows * columns).filter(|pixels| is_digit(pixels, rows)).count();
            frame.digits = digits as f64 >= MOST * some.len() as f64;
        }
        Ok(frame)
    }

    /// Whether such an image has so many values.
    pub fn fits(self, features: usize) -> bool {
        let pixels = self.rows.checked_mul(self.columns);
        pixels.and_then(|pixels| pixels.checked_mul(if self.colour { 3 } else { 1 })) == Some(features)
    }
}

/// Whether an image of `side` rows and columns is drawn as MNIST's digits are.
fn is_digit(pixels: &[u8], side: usize) -> bool {
    let (mut first, mut last) = ([side; 2], [0; 2]);
    let (mut mass, mut moments) = (0.0, [0.0; 2]);
    for (at, &pixel) in pixels.iter().enumerate().filter(|(_, pixel)| **pixel > 0) {
        let place = [at % side, at / side];
        if place.iter().any(|&at| at == 0 || at + 1 == side) && pixel > PAPER {
            return false;
        }
        mass += f64::from(pixel);
        for axis in 0..2 {
            first[axis] = first[axis].min(place[axis]);
            last[axis] = last[axis].max(place[axis]);
            moments[axis] += f64::from(pixel) * (place[axis] as f64 + 0.5);
        }
    }
    let length = (0..2).map(|axis| (last[axis] + 1).saturating_sub(first[axis])).max().unwrap_or(0);
    let length = length as f64 / side as f64;
    let middle = side as f64 / 2.0;
    let centred = moments.iter().all(|moment| (moment / mass - middle).abs() <= OFF_CENTRE * side as f64);
    mass > 0.0 && length >= INK && centred
}
