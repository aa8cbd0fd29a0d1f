//! Files that are no `.npz`: folders and JSON are read, others refused with the lines that make them one; and the
//! snippets that write them, run where their language is.

use super::{PLAIN, export, network};
use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::file::{forms, template};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn good() -> Entries {
    export(&network(1, 17, &[6, 5, 4], Activation::Relu), PLAIN, 0.1)
}

/// Rows of an array, apart by `comma`, each between `open` and `close`.
fn rows(array: &Array, open: &str, close: &str) -> Vec<String> {
    let cols = array.shape.last().copied().unwrap_or(1);
    let row = |row: &[f64]| row.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(",");
    array.data.chunks(cols).map(|values| format!("{open}{}{close}", row(values))).collect()
}

fn list(array: &Array, open: &str, close: &str) -> String {
    match array.shape.len() {
        0 => format!("{:?}", array.data[0]),
        1 => rows(array, open, close).concat(),
        _ => format!("{open}{}{close}", rows(array, open, close).join(",")),
    }
}

fn arrays(entries: &Entries) -> impl Iterator<Item = (&String, &Array)> {
    entries.iter().filter_map(|(name, value)| match value {
        Value::Numbers(array) => Some((name, array)),
        _ => None,
    })
}

#[track_caller]
fn clean(path: &Path) -> Vec<String> {
    let options = Options { act: Some(Activation::Relu), ..Options::default() };
    let report = doctor::examine_file(path, &options).unwrap();
    assert_eq!(report.verdict, Verdict::Clean, "{:#?}", report.findings);
    assert!(report.checked.len() > 12);
    report.notes
}

#[test]
fn a_folder_of_npy_and_csv() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (name, array)) in arrays(&good()).enumerate() {
        let path = folder.path().join(name);
        if i % 2 == 0 {
            let bytes = doctor::npy::render(&Value::Numbers(array.clone()));
            std::fs::write(path.with_extension("npy"), bytes).unwrap();
        } else {
            let text = match array.shape.len() {
                1 => rows(&Array { shape: vec![array.data.len(), 1], ..array.clone() }, "", "\n").concat(),
                _ => rows(array, "", "\n").concat(),
            };
            std::fs::write(path.with_extension("csv"), text).unwrap();
        }
    }
    std::fs::write(folder.path().join("notes.txt"), "not looked at").unwrap();
    std::fs::write(folder.path().join("names.csv"), "a,b\nc,d\n").unwrap();
    let notes = clean(folder.path());
    assert!(notes.iter().any(|note| note.contains("`names` is left out: it has `c` in line 2")), "{notes:?}");
    let empty = tempfile::tempdir().unwrap();
    let refused = forms::read(empty.path()).unwrap_err().to_string();
    assert!(refused.contains("no .npy or .csv files"), "{refused}");
}

#[test]
fn json_of_nested_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    let entries = good();
    let part = |(name, array): (&String, &Array)| format!("\"{name}\": {}", list(array, "[", "]"));
    let flat: Vec<String> = arrays(&entries).map(part).collect();
    std::fs::write(&path, format!("{{{}, \"act\": \"relu\", \"nothing\": null}}", flat.join(", "))).unwrap();
    clean(&path);
    // Weights as a list, biases in an object.
    let array = |name: &str| {
        arrays(&entries).find(|(own, _)| *own == name).map(|(_, array)| list(array, "[", "]")).unwrap()
    };
    let text = format!(
        "{{\"X\": {}, \"y\": {}, \"weights\": [{}, {}], \"params\": {{\"b1\": {}, \"b2\": {}}}, \"z1\": {}, \"a1\": {}, \"z2\": {}, \
         \"p\": {}, \"loss\": {}, \"dz2\": {}, \"dW2\": {}, \"db2\": {}, \"da1\": {}, \"dz1\": {}, \"dW1\": {}, \"db1\": {}}}",
        array("X"),
        array("y"),
        array("W1"),
        array("W2"),
        array("b1"),
        array("b2"),
        array("z1"),
        array("a1"),
        array("z2"),
        array("p"),
        array("loss"),
        array("dz2"),
        array("dW2"),
        array("db2"),
        array("da1"),
        array("dz1"),
        array("dW1"),
        array("db1")
    );
    std::fs::write(&path, text).unwrap();
    clean(&path);
    for (text, words) in [
        ("{\"X\": [[1, 2], [3", "not JSON that can be read"),
        ("{\"X\": 1} trailing", "not JSON that can be read"),
        ("{}", "lacks W1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let refused = doctor::examine_file(&path, &Options::default()).unwrap_err().to_string();
        assert!(refused.contains(words), "{text}: {refused}");
    }
}

/// As Python's json.dump writes them; and as texts, which is what others make of them.
#[test]
fn json_with_numbers_that_are_not_finite() {
    let text = r#"{"name of NaN": "NaN or \\\"Infinity", "X": [[NaN, 1.5e-3], [-Infinity, 2]], "z": ["Infinity", "NaN", null, 1],
        "lr": -1.0, "loss": NaN, "yes": true, "s": "-Infinity""#;
    for end in ["}", ", \"last\": Infinity}"] {
        let entries = forms::read_from(std::io::Cursor::new(format!("{text}{end}"))).unwrap();
        let numbers = |name: &str| match &entries[name] {
            Value::Numbers(array) => array.data.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(numbers("X"), "NaN 0.0015 -inf 2");
        assert_eq!(numbers("z"), "inf NaN NaN 1");
        assert_eq!(
            (numbers("lr"), numbers("loss"), numbers("s")),
            ("-1".into(), "NaN".into(), "-inf".into())
        );
        assert_eq!(entries["name of NaN"], Value::Text("NaN or \\\"Infinity".into()));
        assert_eq!(end.len() > 1, entries.contains_key("last"));
    }
    for text in ["{\"X\": NaNa}", "{\"X\": -NaN}", "{\"X\": Infinit}", "{\"X\": -"] {
        let refused = forms::read_from(std::io::Cursor::new(text)).unwrap_err();
        assert!(refused.problem.contains("not JSON that can be read"), "{text}: {}", refused.problem);
    }
}

#[test]
fn json_whose_rows_are_not_equally_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.json");
    std::fs::write(
        &path,
        r#"{"X": [[1, 2], [3, 4]], "y": [0, 1], "W1": [[1, 2, 3], [4, 5]], "b": [[1, 2], [3]]}"#,
    )
    .unwrap();
    let refused = doctor::examine_file(&path, &Options::default()).unwrap_err().to_string();
    assert!(refused.contains("`W1`: row 1, from 0, has 2 values, but row 0 has 3"), "{refused}");
}

#[test]
fn other_forms_are_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump");
    let cases: [(&[u8], &str, &str); 12] = [
        (b"\x80\x04\x95aaaa", "is a pickle", "pickle.load"),
        (b"MATLAB 5.0 MAT-file, Platform", "is a .mat file", "dlmwrite"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file", "dlmwrite"),
        (b"MATLAB 7.3 MAT-file, Platform", "is an HDF5 file", "dlmwrite"),
        (b"# Created by Octave 8.4.0", "is a text file of Octave", "dlmwrite"),
        (b"\x93NUMPY\x01\x00v\x00", "is one array", "numpy.savez"),
        (b"", "is empty", ".npz"),
        (b"\x89PNG\r\n\x1a\n", "is a picture, not an .npz file", ".npz"),
        (b" [1, 2, 3]", "is a JSON list, not an object", "W1"),
        (b"1.5,2.5\n3,4\n", "is text, not an .npz file or a JSON object", ".csv file for each"),
        ("Notes on ∂L/∂W".as_bytes(), "is text, not an .npz file or a JSON object", ".csv file for each"),
        (b"PK\x03\x04cut off", "or not all of one", "numpy.savez"),
    ];
    for (bytes, problem, hint) in cases {
        std::fs::write(&path, bytes).unwrap();
        let refused = forms::read(&path).unwrap_err().to_string();
        assert!(refused.contains(problem) && refused.contains(hint), "{refused}");
    }
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive.start_file("archive/data.pkl", zip::write::SimpleFileOptions::default()).unwrap();
    archive.start_file("archive/data/0.npy", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, &doctor::npy::render(&Value::Text("a".into()))).unwrap();
    archive.finish().unwrap();
    let refused = forms::read(&path).unwrap_err().to_string();
    assert!(refused.contains("torch.save") && refused.contains("torch.load"), "{refused}");
}

/// Runs a program of a language; nothing if the language is not on this machine.
fn ran(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    if Command::new(program).arg("--version").output().is_err() {
        eprintln!("skipped: there is no {program}");
        return false;
    }
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn the_javascript_template_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = String::new();
    for (name, array) in arrays(&good()) {
        let _ = writeln!(program, "const {name} = {};", list(array, "[", "]"));
    }
    std::fs::write(folder.path().join("dump.js"), program + template::JAVASCRIPT).unwrap();
    if ran(folder.path(), "node", &["dump.js"]) {
        clean(&folder.path().join("dump.json"));
    }
}

#[test]
fn the_java_template_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (method, calls) = template::JAVA.split_once("// in your training step:").unwrap();
    let mut fields = String::new();
    for (name, array) in arrays(&good()) {
        let dims = "[]".repeat(array.shape.len());
        let _ = writeln!(fields, "static double{dims} {name} = {};", list(array, "{", "}"));
    }
    let program = format!(
        "public class Dump {{\n{fields}{method}\npublic static void main(String[] a) throws Exception {{\n{calls}\n}}\n}}\n"
    );
    std::fs::write(folder.path().join("Dump.java"), program).unwrap();
    if ran(folder.path(), "java", &["Dump.java"]) {
        clean(&folder.path().join("dump"));
    }
}

#[test]
fn the_c_template_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (function, calls) = template::C.split_once("/* in your training step: */").unwrap();
    let mut values = String::from("int N = 17, n0 = 6, n1 = 5, n2 = 4;\n");
    for (name, array) in arrays(&good()) {
        let flat = Array { shape: vec![array.data.len()], ..array.clone() };
        let _ = match array.shape.len() {
            0 => writeln!(values, "double {name} = {:?};", array.data[0]),
            _ => writeln!(values, "double {name}[] = {};", list(&flat, "{", "}")),
        };
    }
    let program = format!("{function}\nint main(void) {{\n{values}{calls}\nreturn 0;\n}}\n");
    std::fs::write(folder.path().join("dump.c"), program).unwrap();
    if ran(folder.path(), "gcc", &["dump.c", "-o", "dump.bin"]) {
        assert!(
            Command::new(folder.path().join("dump.bin"))
                .current_dir(folder.path())
                .status()
                .unwrap()
                .success()
        );
        clean(&folder.path().join("dump"));
    }
}
