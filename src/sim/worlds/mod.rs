//! Simulated accounts to start from: four with names, and any that a description file describes.
//!
//! - `small`: one domain of people with mixed settings and real homes; the demo.
//! - `careful`: everything awkward that readiness may know, once each.
//! - `large`: two thousand profiles whose bytes are modelled and not there.
//! - `huge`: ten thousand of them, with twenty roles.

mod build;
mod description;
mod files;
mod large;
mod small;

use super::bucket::BucketSpec;
use super::state::State;

pub use build::EXECUTION_ROLE;
pub use description::{
    AppText, Description, DomainText, FileSystemText, HomeText, OrphanText, ProfileText,
    ScriptText, SpaceText, Visit,
};
pub use small::small;

/// The description of the world `careful`, which is also an example of a description file.
const CAREFUL: &str = include_str!("careful.yaml");

/// The names that [`named`] knows.
pub const NAMES: [&str; 4] = ["small", "careful", "large", "huge"];

/// A world that was built, and the files that must be made for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Built {
    /// The control plane.
    pub state: State,
    /// Classic homes to make under `efs/`.
    pub homes: Vec<HomeSpec>,
    /// Buckets to make under `s3/`.
    pub buckets: Vec<BucketSpec>,
}

/// A Classic home to make.
#[derive(Clone, Debug, PartialEq)]
pub struct HomeSpec {
    /// The file system's id.
    pub file_system: String,
    /// The folder's name, digits.
    pub uid: String,
    /// The seed of its content.
    pub seed: u64,
    /// What it looks like: one of [`KINDS`](super::homes::KINDS).
    pub kind: String,
    /// Bytes that the home should have, for homes that are larger than their kind makes them.
    pub bytes_hint: Option<u64>,
    /// How many hours ago something in it was last written, when that was lately.
    pub touched_hours_ago: Option<f64>,
    /// A user of the machine who owns a file of it, where this process may give files away.
    pub foreign_owner: Option<u32>,
}

/// Why a description does not describe a world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file is no YAML, or has members that there are not.
    #[error("the description of the world cannot be read")]
    Unreadable(#[source] Box<serde_saphyr::Error>),
    /// A policy's condition has an operator that the simulator does not know.
    #[error("the condition operator {0} of a role is none that the simulator knows")]
    Operator(String),
    /// A domain uses the file system of one that does not stand above it.
    #[error("the domain {domain} uses the file system of {of}, which does not stand above it")]
    NoFileSystem {
        /// The domain.
        domain: String,
        /// The domain that it names.
        of: String,
    },
    /// Two things bear one name.
    #[error("the world has two of {0}")]
    Twice(String),
    /// Something belongs to a profile that there is not.
    #[error("the space {space} belongs to {owner}, whom the world does not have")]
    NoOwner {
        /// The space's name.
        space: String,
        /// The owner that it names.
        owner: String,
    },
}

/// Builds the world of a name; `None` when there is none of that name.
pub fn named(name: &str) -> Option<Built> {
    match name {
        "small" => Some(small(12, 1)),
        "careful" => from_yaml(CAREFUL).ok(),
        "large" => Some(large::large()),
        "huge" => Some(large::huge()),
        _ => None,
    }
}

/// Builds the world that a description file describes.
///
/// # Errors
///
/// The text is not a description, or contradicts itself.
pub fn from_yaml(text: &str) -> Result<Built, WorldError> {
    let description: Description =
        serde_saphyr::from_str(text).map_err(|error| WorldError::Unreadable(Box::new(error)))?;
    build::build(&description)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::sim::World;
    use crate::sim::studio;
    use crate::sim::wire::{Caller, Refusal};

    fn open(built: Built) -> (World, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let world = World::create(dir.path(), Path::new("/bin/false"), built.state).unwrap();
        (world, dir)
    }

    fn call(world: &World, operation: &str, input: Value) -> Result<Value, Refusal> {
        let caller = Caller { arn: String::new(), role: None };
        studio::call(world, &caller, operation, input, None)
    }

    #[test]
    fn every_named_world_is_built_the_same_twice() {
        for name in NAMES {
            let (mut one, mut other) = (named(name).unwrap(), named(name).unwrap());
            // The trail is as old as it says from today, everything else is from no clock.
            one.state.trail.clear();
            other.state.trail.clear();
            assert_eq!(one, other, "{name}");
        }
        assert_eq!(named("nothing"), None);
    }

    #[test]
    fn every_profile_of_every_world_is_described() {
        for name in NAMES {
            let built = named(name).unwrap();
            let count = built.state.studio.profiles.len();
            let (world, _dir) = open(built);
            let mut seen = 0;
            let mut input = json!({"MaxResults": 100});
            loop {
                let page = call(&world, "ListUserProfiles", input.clone()).unwrap();
                for row in page["UserProfiles"].as_array().unwrap() {
                    let asked = json!({"DomainId": row["DomainId"], "UserProfileName": row["UserProfileName"]});
                    call(&world, "DescribeUserProfile", asked).unwrap();
                    seen += 1;
                }
                let Some(token) = page.get("NextToken") else { break };
                input["NextToken"] = token.clone();
            }
            assert_eq!(seen, count, "{name}");
        }
    }

    #[test]
    fn the_settings_of_the_small_and_the_careful_world_are_ones_that_aws_accepts() {
        for name in ["small", "careful"] {
            let built = named(name).unwrap();
            let profiles: Vec<_> = built.state.studio.profiles.values().cloned().collect();
            let (world, _dir) = open(built);
            for profile in profiles {
                let mut settings = profile.settings;
                settings.shift_remove("CustomPosixUserConfig");
                let input = json!({"DomainId": profile.domain, "UserProfileName": profile.name,
                    "UserSettings": settings});
                if let Err(refusal) = call(&world, "UpdateUserProfile", input) {
                    // It came to be by a later change of the domain, and AWS takes nothing more of the kind.
                    let is_planted = profile.name == "contradicting";
                    assert!(is_planted || refusal.message.contains("Failed"), "{refusal}");
                }
            }
        }
    }

    #[test]
    fn the_small_world_is_as_large_as_asked() {
        let built = small(40, 7);
        assert_eq!(built.state.studio.profiles.len(), 40);
        // One home a person, and the shared space's.
        assert_eq!(built.homes.len(), 41);
        assert!(built.buckets.iter().any(|bucket| !bucket.objects.is_empty()));
    }

    #[test]
    fn the_large_and_the_huge_world_have_thousands_of_profiles_and_no_files() {
        for (name, domains, people) in [("large", 3, 2_000), ("huge", 4, 10_000)] {
            let built = named(name).unwrap();
            assert_eq!(built.state.studio.domains.len(), domains);
            assert_eq!(built.state.studio.profiles.len(), people);
            assert_eq!(built.homes, []);
            assert!(built.state.file_systems.values().all(|system| system.bytes.is_some()));
        }
    }

    #[test]
    fn a_description_that_contradicts_itself_is_refused() {
        let twice = "domains: [{name: a, profiles: [{name: x}, {name: X}]}]";
        assert!(matches!(from_yaml(twice), Err(WorldError::Twice(_))));
        let orphan = "domains: [{name: a, spaces: [{name: s, owner: x}]}]";
        assert!(matches!(from_yaml(orphan), Err(WorldError::NoOwner { .. })));
        assert!(matches!(from_yaml("domain: []"), Err(WorldError::Unreadable(_))));
        let lodger = "domains: [{name: a, file_system_of: b}, {name: b}]";
        assert!(matches!(from_yaml(lodger), Err(WorldError::NoFileSystem { .. })));
        let operator = "roles: [{arn: r, statements: [{allow: true, actions: [], resources: [], conditions: {IpAddress: {}}}]}]";
        assert!(matches!(from_yaml(operator), Err(WorldError::Operator(_))));
    }
}
