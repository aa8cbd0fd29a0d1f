//! The mistakes that a network is most confident of: images, or rows of a table.

use maud::{Markup, html};

use super::layout::scrolling;
use super::picture::{Picture, reduced};
use super::run::{Test, class_name};
use crate::data::{Dataset, Scaling, picture};
use crate::error::Result;
use crate::training::evaluation::Mistake;
use crate::words::numerals::{percent, short, thousands};

/// Values of a row that the table shows.
const VALUES: usize = 8;

/// The section's content.
///
/// # Errors
/// What reading the samples reports.
pub(super) fn mistakes(test: &Test) -> Result<Markup> {
    let (dataset, mistakes) = (&*test.dataset, &test.evaluation.mistakes);
    if mistakes.is_empty() {
        return Ok(html! { p { "There are none: every test sample is classified correctly." } });
    }
    let total: u64 = test.evaluation.confusion.confused().iter().map(|pair| pair.count).sum();
    let names = &dataset.preparation.class_names;
    let rows = values(dataset, mistakes)?;
    Ok(html! {
        p {
            (thousands(total as usize)) " of " (thousands(dataset.test.len())) " test samples "
            @if total == 1 { "is" } @else { "are" } " classified wrongly. "
            @if total > mistakes.len() as u64 {
                "These are the " (mistakes.len()) " mistakes that the network was most confident of. "
            }
            "The number of a sample is its position in the test set, from 0."
        }
        @match image_shape(dataset) {
            Some(shape) => (pictures(mistakes, &rows, names, shape, dataset)?),
            None => (table(mistakes, &rows, names)),
        }
    })
}

/// Rows and columns of the samples if they are images.
pub(super) fn image_shape(dataset: &Dataset) -> Option<[usize; 2]> {
    let [rows, cols] = dataset.image_shape;
    let channels = dataset.test.features() / (rows * cols).max(1);
    (rows > 1 && matches!(channels, 1 | 3)).then_some([rows, cols])
}

/// The samples' values as they are in the data: without the model's scaling.
fn values(dataset: &Dataset, mistakes: &[Mistake]) -> Result<Vec<Vec<f32>>> {
    let indices: Vec<u32> = mistakes.iter().map(|mistake| mistake.sample).collect();
    let inputs = dataset.test.inputs(&indices)?;
    let raw = |(column, &x): (usize, &f64)| match &dataset.preparation.scaling {
        Scaling::Bytes => (255.0 * x) as f32,
        Scaling::None => x as f32,
        Scaling::Columns { shift, factor } if factor[column] == 0.0 => shift[column] as f32,
        Scaling::Columns { shift, factor } => {
            let (width, shift) = (1.0 / factor[column], shift[column]);
            let value = x * width + shift;
            // A 0 comes back with the rounding of f32.
            let is_zero = value.abs() < 1e-6 * (width.abs() + shift.abs());
            if is_zero { 0.0 } else { value as f32 }
        }
    };
    Ok((0..inputs.rows()).map(|row| inputs.row(row).iter().enumerate().map(raw).collect()).collect())
}

fn pictures(
    mistakes: &[Mistake],
    rows: &[Vec<f32>],
    names: &[String],
    shape: [usize; 2],
    dataset: &Dataset,
) -> Result<Markup> {
    let all = || rows.iter().flatten().map(|&value| f64::from(value));
    let range = match dataset.preparation.scaling {
        Scaling::Bytes => (0.0, 255.0),
        _ => (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max)),
    };
    let picture = |values: &Vec<f32>| Picture::new(reduced(picture::of_values(values, shape, range)), 84);
    let pictures: Vec<Picture> = rows.iter().map(picture).collect::<Result<_>>()?;
    Ok(html! {
        ul.pictures.mistakes {
            @for (mistake, picture) in mistakes.iter().zip(&pictures) {
                @let (is, answer) = (class_name(names, mistake.label), class_name(names, mistake.answer));
                li {
                    figure {
                        (picture.img(&format!("test sample {}: predicted {answer}, actual {is}", mistake.sample)))
                        figcaption {
                            "predicted " strong { bdi { (answer) } } " " span.share { (percent(mistake.probability)) } br;
                            "actual " strong { bdi { (is) } } " " span.share { (percent(mistake.of_right)) } br;
                            "no. " (mistake.sample)
                        }
                    }
                }
            }
        }
    })
}

fn table(mistakes: &[Mistake], rows: &[Vec<f32>], names: &[String]) -> Markup {
    let shown = |values: &[f32]| {
        let begin: Vec<String> = values.iter().take(VALUES).map(brief).collect();
        let more = if values.len() > VALUES { ", …" } else { "" };
        format!("{}{more}", begin.join(", "))
    };
    let content = html! {
        table {
            thead {
                tr {
                    th scope="col" { "sample" } th.name scope="col" { "predicted" } th scope="col" { "probability" }
                    th.name scope="col" { "actual" } th scope="col" { "probability" } th.words scope="col" { "values" }
                }
            }
            tbody {
                @for (mistake, values) in mistakes.iter().zip(rows) {
                    tr {
                        th scope="row" { (mistake.sample) }
                        td.name { bdi { (class_name(names, mistake.answer)) } } td { (percent(mistake.probability)) }
                        td.name { bdi { (class_name(names, mistake.label)) } } td { (percent(mistake.of_right)) }
                        td.words { (shown(values)) }
                    }
                }
            }
        }
    };
    let caption = html! { "The predicted class and its probability, the actual class and its probability, and the first values of the sample." };
    scrolling("Mistakes", &caption, &content)
}

/// A value in few digits, without zeros that say nothing.
fn brief(value: &f32) -> String {
    let text = short(f64::from(*value));
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
