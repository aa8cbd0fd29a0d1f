//! `gpu-mlp gradcheck`: checks the gradients of this machine's GPU or CPU.

use super::choice::{self, DeviceChoice, Hidden};
use super::number;
use super::output::{json, note, say};
use crate::checks::gradcheck::{self, Checked, Problem};
use crate::error::{Error, Result};
use crate::network::{Activations, Loss, Task};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp gradcheck
  gpu-mlp gradcheck --backend vulkan --hidden 7,5 --activation gelu
  gpu-mlp gradcheck --loss squared-error";

/// Check the gradients of this machine's GPU or CPU against central differences of the loss in double precision.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GradcheckArgs {
    #[command(flatten)]
    device: DeviceChoice,
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "16,8", value_parser = choice::hidden)]
    hidden: Hidden,
    /// Activation after the hidden layers: one for all, or one for each, separated by commas
    #[arg(long, value_name = "NAMES", default_value_t = Activations::default(), value_parser = choice::activations)]
    activation: Activations,
    /// Loss to minimise
    #[arg(long, value_name = "NAME", default_value_t = Loss::default())]
    loss: Loss,
    /// Fraction of each label that is spread evenly over all classes
    #[arg(long, value_name = "E", default_value_t = 0.0, value_parser = number::part)]
    label_smoothing: f32,
    /// Seed of the weights and of the samples
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole::<u64>)]
    seed: u64,
    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = 13, value_parser = number::whole::<usize>)]
    batch: usize,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs `gpu-mlp gradcheck`; returns the exit code: 0 right, 1 wrong.
///
/// # Errors
/// Options that cannot be meant, or what the device reports.
pub fn run(args: &GradcheckArgs) -> Result<u8> {
    args.device.check()?;
    // Parameters and their gradient, in f32 and f64.
    args.hidden.require_memory(32)?;
    let mut problem =
        Problem::with_activation(&args.hidden.0, args.activation.clone(), args.batch, args.seed)?;
    if args.label_smoothing > 0.0 && args.loss.task() != Task::Classification {
        let problem = "--label-smoothing belongs to classes: leave it out, or leave --loss out";
        return Err(Error::usage(problem));
    }
    problem = problem.with_loss(args.loss)?;
    problem.label_smoothing = args.label_smoothing;
    let checked = pollster::block_on(check(args, &problem))?;
    let text = if args.json { json(&checked)? } else { human(&checked) };
    say(text.trim_end());
    Ok(u8::from(!checked.report.ok))
}

async fn check(args: &GradcheckArgs, problem: &Problem) -> Result<Checked> {
    let (device, notice) = args.device.open().await?;
    if let Some(notice) = notice {
        note(&notice);
    }
    gradcheck::check(problem, &device).await
}

/// The headline and the table.
fn human(checked: &Checked) -> String {
    let Checked { engine, report } = checked;
    let verdict = if report.ok { "are correct" } else { "are WRONG" };
    let mut lines = vec![format!("The gradients of {} ({}) {verdict}.", engine.adapter, engine.backend)];
    lines.push(format!(
        "{:<8} {:>8} {:>8} {:>6} {:>10} {:>10}",
        "tensor", "values", "checked", "kinks", "worst", "allowed"
    ));
    for row in &report.tensors {
        lines.push(format!(
            "{:<8} {:>8} {:>8} {:>6} {:>10.1e} {:>10.1e}  {}",
            row.tensor,
            row.values,
            row.checked,
            row.kinks,
            row.worst,
            row.allowed,
            if row.ok { "ok" } else { "WRONG" }
        ));
    }
    lines.join("\n")
}
