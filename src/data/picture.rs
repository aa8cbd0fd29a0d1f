//! One PNG or JPEG image out of its file's bytes.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

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
