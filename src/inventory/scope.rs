//! What people say of people: the table that a platform team edits in a spreadsheet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the table says of one profile; nothing, where the profile is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Whether the profile is to move; `None` leaves it to the playbook.
    pub take: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
    /// The person or team that answers for it.
    pub owner: Option<String>,
    /// The cost centre.
    pub cost_centre: Option<String>,
    /// A hint for the planner: people of one wave move together.
    pub wave: Option<String>,
    /// Tags that are not AWS's.
    pub tags: BTreeMap<String, String>,
}
