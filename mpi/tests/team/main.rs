//! The program under `mpirun`, on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod namespaces;
mod place;
mod sweeps;
mod training;
