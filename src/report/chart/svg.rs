//! A figure as SVG.

use std::fmt::Write as _;

use super::scale::Scale;
use super::{Figure, Line, Panel, XAxis};

/// Okabe and Ito, *Color Universal Design* (2008): on white, and lightened for a dark ground.
const COLOURS: [(&str, &str); 6] = [
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff8c42"),
    ("#009e73", "#2fd1a5"),
    ("#a8518a", "#e39ac6"),
    ("#8a6d00", "#e6c229"),
    ("#333333", "#dddddd"),
];

const PANEL: (f64, f64) = (360.0, 300.0);
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
const HEAD: f64 = 34.0;
const LEGEND_ROW: f64 = 20.0;

/// A line that runs away may leave the panel: y shows at most so many times what the first line needs.
pub const RUNAWAY: f64 = 10.0;

/// The broadest line may be so much broader than the narrowest, which has 2 pixels; neighbours differ by at most `STEP`.
const BROADER: f64 = 3.0;
const STEP: f64 = 1.2;

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
    let width = PANEL.0 * figure.panels.len().max(1) as f64;
    let height = HEAD + PANEL.1 + LEGEND_ROW * figure.series.len() as f64 + 12.0;
    let mut out = String::new();
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{prefix}title {prefix}desc" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">"##
    );
    let _ = writeln!(out, r#"<title id="{prefix}title">{}</title>"#, escaped(&figure.title));
    let _ = writeln!(out, r#"<desc id="{prefix}desc">{}</desc>"#, escaped(&figure.description));
    out.push_str(&style());
    let _ = writeln!(out, r##"<rect class="ground" width="{width}" height="{height}" fill="#fff"/>"##);
    text(&mut out, (12.0, 22.0), "start", 15.0, &figure.title);
    for (index, panel) in figure.panels.iter().enumerate() {
        draw_panel(&mut out, figure, panel, index, prefix);
    }
    for (index, series) in figure.series.iter().enumerate() {
        let y = HEAD + PANEL.1 + LEGEND_ROW * (index as f64 + 0.5);
        let _ = writeln!(out, "<path {} d=\"M{LEFT} {y}h28\"/>", stroke(figure, index));
        text(&mut out, (LEFT + 36.0, y + 4.0), "start", 12.0, &series.name);
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

/// The attributes of a series' stroke.
fn stroke(figure: &Figure, series: usize) -> String {
    let colour = series % COLOURS.len();
    let others = figure.series.len() - 1;
    let step = STEP.min(BROADER / others.max(1) as f64);
    let width = 2.0 + step * (others - series) as f64;
    // Colours that come again are told apart by dashes.
    let dashes = match series / COLOURS.len() {
        0 => String::new(),
        round => format!(r#" stroke-dasharray="{} 5""#, 4 * round),
    };
    format!(
        r#"class="s{colour}" fill="none" stroke="{}" stroke-width="{width:.1}" stroke-linejoin="round"{dashes}"#,
        COLOURS[colour].0
    )
}

fn draw_panel(out: &mut String, figure: &Figure, panel: &Panel, index: usize, prefix: &str) {
    let left = PANEL.0 * index as f64 + LEFT;
    let (right, top, bottom) = (left + PANEL.0 - LEFT - RIGHT, HEAD + TOP, HEAD + PANEL.1 - BOTTOM);
    let (x, y) = (x_scale(panel, (left, right)), y_scale(panel, (bottom, top)));
    text(out, (left, HEAD + 20.0), "start", 13.0, &panel.title);
    for &tick in y.ticks() {
        let at = y.at(tick);
        let _ = writeln!(out, r##"<path class="grid" stroke="#ddd" d="M{left:.1} {at:.1}H{right:.1}"/>"##);
        let label = if panel.percent { y.percent(tick) } else { y.label(tick) };
        text(out, (left - 6.0, at + 4.0), "end", 11.0, &label);
    }
    for &tick in x.ticks() {
        text(out, (x.at(tick), bottom + 16.0), "middle", 11.0, &x.label(tick));
    }
    text(out, (f64::midpoint(left, right), bottom + 34.0), "middle", 12.0, &panel.x_label);
    let _ = writeln!(
        out,
        r#"<clipPath id="{prefix}panel{index}"><rect x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/></clipPath>"#,
        right - left,
        bottom - top
    );
    let _ = writeln!(out, r#"<g clip-path="url(#{prefix}panel{index})">"#);
    for line in &panel.lines {
        let _ = writeln!(out, "<path {} d=\"{}\"/>", stroke(figure, line.series), path(line, &x, &y));
    }
    out.push_str("</g>\n");
    for (index, line) in panel.lines.iter().filter(|line| line.mark.is_some()).enumerate() {
        mark(out, line, &x, &y, right, index);
    }
}

fn points(panel: &Panel) -> impl Iterator<Item = &(f64, f64)> {
    panel.lines.iter().flat_map(|line| &line.points)
}

fn x_scale(panel: &Panel, pixels: (f64, f64)) -> Scale {
    let last = points(panel).map(|point| point.0).filter(|x| x.is_finite()).fold(0.0, f64::max);
    let first = |least: f64| {
        let first = points(panel).map(|point| point.0).filter(|&x| x >= least).fold(f64::INFINITY, f64::min);
        if first.is_finite() { first } else { 1.0 }
    };
    match panel.x_axis {
        XAxis::Linear => Scale::new(0.0, last, pixels),
        XAxis::Whole => Scale::whole(first(1.0), last, pixels),
        XAxis::Logarithmic => Scale::logarithmic(first(f64::MIN_POSITIVE), last, pixels),
    }
}

fn y_scale(panel: &Panel, pixels: (f64, f64)) -> Scale {
    if !panel.percent {
        return Scale::new(0.0, tallest(panel), pixels);
    }
    // Where all is right there is still an axis.
    let lowest = points(panel).map(|point| point.1).filter(|y| y.is_finite()).fold(0.99, f64::min);
    Scale::new(if panel.zoomed { lowest.max(0.0) } else { 0.0 }, 1.0, pixels)
}

/// The y that has to be shown.
fn tallest(panel: &Panel) -> f64 {
    let most =
        |line: &Line| line.points.iter().map(|point| point.1).filter(|y| y.is_finite()).fold(0.0, f64::max);
    let limit = panel.lines.first().map_or(f64::INFINITY, |line| RUNAWAY * most(line));
    panel.lines.iter().map(most).fold(0.0, f64::max).min(if limit > 0.0 { limit } else { f64::INFINITY })
}

/// A line's path: a new piece after every value that is not finite. A point with no neighbours is a short bar.
fn path(line: &Line, x: &Scale, y: &Scale) -> String {
    // A logarithmic axis has no place for 0.
    let drawable = |&(px, py): &(f64, f64)| x.at(px).is_finite() && py.is_finite();
    let (mut path, mut pen_down) = (String::new(), false);
    for (index, point @ &(px, py)) in line.points.iter().enumerate() {
        let drawn = drawable(point);
        if drawn {
            // Far outside is as good as outside, and keeps the numbers short.
            let at = y.at(py).max(-1e4);
            let _ = write!(path, "{}{:.1} {at:.1}", if pen_down { 'L' } else { 'M' }, x.at(px));
            if !pen_down && !line.points.get(index + 1).is_some_and(drawable) {
                path.push_str("m-4 0h8");
            }
        }
        pen_down = drawn;
    }
    path
}

/// A dot and its word; each word stands a line lower than the one before, so that neighbours do not collide.
fn mark(out: &mut String, line: &Line, x: &Scale, y: &Scale, right: f64, index: usize) {
    let Some(mark) = &line.mark else { return };
    let (colour, at) = (line.series % COLOURS.len(), (x.at(mark.at.0), y.at(mark.at.1)));
    let _ = writeln!(
        out,
        r#"<circle class="m{colour}" fill="{}" cx="{:.1}" cy="{:.1}" r="4"/>"#,
        COLOURS[colour].0, at.0, at.1
    );
    let (anchor, dx) = if at.0 > right - 120.0 { ("end", -8.0) } else { ("start", 8.0) };
    let dy = 18.0 + 14.0 * index as f64;
    text(out, (at.0 + dx, at.1 + dy), anchor, 11.0, &mark.text);
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, size: f64, content: &str) {
    let content = escaped(content);
    let _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{content}</text>"#
    );
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
