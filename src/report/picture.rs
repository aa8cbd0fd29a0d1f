//! Images inside a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageBuffer, Pixel};
use maud::{Markup, html};

use crate::data::picture;
use crate::error::Result;

/// No side of an image of samples or weights has more pixels: of photos, a page full would have megabytes.
const LONGEST: u32 = 112;

/// The image, reduced if it is larger than a page needs.
pub(super) fn reduced<P: Pixel + 'static>(
    image: ImageBuffer<P, Vec<P::Subpixel>>,
) -> ImageBuffer<P, Vec<P::Subpixel>> {
    let (width, height) = image.dimensions();
    let longer = width.max(height);
    if longer <= LONGEST {
        return image;
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(LONGEST) / u64::from(longer)).max(1) as u32;
    imageops::resize(&image, scaled(width), scaled(height), FilterType::Triangle)
}

/// A picture inside the page, each pixel of it drawn as a square of a whole number of pixels.
pub(super) struct Picture {
    source: String,
    width: u32,
    height: u32,
}

impl Picture {
    /// An image, enlarged until its longer side has about `side` pixels.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) if it has no pixels.
    pub fn new(image: impl Into<DynamicImage>, side: u32) -> Result<Self> {
        let image = image.into();
        let factor = side.div_ceil(image.width().max(image.height()).max(1)).max(1);
        let (width, height) = (factor * image.width(), factor * image.height());
        let source = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(picture::png(image)?));
        Ok(Self { source, width, height })
    }

    /// The picture, with what it shows in words.
    pub fn img(&self, words: &str) -> Markup {
        html! { img src=(self.source) width=(self.width) height=(self.height) alt=(words); }
    }
}
