//! Two passes: most of a home is copied while its owner still works, and what changed meanwhile once they hold still.
//!
//! A run that ends with hydrate or before is the first pass of a playbook that wants two: it puts quiesce off, and says so in
//! its receipt. Whoever goes beyond hydrate later finds that receipt, and what the first pass did is due again: the apps are
//! stopped, only what differs is copied, and the proof is about that copy.

use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::hook::Pass;
use super::standing::{Standing, StepStanding, kind};
use super::step::Step;
use super::steps::provision::others_apps;
use super::steps::transfer_report;
use crate::journal::{self, Event};
use crate::mover::Done;
use crate::plan::{Migration, Plan, Route};

/// The kind of event that says which manifest a copy left that ended badly. It is no part of a standing.
const BROUGHT: &str = "brought";

/// Tells whether a run up to `last` is the first of two passes.
pub fn is_first_pass(plan: &Plan, last: Step) -> bool {
    plan.playbook.passes == 2 && last <= Step::Hydrate
}

/// Tells whether a run up to `last` takes a migration: homes that no space mounts are packed once, when their owners hold
/// still, and have no part in a first pass.
pub(super) fn takes_part(plan: &Plan, migration: &Migration, last: Step) -> bool {
    migration.route == Route::InSpace || !is_first_pass(plan, last)
}

/// Makes due again what the first pass did. Quiesce comes last: until that is written the next run does the same once more.
pub(super) async fn begin_last(cx: &Context, standing: &Standing) -> Result<(), Failure> {
    let is_touched = |step| {
        !matches!(standing.step(step), StepStanding::Untouched | StepStanding::Undone { .. })
    };
    // Found out before a Classic app is stopped for good.
    if is_touched(Step::Provision)
        && let Some(app) = others_apps(cx).await?.first()
    {
        return Err(Failure::new(format!(
            "{}/{} runs in space {}, and this migration did not start it",
            app.app_type, app.name, cx.migration.space
        ))
        .hinted("let the space's owner stop it, then run again"));
    }
    if is_touched(Step::Hydrate) {
        cx.record(Step::Hydrate, kind::DUE_AGAIN, json!({}))?;
    }
    cx.record(Step::Quiesce, kind::DUE_AGAIN, json!({}))
}

/// Tells which pass a copy is that begins now.
pub(super) fn pass(cx: &Context) -> Result<Pass, Failure> {
    let events = cx.journal.events_of(cx.id())?;
    let brought = brought(cx, &events)?;
    // What DataSync passed over is not in what arrives, and may be in the home all the same.
    let is_whole = cx.migration.route != Route::DataSync || transfer_report::left(&events).0 == 0;
    let first = Pass {
        deletes: brought.is_some() && is_whole,
        brought,
        ..Pass::first(cx.standing()?.attempt(Step::Hydrate))
    };
    if cx.migration.route != Route::InSpace {
        return Ok(first);
    }
    let is_undone = |event: &&Event| event.kind == kind::UNDO_FINISHED;
    let since: Vec<&Event> =
        events.iter().rev().filter(of_hydrate).take_while(|event| !is_undone(event)).collect();
    let copied = since.iter().find(|event| event.kind == kind::FINISHED);
    let earlier = copied.and_then(|copied| manifest_of(copied)).map(str::to_owned);
    let is_again = since.iter().any(|event| event.kind == kind::DUE_AGAIN);
    let brought = first.brought.filter(|brought| Some(brought) != earlier.as_ref());
    Ok(Pass { deletes: is_again || brought.is_some(), brought, earlier, ..first })
}

/// Writes down which manifest a copy left that ended badly: the next one knows by it what is ours.
pub(super) fn record_brought(cx: &Context, done: &Done) -> Result<(), Failure> {
    if done.manifest_blake3.is_empty() {
        return Ok(());
    }
    let detail = json!({ "space": done.space, "manifest_blake3": done.manifest_blake3 });
    cx.record(Step::Hydrate, BROUGHT, json!({ "done": detail }))
}

/// Returns the hash of the manifest that was left last by a copy of this home into the same folder of the same space.
fn brought(cx: &Context, events: &[Event]) -> Result<Option<String>, Failure> {
    let is_copy = |event: &&Event| matches!(event.kind.as_str(), kind::FINISHED | BROUGHT);
    for event in events.iter().rev().filter(of_hydrate).filter(is_copy) {
        let space = event.detail.pointer("/done/space").and_then(Value::as_str);
        let Some(hash) = manifest_of(event) else { continue };
        if space == Some(cx.migration.space.as_str()) && is_same_folder(cx, event)? {
            return Ok(Some(hash.to_owned()));
        }
    }
    Ok(None)
}

/// Tells whether a copy went into the folder that this plan names. What an earlier plan was cannot be told where it is gone.
fn is_same_folder(cx: &Context, event: &Event) -> Result<bool, Failure> {
    let Some(of) = event.plan.as_ref().filter(|of| **of != cx.plan.id) else { return Ok(true) };
    let plan = match cx.journal.plan(of) {
        Ok(plan) => plan,
        Err(journal::Error::Missing(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut migrations = plan.migrations().map(|(_, migration)| migration);
    let migration = migrations.find(|migration| migration.id == cx.migration.id);
    let now = cx.plan.folder(&cx.migration);
    Ok(migration.is_some_and(|migration| plan.folder(migration) == now))
}

fn of_hydrate(event: &&Event) -> bool {
    event.step.as_deref() == Some(Step::Hydrate.name())
}

fn manifest_of(event: &Event) -> Option<&str> {
    event.detail.pointer("/done/manifest_blake3").and_then(Value::as_str)
}
