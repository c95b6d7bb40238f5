//! Quiesce: a person's Classic apps hold still.
//!
//! - Changes: deletes the profile's, or the Classic shared space's or the team's profile's, JupyterServer and KernelGateway apps when the playbook says `stop`. A stopped Classic app
//!   can never be started again, which is why the run asks before the first one.
//! - Receipt: the apps that were stopped.
//!   In the first of two passes nothing is stopped, and the receipt says that this was put off.
//! - Twice: an app that is gone is not listed, and deleting one that has just gone succeeds.
//! - Undo: nothing can bring a Classic app back. The undo says so and leaves everything as it is.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{App, ErrorKind, Owner};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::step::Step;
use crate::plan::Migration;
use crate::playbook::ClassicApps;

/// The note of what ran when the step was tried first; one of the same name and an app is of what ran when it was tried again.
const RUNNING: &str = "running";

/// What quiesce did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The apps that were stopped, `type/name`. They cannot be started again.
    pub stopped: Vec<String>,
    /// The apps that were left running, as the playbook says or because they are to be stopped in the second pass.
    pub left_running: Vec<String>,
    /// Whether this is put off until the second pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub put_off: bool,
}

/// Stops nothing yet: people go on working while the first of two passes copies.
pub async fn put_off(cx: &Context) -> Result<Receipt, Failure> {
    let left_running = classic_apps(cx).await?.iter().map(name).collect();
    Ok(Receipt { left_running, put_off: true, ..Receipt::default() })
}

/// Stops every Classic app of the profile and waits until each is gone.
///
/// Kernel apps go before the server app, which would otherwise start them again.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let mut apps = classic_apps(cx).await?;
    match cx.plan.playbook.classic_apps {
        ClassicApps::Leave => {
            Ok(Receipt { left_running: apps.iter().map(name).collect(), ..Receipt::default() })
        }
        ClassicApps::RequireStopped if !apps.is_empty() => {
            let names: Vec<_> = apps.iter().map(name).collect();
            Err(Failure::new(format!("Classic apps still run: {}", names.join(", "))).hinted(
                "let their owner save and stop them, or set `classic_apps: stop` in the playbook; a stopped Classic app can never be started again",
            ))
        }
        ClassicApps::RequireStopped => Ok(Receipt::default()),
        ClassicApps::Stop => {
            apps.sort_by_key(|app| app.app_type == "JupyterServer");
            stop(cx, &apps).await
        }
    }
}

async fn stop(cx: &Context, apps: &[App]) -> Result<Receipt, Failure> {
    let owner = owner(&cx.migration);
    // Noted before the first is stopped, so that a run that crashed in between still reports every one.
    cx.before(Step::Quiesce, RUNNING, json!(apps.iter().map(name).collect::<Vec<_>>()))?;
    let noted = noted_apps(cx)?;
    // Whatever was opened after an earlier try failed is named, too.
    for app in apps.iter().map(name).filter(|app| !noted.contains(app)) {
        cx.before(Step::Quiesce, &format!("{RUNNING} {app}"), json!(app))?;
    }
    for app in apps {
        match cx.account.delete_app(&cx.migration.domain, &owner, &app.app_type, &app.name).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            // The reply may have been lost, and the call made again while the app was going already.
            Err(error) if error.kind == ErrorKind::InUse && is_going(cx, app).await? => {}
            Err(error) => return Err(error.into()),
        }
    }
    cx.until("Classic apps to stop", async || {
        let left = cx.account.apps(&cx.migration.domain, &owner).await?;
        Ok((!left.iter().any(is_running)).then_some(()))
    })
    .await?;
    Ok(Receipt { stopped: noted_apps(cx)?, ..Receipt::default() })
}

/// Returns every app that a try of this step found running, `type/name`.
fn noted_apps(cx: &Context) -> Result<Vec<String>, Failure> {
    let standing = cx.standing()?;
    let mut found: Vec<String> = Vec::new();
    for (_, value) in standing.notes(Step::Quiesce).filter(|(note, _)| note.starts_with(RUNNING)) {
        match value {
            Value::Array(apps) => {
                found.extend(apps.iter().filter_map(Value::as_str).map(str::to_owned))
            }
            app => found.extend(app.as_str().map(str::to_owned)),
        }
    }
    Ok(found)
}

/// Tells whether an app is gone or on its way.
async fn is_going(cx: &Context, app: &App) -> Result<bool, Failure> {
    let apps = cx.account.apps(&cx.migration.domain, &owner(&cx.migration)).await?;
    let now = apps.iter().find(|one| (&one.app_type, &one.name) == (&app.app_type, &app.name));
    Ok(now.is_none_or(|now| now.status == "Deleting"))
}

/// Undoes nothing, and says which apps cannot be brought back.
pub async fn undo(cx: &Context, receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    let stopped = match receipt {
        Some(receipt) => receipt.stopped.clone(),
        None => stopped_so_far(cx).await.map_err(|failure| {
            Stuck::over(failure, format!("the Classic apps of profile {}", cx.migration.profile))
        })?,
    };
    Ok(stopped.iter().map(|app| cannot_start(app)).collect())
}

/// The words for an app, `type/name`, that is gone for good.
pub(in crate::execute) fn cannot_start(app: &str) -> String {
    format!("the Classic app {app} was stopped and can never be started again")
}

/// Returns what a step that did not finish has stopped all the same: noted as running then, and not running now.
async fn stopped_so_far(cx: &Context) -> Result<Vec<String>, Failure> {
    let mut stopped = noted_apps(cx)?;
    if stopped.is_empty() {
        return Ok(stopped);
    }
    let apps = classic_apps(cx).await?;
    stopped.retain(|gone| !apps.iter().any(|app| app.status != "Deleting" && name(app) == *gone));
    Ok(stopped)
}

/// Whose apps: the person's, those of the Classic shared space, or those of the profile that a team shared: whatever part of
/// its home moves.
fn owner(migration: &Migration) -> Owner {
    match (&migration.team, &migration.shared) {
        (Some(part), _) => Owner::Profile(part.profile.clone()),
        (None, Some(space)) => Owner::Space(space.clone()),
        (None, None) => Owner::Profile(migration.profile.clone()),
    }
}

/// Of a domain's apps the Classic ones that this step is about, and by what name their owner goes.
pub fn classic_apps_of<'a>(migration: &Migration, apps: &'a [App]) -> (String, Vec<&'a App>) {
    let owner = owner(migration);
    let is_whose = |app: &&App| match &owner {
        Owner::Profile(profile) => app.space.is_none() && app.profile.as_ref() == Some(profile),
        Owner::Space(space) => app.space.as_ref() == Some(space),
    };
    let found = apps.iter().filter(|app| app.is_classic()).filter(is_whose).collect();
    let name = match &owner {
        Owner::Profile(profile) => profile.to_string(),
        Owner::Space(space) => format!("space.{space}"),
    };
    (name, found)
}

async fn classic_apps(cx: &Context) -> Result<Vec<App>, Failure> {
    let owner = owner(&cx.migration);
    let mut apps = cx.account.apps(&cx.migration.domain, &owner).await?;
    apps.retain(is_running);
    Ok(apps)
}

/// A failed Classic app runs nothing, and AWS takes it away by itself.
fn is_running(app: &App) -> bool {
    app.is_classic() && app.status != "Failed"
}

fn name(app: &App) -> String {
    format!("{}/{}", app.app_type, app.name)
}
