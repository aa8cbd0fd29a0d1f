//! `gpu-mlp data show`: the page, the JSON, the warnings and the contact sheet.

use std::fs;

use image::{GenericImageView, ImageFormat, Rgba};
use serde_json::{Value, json};

use crate::data::says;
use crate::forms::{array, write_npz};
use crate::program::Place;

fn report(place: &Place, args: &[&str]) -> Value {
    let ran = place.run(&[&["data", "show", "--json"], args].concat());
    assert_eq!(ran.err, "");
    let lines = ran.lines();
    assert_eq!(lines.len(), 1);
    lines[0].clone()
}

#[test]
fn a_page_says_what_a_set_holds() {
    let place = Place::new();
    let page = place.run(&["data", "show", "digits"]).ok();
    says(
        &page,
        &[
            "digits is a folder of IDX files: 12000 images of 28 x 28 pixels",
            "samples  10,000 for training, 2,000 for testing",
        ],
    );
    says(
        &page,
        &[
            "784 per sample (28 x 28 pixels): bytes, 0 to 255",
            "scaling  bytes, scaled by 1/255",
            "classes  10",
        ],
    );
    assert!(!page.contains("warning"), "{page}");
    assert_eq!(place.names("."), ["home", "tiny"], "nothing is written that was not asked for");
    let default = place.run(&["data", "show"]).ok();
    assert_eq!(default, page, "as train, it takes the digits where there is no MNIST");
    place.run(&["data", "show", "mnsit"]).fails(2, &["did you mean `mnist`"]);
    place.run(&["data", "show", "./absent"]).fails(2, &["./absent", "there is no such folder or file"]);
}

#[test]
fn a_table_s_columns_classes_and_defects_are_shown() {
    let place = Place::new();
    let line = |i: usize| {
        let (gap, name) = (if i == 3 { "" } else { "2.5" }, if i.is_multiple_of(10) { "yes" } else { "no" });
        format!("{},7,{gap},{name}\n", 37 * i % 100)
    };
    fs::write(place.path("a.csv"), format!("at,same,gap,label\n{}", (0..100).map(line).collect::<String>()))
        .unwrap();
    let page = place.run(&["data", "show", "a.csv"]).ok();
    says(
        &page,
        &["a is a text table: 100 rows of 3 values", "training holds out 20 % of them", "classes  2"],
    );
    says(&page, &["warning: missing or not finite: 1 value, in gap"]);
    says(
        &page,
        &["warning: 2 of 3 columns are the same in every sample and carry no information: same, gap"],
    );
    says(
        &page,
        &[
            "warning: the classes are not balanced: no has 90 samples and yes has 10",
            "right 90.0 % of the time",
        ],
    );
    let report = report(&place, &["a.csv"]);
    let at = &report["columns"][0];
    assert_eq!((&at["name"], &at["min"], &at["max"]), (&json!("at"), &json!(0.0), &json!(99.0)));
    assert!((at["mean"].as_f64().unwrap() - 49.5).abs() < 1e-9);
    // The variance of 0 to n - 1 is (n² - 1) / 12.
    assert!((at["deviation"].as_f64().unwrap() - (9999.0_f64 / 12.0).sqrt()).abs() < 1e-9);
    assert_eq!((&report["columns"][2]["missing"], &report["range"]["missing"]), (&json!(1), &json!(1)));
    assert_eq!(
        report["classes"],
        json!([{"name": "no", "train": 90, "test": 0}, {"name": "yes", "train": 10, "test": 0}])
    );
    let train = place.run(&["train", "--backend", "cpu", "--data", "a.csv", "--missing", "error"]);
    train.fails(2, &["line 5, column 2 (`gap`): the value is missing", "--missing auto", "--missing drop"]);
    place.run(&["data", "show", "a.csv", "--png", "a.png"]).fails(2, &["--png a.png", "are not images"]);

    fs::write(place.path("b.csv"), "x,z,price\n1,2,0.5\n3,400,1.5\n").unwrap();
    let ran = place.run(&["data", "show", "b.csv", "--label-column", "price"]);
    says(&ran.ok(), &["targets  1, for --task regression, since they are numbers with fractions", "price"]);
    let classes = ["data", "show", "b.csv", "--label-column", "price", "--task", "classification"];
    place.run(&classes).fails(2, &["`0.5` is not a class", "--task regression"]);
    let unscaled = place.run(&["data", "show", "b.csv", "--label-column", "x"]).ok();
    says(&unscaled, &["warning: the values are not scaled and range from 0.5 to 400"]);
    let none = place.run(&["data", "show", "b.csv", "--label-column", "x", "--scale", "none"]).ok();
    says(&none, &["without scaling, training is likely to diverge"]);
}

#[test]
fn values_of_all_columns_together_are_those_of_the_whole_array() {
    let place = Place::new();
    let values: Vec<f32> = (0..60).map(|i| ((i * i) % 37) as f32 / 7.0 - (i % 3) as f32 * 50.0).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let labels: Vec<u8> = (0..20).map(|i| i % 4).collect();
    let arrays = [("x_train", array("<f4", &[20, 3], &bytes)), ("y_train", array("|u1", &[20], &labels))];
    write_npz(&place.path("a.npz"), &arrays);
    let report = report(&place, &["a.npz"]);
    let wide: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    let mean = wide.iter().sum::<f64>() / 60.0;
    let deviation = (wide.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 60.0).sqrt();
    let near = |key: &str, want: f64| (report["range"][key].as_f64().unwrap() - want).abs() < 1e-9;
    assert!(near("mean", mean) && near("deviation", deviation), "{report}");
}

#[test]
fn classes_that_a_part_lacks_are_named() {
    let place = Place::new();
    let x = |rows: usize| array("|u1", &[rows, 2, 2], &vec![9; 4 * rows]);
    let y = |labels: &[u8]| array("|u1", &[labels.len()], labels);
    let arrays = [("x_train", x(3)), ("y_train", y(&[0, 1, 1])), ("x_test", x(2)), ("y_test", y(&[1, 2]))];
    write_npz(&place.path("a.npz"), &arrays);
    let page = place.run(&["data", "show", "a.npz"]).ok();
    says(
        &page,
        &[
            "warning: there are no training samples of class 2",
            "warning: there are no test samples of class 0",
        ],
    );
    says(&page, &["4 of 4 values of an image are the same in every sample", "divided by the largest"]);
}

#[test]
fn a_contact_sheet_has_a_row_for_each_class() {
    let place = Place::new();
    // Two classes of 28 x 28: one with all pixels white, and one with a white left half; in colours, red alone.
    let grey = |label: u8, x: usize| if label == 0 || x < 14 { 255_u8 } else { 0 };
    let labels = [1, 0, 1, 0, 0];
    let images: Vec<u8> =
        labels.iter().flat_map(|&label| (0..784).map(move |p| grey(label, p % 28))).collect();
    let colours: Vec<u8> = images.iter().flat_map(|&pixel| [pixel, 0, 0]).collect();
    for (data, name, white) in [(&images, "grey", [255; 3]), (&colours, "red", [255, 0, 0])] {
        let shape = if name == "grey" { vec![5, 28, 28] } else { vec![5, 28, 28, 3] };
        let arrays = [("X", array("|u1", &shape, data)), ("y", array("|u1", &[5], &labels))];
        write_npz(&place.path(&format!("{name}.npz")), &arrays);
        let png = format!("{name}.png");
        let page = place.run(&["data", "show", &format!("{name}.npz"), "--png", &png]).ok();
        says(&page, &[&format!("images   {png}"), "5 rows of 28 x 28 pixels"]);
        let sheet = image::load_from_memory_with_format(&place.read(&png), ImageFormat::Png).unwrap();
        // Three samples of class 0 in the first row, twice as large, 4 pixels apart; two of class 1 below.
        assert_eq!(sheet.dimensions(), (4 + 3 * 60, 4 + 2 * 60));
        let at = |x: u32, y: u32| sheet.get_pixel(x, y);
        let ground = at(0, 0);
        let [white, black] = [white, [0; 3]].map(|[r, g, b]: [u8; 3]| Rgba([r, g, b, 255]));
        assert_eq!((at(5, 5), at(58, 58), at(150, 30)), (white, white, white));
        assert_eq!((at(10, 100), at(50, 100), at(70, 100), at(150, 100)), (white, black, white, ground));
    }
}
