//! `gpu-mlp devices`: the adapters of this machine, and which one `train` would use.

use serde::Serialize;

use super::choice::{DeviceChoice, Found};
use super::output::{json, note, say, thousands};
use crate::error::Result;
use crate::gpu::Backend;
use crate::gpu::adapter::{self, Adapter, AdapterSummary};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp devices
  gpu-mlp devices --backend vulkan --json";

/// List the adapters of this machine, and which one `train` would use.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DevicesArgs {
    #[command(flatten)]
    choice: DeviceChoice,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    adapters: &'a [AdapterSummary],
    /// Interfaces that this build has on this platform.
    backends: Vec<Backend>,
    /// The index of the adapter that `train` would take with the same options; null for the CPU.
    chosen: Option<usize>,
    notice: Option<String>,
}

/// Runs `gpu-mlp devices`.
///
/// # Errors
/// As the choice of a device.
pub fn run(args: &DevicesArgs) -> Result<()> {
    let listed = pollster::block_on(adapter::list(&Backend::ALL));
    let adapters: Vec<AdapterSummary> = listed.into_iter().map(|adapter| adapter.summary).collect();
    if !args.json {
        print(&adapters);
    }
    let (device, notice) = pollster::block_on(args.choice.find())?;
    let chosen = match &device {
        Found::Cpu => None,
        Found::Gpu(adapter) => Some(adapter.summary.index),
    };
    if args.json {
        let backends = Backend::ALL.into_iter().filter(|backend| backend.is_built_in()).collect();
        say(&json(&Listing { adapters: &adapters, backends, chosen, notice })?);
        return Ok(());
    }
    say(&match &device {
        Found::Cpu => format!("chosen: the CPU, {} threads", rayon::current_num_threads()),
        Found::Gpu(Adapter { summary, .. }) => format!("chosen: {}: {}", summary.index, summary.name),
    });
    if let Some(notice) = notice {
        note(&notice);
    }
    Ok(())
}

fn print(adapters: &[AdapterSummary]) {
    let mib = |bytes: u64| format!("{} MiB", thousands((bytes >> 20) as usize));
    if adapters.is_empty() {
        say("no adapters: no driver for Vulkan, Metal, DirectX 12 or OpenGL was found");
    }
    for adapter in adapters {
        say(&format!("{}: {}", adapter.index, adapter.name));
        say(&format!("   {}, {}, driver {}", adapter.backend, adapter.device_type.name(), adapter.driver));
        say(&format!(
            "   compute shaders: {}; largest binding {}, largest buffer {}, {} storage buffers a shader, \
             workgroups of {} invocations and {} KiB",
            if adapter.compute { "yes" } else { "no" },
            mib(adapter.max_storage_buffer_binding_size),
            mib(adapter.max_buffer_size),
            adapter.max_storage_buffers_per_shader_stage,
            adapter.max_compute_invocations_per_workgroup,
            adapter.max_compute_workgroup_storage_size >> 10,
        ));
    }
}
