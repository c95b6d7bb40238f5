//! Apps: started, with their scripts really run, and stopped.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::sim::World;
use crate::sim::runtime::{self, Launch};
use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn, text_at};
use super::listing::{Listing, SortBy};
use super::records::{App, Domain, Members, Space, Studio};
use super::refuse::{exists, invalid, missing, unless_deletable, unless_settled};
use super::standing::{NEVER, Standing, Status};
use super::{launch, quota, settings, tags};

const QUOTA: &str = "Maximum number of running Studio apps allowed per account";

/// The ARN of an app; AWS writes the app type in lower case there.
pub(super) fn arn_of(state: &State, app: &App) -> String {
    let holder = app.space.as_deref().or(app.profile.as_deref()).unwrap_or_default();
    let app_type = app.app_type.to_ascii_lowercase();
    arn(state, &format!("app/{}/{holder}/{app_type}/{}", app.domain, app.name))
}

/// `CreateApp`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let (arn, launch) = call.world.change(|state| {
        state.studio.tidy(call.now);
        let domain = state.studio.domain(call.text("DomainId"), call.now)?.clone();
        if let Some(status) = domain.standing.status(call.now) {
            unless_settled("Domain", &domain.id, status)?;
        }
        let mut app = asked_for(call)?;
        let space = space_of(state, call, &app)?;
        let effective = owner_settings(state, call, &domain, space.as_ref(), &mut app)?;
        let kept = state.studio.apps.get(&app.key());
        if kept.is_some_and(|kept| kept.status(call.now) != Some(Status::Deleted)) {
            return Err(exists("App", &arn_of(state, &app)));
        }
        let given = call.structure("ResourceSpec");
        app.resource = launch::resource(state, &app.app_type, &effective, space.as_ref(), given);
        app.built_in = launch::built_in(&app.app_type, &effective);
        launch::check_script(state, &app, &domain, &effective)?;
        check_quotas(state, call, &app)?;
        app.standing = Standing::pending(call.now, call.settles_in(state.timing.app_start));
        app.is_scripted = space.is_some() && !launch::scripts(state, &app).is_empty();
        let launch = space.map(|space| launch::of_app(state, &domain, &space, &app, call.now));
        let mut launch = launch.filter(|_| !call.fails);
        if let Some(launch) = launch.as_mut().filter(|_| call.is_unmounted) {
            launch.mount_error = Some("mount.nfs4: Connection timed out".to_owned());
        }
        if call.fails {
            app.is_scripted = false;
            app.standing.status = Status::Failed;
            app.standing.failure = Some("InternalFailure: the app could not be started".to_owned());
        }
        let arn = arn_of(state, &app);
        tags::put(state, &arn, tags::read(call)?);
        state.studio.apps.insert(app.key(), app);
        Ok((arn, launch))
    })?;
    // Outside of the lock: the runtime looks at the world itself.
    if let Some(launch) = launch {
        runtime::start(call.world, launch);
    }
    Ok(json!({ "AppArn": arn }))
}

/// Reads the app that a call asks for, and refuses what no app may be.
fn asked_for(call: &Call<'_>) -> Result<App, Refusal> {
    let (app_type, name) = (call.text("AppType"), call.text("AppName"));
    if matches!(app_type, "JupyterServer" | "KernelGateway") {
        return Err(invalid(format!(
            "Invalid AppType [{app_type}]. This AppType has been deprecated."
        )));
    }
    check_holder(call)?;
    let is_in_space = call.given("SpaceName").is_some();
    if matches!(app_type, "JupyterLab" | "CodeEditor") != is_in_space {
        let needed = if is_in_space { "UserProfileName" } else { "SpaceName" };
        return Err(invalid(format!("AppType [{app_type}] must be created with {needed}.")));
    }
    if is_in_space && name != "default" {
        return Err(invalid(format!("AppName for AppType [{app_type}] must be [default].")));
    }
    Ok(App {
        domain: call.text("DomainId").to_owned(),
        profile: call.given("UserProfileName").map(str::to_owned),
        space: call.given("SpaceName").map(str::to_owned),
        app_type: app_type.to_owned(),
        name: name.to_owned(),
        recovery_mode: call.member("RecoveryMode").map(|_| call.is_set("RecoveryMode")),
        ..App::default()
    })
}

fn check_holder(call: &Call<'_>) -> Result<(), Refusal> {
    if call.given("UserProfileName").is_some() == call.given("SpaceName").is_some() {
        return Err(invalid("Exactly one of UserProfileName and SpaceName must be specified."));
    }
    Ok(())
}

/// Finds the space of an app that runs in one; it must be in service and made for the app's type.
fn space_of(state: &State, call: &Call<'_>, app: &App) -> Result<Option<Space>, Refusal> {
    let Some(name) = app.space.as_deref() else { return Ok(None) };
    let space = state.studio.space(&app.domain, name, call.now)?;
    if let Some(status) = space.standing.status(call.now) {
        unless_settled("Space", name, status)?;
    }
    if space.app_type() != Some(app.app_type.as_str()) {
        return Err(invalid(format!(
            "AppType [{}] does not match the AppType of space [{name}].",
            app.app_type
        )));
    }
    Ok(Some(space.clone()))
}

/// The settings that hold for an app; the profile behind it must be in service.
fn owner_settings(
    state: &State,
    call: &Call<'_>,
    domain: &Domain,
    space: Option<&Space>,
    app: &mut App,
) -> Result<Members, Refusal> {
    let owner = match space {
        Some(space) => space.owner.as_deref().filter(|_| space.is_private()),
        None => app.profile.as_deref(),
    };
    let Some(owner) = owner else {
        return Ok(settings::of_domain(domain, "DefaultSpaceSettings"));
    };
    let profile = state.studio.profile(&domain.id, owner, call.now)?;
    if let Some(status) = profile.standing.status(call.now) {
        unless_settled("UserProfile", &profile.name, status)?;
    }
    if app.profile.is_some() {
        app.profile = Some(profile.name.clone());
    }
    Ok(settings::of_profile(domain, profile))
}

fn check_quotas(state: &State, call: &Call<'_>, app: &App) -> Result<(), Refusal> {
    let running: Vec<&App> =
        state.studio.apps.values().filter(|other| other.is_running(call.now)).collect();
    quota::admit(state, QUOTA, "Apps", running.len())?;
    let instance = text_at(&app.resource, &["InstanceType"]).unwrap_or_default();
    let alike = running.iter().filter(|other| {
        other.app_type == app.app_type
            && text_at(&other.resource, &["InstanceType"]) == Some(instance)
    });
    let name = format!("Studio {} Apps running on {instance} instance", app.app_type);
    quota::admit(state, &name, "Apps", alike.count())
}

/// Says how the scripts of an app ended: it is in service, no sooner than it could have been without them, or has failed.
///
/// An app that does not wait for its scripts, say because it was deleted meanwhile, is left alone.
pub fn scripts_ended(world: &World, key: &str, outcome: Result<(), String>) {
    let now = world.now();
    let change = world.change(|state| {
        let app = state.studio.apps.get_mut(key);
        let Some(app) = app.filter(|app| app.is_scripted) else { return Ok(()) };
        app.is_scripted = false;
        let standing = &mut app.standing;
        if standing.status != Status::Pending || standing.settles_at >= NEVER {
            return Ok(());
        }
        match outcome {
            Ok(()) => standing.settles_at = standing.settles_at.max(now),
            Err(reason) => {
                standing.status = Status::Failed;
                standing.modified_at = now;
                let reason = format!("LifecycleConfigOnStart script failed: {reason}");
                standing.failure = Some(reason.chars().take(1024).collect());
            }
        }
        Ok(())
    });
    if let Err(refusal) = change {
        tracing::warn!(%key, %refusal, "how the scripts of an app ended could not be kept");
    }
}

/// Stops an app whose volume has to be brought back; it is deleted once that is done.
fn stop_real(world: &World, domain: &str, space: &str, key: String) {
    let told = world.clone();
    runtime::stop_and(world, domain, space, move || stopped(&told, &key));
}

/// Says that an app has ended and that its files are in the folder of its volume.
fn stopped(world: &World, key: &str) {
    let now = world.now();
    let change = world.change(|state| {
        let listed_for = state.timing.deleted_app;
        let app = state.studio.apps.get_mut(key).filter(|app| app.is_stopping);
        let Some(app) = app else { return Ok(()) };
        app.is_stopping = false;
        if app.standing.settles_at < now {
            app.standing.settles_at = now;
            app.listed_until = now + listed_for;
        }
        Ok(())
    });
    if let Err(refusal) = change {
        tracing::warn!(%key, %refusal, "that an app has ended could not be kept");
    }
}

/// Goes on with what a process left behind when it died, for a world that was just opened: volumes that were being brought
/// back, and scripts that ran.
pub fn resume(world: &World) {
    let stopping: Vec<(String, App)> = world.read(|state| {
        let apps = state.studio.apps.iter().filter(|(_, app)| app.is_stopping);
        apps.map(|(key, app)| (key.clone(), app.clone())).collect()
    });
    for (key, app) in stopping {
        stop_real(world, &app.domain, app.space.as_deref().unwrap_or_default(), key);
    }
    start_again(world);
}

/// Starts again the scripts that a process left behind when it died, for a world that was just opened.
fn start_again(world: &World) {
    let now = world.now();
    let launches: Vec<Launch> = world.read(|state| {
        let waiting = state.studio.apps.values().filter(|app| app.is_scripted);
        waiting
            .filter_map(|app| {
                let domain = state.studio.domain(&app.domain, now).ok()?;
                let space = state.studio.space(&app.domain, app.space.as_deref()?, now).ok()?;
                Some(launch::of_app(state, domain, space, app, now))
            })
            .collect()
    });
    for launch in launches {
        runtime::stop(world, &launch.domain, &launch.space);
        runtime::start(world, launch);
    }
}

/// Finds the app that a call names.
fn find<'a>(studio: &'a Studio, call: &Call<'_>) -> Result<&'a App, Refusal> {
    check_holder(call)?;
    let id = call.text("DomainId");
    studio.domain(id, call.now)?;
    let (app_type, name) = (call.text("AppType"), call.text("AppName"));
    let of_profiles = format!("{id}/profile/");
    let found = match (call.given("SpaceName"), call.given("UserProfileName")) {
        (Some(space), _) => studio.apps.get(&format!("{id}/space/{space}/{app_type}/{name}")),
        (None, Some(profile)) => {
            let is_named = |app: &App| {
                app.profile.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(profile))
                    && app.app_type == app_type
                    && app.name == name
            };
            studio.apps_below(&of_profiles).map(|(_, app)| app).find(|app| is_named(app))
        }
        (None, None) => None,
    };
    found.filter(|app| app.status(call.now).is_some()).ok_or_else(|| {
        let holder = call.given("SpaceName").or(call.given("UserProfileName")).unwrap_or_default();
        missing("App", &format!("{id}/{holder}/{app_type}/{name}"))
    })
}

/// `DescribeApp`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let app = find(&state.studio, call)?;
        let mut output = details(call, app);
        output["AppArn"] = json!(arn_of(state, app));
        if let Some(built_in) = &app.built_in {
            output["BuiltInLifecycleConfigArn"] = json!(built_in);
        }
        if let Some(recovery_mode) = app.recovery_mode {
            output["RecoveryMode"] = json!(recovery_mode);
        }
        if let Some(failure) = &app.standing.failure {
            output["FailureReason"] = json!(failure);
        }
        if app.status(call.now) == Some(Status::InService) {
            output["LastHealthCheckTimestamp"] = json!(call.now);
            output["LastUserActivityTimestamp"] = json!(call.now);
        }
        Ok(output)
    })
}

/// `ListApps`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    let (profile, space) = (call.given("UserProfileNameEquals"), call.given("SpaceNameEquals"));
    if profile.is_some() && space.is_some() {
        return Err(invalid("UserProfileNameEquals and SpaceNameEquals cannot both be specified."));
    }
    // No key of another holder begins like these: names have no slash.
    let below = match (call.given("DomainIdEquals"), profile, space) {
        (Some(domain), None, Some(space)) => format!("{domain}/space/{space}/"),
        // AWS does not tell upper from lower case in the name of a profile.
        (Some(domain), Some(_), None) => format!("{domain}/profile/"),
        _ => String::new(),
    };
    call.world.read(|state| {
        let rows = state
            .studio
            .apps_below(&below)
            .filter(|(_, app)| {
                app.status(call.now).is_some()
                    && call.equals("DomainIdEquals", Some(&app.domain))
                    && call.equals("SpaceNameEquals", app.space.as_deref())
                    && profile.is_none_or(|wanted| {
                        app.profile.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                    })
            })
            .map(|(key, app)| (SortBy::Created.key(app.standing.created_at, 0.0, key), app))
            .collect();
        let listing =
            Listing { operation: "ListApps", member: "Apps", size: 10, is_descending: false };
        listing.page(call, rows, |app| details(call, app))
    })
}

fn details(call: &Call<'_>, app: &App) -> Value {
    let mut output = json!({
        "DomainId": app.domain,
        "AppType": app.app_type,
        "AppName": app.name,
        "Status": app.status(call.now).unwrap_or(Status::Deleted).as_str(),
        "CreationTime": app.standing.created_at,
        "ResourceSpec": app.resource,
    });
    if let Some(profile) = &app.profile {
        output["UserProfileName"] = json!(profile);
    }
    if let Some(space) = &app.space {
        output["SpaceName"] = json!(space);
    }
    output
}

/// `DeleteApp`, which stops an app. Its files stay; it is listed as Deleted for a while.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    let stopped = call.world.change(|state| {
        state.studio.tidy(call.now);
        let app = find(&state.studio, call)?;
        match app.status(call.now) {
            Some(Status::Deleted) => return Err(missing("App", &arn_of(state, app))),
            Some(status) => unless_deletable("App", &arn_of(state, app), status)?,
            None => {}
        }
        let key = app.key();
        let settles_at = call.settles_in(state.timing.app_stop);
        let listed_until = settles_at + state.timing.deleted_app;
        let is_real = state.real_volumes;
        let Some(app) = state.studio.apps.get_mut(&key) else { return Ok(None) };
        app.is_scripted = false;
        app.is_stopping = is_real && app.space.is_some();
        app.listed_until = listed_until;
        app.standing.move_to(Status::Deleting, call.now, settles_at);
        let space = app.space.clone();
        let stopped = space.map(|space| (app.domain.clone(), space, is_real.then_some(key)));
        state.studio.leaves_at(listed_until);
        Ok(stopped)
    })?;
    // Outside of the lock: the runtime looks at the world itself.
    match stopped {
        Some((domain, space, None)) => runtime::stop(call.world, &domain, &space),
        Some((domain, space, Some(key))) => stop_real(call.world, &domain, &space, key),
        None => {}
    }
    Ok(json!({}))
}
