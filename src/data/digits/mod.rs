//! `digits`: 28x28 grey-scale digits that this program draws itself, so that it can train with no download.
//!
//! An image comes about like this, each step with random numbers of its own:
//!
//! 1. pick one of the digit's writing styles: a skeleton of strokes through knots (`glyphs`);
//! 2. jitter the knots and join them by straight lines and smooth cubics, flattened to polylines;
//! 3. scale (height and width apart), slant and rotate them;
//! 4. displace them by a smooth random field: the elastic deformation of Simard, Steinkraus and Platt,
//!    "Best practices for convolutional neural networks applied to visual document analysis" (2003);
//! 5. centre the digit but for a shift of up to two and a half pixels (`shape` has steps 2 to 5);
//! 6. draw it with a pen of random thickness, pressure, blur and blackness, anti-aliased by the distance
//!    of each pixel from the stroke, and give the ink a little grain (`pen`).
//!
//! The numbers are chosen so that a network has something to do: trained on 10,000 images of seed 1, linear
//! classifiers get 91 % at the most of 2,000 test images right and the default network 98 % or more.
//!
//! The bytes are the same on every platform: the code keeps to integers, to the operations that IEEE 754
//! rounds exactly (+ - * / and the square root) and to the `libm` crate. The sines and exponentials of the
//! standard library differ between platforms and have no place here.

mod glyphs;
mod pen;
mod random;
mod shape;

use std::ops::Range;

use random::Random;
use rayon::prelude::*;

use self::shape::PIXELS;
use super::Split;

/// The images at these places of the set (row-major, 784 bytes each, 0 = background, 255 = ink) and their labels 0..=9.
///
/// An image depends on the seed, the split and its own place only: a larger set starts with the smaller one, and a set
/// can be drawn in pieces.
pub fn draw(places: Range<usize>, split: Split, seed: u64) -> (Vec<u8>, Vec<u8>) {
    // The two splits share no random numbers.
    let part = split as u8;
    let mut images = vec![0; places.len() * PIXELS];
    let mut labels = vec![0; places.len()];
    let both = images.par_chunks_mut(PIXELS).zip(&mut labels);
    both.zip(places).for_each(|((image, label), place)| {
        *label = shuffled_digits(seed, part, place / 10)[place % 10];
        draw_one(*label, &mut Random::new(seed, [part, b'i'], place as u64), image);
    });
    (images, labels)
}

/// One image of `digit`.
fn draw_one(digit: u8, random: &mut Random, image: &mut [u8]) {
    let styles = glyphs::styles(digit);
    let lines = shape::strokes(styles[random.below(styles.len())], random);
    pen::ink(&lines, random, image);
}

/// The ten digits in random order: ten images in a row hold each digit once, so any set is balanced.
fn shuffled_digits(seed: u64, part: u8, block: usize) -> [u8; 10] {
    let mut random = Random::new(seed, [part, b'l'], block as u64);
    let mut digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    for k in (1..10).rev() {
        digits.swap(k, random.below(k + 1));
    }
    digits
}
