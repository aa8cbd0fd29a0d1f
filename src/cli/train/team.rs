//! `train` over several processes: rank 0 leads the run as if it were alone, and the others serve it with engines of their own.

use super::args::{OnDeviceLost, TrainArgs};
use super::recovery;
use super::session::Session;
use super::single::{self, Ready};
use crate::cli::agreement;
use crate::cli::choice::DeviceChoice;
use crate::cli::interrupt;
use crate::cli::output::note;
use crate::engine::team::{Cut, Order, Teamwork, order, serve};
use crate::engine::{AnyEngine, Device};
use crate::error::{Error, Result};

/// A signal to the whole job may cut the ranks off from each other, and a state in the middle of an epoch is that of all ranks.
const STOPPING: &str = "stopping; the run is saved now if all ranks still answer, else --resume goes on from its newest checkpoint";

/// Trains one run together.
///
/// # Errors
/// As [`single::train`]; on rank 0 also what other ranks report.
pub(super) fn train(args: &TrainArgs, given: &[String], teamwork: Teamwork<'_>) -> Result<u8> {
    let ready = check_alone(args).and_then(|()| single::prepare(args, given, None, Some(teamwork)));
    let ready = ready.and_then(|ready| check_size(&ready.session, teamwork).map(|()| ready));
    let what = ready.as_ref().map(|ready| (&ready.session.config, &ready.session.dataset));
    if let Some(exit_code) = agreement::agree(teamwork.team, what)? {
        return Ok(exit_code);
    }
    let Ready { session, device, resumed } = ready?;
    interrupt::listen(STOPPING);
    if !teamwork.leads() {
        return pollster::block_on(follow(&session, device, teamwork));
    }
    note_idle(&session, teamwork);
    let ended = pollster::block_on(recovery::run(&session, device, None, resumed));
    teamwork.end(ended.as_ref().map_or_else(Error::exit_code, |exit_code| *exit_code));
    ended
}

/// What one process does alone.
fn check_alone(args: &TrainArgs) -> Result<()> {
    if let Some(members) = args.ensemble {
        return Err(Error::usage(format!(
            "--ensemble {members} trains one network after another, and a team trains one\n  hint: start it without mpirun; or let a \
             sweep hand the seeds out: gpu-mlp-mpi sweep --seed 1..{members}"
        )));
    }
    match args.folds {
        None => Ok(()),
        Some(folds) => Err(Error::usage(format!(
            "--folds {folds} trains one run after another, and a team trains one\n  hint: start it without mpirun; or let a \
             sweep hand the folds out: gpu-mlp-mpi sweep --folds {folds}"
        ))),
    }
}

fn check_size(session: &Session<'_>, Teamwork { team, .. }: Teamwork<'_>) -> Result<()> {
    let (ranks, samples) = (team.size(), session.plan.train.len());
    if ranks <= samples {
        return Ok(());
    }
    let problem = format!("{ranks} ranks for {samples} training samples: some would never have one");
    Err(Error::usage(problem).hint(format!("start at most {samples} ranks")))
}

fn note_idle(session: &Session<'_>, Teamwork { team, .. }: Teamwork<'_>) {
    let batch_size = session.config.train.batch_size.min(session.plan.train.len());
    let (ranks, busy) = (team.size(), Cut::new(team, batch_size).ranks_with_rows());
    if busy < ranks && !session.args.quiet {
        note(&format!(
            "a batch of {batch_size} gives rows to {busy} of the {ranks} ranks; a larger --batch-size gives rows to all"
        ));
    }
}

/// Opens an engine whenever rank 0 wants one, and serves it, until rank 0 is done.
async fn follow(
    session: &Session<'_>,
    choice: DeviceChoice,
    Teamwork { team, .. }: Teamwork<'_>,
) -> Result<u8> {
    let mut opened_before = false;
    loop {
        let lr_halvings = match order(team)? {
            Order::End { exit_code } => return Ok(exit_code),
            Order::Open { lr_halvings } => lr_halvings,
        };
        let (train, dataset) = (session.config.train.with_lr_halved(lr_halvings), &session.dataset);
        let opened = async {
            let device = match session.open(&choice).await {
                Err(_) if opened_before && session.args.on_device_lost == OnDeviceLost::Cpu => Device::Cpu,
                device => device?,
            };
            session.engine(&device, &train).await
        };
        let engine: Result<AnyEngine> = opened.await;
        opened_before = true;
        let (spec, batch_size) = (train.spec(dataset)?, train.step_options(dataset)?.batch_size);
        serve(engine, team, &spec, batch_size, |split| dataset.split(split).cloned()).await?;
    }
}
