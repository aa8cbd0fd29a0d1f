//! Images are predicted as the training images were: nothing is moved, inverted or stretched that was not there.

use std::fs;

use image::{ColorType, ImageFormat};
use serde_json::Value;

use crate::forms::encoded;
use crate::program::Place;

/// Where the square of a class is: left and top.
const CORNERS: [(&str, usize, usize); 4] = [("tl", 0, 0), ("tr", 1, 0), ("bl", 0, 1), ("br", 1, 1)];

/// Bright ink in a corner of black, `scale` times 28 x 28 pixels.
fn corner(left: usize, top: usize, shift: usize, scale: usize) -> Vec<u8> {
    let inside = |at: usize, corner: usize| {
        (14 * corner + 2 + shift % 6..14 * corner + 7 + shift % 6).contains(&(at / scale))
    };
    let pixel = |at: usize| {
        let (x, y) = (at % (28 * scale), at / (28 * scale));
        if inside(x, left) && inside(y, top) { 150 + (shift * 7 % 100) as u8 } else { 0 }
    };
    (0..784 * scale * scale).map(pixel).collect()
}

fn grey(pixels: &[u8], side: usize) -> Vec<u8> {
    encoded(pixels, [side, side], ColorType::L8, ImageFormat::Png)
}

/// Ten images of each corner, as `form` writes the ink.
fn write(place: &Place, set: &str, form: &dyn Fn(&[u8]) -> Vec<u8>) {
    for (class, left, top) in CORNERS {
        fs::create_dir_all(place.path(set).join(class)).unwrap();
        for shift in 0..10 {
            let path = place.path(set).join(class).join(format!("{shift}.png"));
            fs::write(path, form(&corner(left, top, shift, 1))).unwrap();
        }
    }
}

fn train(place: &Place, args: &[&str]) -> String {
    let options = [
        "--backend",
        "cpu",
        "--hidden",
        "16",
        "--epochs",
        "30",
        "--batch-size",
        "8",
        "--out",
        "run",
        "--overwrite",
    ];
    let ran = place.run(&[&["train"], &options[..], args].concat());
    let err = ran.err.clone();
    ran.ok();
    err
}

/// The predictions of a folder that has a folder for each class, all of which have to be right.
#[track_caller]
fn all_right(place: &Place, folder: &str) -> Vec<Value> {
    let lines = place.run(&["predict", "run", folder, "--json"]).lines();
    for line in &lines {
        let class = line["class"].as_str().unwrap();
        assert!(line["input"].as_str().unwrap().contains(&format!("/{class}/")), "{line}");
    }
    lines
}

#[test]
fn what_is_not_a_digit_stays_where_it_is() {
    let place = Place::new();
    write(&place, "corners", &|pixels| grey(pixels, 28));
    train(&place, &["--data", "corners"]);
    let lines = all_right(&place, "corners");
    assert_eq!((lines.len(), &lines[0]["prepared"]), (40, &"taken as it is".into()));
    // Another size is stretched, and said so; --as-digits moves all to the middle.
    fs::create_dir_all(place.path("large/br")).unwrap();
    fs::write(place.path("large/br/1.png"), grey(&corner(1, 1, 3, 3), 84)).unwrap();
    let lines = all_right(&place, "large");
    assert_eq!(lines[0]["prepared"], "stretched from 84 x 84 to 28 x 28 pixels");
    let said = place.run(&["predict", "run", "large"]);
    assert!(said.err.contains("note: images are stretched from 84 x 84"), "{}", said.err);
    place.run(&["predict", "run", "large", "--raw"]).fails(2, &["84 x 84 pixels", "leave --raw out"]);
    let digits = place.run(&["predict", "run", "corners", "--as-digits", "--json"]).lines();
    assert!(
        digits.iter().any(|line| line["class"] != lines[0]["class"])
            || digits[0]["prepared"] != "taken as it is"
    );
    assert!(digits[0]["prepared"].as_str().unwrap().contains("MNIST's digits"));
}

#[test]
fn transparency_is_laid_on_white_in_training_and_in_use() {
    let place = Place::new();
    let clear = |pixels: &[u8]| {
        let rgba: Vec<u8> = pixels.iter().flat_map(|&ink| [0, 0, 0, ink]).collect();
        encoded(&rgba, [28, 28], ColorType::Rgba8, ImageFormat::Png)
    };
    write(&place, "clear", &clear);
    train(&place, &["--data", "clear", "--scale", "standard"]);
    let lines = all_right(&place, "clear");
    assert_eq!((lines.len(), &lines[0]["prepared"]), (40, &"laid on white".into()));
}

#[test]
fn a_broken_image_does_not_keep_the_others_from_being_read() {
    let place = Place::new();
    write(&place, "set", &|pixels| grey(pixels, 28));
    let whole = grey(&corner(0, 0, 1, 1), 28);
    fs::write(place.path("set/tl/broken.png"), &whole[..whole.len() / 2]).unwrap();
    let args = ["train", "--backend", "cpu", "--data", "set", "--hidden", "16"];
    place
        .run(&args)
        .fails(2, &["broken.png", "the image is damaged", "--skip-broken leaves such images out"]);
    let err = train(&place, &["--data", "set", "--skip-broken"]);
    assert!(err.contains("1 broken image is left out; the first: set/tl/broken.png"), "{err}");
    let ran = place.run(&["predict", "run", "set/tl"]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 10), "{ran:?}");
    assert!(ran.err.contains("error: set/tl/broken.png: the image is damaged"), "{}", ran.err);
    assert!(ran.err.contains("1 input could not be read"), "{}", ran.err);
    place.run(&["predict", "run", "set/tl/broken.png"]).fails(2, &["the image is damaged"]);
    let two = place.run(&["predict", "run", "set/tl/broken.png", "set/tl/1.png"]);
    assert_eq!((two.code, two.out.lines().count()), (Some(1), 1), "{two:?}");
}

#[test]
fn images_of_several_sizes_are_stretched_to_one() {
    let place = Place::new();
    write(&place, "set", &|pixels| grey(pixels, 28));
    for (class, left, top) in CORNERS {
        fs::write(place.path("set").join(class).join("large.png"), grey(&corner(left, top, 2, 2), 56))
            .unwrap();
    }
    let err = train(&place, &["--data", "set"]);
    assert!(
        err.contains("images have 2 sizes: all are stretched to 28 x 28 pixels, which 40 of 44 have"),
        "{err}"
    );
    assert_eq!(all_right(&place, "set").len(), 44);
    let report = place.run(&["eval", "run", "--data", "set", "--backend", "cpu", "--json"]).lines();
    assert_eq!(report[0]["accuracy"], 1.0, "the model's size is known to other data");
    let err = train(&place, &["--data", "set", "--resize", "14x14"]);
    assert!(err.contains("44 of 14 x 14 pixels"), "{err}");
    assert_eq!(all_right(&place, "set").len(), 44);
    for (text, said) in [("0x3", "1 to 2048"), ("abc", "such as 64x48")] {
        place.run(&["train", "--data", "set", "--resize", text]).fails(2, &[said]);
    }
}

#[test]
fn digits_are_known_by_how_they_are_drawn() {
    let place = Place::new();
    place.digits("run", &["--hidden", "8", "--epochs", "1"]).ok();
    let config = place.run(&["export", "run", "--to", "safetensors", "--out", "m.safetensors"]);
    config.ok();
    let bytes = place.read("m.safetensors");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#"\"digits\":true"#), "the built-in digits are like MNIST's");
}

#[test]
fn predictions_name_the_file_of_each_image() {
    let place = Place::new();
    write(&place, "set", &|ink| grey(ink, 28));
    train(&place, &["--data", "set"]);
    let mut files = Vec::new();
    for part in ["train", "test"] {
        place.run(&["eval", "run", "--backend", "cpu", "--split", part, "--predictions", "p.csv"]).ok();
        let text = place.text("p.csv");
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with("row,file,actual,predicted,probability bl"), "{text}");
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(cells[1].starts_with(&format!("{}/", cells[2])), "{line}");
            assert!(place.path("set").join(cells[1]).is_file(), "{line}");
            files.push(cells[1].to_owned());
        }
    }
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 40, "each image once");
}
