//! Line charts: one drawing as SVG, and the same drawing as PNG.
//!
//! The SVG has no script and loads nothing. It follows the reader's light or dark theme, and says in words what it
//! shows (`<title>`, `<desc>`). Colours are Okabe and Ito's, which people who confuse red and green can tell apart.

mod dots;
mod drawing;
mod figure;
#[cfg(feature = "png")]
mod png;
mod scale;
mod scatter;
mod svg;

pub use dots::{Dots, Places, dots};
pub use drawing::RUNAWAY;
pub use figure::{Figure, Line, Mark, Panel, Series, XAxis};
#[cfg(feature = "png")]
pub use png::png;
pub use scatter::{Scatter, scatter};
pub use svg::{inline, svg};
