//! PNG and JPEG images of one size, as bytes: one value per pixel if all are grey, else red, green and blue.

use std::borrow::Cow;

use crate::data::picture;

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
