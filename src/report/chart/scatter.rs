//! Points over two axes, both of which may go below 0, as SVG.

use std::fmt::Write as _;

use super::scale::Scale;

pub(super) const SIZE: (f64, f64) = (360.0, 300.0);
pub(super) const LEFT: f64 = 60.0;
pub(super) const RIGHT: f64 = 12.0;
pub(super) const TOP: f64 = 30.0;
pub(super) const BOTTOM: f64 = 44.0;

/// A panel of points, and a line that they should lie on.
#[derive(Debug, Clone)]
pub struct Scatter<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same in words, for those who cannot see it.
    pub description: &'a str,
    /// What x and y are.
    pub labels: [&'a str; 2],
    /// x and y.
    pub points: &'a [(f64, f64)],
    /// y where all is right, at a given x.
    pub right: fn(f64) -> f64,
}

/// The panel as an element of an HTML page, in which nothing else may begin its names (`id`) with `id`.
pub fn scatter(scatter: &Scatter<'_>, id: &str) -> String {
    let (first, last) = ends(scatter.points.iter().map(|point| point.0));
    let right = [first, last].map(scatter.right);
    let (low, high) = ends(scatter.points.iter().map(|point| point.1).chain(right));
    let (left, bottom) = (LEFT, SIZE.1 - BOTTOM);
    let x = Scale::new(first, last, (left, SIZE.0 - RIGHT));
    let y = Scale::new(low, high, (bottom, TOP));
    let mut out = opened([scatter.title, scatter.description], scatter.labels[0], id);
    for &tick in x.ticks() {
        text(&mut out, (x.at(tick), bottom + 16.0), "middle", &x.label(tick));
    }
    heights(&mut out, &y, |tick| y.label(tick));
    let _ = writeln!(
        out,
        r##"<path stroke="#d55e00" d="M{:.1} {:.1}L{:.1} {:.1}"/>"##,
        x.at(first),
        y.at(right[0]),
        x.at(last),
        y.at(right[1])
    );
    out.push_str("<g fill=\"#0072b2\" fill-opacity=\".6\">\n");
    for point in scatter.points.iter().filter(|point| point.0.is_finite() && point.1.is_finite()) {
        let _ = writeln!(out, r#"<circle cx="{:.1}" cy="{:.1}" r="2.5"/>"#, x.at(point.0), y.at(point.1));
    }
    out.push_str("</g></svg>\n");
    out
}

/// The lowest and the highest of the finite values.
pub(super) fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// The beginning of a panel: its title, what it shows in words, and what x is.
pub(super) fn opened([title, description]: [&str; 2], x_label: &str, id: &str) -> String {
    let mut out = String::new();
    let (width, height) = SIZE;
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{id}-title {id}-desc" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="currentColor">"##
    );
    let _ = writeln!(out, r#"<title id="{id}-title">{}</title>"#, super::svg::escaped(title));
    let _ = writeln!(out, r#"<desc id="{id}-desc">{}</desc>"#, super::svg::escaped(description));
    text(&mut out, (LEFT, 18.0), "start", title);
    text(&mut out, (f64::midpoint(LEFT, SIZE.0 - RIGHT), SIZE.1 - 8.0), "middle", x_label);
    out
}

/// A text of a panel.
pub(super) fn text(out: &mut String, at: (f64, f64), anchor: &str, content: &str) {
    let content = super::svg::escaped(content);
    let _ = writeln!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{content}</text>"#, at.0, at.1);
}

/// The grid of a panel, with the values of y beside it.
pub(super) fn heights(out: &mut String, y: &Scale, label: impl Fn(f64) -> String) {
    for &tick in y.ticks() {
        let at = y.at(tick);
        text(out, (LEFT - 6.0, at + 4.0), "end", &label(tick));
        let _ = writeln!(
            out,
            r##"<path stroke="#888" stroke-opacity=".3" d="M{LEFT} {at:.1}H{:.1}"/>"##,
            SIZE.0 - RIGHT
        );
    }
}
