//! How people are grouped into batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{BatchName, ProfileName};

/// How people are grouped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Batches {
    /// The people who go first; empty means the `pilot_users` smallest homes.
    pub pilot: Vec<ProfileName>,
    /// How many go first when `pilot` names nobody. 0 means no pilot.
    pub pilot_users: usize,
    /// How many go after the pilot and before everyone else, as a second trial. 0 means none.
    pub canary_users: usize,
    /// The largest number of people in a batch.
    pub users: usize,
    /// The most GiB to copy in a batch; 0 means no bound.
    pub gb: usize,
    /// The most hours that a batch may take, by the upper end of the estimate; 0 means no bound but the longest window's.
    pub hours: f64,
    /// Homes with so many GiB to copy go last, in batches of their own; 0 means that size does not matter.
    pub big_home_gb: usize,
    /// In which order people go.
    pub order: Order,
    /// What is never mixed in one batch: `domain`, `wave`, `owner`, `cost-centre`, or `tag:KEY` for a tag of the profile.
    pub never_mix: Vec<String>,
    /// People who go in one batch, whatever else is said: each a list of `profile` or `domain/profile`.
    pub together: Vec<Vec<String>>,
    /// Batches by name, in this order, before all that are made up.
    pub lists: Vec<BatchList>,
}

/// A batch that the playbook names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchList {
    /// Its name.
    pub name: BatchName,
    /// Who is in it: `profile` or `domain/profile`.
    pub people: Vec<String>,
}

/// In which order people go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Smallest homes first.
    #[default]
    SmallestFirst,
    /// People without warnings first, and among these and the others the smallest homes.
    FewestWarningsFirst,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            pilot: Vec::new(),
            pilot_users: 3,
            canary_users: 0,
            users: 25,
            gb: 0,
            hours: 0.0,
            big_home_gb: 0,
            order: Order::default(),
            never_mix: Vec::new(),
            together: Vec::new(),
            lists: Vec::new(),
        }
    }
}

impl Batches {
    /// The name of the batch that goes first.
    pub fn pilot_name() -> BatchName {
        BatchName::from("pilot")
    }

    /// The name of the second trial.
    pub fn canary_name() -> BatchName {
        BatchName::from("canary")
    }
}
