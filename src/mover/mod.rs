//! Moving one home: walk, filter, copy, prove.
//!
//! This module knows nothing of SageMaker. It works on any two directories, and inside a space it reports through S3.

mod ticket;

pub use ticket::{Done, Evidence, Phase, Progress, Ticket, Totals, key};
