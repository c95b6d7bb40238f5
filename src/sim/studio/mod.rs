//! The simulated SageMaker: domains, profiles, spaces, apps, scripts and images, with AWS's rules.
//!
//! [`call`] answers one operation. Its input has been checked against AWS's model, so what is checked here is what the
//! service itself checks: parents, names, states, sizes, quotas. A status moves with the world's clock and is worked out
//! when it is read, from the instant at which it settles; nothing runs in the background.

mod app;
mod app_image_config;
mod ask;
mod domain;
mod domain_update;
mod image;
mod launch;
mod listing;
mod presigned;
mod profile;
mod quota;
mod records;
mod refuse;
mod script;
mod settings;
mod space;
mod standing;
mod tags;
#[cfg(test)]
mod testing;
mod volume;

use serde_json::Value;

use super::World;
use super::state::Effect;
use super::wire::{Caller, Refusal};

pub use app::{resume, scripts_ended};
pub(in crate::sim) use domain::add_file_system;
pub(in crate::sim) use records::next_uid;
pub use records::{
    App, AppImageConfig, Domain, Image, ImageVersion, Members, Profile, Script, Space, Studio,
};
pub use settings::effective;
pub use standing::{NEVER, Standing, Status};

/// Answers one operation of SageMaker, in wire form with timestamps in seconds since the epoch.
///
/// What is stuck never leaves its transient status, an app that fails never starts, and one whose mount fails starts without
/// the home; other effects are the front's.
///
/// # Errors
///
/// Refuses what AWS refuses, with AWS's error code.
pub fn call(
    world: &World,
    caller: &Caller,
    operation: &str,
    input: Value,
    effect: Option<&Effect>,
) -> Result<Value, Refusal> {
    let call = &ask::Call {
        world,
        caller,
        input: &input,
        now: world.now(),
        is_stuck: effect == Some(&Effect::Stuck),
        fails: effect == Some(&Effect::Fails),
        is_unmounted: effect == Some(&Effect::MountFails),
    };
    match operation {
        "CreateDomain" => domain::create(call),
        "DescribeDomain" => domain::describe(call),
        "ListDomains" => domain::list(call),
        "UpdateDomain" => domain_update::update(call),
        "DeleteDomain" => domain::delete(call),
        "CreateUserProfile" => profile::create(call),
        "DescribeUserProfile" => profile::describe(call),
        "ListUserProfiles" => profile::list(call),
        "UpdateUserProfile" => profile::update(call),
        "DeleteUserProfile" => profile::delete(call),
        "CreateSpace" => space::create(call),
        "DescribeSpace" => space::describe(call),
        "ListSpaces" => space::list(call),
        "UpdateSpace" => space::update(call),
        "DeleteSpace" => space::delete(call),
        "CreateApp" => app::create(call),
        "DescribeApp" => app::describe(call),
        "ListApps" => app::list(call),
        "DeleteApp" => app::delete(call),
        "CreateStudioLifecycleConfig" => script::create(call),
        "DescribeStudioLifecycleConfig" => script::describe(call),
        "ListStudioLifecycleConfigs" => script::list(call),
        "DeleteStudioLifecycleConfig" => script::delete(call),
        "CreateAppImageConfig" => app_image_config::create(call),
        "DescribeAppImageConfig" => app_image_config::describe(call),
        "ListAppImageConfigs" => app_image_config::list(call),
        "UpdateAppImageConfig" => app_image_config::update(call),
        "DeleteAppImageConfig" => app_image_config::delete(call),
        "ListImages" => image::list(call),
        "DescribeImage" => image::describe(call),
        "ListImageVersions" => image::list_versions(call),
        "DescribeImageVersion" => image::describe_version(call),
        "AddTags" => tags::add(call),
        "ListTags" => tags::list(call),
        "DeleteTags" => tags::delete(call),
        "CreatePresignedDomainUrl" => presigned::create(call),
        _ => {
            Err(Refusal::new("UnknownOperationException", format!("{operation} is not simulated"))
                .status(404))
        }
    }
}
