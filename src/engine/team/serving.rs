//! The ranks that do not lead: they do their part of each call, until rank 0 lets them go.

use super::call::{Call, What, parameters, split};
use super::part::{Part, agreed};
use super::ranks::Team;
use crate::data::{Samples, Split};
use crate::engine::contract::Engine;
use crate::error::{Error, Result};
use crate::network::MlpSpec;
use crate::step::metrics::Sums;

/// What rank 0 wants of a rank that has no engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// To open an engine, for a learning rate that was halved so many times, and to [`serve`] with it.
    Open {
        /// How many times.
        lr_halvings: u32,
    },
    /// To end.
    End {
        /// With this exit code.
        exit_code: u8,
    },
}

/// Waits for what rank 0 wants.
///
/// # Errors
/// [`Error::Internal`] if it is nothing that such a rank can do.
pub fn order(team: &dyn Team) -> Result<Order> {
    match Call::receive(team)?.what {
        What::Open { lr_halvings } => Ok(Order::Open { lr_halvings }),
        What::End { exit_code } => Ok(Order::End { exit_code }),
        other => Err(Error::Internal(format!("{other:?} was called without an engine"))),
    }
}

/// Serves rank 0 with an engine that was opened for it, whose options are those of the rank's [`Cut`](super::Cut) of the
/// batch. `samples` gives the samples of each split, which have to be those that rank 0 has. What goes wrong is told to rank 0.
///
/// # Errors
/// [`Error::Internal`] if rank 0 calls for what this program does not understand.
pub async fn serve<E: Engine>(
    engine: Result<E>,
    team: &dyn Team,
    spec: &MlpSpec,
    batch_size: usize,
    samples: impl Fn(Split) -> Result<Samples>,
) -> Result<()> {
    // Rank 0 has the error then, and decides what follows.
    let Ok(engine) = agreed(team, engine) else { return Ok(()) };
    let info = serde_json::to_vec(&engine.info()).map_err(|error| Error::Internal(error.to_string()))?;
    team.gather(&info);
    let mut part = Part::new(engine, team, spec, batch_size);
    loop {
        let Call { what, words } = Call::receive(team)?;
        // Every error has been told to rank 0.
        match what {
            What::Load { split: number } => {
                let split = split(number)?;
                drop(part.load(split, samples(split)).await);
            }
            What::Gradients => drop(part.gradients(&words).await),
            What::Advance => drop(part.advance(&parameters(spec, &words)?.0).await),
            What::Step => drop(part.step(&words).await),
            What::OwnSteps { average } => {
                drop(part.own_steps(&words).await);
                if average {
                    drop(part.average().await);
                }
            }
            What::Average => drop(part.average().await),
            What::State { steps, moments } => drop(part.set_state(&words, steps, moments).await),
            What::Clear => drop(part.set_sums(&Sums::default()).await),
            What::Sums => drop(part.sums().await),
            What::Evaluate { split: number } => drop(part.evaluate(split(number)?, &words).await),
            What::Logits { split: number } => drop(part.logits(split(number)?, &words).await),
            What::Close => return Ok(()),
            What::Open { .. } | What::End { .. } => {
                return Err(Error::Internal(format!("{what:?} was called of an engine")));
            }
        }
    }
}
