//! One image: from the bytes of a PNG or JPEG file, from numbers, and as a PNG file.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use crate::error::{Error, Result};

/// Whether a file that begins so is one of the images that are read.
pub fn is_one(start: &[u8]) -> bool {
    matches!(image::guess_format(start), Ok(ImageFormat::Png | ImageFormat::Jpeg))
}

/// Decodes an image, the way up that its camera noted; nothing if the bytes are neither PNG nor JPEG.
///
/// An image of more than `most_pixels` is refused, and one whose rows and columns `fits` finds wrong: both before there is
/// memory for it, of which it gets up to 8 bytes a pixel.
///
/// # Errors
/// What is wrong with the image.
pub fn decode(
    bytes: &[u8],
    most_pixels: u64,
    fits: impl FnOnce([usize; 2]) -> Result<(), String>,
) -> Result<Option<DynamicImage>, String> {
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = image::guess_format(bytes) else {
        return Ok(None);
    };
    let damaged = |error: image::ImageError| format!("the image is damaged: {error}");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(8 * most_pixels);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > most_pixels {
        return Err(format!(
            "an image of {height} x {width} pixels is too large: scale it down, at most {most_pixels} pixels are read"
        ));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let shape = [height as usize, width as usize];
    fits(if turned { [shape[1], shape[0]] } else { shape })?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(Some(image))
}

/// An image of numbers, row by row, one a pixel or three for its colours; `low` is black, `high` is white.
///
/// # Panics
/// If there are fewer numbers than pixels, as slice indexing does.
pub fn of_values(values: &[f32], [rows, cols]: [usize; 2], (low, high): (f64, f64)) -> RgbImage {
    let level = |value: f32| ((f64::from(value) - low) / (high - low).max(f64::MIN_POSITIVE) * 255.0) as u8;
    let channels = values.len() / (rows * cols).max(1);
    RgbImage::from_fn(cols as u32, rows as u32, |x, y| {
        let at = (y as usize * cols + x as usize) * channels;
        if channels == 3 {
            Rgb([level(values[at]), level(values[at + 1]), level(values[at + 2])])
        } else {
            Rgb([level(values[at]); 3])
        }
    })
}

/// An image as a PNG file.
///
/// # Errors
/// [`Error::Internal`] if it has no pixels.
pub fn png(image: impl Into<DynamicImage>) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let internal = |error: image::ImageError| Error::Internal(format!("writing a picture: {error}"));
    image.into().write_to(&mut bytes, ImageFormat::Png).map_err(internal)?;
    Ok(bytes.into_inner())
}
