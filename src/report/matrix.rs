//! The confusion matrix, the most frequent confusions, precision and recall of each class.

use image::{Rgba, RgbaImage};
use maud::{Markup, html};

use super::layout::scrolling;
use super::picture::Picture;
use super::run::class_name;
use crate::error::Result;
use crate::training::evaluation::{ClassScore, Confusion};
use crate::words::numerals::{percent, thousands};

/// The most classes whose matrix is drawn as a table.
const TABLE: usize = 30;
/// The most classes whose matrix is drawn as an image.
const PICTURE: usize = 1500;
/// Confusions that are listed.
const CONFUSED: usize = 15;
/// Classes that are listed.
const LISTED: usize = 300;

/// The shade of a cell, 0..1: for a correct prediction its share of the row, for a wrong one its count relative to the
/// largest wrong count.
struct Heat<'a> {
    rows: &'a [Vec<u64>],
    sums: Vec<u64>,
    most_wrong: u64,
}

impl<'a> Heat<'a> {
    fn of(confusion: &'a Confusion) -> Self {
        let rows = confusion.rows();
        let most_wrong = confusion.confused().first().map_or(1, |pair| pair.count);
        Self { rows, sums: rows.iter().map(|row| row.iter().sum()).collect(), most_wrong }
    }

    fn at(&self, label: usize, answer: usize) -> f64 {
        let of = if label == answer { self.sums[label] } else { self.most_wrong };
        self.rows[label][answer] as f64 / of.max(1) as f64
    }
}

const COLOURS: &str = "Correct predictions are blue, wrong ones orange. The shade of a correct cell is its share of the row; that of a wrong cell \
     is its count relative to the largest wrong count.";

/// The confusion matrix.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal) if it cannot be drawn.
pub(super) fn confusion(confusion: &Confusion, names: &[String]) -> Result<Markup> {
    let classes = confusion.rows().len();
    Ok(html! {
        div.beside {
            @if classes <= TABLE {
                (table(confusion, names))
            } @else if classes <= PICTURE {
                (drawn(confusion)?)
            } @else {
                p { "A confusion matrix of " (thousands(classes)) " classes is too large for this page: "
                    code { "gpu-mlp eval --json" } " prints it." }
            }
            (confused(confusion, names))
        }
    })
}

fn table(confusion: &Confusion, names: &[String]) -> Markup {
    let heat = Heat::of(confusion);
    let content = html! {
        table.matrix {
            thead {
                tr {
                    th scope="col" { "class" }
                    @for class in 0..heat.rows.len() {
                        th scope="col" title=(class_name(names, class)) { bdi { (class_name(names, class)) } }
                    }
                }
            }
            tbody {
                @for (label, row) in heat.rows.iter().enumerate() {
                    tr {
                        th.narrow scope="row" title=(class_name(names, label)) { bdi { (class_name(names, label)) } }
                        @for (answer, &count) in row.iter().enumerate() {
                            @let kind = if count == 0 { "none" } else if label == answer { "right" } else { "wrong" };
                            td class=(kind) style=(format!("--heat:{:.3}", heat.at(label, answer))) { (count) }
                        }
                    }
                }
            }
        }
    };
    let caption = html! { "Each row is an actual class, each column a predicted class. " (COLOURS) };
    scrolling("Confusion matrix", &caption, &content)
}

/// The matrix as an image, with one or more pixels per cell.
fn drawn(confusion: &Confusion) -> Result<Markup> {
    let (heat, classes) = (Heat::of(confusion), confusion.rows().len());
    let image = RgbaImage::from_fn(classes as u32, classes as u32, |x, y| {
        let (label, answer) = (y as usize, x as usize);
        // At their true strength, the less frequent mistakes would be invisible.
        let strength = if label == answer { heat.at(label, answer) } else { heat.at(label, answer).sqrt() };
        let [r, g, b] = if label == answer { [0, 114, 178] } else { [213, 94, 0] };
        Rgba([r, g, b, (255.0 * strength) as u8])
    });
    let words = format!(
        "Confusion matrix of {classes} classes as an image; the table below lists the most frequent confusions."
    );
    let picture = Picture::new(image, 900)?;
    let caption = html! {
        "Each row is an actual class, each column a predicted class, both from 0. The counts of " (thousands(classes))
        " classes do not fit on the page: " code { "gpu-mlp eval --json" } " prints them. " (COLOURS)
    };
    Ok(scrolling("Confusion matrix", &caption, &picture.img(&words)))
}

/// The most frequent confusions.
fn confused(confusion: &Confusion, names: &[String]) -> Markup {
    let pairs = confusion.confused();
    if pairs.is_empty() {
        return html! { p { "No classes are confused: every test sample is classified correctly." } };
    }
    let caption = html! {
        "Most often confused"
        @if pairs.len() > CONFUSED { ": the first " (CONFUSED) " of " (thousands(pairs.len())) " pairs" }
    };
    let content = html! {
        table {
            thead { tr { th.name scope="col" { "actual" } th.name scope="col" { "predicted" } th scope="col" { "samples" } } }
            tbody {
                @for pair in pairs.iter().take(CONFUSED) {
                    tr {
                        td.name { bdi { (class_name(names, pair.label)) } }
                        td.name { bdi { (class_name(names, pair.answer)) } }
                        td { (thousands(pair.count as usize)) }
                    }
                }
            }
        }
    };
    scrolling("Most often confused", &caption, &content)
}

/// Precision, recall and F1 of each class; if there are very many classes, of those with the lowest F1.
pub(super) fn classes(confusion: &Confusion, names: &[String]) -> Markup {
    let mut scores: Vec<(usize, ClassScore)> = confusion.classes().into_iter().enumerate().collect();
    let all = scores.len();
    if all > LISTED {
        scores.sort_by(|a, b| a.1.f1.unwrap_or(2.0).total_cmp(&b.1.f1.unwrap_or(2.0)));
        scores.truncate(LISTED);
    }
    let share = |part: Option<f64>| part.map_or("-".to_owned(), percent);
    let content = html! {
        table {
            thead {
                tr {
                    th scope="col" { "class" } th scope="col" { "samples" } th scope="col" { "precision" }
                    th scope="col" { "recall" } th scope="col" { "F1" }
                }
            }
            tbody {
                @for (class, score) in &scores {
                    tr {
                        th.narrow scope="row" title=(class_name(names, *class)) { bdi { (class_name(names, *class)) } }
                        td { (thousands(score.samples as usize)) }
                        td { (share(score.precision)) } td { (share(score.recall)) } td { (share(score.f1)) }
                    }
                }
            }
        }
    };
    let caption = html! {
        "Precision: the share of the predictions of this class that are correct. Recall: the share of the samples of this class \
         that are found. F1: the harmonic mean of both. A dash: no such predictions or samples."
        @if all > LISTED { " Only the " (LISTED) " of " (thousands(all)) " classes with the lowest F1 are shown." }
    };
    scrolling("Classes", &caption, &content)
}
