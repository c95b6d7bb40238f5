//! Phase 2: what stands in the way.
//!
//! One function a rule, each from a snapshot and a playbook to findings. Nothing here asks AWS anything.
//!
//! The rules stand in one table, [`rules`], grouped in files by subject. [`assess()`] puts every rule to a snapshot,
//! [`Readiness`] counts who is ready, and [`html`], [`markdown`] and [`csv()`] are renderings of it. A code is stable: it is never
//! given to another rule, even when its own is taken away.

mod access;
mod account;
mod apps;
mod assess;
mod catalogue;
mod data;
mod domain;
mod doors;
mod estimate;
mod experience;
mod file_system;
mod finding;
mod home;
mod identity;
mod images;
mod lint;
mod network;
mod openers;
mod profile;
mod quota;
mod render;
mod rule;
mod scoping;
mod scripts;
mod sharing;
mod sharing_buckets;
mod suppress;
mod targets;
mod teams;
mod uses;
mod verdict;
mod view;

#[cfg(test)]
mod cases;

pub use assess::{Blocked, Homes, Looked, LookedDomain, Readiness, assess, schema};
pub use catalogue::{explain, rules, rules_markdown};
pub(crate) use estimate::minutes_at_most;
pub use estimate::{
    Cost, Estimate, Range, assumed_load, lanes, minutes, minutes_of_copying, minutes_together,
};
pub use finding::{Finding, Severity, Subject};
pub use home::volume_needed_gb;
pub use lint::{Converted, Proposal, convert, propose};
pub use render::{RenderError, csv, html, markdown, people_csv};
pub(crate) use render::{page, text};
pub use rule::Rule;
pub use scoping::{OutOfScope, Scoping};
pub use suppress::Suppressed;
pub use teams::{Draft, team_draft};
pub use verdict::{Group, Person, Verdict};
