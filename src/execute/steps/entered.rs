//! Whether somebody may have worked in a space that was made for their migration: then no rollback deletes it unasked.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::aws::{ErrorKind, Space};
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::standing::{StepStanding, kind};
use crate::execute::step::Step;
use crate::journal::Event;

/// How far AWS's clock and this machine's may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// Once the person was led to the new Studio, or if they could enter it before, what is in the space may be theirs.
pub(in crate::execute) async fn may_hold_work(cx: &Context) -> Result<bool, Failure> {
    // Everyone of the domain may enter a shared space as soon as it is there.
    if cx.migration.shared.is_some()
        || !matches!(cx.standing()?.step(Step::Flip), StepStanding::Untouched)
        || could_enter_then(cx)
    {
        return Ok(true);
    }
    let profile = match cx.account.profile(&cx.migration.domain, &cx.migration.profile).await {
        Ok(profile) => profile,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let domain = cx.account.domain(&cx.migration.domain).await?;
    let effective = profile.settings.over(&domain.defaults);
    Ok(is_open(effective.studio_web_portal.as_deref()))
}

/// Tells whether a space may hold work, whatever this try has come to with it.
///
/// One that this try made, and was stopped before it was in service, holds none. One that it only found may be from an earlier
/// move that was taken back, or from before this journal: whoever was moved by another one was led there by it.
pub(super) async fn may_be_worked_in(
    cx: &Context,
    space: &Space,
    was_provided: bool,
) -> Result<bool, Failure> {
    if !was_provided && was_made_by_this_try(&cx.journal.events_of(cx.id())?) {
        return Ok(false);
    }
    Ok(is_older_than_journal(cx, space)? || may_hold_work(cx).await?)
}

/// Whether the portal was open to them when the plan was drawn up: somebody may have closed it since.
fn could_enter_then(cx: &Context) -> bool {
    cx.planned_profile()
        .is_some_and(|profile| is_open(profile.effective.studio_web_portal.as_deref()))
}

/// AWS's default is `ENABLED`.
fn is_open(portal: Option<&str>) -> bool {
    portal != Some("DISABLED")
}

/// Tells whether the call that makes the space succeeded since provision was last undone.
fn was_made_by_this_try(events: &[Event]) -> bool {
    let is_undone = |event: &&Event| {
        event.kind == kind::UNDO_FINISHED && event.step.as_deref() == Some(Step::Provision.name())
    };
    let since: Vec<_> = events.iter().rev().take_while(|event| !is_undone(event)).collect();
    let is_creation = |event: &&&Event| {
        event.kind == "call" && event.detail.get("operation") == Some(&Value::from("CreateSpace"))
    };
    let calls: Vec<i64> = since.iter().filter(is_creation).map(|event| event.sequence).collect();
    since.iter().any(|event| {
        let of = event.detail.get("call").and_then(Value::as_i64);
        event.kind == "answer"
            && event.detail.get("ok") == Some(&Value::Bool(true))
            && of.is_some_and(|of| calls.contains(&of))
    })
}

/// Tells whether the space is older than the first inventory of this journal.
fn is_older_than_journal(cx: &Context, space: &Space) -> Result<bool, Failure> {
    let made = space.created_at.as_deref().and_then(|made| made.parse::<Timestamp>().ok());
    let (Some(made), Some(first)) = (made, cx.inventoried()?.first_at) else { return Ok(false) };
    Ok(first.duration_since(made) > CLOCKS)
}
