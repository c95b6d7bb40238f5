//! What readiness says: one finding, of one rule, about one subject.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{DomainId, ProfileName, SpaceName};

/// How much a finding matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Advice,
    /// The migration goes on, and someone should look.
    Warning,
    /// Whoever it is about cannot be migrated until it is mended.
    Blocker,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Self; 3] = [Self::Blocker, Self::Warning, Self::Advice];

    /// Returns the word that reports and JSON use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Blocker => "blocker",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a finding is about. A blocker about a domain or the account blocks everyone in it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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

impl Subject {
    /// Makes a subject of a domain.
    pub fn domain(domain: &DomainId) -> Self {
        Self::Domain { domain: domain.to_string() }
    }

    /// Makes a subject of a profile.
    pub fn profile(domain: &DomainId, profile: &ProfileName) -> Self {
        Self::Profile { domain: domain.to_string(), profile: profile.to_string() }
    }

    /// Makes a subject of a space.
    pub fn space(domain: &DomainId, space: &SpaceName) -> Self {
        Self::Space { domain: domain.to_string(), space: space.to_string() }
    }

    /// Makes a subject of anything else, by the name that people know it by.
    pub fn thing(name: impl Into<String>) -> Self {
        Self::Thing { name: name.into() }
    }

    /// Returns the word for the kind of subject: `account`, `domain`, `profile`, `space` or `thing`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Domain { .. } => "domain",
            Self::Profile { .. } => "profile",
            Self::Space { .. } => "space",
            Self::Thing { .. } => "thing",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Domain { domain } => f.write_str(domain),
            Self::Profile { domain, profile } => write!(f, "{domain}/{profile}"),
            Self::Space { domain, space } => write!(f, "{domain}/{space} (space)"),
            Self::Thing { name } => f.write_str(name),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl Finding {
    /// Tells whether this keeps a person from being migrated: a blocker about them, their domain or the whole account.
    pub fn blocks(&self, domain: &DomainId, profile: &ProfileName) -> bool {
        if self.severity != Severity::Blocker {
            return false;
        }
        match &self.subject {
            Subject::Account => true,
            Subject::Domain { domain: theirs } => theirs == domain.as_str(),
            Subject::Profile { domain: theirs, profile: name } => {
                theirs == domain.as_str() && name == profile.as_str()
            }
            Subject::Space { .. } | Subject::Thing { .. } => false,
        }
    }
}
