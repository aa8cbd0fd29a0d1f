//! What can go wrong around a run, done to it for real: `docs/reliability.md` lists it.

mod crash;
#[cfg(unix)]
mod disk;
mod divergence;
mod locked;
mod memory;
#[cfg(unix)]
mod signals;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gpu_mlp::network::MlpSpec;
use gpu_mlp::training::checkpoint::load_state;

use crate::program::{Place, Ran};

/// A run whose saving takes a good part of its time, with everything that has a state.
const BUSY: [&str; 15] = [
    "train",
    "--data",
    "tiny",
    "--hidden",
    "128,128",
    "--batch-size",
    "4",
    "--momentum",
    "0.9",
    "--lr",
    "0.01",
    "--validation-fraction",
    "0.1",
    "--early-stopping",
    "1000000",
];

/// The run, in a folder, on the CPU.
fn busy<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BUSY[..], &["--backend", "cpu"], more].concat()
}

/// Half-written files in a folder.
fn leftovers(place: &Place, folder: &str) -> usize {
    place.names(folder).iter().filter(|name| name.ends_with(".part")).count()
}

/// Epochs that the checkpoint of a run has.
fn epochs_kept(place: &Place, run: &str) -> usize {
    let spec = MlpSpec::new(vec![16, 128, 128, 3]).unwrap();
    load_state(&place.path(run).join("checkpoint.safetensors"), &spec).unwrap().progress.epochs
}

/// A run that would take for ever, and has just finished an epoch.
struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts the command and waits until it has told of `epoch`.
    fn after_epoch(mut command: Command, epoch: usize) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, stdout };
        running.wait_for_epoch(epoch);
        running
    }

    fn wait_for_epoch(&mut self, epoch: usize) {
        let sign = format!("{{\"event\":\"epoch\",\"epoch\":{epoch},");
        let mut line = String::new();
        while !line.starts_with(&sign) {
            line.clear();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before epoch {epoch}");
        }
    }

    #[cfg(unix)]
    fn send(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// What it says until it ends by itself, which it is given two minutes for.
    fn end(mut self) -> Ran {
        let mut stdout = self.stdout;
        let out = std::thread::spawn(move || {
            let mut out = String::new();
            stdout.read_to_string(&mut out).unwrap();
            out
        });
        let ended = (0..1200).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            self.child.try_wait().unwrap().is_some()
        });
        if !ended {
            self.child.kill().unwrap();
        }
        let ran: Ran = self.child.wait_with_output().unwrap().into();
        assert!(ended, "it does not end: {}", ran.err);
        Ran { out: out.join().unwrap(), ..ran }
    }
}
