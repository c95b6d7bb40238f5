//! The policy of a migration: who moves, into what, how fast, and what is left out.
//!
//! This module knows no AWS. It reads a YAML file, refuses what it does not know, and hands on plain values.

mod policy;

pub use policy::{
    AutoMount, Batches, ClassicApps, Conflict, Experience, LeaveOut, Limits, Placement, Playbook,
    Scope, Staging, StopRules, Target, Volume,
};
