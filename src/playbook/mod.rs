//! The policy of a migration: who moves, into what, how fast, and what is left out.
//!
//! This module knows no AWS. It reads a YAML file, refuses what it does not know, and hands on plain values.
//! [`Playbook::load`] is the way in for a file of the user's; [`Playbook::shipped`] for one that comes with the tool.

mod batches;
mod calendar;
mod carry;
mod check;
mod check_batches;
mod check_target;
mod datasync;
mod error;
mod experience;
mod flows;
mod glob;
mod notebooks;
mod notification;
mod orphans;
mod parse;
mod places;
mod policy;
mod retirement;
mod routes;
mod shipped;
mod suppression;
mod target;

pub use batches::{BatchList, Batches, Order};
pub use calendar::{Calendar, Day, Freeze, Window};
pub use carry::{Carry, CarryImages, CarryRest, CarryScripts};
pub use check::{LARGEST_RULES, Problem};
pub use datasync::{DataSync, Mode};
pub use error::Error;
pub use experience::{APP_TYPES, AutoMount, Experience, Group, TOOLS};
pub use flows::Flows;
pub use glob::{LeaveOutRules, name_glob, path_glob};
pub use notebooks::NotebookCopies;
pub use notification::{Moment, Notification};
pub use orphans::Orphans;
pub use policy::{
    AccountTarget, Approvals, ClassicApps, Gate, LeaveOut, Limits, Playbook, Scope, Staging,
    StopRules, schema,
};
pub use retirement::{Retirement, Throughput};
pub use routes::{HomeRoute, Routes, StagedRoute};
pub use shipped::{SHIPPED, Shipped};
pub use suppression::Suppression;
pub use target::{Conflict, ExistingSpaces, Placement, SpaceApp, Target, Volume};
