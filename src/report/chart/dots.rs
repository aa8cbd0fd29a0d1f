//! A score for each value of an option, as SVG.

use std::fmt::Write as _;

use super::scale::Scale;
use super::scatter::{BOTTOM, LEFT, RIGHT, SIZE, TOP, ends, heights, opened, text};

/// A panel of points over an option's values.
#[derive(Debug, Clone)]
pub struct Dots<'a> {
    /// What y is.
    pub title: &'a str,
    /// What the panel shows in words, for those who cannot see it.
    pub description: &'a str,
    /// The option.
    pub x_label: &'a str,
    /// Where the values are.
    pub places: Places<'a>,
    /// The place of a value, and y: of [`Places::Listed`] its index.
    pub points: &'a [(f64, f64)],
    /// The point that is marked.
    pub marked: Option<usize>,
    /// Whether y is a share, to be written in percent.
    pub percent: bool,
}

/// Where an option's values are along the axis.
#[derive(Debug, Clone, Copy)]
pub enum Places<'a> {
    /// Side by side, in this order.
    Listed(&'a [String]),
    /// As numbers.
    Numbers,
    /// As numbers above 0, equal factors at equal distances.
    Logarithms,
}

/// Values have room below the axis up to so many letters in all.
const LETTERS: usize = 44;

/// The panel as an element of an HTML page, in which nothing else may begin its names (`id`) with `id`.
pub fn dots(panel: &Dots<'_>, id: &str) -> String {
    let (first, last) = match panel.places {
        Places::Listed(values) => (-0.5, values.len() as f64 - 0.5),
        Places::Numbers | Places::Logarithms => ends(panel.points.iter().map(|point| point.0)),
    };
    let (low, high) = ends(panel.points.iter().map(|point| point.1));
    let (left, right, bottom) = (LEFT, SIZE.0 - RIGHT, SIZE.1 - BOTTOM);
    let y = Scale::new(low, high, (bottom, TOP));
    let mut out = opened([panel.title, panel.description], panel.x_label, id);
    heights(&mut out, &y, |tick| if panel.percent { y.percent(tick) } else { y.label(tick) });
    let place: Box<dyn Fn(f64) -> f64> = match panel.places {
        Places::Listed(values) => {
            let place = move |index: f64| left + (index - first) / (last - first) * (right - left);
            let letters: usize = values.iter().map(|value| value.chars().count() + 2).sum();
            let step = letters.div_ceil(LETTERS).max(1);
            for (index, value) in values.iter().enumerate().step_by(step) {
                text(&mut out, (place(index as f64), bottom + 16.0), "middle", value);
            }
            Box::new(place)
        }
        Places::Numbers | Places::Logarithms => {
            let is_log = matches!(panel.places, Places::Logarithms);
            let scale = if is_log { Scale::logarithmic } else { Scale::new }(first, last, (left, right));
            for &tick in scale.ticks() {
                text(&mut out, (scale.at(tick), bottom + 16.0), "middle", &scale.label(tick));
            }
            Box::new(move |value| scale.at(value))
        }
    };
    let drawable = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    out.push_str("<g fill=\"#0072b2\" fill-opacity=\".55\">\n");
    for point in panel.points.iter().filter(drawable) {
        let _ = writeln!(out, r#"<circle cx="{:.1}" cy="{:.1}" r="4"/>"#, place(point.0), y.at(point.1));
    }
    out.push_str("</g>\n");
    if let Some(point) = panel.marked.and_then(|index| panel.points.get(index)).filter(drawable) {
        let (x, y) = (place(point.0), y.at(point.1));
        let _ = writeln!(
            out,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="7" fill="none" stroke="#d55e00" stroke-width="2"/>"##
        );
    }
    out.push_str("</svg>\n");
    out
}
