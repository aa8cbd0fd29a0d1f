//! The command line: one file for each subcommand. Only this module prints, and only this module waits for a device,
//! with `pollster`.

mod agreement;
mod apart;
mod bench;
mod choice;
mod company;
#[cfg(feature = "tui")]
pub mod dashboard;
pub mod data;
mod devices;
mod doctor;
mod eval;
mod export;
mod gradcheck;
mod import;
mod interrupt;
mod loading;
mod lr_find;
mod manual;
mod measure;
mod number;
mod output;
mod parts;
mod pictures;
mod predict;
mod replay;
mod report;
mod runs;
mod selftest;
mod show;
mod side_by_side;
mod spread;
mod sweep;
mod table;
mod text_tables;
mod threshold;
mod trace;
mod train;
mod values;
mod web;

pub use company::{Company, Dealer};
pub use output::told;
pub use train::config_file;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Result;

const EXIT_CODES: &str = "\
Examples:
  gpu-mlp train
  gpu-mlp doctor mine.npz

Exit codes:
  0    success
  1    a check failed: doctor, trace --compare, gradcheck or selftest found a difference; data verify a damaged part; or predict could not read some inputs
  2    wrong usage, or input that cannot be read
  3    no usable adapter
  4    the GPU failed or was lost
  5    training diverged: the loss is no longer a number
  70   a bug in gpu-mlp
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by a closed terminal); a run in training is saved first

Environment:
  GPU_MLP_DATA_DIR   folder of data sets
  WGPU_BACKEND, WGPU_ADAPTER_NAME   used like --backend and --adapter where those are not given
  WGPU_POWER_PREF    low prefers an integrated GPU; wgpu's other variables work too
  RUST_LOG           what to log to standard error, such as info or gpu_mlp=debug
  NO_COLOR           no colours in messages";

/// Train multi-layer perceptrons on any GPU.
#[derive(Debug, Parser)]
#[command(name = "gpu-mlp", version, about, after_help = EXIT_CODES, infer_long_args = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network, or resume a run
    Train(Box<train::TrainArgs>),
    /// Train with many options side by side, and compare them
    Sweep(Box<sweep::SweepArgs>),
    /// Find a learning rate: train a little with each of many, and suggest one
    LrFind(Box<lr_find::LrFindArgs>),
    /// List the runs in a folder, or compare some of them
    Runs(runs::RunsArgs),
    /// Evaluate a trained network: loss, accuracy, confusion matrix
    Eval(eval::EvalArgs),
    /// Write an HTML report of a run (curves, confusion matrix, mistakes, weights), or compare several
    Report(report::ReportArgs),
    /// Predict the classes of inputs: images, .npy, CSV, or a stream of rows
    Predict(predict::PredictArgs),
    /// Export a trained network as safetensors for PyTorch, as ONNX, or as NumPy arrays
    Export(export::ExportArgs),
    /// Import a network from PyTorch (safetensors), ONNX or NumPy (.npz)
    Import(import::ImportArgs),
    /// List the adapters of this machine, and which one `train` would use
    Devices(devices::DevicesArgs),
    /// Find the bug in a hand-written backpropagation, from its numbers
    Doctor(doctor::DoctorArgs),
    /// Write the correct values of every tensor of a step, or compare your own with them
    Trace(trace::TraceArgs),
    /// Check the gradients of this machine's GPU or CPU against central differences
    Gradcheck(gradcheck::GradcheckArgs),
    /// Test every kernel on this machine's GPUs, or its CPU, against double precision
    Selftest(selftest::SelftestArgs),
    /// Train correctly and again with a bug: what the bug does to loss and accuracy, as a plot and a table
    Replay(replay::ReplayArgs),
    /// Benchmark this machine: kernels, steps and epochs on its GPU and CPU
    Bench(bench::BenchArgs),
    /// Make, fetch, list, inspect and cut up data sets
    Data(data::DataArgs),
    /// Serve the site: the doctor and the trainer in a browser's tab
    Web(web::WebArgs),
    /// Print shell completions of subcommands and options
    Completions(manual::CompletionsArgs),
    /// Write a manual page for each subcommand
    Man(manual::ManArgs),
}

/// All subcommands and options of the program.
pub fn command() -> clap::Command {
    // `--seed -1` is a wrong number, and not the unknown option `-1`.
    let numbers = |arg: clap::Arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    };
    Cli::command().mut_subcommands(move |command| command.mut_args(numbers))
}

/// Runs the program with arguments, of which the first is its own name, and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    run(&command().get_matches_from(arguments), None).unwrap_or_else(|error| {
        output::complain(&format!("error: {}", told(&error)));
        error.exit_code()
    })
}

/// Runs the program with arguments of [`command`], and returns its exit code. Processes in company run `train` and `sweep`
/// together; only rank 0 speaks.
///
/// # Errors
/// What the subcommand reports.
pub fn run(matches: &clap::ArgMatches, company: Option<Company<'_>>) -> Result<u8> {
    listen_to_log();
    #[cfg(feature = "parquet")]
    quiet_reader();
    if company.is_some_and(|company| !company.teamwork.leads()) {
        output::mute();
    }
    let cli = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    dispatch(cli.command, matches, company)
}

/// Sends the log of the library and others to standard error, in colours if that is a terminal.
fn listen_to_log() {
    let environment = env_logger::Env::default().default_filter_or("error,wgpu=off,naga=off");
    let mut builder = env_logger::Builder::from_env(environment);
    builder.target(env_logger::Target::Pipe(Box::new(output::Log)));
    if std::env::var_os("RUST_LOG_STYLE").is_none() && console::colors_enabled_stderr() {
        builder.write_style(env_logger::WriteStyle::Always);
    }
    builder.init();
}

/// Hides panics of the Parquet reader: a damaged file ends with an error message, and the panic would not help anybody.
#[cfg(feature = "parquet")]
fn quiet_reader() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(crate::data::PARQUET_THREAD) {
            report(panic);
        }
    }));
}

fn dispatch(asked: Command, matches: &clap::ArgMatches, company: Option<Company<'_>>) -> Result<u8> {
    if let Some((_, command)) = matches.subcommand() {
        choice::make_threads(command)?;
    }
    match asked {
        Command::Train(args) => {
            let given = matches.subcommand_matches("train").map(train::given).unwrap_or_default();
            train::run(&args, &given, company.map(|company| company.teamwork))
        }
        Command::Sweep(args) => {
            let given = matches.subcommand_matches("sweep").map(train::given).unwrap_or_default();
            sweep::run(&args, &given, company)
        }
        Command::LrFind(args) => {
            let given = matches.subcommand_matches("lr-find").map(train::given).unwrap_or_default();
            lr_find::run(&args, &given)
        }
        Command::Runs(args) => runs::run(&args).map(|()| 0),
        Command::Eval(args) => eval::run(&args).map(|()| 0),
        Command::Report(args) => report::run(&args).map(|()| 0),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args).map(|()| 0),
        Command::Import(args) => import::run(&args).map(|()| 0),
        Command::Devices(args) => devices::run(&args).map(|()| 0),
        Command::Doctor(args) => doctor::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Gradcheck(args) => gradcheck::run(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Data(args) => data::run(args),
        Command::Web(args) => web::run(&args).map(|()| 0),
        Command::Completions(args) => manual::completions(&args, command()).map(|()| 0),
        Command::Man(args) => manual::pages(&args, command()).map(|()| 0),
    }
}
