//! `gpu-mlp selftest`: tests whether this machine's GPU or CPU computes correctly.

use serde::Serialize;

use super::choice::DeviceChoice;
use super::output::{complain, json, note, say, told};
use crate::checks::selftest::{self, Report, Row};
use crate::engine::Device;
use crate::error::{Error, Result};
use crate::gpu::adapter::{self, Adapter};
use crate::gpu::{Backend, Gpu};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp selftest
  gpu-mlp selftest --all --json
  gpu-mlp selftest --backend vulkan --adapter 0";

/// Test every kernel, and whole training steps, on this machine's GPU or CPU against double precision.
///
/// The CPU engine has no separate kernels; only its training steps are tested.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SelftestArgs {
    #[command(flatten)]
    device: DeviceChoice,
    /// Test every adapter of this machine, one after the other, and the CPU
    #[arg(long, conflicts_with_all = ["backend", "adapter"])]
    all: bool,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The results of all devices.
#[derive(Serialize)]
struct Outcome {
    ok: bool,
    devices: Vec<Report>,
    /// Adapters that could not be tested, and why.
    skipped: Vec<Skipped>,
}

#[derive(Serialize)]
struct Skipped {
    backend: Backend,
    adapter: String,
    reason: String,
}

/// Runs `gpu-mlp selftest`; returns the exit code: 0 all right, 1 something wrong.
///
/// # Errors
/// As the choice of a device.
pub fn run(args: &SelftestArgs) -> Result<u8> {
    args.device.check()?;
    let mut outcome = Outcome { ok: true, devices: Vec::new(), skipped: Vec::new() };
    pollster::block_on(async {
        if args.all { all(args, &mut outcome).await } else { one(args, &mut outcome).await }
    })?;
    outcome.ok = outcome.devices.iter().all(|report| report.ok);
    if args.json {
        say(&json(&outcome)?);
    }
    Ok(u8::from(!outcome.ok))
}

impl Outcome {
    /// Keeps a report, which people read as soon as it is there.
    fn add(&mut self, args: &SelftestArgs, report: Report) {
        if !args.json {
            say(&human(&report));
        }
        self.devices.push(report);
    }
}

async fn one(args: &SelftestArgs, outcome: &mut Outcome) -> Result<()> {
    let (device, notice) = args.device.open().await?;
    if let Some(notice) = notice {
        note(&notice);
    }
    outcome.add(args, selftest::on(&device).await);
    Ok(())
}

async fn all(args: &SelftestArgs, outcome: &mut Outcome) -> Result<()> {
    for Adapter { summary, .. } in adapter::list(&Backend::ALL).await {
        // One device at a time, and each adapter is looked up again: drivers crash if many are open at once.
        let request = adapter::Request { adapter: Some(summary.index.to_string()), ..Default::default() };
        let opened = match adapter::find(&request).await {
            Ok(Some(adapter)) => Gpu::open(&adapter).await,
            Ok(None) => Err(Error::no_adapter("it has disappeared")),
            Err(error) => Err(error),
        };
        match opened {
            Ok(gpu) => outcome.add(args, selftest::on(&Device::Gpu(gpu)).await),
            Err(error) => {
                let reason = told(&error);
                complain(&format!("skipped: {} ({}): {reason}", summary.name, summary.backend));
                outcome.skipped.push(Skipped { backend: summary.backend, adapter: summary.name, reason });
            }
        }
    }
    outcome.add(args, selftest::on(&Device::Cpu).await);
    Ok(())
}

/// The headline and the table.
fn human(report: &Report) -> String {
    let Report { engine, ok, seconds, rows } = report;
    let wrong = rows.iter().filter(|row| !row.ok).count();
    let verdict = match (ok, wrong) {
        (true, _) => "computes correctly".into(),
        (false, wrong) => format!("computes WRONG values: {wrong} of {} checks failed", rows.len()),
    };
    let mut lines = vec![format!("{} ({}) {verdict} ({seconds:.1} s).", engine.adapter, engine.backend)];
    let width = rows.iter().map(|row| row.kernel.len()).fold("kernel".len(), usize::max);
    lines.push(format!(
        "{:<width$} {:>7} {:<13} {:>10} {:>10}",
        "kernel", "shapes", "largest", "worst", "allowed"
    ));
    for row in rows {
        lines.push(format!(
            "{:<width$} {:>7} {:<13} {:>10.1e} {:>10.1e}  {}",
            row.kernel,
            row.shapes.len(),
            largest(row),
            row.worst,
            row.allowed,
            if row.ok { "ok" } else { "WRONG" }
        ));
        if let Some(wrong) = &row.wrong {
            lines.push(format!("    {wrong}"));
        }
    }
    lines.join("\n")
}

/// The shape with the most values.
fn largest(row: &Row) -> String {
    let largest = row.shapes.iter().max_by_key(|shape| shape.iter().product::<usize>());
    let words = largest.map(|shape| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"));
    words.unwrap_or_else(|| "none".into())
}
