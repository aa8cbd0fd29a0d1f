//! A figure as SVG.

use std::fmt::Write as _;

use super::Figure;
use super::drawing::{self, Anchor, BAR, COLOURS, DOT, Point, Shape, Stroke};

/// The figure as an SVG document.
pub fn svg(figure: &Figure) -> String {
    drawn(figure, "")
}

/// The figure as an element of an HTML page, in which nothing else may begin its names (`id`) with `id`.
pub fn inline(figure: &Figure, id: &str) -> String {
    drawn(figure, &format!("{id}-"))
}

/// The figure, whose names begin with `prefix`.
fn drawn(figure: &Figure, prefix: &str) -> String {
    let (width, height) = drawing::size(figure);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{prefix}title {prefix}desc" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">"##
    );
    let _ = writeln!(out, r#"<title id="{prefix}title">{}</title>"#, escaped(&figure.title));
    let _ = writeln!(out, r#"<desc id="{prefix}desc">{}</desc>"#, escaped(&figure.description));
    out.push_str(&style());
    let _ = writeln!(out, r##"<rect class="ground" width="{width}" height="{height}" fill="#fff"/>"##);
    let mut panels = 0;
    for shape in drawing::shapes(figure) {
        let _ = write(&mut out, &shape, &format!("{prefix}panel{panels}"));
        panels += usize::from(matches!(shape, Shape::Lines { .. }));
    }
    out.push_str("</svg>\n");
    out
}

/// What changes on a dark ground.
fn style() -> String {
    let lines: String =
        (0..COLOURS.len()).map(|i| format!(".s{i}{{stroke:{0}}}.m{i}{{fill:{0}}}", COLOURS[i].1)).collect();
    format!(
        "<style>@media (prefers-color-scheme: dark){{svg{{fill:#ddd}}.ground{{fill:#14171a}}.grid{{stroke:#333a40}}{lines}}}</style>\n"
    )
}

/// A shape; the frame of a panel is named `frame`.
fn write(out: &mut String, shape: &Shape, frame: &str) -> std::fmt::Result {
    match shape {
        Shape::Text { at: (x, y), anchor, size, content } => {
            let (anchor, content) = (anchored(*anchor), escaped(content));
            writeln!(
                out,
                r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{content}</text>"#
            )
        }
        Shape::Grid { at, from, to } => {
            writeln!(out, r##"<path class="grid" stroke="#ddd" d="M{from:.1} {at:.1}H{to:.1}"/>"##)
        }
        Shape::Sample { stroke, at: (x, y), length } => {
            writeln!(out, "<path {} d=\"M{x} {y}h{length}\"/>", attributes(stroke))
        }
        Shape::Lines { frame: ((x, y), (width, height)), lines } => {
            writeln!(
                out,
                r#"<clipPath id="{frame}"><rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/></clipPath>"#
            )?;
            writeln!(out, r#"<g clip-path="url(#{frame})">"#)?;
            for (stroke, pieces) in lines {
                let path: String = pieces.iter().map(|piece| path(piece)).collect();
                writeln!(out, "<path {} d=\"{path}\"/>", attributes(stroke))?;
            }
            writeln!(out, "</g>")
        }
        Shape::Dot { colour, at: (x, y) } => writeln!(
            out,
            r#"<circle class="m{colour}" fill="{}" cx="{x:.1}" cy="{y:.1}" r="{DOT}"/>"#,
            COLOURS[*colour].0
        ),
    }
}

fn anchored(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// The attributes of a stroke.
fn attributes(stroke: &Stroke) -> String {
    let Stroke { colour, width, dash } = stroke;
    let dashes =
        dash.map(|dash| format!(r#" stroke-dasharray="{dash} {}""#, Stroke::GAP)).unwrap_or_default();
    format!(
        r#"class="s{colour}" fill="none" stroke="{}" stroke-width="{width:.1}" stroke-linejoin="round"{dashes}"#,
        COLOURS[*colour].0
    )
}

/// A piece of a line.
fn path(points: &[Point]) -> String {
    let letter = |index: usize| if index == 0 { 'M' } else { 'L' };
    let mut path: String =
        points.iter().enumerate().map(|(index, (x, y))| format!("{}{x:.1} {y:.1}", letter(index))).collect();
    if points.len() == 1 {
        let _ = write!(path, "m-{BAR} 0h{}", 2.0 * BAR);
    }
    path
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
