//! A figure as PNG, with a font that is inside the program, so that a picture is the same on every machine.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use ab_glyph_rasterizer::Rasterizer;
use image::{Rgb, RgbImage};

use super::Figure;
use super::drawing::{self, Anchor, BAR, COLOURS, DOT, Point, Shape, Stroke};
use crate::data::picture;
use crate::error::{Error, Result};

/// Of letters, of the ground and of the grid.
const INK: &str = "#222222";
const GROUND: &str = "#ffffff";
const GRID: &str = "#dddddd";

/// DejaVu Sans, cut down to Latin and the signs of mathematics; see `DejaVuSans.LICENSE` beside it.
const FONT: &[u8] = include_bytes!("DejaVuSans.ttf");

/// Pixels for each of the SVG's.
const DENSITY: f64 = 2.0;

/// The figure as a PNG file, on a light ground.
///
/// # Errors
/// [`Error::Internal`] if the font inside the program cannot be read.
pub fn png(figure: &Figure) -> Result<Vec<u8>> {
    let font =
        FontRef::try_from_slice(FONT).map_err(|error| Error::Internal(format!("the font: {error}")))?;
    let size = drawing::size(figure);
    let [width, height] = [size.0, size.1].map(|length| (length * DENSITY).round() as u32);
    let mut paper = Paper { font, image: RgbImage::from_pixel(width, height, colour(GROUND)) };
    drawing::shapes(figure).iter().for_each(|shape| paper.draw(shape));
    picture::png(paper.image)
}

/// `#rrggbb`
fn colour(name: &str) -> Rgb<u8> {
    let part =
        |at: usize| name.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or_default();
    Rgb([part(1), part(3), part(5)])
}

/// The picture as far as it is painted.
struct Paper<'a> {
    font: FontRef<'a>,
    image: RgbImage,
}

/// Pixels from left and top to right and bottom, the latter excluded.
type Frame = [u32; 4];

impl Paper<'_> {
    fn draw(&mut self, shape: &Shape) {
        let whole = [0, 0, self.image.width(), self.image.height()];
        match shape {
            Shape::Text { at, anchor, size, content } => self.text(*at, *anchor, *size, content),
            Shape::Grid { at, from, to } => {
                self.fill(&stroked(&[(*from, *at), (*to, *at)], 1.0), colour(GRID), whole);
            }
            Shape::Sample { stroke, at: (x, y), length } => {
                self.line(stroke, &[vec![(*x, *y), (x + length, *y)]], whole);
            }
            Shape::Lines { frame: ((x, y), (width, height)), lines } => {
                let frame = [*x, *y, x + width, y + height].map(|edge| (edge * DENSITY).round() as u32);
                for (stroke, pieces) in lines {
                    self.line(stroke, pieces, frame);
                }
            }
            Shape::Dot { colour: index, at } => {
                self.fill(&[disc(*at, DOT)], colour(COLOURS[*index].0), whole)
            }
        }
    }

    fn line(&mut self, stroke: &Stroke, pieces: &[Vec<Point>], frame: Frame) {
        let mut outlines = Vec::new();
        for piece in pieces {
            let bar;
            let piece = match piece[..] {
                [(x, y)] => {
                    bar = [(x - BAR, y), (x + BAR, y)];
                    &bar[..]
                }
                _ => piece,
            };
            match stroke.dash {
                None => outlines.extend(stroked(piece, stroke.width)),
                Some(dash) => outlines.extend(
                    dashes(piece, dash, Stroke::GAP).iter().flat_map(|dash| stroked(dash, stroke.width)),
                ),
            }
        }
        self.fill(&outlines, colour(COLOURS[stroke.colour].0), frame);
    }

    fn text(&mut self, (x, y): Point, anchor: Anchor, size: f64, content: &str) {
        // The scale of a font is the height of its lines; a text's size is that of its em.
        let em = self.font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from((size * DENSITY) as f32 * self.font.height_unscaled() / em);
        let (mut glyphs, mut length, mut before) = (Vec::new(), 0.0, None);
        let scaled = self.font.as_scaled(scale);
        for letter in content.chars() {
            let id = scaled.glyph_id(letter);
            length += before.map_or(0.0, |before| scaled.kern(before, id));
            glyphs.push((id, length));
            length += scaled.h_advance(id);
            before = Some(id);
        }
        let left = (x * DENSITY) as f32
            - match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => length / 2.0,
                Anchor::End => length,
            };
        for (id, along) in glyphs {
            let glyph = id.with_scale_and_position(scale, point(left + along, (y * DENSITY) as f32));
            let Some(outlined) = self.font.outline_glyph(glyph) else { continue };
            let bounds = outlined.px_bounds();
            outlined.draw(|column, row, covered| {
                let at = (bounds.min.x as i64 + i64::from(column), bounds.min.y as i64 + i64::from(row));
                if let (Ok(x), Ok(y)) = (u32::try_from(at.0), u32::try_from(at.1)) {
                    blend(&mut self.image, (x, y), colour(INK), covered);
                }
            });
        }
    }

    /// Paints what one of the outlines holds.
    fn fill(&mut self, outlines: &[Vec<Point>], colour: Rgb<u8>, [left, top, right, bottom]: Frame) {
        let (right, bottom) = (right.min(self.image.width()), bottom.min(self.image.height()));
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let mut covered = vec![0.0_f32; width as usize * height as usize];
        let pixels = |&(x, y): &Point| (x * DENSITY - f64::from(left), y * DENSITY - f64::from(top));
        for outline in outlines {
            let outline =
                cut_off(outline.iter().map(pixels).collect(), (f64::from(width), f64::from(height)));
            cover(&outline, &mut covered, width);
        }
        for (at, &covered) in (0_u32..).zip(&covered).filter(|(_, covered)| **covered > 0.0) {
            blend(&mut self.image, (left + at % width, top + at / width), colour, covered);
        }
    }
}

/// Each pixel of rows of `width` is covered by what covers most of it: where a bar and a joint meet, their edges do not add up.
fn cover(outline: &[Point], covered: &mut [f32], width: u32) {
    let least = |of: fn(&Point) -> f64| outline.iter().map(of).fold(f64::INFINITY, f64::min).floor();
    let most = |of: fn(&Point) -> f64| outline.iter().map(of).fold(0.0, f64::max).ceil();
    let (left, top) = (least(|p| p.0), least(|p| p.1));
    let (columns, rows) = (most(|p| p.0) - left, most(|p| p.1) - top);
    if !(columns >= 1.0 && rows >= 1.0) {
        return;
    }
    let mut rasterizer = Rasterizer::new(columns as usize, rows as usize);
    let corner = |&(x, y): &Point| ab_glyph_rasterizer::point((x - left) as f32, (y - top) as f32);
    for (from, to) in outline.iter().zip(outline.iter().cycle().skip(1)) {
        rasterizer.draw_line(corner(from), corner(to));
    }
    let begin = top as usize * width as usize + left as usize;
    rasterizer.for_each_pixel_2d(|x, y, here| {
        if let Some(covered) = covered.get_mut(begin + y as usize * width as usize + x as usize) {
            *covered = covered.max(here);
        }
    });
}

/// The part of a convex outline from 0 to `size` (Sutherland, Hodgman, *Reentrant Polygon Clipping*, 1974).
fn cut_off(outline: Vec<Point>, size: Point) -> Vec<Point> {
    // How far inside an edge a point is; the edges are left, right, top and bottom.
    let inside: [&dyn Fn(Point) -> f64; 4] = [&|p| p.0, &|p| size.0 - p.0, &|p| p.1, &|p| size.1 - p.1];
    inside.iter().fold(outline, |outline, inside| {
        let mut kept = Vec::with_capacity(outline.len() + 1);
        for (&from, &to) in outline.iter().zip(outline.iter().cycle().skip(1)) {
            let (begin, end) = (inside(from), inside(to));
            if begin >= 0.0 {
                kept.push(from);
            }
            if (begin >= 0.0) != (end >= 0.0) {
                let part = begin / (begin - end);
                kept.push((from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1)));
            }
        }
        kept
    })
}

fn blend(image: &mut RgbImage, (x, y): (u32, u32), colour: Rgb<u8>, covered: f32) {
    let covered = covered.clamp(0.0, 1.0);
    let Some(pixel) = image.get_pixel_mut_checked(x, y).filter(|_| covered > 0.0) else { return };
    for (below, above) in pixel.0.iter_mut().zip(colour.0) {
        *below = (f32::from(*below) + (f32::from(above) - f32::from(*below)) * covered).round() as u8;
    }
}

/// A line with round joints, as outlines.
fn stroked(points: &[Point], width: f64) -> Vec<Vec<Point>> {
    let half = width / 2.0;
    let bars = points.windows(2).filter_map(|pair| {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        let length = (bx - ax).hypot(by - ay);
        let (dx, dy) = ((bx - ax) / length * half, (by - ay) / length * half);
        (length > 0.0)
            .then(|| vec![(ax - dy, ay + dx), (ax + dy, ay - dx), (bx + dy, by - dx), (bx - dy, by + dx)])
    });
    let inner = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
    bars.chain(inner.iter().map(|&at| disc(at, half))).collect()
}

/// A polygon that looks like a disc.
fn disc((x, y): Point, radius: f64) -> Vec<Point> {
    let corner = |corner: u32| {
        let (sin, cos) = (f64::from(corner) * std::f64::consts::TAU / 24.0).sin_cos();
        (x + radius * cos, y + radius * sin)
    };
    (0..24).map(corner).collect()
}

/// A line cut into dashes.
fn dashes(points: &[Point], dash: f64, gap: f64) -> Vec<Vec<Point>> {
    let (mut cut, mut current, mut left, mut drawing) = (Vec::new(), vec![points[0]], dash, true);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length <= left {
                left -= length;
                current.push(to);
                break;
            }
            let part = left / length;
            from = (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1));
            current.push(from);
            if drawing {
                cut.push(std::mem::take(&mut current));
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
            current = vec![from];
        }
    }
    if drawing {
        cut.push(current);
    }
    cut
}
