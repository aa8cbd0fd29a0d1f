//! Columns of dates: how they are written, what a network is told of them, and that a model reads others alike.

use std::fmt::Write as _;
use std::fs;

use gpu_mlp::data::{DateOrder, DatePart, Input, Kind, LoadOptions, Loaded, Scale};
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::load_with;
use crate::program::Place;

fn table(text: &str, options: &LoadOptions) -> Result<Loaded, gpu_mlp::Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.csv");
    fs::write(&path, text).unwrap();
    load_with(&path, options)
}

/// All rows as they are, to train on.
fn plain() -> LoadOptions {
    LoadOptions { test_fraction: 0.0, scale: Scale::None, ..LoadOptions::default() }
}

/// The inputs of a table with one column of these dates and one of classes.
fn inputs(dates: &[&str]) -> (Vec<Vec<f64>>, Input) {
    let mut text = String::from("when,label\n");
    for (row, date) in dates.iter().enumerate() {
        writeln!(text, "{date},{}", ["a", "b"][row % 2]).unwrap();
    }
    let set = table(&text, &plain()).unwrap().dataset;
    let all: Vec<u32> = (0..set.train.len() as u32).collect();
    let rows = set.train.inputs(&all).unwrap();
    let rows = rows.data().chunks(set.train.features()).map(<[f64]>::to_vec).collect();
    (rows, set.preparation.schema.unwrap().inputs.remove(0))
}

#[test]
fn dates_become_days_since_the_first_and_the_parts_that_vary() {
    // 2024 is a leap year; the first of March is a Friday.
    let (rows, input) = inputs(&["2024-03-01", "2024-02-28", "2024-03-04", "2025-02-28"]);
    assert_eq!(rows, [[2.0, 3.0, 4.0], [0.0, 2.0, 2.0], [5.0, 3.0, 0.0], [366.0, 2.0, 4.0]]);
    assert_eq!(input.features(), ["when: days", "when: month", "when: weekday"]);
    let Kind::Date { order, first, parts, .. } = &input.kind else { panic!("{input:?}") };
    assert_eq!((*order, *first), (DateOrder::YearFirst, 19_781.0));
    assert_eq!(*parts, [DatePart::Month, DatePart::Weekday]);
    // What is always the same is no input.
    let (rows, input) = inputs(&["2024-03-01", "2024-03-08", "2024-03-15"]);
    assert_eq!((rows, input.features()), (vec![vec![0.0], vec![7.0], vec![14.0]], vec!["when: days".into()]));
}

#[test]
fn times_and_offsets_are_read() {
    for (text, hours) in [
        ("2024-03-01 12:30", 12.5),
        ("2024-03-01T12:30:00Z", 12.5),
        ("2024-03-01T12:30:00.000+02:00", 10.5),
        ("2024-03-01 01:00:00-0530", 6.5),
        ("2024-03-01 12:30:00 +0100", 11.5),
        ("2024-03-01 1:30:36.0 PM -01:00", 14.51),
        ("2024/03/01 6:45", 6.75),
        ("2024-03-01", 0.0),
    ] {
        let seconds = DateOrder::YearFirst.seconds(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(seconds, 19_783.0 * 86_400.0 + hours * 3600.0, "{text}");
        assert_eq!(DatePart::Hour.of(seconds), hours, "{text}");
    }
    for (text, hours) in [("3/1/2024 1:05 PM", 13.0 + 5.0 / 60.0), ("03/01/2024 12:00 AM", 0.0)] {
        let seconds = DateOrder::MonthFirst.seconds(text).unwrap();
        assert!((seconds - 19_783.0 * 86_400.0 - hours * 3600.0).abs() < 1e-6, "{text}");
    }
    assert_eq!(DateOrder::DayFirst.seconds("1.3.2024"), DateOrder::YearFirst.seconds("2024-03-01"));
    assert_eq!(DateOrder::YearFirst.seconds("1949-01"), Some(-7_670.0 * 86_400.0));
    for text in [
        "2024-02-30",
        "2023-02-29",
        "1900-02-29",
        "2024-13-01",
        "2024-3",
        "24-03-01",
        "2024-03-01 25:00",
        "2024-03-01 1e1:30",
        "2024-03-01 12:30ZZ",
        "2024-03-01 12:30+1:00",
        "1234-5",
        "0007-11",
        "x",
        "",
    ] {
        assert_eq!(DateOrder::YearFirst.seconds(text), None, "{text}");
    }
    // Every month of four centuries begins on the day after the month before has ended.
    let mut before = DateOrder::YearFirst.seconds("1800-01-01").unwrap();
    for month in 1..4800 {
        let text = format!("{:04}-{:02}-01", 1800 + month / 12, month % 12 + 1);
        let begin = DateOrder::YearFirst.seconds(&text).unwrap();
        let days = (begin - before) / 86_400.0;
        assert!((28.0..=31.0).contains(&days), "{text}");
        assert_eq!(DatePart::Month.of(begin), f64::from(month % 12 + 1), "{text}");
        assert_eq!(DatePart::Month.of(begin - 1.0), f64::from((month + 11) % 12 + 1), "before {text}");
        before = begin;
    }
}

#[test]
fn dates_are_read_as_people_write_them() {
    let day = |text: &str| DateOrder::YearFirst.seconds(text);
    for (order, text, same) in [
        (DateOrder::DayFirst, "31.03.23", "2023-03-31"),
        (DateOrder::DayFirst, "1/2/68", "2068-02-01"),
        (DateOrder::MonthFirst, "12-31-69", "1969-12-31"),
        (DateOrder::MonthFirst, "3/31/23 2:30 PM", "2023-03-31 14:30"),
        (DateOrder::Named, "31 Mar 2023", "2023-03-31"),
        (DateOrder::Named, "31-MAR-23", "2023-03-31"),
        (DateOrder::Named, "31MAR2023", "2023-03-31"),
        (DateOrder::Named, "March 31, 2023", "2023-03-31"),
        (DateOrder::Named, "Sept. 1 2023, 6:15 am", "2023-09-01 6:15"),
        (DateOrder::Named, "Fri, 31 Mar 2023 14:30:00 +0200", "2023-03-31 12:30"),
        (DateOrder::Named, "Mar 2023", "2023-03-01"),
        (DateOrder::Digits, "20230331", "2023-03-31"),
    ] {
        let expected = day(same);
        assert!(expected.is_some() && order.seconds(text) == expected, "{text}: {:?}", order.seconds(text));
        let others = DateOrder::ALL.into_iter().filter(|other| other.seconds(text).is_some());
        let others: Vec<DateOrder> = others.collect();
        let both = text == "1/2/68";
        assert_eq!(
            others,
            if both { vec![DateOrder::DayFirst, DateOrder::MonthFirst] } else { vec![order] },
            "{text}"
        );
    }
    for (text, hours) in
        [("14:30", 14.5), ("2:30 PM", 14.5), ("00:00:36", 0.01), ("100:15", 100.25), ("36:00:36", 36.01)]
    {
        assert_eq!(DateOrder::Clock.seconds(text), Some(hours * 3600.0), "{text}");
    }
    for text in [
        "24-03",
        "2023.31.03",
        "30 Feb 2023",
        "Mar 23",
        "Marble 1 2023",
        "May",
        "31 Mar",
        "1 2 2023",
        "20231301",
        "18991231",
        "2023033",
        "3:1",
        "16:9",
        "12:60",
        "1000:30",
        "14:30 h",
        "v1.2.3",
        "1.2.345",
    ] {
        assert!(!DateOrder::fits_some(text), "{text}");
    }
}

#[test]
fn numbers_of_eight_digits_are_dates_if_all_are() {
    let (rows, input) = inputs(&["20240301", "20240228", "20240304", "20250228"]);
    assert_eq!(rows, [[2.0, 3.0, 4.0], [0.0, 2.0, 2.0], [5.0, 3.0, 0.0], [366.0, 2.0, 4.0]]);
    assert!(matches!(input.kind, Kind::Date { order: DateOrder::Digits, .. }), "{input:?}");
    let of = |dates: &str| table(&format!("when,x,label\n{dates}"), &plain()).unwrap();
    let said = of("20240301,1,a\n20240228,2,b\n,3,a\n20250228,1,b\n20240229,2,a\n");
    says(
        &crate::data::lines(&said.notes),
        &["`when` (its numbers are dates such as 20240331)", "1 missing value filled in"],
    );
    // One that is none, or two alone, and they are numbers.
    for numbers in [
        "20240301,1,a\n20240228,2,b\n20240230,3,a\n20250228,1,b\n",
        "20240301,1,a\n20240228,2,b\n20240301,1,a\n",
    ] {
        let set = of(numbers).dataset;
        assert!(set.preparation.schema.unwrap().inputs[0].is_number(), "{numbers}");
    }
}

#[test]
fn a_time_alone_is_a_part_of_a_day() {
    let (rows, input) = inputs(&["14:30", "2:30 AM", "20:30", "8:30"]);
    assert_eq!(rows, [[0.5], [0.0], [0.75], [0.25]]);
    assert_eq!(input.features(), ["when: time"]);
    let place = Place::new();
    let line = |row: usize| {
        format!(
            "{}:{:02},{},{}\n",
            row % 24,
            row % 60,
            row % 5,
            ["night", "day"][usize::from((6..18).contains(&(row % 24)))]
        )
    };
    fs::write(place.path("set.csv"), format!("at,x,label\n{}", (0..96).map(line).collect::<String>()))
        .unwrap();
    let small = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "set.csv",
        "--hidden",
        "16",
        "--epochs",
        "60",
        "--optimizer",
        "adam",
    ];
    let ran = place.run(&[&small[..], &["--lr", "0.03", "--batch-size", "8", "--out", "run"]].concat());
    says(&ran.err, &["`at` (a time alone)"]);
    ran.ok();
    fs::write(place.path("new.csv"), "at,x\n12:00,1\n0:10,1\n").unwrap();
    let answers = place.run(&["predict", "run", "new.csv", "--json"]).lines();
    assert_eq!((&answers[0]["class"], &answers[1]["class"]), (&"day".into(), &"night".into()));
    fs::write(place.path("new.csv"), "at,x\nnoon,1\n").unwrap();
    place.run(&["predict", "run", "new.csv"]).fails(2, &["`noon` is not a date such as 14:30"]);
}

#[test]
fn the_order_of_day_and_month_is_found_or_asked_for() {
    let of = |dates: &[&str]| {
        let mut text = String::from("when,label\n");
        for (row, date) in dates.iter().enumerate() {
            writeln!(text, "{date},{}", ["a", "b"][row % 2]).unwrap();
        }
        table(&text, &plain())
    };
    for (dates, order, said) in [
        (
            ["01/03/2024", "31/03/2024", "02/03/2024", "03/03/2024"],
            DateOrder::DayFirst,
            "`when` (the day first)",
        ),
        (
            ["03/01/2024", "03/31/2024", "03/02/2024", "03/03/2024"],
            DateOrder::MonthFirst,
            "`when` (the month first)",
        ),
        (["1.3.2024", "2.3.2024", "3.3.2024", "4.3.2024"], DateOrder::DayFirst, "`when` (the day first)"),
        (["01.03.24", "02.03.24", "03.03.2024", "04.03.24"], DateOrder::DayFirst, "`when` (the day first)"),
        (["1 Mar 2024", "\"March 2, 2024\"", "3-Mar-24", "Mar 4 2024"], DateOrder::Named, "`when`"),
    ] {
        let loaded = of(&dates).unwrap();
        let input = &loaded.dataset.preparation.schema.as_ref().unwrap().inputs[0];
        assert!(matches!(&input.kind, Kind::Date { order: own, .. } if *own == order), "{input:?}");
        says(&crate::data::lines(&loaded.notes), &["dates become the days since the first", said]);
    }
    says(
        &refusal(of(&["01/03/24", "02/03/24", "03/03/24", "04/03/24"])),
        &["`01/03/24`", "whether the day or the month comes first"],
    );
    let open = refusal(of(&["01/03/2024", "02/03/2024", "03/03/2024", "04/03/2024"]));
    says(
        &open,
        &["`when`", "`01/03/2024`", "whether the day or the month comes first", "2024-03-31", "exclude when"],
    );
    for mixed in [
        ["01/13/2024", "13/01/2024", "01/14/2024", "14/01/2024"],
        ["2024-01-05", "05/01/2024", "2024-01-06", "06/01/2024"],
    ] {
        says(
            &refusal(of(&mixed)),
            &["`when` has dates of more than one order", "write all dates in one way"],
        );
    }
    // A word among many dates is a mistake.
    let mut many: Vec<String> =
        (0..70).map(|day| format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28)).collect();
    many[30] = "unknown".into();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    says(&refusal(of(&many)), &["`when` has dates, and 1 that are none: `unknown`", "na_values", "exclude"]);
    let mut text = String::from("when,label\n");
    many.iter().enumerate().for_each(|(row, date)| writeln!(text, "{date},{}", ["a", "b"][row % 2]).unwrap());
    let mut options = plain();
    options.table.na_values = Some("unknown".into());
    let filled = table(&text, &options).unwrap();
    says(&crate::data::lines(&filled.notes), &["1 missing value filled in"]);
}

#[test]
fn a_model_reads_dates_as_its_training_data() {
    let place = Place::new();
    let mut text = String::from("price,when,sold\n");
    for day in 0..60 {
        writeln!(
            text,
            "{},{}/{}/2024 8:{:02},{}",
            day % 7,
            1 + day % 28,
            1 + day / 28,
            day,
            ["no", "yes"][day / 30]
        )
        .unwrap();
    }
    fs::write(place.path("set.csv"), &text).unwrap();
    let small =
        ["--hidden", "8", "--batch-size", "8", "--epochs", "30", "--optimizer", "adam", "--lr", "0.02"];
    let ran = place.run(
        &[&["train", "--backend", "cpu", "--data", "set.csv", "--out", "run", "--json"], &small[..]].concat(),
    );
    says(&ran.err, &["`when` (the day first)"]);
    assert!(ran.lines().last().unwrap()["test_accuracy"].as_f64().unwrap() > 0.8);
    // Rows of one day, in whatever order the columns are, and far beyond the training data.
    fs::write(place.path("new.csv"), "when,price\n2/1/2024 8:00,3\n27/2/2024 9:30 PM,3\n1/6/2030,1\n")
        .unwrap();
    let answers = place.run(&["predict", "run", "new.csv", "--json"]).lines();
    let classes: Vec<&str> = answers.iter().map(|line| line["class"].as_str().unwrap()).collect();
    assert_eq!(classes[..2], ["no", "yes"], "{answers:?}");
    for wrong in ["2024-02-31", "31/2/2024", "45000", "soon"] {
        fs::write(place.path("new.csv"), format!("when,price\n{wrong},3\n")).unwrap();
        let example = format!("`{wrong}` is not a date such as 31/03/2024");
        place.run(&["predict", "run", "new.csv"]).fails(2, &["line 2", "`when`", &example]);
        fs::write(place.path("new.csv"), format!("when,price,sold\n{wrong},3,no\n")).unwrap();
        place.run(&["eval", "run", "--data", "new.csv"]).fails(2, &["line 2", "`when`", &example]);
    }
    says(&place.run(&["data", "show", "set.csv"]).ok(), &["when", "60 dates"]);
}
