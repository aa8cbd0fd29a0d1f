//! Tables as people have them: words, missing values, row numbers, and headers of every kind, and the inputs that they become.

use std::fs;

use gpu_mlp::Error;
use gpu_mlp::data::{
    self, Kind, LoadOptions, Loaded, Missing, Places, Request, Samples, Scale, Scaling, Schema, Separator,
    TableOptions,
};
use tempfile::tempdir;

use crate::data::{refusal, says};

fn load_with(text: &str, options: LoadOptions) -> Result<Loaded, Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.csv");
    fs::write(&path, text).unwrap();
    let request = Request { data: path.to_str(), options: Some(&options), ..Request::default() };
    data::load_from(request, &Places::default())
}

/// Trains on all rows, unscaled, so that the inputs are those of the file, row by row.
fn plain(table: TableOptions) -> LoadOptions {
    LoadOptions { test_fraction: 0.0, scale: Scale::None, table, ..LoadOptions::default() }
}

fn load(text: &str) -> Loaded {
    load_with(text, plain(TableOptions::default())).unwrap()
}

fn rows(samples: &Samples) -> Vec<Vec<f64>> {
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let inputs = samples.inputs(&all).unwrap();
    (0..samples.len()).map(|row| inputs.row(row).to_vec()).collect()
}

fn schema(loaded: &Loaded) -> &Schema {
    loaded.dataset.preparation.schema.as_ref().unwrap()
}

fn said(loaded: &Loaded, fragments: &[&str]) {
    says(
        &format!("{}\n{}", loaded.notice.as_deref().unwrap_or_default(), crate::data::lines(&loaded.notes)),
        fragments,
    );
}

#[test]
fn words_become_one_input_for_each_value() {
    let loaded = load("port,alone,x,label\nS,yes,1,0\nC,No,2,1\nS,no,3,0\nQ,YES,4,1\n");
    let want = [
        [0.0, 0.0, 1.0, 1.0, 1.0],
        [1.0, 0.0, 0.0, 0.0, 2.0],
        [0.0, 0.0, 1.0, 0.0, 3.0],
        [0.0, 1.0, 0.0, 1.0, 4.0],
    ];
    assert_eq!(rows(&loaded.dataset.train), want);
    assert_eq!(schema(&loaded).features(), ["port=C", "port=Q", "port=S", "alone", "x"]);
    said(
        &loaded,
        &["truth values become one input, 1 for yes and 0 for no: `alone`", "one for each value: `port`"],
    );
    // `f` and `n` are not both no: values of two pairs are words.
    let loaded = load("bruise,label\nf,0\nn,1\ny,0\nf,1\n");
    assert_eq!(schema(&loaded).features(), ["bruise=f", "bruise=n", "bruise=y"]);
    // A number among words is a word, in its shortest form.
    let loaded = load("code,x,label\n1,1,0\nB,2,1\n1.0,3,0\n01,4,1\n");
    assert_eq!(schema(&loaded).features(), ["code=1", "code=B", "x"]);
}

#[test]
fn of_many_values_the_rarest_share_an_input() {
    let word = |i: usize| ["a", "b", "c", "d"][[0, 0, 0, 1, 1, 2, 2, 2, 3][i % 9]];
    let text: String = (0..36).map(|i| format!("{},{},{}\n", word(i), i % 5, i % 2)).collect();
    let options = TableOptions { max_categories: 3, ..TableOptions::default() };
    let loaded = load_with(&format!("w,x,label\n{text}"), plain(options)).unwrap();
    assert_eq!(schema(&loaded).features(), ["w=a", "w=c", "w=other", "x"]);
    let inputs = rows(&loaded.dataset.train);
    assert_eq!(inputs[3][..3], [0.0, 0.0, 1.0], "b");
    assert_eq!(inputs[5][..3], [0.0, 1.0, 0.0], "c");
}

#[test]
fn what_only_says_which_row_it_is_is_left_out() {
    let row = |i: usize| {
        format!("{i},{},name {i},{},{},{}\n", 1000 + 7 * i, i % 3, (i * 17 % 40) as f64 / 2.0, i % 2)
    };
    let text: String = (0..40).map(row).collect();
    let loaded = load(&format!("no.,PassengerId,who,class of,x,label\n{text}"));
    assert_eq!(schema(&loaded).features(), ["class of", "x"]);
    said(&loaded, &["left out: `no.`, `PassengerId`, `who` (different in almost every row)"]);
    // Who names a column gets it; a column of numbers that are different is no identity.
    let options = TableOptions { columns: Some("PassengerId,4".into()), ..TableOptions::default() };
    let loaded = load_with(&format!("no.,PassengerId,who,class of,x,label\n{text}"), plain(options)).unwrap();
    assert_eq!(schema(&loaded).features(), ["PassengerId", "x"]);
    let options = TableOptions { exclude: Some("x, 0".into()), ..TableOptions::default() };
    let loaded = load_with(&format!("no.,PassengerId,who,class of,x,label\n{text}"), plain(options)).unwrap();
    assert_eq!(schema(&loaded).features(), ["class of"]);
    said(&loaded, &["left out: `PassengerId`, `who` (different in almost every row)"]);
}

#[test]
fn a_time_that_counts_on_is_kept() {
    let text: String = (0..40).map(|i| format!("{i},{},{}\n", i * i % 11, i % 2)).collect();
    assert_eq!(schema(&load(&format!("day,x,label\n{text}"))).features(), ["day", "x"]);
    assert_eq!(schema(&load(&format!("row,x,label\n{text}"))).features(), ["x"]);
}

#[test]
fn missing_values_are_filled_in_from_the_training_rows() {
    let line = |i: usize| match i {
        3 | 7 => format!("NA,,{}\n", i % 2),
        _ => format!("{},{},{}\n", i, ["red", "blue", "red"][i % 3], i % 2),
    };
    let text = format!("x,colour,label\n{}", (0..20).map(line).collect::<String>());
    let loaded = load(&text);
    assert_eq!(
        schema(&loaded).features(),
        ["x", "x is missing", "colour=blue", "colour=red", "colour is missing"],
        "more than 5 % are missing"
    );
    let mean = (0..20).filter(|i| ![3, 7].contains(i)).sum::<usize>() as f64 / 18.0;
    let inputs = rows(&loaded.dataset.train);
    assert!((inputs[3][0] - mean).abs() < 1e-6 && inputs[3][1..] == [1.0, 0.0, 1.0, 1.0], "{:?}", inputs[3]);
    assert_eq!(inputs[4], [4.0, 0.0, 1.0, 0.0, 0.0]);
    said(&loaded, &["4 missing values filled in", "`x`, `colour`"]);
    let with = |missing| load_with(&text, plain(TableOptions { missing, ..TableOptions::default() }));
    let impute = with(Missing::Impute).unwrap();
    assert_eq!(schema(&impute).features(), ["x", "colour=blue", "colour=red"]);
    assert_eq!(rows(&impute.dataset.train)[7][1..], [0.0, 1.0]);
    let drop = with(Missing::Drop).unwrap();
    assert_eq!(
        (
            drop.dataset.train.len(),
            crate::data::lines(&drop.notes).contains("2 rows left out, where a value is missing")
        ),
        (18, true)
    );
    says(&refusal(with(Missing::Error)), &["line 5, column 0 (`x`): the value is missing"]);
}

#[test]
fn the_test_rows_have_no_say_in_what_is_filled_in() {
    // The test part has only large values; the fill must not know them.
    let folder = tempdir().unwrap();
    let test = folder.path().join("test.csv");
    fs::write(&test, "x,w,label\n1000,a,0\n,z,1\n").unwrap();
    let options = LoadOptions { test_data: Some(test), ..plain(TableOptions::default()) };
    let loaded = load_with("x,w,label\n1,a,0\n2,b,1\n3,a,0\n", options).unwrap();
    assert_eq!(rows(&loaded.dataset.test), [[1000.0, 1.0, 0.0], [2.0, 0.0, 0.0]]);
    said(&loaded, &["1 missing value filled in", "1 value that the training rows do not have, such as `z`"]);
}

#[test]
fn rows_without_a_label_are_left_out() {
    for word in ["", "NA", "N/A", "NaN", "NULL", "None", "?", "null"] {
        let line = |i: usize| {
            format!("{},{}\n", (i * 7 % 5) as f64 / 2.0, if i % 5 == 3 { word } else { ["0", "1"][i % 2] })
        };
        let loaded = load(&format!("a,label\n{}", (0..20).map(line).collect::<String>()));
        assert_eq!((loaded.dataset.train.len(), loaded.dataset.classes), (16, 2), "{word}");
        said(&loaded, &["4 rows without a label are left out"]);
    }
    let options = TableOptions { na_values: Some("-,none".into()), ..TableOptions::default() };
    let loaded = load_with("a,label\n1,0\n-,1\n3,none\n4,0\n", plain(options)).unwrap();
    assert_eq!(loaded.dataset.train.len(), 3);
    assert_eq!(rows(&loaded.dataset.train)[1][1], 1.0, "a dash is a missing value");
}

#[test]
fn headers_are_told_from_values() {
    let body: String =
        (0..12).map(|i| format!("{}.5,{},{}.25,{}\n", i, i * 3 % 7, i % 4, ["ant", "bee"][i % 2])).collect();
    let features = |header: &str| schema(&load(&format!("{header}{body}"))).features();
    assert_eq!(features("0,1,2,3\n"), ["0", "1", "2"], "pandas counts the columns of an array");
    assert_eq!(load(&format!("0,1,2,3\n{body}")).dataset.train.len(), 12);
    assert_eq!(features("0,1,2,kind\n"), ["0", "1", "2"]);
    assert_eq!(features("a,b,c,kind\n"), ["a", "b", "c"]);
    // A first row with a missing value is a row.
    let loaded = load(&format!("?,3,1.5,bee\n{body}"));
    assert_eq!((loaded.dataset.train.len(), loaded.dataset.classes), (13, 2));
    // Only words: a header does not occur below.
    let words: String =
        (0..12).map(|i| format!("{},{}\n", ["red", "blue", "grey"][i % 3], ["yes", "no"][i % 2])).collect();
    assert_eq!(load(&format!("colour,class\n{words}")).dataset.train.len(), 12);
    assert_eq!(
        load_with(&words, plain(TableOptions { exclude: None, ..Default::default() }))
            .unwrap_err()
            .exit_code(),
        2
    );
    // Years name columns if the words beside them do not occur again; in a line of values they need not follow each other.
    let years = |first: &str| {
        let rows: String = (0..12)
            .map(|i| format!("land{i},{},{i}.5,{}.5,{}.5\n", ["a", "b"][i % 2], i + 1, 3 * i))
            .collect();
        load_with(
            &format!("{first}\n{rows}"),
            LoadOptions { label_column: Some("1".into()), ..plain(TableOptions::default()) },
        )
    };
    assert_eq!(schema(&years("Country,kind,1999,2000,2001").unwrap()).features(), ["1999", "2000", "2001"]);
    assert_eq!(years("land12,a,1999,2000,2002").unwrap().dataset.train.len(), 13);
    let label = |header| {
        let table = TableOptions { header, ..TableOptions::default() };
        let options = LoadOptions { label_column: Some("-1".into()), ..plain(table) };
        load_with(&body, options).unwrap().dataset.train.len()
    };
    assert_eq!((label(None), label(Some(false)), label(Some(true))), (12, 12, 11));
}

#[test]
fn every_separator_is_seen() {
    let body = |separator: &str, point: &str| -> String {
        let row = |i: usize| format!("{}{point}5{separator}{}{point}25{separator}{}\n", i, i * 3 % 7, i % 2);
        format!("{}\n{}", ["a", "b", "label"].join(separator), (0..12).map(row).collect::<String>())
    };
    let want = rows(&load(&body(",", ".")).dataset.train);
    for (separator, point) in [(";", "."), ("\t", "."), (";", ","), ("\t", ","), (" ", "."), ("   ", ".")] {
        let loaded = load(&body(separator, point));
        assert_eq!(rows(&loaded.dataset.train), want, "{separator:?} {point}");
        assert_eq!(crate::data::lines(&loaded.notes).contains("decimal comma"), point == ",");
    }
    let above = |above: &str| rows(&load(&format!("{above}{}", body(";", "."))).dataset.train);
    assert_eq!(above("sep=;\n"), want);
    assert_eq!(above("# written by a logger\n# in two lines\n\n"), want);
    let no_header = body(",", ".").replacen("a,b,label", "# a,b,label", 1);
    assert_eq!(schema(&load(&no_header)).features(), ["a", "b"], "the names stand in the comment");
    let trailing = body(",", ".").replace('\n', ",\n");
    assert_eq!(rows(&load(&trailing).dataset.train), want);
    let blanks = TableOptions { separator: Some(Separator::Blanks), ..TableOptions::default() };
    let text = body(" ", ".").replace("label", "\"the label\"");
    let options = LoadOptions { label_column: Some("the label".into()), ..plain(blanks) };
    assert_eq!(rows(&load_with(&text, options).unwrap().dataset.train), want, "quoted blanks stay");
}

#[test]
fn the_label_is_the_last_column_where_that_is_clear() {
    let target = |header: &str, row: &dyn Fn(usize) -> String| {
        let text: String = (0..40).map(row).collect();
        load_with(&format!("{header}{text}"), plain(TableOptions::default()))
            .map(|loaded| schema(&loaded).targets.concat())
    };
    let fraction = |i: usize| (i * 37 % 40) as f64 / 8.0;
    assert_eq!(target("", &|i| format!("{},{},{}\n", i * 7 % 12, fraction(i), i % 2)).unwrap(), "2");
    assert_eq!(target("a,b,c\n", &|i| format!("{},{},{}\n", i % 2, fraction(i), i % 2)).unwrap(), "c");
    assert_eq!(
        target("sex,fare,survived\n", &|i| format!("{},{},{}\n", ["m", "f"][i % 2], fraction(i), i % 2))
            .unwrap(),
        "survived"
    );
    assert_eq!(
        target("kind,a\n", &|i| format!("{},{}\n", ["ant", "bee"][i % 2], fraction(i))).unwrap(),
        "kind"
    );
    let doubt = target("sex,fare,won\n", &|i| format!("{},{},{}\n", ["m", "f"][i % 2], fraction(i), i % 2));
    says(
        &refusal(doubt),
        &["it is not clear which column has the labels", "`sex` (2, words), `fare` (40), `won` (2)"],
    );
    let doubt = target("", &|i| format!("{},{},{}\n", ["x", "s"][i % 2], fraction(i), ["no", "yes"][i % 2]));
    says(&refusal(doubt), &["0 (2, words), 1 (40), 2 (2, words)", "label_column; -1 is the last"]);
    says(&refusal(target("a,b\n", &|i| format!("{},{}\n", i % 3, fraction(i)))), &["`a` (3), `b` (40)"]);
}

#[test]
fn labels_are_told_apart_as_they_are_written() {
    let names = |labels: [&str; 4]| {
        let text: String = (0..12).map(|i| format!("{}.5,{}\n", i, labels[i % 4])).collect();
        load(&format!("x,label\n{text}")).dataset.preparation.class_names
    };
    assert_eq!(names(["01", "1", "1", "01"]), ["01", "1"]);
    assert_eq!(names(["1E1", "10", "1E1", "10"]), ["10", "1E1"]);
    assert_eq!(names(["9", "10", "9.0", "10.00"]), ["9", "10"]);
    assert_eq!(names(["-1", "1", "0", "1"]), ["-1", "0", "1"]);
}

#[test]
fn numbers_stay_exact_until_they_are_scaled() {
    // Seconds since 1970: f32 holds them only to two minutes.
    let text: String = (0..60).map(|i| format!("{},{}\n", 1_700_000_000 + i, i / 30)).collect();
    let options = LoadOptions { test_fraction: 0.0, ..LoadOptions::default() };
    let loaded = load_with(&format!("time,label\n{text}"), options).unwrap();
    let deviation = f64::sqrt((60.0 * 60.0 - 1.0) / 12.0);
    for (row, inputs) in rows(&loaded.dataset.train).iter().enumerate() {
        let want = (row as f64 - 29.5) / deviation;
        assert!((inputs[0] - want).abs() < 1e-6, "{inputs:?} {want}");
    }
}

#[test]
fn auto_leaves_alone_only_what_is_scaled_already() {
    let scaling = |value: &dyn Fn(usize) -> f64| {
        let text: String = (0..200).map(|i| format!("{},{}\n", value(i), i % 2)).collect();
        let options = LoadOptions { test_fraction: 0.0, ..LoadOptions::default() };
        load_with(&format!("x,label\n{text}"), options).unwrap().dataset.preparation.scaling
    };
    let spread = |i: usize| (i * 73 % 200) as f64 / 199.0;
    let is_alone = |value: &dyn Fn(usize) -> f64| scaling(value) == Scaling::None;
    assert!(
        is_alone(&|i| spread(i))
            && is_alone(&|i| 2.0 * spread(i) - 1.0)
            && is_alone(&|i| 4.0 * spread(i) - 2.0)
    );
    assert!(
        !is_alone(&|i| spread(i) / 100.0)
            && !is_alone(&|i| 1e-4 * spread(i))
            && !is_alone(&|i| 100.0 * spread(i))
    );
    assert!(!is_alone(&|i| 3.0 + spread(i) / 2.0), "far from 0");
    // One outlier changes nothing.
    let outlier = |value: f64, other: f64| move |i: usize| if i == 7 { other } else { value * spread(i) };
    assert!(is_alone(&outlier(1.0, 500.0)) && !is_alone(&outlier(0.01, 1.0)));
}

#[test]
fn the_split_keeps_the_classes_parts_and_its_seed() {
    let text: String = (0..200).map(|i| format!("{}.5,{}\n", i * 7 % 101, u8::from(i % 20 == 0))).collect();
    let split = |split_seed| {
        let options = LoadOptions { split_seed, ..LoadOptions::default() };
        load_with(&format!("x,label\n{text}"), options).unwrap().dataset
    };
    let (zero, again, one) = (split(0), split(0), split(1));
    for set in [&zero, &one] {
        let rare = |samples: &Samples| samples.labels().iter().filter(|&&label| label == 1).count();
        assert_eq!((set.test.len(), rare(&set.test), rare(&set.train)), (40, 2, 8));
    }
    assert_eq!((&zero.train, &zero.test), (&again.train, &again.test));
    assert!(zero.test != one.test, "another seed chooses other rows");
    let all = load(&format!("x,label\n{text}"));
    assert!(all.dataset.is_whole() && all.dataset.train.len() == 200);
    said(&all, &["all 200 samples", "there is no test set"]);
}

#[test]
fn a_word_in_a_column_of_numbers_is_a_mistake() {
    let text = |word: &str| -> String {
        (0..100)
            .map(|i| if i == 41 { format!("{word},{}\n", i % 2) } else { format!("{i}.5,{}\n", i % 2) })
            .collect()
    };
    let load = |table: TableOptions| load_with(&format!("x,label\n{}", text("n.a.")), plain(table));
    let words = ["column `x` has 99 numbers and 1 word: `n.a.`", "line 43", "na_values", "exclude"];
    says(&refusal(load(TableOptions::default())), &words);
    let loaded = load(TableOptions { na_values: Some("n.a.".into()), ..TableOptions::default() }).unwrap();
    assert!(matches!(schema(&loaded).inputs[0].kind, Kind::Number { fill: Some(_) }));
    // Codes are no mistake: a whole number with a letter.
    let codes: String = (0..200)
        .map(|i| format!("{}{},{}.5,{}\n", i % 70, if i % 70 == 41 { "A" } else { "" }, i * 7 % 90, i % 2))
        .collect();
    let loaded = load_with(&format!("code,x,label\n{codes}"), plain(TableOptions::default())).unwrap();
    assert!(
        matches!(schema(&loaded).inputs[0].kind, Kind::Category { .. }),
        "{:?}",
        schema(&loaded).inputs[0]
    );
}

#[test]
fn two_columns_of_one_name_are_told_apart_as_pandas_does() {
    let loaded = load("a,a,label\n1.5,2,0\n3.5,4,1\n5.5,6,0\n");
    assert_eq!(schema(&loaded).features(), ["a", "a.1"]);
}

#[test]
fn training_warns_of_what_data_show_warns_of() {
    let text: String = (0..100).map(|i| format!("{}.5,7,{}\n", i * 7 % 101, u8::from(i % 10 == 0))).collect();
    let loaded = load_with(&format!("x,same,label\n{text}"), LoadOptions::default()).unwrap();
    let balance = "the classes are not balanced: 0 has 72 samples and 1 has 8; always predicting 0 is right 90.0 % of the time";
    said(&loaded, &[balance, "the same in every training sample, so nothing can be learnt from it: `same`"]);
    let lone: String =
        (0..20).map(|i| format!("{}.5,{}\n", i, [0, 1, 0, 1, 2][if i == 4 { 4 } else { i % 4 }])).collect();
    said(
        &load_with(&format!("x,label\n{lone}"), LoadOptions::default()).unwrap(),
        &["no test samples of class 2"],
    );
}

#[test]
fn a_number_that_a_network_cannot_take_is_named() {
    let huge = load_with("x,label\n1,0\n-1e300,1\n3,0\n", plain(TableOptions::default()));
    says(&refusal(huge), &["-1000000", "is beyond the numbers of a network", "another scale"]);
}
