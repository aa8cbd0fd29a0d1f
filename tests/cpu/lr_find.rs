//! The search for a learning rate: its lines, its page, and what it says where there is nothing to suggest.

use std::fs;

use serde_json::Value;

use crate::program::{Place, Ran};

impl Place {
    /// `lr-find` on the CPU and the tiny set.
    fn lr_find(&self, args: &[&str]) -> Ran {
        let small = ["lr-find", "--backend", "cpu", "--hidden", "7", "--batch-size", "8"];
        self.run(&[&small, args].concat())
    }
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("no {key}: {value}"))
}

#[test]
fn a_rate_is_suggested_that_learns() {
    let place = Place::new();
    for optimizer in ["sgd", "adam"] {
        let args = ["--data", "tiny", "--epochs", "40", "--optimizer", optimizer, "--json"];
        let lines = place.lr_find(&args).lines();
        let (end, rates) = lines.split_last().unwrap();
        assert_eq!((rates.len(), end["event"].as_str()), (22, Some("lr-find")));
        let suggested = number(end, "suggested");
        let own = rates.iter().find(|rate| number(rate, "lr") == suggested).unwrap();
        assert!(number(own, "loss") < 0.5 * number(end, "start_loss"), "{own} {end}");
        // The line can be run as it is.
        let command = end["command"].as_str().unwrap().to_owned();
        assert!(!command.contains("--json") && command.starts_with("gpu-mlp train --lr "), "{command}");
        let words: Vec<&str> = command.split(' ').skip(1).chain(["--out", optimizer]).collect();
        assert!(place.run(&words).ok().contains("test accuracy"));
    }
    let page = place.text("lr-find.html");
    assert!(page.contains("suggested: ") && page.contains("<svg") && !page.contains("<script"), "{page}");
}

#[test]
fn the_same_search_gives_the_same_losses_on_any_number_of_threads() {
    let place = Place::new();
    let search = |threads: &str| place.lr_find(&["--data", "tiny", "--json", "--threads", threads]).lines();
    assert_eq!(search("1")[..22], search("2")[..22]);
}

#[test]
fn labels_and_numbers_are_searched_too() {
    let place = Place::new();
    place.write_labels_and_prices("set.csv");
    for (columns, others, measure) in [("p,q", "price", "exact match"), ("price", "p,q", "R²")] {
        let args = ["--data", "set.csv", "--label-column", columns, "--exclude", others, "--epochs", "20"];
        let printed = place.lr_find(&args).ok();
        assert!(printed.contains("suggested") && printed.contains(measure), "{printed}");
        assert!(printed.contains(&format!("--label-column {columns}")), "{printed}");
    }
}

#[test]
fn where_nothing_can_be_suggested_that_is_said() {
    let place = Place::new();
    let table = |name: &str, rows: usize, line: &dyn Fn(usize) -> String| {
        let rows: String = (0..rows).map(|row| format!("{}\n", line(row))).collect();
        fs::write(place.path(name), format!("a,b,y\n{rows}")).unwrap();
    };
    table("few.csv", 20, &|row| format!("{row},{},{}", row * row, ["u", "v"][row % 2]));
    table("huge.csv", 200, &|row| format!("{0}e15,{0}e15,{1}.5", row * 37 % 101 + 1, row * 53 % 97));
    table("set.csv", 200, &|row| format!("{},{},{}", row % 7, row % 5, ["u", "v"][row % 2]));
    place.lr_find(&["--data", "few.csv"]).fails(2, &["training samples", "20 or more"]);
    let huge = place.lr_find(&["--data", "huge.csv", "--scale", "none", "--activation", "identity"]);
    assert!(huge.code == Some(2) && huge.err.contains("diverges at every learning rate"), "{huge:?}");
    assert!(huge.out.contains("diverged") && huge.err.contains("--scale standard"), "{huge:?}");
    // Gradients that are cut to nothing.
    let flat = place.lr_find(&["--data", "set.csv", "--clip-norm", "1e-9"]);
    assert!(flat.code == Some(2) && flat.err.contains("no learning rate lowers the loss"), "{flat:?}");
    assert!(place.text("lr-find.html").contains("no suggestion"), "there is a page all the same");
}

#[test]
fn the_rate_that_is_looked_for_is_no_option() {
    let help = Place::new().run(&["lr-find", "--help"]).ok();
    assert!(!help.contains("--lr ") && help.contains("--lr-schedule"), "{help}");
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let place = Place::new();
    for (args, fragments) in [
        (&["--lr", "0.1"][..], &["--lr is what lr-find looks for"][..]),
        (&["--data", "nowhere.csv"], &["nowhere.csv"]),
        (&["--nesterov"], &["--momentum"]),
        (&["--folds", "3"], &["--folds"]),
    ] {
        place.lr_find(args).fails(2, fragments);
    }
    assert_eq!(place.names("."), ["home", "tiny"], "nothing was written");
}
