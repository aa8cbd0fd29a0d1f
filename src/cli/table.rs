//! Text tables with as many columns as fit.

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};

/// Between two columns.
const GAP: &str = "  ";

/// A column: its title, the alignment of its cells, and its priority if there is no room.
pub(super) struct Column {
    pub title: String,
    pub side: Alignment,
    /// Columns with the highest number are left out first; those with 0 always stay.
    pub dispensable: u8,
}

impl Column {
    /// Of words, from the left.
    pub fn text(title: impl Into<String>, dispensable: u8) -> Self {
        Self { title: title.into(), side: Alignment::Left, dispensable }
    }

    /// Of numbers, to the right.
    pub fn number(title: impl Into<String>, dispensable: u8) -> Self {
        Self { title: title.into(), side: Alignment::Right, dispensable }
    }
}

/// The width of the terminal; `None` if standard output is not a terminal and has no limit.
pub(super) fn terminal_width() -> Option<usize> {
    let terminal = Term::stdout();
    let (_, columns) = terminal.is_term().then(|| terminal.size_checked())??;
    Some(columns.into())
}

/// The lines of a table, its titles first. Columns that `width` has no room for are left out, and what is too long even
/// then is cut.
pub(super) fn lines(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let titles: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&titles).chain(rows).collect();
    let widest = |at: usize| all.iter().map(|row| measure_text_width(&row[at])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(widest).collect();
    let shown = shown(columns, &widths, width);
    let line = |row: &&Vec<String>| {
        let cell = |&at: &usize| pad_str(&row[at], widths[at], columns[at].side, None).into_owned();
        let line = shown.iter().map(cell).collect::<Vec<_>>().join(GAP);
        truncate_str(line.trim_end(), width.unwrap_or(usize::MAX), "…").into_owned()
    };
    all.iter().map(line).collect()
}

/// The columns that there is room for, in their order.
fn shown(columns: &[Column], widths: &[usize], width: Option<usize>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let taken = |shown: &[usize]| shown.iter().map(|&at| widths[at] + GAP.len()).sum::<usize>();
    while width.is_some_and(|width| taken(&shown) > width + GAP.len()) {
        let least = shown.iter().copied().max_by_key(|&at| columns[at].dispensable);
        match least.filter(|&at| columns[at].dispensable > 0) {
            Some(least) => shown.retain(|&at| at != least),
            None => break,
        }
    }
    shown
}
