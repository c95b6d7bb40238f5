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
use crate::journal::Event;
use crate::plan::{Migration, Plan, Route};

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
    let attempt = cx.standing()?.attempt(Step::Hydrate);
    let first = Pass::first(attempt);
    if cx.migration.route != Route::InSpace {
        return Ok(first);
    }
    let events = cx.journal.events_of(cx.id())?;
    let of_hydrate = |event: &&Event| event.step.as_deref() == Some(Step::Hydrate.name());
    let is_undone = |event: &&Event| event.kind == kind::UNDO_FINISHED;
    let since: Vec<&Event> =
        events.iter().rev().filter(of_hydrate).take_while(|event| !is_undone(event)).collect();
    let copied = since.iter().find(|event| event.kind == kind::FINISHED);
    let hash = copied.and_then(|copied| copied.detail.pointer("/done/manifest_blake3"));
    Ok(Pass {
        earlier: hash.and_then(Value::as_str).map(str::to_owned),
        deletes: since.iter().any(|event| event.kind == kind::DUE_AGAIN),
        ..first
    })
}
