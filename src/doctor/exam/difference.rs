//! Where and how numbers that no formula explains differ from the right ones: what leads to the line of code.

use super::permutation;
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::minus;
use crate::reference::Matrix;

/// The spread of a factor that still counts as one number.
const SAME: f64 = 1e-3;

/// The most places that are listed.
const LISTED: usize = 6;

/// How a tensor lies in the file, so that places in it can be named there.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    slot: Slot,
    turned: bool,
    /// The class of each sample, if there is one.
    classes: Option<&'a [usize]>,
    /// Values this close to the right ones, relative to the largest, are no difference.
    slack: f64,
}

/// Rows of our matrices, or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Rows,
    Columns,
}

impl<'a> View<'a> {
    /// A tensor of a file.
    pub fn new(slot: Slot, case: &'a Case, single: bool) -> Self {
        let layout = case.layout;
        let turned = match slot.param() {
            Some(Param::W(_)) => !layout.in_out,
            Some(Param::B(_)) | None => !layout.rows,
        };
        let classes = case.one_hot.then_some(case.labels.as_slice());
        Self { slot, turned, classes, slack: if single { 1e-3 } else { 1e-7 } }
    }

    /// What one line along an axis belongs to.
    fn owner(&self, axis: Axis) -> &'static str {
        match (axis, self.slot.param(), self.slot) {
            (Axis::Columns, _, Slot::P) => "output",
            (Axis::Columns, _, _) => "unit",
            (Axis::Rows, Some(Param::W(_)), _) => "input",
            (Axis::Rows, _, _) => "sample",
        }
    }

    /// Line `i` along an axis, as NumPy writes it, and what it belongs to.
    fn line(&self, axis: Axis, i: usize) -> String {
        let owner = self.owner(axis);
        match (self.slot.param(), (axis == Axis::Rows) != self.turned) {
            (Some(Param::B(_)), _) => format!("{} of {owner} {i} (from 0)", self.slot),
            (_, true) => format!("{}[{i}, :] ({owner} {i})", self.slot),
            (_, false) => format!("{}[:, {i}] ({owner} {i})", self.slot),
        }
    }

    /// The class that these samples have, and no others.
    fn class(&self, axis: Axis, lines: &[usize]) -> Option<usize> {
        let classes = self.classes.filter(|_| self.owner(axis) == "sample")?;
        let class = classes[*lines.first()?];
        let all = classes.iter().enumerate().all(|(r, &own)| (own == class) == lines.contains(&r));
        all.then_some(class)
    }

    /// One number for each class, if those of the samples say no more.
    fn by_class(&self, axis: Axis, each: &[f64]) -> Option<Vec<f64>> {
        let classes = self.classes.filter(|_| self.owner(axis) == "sample")?;
        let of = |class| each.iter().zip(classes).find(|(_, own)| **own == class).map(|(value, _)| *value);
        let values: Vec<f64> = (0..=*classes.iter().max()?).map(of).collect::<Option<_>>()?;
        let same = |(value, &class): (&f64, &usize)| (value - values[class]).abs() <= SAME * value.abs();
        each.iter().zip(classes).all(same).then_some(values)
    }

    fn cell(&self, r: usize, c: usize) -> String {
        if let (Some(Param::B(_)), 0) = (self.slot.param(), r) {
            return self.line(Axis::Columns, c);
        }
        let (r, c) = if self.turned { (c, r) } else { (r, c) };
        format!("{}[{r}, {c}]", self.slot)
    }
}

/// How `u` differs from the right `r`.
pub fn describe(u: &Matrix, r: &Matrix, view: View) -> String {
    if u.shape() != r.shape() {
        return format!("shape {:?} where {:?} is right", u.shape(), r.shape());
    }
    if let Some(at) = u.data().iter().position(|u| !u.is_finite()) {
        let count = u.data().iter().filter(|u| !u.is_finite()).count();
        let first = view.cell(at / u.cols(), at % u.cols());
        return format!("{count} values are nan or infinite, the first at {first}");
    }
    if u.data().iter().all(|&u| u == 0.0) {
        return "every value is 0".to_owned();
    }
    if let Some(c) = factor(u.data(), r.data()).filter(|c| (c - 1.0).abs() > SAME && u.data().len() > 1) {
        return times(c);
    }
    cut_off(u, r).or_else(|| in_lines(u, r, view)).unwrap_or_else(|| everywhere(u, r, view))
}

/// Differences in a few rows or columns alone.
fn in_lines(u: &Matrix, r: &Matrix, view: View) -> Option<String> {
    let largest = r.data().iter().fold(0.0_f64, |largest, r| largest.max(r.abs()));
    let differs = |row: usize, col: usize| (u.at(row, col) - r.at(row, col)).abs() > view.slack * largest;
    let cells: Vec<(usize, usize)> =
        (0..u.rows()).flat_map(|row| (0..u.cols()).map(move |col| (row, col))).collect();
    let wrong: Vec<(usize, usize)> = cells.into_iter().filter(|&(row, col)| differs(row, col)).collect();
    match wrong[..] {
        [] => {
            let most = minus(u, r).data().iter().fold(0.0_f64, |most, d| most.max(d.abs())) / largest;
            return Some(format!("no value is off by more than {most:.0e} of the largest: rounding?"));
        }
        [(row, col)] if u.data().len() > 1 => {
            let (cell, own, right) = (view.cell(row, col), u.at(row, col), r.at(row, col));
            return Some(format!("only {cell} is wrong: {} where {} is right", number(own), number(right)));
        }
        _ => {}
    }
    let lines = |axis: Axis| {
        let mut lines: Vec<usize> =
            wrong.iter().map(|&(row, col)| if axis == Axis::Rows { row } else { col }).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let (rows, columns) = (lines(Axis::Rows), lines(Axis::Columns));
    let share = |lines: &[usize], of: usize| lines.len() as f64 / of as f64;
    let (axis, lines, share) = if share(&rows, u.rows()) <= share(&columns, u.cols()) {
        (Axis::Rows, &rows, share(&rows, u.rows()))
    } else {
        (Axis::Columns, &columns, share(&columns, u.cols()))
    };
    if share > 0.5 {
        return None;
    }
    let (u, r) = match axis {
        Axis::Rows => (u.clone(), r.clone()),
        Axis::Columns => (u.transposed(), r.transposed()),
    };
    let how: Vec<String> = lines.iter().map(|&i| one_line(&u, &r, i, view.owner(axis))).collect();
    let which = listed(lines.iter().map(usize::to_string));
    let places = match lines[..] {
        [one] => view.line(axis, one),
        _ => format!("{} of {} {}s of {}", lines.len(), u.rows(), view.owner(axis), view.slot),
    };
    if how.iter().all(|one| *one == how[0]) {
        return Some(match (lines.len(), view.class(axis, lines)) {
            (1, _) => format!("only {places} is wrong: {}", how[0]),
            (_, Some(class)) => format!("only {places}, those of class {class}, are wrong: {}", how[0]),
            (_, None) => format!("only {places} ({which}) are wrong: {}", how[0]),
        });
    }
    let each = listed(lines.iter().zip(&how).map(|(&i, how)| format!("{i} is {how}")));
    Some(format!("only {places} are wrong: {each}"))
}

/// What row i of `u` is, beside the right row.
fn one_line(u: &Matrix, r: &Matrix, i: usize, owner: &str) -> String {
    let (own, right) = (u.row(i), r.row(i));
    if own.iter().all(|&value| value == 0.0) {
        return "0".to_owned();
    }
    if let Some(other) = (0..r.rows()).find(|&k| k != i && close(own, r.row(k))) {
        return format!("the right one of {owner} {other}");
    }
    if own.len() > 1
        && let Some(c) = factor(own, right)
    {
        return times(c);
    }
    if let [own] = own {
        return format!("{} where {} is right", number(*own), number(right[0]));
    }
    if own.iter().all(|&value| value == own[0]) {
        return format!("{} throughout", number(own[0]));
    }
    if let Some(d) = offset(own, right) {
        return format!("off by {}", number(d));
    }
    if let Some(other) = (0..u.rows()).find(|&k| k != i && close(own, u.row(k))) {
        return format!("the same as that of {owner} {other}");
    }
    "without a pattern".to_owned()
}

/// Differences in most places.
fn everywhere(u: &Matrix, r: &Matrix, view: View) -> String {
    if permutation::order(u, r).is_some() {
        return order(view, Axis::Rows);
    }
    let (turned_u, turned_r) = (u.transposed(), r.transposed());
    if u.cols() > 1 && permutation::order(&turned_u, &turned_r).is_some() {
        return order(view, Axis::Columns);
    }
    if u.rows() == u.cols() && close(turned_u.data(), r.data()) {
        return "the right one transposed".to_owned();
    }
    if let Some(d) = offset(u.data(), r.data()) {
        return format!("off by {} everywhere", number(d));
    }
    let turned = (0..u.data().len()).filter(|&i| u.data()[i] * r.data()[i] < 0.0).count();
    if close(u.map(f64::abs).data(), r.map(f64::abs).data()) {
        return format!("the sign of {turned} of {} values is turned", u.data().len());
    }
    for (axis, u, r) in [(Axis::Rows, u, r), (Axis::Columns, &turned_u, &turned_r)] {
        let owner = view.owner(axis);
        if let Some(factors) = of_lines(u, r, factor) {
            return match view.by_class(axis, &factors) {
                Some(factors) => format!("a factor of its own for each class: {}", numbers(&factors)),
                None => format!("a factor of its own for each {owner}: {}", numbers(&factors)),
            };
        }
        if let Some(offsets) = of_lines(u, r, offset) {
            return format!("off by a number of its own for each {owner}: {}", numbers(&offsets));
        }
    }
    let zeros = (0..u.data().len()).filter(|&i| u.data()[i] == 0.0 && r.data()[i] != 0.0).count();
    let extra = (0..u.data().len()).filter(|&i| u.data()[i] != 0.0 && r.data()[i] == 0.0).count();
    let off = |i: usize| (u.data()[i] - r.data()[i]).abs();
    let largest = r.data().iter().fold(0.0_f64, |largest, r| largest.max(r.abs()));
    let count = (0..u.data().len()).filter(|&i| off(i) > view.slack * largest).count();
    let most = (0..u.data().len()).max_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(0);
    let cell = view.cell(most / u.cols(), most % u.cols());
    let (own, right) = (number(u.data()[most]), number(r.data()[most]));
    let mut text = match u.data().len() {
        1 => format!("{own} where {right} is right"),
        all => format!("{count} of {all} values are wrong, most of all {cell}: {own} where {right} is right"),
    };
    if zeros > 0 {
        text.push_str(&format!("; {zeros} are 0 where the right ones are not"));
    }
    if extra > 0 {
        text.push_str(&format!("; {extra} are not 0 where the right ones are"));
    }
    text
}

/// Values cut off at a border.
fn cut_off(u: &Matrix, r: &Matrix) -> Option<String> {
    let most = u.data().iter().fold(0.0_f64, |most, u| most.max(u.abs()));
    let cut = |beyond: fn(f64, f64) -> bool| r.data().iter().filter(|&&r| beyond(r, most)).count();
    if cut(|r, _| r < 0.0) > 1 && close(u.data(), r.map(|r| r.max(0.0)).data()) {
        return Some("the right one with everything below 0 set to 0".to_owned());
    }
    let clipped = cut(|r, most| r.abs() > most);
    let all = clipped > 1 && close(u.data(), r.map(|r| r.clamp(-most, most)).data());
    all.then(|| format!("the right one, with {clipped} values cut off at ±{}: clipping?", number(most)))
}

fn order(view: View, axis: Axis) -> String {
    format!("the right {}s in another order", view.owner(axis))
}

/// One number for each row, if every row has one and they say something.
fn of_lines(u: &Matrix, r: &Matrix, of: fn(&[f64], &[f64]) -> Option<f64>) -> Option<Vec<f64>> {
    (u.cols() > 1 && u.rows() > 1).then(|| (0..u.rows()).map(|i| of(u.row(i), r.row(i))).collect())?
}

/// The first few, and how many more.
fn listed(mut all: impl ExactSizeIterator<Item = String>) -> String {
    let rest = all.len().saturating_sub(LISTED);
    let mut first: Vec<String> = all.by_ref().take(LISTED).collect();
    if rest > 0 {
        first.push(format!("{rest} more"));
    }
    first.join(", ")
}

fn numbers(values: &[f64]) -> String {
    listed(values.iter().map(|&value| number(value)))
}

/// A number in six digits.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
        let text = format!("{value:.6}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{value:.5e}")
}

fn times(c: f64) -> String {
    if (c + 1.0).abs() < SAME {
        "the right one with the other sign".to_owned()
    } else {
        format!("{} times the right one", number(c))
    }
}

/// Whether two lists are the same but for rounding.
fn close(u: &[f64], r: &[f64]) -> bool {
    let size = r.iter().fold(0.0_f64, |size, r| size.max(r.abs()));
    u.iter().zip(r).all(|(u, r)| (u - r).abs() <= SAME / 100.0 * size)
}

/// The common value of all ratios, if they have one; 0 may be any multiple of 0.
fn factor(u: &[f64], r: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> =
        u.iter().zip(r).filter(|&(&u, &r)| u != 0.0 || r != 0.0).map(|(u, r)| u / r).collect();
    let &first = ratios.first()?;
    ratios.iter().all(|ratio| (ratio - first).abs() <= SAME * first.abs()).then_some(first)
}

/// The common value of all differences, if they have one.
fn offset(u: &[f64], r: &[f64]) -> Option<f64> {
    let first = u.first()? - r.first()?;
    let same = u.iter().zip(r).all(|(u, r)| (u - r - first).abs() <= SAME * first.abs());
    (same && u.len() > 1).then_some(first)
}
