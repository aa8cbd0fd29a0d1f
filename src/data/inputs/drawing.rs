//! A drawing, made like MNIST's digits.

use std::path::Path;

use image::GrayImage;

use super::expected::Expected;
use super::picture::normalise;
use crate::data::Samples;
use crate::data::scaling::{Scaling, unscalable};
use crate::error::{Error, Result};

/// A drawing as a network sees it.
pub struct Drawing {
    /// Rows and columns.
    pub side: usize,
    /// 0 for paper to 255 for ink, `[side, side]`.
    pub pixels: Vec<u8>,
    /// The one sample.
    pub sample: Samples,
}

impl Drawing {
    /// Of square grey pixels, `[side, side]`, dark on bright or bright on dark; nothing if there is no ink.
    ///
    /// # Errors
    /// [`Error::Usage`] if the network takes no square images; [`Error::Shape`] for another number of pixels.
    pub fn new(grey: Vec<u8>, side: usize, expected: &Expected) -> Result<Option<Self>> {
        let got = grey.len();
        let image = u32::try_from(side).ok().and_then(|side| GrayImage::from_raw(side, side, grey));
        let image = image.ok_or_else(|| Error::shape("a drawing", [side, side], [got]))?;
        let Some(side) = expected.side() else {
            let problem = format!(
                "the network takes {} values, which are no square grey image, so that it cannot read drawings",
                expected.features
            );
            return Err(Error::usage(problem).hint("train one on images, for instance on `digits`"));
        };
        let Some(pixels) = normalise(&image, side) else { return Ok(None) };
        let mut values: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel)).collect();
        let scaling = &expected.preparation.scaling;
        if *scaling != Scaling::Bytes {
            let unscaled = |problem| unscalable(Path::new("the drawing"), problem);
            for (column, value) in values.iter_mut().enumerate() {
                *value = scaling.scaled(column, *value).map_err(unscaled)?.into();
            }
        }
        Ok(Some(Self { side, pixels, sample: expected.samples(&values, 1)? }))
    }
}
