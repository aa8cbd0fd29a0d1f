//! One image: from the bytes of a PNG or JPEG file, from numbers, and as a PNG file.

use std::io::{BufRead, Cursor, Seek};

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Luma, Rgb, RgbImage};

use crate::error::{Error, Result};

/// Whether a file that begins so is one of the images that are read.
pub fn is_one(start: &[u8]) -> bool {
    matches!(image::guess_format(start), Ok(ImageFormat::Png | ImageFormat::Jpeg))
}

/// The most pixels that a file of so many bytes may have, of which none may have more than `any`: a small file that claims to be
/// a large photo is a trap.
pub fn most_pixels(bytes: usize, any: u64) -> u64 {
    (64 * bytes as u64).clamp(1 << 22, any)
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
    let shape = [height as usize, width as usize];
    fits(if is_turned(orientation) { [shape[1], shape[0]] } else { shape })?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(Some(image))
}

/// The size of an image, as [`decode`] turns it, from the beginning of its file; nothing if that cannot be told.
pub fn size(source: impl BufRead + Seek) -> Option<[usize; 2]> {
    let mut reader = ImageReader::new(source).with_guessed_format().ok()?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return None;
    }
    reader.limits(Limits::default());
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let shape = [height as usize, width as usize];
    Some(if is_turned(decoder.orientation().ok()?) { [shape[1], shape[0]] } else { shape })
}

/// Whether rows become columns.
fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The image in bytes, one a pixel or three: what can be seen through is laid on white, 16 bits become 8.
pub fn flat(image: DynamicImage, colour: bool) -> DynamicImage {
    let on_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let (width, height) = (image.width(), image.height());
    match (colour, image.color().has_alpha()) {
        (false, false) => image.into_luma8().into(),
        (true, false) => image.into_rgb8().into(),
        (false, true) => {
            let pixels = image.into_luma_alpha8();
            GrayImage::from_fn(width, height, |x, y| {
                let [grey, alpha] = pixels.get_pixel(x, y).0;
                Luma([on_white(grey, alpha)])
            })
            .into()
        }
        (true, true) => {
            let pixels = image.into_rgba8();
            RgbImage::from_fn(width, height, |x, y| {
                let [red, green, blue, alpha] = pixels.get_pixel(x, y).0;
                Rgb([red, green, blue].map(|value| on_white(value, alpha)))
            })
            .into()
        }
    }
}

/// The same image with so many rows and columns, stretched where its proportions are others.
pub fn stretched(image: &DynamicImage, [rows, cols]: [usize; 2]) -> DynamicImage {
    image.resize_exact(cols as u32, rows as u32, FilterType::Triangle)
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
