//! PNG and JPEG images of one size, as bytes: one value per pixel if all are grey, else red, green and blue.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Part, Reading, Rows};
use crate::data::picture;
use crate::error::{Error, Message, Setting, message};

/// The most pixels that one image of a data set may have: 2048 x 2048.
const MOST_PIXELS: u64 = 1 << 22;
/// The same of one that is made smaller: 33 megapixels.
const MOST_TO_STRETCH: u64 = 1 << 25;

/// One image.
pub struct Picture {
    /// Rows and columns.
    pub shape: [usize; 2],
    colour: bool,
    bytes: Vec<u8>,
}

impl Picture {
    /// Decodes an image; nothing if the bytes are neither PNG nor JPEG. What can be seen through is laid on white, and 16 bits
    /// become 8.
    ///
    /// # Errors
    /// What is wrong with the image: before anything is decoded, that it has not the shape that it has to have.
    pub fn decode(bytes: &[u8], wanted: Wanted) -> Result<Option<Self>, String> {
        let fits = |shape: [usize; 2]| match wanted {
            Wanted::Shape([rows, cols]) if [rows, cols] != shape => Err(format!(
                "it is {} x {} pixels, but the images before it are {rows} x {cols}",
                shape[0], shape[1]
            )),
            _ => Ok(()),
        };
        let most_pixels = match wanted {
            Wanted::Stretched(_) => picture::most_pixels(bytes.len(), MOST_TO_STRETCH),
            Wanted::Any | Wanted::Shape(_) => MOST_PIXELS,
        };
        let Some(image) = picture::decode(bytes, most_pixels, fits)? else { return Ok(None) };
        let colour = image.color().has_color();
        let mut image = picture::flat(image, colour);
        if let Wanted::Stretched(shape) = wanted
            && [image.height() as usize, image.width() as usize] != shape
        {
            image = picture::stretched(&image, shape);
        }
        let shape = [image.height() as usize, image.width() as usize];
        Ok(Some(Self { shape, colour, bytes: image.into_bytes() }))
    }
}

/// The rows and columns that an image has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Any: it is the first.
    Any,
    /// These: others are refused.
    Shape([usize; 2]),
    /// These: others are stretched.
    Stretched([usize; 2]),
}

impl Wanted {
    /// What the next image has to have, if the images so far have this shape and those to come too.
    pub fn after(self, shape: Option<[usize; 2]>) -> Self {
        match (self, shape) {
            (Self::Any, Some(shape)) => Self::Shape(shape),
            (wanted, _) => wanted,
        }
    }
}

/// The sizes that the images of a set have.
#[derive(Debug, Default)]
pub struct Sizes(HashMap<[usize; 2], usize>);

impl Sizes {
    /// Counts an image, if its size can be told. One that is too large does not count: what it claims may not be true.
    pub fn count(&mut self, size: Option<[usize; 2]>) {
        let fits = |[rows, cols]: &[usize; 2]| (*rows as u64).saturating_mul(*cols as u64) <= MOST_PIXELS;
        if let Some(size) = size.filter(fits) {
            *self.0.entry(size).or_default() += 1;
        }
    }

    /// The size that all are to have, and what is to be said of it: the one that is asked for, that of the model or the other part, or
    /// the commonest one.
    pub fn wanted(&self, reading: Reading<'_>) -> (Wanted, Option<Message>) {
        if let Some([width, height]) = reading.pictures.resize {
            return (Wanted::Stretched([height, width]), None);
        }
        let count: usize = self.0.values().sum();
        let commonest = self.0.iter().max_by_key(|(size, count)| (**count, **size));
        let Some((&commonest, &often)) = commonest else { return (Wanted::Any, None) };
        let (target, several) = (reading.size.unwrap_or(commonest), self.0.len());
        if several == 1 && target == commonest {
            return (Wanted::Any, None);
        }
        let [rows, cols] = target;
        let note = match reading.size {
            Some(_) => format!(
                "images of other sizes are stretched to {rows} x {cols} pixels, as the network takes them"
            )
            .into(),
            None => {
                let how = format!(
                    "images have {several} sizes: all are stretched to {rows} x {cols} pixels, which {often} of {count} have ("
                );
                message![how, Setting::Resize.set("WxH"), " chooses another)"]
            }
        };
        (Wanted::Stretched(target), Some(note))
    }
}

/// What is to be said of broken images that are left out.
pub fn broken_in_words(broken: &[Error]) -> Option<String> {
    let first = broken.first()?.to_string();
    let count = broken.len();
    let images = if count == 1 { "broken image is" } else { "broken images are" };
    Some(format!("{count} {images} left out; the first: {}", first.lines().next().unwrap_or_default()))
}

/// Grey images in one part and colours in another: all get colours.
pub fn all_in_colour(parts: &mut [&mut Part]) {
    let most = parts.iter().map(|part| part.features).max().unwrap_or(0);
    for part in parts {
        if let (true, Rows::Memory(bytes)) = (3 * part.features == most, &mut part.rows) {
            *bytes = tripled(bytes);
            part.features = most;
        }
    }
}

/// Images of one size, one after another.
#[derive(Default)]
pub struct Pictures {
    /// Rows and columns, once there is an image.
    pub shape: Option<[usize; 2]>,
    colour: bool,
    pub bytes: Vec<u8>,
}

impl Pictures {
    /// Values of an image.
    pub fn features(&self) -> usize {
        let [rows, cols] = self.shape.unwrap_or([0, 0]);
        rows * cols * if self.colour { 3 } else { 1 }
    }

    /// Adds an image that was decoded for the shape of those before it.
    ///
    /// # Errors
    /// That it does not fit into `memory` bytes in all.
    pub fn push(&mut self, picture: &Picture, memory: u64) -> Result<(), String> {
        self.shape.get_or_insert(picture.shape);
        if picture.colour {
            self.in_colour();
        }
        let bytes = if self.colour && !picture.colour {
            tripled(&picture.bytes).into()
        } else {
            Cow::from(&picture.bytes)
        };
        if (self.bytes.len() + bytes.len()) as u64 > memory {
            return Err(format!("the images up to here take more than {memory} bytes of memory"));
        }
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    /// Whether there are colours.
    pub fn is_colour(&self) -> bool {
        self.colour
    }

    /// Grey becomes red, green and blue alike.
    pub fn in_colour(&mut self) {
        if !self.colour {
            self.colour = true;
            self.bytes = tripled(&self.bytes);
        }
    }
}

fn tripled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| [byte; 3]).collect()
}
