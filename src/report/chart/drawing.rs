//! What a figure is made of, in the SVG's pixels: shapes, from the ground up. `svg` writes them, `png` paints them.

use super::scale::Scale;
use super::{Figure, Line, Panel, XAxis};

/// Okabe and Ito, *Color Universal Design* (2008): on white, and lightened for a dark ground.
pub const COLOURS: [(&str, &str); 6] = [
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

/// x and y, from the left and the top.
pub type Point = (f64, f64);

/// Where a text has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How the lines of a series are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Index of [`COLOURS`].
    pub colour: usize,
    pub width: f64,
    /// Colours that come again are told apart by dashes: so long, with gaps of [`GAP`](Self::GAP).
    pub dash: Option<f64>,
}

impl Stroke {
    /// Pixels between two dashes.
    pub const GAP: f64 = 5.0;

    fn of(figure: &Figure, series: usize) -> Self {
        let others = figure.series.len() - 1;
        let step = STEP.min(BROADER / others.max(1) as f64);
        let round = series / COLOURS.len();
        Self {
            colour: series % COLOURS.len(),
            width: 2.0 + step * (others - series) as f64,
            dash: (round > 0).then_some(4.0 * round as f64),
        }
    }
}

/// A part of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Text {
        at: Point,
        anchor: Anchor,
        size: f64,
        content: String,
    },
    /// A line of the grid, at a height, from x to x.
    Grid {
        at: f64,
        from: f64,
        to: f64,
    },
    /// A line of the legend.
    Sample {
        stroke: Stroke,
        at: Point,
        length: f64,
    },
    /// The lines of a panel, cut off at its frame: left and top, width and height. A line is in pieces, each drawn from point to
    /// point; one that has a single point is a short bar.
    Lines {
        frame: (Point, Point),
        lines: Vec<(Stroke, Vec<Vec<Point>>)>,
    },
    Dot {
        colour: usize,
        at: Point,
    },
}

/// Half the length of the bar that a point without neighbours is.
pub const BAR: f64 = 4.0;
/// Radius of a dot.
pub const DOT: f64 = 4.0;

/// Width and height.
pub fn size(figure: &Figure) -> (f64, f64) {
    let width = PANEL.0 * figure.panels.len().max(1) as f64;
    (width, HEAD + PANEL.1 + LEGEND_ROW * figure.series.len() as f64 + 12.0)
}

/// All shapes; what comes later lies above.
pub fn shapes(figure: &Figure) -> Vec<Shape> {
    let mut out = vec![text((12.0, 22.0), Anchor::Start, 15.0, &figure.title)];
    for (index, panel) in figure.panels.iter().enumerate() {
        draw_panel(&mut out, figure, panel, index);
    }
    for (index, series) in figure.series.iter().enumerate() {
        let y = HEAD + PANEL.1 + LEGEND_ROW * (index as f64 + 0.5);
        out.push(Shape::Sample { stroke: Stroke::of(figure, index), at: (LEFT, y), length: 28.0 });
        out.push(text((LEFT + 36.0, y + 4.0), Anchor::Start, 12.0, &series.name));
    }
    out
}

fn text(at: Point, anchor: Anchor, size: f64, content: &str) -> Shape {
    Shape::Text { at, anchor, size, content: content.to_owned() }
}

fn draw_panel(out: &mut Vec<Shape>, figure: &Figure, panel: &Panel, index: usize) {
    let left = PANEL.0 * index as f64 + LEFT;
    let (right, top, bottom) = (left + PANEL.0 - LEFT - RIGHT, HEAD + TOP, HEAD + PANEL.1 - BOTTOM);
    let (x, y) = (x_scale(panel, (left, right)), y_scale(panel, (bottom, top)));
    out.push(text((left, HEAD + 20.0), Anchor::Start, 13.0, &panel.title));
    for &tick in y.ticks() {
        let at = y.at(tick);
        out.push(Shape::Grid { at, from: left, to: right });
        let label = if panel.percent { y.percent(tick) } else { y.label(tick) };
        out.push(text((left - 6.0, at + 4.0), Anchor::End, 11.0, &label));
    }
    for &tick in x.ticks() {
        out.push(text((x.at(tick), bottom + 16.0), Anchor::Middle, 11.0, &x.label(tick)));
    }
    out.push(text((f64::midpoint(left, right), bottom + 34.0), Anchor::Middle, 12.0, &panel.x_label));
    let lines =
        panel.lines.iter().map(|line| (Stroke::of(figure, line.series), pieces(line, &x, &y))).collect();
    out.push(Shape::Lines { frame: ((left, top), (right - left, bottom - top)), lines });
    for (index, line) in panel.lines.iter().filter(|line| line.mark.is_some()).enumerate() {
        mark(out, line, &x, &y, (right, bottom), index);
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

/// A line's pieces: a new one after every value that is not finite.
fn pieces(line: &Line, x: &Scale, y: &Scale) -> Vec<Vec<Point>> {
    // A logarithmic axis has no place for 0.
    let drawable = |&(px, py): &Point| x.at(px).is_finite() && py.is_finite();
    let drawn = line.points.split(|point| !drawable(point)).filter(|piece| !piece.is_empty());
    // Far outside is as good as outside, and keeps the numbers short.
    drawn.map(|piece| piece.iter().map(|&(px, py)| (x.at(px), y.at(py).max(-1e4))).collect()).collect()
}

/// A dot and its word; each word stands a line lower than the one before, so that neighbours do not collide.
fn mark(out: &mut Vec<Shape>, line: &Line, x: &Scale, y: &Scale, (right, bottom): (f64, f64), index: usize) {
    let Some(mark) = &line.mark else { return };
    let at = (x.at(mark.at.0), y.at(mark.at.1));
    out.push(Shape::Dot { colour: line.series % COLOURS.len(), at });
    let (anchor, dx) = if at.0 > right - 120.0 { (Anchor::End, -8.0) } else { (Anchor::Start, 8.0) };
    let below = 18.0 + 14.0 * index as f64;
    // Below the axis stand its numbers.
    let dy = if at.1 + below <= bottom { below } else { 10.0 - below };
    out.push(text((at.0 + dx, at.1 + dy), anchor, 11.0, &mark.text));
}
