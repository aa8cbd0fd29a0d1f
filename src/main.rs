//! The program `gpu-mlp`: parse, run, print errors, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    share_launches_finely();
    do_without_a_desktop();
    ExitCode::from(gpu_mlp::cli::main(std::env::args_os()))
}

/// Has lavapipe use twice as many threads as there are cores, unless the user has asked for another number.
///
/// It deals a launch's workgroups out in equal parts, one a thread, so with a thread a core the slower core decides when
/// the launch ends (docs/performance.md, lavapipe). Other drivers do not look at this variable.
#[allow(unsafe_code)]
fn share_launches_finely() {
    const VARIABLE: &str = "LP_NUM_THREADS";
    if let (None, Ok(cores)) = (std::env::var_os(VARIABLE), std::thread::available_parallelism()) {
        // SAFETY: nothing may read or write the environment meanwhile, and this is the program's only thread.
        unsafe { std::env::set_var(VARIABLE, (2 * cores.get()).to_string()) };
    }
}

/// Has Mesa's Vulkan layer not look for the GPU of a desktop that is not there, unless the user chooses a GPU by that layer.
///
/// Each listing of adapters has it connect to the Wayland compositor, and without `XDG_RUNTIME_DIR` the Wayland library prints
/// errors on standard error. The layer only puts the desktop's GPU first.
#[allow(unsafe_code)]
fn do_without_a_desktop() {
    const OFF: &str = "NODEVICE_SELECT";
    let is_set = |variable: &str| std::env::var_os(variable).is_some();
    let has_desktop =
        std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| std::path::Path::new(&folder).is_absolute());
    if !has_desktop && !is_set("MESA_VK_DEVICE_SELECT") && !is_set(OFF) {
        // SAFETY: as above.
        unsafe { std::env::set_var(OFF, "1") };
    }
}
