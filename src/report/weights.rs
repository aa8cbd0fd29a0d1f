//! The weights of the first layer as images, one for each unit.

use image::{ImageBuffer, Luma, Rgba, RgbaImage};
use maud::{Markup, html};

use super::mistakes;
use super::picture::{Picture, reduced};
use super::run::{Run, class_name};
use crate::data::Scaling;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::words::numerals::{short, thousands};

/// Units that are drawn, at most.
const UNITS: usize = 64;
/// Weights that are drawn, at most: of large images, fewer units.
const WEIGHTS: usize = 1 << 20;
/// The part of the weights within the scale's ends: the few beyond them would leave all others pale.
const WITHIN: f64 = 0.995;
/// Negative and positive; 0 is transparent, so that it is the page's own ground.
const COLOURS: [[u8; 3]; 2] = [[0, 114, 178], [213, 94, 0]];

/// The section, if the inputs are images.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal) if a picture cannot be made.
pub(super) fn weights(run: &Run) -> Result<Option<Markup>> {
    let (Some((parameters, info)), Some(shape)) = (&run.model, image_shape(run)) else { return Ok(None) };
    let Some(first) = parameters.layers.first() else { return Ok(None) };
    let (per_class, all) = (parameters.layers.len() == 1, first.w.cols());
    let most = UNITS.min(WEIGHTS / first.w.rows()).max(1);
    let units: Vec<(usize, Vec<f32>)> = chosen(&first.w, most, per_class)
        .into_iter()
        .map(|unit| (unit, plane(&first.w, unit, shape[0] * shape[1])))
        .collect();
    let limit = limit(&units);
    let pictures: Vec<Picture> = units
        .iter()
        .map(|(_, plane)| Picture::new(coloured(plane, shape, limit), 84))
        .collect::<Result<_>>()?;
    let name = |unit: usize| match per_class {
        true => class_name(&info.preparation.class_names, unit),
        false => format!("unit {unit}"),
    };
    let bar = |[r, g, b]: [u8; 3]| format!("rgb({r} {g} {b})");
    let gradient =
        format!("background:linear-gradient(90deg,{},transparent,{})", bar(COLOURS[0]), bar(COLOURS[1]));
    Ok(Some(html! {
        h2 id="weights" { "First-layer weights" }
        p {
            "One image for each " (if per_class { "class" } else { "unit of the first hidden layer" })
            ", with one pixel for each input: orange where a bright pixel raises the unit's value, blue where it lowers it."
            @if all > units.len() {
                " Only "
                @if per_class { "the first " (units.len()) " of " (thousands(all)) " are shown." }
                @else {
                    (units.len()) " of " (thousands(all)) " are shown: those with the largest weights, in root mean square."
                }
            }
            @if first.w.rows() > shape[0] * shape[1] { " The weights of the three colours are added." }
        }
        p.legend { (short(f64::from(-limit))) span.bar style=(gradient) {} (short(f64::from(limit)))
            span { "The scale is the same for all; weights beyond it have the colours of its ends." } }
        ul.pictures.weights {
            @for ((unit, _), picture) in units.iter().zip(&pictures) {
                li {
                    figure {
                        (picture.img(&format!("weights of {}", name(*unit))))
                        figcaption { bdi { (name(*unit)) } }
                    }
                }
            }
        }
    }))
}

/// The shape of the inputs, if they are images. Without the data it is taken that bytes are square ones, as `predict` does.
fn image_shape(run: &Run) -> Option<[usize; 2]> {
    let (_, info) = run.model.as_ref()?;
    match &run.test {
        Some(test) => mistakes::image_shape(&test.dataset),
        None => {
            let side = info.spec.inputs().isqrt();
            let square = info.preparation.scaling == Scaling::Bytes && side * side == info.spec.inputs();
            (square && side > 1).then_some([side, side])
        }
    }
}

/// The units to be drawn: the first, or those with the largest weights.
fn chosen(w: &Tensor, most: usize, in_order: bool) -> Vec<usize> {
    let mut units: Vec<usize> = (0..w.cols()).collect();
    if !in_order {
        let mut squares = vec![0.0_f64; w.cols()];
        for row in 0..w.rows() {
            squares.iter_mut().zip(w.row(row)).for_each(|(sum, &w)| *sum += f64::from(w).powi(2));
        }
        units.sort_by(|&a, &b| squares[b].total_cmp(&squares[a]));
    }
    units.truncate(most);
    units
}

/// The weights of a unit, one a pixel.
fn plane(w: &Tensor, unit: usize, pixels: usize) -> Vec<f32> {
    let channels = w.rows() / pixels;
    (0..pixels)
        .map(|pixel| (0..channels).map(|channel| w.at(pixel * channels + channel, unit)).sum())
        .collect()
}

/// The scale's end.
fn limit(units: &[(usize, Vec<f32>)]) -> f32 {
    let mut sizes: Vec<f32> = units.iter().flat_map(|(_, plane)| plane).map(|w| w.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let within = (WITHIN * sizes.len() as f64) as usize;
    sizes.get(within.min(sizes.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

fn coloured(plane: &[f32], [rows, cols]: [usize; 2], limit: f32) -> RgbaImage {
    // Between 0 and 1, as images of f32 are when they are reduced.
    let level = |x: u32, y: u32| {
        let w = plane[y as usize * cols + x as usize];
        if limit > 0.0 { (w / limit).clamp(-1.0, 1.0).midpoint(1.0) } else { 0.5 }
    };
    let levels = ImageBuffer::from_fn(cols as u32, rows as u32, |x, y| Luma([level(x, y)]));
    let levels = reduced(levels);
    RgbaImage::from_fn(levels.width(), levels.height(), |x, y| {
        let w = 2.0 * levels.get_pixel(x, y).0[0] - 1.0;
        let [r, g, b] = COLOURS[usize::from(w > 0.0)];
        Rgba([r, g, b, (255.0 * w.abs()) as u8])
    })
}
