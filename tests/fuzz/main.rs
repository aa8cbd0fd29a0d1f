//! Every reader of files against damaged and hostile ones: a result or a clear error, never a panic, never a hang, never
//! more memory than 64 MiB and four times the file.
//!
//! `GPU_MLP_FUZZ_INPUTS` says how many inputs a target gets (`scripts/fuzz` asks for a million), and `GPU_MLP_FUZZ_SEED` which:
//! so many inputs can be run in pieces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archive;
mod corpus;
mod driver;
mod found;
mod json;
mod memory;
mod mutate;
#[cfg(feature = "parquet")]
mod pages;
mod pictures;
mod place;
mod targets;

use libtest_mimic::{Arguments, Trial};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Inputs a target gets if nobody asks for more: a few seconds.
const INPUTS: usize = 20_000;

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // What is allocated is counted for the whole program.
    arguments.test_threads = Some(1);
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of the threads");
    driver::watch();
    let inputs =
        std::env::var("GPU_MLP_FUZZ_INPUTS").map_or(INPUTS, |text| text.parse().expect("a number of inputs"));
    let mutated = targets::all().into_iter().map(move |make| {
        let name = make().name;
        Trial::test(name, move || {
            make().run(inputs);
            Ok(())
        })
    });
    let found = found::TRIALS.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, found.chain(mutated).collect()).exit_code()
}
