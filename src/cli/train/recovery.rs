//! Handles a lost GPU and a diverging training: the run continues if the user asked for that; if not,
//! the error says what is saved and how to continue.

use std::time::Duration;

use super::args::{OnDeviceLost, OnDivergence};
use super::session::Session;
use crate::cli::choice::DeviceChoice;
use crate::cli::output::{json, note, told};
use crate::engine::Device;
use crate::error::{Error, Result};
use crate::step::metrics::Recovery;
use crate::training::checkpoint::Progress;
use crate::training::run::RunDir;
use crate::training::run::event::Event;
use crate::words::numerals::counted;

/// Losses of the device in a row, without a checkpoint in between, after which the program gives up.
const MOST_LOSSES: u32 = 4;

/// Halvings of a run's learning rate: to 1/256 of what it was.
const MOST_HALVINGS: u32 = 8;

/// The exit code of a rank that has lost its device.
const LOST: u8 = 4;

/// The wait before the device is opened again after its first loss; each further loss in a row doubles it.
const PAUSE: Duration = Duration::from_millis(500);

/// Trains until the run ends, or until an error from which it does not recover; returns the exit code. `opened` is the chosen
/// device, if somebody has opened it.
pub(in crate::cli) async fn run(
    session: &Session<'_>,
    choice: DeviceChoice,
    opened: Option<Device>,
    resumed: Option<RunDir>,
) -> Result<u8> {
    let (mut choice, mut opened, mut run) = (choice, opened, resumed);
    let (mut losses, mut kept) = (0, None);
    loop {
        let sitting = async {
            let device = match &opened {
                Some(device) => device.clone(),
                None => session.open(&choice).await?,
            };
            session.sitting(&device, &mut run).await
        };
        let error = match sitting.await {
            Ok(exit_code) => return Ok(exit_code),
            Err(error) => error,
        };
        // What went wrong before there was a folder is no fault of a run.
        let Some(run) = &run else { return Err(error) };
        let before = kept.replace(session.state_of(run).ok().map(|state| state.progress));
        losses = if kept == before { losses + 1 } else { 1 };
        let lost = matches!(&error, Error::Device(_) | Error::Rank { exit_code: LOST, .. })
            || (losses > 1 && matches!(&error, Error::NoAdapter { .. }));
        match error {
            Error::Diverged { .. } if session.args.on_divergence == OnDivergence::LowerLr => {
                lower_lr(session, run, error).map_err(|error| ended(run, error, kept.clone().flatten()))?;
                losses = 0;
            }
            _ if lost && session.args.on_device_lost != OnDeviceLost::Fail && losses <= MOST_LOSSES => {
                opened = None;
                // Another rank sees to its own device.
                if session.args.on_device_lost == OnDeviceLost::Cpu && !matches!(error, Error::Rank { .. }) {
                    choice = DeviceChoice::cpu();
                } else {
                    std::thread::sleep(PAUSE * 2_u32.pow(losses - 1));
                }
                go_on_after_loss(session, run, &error)?;
            }
            _ => return Err(ended(run, error, kept.flatten())),
        }
    }
}

/// Records in the metrics that the device was lost, and makes sure that there is a state to continue from.
fn go_on_after_loss(session: &Session<'_>, run: &RunDir, error: &Error) -> Result<()> {
    let state = session.state_of(run)?;
    let action = match session.args.on_device_lost {
        OnDeviceLost::Cpu => "cpu",
        OnDeviceLost::Fail | OnDeviceLost::Retry => "retry",
    };
    let problem = told(error);
    let recovery = Recovery { epoch: state.progress.epochs + 1, problem, action: action.into(), lr: None };
    keep(session, run, &recovery)?;
    run.save_state(&state)
}

/// Halves the learning rate of what follows the newest checkpoint.
///
/// # Errors
/// The divergence itself, if that has been done too often; what reading and writing the run report.
fn lower_lr(session: &Session<'_>, run: &RunDir, error: Error) -> Result<()> {
    let Error::Diverged { epoch, found, lr } = error else { return Err(error) };
    let mut state = session.state_of(run)?;
    if state.progress.lr_halvings >= MOST_HALVINGS {
        let found = format!("{found}; the learning rate has been halved {MOST_HALVINGS} times");
        return Err(Error::Diverged { epoch, found, lr });
    }
    state.progress.lr_halvings += 1;
    let lr = session.config.train.with_lr_halved(state.progress.lr_halvings).lr;
    let problem = format!("training diverged in epoch {epoch}: {found}");
    keep(session, run, &Recovery { epoch, problem, action: "lower-lr".into(), lr: Some(lr) })?;
    run.save_state(&state)
}

/// The line first: see `run`.
fn keep(session: &Session<'_>, run: &RunDir, recovery: &Recovery) -> Result<()> {
    let text = json(&Event::Recovery(recovery.clone()))?;
    run.append(&text)?;
    session.face.line(&text);
    if !session.args.quiet {
        let then = match (recovery.lr, recovery.action.as_str()) {
            (Some(lr), _) => format!("continuing from the newest checkpoint with --lr {lr:?}"),
            (None, "cpu") => "continuing from the newest checkpoint on the CPU".to_owned(),
            (None, _) => "continuing from the newest checkpoint".to_owned(),
        };
        note(&format!("{}; {then}", recovery.problem));
    }
    Ok(())
}

/// An error in training, with what is saved of the run.
fn ended(run: &RunDir, cause: Error, progress: Option<Progress>) -> Error {
    let path = run.path().display();
    let diverged = matches!(cause, Error::Diverged { .. });
    if !diverged && !matches!(cause, Error::Device(_) | Error::Io { .. } | Error::Rank { .. }) {
        return cause;
    }
    let kept = match progress {
        _ if !run.exists() => "the folder of the run is gone, so nothing is kept".to_owned(),
        None => return cause,
        // It would diverge again.
        Some(Progress { epochs: 0, samples: 0, .. }) if diverged => return cause,
        Some(Progress { epochs: 0, samples: 0, .. }) => {
            format!("no epoch was finished; to start again: gpu-mlp train --resume {path}")
        }
        Some(Progress { epochs, .. }) => {
            let how = if diverged { " --on-divergence lower-lr" } else { "" };
            let are = if epochs == 1 { "is" } else { "are" };
            format!(
                "{} {are} saved; to continue: gpu-mlp train --resume {path}{how}",
                counted(epochs, "epoch")
            )
        }
    };
    Error::Run { cause: Box::new(cause), kept }
}
