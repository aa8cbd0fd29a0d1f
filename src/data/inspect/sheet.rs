//! A contact sheet: the first samples of each class, one row per class, as one PNG.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::summary::Summary;
use super::values::values;
use crate::data::source::Source;
use crate::data::{Format, picture};
use crate::error::Result;

/// Samples of a class.
const COLUMNS: usize = 12;

/// The most classes that are drawn.
const ROWS: usize = 40;

/// Small images are enlarged until their longer side has this many pixels, large ones reduced to twice that.
const SIDE: u32 = 56;

/// Pixels between images, and their colour.
const GAP: u32 = 4;
const GROUND: Rgb<u8> = Rgb([214, 219, 226]);

pub(super) fn png(source: &Source, summary: &Summary) -> Result<Option<Vec<u8>>> {
    let part = &source.train;
    let Some([rows, cols]) = part.image_shape else { return Ok(None) };
    let mut places = vec![Vec::new(); summary.classes.len().min(ROWS)];
    for (row, class) in
        part.answers.one_hot(&part.path)?.classes(&source.class_names(), &part.path)?.into_iter().enumerate()
    {
        if let Some(places) = places.get_mut(class as usize).filter(|places| places.len() < COLUMNS) {
            places.push(row);
        }
    }
    let widest = places.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let Some([height, width]) = tile([rows, cols]) else { return Ok(None) };
    let mut sheet = RgbImage::from_pixel(
        GAP + widest * (width + GAP),
        GAP + places.len() as u32 * (height + GAP),
        GROUND,
    );
    // Bytes are grey values as they are; of numbers the highest is white.
    let (low, high) = match part.format {
        Format::Bytes => (0.0, 255.0),
        Format::Floats => (summary.range.min.unwrap_or(0.0), summary.range.max.unwrap_or(1.0)),
    };
    for (y, class) in places.iter().enumerate() {
        for (x, &row) in class.iter().enumerate() {
            let image = picture::of_values(&values(part, row..row + 1)?, [rows, cols], (low, high));
            let filter = if width > cols as u32 { FilterType::Nearest } else { FilterType::Triangle };
            let image = imageops::resize(&image, width, height, filter);
            let place = |n: usize, size: u32| i64::from(GAP + n as u32 * (size + GAP));
            imageops::replace(&mut sheet, &image, place(x, width), place(y, height));
        }
    }
    picture::png(sheet).map(Some)
}

/// Height and width of an image on the sheet; nothing for images without a side.
fn tile([rows, cols]: [usize; 2]) -> Option<[u32; 2]> {
    let longer = u32::try_from(rows.max(cols)).ok().filter(|&side| side > 0)?;
    let scaled = |side: usize| {
        let side = side as u32;
        match longer {
            0..SIDE => side * SIDE.div_ceil(longer),
            _ if longer > 2 * SIDE => {
                (u64::from(side) * u64::from(2 * SIDE) / u64::from(longer)).max(1) as u32
            }
            _ => side,
        }
    };
    Some([scaled(rows), scaled(cols)])
}
