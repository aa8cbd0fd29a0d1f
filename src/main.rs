//! The program `gpu-mlp`.

use clap::Parser;
use gpu_mlp::cli::doctor::{self, DoctorArgs};
use std::process::ExitCode;

#[derive(Parser)]
#[command(version, about)]
enum Command {
    Doctor(DoctorArgs),
}

fn main() -> ExitCode {
    let Command::Doctor(args) = Command::parse();
    match doctor::run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
