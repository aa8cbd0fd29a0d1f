//! The program `gpu-mlp-mpi`: the commands of `gpu-mlp`, of which `train` and `sweep` run on all processes that `mpirun` starts.
//! Without it there is one, which does what `gpu-mlp` does.

mod watch;
mod world;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, value_parser};
use gpu_mlp::Result;
use gpu_mlp::cli::Company;
use gpu_mlp::engine::team::{Team, Teamwork};
use mpi::Threading;

use self::watch::Watch;
use self::world::World;

const NAME: &str = "gpu-mlp-mpi";

const SYNC_EVERY: &str = "sync-every";

/// The exit code of a bug.
const BUG: u8 = 70;

fn main() -> ExitCode {
    let Some((universe, provided)) = mpi::initialize_with_threading(Threading::Multiple) else {
        eprintln!("error: MPI cannot be initialised");
        return ExitCode::from(BUG);
    };
    if provided < Threading::Multiple {
        eprintln!(
            "error: this MPI library lets only one thread call it, and gpu-mlp-mpi needs two (MPI_THREAD_MULTIPLE)"
        );
        return ExitCode::from(2);
    }
    let world = World::new();
    let watch = (world.size() > 1).then(Watch::begin);
    // A rank that breaks down must not leave the others waiting for it.
    let code =
        catch_unwind(AssertUnwindSafe(|| begin(&world, watch.as_ref()))).unwrap_or_else(|_| world.abort(BUG));
    if let Some(watch) = watch {
        watch.end();
    }
    drop(world);
    drop(universe);
    ExitCode::from(code)
}

/// Parses the arguments, and runs what they ask for.
fn begin(world: &World, watch: Option<&Watch>) -> u8 {
    let parsed = command().try_get_matches();
    let said = match &parsed {
        Ok(matches) => Ok(matches.subcommand_name().unwrap_or_default().to_owned()),
        Err(error) => Err(error),
    };
    let told = said.map_or_else(|error| format!("1{}", error.render().ansi()), |name| format!("0{name}"));
    // All ranks have to ask for the same, so that none waits for another that does something else.
    let all = world.gather(told.as_bytes());
    let differs = all.iter().position(|other| *other != all[0]);
    let mut verdict = vec![u8::from(differs.is_some())];
    world.broadcast(&mut verdict);
    if verdict == [1] {
        if let Some(rank) = differs {
            let said = |rank: usize| String::from_utf8_lossy(&all[rank][1..]).into_owned();
            eprintln!(
                "error: the ranks were asked for different things\n  rank 0: {}\n  rank {rank}: {}",
                said(0),
                said(rank)
            );
        }
        return 2;
    }
    match parsed {
        Ok(matches) => run(world, watch, &matches),
        Err(error) => {
            if world.rank() == 0 {
                let _ = error.print();
            }
            error.exit_code() as u8
        }
    }
}

fn run(world: &World, watch: Option<&Watch>, matches: &ArgMatches) -> u8 {
    let (name, own) = matches.subcommand().unwrap_or(("", matches));
    let sync_every = match name {
        "train" => own.get_one::<NonZero<usize>>(SYNC_EVERY).map(|steps| steps.get()),
        _ => None,
    };
    // Alone, a process needs no watch.
    let company =
        watch.map(|watch| Company { teamwork: Teamwork { team: world, sync_every }, dealer: watch });
    let ran = match name {
        "train" | "sweep" => with_threads(world, own).and_then(|()| gpu_mlp::cli::run(matches, company)),
        // One process is enough for everything else.
        _ if world.rank() > 0 => Ok(0),
        _ => gpu_mlp::cli::run(matches, None),
    };
    ran.unwrap_or_else(|error| {
        let told = gpu_mlp::cli::told(&error);
        if world.rank() == 0 {
            eprintln!("error: {told}");
            return error.exit_code();
        }
        // What rank 0 does not know of, it would wait for.
        eprintln!("error: rank {}: {told}", world.rank());
        world.abort(error.exit_code())
    })
}

/// Makes the threads of a process that shares its machine's cores with others, unless the user says how many.
fn with_threads(world: &World, command: &ArgMatches) -> Result<()> {
    let threads = world.threads();
    if world.size() == 1 || matches!(command.try_get_one::<usize>("threads"), Ok(Some(_))) {
        return Ok(());
    }
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    built.map_err(|error| gpu_mlp::Error::Internal(error.to_string()))
}

/// The commands of `gpu-mlp`, and what training over several processes needs beside.
fn command() -> clap::Command {
    let sync_every = Arg::new(SYNC_EVERY)
        .long(SYNC_EVERY)
        .value_name("STEPS")
        .value_parser(value_parser!(NonZero<usize>))
        .conflicts_with("folds")
        .help(
            "Local SGD: each rank takes steps of its own, and after so many all go on from the mean of their weights; for slow networks \
             [default: average the gradients of every step]",
        );
    renamed(gpu_mlp::cli::command())
        .name(NAME)
        .bin_name(NAME)
        .mut_subcommand("train", |train| train.arg(sync_every))
}

/// The command with examples of this program.
fn renamed(command: clap::Command) -> clap::Command {
    let help = command.get_after_help().map(|help| help.to_string());
    let command = command.mut_subcommands(renamed);
    match help {
        Some(help) => command.after_help(help.replace("  gpu-mlp ", &format!("  {NAME} "))),
        None => command,
    }
}
