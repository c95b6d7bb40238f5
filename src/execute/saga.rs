//! One migration, forward or back.
//!
//! Going on after a crash is going on: the standing says which step is next, and a step that was begun is begun again. Every
//! step and every undo may therefore be done twice, and each step's file says why that is the same as once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use super::credentials::{RENEWALS, renewed};
use super::failure::{Failure, FailureKind, Stuck};
use super::found;
use super::notice::Notice;
use super::passes;
use super::standing::{MigrationStanding, StepStanding, kind};
use super::step::Step;
use super::steps::{confirm, flip, hydrate, provision, quiesce, stage, verify};
use crate::journal::{Attribution, attributed};

/// How going forward or back ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As far as was asked.
    Done(MigrationStanding),
    /// A step failed; the failure is in the journal.
    Failed(Failure),
    /// An undo failed; a person must look.
    Stuck(Stuck),
    /// Not begun: the plan no longer holds, and this is what has changed since it was drawn up.
    Drifted(Vec<String>),
    /// Stopped in between; the next run goes on.
    Halted,
    /// Nobody's migration can go on: credentials, the journal or the lease are gone.
    Fatal(Failure),
}

/// Takes a migration forward, up to and including `last`.
pub async fn forward(cx: &Context, last: Step) -> Outcome {
    match step_by_step(cx, last).await {
        Ok(standing) => Outcome::Done(standing),
        Err(failure) => failed(failure),
    }
}

/// What a failure makes of a migration, by its kind.
pub(super) fn failed(failure: Failure) -> Outcome {
    match failure.kind {
        FailureKind::Step => Outcome::Failed(failure),
        FailureKind::Halted => Outcome::Halted,
        FailureKind::Credentials | FailureKind::Journal | FailureKind::Lease => {
            Outcome::Fatal(failure)
        }
    }
}

async fn step_by_step(cx: &Context, last: Step) -> Result<MigrationStanding, Failure> {
    let mut renewals = 0;
    loop {
        let standing = cx.standing()?;
        let Some(step) = standing.next_step_to(last) else {
            return Ok(standing.word());
        };
        let is_going_back = |step: &Step| {
            matches!(
                standing.step(*step),
                StepStanding::Undoing { .. } | StepStanding::Stuck { .. }
            )
        };
        if let Some(step) = Step::ALL.into_iter().find(is_going_back) {
            return Err(Failure::new(format!("{step} is being rolled back"))
                .hinted("finish it with `studio-migrate rollback` first"));
        }
        between_steps(cx).await?;
        if standing.is_put_off() && last > Step::Hydrate {
            passes::begin_last(cx, &standing).await?;
            continue;
        }
        match take(cx, step, passes::is_first_pass(&cx.plan, last)).await {
            Err(failure) if failure.kind == FailureKind::Credentials && renewals < RENEWALS => {
                renewals += 1;
                renewed(cx, failure).await?;
            }
            taken => {
                taken?;
                renewals = 0;
            }
        }
    }
}

/// Waits while the run is paused, and ends this migration's way where somebody asked for that.
async fn between_steps(cx: &Context) -> Result<(), Failure> {
    if cx.control.is_paused() {
        cx.waits("someone to resume");
    }
    cx.control.go_on(&cx.halt).await
}

/// Takes one step: announced, done, and its outcome written down.
async fn take(cx: &Context, step: Step, is_first_pass: bool) -> Result<(), Failure> {
    cx.record(step, kind::STARTED, json!({}))?;
    cx.control.at(cx.id(), step);
    cx.tell(Notice::StepBegan { migration: cx.id().clone(), step });
    match attributed(attribution(cx, step), perform(cx, step, is_first_pass)).await {
        Ok(receipt) => {
            cx.record(step, kind::FINISHED, receipt)?;
            cx.tell(Notice::StepFinished { migration: cx.id().clone(), step });
            Ok(())
        }
        Err(failure) if failure.kind == FailureKind::Step => {
            cx.record(step, kind::FAILED, json!(failure))?;
            cx.tell(Notice::StepFailed {
                migration: cx.id().clone(),
                step,
                failure: failure.clone(),
            });
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// Undoes a migration, last step first.
pub async fn back(cx: &Context) -> Outcome {
    back_to(cx, Step::Quiesce).await
}

/// Undoes a migration, last step first, back to and including `first`; the steps before that stay done.
pub async fn back_to(cx: &Context, first: Step) -> Outcome {
    if let Err(failure) = look(cx).await {
        return match failed(failure) {
            Outcome::Failed(failure) => {
                let stuck = Stuck::over(failure, "what the account has of this migration");
                match stuck_at_once(cx, &stuck) {
                    Ok(()) => Outcome::Stuck(stuck),
                    Err(failure) => failed(failure),
                }
            }
            other => other,
        };
    }
    let mut renewals = 0;
    loop {
        let standing = match cx.standing() {
            Ok(standing) => standing,
            Err(failure) => return Outcome::Fatal(failure),
        };
        let Some(step) = standing.to_undo().first().copied().filter(|step| *step >= first) else {
            return Outcome::Done(standing.word());
        };
        if let Err(halted) = between_steps(cx).await {
            return failed(halted);
        }
        let receipt = match standing.step(step) {
            StepStanding::Finished { receipt } => Some(receipt.clone()),
            StepStanding::Undoing { receipt } | StepStanding::Stuck { receipt, .. } => {
                receipt.clone()
            }
            _ => None,
        };
        match take_back(cx, step, receipt).await {
            Ok(()) => {}
            Err(stuck) if stuck.kind == FailureKind::Step => return Outcome::Stuck(stuck),
            Err(Stuck { kind: FailureKind::Credentials, message, .. }) if renewals < RENEWALS => {
                renewals += 1;
                let expired = Failure { kind: FailureKind::Credentials, ..Failure::new(message) };
                if let Err(failure) = renewed(cx, expired).await {
                    return failed(failure);
                }
            }
            // Its kind decides how the run ends: whoever has to log in again is not told of an unexpected error.
            Err(Stuck { kind, message, .. }) => {
                return failed(Failure { kind, ..Failure::new(message) });
            }
        }
    }
}

/// Writes down that nothing could be undone, at the step that comes first: whoever asks is not told that all is as it was.
fn stuck_at_once(cx: &Context, stuck: &Stuck) -> Result<(), Failure> {
    let Some(step) = cx.standing()?.to_undo().first().copied() else { return Ok(()) };
    cx.record(step, kind::UNDO_STARTED, json!({}))?;
    cx.record(step, kind::UNDO_FAILED, json!(stuck))
}

/// Looks for what was begun and is not known to have been, before anything is undone.
async fn look(cx: &Context) -> Result<(), Failure> {
    found::begun(cx, &cx.standing()?).await
}

async fn take_back(cx: &Context, step: Step, receipt: Option<Value>) -> Result<(), Stuck> {
    let in_journal = |failure: Failure| Stuck::over(failure, "the journal's file and its lease");
    cx.record(step, kind::UNDO_STARTED, json!({})).map_err(in_journal)?;
    cx.control.at(cx.id(), step);
    match attributed(attribution(cx, step), undo(cx, step, receipt)).await {
        Ok(remarks) => {
            cx.record(step, kind::UNDO_FINISHED, json!(remarks)).map_err(in_journal)?;
            cx.tell(Notice::StepUndone { migration: cx.id().clone(), step, remarks });
            Ok(())
        }
        Err(stuck) => {
            if stuck.kind == FailureKind::Step {
                cx.record(step, kind::UNDO_FAILED, json!(stuck)).map_err(in_journal)?;
            }
            Err(stuck)
        }
    }
}

/// Each step in a box of its own: the future of a migration would hold the largest of them many times over.
async fn perform(cx: &Context, step: Step, is_first_pass: bool) -> Result<Value, Failure> {
    match step {
        Step::Quiesce if is_first_pass => written(Box::pin(quiesce::put_off(cx)).await?),
        Step::Quiesce => written(Box::pin(quiesce::perform(cx)).await?),
        Step::Stage => written(Box::pin(stage::perform(cx)).await?),
        Step::Provision => written(Box::pin(provision::perform(cx)).await?),
        Step::Hydrate => written(Box::pin(hydrate::perform(cx)).await?),
        Step::Verify => written(Box::pin(verify::perform(cx)).await?),
        Step::Flip => written(Box::pin(flip::perform(cx)).await?),
        Step::Confirm => written(Box::pin(confirm::perform(cx)).await?),
    }
}

async fn undo(cx: &Context, step: Step, receipt: Option<Value>) -> Result<Vec<String>, Stuck> {
    match step {
        Step::Quiesce => Box::pin(quiesce::undo(cx, read(receipt)?.as_ref())).await,
        Step::Stage => Box::pin(stage::undo(cx, read(receipt)?.as_ref())).await,
        Step::Provision => Box::pin(provision::undo(cx, read(receipt)?.as_ref())).await,
        Step::Hydrate => Box::pin(hydrate::undo(cx, read(receipt)?.as_ref())).await,
        Step::Verify => Box::pin(verify::undo(cx, read(receipt)?.as_ref())).await,
        Step::Flip => Box::pin(flip::undo(cx, read(receipt)?.as_ref())).await,
        Step::Confirm => Box::pin(confirm::undo(cx, read(receipt)?.as_ref())).await,
    }
}

fn written(receipt: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(receipt).map_err(|error| Failure::new(error.to_string()))
}

fn read<R: DeserializeOwned>(receipt: Option<Value>) -> Result<Option<R>, Stuck> {
    receipt.map(serde_json::from_value).transpose().map_err(|error| {
        Stuck::over(Failure::new(error.to_string()), "the step's receipt in the journal")
    })
}

fn attribution(cx: &Context, step: Step) -> Attribution {
    Attribution {
        plan: Some(cx.plan.id.clone()),
        migration: Some(cx.id().clone()),
        step: Some(step.name()),
    }
}
