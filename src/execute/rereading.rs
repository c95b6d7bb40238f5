//! Reading homes again, several at once.

use std::collections::BTreeSet;

use futures::StreamExt;

use super::context::Context;
use super::credentials::renewing;
use super::failure::Failure;
use super::run::{Execution, kept_alive};
use super::step::Step;
use super::steps::reread;
use crate::journal::{Attribution, Lease, attributed};
use crate::mover::Reread;
use crate::names::MigrationId;

/// What became of each home that was read again, or why it was not.
pub type Told = Vec<(MigrationId, Result<Reread, Failure>)>;

/// Reads the homes of these people again, as many at once as move at once. Nobody else is begun with once somebody asked to
/// stop. Nobody is told of where the lease was lost.
pub async fn reread_all(
    execution: &Execution,
    people: &BTreeSet<MigrationId>,
    lease: &Lease,
) -> Told {
    let contexts = execution
        .plan
        .migrations()
        .filter(|(_, migration)| people.contains(&migration.id))
        .map(|(_, migration)| execution.context(migration));
    let reading = futures::stream::iter(contexts)
        .map(async |cx| {
            let told = in_turn(execution, &cx).await;
            (cx.migration.id, told)
        })
        // Everyone may wait; how many are let in at once can be changed while they do.
        .buffer_unordered(people.len().max(1))
        .collect::<Told>();
    let mut told = kept_alive(execution, lease, reading).await;
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    told
}

/// Waits until there is a place, as a migration does.
async fn in_turn(execution: &Execution, cx: &Context) -> Result<Reread, Failure> {
    let control = &execution.control;
    let Some(_place) = control.admit().await else { return Err(Failure::halted()) };
    if control.is_aborted(cx.id()) {
        return Err(Failure::halted());
    }
    let cx = &cx.begun();
    control.at(cx.id(), Step::Verify);
    let told = one(cx).await;
    control.end(cx.id());
    told
}

async fn one(cx: &Context) -> Result<Reread, Failure> {
    let of = Attribution {
        plan: Some(cx.plan.id.clone()),
        migration: Some(cx.id().clone()),
        step: Some(Step::Verify.name()),
    };
    let _room = cx.room_to_copy().await?;
    renewing(cx, async || attributed(of.clone(), reread::perform(cx)).await).await
}
