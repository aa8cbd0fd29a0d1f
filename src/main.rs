//! Parse, run, print the error, exit.

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "gpu-mlp", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make, fetch and list data sets
    Data(gpu_mlp::cli::data::DataArgs),
}

fn main() -> ExitCode {
    let Command::Data(args) = Cli::parse().command;
    match gpu_mlp::cli::data::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
