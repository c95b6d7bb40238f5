//! Phase 3: who moves when, by which route, into which space.
//!
//! Drawing up a plan is synchronous, pure and deterministic: it asks nobody and reads no clock. [`draw()`] first settles who
//! can move at all, then gives each of them names and a volume, then packs them into batches, smallest home first.

mod bins;
mod diff;
mod draft;
mod draw;
mod drift;
mod eligible;
mod error;
mod naming;
mod packing;
mod places;
mod schedule;
mod sizing;
mod teams;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use diff::{Change, diff};
pub use draft::{Batch, Claim, LeftOut, Migration, Plan, Route, Slot, TeamPart, Visibility};
pub use draw::draw;
pub use drift::{drift, drift_of};
pub use error::Error;
