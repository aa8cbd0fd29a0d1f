//! `gpu-mlp bench` on the CPU: what it prints, what it refuses, how it ends early; and where a crossover lies.

use std::time::{Duration, Instant};

use gpu_mlp::checks::bench::{self, Crossover, Epoch, Observer, Options, SweepCell};
use gpu_mlp::engine::Device;
use serde_json::Value;

use crate::program::{Place, Ran};

/// `bench` on the CPU, with hardly any time.
fn bench(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["bench", "--backend", "cpu", "--seconds", "1"], args].concat())
}

#[track_caller]
fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!(number > 0.0, "{number}");
    number
}

#[track_caller]
fn about(a: f64, b: f64) {
    assert!((a / b - 1.0).abs() < 1e-9, "{a} and {b}");
}

#[test]
fn json_has_the_products_the_step_and_the_cells() {
    let mut reports = bench(&Place::new(), &["--hidden", "40,20", "--batch-size", "50", "--json"]).lines();
    let report = reports.pop().unwrap();
    assert!(reports.is_empty(), "one document");
    assert_eq!(report["layers"], serde_json::json!([784, 40, 20, 10]));
    assert_eq!((&report["batch_size"], &report["interrupted"]), (&50.into(), &false.into()));
    positive(&report["seconds"]);
    let devices = report["devices"].as_array().unwrap();
    let device = &devices[0];
    assert_eq!(
        (devices.len(), &device["backend"], &device["clock"]),
        (1, &"cpu".into(), &"wall_clock".into())
    );

    let peak = positive(&device["peak"]["gflops"]);
    let mut sum = 0.0;
    let mut products = Vec::new();
    for kernel in device["kernels"].as_array().unwrap() {
        let sizes: Vec<u64> =
            kernel["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let (took, gflops) = (positive(&kernel["microseconds"]), positive(&kernel["gflops"]));
        about(gflops, 2.0 * sizes.iter().product::<u64>() as f64 / took / 1e3);
        about(positive(&kernel["of_peak"]), gflops / peak);
        sum += took;
        products.push(format!("{} {}x{}", kernel["kernel"].as_str().unwrap(), sizes[1], sizes[2]));
        assert_eq!(sizes[0], 50);
    }
    let forward = ["forward 784x40", "forward 40x20", "forward 20x10"];
    let backward = ["backward 20x10", "backward 40x20"];
    let update = ["update 784x40", "update 40x20", "update 20x10"];
    assert_eq!(products, [&forward[..], &backward, &update].concat());

    let step = &device["step"];
    about(positive(&step["kernels_microseconds"]), sum);
    let flops = 50.0 * (4 * 784 * 40 + 6 * 40 * 20 + 6 * 20 * 10) as f64;
    about(positive(&step["gflops"]), flops / positive(&step["microseconds"]) / 1e3);
    about(positive(&step["samples_per_second"]), 50.0 / positive(&step["microseconds"]) * 1e6);
    assert_eq!(report["forms"], serde_json::json!([]), "of a GPU only");
    let tiny = report["tiny"].as_array().unwrap();
    let layers: Vec<&Value> = tiny.iter().map(|network| &network["layers"]).collect();
    assert_eq!(layers, [&serde_json::json!([4, 10, 3]), &serde_json::json!([64, 32, 10])]);
    for network in tiny {
        positive(&network["cpu_microseconds"]);
        assert!(network["one_launch_microseconds"].is_null() && network["launches_microseconds"].is_null());
    }
    for of_a_gpu in ["device_microseconds", "host_microseconds", "launches", "steps_per_submission"] {
        assert!(step[of_a_gpu].is_null(), "{of_a_gpu}");
    }
}

#[test]
fn every_cell_has_a_figure_or_a_reason() {
    let report = bench(&Place::new(), &["--json", "--hidden", ""]).lines().pop().unwrap();
    let sweep = &report["sweep"];
    assert_eq!((&sweep["family"], &sweep["samples"]), (&"784-W-W-10".into(), &60_000.into()));
    assert!(sweep["crossover"].is_null(), "there is no GPU");
    let cells = sweep["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 30);
    for cell in cells {
        let [w, batch] = ["width", "batch_size"].map(|key| cell[key].as_u64().unwrap());
        assert_eq!(cell["flops_per_step"], batch * (4 * 784 * w + 6 * w * w + 6 * w * 10));
        assert!(cell["gpu"].is_null());
        if cell["cpu"]["skipped"].is_null() {
            positive(&cell["cpu"]["seconds"]);
            assert_eq!(cell["cpu"]["samples_timed"].as_u64().unwrap() % batch, 0, "whole batches");
        } else {
            assert_eq!(cell["cpu"]["skipped"], "too slow for the time given");
        }
    }
    assert!(cells[0]["cpu"]["skipped"].is_null(), "the smallest is measured in any case: {sweep}");
    let largest = &cells[29];
    assert_eq!((&largest["width"], &largest["batch_size"]), (&4096.into(), &8192.into()));
    assert!(largest["cpu"]["skipped"].is_string(), "nearly 10^12 operations a step do not fit: {largest}");
}

#[test]
fn people_get_the_headline_and_tables() {
    let out = bench(&Place::new(), &["--hidden", "30", "--batch-size", "16"]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("784-30-10, batch 16: cpu ") && lines[0].ends_with(" samples/s."), "{out}");
    for fragment in [
        "\ncpu: ",
        "\npeak ",
        "µs/step",
        "16x784x30",
        "\nall else",
        "\ntiny networks, µs/step",
        "\n64-32-10",
        "\nstep",
        "\nbatch ",
        "W=4096\n",
        "\n8192  cpu",
        "\n-: too slow for the time given",
    ] {
        assert!(out.contains(fragment), "`{fragment}` is not in: {out}");
    }
    let table: Vec<&str> = lines.iter().copied().skip_while(|line| !line.starts_with("kernel")).collect();
    let width = table[0].chars().count();
    assert!(table[1..6].iter().all(|line| line.chars().count() == width), "columns that line up: {out}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let place = Place::new();
    bench(&place, &["--batch-size", "0"]).fails(2, &["--batch-size 0", "1 to 10000"]);
    bench(&place, &["--batch-size", "10001"]).fails(2, &["--batch-size 10001", "1 to 10000"]);
    bench(&place, &["--hidden", "0"]).fails(2, &["--hidden"]);
    bench(&place, &["--adapter", "x"]).fails(2, &["--adapter x"]);
    let number = "expected a number such as 0.1";
    for (seconds, wanted) in
        [("0", "a number above 0"), ("-1", "a number above 0"), ("nan", number), ("inf", number)]
    {
        place.run(&["bench", "--backend", "cpu", "--seconds", seconds]).fails(2, &["--seconds", wanted]);
    }
    place
        .run(&["bench", "--adapter", "nosuchadapter"])
        .fails(3, &["no adapter for adapter \"nosuchadapter\""]);
    place.run(&["bench", "--backend", "cuda"]).fails(2, &["cuda"]);
}

/// Somebody who has had enough after so many looks.
struct Impatient(std::cell::Cell<usize>);

impl Observer for Impatient {
    fn should_stop(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }

    fn progress(&mut self, _: &str) {}
}

#[test]
fn whoever_ends_it_early_gets_what_there_is() {
    let options = Options { hidden: vec![30], batch_size: 16, seconds: 300.0 };
    for looks in [1, 50] {
        let begun = Instant::now();
        let report =
            pollster::block_on(bench::run(&Device::Cpu, &options, &mut Impatient(looks.into()))).unwrap();
        assert!(report.interrupted && begun.elapsed() < Duration::from_secs(60), "{looks} looks");
        assert_eq!(report.devices, []);
        assert_eq!(report.sweep.cells.len(), 30);
        assert!(report.sweep.cells.iter().all(|cell| cell.cpu == Epoch::Skipped { skipped: "interrupted" }));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_its_own_exit_code() {
    let place = Place::new();
    let mut command = place.command(&["bench", "--backend", "cpu", "--seconds", "600", "--json"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(child.try_wait().unwrap().is_none(), "it has ten minutes to go");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.err.contains("stopping with the measurements so far"), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["interrupted"], true);
}

#[test]
fn a_crossover_lies_between_what_was_measured_on_both() {
    let measured = |seconds| Epoch::Measured { seconds, samples_timed: 1 };
    let skipped = Epoch::Skipped { skipped: "too slow for the time given" };
    let cell =
        |flops_per_step, gpu, cpu| SweepCell { width: 1, batch_size: 1, flops_per_step, gpu: Some(gpu), cpu };
    let slow = cell(10, measured(2.0), measured(1.0));
    let fast = cell(30, measured(1.0), measured(2.0));
    let fast_too = cell(20, measured(1.0), measured(1.5));
    let exception = cell(40, measured(1.1), measured(1.0));
    let unknown = [cell(1, skipped.clone(), measured(1.0)), cell(2, measured(1.0), skipped.clone())];
    assert_eq!(Crossover::of(&unknown), None);
    let no_gpu = SweepCell { gpu: None, ..slow.clone() };
    assert_eq!(Crossover::of(&[no_gpu]), None);
    let of = |cells: &[SweepCell]| {
        let found = Crossover::of(&[cells, &unknown].concat()).unwrap();
        (found.cells, found.gpu_wins, found.smallest_gpu_win, found.largest_cpu_win)
    };
    assert_eq!(of(std::slice::from_ref(&slow)), (1, 0, None, Some(10)));
    assert_eq!(of(&[fast.clone(), fast_too.clone()]), (2, 2, Some(20), None));
    assert_eq!(of(&[slow, fast, fast_too, exception]), (4, 2, Some(20), Some(40)));
}
