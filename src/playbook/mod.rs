//! The policy of a migration: who moves, into what, how fast, and what is left out.
//!
//! This module knows no AWS. It reads a YAML file, refuses what it does not know, and hands on plain values.
//! [`Playbook::load`] is the way in for a file of the user's; [`Playbook::shipped`] for one that comes with the tool.

mod batches;
mod calendar;
mod check;
mod check_batches;
mod error;
mod glob;
mod notification;
mod parse;
mod policy;
mod shipped;
mod suppression;

pub use batches::{BatchList, Batches, Order};
pub use calendar::{Calendar, Day, Freeze, Window};
pub use check::{LARGEST_RULES, Problem};
pub use error::Error;
pub use glob::{LeaveOutRules, name_glob, path_glob};
pub use notification::{Moment, Notification};
pub use policy::{
    AccountTarget, Approvals, AutoMount, ClassicApps, Conflict, Experience, Gate, LeaveOut, Limits,
    Placement, Playbook, Scope, Staging, StopRules, Target, Volume, schema,
};
pub use shipped::{SHIPPED, Shipped};
pub use suppression::Suppression;
