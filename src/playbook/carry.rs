//! What of Classic's set-up goes along into the new Studio.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `carry --apply` takes over, for the domains and the people of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Carry {
    /// What becomes of Classic's lifecycle scripts. One whose conversion is in doubt is only ever listed.
    pub scripts: CarryScripts,
    /// What becomes of the custom images of Classic's kernels.
    pub images: CarryImages,
    /// What becomes of the Git repositories that Classic offered.
    pub repositories: CarryRest,
    /// What becomes of the tags of people's profiles.
    pub tags: CarryRest,
}

/// What becomes of Classic's lifecycle scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CarryScripts {
    /// They stay Classic's.
    #[default]
    Leave,
    /// Each is converted and made anew for `target.app_type`, and offered to nobody.
    Register,
    /// And is offered to whomever Classic offered it.
    Attach,
}

/// What becomes of the custom images of Classic's kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CarryImages {
    /// They stay Classic's.
    #[default]
    Leave,
    /// Each gets a configuration for `target.app_type`, and is offered to whomever Classic offered it.
    Configure,
}

/// Whether something is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CarryRest {
    /// It stays where it is.
    #[default]
    Leave,
    /// It is taken over.
    Carry,
}
