//! Networks and batches that no machine like this one holds.

use crate::program::Place;

/// What the machine has, in GiB.
fn machine() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    (system.total_memory() + system.total_swap()) >> 30
}

#[test]
fn a_network_too_large_for_the_machine_is_refused_before_it_is_made() {
    let place = Place::new();
    // 60,000 x 60,000 weights of 4 bytes, four times at least: 54 GiB.
    if machine() >= 53 {
        return eprintln!("skipped: this machine has {} GiB", machine());
    }
    for more in [&["--hidden", "60000,60000"][..], &["--hidden", "60000,60000", "--optimizer", "adam"]] {
        let ran = place.train(&[&["--batch-size", "8", "--out", "a"], more].concat());
        ran.fails(2, &["needs about", "GiB of memory, and", "are available", "smaller --hidden"]);
    }
    assert!(!place.path("a").exists(), "and leaves no folder behind");
    for command in [
        &["gradcheck", "--backend", "cpu"][..],
        &["replay", "--bug", "softmax-jacobian", "--data", "tiny"],
        &["bench", "--backend", "cpu"],
    ] {
        let ran = place.run(&[command, &["--hidden", "60000,60000"]].concat());
        ran.fails(2, &["needs about", "are available", "smaller --hidden"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_granted_less_is_told_so() {
    let place = Place::new();
    // 100 million weights with Adam's moments want 5.5 GB; there are 2.5 GB of address space.
    let program = env!("CARGO_BIN_EXE_gpu-mlp");
    let args = ["train", "--backend", "cpu", "--data", "tiny", "--batch-size", "8", "--hidden", "9000,11000"];
    let args = [&args[..], &["--optimizer", "adam"]].concat();
    let limited = "ulimit -v 2500000 && exec \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args([&["-c", limited, "sh", program], &args[..]].concat());
    let ran: crate::program::Ran =
        command.current_dir(place.path("")).env("HOME", place.path("home")).output().unwrap().into();
    ran.fails(2, &["needs about", "the system allows this process less", "smaller --hidden"]);
}
