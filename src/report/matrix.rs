//! What was taken for what: the confusion matrix, the most frequent confusions, precision and recall of each class.

use image::{Rgba, RgbaImage};
use maud::{Markup, html};

use super::layout::scrolling;
use super::picture::Picture;
use super::run::class_name;
use crate::error::Result;
use crate::training::evaluation::{ClassScore, Confusion};
use crate::words::numerals::{percent, thousands};

/// Classes whose matrix is still a table that can be read.
const TABLE: usize = 30;
/// Classes whose matrix is still a picture that can be looked at.
const PICTURE: usize = 1500;
/// Confusions that are listed.
const CONFUSED: usize = 15;
/// Classes that are listed.
const LISTED: usize = 300;

/// How strongly a cell is coloured, 0..1: a right answer by its part of the row, a wrong one against the most frequent wrong
/// one.
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

const COLOURS: &str =
    "Right answers are blue, by their part of the row; wrong ones orange, by the most frequent of them.";

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
                p { "A matrix of " (thousands(classes)) " classes is too large for a page: "
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
    let caption = html! { "A row is the right class, a column the network's answer. " (COLOURS) };
    scrolling("Confusion matrix", &caption, &content)
}

/// The matrix as a picture, a pixel or more a cell.
fn drawn(confusion: &Confusion) -> Result<Markup> {
    let (heat, classes) = (Heat::of(confusion), confusion.rows().len());
    let image = RgbaImage::from_fn(classes as u32, classes as u32, |x, y| {
        let (label, answer) = (y as usize, x as usize);
        // The less frequent wrong answers would be lost from sight at their true strength.
        let strength = if label == answer { heat.at(label, answer) } else { heat.at(label, answer).sqrt() };
        let [r, g, b] = if label == answer { [0, 114, 178] } else { [213, 94, 0] };
        Rgba([r, g, b, (255.0 * strength) as u8])
    });
    let words =
        format!("Confusion matrix of {classes} classes as a picture; the table below lists what stands out.");
    let picture = Picture::new(image, 900)?;
    let caption = html! {
        "A row is the right class, a column the network's answer, both from 0. With " (thousands(classes))
        " classes the counts have no room: " code { "gpu-mlp eval --json" } " prints them. " (COLOURS)
    };
    Ok(scrolling("Confusion matrix", &caption, &picture.img(&words)))
}

/// The most frequent confusions.
fn confused(confusion: &Confusion, names: &[String]) -> Markup {
    let pairs = confusion.confused();
    if pairs.is_empty() {
        return html! { p { "Nothing was confused: every test sample is classified right." } };
    }
    let caption = html! {
        "Most often confused"
        @if pairs.len() > CONFUSED { ": the first " (CONFUSED) " of " (thousands(pairs.len())) " pairs" }
    };
    let content = html! {
        table {
            thead { tr { th.name scope="col" { "is" } th.name scope="col" { "taken for" } th scope="col" { "times" } } }
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

/// Precision, recall and F1 of each class; of very many classes, those that do worst.
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
        "Precision: of the answers with this class, the part that is right. Recall: of the samples of this class, the part \
         that is found. F1: their harmonic mean. A dash: there are none."
        @if all > LISTED { " The " (LISTED) " of " (thousands(all)) " classes with the lowest F1." }
    };
    scrolling("Classes", &caption, &content)
}
