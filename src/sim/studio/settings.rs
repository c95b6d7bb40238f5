//! Settings: how an update merges, which of two settings holds, and what is refused.
//!
//! In an update scalars replace, structures merge member by member, lists replace whole. There is no unset, but an ARN may
//! be the literal `None`, which clears it. A profile's settings beat its domain's.

use serde_json::Value;

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{arn, at, text_at};
use super::records::{Domain, Members, Profile, Space};
use super::refuse::invalid;
use super::script;

/// AWS's words when the portal and the landing page contradict each other.
pub(super) const PORTAL_DISABLED: &str = "StudioWebPortal is disabled for this domain/user.";

/// The literal that stands for "no ARN".
pub(super) const NONE: &str = "None";

/// Members whose literal `None` clears them.
const CLEARABLE: [&str; 3] =
    ["BuiltInLifecycleConfigArn", "LifecycleConfigArn", "SageMakerImageVersionArn"];

/// The settings that name scripts, and the app type that the scripts must have.
const SCRIPTED: [(&str, &str); 4] = [
    ("JupyterServerAppSettings", "JupyterServer"),
    ("KernelGatewayAppSettings", "KernelGateway"),
    ("JupyterLabAppSettings", "JupyterLab"),
    ("CodeEditorAppSettings", "CodeEditor"),
];

/// Merges an update into what is there.
pub(super) fn merge(old: &mut Members, new: &Members) {
    for (name, value) in new {
        match value {
            Value::Null => {}
            Value::String(text) if text == NONE && CLEARABLE.contains(&name.as_str()) => {
                old.shift_remove(name);
            }
            Value::Object(members) => {
                let inner =
                    old.entry(name.clone()).or_insert_with(|| Value::Object(Members::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Members::new());
                }
                if let Value::Object(inner) = inner {
                    merge(inner, members);
                }
            }
            other => {
                old.insert(name.clone(), other.clone());
            }
        }
    }
}

/// Returns the settings that hold for a person: the domain's, beaten by the profile's.
///
/// `AutoMountHomeEFS` may be `DefaultAsDomain` on a profile, which leaves it to the domain.
pub fn effective(domain: &Members, profile: &Members) -> Members {
    let mut settings = domain.clone();
    let own = settings.get("AutoMountHomeEFS").cloned();
    merge(&mut settings, profile);
    if text_at(&settings, &["AutoMountHomeEFS"]) == Some("DefaultAsDomain") {
        match own {
            Some(own) => settings.insert("AutoMountHomeEFS".to_owned(), own),
            None => settings.shift_remove("AutoMountHomeEFS"),
        };
    }
    settings
}

/// A structure among a domain's members, empty when there is none.
pub(super) fn of_domain(domain: &Domain, member: &str) -> Members {
    domain.members.get(member).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The settings that hold for a profile.
pub(super) fn of_profile(domain: &Domain, profile: &Profile) -> Members {
    effective(&of_domain(domain, "DefaultUserSettings"), &profile.settings)
}

/// The settings that hold in a space: its owner's in a private one, the domain's space settings in a shared one.
pub(super) fn of_space(state: &State, domain: &Domain, space: &Space, now: f64) -> Members {
    let owner = space.owner.as_deref().filter(|_| space.is_private());
    match owner.and_then(|owner| state.studio.profile(&domain.id, owner, now).ok()) {
        Some(owner) => of_profile(domain, owner),
        None => of_domain(domain, "DefaultSpaceSettings"),
    }
}

/// Refuses user settings of a domain or profile. `given` is what the call brings, `effective` what would then hold.
pub(super) fn check(
    state: &State,
    given: &Members,
    effective: &Members,
    is_profile: bool,
) -> Result<(), Refusal> {
    if !is_profile && text_at(given, &["AutoMountHomeEFS"]) == Some("DefaultAsDomain") {
        return Err(invalid(
            "AutoMountHomeEFS DefaultAsDomain is supported for user profiles only.",
        ));
    }
    check_landing(given, effective)?;
    check_scripts(state, given)?;
    check_images(state, given)?;
    check_storage(given)
}

fn check_landing(given: &Members, effective: &Members) -> Result<(), Refusal> {
    if !given.contains_key("StudioWebPortal") && !given.contains_key("DefaultLandingUri") {
        return Ok(());
    }
    let portal = text_at(effective, &["StudioWebPortal"]);
    let landing = text_at(effective, &["DefaultLandingUri"]).unwrap_or_default();
    let is_refused = match portal {
        Some("ENABLED") => false,
        Some(_) => !landing.starts_with("app:JupyterServer:"),
        None => landing.starts_with("studio::"),
    };
    if is_refused { Err(invalid(PORTAL_DISABLED)) } else { Ok(()) }
}

/// Refuses scripts that do not exist or are for another app type.
pub(super) fn check_scripts(state: &State, given: &Members) -> Result<(), Refusal> {
    for (member, app_type) in SCRIPTED {
        let Some(settings) = given.get(member) else { continue };
        let attached = settings["LifecycleConfigArns"].as_array().into_iter().flatten();
        let default = &settings["DefaultResourceSpec"]["LifecycleConfigArn"];
        let built_in = &settings["BuiltInLifecycleConfigArn"];
        let named = attached.chain([default, built_in]).filter_map(Value::as_str);
        for script_arn in named.filter(|script_arn| *script_arn != NONE) {
            let script = script::find(state, script_arn)?;
            if script.app_type != app_type {
                return Err(invalid(format!(
                    "Lifecycle config [{script_arn}] is for app type [{}] and cannot be used in {member}.",
                    script.app_type
                )));
            }
        }
    }
    Ok(())
}

/// Settings whose images need a configuration for their own app. AWS says nothing of when it looks; here it looks at once.
const CONFIGURED: [(&str, &str); 3] = [
    ("KernelGatewayAppSettings", "KernelGatewayImageConfig"),
    ("JupyterLabAppSettings", "JupyterLabAppImageConfig"),
    ("CodeEditorAppSettings", "CodeEditorAppImageConfig"),
];

fn check_images(state: &State, given: &Members) -> Result<(), Refusal> {
    for (member, settings) in given {
        for offered in settings["CustomImages"].as_array().into_iter().flatten() {
            let name = |member: &str| offered[member].as_str().unwrap_or_default();
            let (image, config) = (name("ImageName"), name("AppImageConfigName"));
            let Some(found) = state.studio.images.get(image) else {
                let arn = arn(state, &format!("image/{image}"));
                return Err(invalid(format!("Image [{arn}] does not exist.")));
            };
            let version = offered["ImageVersionNumber"].as_u64();
            let has = |wanted| found.versions.iter().any(|one| u64::from(one.version) == wanted);
            if let Some(version) = version.filter(|version| !has(*version)) {
                return Err(invalid(format!(
                    "ImageVersion [{version}] of Image [{image}] does not exist."
                )));
            }
            let Some(config) = state.studio.app_image_configs.get(config) else {
                return Err(invalid(format!("AppImageConfig [{config}] does not exist.")));
            };
            let wanted = CONFIGURED.iter().find(|(settings, _)| settings == member);
            if let Some((_, part)) = wanted.filter(|(_, part)| !config.members.contains_key(*part))
            {
                return Err(invalid(format!(
                    "AppImageConfig [{}] has no {part} and cannot be used in {member}.",
                    config.name
                )));
            }
        }
    }
    Ok(())
}

fn check_storage(given: &Members) -> Result<(), Refusal> {
    let size = |member| {
        at(given, &["SpaceStorageSettings", "DefaultEbsStorageSettings", member])?.as_i64()
    };
    match (size("DefaultEbsVolumeSizeInGb"), size("MaximumEbsVolumeSizeInGb")) {
        (Some(default), Some(most)) if default > most => Err(invalid(
            "DefaultEbsVolumeSizeInGb must not be greater than MaximumEbsVolumeSizeInGb.",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn structures_merge_and_lists_replace() {
        let mut old = members(json!({"A": {"X": 1, "L": [1, 2]}, "B": 1}));
        merge(&mut old, &members(json!({"A": {"Y": 2, "L": [3]}})));
        assert_eq!(Value::Object(old), json!({"A": {"X": 1, "Y": 2, "L": [3]}, "B": 1}));
    }

    #[test]
    fn the_literal_none_clears_a_built_in_script_and_nothing_else() {
        let mut old = members(json!({"J": {"BuiltInLifecycleConfigArn": "arn:x", "L": "y"}}));
        merge(&mut old, &members(json!({"J": {"BuiltInLifecycleConfigArn": "None", "L": "None"}})));
        assert_eq!(Value::Object(old), json!({"J": {"L": "None"}}));
    }

    #[test]
    fn a_profile_beats_its_domain_member_by_member() {
        let domain = members(json!({"ExecutionRole": "r1", "J": {"X": 1, "Y": 1}}));
        let profile = members(json!({"J": {"X": 2}}));
        let settings = effective(&domain, &profile);
        assert_eq!(Value::Object(settings), json!({"ExecutionRole": "r1", "J": {"X": 2, "Y": 1}}));
    }

    #[test]
    fn default_as_domain_leaves_auto_mount_to_the_domain() {
        let profile = members(json!({"AutoMountHomeEFS": "DefaultAsDomain"}));
        let domain = members(json!({"AutoMountHomeEFS": "Disabled"}));
        assert_eq!(effective(&domain, &profile)["AutoMountHomeEFS"], "Disabled");
        assert!(effective(&Members::new(), &profile).is_empty());
    }
}
