//! Runs the program as a user does: in an empty folder, with an empty home, on the tiny set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::tiny;

/// A folder to run the program in. It holds `home` and `tiny`, the tiny set.
pub struct Place {
    folder: TempDir,
}

/// How a call of the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Variables that would let the machine, or whoever runs the tests, have a say.
const VARIABLES: [&str; 7] = [
    "GPU_MLP_DATA_DIR",
    "WGPU_BACKEND",
    "WGPU_ADAPTER_NAME",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "CLICOLOR_FORCE",
    "NO_COLOR",
];

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("home")).unwrap();
        tiny::write(&place.path("tiny"));
        place
    }

    /// A table of two inputs, two labels `p` and `q`, and a `price`.
    pub fn write_labels_and_prices(&self, name: &str) {
        let mut table = String::from("a,b,p,q,price\n");
        for row in 0..120 {
            let (a, b) = (f64::from(row * 37 % 101) / 50.0 - 1.0, f64::from(row * 53 % 97) / 48.0 - 1.0);
            table +=
                &format!("{a},{b},{},{},{}\n", u8::from(a > 0.0), u8::from(b > a), 1000.0 + 100.0 * a * b);
        }
        fs::write(self.path(name), table).unwrap();
    }

    /// A path inside the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-mlp"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        for variable in ["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"] {
            command.env(variable, self.path("home"));
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// `train` on the CPU and the tiny set.
    pub fn train(&self, args: &[&str]) -> Ran {
        self.run(&[&["train", "--backend", "cpu", "--data", "tiny"], args].concat())
    }

    /// A run that has to go well: a small network, JSON lines, in the folder `out`.
    #[track_caller]
    pub fn trained(&self, out: &str, args: &[&str]) -> Vec<Value> {
        let small = ["--hidden", "7", "--batch-size", "8", "--json", "--out", out];
        self.train(&[&small, args].concat()).lines()
    }

    /// A run on the built-in digits, on the CPU, in the folder `out`.
    pub fn digits(&self, out: &str, args: &[&str]) -> Ran {
        self.run(&[&["train", "--backend", "cpu", "--data", "digits", "--out", out], args].concat())
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The names of what is in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let ran = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }
}

impl Ran {
    /// It went well; returns what it printed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// It went well and printed JSON, one value a line.
    #[track_caller]
    pub fn lines(self) -> Vec<Value> {
        lines(&self.ok())
    }

    /// It failed with this exit code, said so on standard error in these words, and printed nothing else.
    #[track_caller]
    pub fn fails(&self, code: i32, fragments: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.contains("error: "), "{self:?}");
        assert_eq!(self.out, "", "standard output is for results");
        for fragment in fragments {
            assert!(self.err.contains(fragment), "`{fragment}` is not in: {}", self.err);
        }
    }
}

#[track_caller]
pub fn lines(text: &str) -> Vec<Value> {
    let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    text.lines().map(parsed).collect()
}

/// The lines of the epochs, without what a clock says.
pub fn untimed_epochs(lines: &[Value]) -> Vec<Value> {
    let epochs = lines.iter().filter(|line| line["event"] == "epoch");
    let untimed = epochs.map(|line| {
        let mut line = line.clone();
        for timed in ["seconds", "samples_per_second"] {
            assert!(line.as_object_mut().unwrap().remove(timed).unwrap().is_number());
        }
        line
    });
    untimed.collect()
}

/// The events of the lines, in order.
pub fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}
