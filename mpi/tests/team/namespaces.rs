//! Ranks on two machines that share nothing but a cable: two network namespaces with host names of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::{PROGRAM, Place, finish, lines, run, until};

/// Two namespaces and what connects them. Their names are those of the machines and of the ends of the cable.
struct Machines {
    names: [String; 2],
}

/// Enough for both ranks to notice that the other is gone.
const SOON: Duration = Duration::from_secs(30);

/// Where they find each other.
const ADDRESSES: [&str; 2] = ["10.213.77.1", "10.213.77.2"];
const NETWORK: &str = "10.213.77.0/24";

fn ip(args: &[&str]) -> bool {
    let quiet = Command::new("ip").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

impl Machines {
    /// Nothing without the rights to make them.
    fn new() -> Option<Self> {
        let names = ["a", "b"].map(|end| format!("gm{}{end}", std::process::id()));
        let machines = Self { names };
        let [a, b] = &machines.names;
        let connected = ip(&["netns", "add", a])
            && ip(&["netns", "add", b])
            && ip(&["link", "add", a, "netns", a, "type", "veth", "peer", "name", b, "netns", b])
            && machines.names.iter().zip(ADDRESSES).all(|(name, address)| {
                ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", name])
                    && ip(&["-n", name, "link", "set", "lo", "up"])
                    && ip(&["-n", name, "link", "set", name, "up"])
            });
        connected.then_some(machines)
    }

    /// One rank on each.
    fn ranks(&self, place: &Place, args: &[&str]) -> Command {
        let [a, b] = &self.names;
        let agent = place.path("agent");
        let start =
            format!("#!/bin/sh\nshift\nexec ip netns exec {b} unshare --uts sh -c \"hostname {b}; $*\"\n");
        fs::write(&agent, start).unwrap();
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", a, "unshare", "--uts", "sh", "-c"]);
        command.arg(format!("hostname {a}; exec mpirun \"$@\"")).arg("mpirun");
        let hosts = ADDRESSES.join(",");
        let agent = agent.display().to_string();
        let options = [["--host", &hosts], ["--bind-to", "none"], ["-n", "2"]];
        let settings = [
            ["plm_rsh_agent", &agent],
            ["btl", "tcp,self"],
            ["btl_tcp_if_include", NETWORK],
            ["oob_tcp_if_include", NETWORK],
        ];
        let mut all: Vec<&str> = options.concat();
        settings.iter().for_each(|[name, value]| all.extend(["--mca", name, value]));
        place.mpirun_by(command, &[&all[..], &[PROGRAM], args].concat())
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            // `mpirun` and its daemon wait long for each other.
            let pids = Command::new("ip").args(["netns", "pids", name]).output();
            let pids = pids.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            for pid in pids.unwrap_or_default().lines() {
                let _ = Command::new("kill").args(["-KILL", pid]).status();
            }
            ip(&["netns", "del", name]);
        }
    }
}

#[test]
fn two_machines_train_as_one_and_a_broken_cable_ends_both() {
    let place = Place::new();
    let Some(machines) = Machines::new() else {
        eprintln!("skipped: two network namespaces need the rights to make them");
        return;
    };
    let train = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "classes.csv",
        "--batch-size",
        "8",
        "--hidden",
        "7",
        "--json",
    ];
    let some = |out: &'static str| [&train[..], &["--epochs", "6", "--out", out]].concat();
    let loss = |printed: &str| lines(printed).last().unwrap()["test_loss"].as_f64().unwrap();
    let want = loss(&run(place.alone(&some("alone"))).ok());
    let got = loss(&run(machines.ranks(&place, &some("both"))).ok());
    assert!((got - want).abs() < 2e-4 * want, "{got} is not {want}");

    let long = [&train[..], &["--epochs", "100000", "--out", "out"]].concat();
    let child = machines.ranks(&place, &long).spawn().unwrap();
    until("a checkpoint", || place.path("out/checkpoint.safetensors").exists());
    let [a, _] = &machines.names;
    assert!(ip(&["-n", a, "link", "set", a, "down"]));
    let cut = Instant::now();
    until("the end of both ranks", || [0, 1].iter().all(|&rank| place.process_of(rank).is_none()));
    assert!(cut.elapsed() < SOON, "{:?}", cut.elapsed());
    // `mpirun` itself still waits for the other machine.
    drop(machines);
    let ran = finish(child);
    assert!(ran.err.contains("rank 1 has not been heard of"), "{ran:#?}");
    let done = place.lines("out/metrics.jsonl").len() - 1;
    run(place.alone(&["train", "--resume", "out", "--epochs", &(done + 1).to_string(), "--quiet"])).ok();
}
