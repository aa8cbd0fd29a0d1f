//! What a drawing shows.

/// A picture of panels side by side, with one legend for all.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// Its headline.
    pub title: String,
    /// What it shows, in words, for those who cannot see it.
    pub description: String,
    /// What lines stand for. The first is drawn broadest and lowest, so that lines which coincide can all be seen.
    pub series: Vec<Series>,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// What a line stands for, in every panel.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
}

/// A pair of axes with lines.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    /// What is drawn.
    pub title: String,
    /// What x is, with its unit.
    pub x_label: String,
    /// How values of x are laid out.
    pub x_axis: XAxis,
    /// Whether y is a share, to be written in percent up to 100.
    pub percent: bool,
    /// Whether such an axis begins near the lowest value and not at 0.
    pub zoomed: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

/// How values of x are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XAxis {
    /// Equal differences are equal distances.
    #[default]
    Linear,
    /// The same, of whole numbers from 1: the axis begins with the first, ends with the last, and has no tick between two.
    Whole,
    /// Equal factors are equal distances; points at 0 are left out.
    Logarithmic,
}

/// The points of a series in a panel.
#[derive(Debug, Clone)]
pub struct Line {
    /// Index of the series.
    pub series: usize,
    /// x and y; a value that is not finite breaks the line.
    pub points: Vec<(f64, f64)>,
    /// A point to be marked, with a word about it.
    pub mark: Option<Mark>,
}

/// A word about a point of a line.
#[derive(Debug, Clone)]
pub struct Mark {
    /// The point's x and y.
    pub at: (f64, f64),
    /// The word.
    pub text: String,
}
