//! Pictures of any size, bright on dark or dark on bright, are made like the images that a network knows.

use std::fs;

use gpu_mlp::data::inputs::normalise;
use gpu_mlp::data::{Dataset, Places, Request, Samples, load_from};
use image::imageops::{self, FilterType};
use image::{GrayImage, ImageFormat, Luma, Rgba, RgbaImage};

use crate::data::real_mnist;
use crate::forms::{array, encoded, write_npz};
use crate::program::Place;

/// A drawing of an image's ink, ten times as large, with soft edges, away from the middle of a larger sheet: 0 for paper.
fn drawing(pixels: &[u8]) -> GrayImage {
    let small = GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap();
    let mut sheet = GrayImage::new(460, 390);
    imageops::replace(&mut sheet, &imageops::resize(&small, 280, 280, FilterType::CatmullRom), 140, 30);
    sheet
}

fn shaded(drawing: &GrayImage, paper: u8, ink: u8) -> GrayImage {
    let mix = |cover: u8| {
        let cover = f64::from(cover) / 255.0;
        (f64::from(paper) * (1.0 - cover) + f64::from(ink) * cover).round() as u8
    };
    GrayImage::from_fn(drawing.width(), drawing.height(), |x, y| Luma([mix(drawing.get_pixel(x, y).0[0])]))
}

fn digits() -> Dataset {
    load_from(Request { data: Some("digits"), ..Request::default() }, &Places::default()).unwrap().dataset
}

/// Ink on paper: from bytes over 255 gradient descent would get to about one in four in these epochs.
#[test]
fn bright_images_are_standardised() {
    let place = Place::new();
    let set = digits();
    let inverted = |samples: &Samples, count: u32| -> [Vec<u8>; 2] {
        let some: Vec<u32> = (0..count).collect();
        let pixels: Vec<u8> = samples.read(&some).unwrap().iter().map(|byte| 255 - byte).collect();
        let labels: Vec<u8> = samples.labels()[..count as usize].iter().map(|&label| label as u8).collect();
        let rows = count as usize;
        [array("|u1", &[rows, 28, 28], &pixels), array("|u1", &[rows], &labels)]
    };
    let ([x, y], [x_test, y_test]) = (inverted(&set.train, 4000), inverted(&set.test, 500));
    write_npz(
        &place.path("white.npz"),
        &[("x_train", x), ("y_train", y), ("x_test", x_test), ("y_test", y_test)],
    );
    let train = ["train", "--backend", "cpu", "--data", "white.npz", "--json", "--overwrite", "--out", "run"];
    let ran = place.run(&[&train[..], &["--epochs", "4"]].concat());
    assert!(
        ran.err.contains("bright pixels, all scaled by the mean and the deviation of the training set"),
        "{}",
        ran.err
    );
    let accuracy = |end: &serde_json::Value| end["test_accuracy"].as_f64().unwrap();
    assert!(accuracy(ran.lines().last().unwrap()) > 0.9);
    // A file of such an image is scaled alike.
    let pixels: Vec<u8> = set.test.read(&[0]).unwrap().iter().map(|byte| 255 - byte).collect();
    let png = encoded(&pixels, [28, 28], image::ColorType::L8, ImageFormat::Png);
    fs::write(place.path("one.png"), png).unwrap();
    let said = &place.run(&["predict", "run", "one.png", "--json"]).lines()[0];
    place.run(&["eval", "run", "--backend", "cpu", "--predictions", "all.csv"]).ok();
    let line = place.text("all.csv").lines().nth(1).unwrap().to_owned();
    let cells: Vec<&str> = line.split(',').collect();
    assert_eq!(said["class"], cells[2], "{said} {line}");
    let of_class: f64 = cells[3 + cells[2].parse::<usize>().unwrap()].parse().unwrap();
    assert!((said["probability"].as_f64().unwrap() - of_class).abs() < 1e-5, "{said} {line}");
    // Without room for numbers they stay bytes, and that is said.
    let ran = place.run(&[&train[..], &["--memory-limit", "8MB", "--epochs", "1"]].concat());
    assert!(
        ran.err.contains("the images are bright (on average 22") && ran.err.contains("1/255"),
        "{}",
        ran.err
    );
    ran.ok();
}

#[test]
fn a_large_drawing_is_read_on_any_paper() {
    let place = Place::new();
    place.digits("a", &["--epochs", "5", "--quiet"]).ok();
    let test = digits().test;
    let count = 60;
    let mut files = Vec::new();
    for sample in 0..count {
        let drawing = drawing(&test.read(&[sample]).unwrap());
        // As a pen on a transparent sheet.
        let clear = RgbaImage::from_fn(drawing.width(), drawing.height(), |x, y| {
            Rgba([10, 20, 120, drawing.get_pixel(x, y).0[0]])
        });
        let mut keep = |name: &str, write: &dyn Fn(&std::path::Path)| {
            let file = format!("{sample}-{name}");
            write(&place.path(&file));
            files.push(file);
        };
        keep("white.png", &|path| drawing.save_with_format(path, ImageFormat::Png).unwrap());
        keep("black.png", &|path| shaded(&drawing, 255, 0).save_with_format(path, ImageFormat::Png).unwrap());
        keep("grey.png", &|path| shaded(&drawing, 190, 70).save_with_format(path, ImageFormat::Png).unwrap());
        keep("photo", &|path| shaded(&drawing, 235, 25).save_with_format(path, ImageFormat::Jpeg).unwrap());
        keep("clear.png", &|path| clear.save_with_format(path, ImageFormat::Png).unwrap());
    }
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let ran = place.run(&[&["predict", "a", "--json"], &names[..]].concat());
    assert!(
        ran.err.starts_with("note: images are made to look like MNIST's digits"),
        "it says what it does: {}",
        ran.err
    );
    let lines = ran.lines();
    assert_eq!(lines.len(), files.len());
    let (mut right, mut photos) = (0, 0);
    for (sample, five) in lines.chunks(5).enumerate() {
        let classes: Vec<&str> = five.iter().map(|line| line["class"].as_str().unwrap()).collect();
        assert_eq!(
            (classes[1], classes[2], classes[4]),
            (classes[0], classes[0], classes[0]),
            "sample {sample}"
        );
        photos += usize::from(classes[3] == classes[0]);
        right += usize::from(classes[0] == test.labels()[sample].to_string());
    }
    // JPEG blurs edges: a digit that is hard to tell may become another.
    assert!(photos >= 57, "{photos} of {count} are the same as JPEG");
    assert!(right >= 54, "{right} of {count} drawings are read right");
    // The same pixels with --raw need the network's size.
    place
        .run(&["predict", "a", "--raw", "0-white.png"])
        .fails(2, &["390 x 460 pixels", "takes images of 28 x 28 pixels, in grey", "leave --raw out"]);
    let own = encoded(&test.read(&[0]).unwrap(), [28, 28], image::ColorType::L8, ImageFormat::Png);
    fs::write(place.path("own.png"), own).unwrap();
    let raw = place.run(&["predict", "a", "--raw", "own.png"]);
    assert!(raw.err.is_empty() && raw.out.starts_with("own.png  "), "{raw:?}");
    place
        .run(&["predict", "a", "own.png", "--label-column", "0"])
        .fails(2, &["--label-column 0", "not a table"]);
}

#[test]
fn what_is_normalised_is_centred_and_scaled_as_mnist_is() {
    // A bar at a corner, thin and tall.
    let bar = GrayImage::from_fn(300, 200, |x, y| Luma([u8::from((250..270).contains(&x) && y < 80) * 255]));
    let image = normalise(&bar, 28).unwrap();
    let inked: Vec<usize> = (0..784).filter(|&at| image[at] > 0).collect();
    let [rows, cols]: [Vec<usize>; 2] = [28, 1].map(|step| inked.iter().map(|at| at / step % 28).collect());
    assert_eq!(
        (rows.iter().min(), rows.iter().max()),
        (Some(&4), Some(&23)),
        "20 pixels high, in the middle"
    );
    // 5 columns of 28 cannot lie closer to the middle.
    assert_eq!((cols.iter().min(), cols.iter().max()), (Some(&12), Some(&16)));
    // The centre of mass of each of MNIST's images lies in pixel 14 of each axis, counted from 0.
    let l = GrayImage::from_fn(100, 100, |x, y| Luma([u8::from(x < 10 || y >= 90) * 255]));
    let image = normalise(&l, 28).unwrap();
    let centre = |axis: fn(usize) -> usize| {
        let mass: f64 = image.iter().map(|&ink| f64::from(ink)).sum();
        (0..784).map(|at| f64::from(image[at]) * (axis(at) as f64 + 0.5)).sum::<f64>() / mass
    };
    assert!((14.0..15.0).contains(&centre(|at| at % 28)) && (14.0..15.0).contains(&centre(|at| at / 28)));
    // Paper alone has nothing on it, whatever its grey, and neither has noise.
    for grey in [0, 128, 255] {
        assert_eq!(normalise(&GrayImage::from_pixel(50, 40, Luma([grey])), 28), None);
    }
    let noise = GrayImage::from_fn(50, 40, |x, y| Luma([200 + ((x * 7 + y * 13) % 20) as u8]));
    assert_eq!(normalise(&noise, 28), None);
    assert_eq!(normalise(&GrayImage::new(0, 0), 28), None);
    assert!(normalise(&GrayImage::from_fn(1, 9, |_, y| Luma([y as u8 * 30])), 28).is_some());
}

#[test]
fn a_digit_of_mnist_comes_back_from_its_drawing() {
    let Some(folder) = real_mnist() else { return };
    let request = Request { data: folder.to_str(), ..Request::default() };
    let test = load_from(request, &Places::default()).unwrap().dataset.test;
    let (mut apart, mut ink) = (0.0, 0.0);
    for sample in 0..200 {
        let own = test.read(&[sample]).unwrap();
        for drawn in [drawing(&own), shaded(&drawing(&own), 255, 0)] {
            let again = normalise(&drawn, 28).unwrap();
            apart += again.iter().zip(&own).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
            ink += own.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
        }
    }
    assert!(apart < 0.25 * ink, "{:.1} % of the ink is elsewhere", 100.0 * apart / ink);
}
