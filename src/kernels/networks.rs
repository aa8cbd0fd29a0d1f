//! Several networks of one shape in one launch: each has its matrices in the buffers of all, equally far apart, and a workgroup
//! finds those of its network by its number in z.

use std::sync::Arc;

use super::matrix::{BLOCK, Matrix};
use crate::error::{Error, Result};

/// Networks of a launch at most: `NETWORKS` of the shaders.
pub const NETWORKS: usize = 64;

/// The networks that all of these matrices are for.
///
/// # Errors
/// [`Error::Shape`] if they are for different ones, or for more than a launch takes.
pub(super) fn networks_of<'a>(what: &str, matrices: &[&'a Matrix]) -> Result<&'a Arc<[u32]>> {
    let networks = matrices[0].networks();
    if !(1..=NETWORKS).contains(&networks.len()) {
        return Err(Error::shape(format!("{what}: networks of a launch"), NETWORKS, networks.len()));
    }
    match matrices.iter().find(|matrix| matrix.networks() != networks) {
        None => Ok(networks),
        Some(other) => Err(Error::shape(format!("{what}: networks"), networks, other.networks())),
    }
}

/// Rows from one network to the next in all of these batches.
///
/// # Errors
/// [`Error::Shape`] if they differ, or are no rows of blocks.
pub(super) fn rows_apart<'a>(what: &str, batches: impl IntoIterator<Item = &'a Matrix>) -> Result<u32> {
    let mut rows = batches.into_iter().map(Matrix::rows_apart);
    let first = rows.next().unwrap_or(Some(0));
    match (first, rows.all(|other| other == first)) {
        (Some(apart), true) if apart.is_multiple_of(BLOCK) => Ok(apart as u32),
        _ => Err(Error::shape(format!("{what}: rows from one network to the next"), "the same", "others")),
    }
}

/// A row of a shader's table for each network, by its index and what it has of its own.
///
/// # Errors
/// [`Error::Shape`] if not each network has its own.
pub(super) fn table<Own: Copy, Row: bytemuck::Zeroable + Copy>(
    what: &str,
    networks: &[u32],
    own: &[Own],
    row: impl Fn(u32, Own) -> Row,
) -> Result<[Row; NETWORKS]> {
    if own.len() != networks.len() {
        return Err(Error::shape(format!("{what}: numbers of each network"), networks.len(), own.len()));
    }
    let mut table = [Row::zeroed(); NETWORKS];
    for (at, (&index, &own)) in table.iter_mut().zip(networks.iter().zip(own)) {
        *at = row(index, own);
    }
    Ok(table)
}
