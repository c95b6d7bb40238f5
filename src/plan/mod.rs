//! Phase 3: who moves when, by which route, into which space.
//!
//! Drawing up a plan is synchronous, pure and deterministic: it asks nobody and reads no clock.

mod draft;

pub use draft::{Batch, LeftOut, Migration, Plan, Route};
