//! Columns of a table and what they are to a network, as scikit-learn's `ColumnTransformer` has it: raw columns
//! ([`Cells`]) are read, those that say nothing are left out (`sift`), a way into the network is fitted to each of the others
//! on the training rows (`fit`), and this way ([`Input`]) then takes any row, of a set or of a stream.

mod cells;
mod date;
mod fit;
mod input;
mod sift;
mod tally;
mod told;

pub(super) use cells::{Cells, Value};
pub use date::{DateOrder, DatePart};
pub(super) use date::{Dates, days};
pub(super) use fit::fitted;
pub use input::{Input, Kind};
pub(super) use sift::{LeftOut, left_out};
pub(super) use tally::Tally;
pub(super) use told::{constant, of_words};
