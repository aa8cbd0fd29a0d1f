//! A population: networks of one shape that train side by side, each a training of its own that knows nothing of the others.
//!
//! A step of all takes as many launches as a step of one: a workgroup's z is its network. So trainings wait for one another
//! before each submission, and the last one that comes submits for all. What a network computes is not touched by it: it has its
//! own samples, in its own order, its own options, and the bits that it has alone on the same device.

mod group;
mod member;
mod scheduler;

pub use self::member::Member;
pub use self::scheduler::Population;
