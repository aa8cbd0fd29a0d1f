//! The program `gpu-mlp`: parse, run, say what went wrong, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpu_mlp::cli::main()
}
