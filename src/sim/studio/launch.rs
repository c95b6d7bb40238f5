//! What an app starts with: its instance, its scripts, its mount, its role.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sim::runtime::Launch;
use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{arn, at, text_at};
use super::records::{App, Domain, Members, Space};
use super::refuse::invalid;
use super::{script, settings, volume};

/// The instance of an app for which nobody chose one.
const INSTANCE: &str = "ml.t3.medium";

/// The settings of an app type: `JupyterLab` has `JupyterLabAppSettings`.
fn member_of(app_type: &str) -> String {
    format!("{app_type}AppSettings")
}

/// The `ResourceSpec` that holds: the call's, then the space's, then the owner's.
pub(super) fn resource(
    state: &State,
    app_type: &str,
    effective: &Members,
    space: Option<&Space>,
    given: Option<&Members>,
) -> Members {
    let member = member_of(app_type);
    let path = [member.as_str(), "DefaultResourceSpec"];
    let default = |members: &Members| at(members, &path).and_then(Value::as_object).cloned();
    let mut resource = default(effective).unwrap_or_default();
    let of_space = space.and_then(|space| default(&space.settings));
    for over in of_space.iter().chain(given) {
        settings::merge(&mut resource, over);
    }
    resource.entry("InstanceType").or_insert_with(|| json!(INSTANCE));
    let image = arn(state, "image/sagemaker-distribution-cpu");
    resource.entry("SageMakerImageArn").or_insert_with(|| json!(image));
    resource
}

/// The script that always runs first, whatever the person chooses.
pub(super) fn built_in(app_type: &str, effective: &Members) -> Option<String> {
    text_at(effective, &[&member_of(app_type), "BuiltInLifecycleConfigArn"]).map(str::to_owned)
}

/// Refuses a script that does not exist, is for another app type, or is attached to neither domain nor profile.
pub(super) fn check_script(
    state: &State,
    app: &App,
    domain: &Domain,
    effective: &Members,
) -> Result<(), Refusal> {
    let Some(chosen) = text_at(&app.resource, &["LifecycleConfigArn"]) else { return Ok(()) };
    let script = script::find(state, chosen)?;
    if script.app_type != app.app_type {
        return Err(invalid(format!(
            "Lifecycle config [{chosen}] is for app type [{}] and cannot be used with [{}].",
            script.app_type, app.app_type
        )));
    }
    let member = member_of(&app.app_type);
    let defaults = settings::of_domain(domain, "DefaultUserSettings");
    let is_listed = |members: &Members| {
        let listed = at(members, &[&member, "LifecycleConfigArns"]).and_then(Value::as_array);
        listed.into_iter().flatten().any(|listed| listed == chosen)
            || text_at(members, &[&member, "DefaultResourceSpec", "LifecycleConfigArn"])
                == Some(chosen)
    };
    if is_listed(effective) || is_listed(&defaults) || app.built_in.as_deref() == Some(chosen) {
        return Ok(());
    }
    Err(invalid(format!(
        "Lifecycle config [{chosen}] is not attached to the domain or the user profile."
    )))
}

/// Everything that an app in a space needs to start.
pub(super) fn of_app(state: &State, domain: &Domain, space: &Space, app: &App, now: f64) -> Launch {
    let effective = settings::of_space(state, domain, space, now);
    let owner = space.owner.as_deref().filter(|_| space.is_private());
    let owner = owner.and_then(|owner| state.studio.profile(&domain.id, owner, now).ok());
    let is_mounted = text_at(&effective, &["AutoMountHomeEFS"]) != Some("Disabled");
    let home = owner.filter(|_| is_mounted).and_then(|owner| {
        let file_system = domain.file_system.clone()?;
        Some((file_system, owner.uid.clone()?))
    });
    let mount_error = owner
        .and_then(|owner| owner.mount_error.clone())
        .or_else(|| domain.mount_error.clone())
        .filter(|_| home.is_some());
    let size = volume::size(&space.settings).and_then(|size| i32::try_from(size).ok());
    Launch {
        key: app.key(),
        domain: domain.id.clone(),
        space: space.name.clone(),
        app_type: app.app_type.clone(),
        volume_gb: size.unwrap_or(5),
        efs_home: home,
        mount_error,
        scripts: scripts(state, app),
        role: text_at(&effective, &["ExecutionRole"]).map(str::to_owned),
        limit_seconds: state.timing.script_limit,
    }
}

/// The texts of an app's scripts in the order in which they run: the built-in one, then the chosen one. Recovery mode
/// runs none.
pub(super) fn scripts(state: &State, app: &App) -> Vec<(String, String)> {
    if app.recovery_mode == Some(true) {
        return Vec::new();
    }
    let built_in = app.built_in.as_deref();
    let chosen = text_at(&app.resource, &["LifecycleConfigArn"]);
    let chosen = chosen.filter(|chosen| Some(*chosen) != built_in);
    let named = built_in.into_iter().chain(chosen);
    named
        .filter_map(|script_arn| {
            let script = script::find(state, script_arn).ok()?;
            let text = STANDARD.decode(&script.content).ok()?;
            Some((script.name.clone(), String::from_utf8_lossy(&text).into_owned()))
        })
        .collect()
}
