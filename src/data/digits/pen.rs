//! The pen: anti-aliased strokes on a small grey image, and the grain of the ink.

use super::random::Random;
use super::shape::{PIXELS, Point, SIDE};

/// Draws the polylines into an image of `PIXELS` bytes.
pub fn ink(lines: &[Vec<Point>], random: &mut Random, image: &mut [u8]) {
    // Half the width of the line, in pixels.
    let thickness = random.between(0.8, 1.6);
    // The width of the grey edge: from a sharp pen to a blurred scan.
    let edge = random.between(0.9, 1.9);
    let mut cover = [0.0; PIXELS];
    for line in lines {
        // Every stroke starts and ends with its own pressure.
        let (start, end) = (thickness * random.between(0.85, 1.15), thickness * random.between(0.85, 1.15));
        let step = (end - start) / line.len() as f32;
        for (k, ends) in line.windows(2).enumerate() {
            segment(ends[0], ends[1], start + step * k as f32, edge, &mut cover);
        }
    }
    let dark = random.between(200.0, 255.0);
    let grain = random.between(0.0, 0.25);
    for (pixel, cover) in image.iter_mut().zip(cover) {
        if cover > 0.0 {
            // A grain per inked pixel only: the paper stays clean and the file compresses well.
            *pixel = (cover * dark * (1.0 - grain * random.between(0.0, 1.0)) + 0.5) as u8;
        }
    }
}

/// Raises the cover (0 to 1) of the pixels around one straight piece, by their distance from it.
fn segment(from: Point, to: Point, radius: f32, edge: f32, cover: &mut [f32; PIXELS]) {
    let reach = radius + edge / 2.0;
    let along = [to[0] - from[0], to[1] - from[1]];
    let square = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    let span = |axis: usize| {
        let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
        // `as` stops at 0 and `min` at the last pixel: what lies beyond the image is not drawn.
        (low as usize)..((high + 1.0) as usize).min(SIDE)
    };
    for row in span(1) {
        for column in span(0) {
            // Pixel centres lie at one half.
            let at = [column as f32 + 0.5 - from[0], row as f32 + 0.5 - from[1]];
            let t = ((at[0] * along[0] + at[1] * along[1]) / square).clamp(0.0, 1.0);
            let (x, y) = (at[0] - t * along[0], at[1] - t * along[1]);
            let amount = ((reach - (x * x + y * y).sqrt()) / edge).clamp(0.0, 1.0);
            let pixel = &mut cover[row * SIDE + column];
            *pixel = pixel.max(amount);
        }
    }
}
