//! Phase 4: taking people from Classic to New, one saga each.
//!
//! A migration is a line of steps, each with an undo. What was begun is written to the journal before it is done, so that
//! going on after a crash is the same code as going on at all. This module asks nobody and prints nothing: it tells whoever
//! watches through [`Notice`].

mod admission;
#[cfg(test)]
mod agreement;
mod batch;
mod context;
mod failure;
mod halt;
mod hook;
mod notice;
mod saga;
mod selection;
mod standing;
mod step;
pub mod steps;
mod tools;
mod transfers;

pub use batch::{Execution, Summary, roll_back, run};
pub use context::Context;
pub(crate) use failure::chain;
pub use failure::{Failure, FailureKind, Stuck};
pub use halt::Halt;
pub use hook::Hook;
pub use notice::{Notice, Watch};
pub use saga::{Outcome, back, forward};
pub use selection::Selection;
pub use standing::{BadEvent, MigrationStanding, Standing, StepStanding, kind};
pub use step::Step;
pub use steps::datasync::task_name as transfer_task_name;
pub use steps::keeping;
pub use tools::Tools;
pub use transfers::Transfers;
