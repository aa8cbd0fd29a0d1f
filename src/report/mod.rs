//! Reports of runs: one HTML file that loads nothing, needs no script, and follows the reader's light or dark theme.
//!
//! [`page`] shows one run, [`ensemble()`] one of several members, [`comparison()`] several runs. Everything that comes from files is escaped by the templates (`maud`);
//! charts are [`chart`]'s, pictures are PNGs inside the page. The same run gives the same page.

pub mod chart;
mod comparison;
mod configuration;
mod curves;
mod ensemble;
mod epochs;
mod folds;
mod layout;
mod lr_find;
mod matrix;
mod mistakes;
mod outputs;
mod picture;
mod ranks;
mod run;
mod run_page;
mod sweep;
mod weights;

pub use comparison::comparison;
pub use ensemble::{Ensemble, ensemble};
pub use lr_find::lr_find;
pub use run::{Run, Test, untested};
pub use run_page::page;
pub use sweep::sweep;

/// Mistakes that a page shows, at most.
pub const MISTAKES: usize = 24;
