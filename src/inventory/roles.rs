//! What the new Studio needs of an execution role, and what a role may not do of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An execution role, and what it may not do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// What the new Studio or the copy needs and IAM refuses.
    pub refused: Vec<Refusal>,
    /// Tools that are hidden from people with this role, and the action by which it may use them all the same.
    pub may_use_hidden: BTreeMap<String, String>,
}

/// An action that IAM refuses a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// Which statement of AWS's policy wants it, by `Sid`; `Staging` for what the copy needs.
    pub statement: String,
    /// The action.
    pub action: String,
    /// `implicitDeny` or `explicitDeny`.
    pub decision: String,
    /// Whether the permissions boundary is what refuses it.
    pub is_by_boundary: bool,
}
