//! Charts as pixels.

use gpu_mlp::report::chart::{Figure, Line, Mark, Panel, Series, XAxis, png};
use image::{ImageFormat, Rgb, RgbImage};

fn figure(series: usize, points: Vec<(f64, f64)>) -> Figure {
    let line = |series| Line { series, points: points.clone(), mark: None };
    let panel = Panel {
        title: "a panel".into(),
        lines: (0..series).map(line).collect(),
        percent: true,
        ..Panel::default()
    };
    let names = (0..series).map(|i| Series { name: format!("series {i}") }).collect();
    Figure { title: "A figure".into(), description: String::new(), series: names, panels: vec![panel] }
}

fn drawn(figure: &Figure) -> RgbImage {
    image::load_from_memory_with_format(&png(figure).unwrap(), ImageFormat::Png).unwrap().into_rgb8()
}

fn count(image: &RgbImage, colour: [u8; 3]) -> usize {
    image.pixels().filter(|pixel| **pixel == Rgb(colour)).count()
}

const BLUE: [u8; 3] = [0x00, 0x72, 0xb2];

#[test]
fn a_straight_line_has_its_colour_and_breadth_everywhere() {
    let image = drawn(&figure(1, (0..=10).map(|x| (f64::from(x), 0.5)).collect()));
    assert_eq!(image.dimensions(), (720, 2 * (34 + 300 + 20 + 12)));
    // From 48 to 348 of the drawing's pixels, each two of ours; two broad, so four. The middle rows are covered whole.
    let column = |x: u32| (0..600).filter(|&y| *image.get_pixel(x, y) == Rgb(BLUE)).count();
    assert!(
        (110..680).all(|x| (3..=4).contains(&column(x))),
        "{:?}",
        (110..680).map(column).collect::<Vec<_>>()
    );
}

#[test]
fn lines_end_at_the_frame_of_their_panel() {
    let steep = (0..=10).map(|x| (f64::from(x), if x % 2 == 0 { 0.1 } else { 1e9 })).collect();
    let mut figure = figure(2, steep);
    figure.panels[0].percent = false;
    figure.panels[0].lines[0].points = vec![(0.0, 1.0), (10.0, 1.0)];
    let image = drawn(&figure);
    let orange = Rgb([0xd5, 0x5e, 0x00]);
    let rows: Vec<u32> =
        image.enumerate_pixels().filter(|(_, _, p)| **p == orange).map(|(_, y, _)| y).collect();
    // The frame reaches from 68 to 290; the legend lies below 334.
    assert!(rows.iter().all(|&y| (136..580).contains(&y) || y > 660), "{:?}", rows.iter().min());
    assert!(rows.iter().any(|&y| y < 140), "it is drawn up to the frame");
}

#[test]
fn what_a_line_may_be_is_drawn() {
    let none = drawn(&figure(1, Vec::new()));
    let only_legend = count(&none, BLUE);
    assert!(only_legend > 100, "{only_legend}");
    for points in [vec![(1.0, 0.5)], vec![(0.0, 0.1), (1.0, f64::NAN), (2.0, 0.5)]] {
        assert!(count(&drawn(&figure(1, points)), BLUE) > only_legend + 20, "a lone point is a bar");
    }
    // Of seven lines the last has the first one's colour, in dashes; the first is broader, and lies below it.
    let mut many = figure(7, vec![(0.0, 0.5), (10.0, 0.5)]);
    many.panels[0].lines.retain(|line| line.series == 6);
    let dashed = count(&drawn(&many), BLUE);
    many.panels[0].lines[0].series = 0;
    assert!(dashed < count(&drawn(&many), BLUE));
    let mut marked = figure(1, vec![(1.0, 0.1), (100.0, 0.2)]);
    marked.panels[0].x_axis = XAxis::Logarithmic;
    let plain = drawn(&marked);
    marked.panels[0].lines[0].mark = Some(Mark { at: (10.0, 0.2), text: "lowest, ≤ 0.2 · π".into() });
    let dotted = drawn(&marked);
    assert!(count(&dotted, BLUE) > count(&plain, BLUE) + 100, "a dot");
    assert!(count(&dotted, [0x22; 3]) > count(&plain, [0x22; 3]) + 50, "its words");
    assert_eq!(png(&marked).unwrap(), png(&marked).unwrap());
}
