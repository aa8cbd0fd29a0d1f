//! One PNG or JPEG image out of its file's bytes.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// The most pixels that one image may have.
const MOST_PIXELS: u64 = 1 << 26;

/// Whether a file that begins so is one of the images that are read.
pub fn is_one(start: &[u8]) -> bool {
    matches!(image::guess_format(start), Ok(ImageFormat::Png | ImageFormat::Jpeg))
}

/// Decodes an image, the way up that its camera noted; nothing if the bytes are neither PNG nor JPEG.
///
/// # Errors
/// What is wrong with the image.
pub fn decode(bytes: &[u8]) -> Result<Option<DynamicImage>, String> {
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = image::guess_format(bytes) else {
        return Ok(None);
    };
    let damaged = |error: image::ImageError| format!("the image is damaged: {error}");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(8 * MOST_PIXELS);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!(
            "an image of {height} x {width} pixels is too large: at most {MOST_PIXELS} in all"
        ));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(Some(image))
}
