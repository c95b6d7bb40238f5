//! How each kind of thing that a Classic domain holds travels to the new Studio.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Problems, is_name};
use crate::names::ProfileName;

/// How each kind of subject travels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routes {
    /// Homes of people whose private spaces mount them.
    pub homes: HomeRoute,
    /// Homes of people whose spaces do not mount them, because `AutoMountHomeEFS` is Disabled.
    pub unmounted_homes: StagedRoute,
    /// Shared spaces of Studio Classic, and profiles that a team shared: each becomes a shared JupyterLab space.
    pub shared_spaces: StagedRoute,
    /// The profile that owns the new shared space of a Classic one that has no owner; none leaves such a space out.
    pub shared_space_owner: Option<ProfileName>,
}

/// How the homes of people travel whose private spaces mount them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HomeRoute {
    /// Inside the new space, from the mounted home to the space's volume.
    #[default]
    InSpace,
    /// Packed and sealed by this machine, on which the file system is mounted, and unpacked in the new space.
    Packed,
    /// By DataSync, sealed by this machine, and unpacked in the new space.
    #[serde(rename = "datasync")]
    DataSync,
}

/// How something travels that no space mounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StagedRoute {
    /// Not at all: it is left out of plans, by name.
    #[default]
    Leave,
    /// Packed and sealed by this machine, on which the file system is mounted, and unpacked in the new space.
    Packed,
    /// By DataSync, sealed by this machine, and unpacked in the new space.
    #[serde(rename = "datasync")]
    DataSync,
}

impl Routes {
    /// Tells whether anything travels with DataSync.
    pub fn have_datasync(&self) -> bool {
        self.homes == HomeRoute::DataSync
            || [self.unmounted_homes, self.shared_spaces].contains(&StagedRoute::DataSync)
    }
}

/// Checks that the owner is a name.
pub(super) fn check(routes: &Routes, problems: &mut Problems) {
    if let Some(owner) = routes.shared_space_owner.as_ref().filter(|owner| !is_name(owner.as_str()))
    {
        problems.add(
            "routes.shared_space_owner",
            format!("`{owner}` is no profile's name"),
            "write the name of a profile that each of the domains has",
        );
    }
}
