//! `gpu-mlp predict`: the same answers as `eval` by way of every form of input, and what is refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use gpu_mlp::data::{Places, Request, load_from};
use serde_json::Value;

use crate::data::gzip;
use crate::forms::array;
use crate::program::{Place, lines};
use crate::tiny;

/// A place with a trained run `a`, and the pixels of the tiny set's test part.
fn trained() -> (Place, Vec<u8>) {
    let place = Place::new();
    place.trained("a", &["--epochs", "3"]);
    let test = tiny::dataset().test;
    let all: Vec<u32> = (0..test.len() as u32).collect();
    (place, test.read(&all).unwrap())
}

impl Place {
    fn predicted(&self, args: &[&str]) -> Vec<Value> {
        self.run(&[&["predict", "a", "--json"], args].concat()).lines()
    }

    fn piped(&self, args: &[&str], input: &[u8]) -> crate::program::Ran {
        let mut child = self.command(&[&["predict"], args].concat());
        let mut child =
            child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who refuses a stream need not read it to its end.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }
}

/// A table of rows of bytes, with a line above if there is one.
fn csv(header: Option<&str>, pixels: &[u8], extra: impl Fn(usize) -> [String; 2]) -> String {
    let rows = pixels.chunks(tiny::FEATURES).enumerate().map(|(number, row)| {
        let [before, after] = extra(number);
        let row: Vec<String> = row.iter().map(u8::to_string).collect();
        format!("{before}{}{after}\n", row.join(","))
    });
    header.map(|line| format!("{line}\n")).into_iter().chain(rows).collect()
}

fn without_input(lines: &[Value]) -> Vec<Value> {
    let mut lines = lines.to_vec();
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("input").unwrap()));
    lines
}

#[test]
fn every_form_gives_the_same_answers() {
    let (place, pixels) = trained();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path(name), bytes).unwrap();
    let count = tiny::TEST;
    write("u1.npy", &array("|u1", &[count, 4, 4], &pixels));
    let f4: Vec<u8> = pixels.iter().flat_map(|&pixel| f32::from(pixel).to_le_bytes()).collect();
    write("f4.npy", &array("<f4", &[count, 16], &f4));
    let i2: Vec<u8> = pixels.iter().flat_map(|&pixel| i16::from(pixel).to_be_bytes()).collect();
    write("i2.npy", &array(">i2", &[count, 16, 1], &i2));
    let nothing = |_: usize| [String::new(), String::new()];
    let names = (0..16).map(|i| format!("p{i}")).collect::<Vec<_>>().join(",");
    write("plain.csv", csv(None, &pixels, nothing).as_bytes());
    write("plain.csv.gz", &gzip(csv(None, &pixels, nothing).as_bytes()));
    write("named.csv", csv(Some(&names), &pixels, nothing).as_bytes());
    let label = |_: usize| [String::new(), ",7".into()];
    write("labelled.csv", csv(Some(&format!("{names},label")), &pixels, label).as_bytes());
    write("other.csv", csv(Some(&format!("{names},what")), &pixels, label).as_bytes());
    let index = |row: usize| [format!("{row},"), String::new()];
    write("indexed.csv", csv(Some(&format!(",{names}")), &pixels, index).as_bytes());
    let both = |row: usize| [format!("{row},"), ",cat".into()];
    write("both.csv", csv(Some(&format!(",{names},species")), &pixels, both).as_bytes());
    write("semicolons.csv", csv(None, &pixels, nothing).replace(',', ";").as_bytes());

    let want = without_input(&place.predicted(&["u1.npy"]));
    assert_eq!(want.len(), count);
    for (row, line) in want.iter().enumerate() {
        assert_eq!((&line["event"], &line["row"]), (&"prediction".into(), &row.into()));
    }
    for name in [
        "f4.npy",
        "i2.npy",
        "plain.csv",
        "plain.csv.gz",
        "named.csv",
        "labelled.csv",
        "indexed.csv",
        "both.csv",
        "semicolons.csv",
    ] {
        let lines = place.predicted(&[name]);
        assert!(lines.iter().all(|line| line["input"] == name), "{lines:?}");
        assert_eq!(without_input(&lines), want, "{name}");
    }
    let chosen = place.predicted(&["other.csv", "--label-column", "what"]);
    assert_eq!(without_input(&chosen), want);
    // Batches of any size, inputs one after another, and standard input.
    for size in ["1", "7", "1000"] {
        let two = place.predicted(&["u1.npy", "plain.csv", "--batch-size", size]);
        assert_eq!(without_input(&two), [want.clone(), want.clone()].concat(), "batches of {size}");
    }
    for name in ["u1.npy", "plain.csv.gz", "named.csv"] {
        let lines = lines(&place.piped(&["a", "-", "--json"], &place.read(name)).ok());
        assert!(lines.iter().all(|line| line["input"] == "stdin"));
        assert_eq!(without_input(&lines), want, "{name} on standard input");
    }
    write("empty.csv", b"");
    write("zero.jpg", b"");
    write("blank.csv", b"\n\n");
    for (name, words) in
        [("empty.csv", "it is empty"), ("zero.jpg", "it is empty"), ("blank.csv", "it has no rows")]
    {
        place.run(&["predict", "a", name]).fails(2, &[name, words]);
    }
    place.piped(&["a", "-"], b"").fails(2, &["it is empty"]);
    // A stream may have no rows, but that is said.
    write("header.csv", format!("{names}\n").as_bytes());
    let ran = place.run(&["predict", "a", "header.csv"]);
    assert!(ran.err.contains("header.csv: it has no rows"), "{}", ran.err);
    assert_eq!(ran.ok(), "");
}

#[test]
fn answers_are_those_of_eval() {
    let place = Place::new();
    place.digits("a", &["--epochs", "1", "--hidden", "40"]).ok();
    let report = place.run(&["eval", "a", "--backend", "cpu", "--json"]).lines().remove(0);
    let request = Request { data: Some("digits"), ..Request::default() };
    let test = load_from(request, &Places::default()).unwrap().dataset.test;
    let pixels = test.read(&(0..test.len() as u32).collect::<Vec<_>>()).unwrap();
    fs::write(place.path("test.npy"), array("|u1", &[test.len(), 28, 28], &pixels)).unwrap();
    let lines = place.predicted(&["test.npy"]);
    let mut matrix = vec![vec![0_u64; 10]; 10];
    for (line, &label) in lines.iter().zip(test.labels()) {
        matrix[label as usize][line["index"].as_u64().unwrap() as usize] += 1;
        assert_eq!(line["class"], line["index"].to_string());
    }
    let want: Vec<Vec<u64>> = serde_json::from_value(report["confusion_matrix"].clone()).unwrap();
    assert_eq!(matrix, want);
    assert!(report["accuracy"].as_f64().unwrap() > 0.6, "it has learnt something: {}", report["accuracy"]);
}

#[test]
fn a_tables_model_scales_and_names_its_classes() {
    let place = Place::new();
    let rows = (0..60).map(|i| {
        let class = i % 3;
        format!(
            "{},{},{}\n",
            1000 * class + i,
            f64::from(5 - class) / 7.0,
            ["äpfel", "birnen", "nüsse"][class as usize]
        )
    });
    let table: String = std::iter::once("weight,size,fruit\n".to_owned()).chain(rows).collect();
    fs::write(place.path("fruit.csv"), &table).unwrap();
    let options = ["--hidden", "8", "--epochs", "60", "--lr", "0.2", "--batch-size", "8", "--out", "a"];
    place.run(&[&["train", "--backend", "cpu", "--data", "fruit.csv"], &options[..]].concat()).ok();
    fs::write(place.path("new.csv"), "weight,size\n2010,0.43\n12,0.71\n").unwrap();
    let lines = place.predicted(&["new.csv", "--top", "2"]);
    assert_eq!(lines.iter().map(|line| &line["class"]).collect::<Vec<_>>(), ["nüsse", "äpfel"]);
    for line in &lines {
        let top = line["top"].as_array().unwrap();
        assert_eq!(
            (top.len(), &top[0]["class"], &top[0]["probability"]),
            (2, &line["class"], &line["probability"])
        );
        let both = [0, 1].map(|rank: usize| top[rank]["probability"].as_f64().unwrap());
        assert!(both[0] > 0.8 && both[0] > both[1] && both[0] + both[1] <= 1.0 + 1e-9, "{both:?}");
    }
    let text = place.run(&["predict", "a", "new.csv", "--top", "9"]).ok();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("new.csv[0]  nüsse ") && first.matches(" %").count() == 3, "{text}");
    // The whole table, with its labels, which are left out.
    assert_eq!(place.predicted(&["fruit.csv"]).len(), 60);
    // A table's model takes no pictures.
    let picture = crate::forms::encoded(&[0; 4], [2, 2], image::ColorType::L8, image::ImageFormat::Png);
    fs::write(place.path("a.png"), picture).unwrap();
    place
        .run(&["predict", "a", "a.png"])
        .fails(2, &["a.png: it is 2 x 2 pixels, but the model takes 2 values"]);
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let (place, pixels) = trained();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path(name), bytes).unwrap();
    let refused = |name: &str, fragments: &[&str]| place.run(&["predict", "a", name]).fails(2, fragments);
    refused("none.csv", &["cannot read none.csv"]);
    refused("tiny", &["tiny: there is no image and no Parquet file in this folder"]);
    write("wide.npy", &array("|u1", &[2, 17], &[0; 34]));
    refused("wide.npy", &["shape [2, 17]", "takes 16 values per sample"]);
    write("wide.csv", b"1,2,3\n");
    refused("wide.csv", &["it has 3 columns", "takes 16 values per sample"]);
    write("text.npy", &array("<U1", &[1, 16], &[0; 64]));
    refused("text.npy", &["holds texts"]);
    write("pickle.npy", &array("|O", &[1, 16], &[0; 64]));
    refused("pickle.npy", &["pickled Python objects"]);
    write("short.npy", &array("|u1", &[3, 16], &[0; 40]));
    let ran = place.run(&["predict", "a", "short.npy"]);
    assert!(ran.code == Some(2) && ran.err.contains("ends after 2 of the 3 rows"), "{ran:?}");
    write("claims.npy", &array("<f8", &[1 << 40, 16], &[]));
    refused("claims.npy", &["ends after 0 of the 1099511627776 rows"]);
    let mut fortran = array("|u1", &[20, 16], &pixels);
    let at = fortran.windows(5).position(|window| window == b"False").unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    write("fortran.npy", &fortran);
    refused("fortran.npy", &["Fortran order", "ascontiguousarray"]);
    let floats = |value: f32| array("<f4", &[1, 16], &value.to_le_bytes().repeat(16));
    write("nan.npy", &floats(f32::NAN));
    refused("nan.npy", &["row 0", "NaN is not a finite number"]);
    write("scaled.npy", &floats(0.5));
    refused("scaled.npy", &["0.5 is not a byte", "divided by 255 already", "multiply by 255"]);
    write("large.npy", &floats(256.0));
    refused("large.npy", &["256 is not a byte"]);
    let mut rows = csv(None, &pixels, |_| [String::new(), String::new()]);
    rows.push_str("1,2,x,4,5,6,7,8,9,10,11,12,13,14,15,16\n");
    write("word.csv", rows.as_bytes());
    let ran = place.run(&["predict", "a", "word.csv"]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(2), 20), "what came before is answered: {ran:?}");
    assert!(ran.err.contains("line 21, column 2: `x` is not a finite number"), "{ran:?}");
    write("zip.npz", b"PK\x03\x04zip");
    refused("zip.npz", &["an .npz file", "numpy.save"]);
    write("binary", b"ab\0cd\n");
    refused("binary", &["not an image, a NumPy array or a text table"]);
    write("cut.csv.gz", &gzip(rows.as_bytes())[..60]);
    refused("cut.csv.gz", &["gzip data is cut short"]);
    write("page.png", b"<html>not found</html>\n");
    refused("page.png", &["its name is that of an image, but it is neither PNG nor JPEG"]);
    write("cut.png", b"\x89PNG\r\n\x1a\n");
    refused("cut.png", &["cut.png: the image is damaged"]);
    place
        .run(&["predict", "a", "wide.npy", "--label-column", "0"])
        .fails(2, &["--label-column 0", "not a table"]);
    place.run(&["predict", "a", "x.csv", "--top", "0"]).fails(2, &["--top"]);
    place.run(&["predict", "a", "x.csv", "--batch-size", "0"]).fails(2, &["--batch-size"]);
    place.run(&["predict", "tiny", "x.csv"]).fails(2, &["no run here"]);
}

#[test]
fn whoever_types_rows_is_answered_at_once_and_may_leave() {
    let (place, pixels) = trained();
    let mut command = place.command(&["predict", "a", "-", "--batch-size", "1"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let rows = csv(None, &pixels, |_| [String::new(), String::new()]);
    for (number, row) in rows.lines().take(3).enumerate() {
        writeln!(typed, "{row}").unwrap();
        typed.flush().unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.starts_with(&format!("stdin[{number}]")), "{answer}");
    }
    // Nobody reads any more: it ends by itself, quietly, though more rows come.
    drop(answers);
    let ended = (0..1000).any(|_| {
        let _ = writeln!(typed, "{}", rows.lines().next().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(10));
        child.try_wait().unwrap().is_some()
    });
    assert!(ended, "it goes on for nobody");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn of_several_inputs_the_others_are_answered() {
    let (place, pixels) = trained();
    let rows = csv(None, &pixels, |_| [String::new(), String::new()]);
    fs::write(place.path("good.csv"), &rows).unwrap();
    fs::write(place.path("torn.csv"), rows.clone() + "1,2,x\n").unwrap();
    fs::write(place.path("wide.csv"), "1,2,3\n").unwrap();
    fs::write(place.path("empty.png"), "").unwrap();
    let inputs = ["absent.png", "good.csv", "wide.csv", "torn.csv", "empty.png", "good.csv"];
    let ran = place.run(&[&["predict", "a"], &inputs[..]].concat());
    assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 3 * tiny::TEST), "{ran:?}");
    for words in [
        "cannot read absent.png",
        "wide.csv: it has 3 columns",
        "torn.csv: line 21",
        "empty.png: it is empty",
        "4 inputs could not be read",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    place.run(&["predict", "a", "absent.png", "wide.csv"]).fails(2, &["2 inputs could not be read"]);
}
