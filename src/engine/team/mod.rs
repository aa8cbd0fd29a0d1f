//! One network trained by several processes: a [`Team`], whose rank 0 leads.
//!
//! [`Shared`] is the engine that rank 0 trains with, and so everything that knows an [`Engine`](super::Engine) works with a team
//! as it does alone. Each of its calls goes to all ranks; the others do their part of it in [`serve`]. So whatever is
//! decided is decided by rank 0, and no two ranks can wait for each other.
//!
//! A batch is cut over the ranks ([`Cut`]). Each computes the gradient of its rows; the mean of all, weighted by what the rows count,
//! is the gradient of the batch, and every rank takes the step along it. Or each takes steps of its own, and after some of
//! them all go on from the mean of their weights: local SGD (Stich, *Local SGD Converges Fast and Communicates Little*, 2019).

mod call;
mod cut;
mod part;
mod ranks;
mod serving;
mod shared;
mod teamwork;

pub use cut::Cut;
pub use ranks::Team;
pub use serving::{Order, order, serve};
pub use shared::Shared;
pub use teamwork::Teamwork;
