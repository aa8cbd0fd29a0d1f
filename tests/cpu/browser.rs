//! Pages of `gpu-mlp report` in a real browser, at three widths: nothing errs, nothing is loaded, and the numbers are those
//! of metrics.jsonl.
//!
//! Needs a Chromium, as GPU_MLP_BROWSER; `scripts/test` finds or installs one.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::Place;
use crate::report::{between, recorded};

const HARNESS: &str = include_str!("browser.html");

/// What a browser finds on a page at each width, and what its console says.
fn open(place: &Place, page: &str) -> (Vec<Value>, Vec<String>) {
    let browser = std::env::var("GPU_MLP_BROWSER").expect("GPU_MLP_BROWSER names a Chromium");
    fs::write(place.path("harness.html"), HARNESS).unwrap();
    let url = |path: &Path| format!("file://{}", path.display());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args(["--disable-component-update", "--disable-sync", "--allow-file-access-from-files"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", place.path("profile").display()))
        .arg(format!("{}?page={page}", url(&place.path("harness.html"))))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let found = between(&dom, "<pre id=\"found\">", "</pre>").first().map(|text| serde_json::from_str(text));
    let found = found.and_then(Result::ok).unwrap_or_else(|| panic!("nothing was found: {dom}\n{log}"));
    (found, log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect())
}

/// The page opens without a complaint, fits, and tells the runs' numbers.
fn check(place: &Place, page: &str, runs: &[&str], charts: usize) {
    let (widths, console) = open(place, page);
    assert_eq!(console, Vec::<String>::new(), "{page}");
    assert_eq!(widths.len(), 3);
    let metrics: Vec<_> =
        runs.iter().map(|run| recorded(&place.text(&format!("{run}/metrics.jsonl")))).collect();
    for found in widths {
        let at = format!("{page} at {}", found["width"]);
        assert_eq!((&found["overflow"], &found["broken"]), (&json!(0), &json!(0)), "{at}");
        assert_eq!(found["pictures"] == 0, runs.len() > 1, "{at}");
        let drawn = found["charts"].as_array().unwrap();
        assert_eq!(drawn.len(), charts, "{at}");
        assert!(drawn.iter().all(|width| width.as_f64().unwrap() > 300.0), "{at}: {drawn:?}");
        assert_eq!(found["epochs"], json!(metrics), "{at}");
    }
}

#[test]
#[ignore = "needs GPU_MLP_BROWSER, a Chromium: scripts/test finds or installs one"]
fn pages_open_without_errors_and_tell_the_numbers_of_the_metrics() {
    let place = Place::new();
    place.trained("a", &["--epochs", "5", "--validation-fraction", "0.2", "--early-stopping", "2"]);
    place.trained("b", &["--epochs", "1"]);
    place.trained("c", &["--epochs", "3", "--lr", "0.01"]);
    // Loss and scores by epoch; of one run also the ROC and precision-recall curves.
    for (args, charts) in [(&["a"][..], 4), (&["b"], 4), (&["a", "b", "c"], 6)] {
        place.run(&[&["report", "--backend", "cpu"], args].concat()).ok();
        check(&place, "report.html", args, charts);
    }
    let sweep = ["sweep", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--lr", "log:1e-3..1:14"];
    place.run(&[&sweep[..], &["--seed", "1..2", "--epochs", "2", "--out", "s"]].concat()).ok();
    let (widths, console) = open(&place, "s/sweep.html");
    assert_eq!(console, Vec::<String>::new());
    for found in widths {
        // Two options, and three parts of the data by loss and by accuracy.
        assert_eq!(
            (&found["overflow"], found["charts"].as_array().unwrap().len()),
            (&json!(0), 8),
            "{found}"
        );
    }
    let ensemble = ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--epochs", "2"];
    place.run(&[&ensemble[..], &["--ensemble", "3", "--out", "e"]].concat()).ok();
    place.run(&["report", "e", "--backend", "cpu", "--out", "e.html"]).ok();
    place.run(&["lr-find", "--backend", "cpu", "--data", "tiny", "--hidden", "7"]).ok();
    // Loss and accuracy on two parts, and the ROC and precision-recall curves; the losses of the rates.
    for (page, charts) in [("e.html", 6), ("lr-find.html", 1)] {
        let (widths, console) = open(&place, page);
        assert_eq!(console, Vec::<String>::new(), "{page}");
        for found in widths {
            let drawn = found["charts"].as_array().unwrap().len();
            assert_eq!((&found["overflow"], drawn), (&json!(0), charts), "{page}: {found}");
        }
    }
    // The check notices what it looks for.
    let page = place.text("report.html");
    let wrong = page.replace(
        "<footer>",
        "<img src=\"gone.png\" alt=\"gone\"><p style=\"min-width:2000px\">wide</p><footer>",
    );
    fs::write(place.path("wrong.html"), wrong).unwrap();
    let (widths, console) = open(&place, "wrong.html");
    assert!(console.iter().any(|line| line.contains("gone.png")), "{console:?}");
    assert!(
        widths.iter().all(|found| found["broken"] == 1 && found["overflow"].as_i64().unwrap() > 0),
        "{widths:?}"
    );
}
