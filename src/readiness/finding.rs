//! What readiness says: one finding, of one rule, about one subject.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Advice,
    /// The migration goes on, and someone should look.
    Warning,
    /// Whoever it is about cannot be migrated until it is mended.
    Blocker,
}

/// What a finding is about. A blocker about a domain or the account blocks everyone in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// The whole account and Region.
    Account,
    /// A domain.
    Domain {
        /// Its id.
        domain: String,
    },
    /// A person's profile.
    Profile {
        /// The domain's id.
        domain: String,
        /// The profile's name.
        profile: String,
    },
    /// A space.
    Space {
        /// The domain's id.
        domain: String,
        /// The space's name.
        space: String,
    },
    /// Anything else, by a name that people know: a bucket, a script, a role, a file system.
    Thing {
        /// What it is called.
        name: String,
    },
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable code, e.g. `SM101`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// One line that says what was found.
    pub title: String,
    /// The very values that were seen.
    pub evidence: String,
    /// What to do, with the exact command or policy where there is one.
    pub remedy: String,
}
