//! Images, prepared as those were that a network was trained on.
//!
//! MNIST's digits are white ink on black, scaled with their proportions into a box of 20 x 20 by anti-aliasing, and centred
//! in 28 x 28 by their centre of mass (LeCun, Bottou, Bengio, Haffner, *Gradient-Based Learning Applied to Document
//! Recognition*, 1998, section III.A). A network trained on them knows nothing else, so a photo of a digit has to be made
//! the same: [`normalise`]. Images for any other network only get its size and colours.

use std::io::Read;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, Luma};

use super::expected::{Expected, Look, Source};
use crate::data::{Frame, picture};
use crate::error::{Error, Result, Setting, message};

/// The largest file: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;

/// The most pixels: 8192 x 8192, a large photo.
const MOST_PIXELS: u64 = 1 << 26;

/// Less than this between paper and ink is nothing but paper.
const LEAST_CONTRAST: u8 = 32;

/// One picture: a source of one row.
pub(super) struct Picture {
    pixels: Option<Vec<u8>>,
    prepared: String,
}

/// What is done to a picture that is made like MNIST's digits.
const AS_DIGITS: &str = "made to look like MNIST's digits: grey, bright on black, scaled and centred by mass";

impl Picture {
    pub fn open(source: impl Read, path: &Path, expected: &Expected) -> Result<Self> {
        let mut bytes = Vec::new();
        source.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        if bytes.len() as u64 > MAX_BYTES {
            let problem = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
            return Err(Error::file(path, problem, "scale the image down"));
        }
        let (pixels, prepared) = prepared(&bytes, path, expected)?;
        Ok(Self { pixels: Some(pixels), prepared })
    }
}

/// The pixels of an encoded image as the network takes them, and what was done to it.
pub(super) fn prepared(bytes: &[u8], path: &Path, expected: &Expected) -> Result<(Vec<u8>, String)> {
    let refused = |problem| Error::file(path, problem, "save it again as PNG or JPEG");
    let most_pixels = picture::most_pixels(bytes.len(), MOST_PIXELS);
    let picture = picture::decode(bytes, most_pixels, |_| Ok(())).map_err(refused)?;
    let picture = picture.ok_or_else(|| refused("it is neither PNG nor JPEG".into()))?;
    Ok(match (expected.look, expected.preparation.frame) {
        (Look::Digits, _) => (drawn(&picture, path, expected)?, AS_DIGITS.to_owned()),
        (Look::AsTrained, Some(frame)) if frame.digits => {
            (drawn(&picture, path, expected)?, AS_DIGITS.to_owned())
        }
        (Look::AsTrained, Some(frame)) => framed(picture, frame),
        (Look::AsTrained | Look::Raw, _) => (raw(picture, path, expected)?, "taken as it is".to_owned()),
    })
}

/// The pixels of an image that is stretched to the size of those that the network was trained on, in their colours; and what was done.
fn framed(picture: DynamicImage, frame: Frame) -> (Vec<u8>, String) {
    let own = [picture.height() as usize, picture.width() as usize];
    let wanted = [frame.rows, frame.columns];
    let (is_clear, has_colour) = (picture.color().has_alpha(), picture.color().has_color());
    let flat = picture::flat(picture, frame.colour);
    let image = if own == wanted { flat } else { picture::stretched(&flat, wanted) };
    let mut done = Vec::new();
    if own != wanted {
        done.push(format!("stretched from {} x {} to {} x {} pixels", own[0], own[1], wanted[0], wanted[1]));
    }
    if is_clear {
        done.push("laid on white".to_owned());
    }
    if has_colour && !frame.colour {
        done.push("made grey".to_owned());
    }
    (image.into_bytes(), if done.is_empty() { "taken as it is".to_owned() } else { done.join(", ") })
}

/// The pixels as they are: grey, or red, green and blue if the network takes three times as many values.
fn raw(picture: DynamicImage, path: &Path, expected: &Expected) -> Result<Vec<u8>> {
    let [width, height] = [picture.width(), picture.height()].map(|length| length as usize);
    match expected.features {
        features if features == width * height => Ok(picture::flat(picture, false).into_bytes()),
        features if features == 3 * width * height => Ok(picture::flat(picture, true).into_bytes()),
        _ => {
            let problem =
                format!("it is {height} x {width} pixels, but the model takes {}", expected.in_words());
            let hint = match (expected.preparation.frame, expected.side()) {
                (Some(_), _) => Setting::Raw.without().into(),
                (None, Some(side)) => message![
                    format!("scale it to {side} x {side}; "),
                    Setting::AsDigits,
                    " makes it look like MNIST's digits, if the model was trained on such"
                ],
                (None, None) => "give images of the size that the model was trained on".into(),
            };
            Err(Error::file(path, problem, hint))
        }
    }
}

/// The pixels made like those of MNIST's digits.
fn drawn(picture: &DynamicImage, path: &Path, expected: &Expected) -> Result<Vec<u8>> {
    let Some(side) = expected.side() else {
        let problem = format!(
            "the model was not trained on square grey images like MNIST's digits: it takes {} values per sample",
            expected.features
        );
        return Err(Error::file(path, problem, Setting::AsDigits.without()));
    };
    normalise(&on_paper(picture), side).ok_or_else(|| {
        Error::file(path, "it is blank: there is no ink on it", "give an image with more contrast")
    })
}

impl Source for Picture {
    fn read(&mut self, _rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        let pixels = self.pixels.take();
        values.extend(pixels.iter().flatten().map(|&pixel| f64::from(pixel)));
        Ok(usize::from(pixels.is_some()))
    }

    fn has_rows(&self) -> bool {
        false
    }

    fn prepared(&self) -> Option<&str> {
        Some(&self.prepared)
    }
}

/// Grey, and what can be seen through laid on paper: white paper, but black under ink that is bright.
fn on_paper(picture: &DynamicImage) -> GrayImage {
    let see_through = picture.to_luma_alpha8();
    let ink = see_through.pixels().map(|pixel| pixel.0.map(u64::from));
    let (light, cover) =
        ink.fold((0, 0), |(light, cover), [grey, alpha]| (light + grey * alpha, cover + alpha));
    let clear = see_through.pixels().any(|pixel| pixel.0[1] < u8::MAX);
    let paper = if clear && light > 127 * cover { 0 } else { 255 };
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [grey, alpha] = see_through.get_pixel(x, y).0.map(u32::from);
        Luma([((grey * alpha + paper * (255 - alpha) + 127) / 255) as u8])
    })
}

/// The picture as MNIST would have it, `side * side` bytes, 0 for paper to 255 for ink; nothing if there is no ink.
///
/// Inverted if the paper (the median of the border) is bright; stretched from the paper's grey to the strongest ink's, where
/// what is fainter than half of Otsu's threshold counts as paper (Otsu, *A Threshold Selection Method from Gray-Level
/// Histograms*, 1979); cut to the ink, scaled into a box of 20/28 of the side, and its centre of mass put
/// into the pixel of number side / 2 from 0, as far as that leaves all of it inside.
pub fn normalise(grey: &GrayImage, side: usize) -> Option<Vec<u8>> {
    let ink = ink(grey)?;
    let (left, top, width, height) = bounds(&ink)?;
    let cut = imageops::crop_imm(&ink, left, top, width, height).to_image();
    let longest = (side as f64 * 20.0 / 28.0).round().max(1.0);
    let scaled =
        |length: u32| ((f64::from(length) * longest / f64::from(width.max(height))).round() as u32).max(1);
    let digit = imageops::resize(&cut, scaled(width), scaled(height), FilterType::CatmullRom);
    let mut image = GrayImage::new(side as u32, side as u32);
    let [x, y] = [0, 1].map(|axis| {
        let length = [digit.width(), digit.height()][axis];
        let room = side as f64 - f64::from(length);
        (side as f64 / 2.0 - centre_of_mass(&digit, axis)).ceil().clamp(0.0, room.max(0.0)) as i64
    });
    imageops::replace(&mut image, &digit, x, y);
    Some(image.into_raw())
}

/// Ink from 0 to 255 on paper that is 0.
fn ink(grey: &GrayImage) -> Option<GrayImage> {
    let (width, height) = grey.dimensions();
    let border =
        grey.enumerate_pixels().filter(|(x, y, _)| *x == 0 || *y == 0 || *x + 1 == width || *y + 1 == height);
    let mut border: Vec<u8> = border.map(|(_, _, pixel)| pixel.0[0]).collect();
    border.sort_unstable();
    let paper = *border.get(border.len() / 2)?;
    let bright = paper > 127;
    let above_paper =
        |pixel: u8| if bright { paper.saturating_sub(pixel) } else { pixel.saturating_sub(paper) };
    let strongest = grey.pixels().map(|pixel| above_paper(pixel.0[0])).max()?;
    if strongest < LEAST_CONTRAST {
        return None;
    }
    let stretched = |pixel: u8| (u32::from(above_paper(pixel)) * 255 / u32::from(strongest)) as u8;
    let mut histogram = [0_u64; 256];
    grey.pixels().for_each(|pixel| histogram[usize::from(stretched(pixel.0[0]))] += 1);
    let faint = otsu(&histogram) / 2;
    Some(GrayImage::from_fn(width, height, |x, y| {
        let ink = stretched(grey.get_pixel(x, y).0[0]);
        Luma([if ink > faint { ink } else { 0 }])
    }))
}

/// The grey that parts a histogram into two classes with the largest variance between them.
fn otsu(histogram: &[u64; 256]) -> u8 {
    let total: f64 = histogram.iter().map(|&count| count as f64).sum();
    let mass: f64 =
        histogram.iter().zip(0_u8..=255).map(|(&count, grey)| count as f64 * f64::from(grey)).sum();
    let (mut below, mut mass_below, mut best) = (0.0, 0.0, (0.0, 0));
    for (&count, grey) in histogram.iter().zip(0_u8..=255) {
        below += count as f64;
        mass_below += count as f64 * f64::from(grey);
        let above = total - below;
        if below > 0.0 && above > 0.0 {
            let apart = mass_below / below - (mass - mass_below) / above;
            let between = below * above * apart * apart;
            if between > best.0 {
                best = (between, grey);
            }
        }
    }
    best.1
}

/// Left, top, width and height of the pixels that are not 0.
fn bounds(ink: &GrayImage) -> Option<(u32, u32, u32, u32)> {
    let inked = || ink.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] > 0);
    let (left, right) = (inked().map(|p| p.0).min()?, inked().map(|p| p.0).max()?);
    let (top, bottom) = (inked().map(|p| p.1).min()?, inked().map(|p| p.1).max()?);
    Some((left, top, right - left + 1, bottom - top + 1))
}

/// Along x (0) or y (1), where the middle of the first pixel is at one half.
fn centre_of_mass(image: &GrayImage, axis: usize) -> f64 {
    let (mut mass, mut moment) = (0.0, 0.0);
    for (x, y, pixel) in image.enumerate_pixels() {
        let ink = f64::from(pixel.0[0]);
        mass += ink;
        moment += ink * (f64::from([x, y][axis]) + 0.5);
    }
    if mass > 0.0 { moment / mass } else { 0.0 }
}
