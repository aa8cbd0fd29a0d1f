//! The program `gpu-mlp`: parse, run, print errors, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    share_launches_finely();
    gpu_mlp::cli::main()
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
