//! `gpu-mlp report`: what its pages say, in their source. `browser` looks at them as a reader does.

use std::fmt::Write as _;
use std::fs;

use gpu_mlp::data::{folder, idx};
use serde_json::Value;

use crate::program::{self, Place};

/// What stands between two texts, each time.
pub fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

/// The exact numbers in the rows of a page's first table of epochs, each with what is shown.
fn epochs(page: &str) -> Vec<Vec<(&str, &str)>> {
    let table = between(page, "<table class=\"epochs\"", "</table>")[0];
    let cell = |data| between(data, "<data value=\"", "</data>")[0].split_once("\">").unwrap();
    let body = table.split("<tbody>").nth(1).unwrap();
    body.split("<tr").skip(1).map(|row| row.split("<td>").skip(1).map(cell).collect()).collect()
}

/// The numbers of the epochs in metrics.jsonl as they stand there, in the order of the table's columns.
pub fn recorded(metrics: &str) -> Vec<Vec<String>> {
    let lines = program::lines(metrics).into_iter().filter(|line| line["event"] == "epoch");
    let columns = [
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
        "samples_per_second",
    ];
    let text = |line: &Value| {
        columns.iter().filter(|name| !line[**name].is_null()).map(|name| line[*name].to_string()).collect()
    };
    lines.map(|line| text(&line)).collect()
}

fn report(place: &Place, args: &[&str]) -> String {
    place.run(&[&["report", "--backend", "cpu"], args].concat()).ok();
    place.text("report.html")
}

/// It loads nothing and runs nothing.
#[track_caller]
fn check_alone(page: &str) {
    let without_names = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!without_names.contains("http:") && !without_names.contains("https:"), "{page}");
    assert!(!page.contains("<script") && !page.contains("@import") && !page.contains("javascript:"));
    for source in between(page, "src=\"", "\"") {
        assert!(source.starts_with("data:image/png;base64,"), "{source}");
    }
    assert!(between(page, "url(", ")").iter().all(|url| url.starts_with('#')));
    let mut ids = between(page, " id=\"", "\"");
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id is there twice");
    let images = between(page, "<img ", ">");
    assert!(images.iter().all(|image| !between(image, "alt=\"", "\"")[0].is_empty()));
}

#[test]
fn the_numbers_are_those_of_the_metrics() {
    let place = Place::new();
    for args in
        [&["--epochs", "3"][..], &["--epochs", "6", "--validation-fraction", "0.2", "--early-stopping", "2"]]
    {
        let lines = place.trained("a", &[args, &["--overwrite"]].concat());
        let page = report(&place, &["a"]);
        check_alone(&page);
        let (found, expected) = (epochs(&page), recorded(&place.text("a/metrics.jsonl")));
        let exact: Vec<Vec<String>> =
            found.iter().map(|row| row.iter().map(|(value, _)| (*value).to_owned()).collect()).collect();
        assert_eq!(exact, expected);
        for (value, shown) in found.iter().flat_map(|row| [row[0], row[1]]) {
            let value: f64 = value.parse().unwrap();
            assert!([format!("{value:.4}"), format!("{:.2} %", 100.0 * value)].contains(&shown.to_owned()));
        }
        let end = lines.last().unwrap();
        let accuracy = format!("{:.2} %", 100.0 * end["test_accuracy"].as_f64().unwrap());
        assert!(page.contains(&format!(
            "<dt>Test accuracy</dt><dd>{accuracy}<small>after epoch {}",
            end["model_epoch"]
        )));
        assert_eq!(page.contains("lowest: epoch"), args.len() > 2, "early stopping marks its epoch");
        assert_eq!(between(&page, "<svg", "</svg>").len(), 4, "curves of epochs, and of ranks");
    }
}

#[test]
fn what_is_measured_is_what_eval_prints() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1", "--lr", "0.001"]);
    let page = report(&place, &["a"]);
    let eval = &place.run(&["eval", "a", "--backend", "cpu", "--json"]).lines()[0];
    let matrix = between(&page, "<table class=\"matrix\">", "</table>")[0];
    let body = matrix.split("<tbody>").nth(1).unwrap();
    let counts: Vec<Vec<u64>> = body
        .split("<tr>")
        .skip(1)
        .map(|row| between(row, "\">", "</td>").iter().filter_map(|cell| cell.parse().ok()).collect())
        .collect();
    assert_eq!(serde_json::to_value(&counts).unwrap(), eval["confusion_matrix"]);
    let wrong: u64 = (0..3)
        .flat_map(|r| (0..3).filter(move |c| *c != r).map(move |c| (r, c)))
        .map(|(r, c)| counts[r][c])
        .sum();
    assert!(wrong > 3, "the run is too good for this test: {counts:?}");
    let mistakes = between(&page, "<ul class=\"pictures mistakes\">", "</ul>")[0];
    let said = between(mistakes, "<span class=\"share\">", " %");
    assert_eq!(said.len() as u64, 2 * wrong.min(24));
    let sure: Vec<f64> = said.iter().step_by(2).map(|share| share.parse().unwrap()).collect();
    assert!(sure.is_sorted_by(|a, b| a >= b), "{sure:?}");
    assert!(sure.iter().zip(said.iter().skip(1).step_by(2)).all(|(a, b)| *a >= b.parse().unwrap()));
}

#[test]
fn what_comes_from_files_is_escaped() {
    let place = Place::new();
    let mut table = "x,y,label\n".to_owned();
    for i in 0..90 {
        let _ = writeln!(
            table,
            "{},{},\"{}\"",
            i % 7,
            i % 5,
            ["<b>bold</b> & \"\"co\"\"", "日本 ñ", "</style><script>"][i % 3]
        );
    }
    fs::write(place.path("t<i>.csv"), table).unwrap();
    let out = if cfg!(windows) { "r" } else { "r<i>&\"" };
    let args =
        ["train", "--backend", "cpu", "--data", "t<i>.csv", "--hidden", "4", "--epochs", "2", "--out", out];
    if cfg!(windows) {
        return; // no such names of files there
    }
    place.run(&args).ok();
    for page in [report(&place, &[out]), report(&place, &[out, "--data", "t<i>.csv"])] {
        check_alone(&page);
        assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");
        assert!(
            page.contains("&lt;b&gt;bold&lt;/b&gt; &amp; &quot;co&quot;") && page.contains("日本 ñ"),
            "{page}"
        );
        assert!(page.contains("r&lt;i&gt;&amp;&quot;") && page.contains("t&lt;i&gt;"));
        assert!(!page.contains("<img"), "a table has no pictures");
        assert!(page.contains("the first values of the sample"));
    }
    place
        .run(&[
            "train",
            "--backend",
            "cpu",
            "--data",
            "t<i>.csv",
            "--hidden",
            "5",
            "--epochs",
            "1",
            "--out",
            "b",
        ])
        .ok();
    let page = report(&place, &[out, "b"]);
    check_alone(&page);
    assert!(!page.contains("<i>") && page.contains("r&lt;i&gt;&amp;"));
}

#[test]
fn without_the_data_or_the_model_there_is_still_a_page() {
    let place = Place::new();
    place.trained("a", &["--epochs", "2"]);
    fs::rename(place.path("tiny"), place.path("moved")).unwrap();
    let ran = place.run(&["report", "a", "--backend", "cpu"]);
    assert!(ran.err.contains("note: left out: the evaluation on the test samples"), "{}", ran.err);
    assert!(ran.err.contains("--data NAME|PATH"), "{}", ran.err);
    ran.ok();
    let page = place.text("report.html");
    assert!(
        page.contains("Left out: ") && page.contains("--data NAME|PATH") && !page.contains("Confusion"),
        "{page}"
    );
    assert_eq!(epochs(&page).len(), 2);
    assert!(page.contains("weights of unit"), "bytes of a square are an image");
    assert!(report(&place, &["a", "--data", "moved"]).contains("Confusion matrix"));
    // What was asked for has to be there.
    place.run(&["report", "a", "--data", "nowhere"]).fails(2, &["nowhere"]);

    fs::remove_file(place.path("a/model.safetensors")).unwrap();
    let page = report(&place, &["a"]);
    assert!(
        page.contains("this run has no model yet") && !page.contains("<img") && epochs(&page).len() == 2,
        "{page}"
    );
    fs::remove_file(place.path("a/metrics.jsonl")).unwrap();
    let page = report(&place, &["a"]);
    assert!(
        page.contains("No epoch is finished yet") && page.contains("not finished") && !page.contains("<svg"),
        "{page}"
    );
    check_alone(&page);
}

#[test]
fn a_run_that_goes_on_and_one_that_recovered_say_so() {
    let place = Place::new();
    place.trained("a", &["--epochs", "2"]);
    let metrics = place.text("a/metrics.jsonl");
    let lines: Vec<&str> = metrics.lines().collect();
    let recovery = r#"{"event":"recovery","epoch":2,"problem":"loss <NaN>","action":"lower-lr","lr":0.05}"#;
    fs::write(place.path("a/metrics.jsonl"), [lines[0], lines[1], recovery, lines[2]].join("\n")).unwrap();
    let page = report(&place, &["a"]);
    assert!(page.contains("not finished after 2 of 2 epochs (it is in training"), "{page}");
    assert!(
        page.contains("Recoveries") && page.contains("loss &lt;NaN&gt;") && page.contains("0.05"),
        "{page}"
    );
}

#[test]
fn images_of_any_shape_and_networks_of_any_depth_are_drawn() {
    let place = Place::new();
    let labels: Vec<u8> = (0..120).map(|i| i % 40).collect();
    let pixels: Vec<u8> = (0..120 * 2 * 9).map(|i| (i * 7919 % 251) as u8).collect();
    fs::create_dir(place.path("wide")).unwrap();
    for stems in folder::STEMS.chunks(2) {
        idx::write_images(&place.path("wide").join(stems[0]), [2, 9], &pixels).unwrap();
        idx::write_labels(&place.path("wide").join(stems[1]), &labels).unwrap();
    }
    let train = |hidden: &str, out: &str| {
        place
            .run(&[
                "train",
                "--backend",
                "cpu",
                "--data",
                "wide",
                "--hidden",
                hidden,
                "--epochs",
                "1",
                "--out",
                out,
            ])
            .ok();
        report(&place, &[out])
    };
    let page = train("", "flat");
    check_alone(&page);
    assert_eq!(between(&page, "alt=\"weights of ", "\"").len(), 40, "one a class");
    assert!(
        page.contains("width=\"90\" height=\"20\"") && page.contains("One image for each class"),
        "2 x 9 pixels"
    );
    assert!(page.contains("The counts of 40 classes do not fit on the page"));
    let page = train("1000", "broad");
    assert_eq!(between(&page, "alt=\"weights of unit ", "\"").len(), 64);
    assert!(page.contains("Only 64 of 1,000 are shown: those with the largest weights"));
}

#[test]
fn several_runs_are_compared() {
    let place = Place::new();
    place.trained("a", &["--epochs", "2"]);
    place.trained("b/a", &["--epochs", "3", "--lr", "0.02", "--validation-fraction", "0.2"]);
    let page = report(&place, &["a", "b/a"]);
    check_alone(&page);
    let options = between(&page, "<table class=\"options\">", "</table>")[0];
    assert_eq!(between(options, "<code>--", "</code>"), ["epochs", "lr", "validation-fraction"]);
    assert!(options.contains("<td class=\"words\">0.1</td><td class=\"words\">0.02</td>"), "{options}");
    assert!(options.contains(">b/a</th>"), "names that do not tell them apart are whole paths");
    assert_eq!(between(&page, "<svg", "</svg>").len(), 6);
    assert_eq!(between(&page, "<table class=\"epochs\" data-run=\"", "\""), ["a", "b/a"]);
    assert!(!page.contains("not all tested on the same data"));

    place.digits("c", &["--hidden", "", "--epochs", "1"]).ok();
    assert!(report(&place, &["a", "c"]).contains("not all tested on the same data"));
}

#[test]
fn mistakes_are_named_before_anything_is_written() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let report = |args: &[&str]| place.run(&[&["report"], args].concat());
    report(&[]).fails(2, &["<RUN>"]);
    report(&["tiny"]).fails(2, &["no run here"]);
    report(&["a", "tiny/../a"]).fails(2, &["is named twice"]);
    place.trained("b", &["--epochs", "1"]);
    report(&["a", "b", "--data", "tiny"]).fails(2, &["a comparison", "leave it out"]);
    report(&["a", "--backend", "cpu", "--adapter", "0"]).fails(2, &["--adapter"]);
    assert!(!place.path("report.html").exists());
    report(&["a", "--backend", "cpu", "--out", "absent/x.html"]).fails(2, &["absent/x.html"]);
    fs::write(place.path("x.html"), "old").unwrap();
    let said = report(&["a", "--backend", "cpu", "--out", "x.html"]).ok();
    assert!(said.starts_with("x.html: one run, "), "{said}");
    assert!(place.text("x.html").starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_threshold_decides_the_matrix_and_is_marked_on_the_curves() {
    let place = Place::new();
    let mut table = "x,y,label\n".to_owned();
    for i in 0..120 {
        let _ = writeln!(table, "{},{},{}", i % 7, i * i % 11, ["no", "yes"][usize::from(i * i % 5 < 2)]);
    }
    fs::write(place.path("t.csv"), table).unwrap();
    for out in ["a", "b"] {
        let args =
            ["train", "--backend", "cpu", "--data", "t.csv", "--hidden", "4", "--epochs", "2", "--out", out];
        place.run(&[&args[..], &["--validation-fraction", "0.2"]].concat()).ok();
    }
    for threshold in ["0.3", "best"] {
        let page = report(&place, &["a", "--threshold", threshold]);
        let eval = ["eval", "a", "--backend", "cpu", "--json", "--threshold", threshold];
        let eval = &place.run(&eval).lines()[0];
        let matrix = between(&page, "<table class=\"matrix\">", "</table>")[0];
        let body = matrix.split("<tbody>").nth(1).unwrap();
        let row =
            |row: &str| between(row, "\">", "</td>").iter().filter_map(|cell| cell.parse().ok()).collect();
        let counts: Vec<Vec<u64>> = body.split("<tr>").skip(1).map(row).collect();
        assert_eq!(serde_json::to_value(&counts).unwrap(), eval["confusion_matrix"], "{threshold}");
        let chosen = format!("{:.4}", eval["threshold"].as_f64().unwrap());
        assert!(page.contains(&format!("from a probability of {chosen} on")), "{threshold}: {chosen}");
        assert_eq!(page.matches(&format!("threshold {chosen}<")).count(), 2, "one mark on each curve");
    }
    assert!(!report(&place, &["a"]).contains("threshold"));
    let both = ["report", "a", "b", "--backend", "cpu", "--threshold", "0.3"];
    place.run(&both).fails(2, &["--threshold", "name one run"]);
}
