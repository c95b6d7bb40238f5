//! The steps of a migration, in their order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One step of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Classic apps are stopped, as the playbook says.
    Quiesce,
    /// The mover is put where the space can fetch it.
    Stage,
    /// The space is made.
    Provision,
    /// The home is copied inside the space.
    Hydrate,
    /// The proof is checked.
    Verify,
    /// The person's default experience becomes the new Studio.
    Flip,
    /// What was done is read back.
    Confirm,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [
        Self::Quiesce,
        Self::Stage,
        Self::Provision,
        Self::Hydrate,
        Self::Verify,
        Self::Flip,
        Self::Confirm,
    ];

    /// Returns the step's name as the journal, the command line and the docs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiesce => "quiesce",
            Self::Stage => "stage",
            Self::Provision => "provision",
            Self::Hydrate => "hydrate",
            Self::Verify => "verify",
            Self::Flip => "flip",
            Self::Confirm => "confirm",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|step| step.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|step| step.name()).collect();
            format!("no step is called {text}; the steps are {}", names.join(", "))
        })
    }
}
