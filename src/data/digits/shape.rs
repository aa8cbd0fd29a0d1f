//! From a skeleton to the polylines that the pen follows: jitter, curves, affine and elastic deformation.
//!
//! The numbers here set how hard `digits` is; the module above says how hard that is.

use super::glyphs::{Knot, Stroke};
use super::random::Random;

/// Width and height of an image.
pub const SIDE: usize = 28;
/// Bytes per image.
pub const PIXELS: usize = SIDE * SIDE;

/// x and y: of a skeleton in heights of the digit, from `affine` on in pixels.
pub type Point = [f32; 2];

/// Straight pieces between two knots: a pixel or two each, so that no curve shows corners.
const PIECES: usize = 7;
/// Lattice points of the elastic field in each direction: four cells of 7 pixels, and the spline's overhang.
const LATTICE: usize = 7;
/// The space kept free along each edge of the image, so that no digit is cut off.
const MARGIN: f32 = 2.5;

/// The digit's strokes as polylines in pixel coordinates.
pub fn strokes(skeleton: &[Stroke], random: &mut Random) -> Vec<Vec<Point>> {
    let mut lines: Vec<Vec<Point>> = skeleton.iter().map(|stroke| curve(stroke, random)).collect();
    affine(&mut lines, random);
    elastic(&mut lines, random);
    place(&mut lines, random);
    lines
}

/// Moves the knots a little and joins them: straight between corners, elsewhere Catmull-Rom cubics.
fn curve(stroke: &[Knot], random: &mut Random) -> Vec<Point> {
    const JITTER: f32 = 0.015;
    let knots: Vec<Point> = stroke
        .iter()
        .map(|k| {
            [
                f32::from(k.x) / 100.0 + JITTER * random.normal(),
                f32::from(k.y) / 100.0 + JITTER * random.normal(),
            ]
        })
        .collect();
    let last = knots.len() - 1;
    // The slope at a knot the pen goes through; none where it starts, stops or turns.
    let slope = |k: usize, axis: usize| {
        let free = k == 0 || k == last || stroke[k].corner;
        (!free).then(|| (knots[k + 1][axis] - knots[k - 1][axis]) / 2.0)
    };
    let mut line = vec![knots[0]];
    for k in 0..last {
        for step in 1..=PIECES {
            let t = step as f32 / PIECES as f32;
            line.push([0, 1].map(|axis| {
                let (from, to) = (knots[k][axis], knots[k + 1][axis]);
                hermite(from, to, slope(k, axis), slope(k + 1, axis), t)
            }));
        }
    }
    line
}

/// The cubic between two values with the given slopes; a free end bends no more than it has to.
fn hermite(from: f32, to: f32, start: Option<f32>, end: Option<f32>, t: f32) -> f32 {
    let rise = to - from;
    let (start, end) = match (start, end) {
        (Some(start), Some(end)) => (start, end),
        (None, Some(end)) => (2.0 * rise - end, end),
        (Some(start), None) => (start, 2.0 * rise - start),
        (None, None) => (rise, rise),
    };
    let square = t * t;
    from + t * start + square * (3.0 * rise - 2.0 * start - end) + square * t * (start + end - 2.0 * rise)
}

/// Size, slant and rotation about the middle of the image; heights of the digit become pixels.
fn affine(lines: &mut [Vec<Point>], random: &mut Random) {
    let height = random.between(17.0, 21.0);
    let width = height * random.between(0.8, 1.2);
    let slant = random.between(-0.3, 0.3);
    let (sin, cos) = libm::sincosf(random.between(-0.4, 0.4));
    for point in lines.iter_mut().flatten() {
        let y = (point[1] - 0.5) * height;
        let x = (point[0] - 0.3) * width - slant * y;
        *point = [cos * x - sin * y + SIDE as f32 / 2.0, sin * x + cos * y + SIDE as f32 / 2.0];
    }
}

/// Displaces every point by a smooth random field (Simard, Steinkraus and Platt 2003). Theirs is white
/// noise smoothed by a Gaussian; this one has a coarse lattice of noise under cubic B-splines, which are
/// close to Gaussians and need nothing but + and *.
fn elastic(lines: &mut [Vec<Point>], random: &mut Random) {
    let strength = random.between(0.5, 1.6);
    let mut field = [[[0.0; 2]; LATTICE]; LATTICE];
    for push in field.iter_mut().flatten().flatten() {
        *push = strength * random.normal();
    }
    for point in lines.iter_mut().flatten() {
        let (column, across) = spline(point[0]);
        let (row, down) = spline(point[1]);
        for (pushes, down) in field[row..].iter().zip(down) {
            for (push, across) in pushes[column..].iter().zip(across) {
                let weight = across * down;
                point[0] += weight * push[0];
                point[1] += weight * push[1];
            }
        }
    }
}

/// The first of the four lattice points that act on a coordinate, and their cubic B-spline weights.
fn spline(coordinate: f32) -> (usize, [f32; 4]) {
    let cells = (LATTICE - 3) as f32;
    let place = (coordinate / SIDE as f32 * cells).clamp(0.0, cells - 0.001);
    let first = place as usize;
    let t = place - first as f32;
    let u = 1.0 - t;
    let weights = [u * u * u, 4.0 - 3.0 * t * t * (2.0 - t), 4.0 - 3.0 * u * u * (2.0 - u), t * t * t];
    (first, weights.map(|weight| weight / 6.0))
}

/// Centres the digit but for a shift of up to two and a half pixels, and shrinks the direction that would not fit.
fn place(lines: &mut [Vec<Point>], random: &mut Random) {
    for axis in [0, 1] {
        let all = || lines.iter().flatten().map(|point| point[axis]);
        let (low, high) = (all().fold(f32::MAX, f32::min), all().fold(f32::MIN, f32::max));
        let room = SIDE as f32 - 2.0 * MARGIN;
        let scale = if high - low > room { room / (high - low) } else { 1.0 };
        // Rounding may leave a hair less than nothing, which `clamp` would not take.
        let spare = ((room - (high - low) * scale) / 2.0).max(0.0);
        let shift = random.between(-2.5, 2.5).clamp(-spare, spare);
        for point in lines.iter_mut().flatten() {
            point[axis] = (point[axis] - (low + high) / 2.0) * scale + SIDE as f32 / 2.0 + shift;
        }
    }
}
