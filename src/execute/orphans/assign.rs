//! Delivering orphan homes to those whom they are assigned to, one after the other.

use serde_json::json;

use super::found::Orphan;
use super::whereabouts::{Delivered, kind};
use crate::execute::context::Context;
use crate::execute::credentials::renewing;
use crate::execute::failure::{Failure, FailureKind};
use crate::execute::mounted::mounted;
use crate::execute::run::{Execution, kept_alive};
use crate::execute::steps::orphan;
use crate::journal::{Attribution, Lease, NewEvent, attributed};
use crate::plan::Migration;

/// An orphan, and whom it goes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The orphan.
    pub orphan: Orphan,
    /// Whose space it goes to: a migration of the plan, which has ended.
    pub to: Migration,
    /// The folder under that space's home.
    pub folder: String,
}

/// Delivers these homes, and tells each as it is done. It ends early where nothing can go on, which the last that is told says,
/// and where somebody asked to stop.
pub async fn assign_all(
    execution: &Execution,
    deliveries: &[Delivery],
    lease: &Lease,
    tell: &mut (dyn FnMut(&Delivery, &Result<Delivered, Failure>) + Send),
) {
    let work = async {
        for delivery in deliveries {
            if execution.control.halt().is_draining() {
                tell(delivery, &Err(Failure::halted()));
                return;
            }
            let cx = execution.context(&delivery.to);
            let mut delivered = Box::pin(one(&cx, delivery)).await;
            if let Err(failure) = &delivered
                && failure.kind == FailureKind::Step
            {
                // The journal is the operator's own, and knows names of files already: the whole reason goes there.
                let detail = json!({ "orphan": delivery.orphan.name(), "why": reason(failure) });
                if let Err(unwritten) = record(&cx, kind::NOT_ASSIGNED, detail) {
                    delivered = Err(unwritten);
                }
            }
            let ends = delivered.as_ref().is_err_and(|failure| failure.kind != FailureKind::Step);
            tell(delivery, &delivered);
            if ends {
                return;
            }
        }
    };
    kept_alive(execution, lease, work).await;
}

/// Ends deliveries that were begun and are not wanted any more, and tells each.
pub async fn give_up_all(
    execution: &Execution,
    begun: &[Delivery],
    lease: &Lease,
    tell: &mut (dyn FnMut(&Delivery, &Result<String, Failure>) + Send),
) {
    let work = async {
        for delivery in begun {
            let cx = execution.context(&delivery.to);
            let ended = renewing(&cx, async || {
                attributed(of(&cx), Box::pin(orphan::give_up(&cx, delivery))).await
            });
            let ended = Box::pin(ended).await;
            let ends = ended.as_ref().is_err_and(|failure| failure.kind != FailureKind::Step);
            tell(delivery, &ended);
            if ends {
                return;
            }
        }
    };
    kept_alive(execution, lease, work).await;
}

/// Why a home was not delivered, with what to do about it.
fn reason(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{failure} ({hint})"),
        None => failure.to_string(),
    }
}

async fn one(cx: &Context, delivery: &Delivery) -> Result<Delivered, Failure> {
    let Some(mount) = &cx.mount else {
        return Err(Failure::new("no file system is mounted here (--mount)"));
    };
    let home = mounted(mount, &delivery.orphan.file_system)?.home(&delivery.orphan).await?;
    let _room = cx.room_to_copy().await?;
    renewing(cx, async || attributed(of(cx), Box::pin(orphan::deliver(cx, delivery, &home))).await)
        .await
}

/// Whom the calls of a delivery are put down to.
fn of(cx: &Context) -> Attribution {
    Attribution { plan: Some(cx.plan.id.clone()), migration: Some(cx.id().clone()), step: None }
}

/// Writes an event about somebody that is no part of their standing.
pub(in crate::execute) fn record(
    cx: &Context,
    kind: &str,
    detail: serde_json::Value,
) -> Result<(), Failure> {
    cx.journal.record(&NewEvent {
        operation: Some(cx.operation),
        plan: Some(&cx.plan.id),
        migration: Some(cx.id()),
        step: None,
        kind,
        detail,
    })?;
    Ok(())
}
