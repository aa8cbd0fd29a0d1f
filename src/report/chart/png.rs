//! A figure as PNG: its SVG, rendered by `resvg` with a font that is inside the program, so that a picture is the same
//! on every machine.

use super::{Figure, svg};
use crate::error::{Error, Result};
use resvg::{tiny_skia, usvg};

/// DejaVu Sans, cut down to Latin and the signs of mathematics; see `DejaVuSans.LICENSE` beside it.
const FONT: &[u8] = include_bytes!("DejaVuSans.ttf");

/// Pixels for each of the SVG's.
const DENSITY: f32 = 2.0;

/// The figure as a PNG file, on a light ground.
///
/// # Errors
/// [`Error::Internal`] if the drawing cannot be rendered.
pub fn png(figure: &Figure) -> Result<Vec<u8>> {
    let internal = |what: String| Error::Internal(format!("drawing a chart: {what}"));
    let mut options = usvg::Options { font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() };
    options.fontdb_mut().load_font_data(FONT.to_vec());
    let tree = usvg::Tree::from_str(&svg(figure), &options).map_err(|error| internal(error.to_string()))?;
    let pixels = tree.size().to_int_size().scale_by(DENSITY).ok_or_else(|| internal("no size".into()))?;
    let mut pixmap = tiny_skia::Pixmap::new(pixels.width(), pixels.height())
        .ok_or_else(|| internal("too large".into()))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(DENSITY, DENSITY), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| internal(error.to_string()))
}
