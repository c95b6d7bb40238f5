//! Phase 2: what stands in the way.
//!
//! One function a rule, each from a snapshot and a playbook to findings. Nothing here asks AWS anything.

mod finding;

pub use finding::{Finding, Severity, Subject};
