//! Runs the program as a user does, under `mpirun` on this machine, in an empty folder.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Ranks that wait for each other keep their cores busy, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Nothing here may take longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A folder to run the program in.
pub struct Place {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_gpu-mlp-mpi");

impl Place {
    pub fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Self { folder: tempfile::tempdir().unwrap(), _turn: turn };
        place.table("classes.csv", 61, "species", |x| if x[0] > x[1] { "a" } else { "b" }.to_owned());
        place.table("numbers.csv", 61, "price", |x| format!("{:.3}", 3.0 * x[0] - x[1] * x[2]));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a table of three columns of noise and an answer.
    pub fn table(&self, name: &str, rows: u32, column: &str, answer: impl Fn([f64; 3]) -> String) {
        let noise = |at: u32| f64::from(at.wrapping_mul(2_654_435_761) >> 12) / f64::from(1 << 20);
        let mut text = format!("u,v,w,{column}\n");
        for row in 0..rows {
            let x = [0, 1, 2].map(|column| noise(3 * row + column + 1));
            text += &format!("{},{},{},{}\n", x[0], x[1], x[2], answer(x));
        }
        fs::write(self.path(name), text).unwrap();
    }

    fn dressed(&self, mut command: Command) -> Command {
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in ["HOME", "XDG_CACHE_HOME"] {
            command.env(variable, self.folder.path());
        }
        for variable in ["GPU_MLP_DATA_DIR", "WGPU_BACKEND", "WGPU_ADAPTER_NAME", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command
    }

    /// `mpirun` with what follows its own options.
    pub fn mpirun(&self, args: &[&str]) -> Command {
        self.mpirun_by(Command::new("mpirun"), args)
    }

    /// The same by a command that passes all that follows on to `mpirun`.
    pub fn mpirun_by(&self, mut command: Command, args: &[&str]) -> Command {
        // Containers often forbid one process to read another's memory, and run everything as root.
        command.args([
            "--oversubscribe",
            "--allow-run-as-root",
            "--mca",
            "btl_vader_single_copy_mechanism",
            "none",
        ]);
        // Who waits leaves the core to who computes.
        command.args(["--mca", "mpi_yield_when_idle", "1"]);
        command.args(args);
        self.dressed(command)
    }

    /// So many ranks.
    pub fn ranks(&self, ranks: usize, args: &[&str]) -> Command {
        self.mpirun(&[&["-n", &ranks.to_string(), PROGRAM], args].concat())
    }

    /// One process without `mpirun`.
    pub fn alone(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args);
        self.dressed(command)
    }

    /// The process of a rank that runs here.
    pub fn process_of(&self, rank: usize) -> Option<String> {
        let (variable, folder) =
            (format!("OMPI_COMM_WORLD_RANK={rank}"), self.folder.path().canonicalize().unwrap());
        fs::read_dir("/proc").unwrap().find_map(|entry| {
            let path = entry.ok()?.path();
            let environment = fs::read(path.join("environ")).ok()?;
            let is_it = environment.split(|&byte| byte == 0).any(|one| one == variable.as_bytes());
            let here = fs::read_link(path.join("cwd")).ok()? == folder;
            (is_it && here).then(|| path.file_name().unwrap().to_string_lossy().into_owned())
        })
    }

    pub fn lines(&self, name: &str) -> Vec<Value> {
        lines(&fs::read_to_string(self.path(name)).unwrap())
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

pub fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what} did not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a process, which is killed if it takes too long.
pub fn finish(mut child: Child) -> Ran {
    let (begun, id) = (Instant::now(), child.id().to_string());
    let waiting = std::thread::spawn(move || {
        // A pipe that nobody empties would stop the process.
        let took = |output: Output| (output, begun.elapsed());
        child.stdin.take();
        child.wait_with_output().map(took)
    });
    while !waiting.is_finished() && begun.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(5));
    }
    if !waiting.is_finished() {
        Command::new("kill").args(["-KILL", &id]).status().unwrap();
        panic!("still running after {LIMIT:?}");
    }
    let (output, took) = waiting.join().unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took }
}

pub fn run(mut command: Command) -> Ran {
    finish(
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/test installs Open MPI")),
    )
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    #[track_caller]
    pub fn fails(&self, code: i32, fragments: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for fragment in fragments {
            assert_eq!(self.err.matches(fragment).count(), 1, "{fragment}: {self:#?}");
        }
    }
}
