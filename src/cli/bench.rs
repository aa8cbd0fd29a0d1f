//! `gpu-mlp bench`: where the time goes, on this machine's GPU and CPU.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::choice::{self, DeviceChoice, Hidden};
use super::output::{json, note, say, thousands};
use super::{interrupt, number};
use crate::checks::bench::{
    self, Clock, DeviceReport, Epoch, FormTime, KernelTime, Observer, Options, Report, StepTime, Sweep,
    TinyNetwork,
};
use crate::error::Result;

const ABOUT: &str = "\
Times a training step of one network, kernel by kernel, steps of two tiny networks, and epochs of 784-W-W-10 networks for many
widths W and batch sizes. It needs no data; it trains on the built-in digits. docs/performance.md says how each figure is measured.

Examples:
  gpu-mlp bench
  gpu-mlp bench --backend vulkan --batch-size 512 --seconds 120
  gpu-mlp bench --hidden 4096,4096 --json";

/// Benchmark this machine: kernels, steps and epochs on its GPU and CPU.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub struct BenchArgs {
    #[command(flatten)]
    device: DeviceChoice,
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    hidden: Hidden,
    /// Samples per batch
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = number::whole::<usize>)]
    batch_size: usize,
    /// Approximate time limit; with less time, slow cells are left out
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = number::real::<f64>)]
    seconds: f64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs `gpu-mlp bench`; returns the exit code.
///
/// # Errors
/// Options that cannot be meant, or what the device reports.
pub fn run(args: &BenchArgs) -> Result<u8> {
    args.device.check()?;
    // Weights, their transpose, and copies on the way to an engine.
    args.hidden.require_memory(16)?;
    let options =
        Options { hidden: args.hidden.0.clone(), batch_size: args.batch_size, seconds: args.seconds };
    let report = pollster::block_on(async {
        let (device, notice) = args.device.open().await?;
        if let Some(notice) = notice {
            note(&notice);
        }
        interrupt::listen("stopping with the measurements so far; Ctrl-C again stops at once");
        let mut watcher = Watcher::new();
        let report = bench::run(&device, &options, &mut watcher).await;
        watcher.bar.finish_and_clear();
        report
    })?;
    let text = if args.json { json(&report)? } else { human(&report) };
    say(text.trim_end());
    Ok(if report.interrupted { interrupt::exit_code() } else { 0 })
}

/// Shows on a terminal what is measured now.
struct Watcher {
    bar: ProgressBar,
}

impl Watcher {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} {elapsed} measuring {msg}");
        let bar =
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar }
    }
}

impl Observer for Watcher {
    fn should_stop(&self) -> bool {
        interrupt::asked()
    }

    fn progress(&mut self, now: &str) {
        self.bar.set_message(now.to_owned());
    }
}

/// The headline, a table for each device, and the table of epochs.
fn human(report: &Report) -> String {
    let mut lines = vec![headline(report)];
    for device in &report.devices {
        lines.push(String::new());
        lines.extend(device_table(device));
    }
    if !report.interrupted && report.devices.iter().all(|device| device.engine.backend != "cpu") {
        lines.extend([String::new(), "cpu: its steps are too slow for the time given".into()]);
    }
    lines.extend(forms_line(&report.forms));
    lines.push(String::new());
    lines.extend(tiny_table(&report.tiny));
    lines.push(String::new());
    lines.extend(sweep_table(&report.sweep, report.devices.first().map_or("gpu", |d| &d.engine.backend)));
    lines.join("\n")
}

fn headline(report: &Report) -> String {
    let speed = |device: &DeviceReport| {
        format!("{} {} samples/s", device.engine.backend, thousands(device.step.samples_per_second as usize))
    };
    let speeds: Vec<String> = report.devices.iter().map(speed).collect();
    let speeds = if speeds.is_empty() { "nothing measured".to_owned() } else { speeds.join(", ") };
    format!("{}, batch {}: {speeds}.{}", sizes(&report.layers), report.batch_size, verdict(&report.sweep))
}

/// Where the crossover lies, in words.
fn verdict(sweep: &Sweep) -> String {
    let Some(crossover) = &sweep.crossover else { return String::new() };
    let mflop = |flops: u64| thousands((flops as f64 / 1e6).round() as usize);
    match (crossover.smallest_gpu_win, crossover.largest_cpu_win) {
        (None, _) => " The CPU wins everywhere measured.".into(),
        (_, None) => " The GPU wins everywhere measured.".into(),
        (Some(gpu), Some(cpu)) => format!(
            " The GPU wins in {} of {} cells, the smallest with {} MFLOP per step; the CPU wins up to {} MFLOP.",
            crossover.gpu_wins,
            crossover.cells,
            mflop(gpu),
            mflop(cpu)
        ),
    }
}

/// Peak, kernels, and how the step's time divides.
fn device_table(device: &DeviceReport) -> Vec<String> {
    let DeviceReport { engine, clock, peak, kernels, step } = device;
    let [rows, ins, outs] = peak.matmul;
    let copy = peak.copy.as_ref().map(|copy| {
        format!(", {:.1} GB/s (copy of {} MiB, read + written)", copy.gigabytes_per_second, copy.bytes >> 20)
    });
    let mut lines = vec![
        format!("{}: {}; kernels by {}", engine.backend, engine.adapter, clock_name(*clock)),
        format!("peak {:.1} GFLOP/s (product {rows}x{ins}x{outs}){}", peak.gflops, copy.unwrap_or_default()),
        row(["kernel", "shape", "µs/launch", "µs/step", "of step", "rate", "of peak"]),
    ];
    lines.extend(kernels.iter().map(|kernel| kernel_row(kernel, step)));
    lines.extend(rest(step).into_iter().map(|(what, time)| {
        row([what, "", "", &format!("{time:.1}"), &percent(time / step.microseconds), "", ""])
    }));
    let host = step.host_microseconds.zip(step.launches).zip(step.steps_per_submission);
    lines.extend(host.map(|((host, launches), steps)| {
        format!(
            "launches per step: {launches}; steps per submission: {steps}; the host works for {host:.1} µs per step, in \
             parallel to the device"
        )
    }));
    lines
}

fn row([name, shape, launch, step, share, rate, of_peak]: [&str; 7]) -> String {
    let line = format!("{name:<27}{shape:>14}{launch:>13}{step:>11}{share:>9}{rate:>16}{of_peak:>9}");
    line.trim_end().to_owned()
}

fn kernel_row(kernel: &KernelTime, step: &StepTime) -> String {
    let shape: Vec<String> = kernel.shape.iter().map(usize::to_string).collect();
    let rate = match (kernel.gflops, kernel.gigabytes_per_second) {
        (Some(gflops), _) => format!("{gflops:.1} GFLOP/s"),
        (None, Some(bytes)) => format!("{bytes:.1} GB/s"),
        (None, None) => String::new(),
    };
    row([
        &kernel.kernel,
        &shape.join("x"),
        &format!("{:.1}", kernel.microseconds),
        &format!("{:.1}", kernel.microseconds_per_step),
        &percent(kernel.microseconds_per_step / step.microseconds),
        &rate,
        &kernel.of_peak.map(percent).unwrap_or_default(),
    ])
}

fn percent(part: f64) -> String {
    format!("{:.0} %", 100.0 * part)
}

/// What of a step is no kernel, and the step.
fn rest(step: &StepTime) -> Vec<(&'static str, f64)> {
    let kernels = step.kernels_microseconds;
    let mut rows = match step.device_microseconds {
        Some(device) => {
            vec![("between kernels", device - kernels), ("device idle", step.microseconds - device)]
        }
        None => vec![("all else", step.microseconds - kernels)],
    };
    rows.push(("step", step.microseconds));
    rows
}

fn clock_name(clock: Clock) -> &'static str {
    match clock {
        Clock::DeviceTimestamps => "the device's timestamps",
        Clock::WallClock => "the wall clock over many repetitions",
    }
}

/// The forms of a product, if any were measured.
fn forms_line(forms: &[FormTime]) -> Vec<String> {
    let Some(FormTime { shape: [rows, ins, outs], .. }) = forms.first() else { return Vec::new() };
    let told = forms.iter().map(|form| format!("{} {:.1}", form.form, form.gflops)).collect::<Vec<_>>();
    vec![String::new(), format!("forms of the product {rows}x{ins}x{outs}, GFLOP/s: {}", told.join(", "))]
}

/// A row for each network, a column for each way to take its steps.
fn tiny_table(networks: &[TinyNetwork]) -> Vec<String> {
    let head = ["tiny networks, µs/step", "batch", "one launch for many", "launches for each", "cpu"];
    let line = |[name, batch, one, each, cpu]: [&str; 5]| {
        format!("{name:<27}{batch:>6}{one:>22}{each:>20}{cpu:>10}")
    };
    let rows = networks.iter().map(|network| {
        let told = |time: Option<f64>| time.map_or_else(|| "-".into(), |time| format!("{time:.1}"));
        let batch = network.batch_size.to_string();
        let times = [network.one_launch, network.launches, Some(network.cpu)].map(told);
        line([&sizes(&network.layers), &batch, &times[0], &times[1], &times[2]])
    });
    std::iter::once(line(head)).chain(rows).collect()
}

fn sizes(layers: &[usize]) -> String {
    layers.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

/// A row for each batch and device, a column for each width.
fn sweep_table(sweep: &Sweep, gpu: &str) -> Vec<String> {
    let mut widths: Vec<usize> = sweep.cells.iter().map(|cell| cell.width).collect();
    widths.dedup();
    let columns: String = widths.iter().map(|width| format!("{:>10}", format!("W={width}"))).collect();
    let title = format!(
        "seconds per epoch of {} samples, measured on a part of it; {}",
        thousands(sweep.samples),
        sweep.family
    );
    let mut lines = vec![title, format!("{:<14}{columns}", "batch")];
    let mut batches: Vec<usize> = sweep.cells.iter().map(|cell| cell.batch_size).collect();
    batches.sort_unstable();
    batches.dedup();
    for batch in batches {
        let cells = || sweep.cells.iter().filter(move |cell| cell.batch_size == batch);
        if cells().any(|cell| cell.gpu.is_some()) {
            let epochs: String = cells().map(|cell| seconds(cell.gpu.as_ref())).collect();
            lines.push(format!("{batch:<6}{gpu:<8}{epochs}"));
        }
        let epochs: String = cells().map(|cell| seconds(Some(&cell.cpu))).collect();
        lines.push(format!("{batch:<6}{:<8}{epochs}", "cpu"));
    }
    lines.extend(reasons(sweep).map(|reasons| format!("-: {reasons}")));
    lines
}

/// Why cells have no figure, if any has none.
fn reasons(sweep: &Sweep) -> Option<String> {
    let epochs = sweep.cells.iter().flat_map(|cell| [cell.gpu.as_ref(), Some(&cell.cpu)]);
    let mut reasons: Vec<&str> = epochs
        .filter_map(|epoch| match epoch {
            Some(Epoch::Skipped { skipped }) => Some(*skipped),
            _ => None,
        })
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join(", or "))
}

fn seconds(epoch: Option<&Epoch>) -> String {
    match epoch.and_then(Epoch::seconds) {
        None => format!("{:>10}", "-"),
        Some(seconds) if seconds < 100.0 => format!("{seconds:>10.2}"),
        Some(seconds) => format!("{seconds:>10.0}"),
    }
}
