//! What rank 0 tells the others to do, and what they answer, as bytes.
//!
//! ```text
//! call     length of the JSON (u32) · JSON of what · words (u32 each): samples, or the bits of parameters
//! ```

use serde::{Deserialize, Serialize};

use super::ranks::Team;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::network::{MlpSpec, Parameters};

/// What is to be done. Splits are their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    /// Open an engine, for a learning rate that was halved so many times.
    Open { lr_halvings: u32 },
    /// Give the engine its samples of a split.
    Load { split: usize },
    /// Add up the gradients of a batch.
    Gradients,
    /// Step along a gradient.
    Advance,
    /// Both, one after the other.
    Step,
    /// Steps of one's own, and then, if it is time, the mean of all weights.
    OwnSteps { average: bool },
    /// The mean of all weights.
    Average,
    /// Take over parameters, and what the optimiser remembers: if there are no `steps`, nothing.
    State { steps: Option<u64>, moments: usize },
    /// Count loss and hits from zero.
    Clear,
    /// Tell loss and hits.
    Sums,
    /// Measure samples.
    Evaluate { split: usize },
    /// Run samples forward.
    Logits { split: usize },
    /// Give up the engine.
    Close,
    /// End the process.
    End { exit_code: u8 },
}

/// A call to all ranks.
pub(super) struct Call {
    pub what: What,
    pub words: Vec<u32>,
}

impl Call {
    pub fn new(what: What) -> Self {
        Self { what, words: Vec::new() }
    }

    /// With samples.
    pub fn with(what: What, samples: &[u32]) -> Self {
        Self { what, words: samples.to_vec() }
    }

    /// Sends it from rank 0.
    pub fn send(&self, team: &dyn Team) {
        let json = serde_json::to_vec(&self.what).unwrap_or_default();
        let mut bytes = (json.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(json);
        bytes.extend_from_slice(bytemuck::cast_slice(&self.words));
        team.broadcast(&mut bytes);
    }

    /// Waits for the next one, on another rank.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is none that this program understands.
    pub fn receive(team: &dyn Team) -> Result<Self> {
        let mut bytes = Vec::new();
        team.broadcast(&mut bytes);
        let parsed = bytes.split_first_chunk().and_then(|(length, rest)| {
            let (json, words) = rest.split_at_checked(u32::from_ne_bytes(*length) as usize)?;
            Some(Self {
                what: serde_json::from_slice(json).ok()?,
                words: bytemuck::pod_collect_to_vec(words),
            })
        });
        parsed.ok_or_else(|| Error::Internal("a call of rank 0 that this rank does not understand".into()))
    }
}

/// The split of a number in a call.
pub(super) fn split(number: usize) -> Result<Split> {
    Split::ALL.get(number).copied().ok_or_else(|| Error::Internal(format!("split {number} of a call")))
}

/// The values of parameters, tensor by tensor.
pub(super) fn tensors(parameters: &Parameters) -> impl Iterator<Item = &[f32]> {
    parameters.layers.iter().flat_map(|layer| [layer.w.data(), layer.b.data()])
}

/// As [`tensors`], to be changed.
pub(super) fn tensors_mut(parameters: &mut Parameters) -> impl Iterator<Item = &mut [f32]> {
    parameters.layers.iter_mut().flat_map(|layer| [layer.w.data_mut(), layer.b.data_mut()])
}

/// Parameters as words of a call.
pub(super) fn words(parameters: &Parameters) -> impl Iterator<Item = u32> {
    tensors(parameters).flatten().map(|value| value.to_bits())
}

/// The parameters of a network that words begin with, and the words that follow.
///
/// # Errors
/// [`Error::Internal`] if there are too few.
pub(super) fn parameters<'w>(spec: &MlpSpec, words: &'w [u32]) -> Result<(Parameters, &'w [u32])> {
    let mut parameters = Parameters::zeros(spec);
    let Some((own, rest)) = words.split_at_checked(spec.parameter_count()) else {
        return Err(Error::Internal("a call of rank 0 with too few parameters".into()));
    };
    let values = tensors_mut(&mut parameters).flatten();
    values.zip(own).for_each(|(value, &bits)| *value = f32::from_bits(bits));
    Ok((parameters, rest))
}

/// What a rank has to say of an error of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Complaint {
    told: String,
    exit_code: u8,
}

impl Complaint {
    /// As bytes; none for no error.
    pub fn bytes(error: Option<&Error>) -> Vec<u8> {
        let of = |error: &Error| Self { told: error.to_string(), exit_code: error.exit_code() };
        error.and_then(|error| serde_json::to_vec(&of(error)).ok()).unwrap_or_default()
    }

    /// The first of those that all ranks have sent.
    pub fn first(all: &[Vec<u8>]) -> Option<Error> {
        all.iter().enumerate().find_map(|(rank, bytes)| {
            let Self { told, exit_code } = serde_json::from_slice(bytes).ok()?;
            Some(Error::Rank { rank, told, exit_code })
        })
    }
}
