//! One batch: people are let in one by one, as many at once as the limits allow, until a rule stops it.
//!
//! One person's failure stops nobody else. Too many stop the batch, and with it the run: whatever is wrong is then likely to be
//! wrong for everyone.

use std::pin::pin;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::admission::{drifted, is_open};
use super::context::Context;
use super::credentials::renewing;
use super::failure::Failure;
use super::notice::Notice;
use super::run::{Execution, ON_REQUEST, Summary};
use super::saga::{self, Outcome};
use super::selection::Direction;
use super::standing::MigrationStanding;
use super::stop_rules::Tally;
use crate::plan::Batch;

/// Takes everyone of a batch as far as they are to go, and adds to the summary how that went.
pub(super) async fn run(
    execution: &Execution,
    batch: &Batch,
    todo: Vec<Context>,
    direction: Direction,
    summary: &mut Summary,
) {
    (execution.watch)(Notice::BatchBegan { batch: batch.name.clone(), migrations: todo.len() });
    let (left_before, done_before) = (summary.left.len(), summary.done.len());
    let all = todo.len();
    let tally = each(execution, batch, todo, direction, summary).await;
    let is_cut = summary.left.len() > left_before;
    let is_forward = matches!(direction, Direction::Forward(_));
    let why = if is_cut && is_forward && !is_open(execution) {
        let why = format!("the window of {} has closed", batch.name);
        summary.stopped = Some(why.clone());
        Some(why)
    } else if let Some(fatal) = &summary.fatal {
        Some(fatal.told())
    } else if let Some(why) = tally.why(&batch.name) {
        summary.stopped = Some(why.clone());
        Some(why)
    } else if is_cut && execution.control.halt().is_draining() {
        Some(execution.control.why().unwrap_or_else(|| ON_REQUEST.to_owned()))
    } else if is_cut {
        Some("somebody was aborted on request".to_owned())
    } else {
        None
    };
    match why {
        Some(why) => execution.stopped(batch.name.clone(), why),
        None => {
            let done = summary.done.len() - done_before;
            let (batch, failed) = (batch.name.clone(), all - done);
            (execution.watch)(Notice::BatchEnded { batch, done, failed });
        }
    }
}

/// Lets people in as there is room, and takes their outcomes as they come.
async fn each(
    execution: &Execution,
    batch: &Batch,
    todo: Vec<Context>,
    direction: Direction,
    summary: &mut Summary,
) -> Tally {
    let control = &execution.control;
    let mut tally = match direction {
        Direction::Forward(_) => Tally::of(&execution.plan.playbook.stop_rules),
        Direction::Back(_) => Tally::without_rules(),
    };
    let mut waiting = std::collections::VecDeque::from(todo);
    let mut at_work = FuturesUnordered::new();
    loop {
        if is_over(execution, direction, &tally) {
            summary.left.extend(waiting.drain(..).map(|cx| cx.migration.id));
        }
        if waiting.is_empty() && at_work.is_empty() {
            break;
        }
        let mut admission = pin!(control.admit());
        tokio::select! {
            biased;
            Some((cx, outcome)) = at_work.next(), if !at_work.is_empty() => {
                let cx: Context = cx;
                tell_trouble(&cx, batch, &outcome);
                tally.count(&outcome);
                summary.take(cx.migration.id, outcome);
            }
            place = &mut admission, if !waiting.is_empty() => {
                // The window may have closed while there was no room.
                if is_over(execution, direction, &tally) {
                    continue;
                }
                let (Some(place), Some(cx)) = (place, waiting.pop_front()) else { continue };
                at_work.push(Box::pin(async move {
                    let outcome = travel(&cx, direction).await;
                    drop(place);
                    (cx, outcome)
                }));
            }
        }
    }
    tally
}

/// Tells whether nobody more may be begun.
fn is_over(execution: &Execution, direction: Direction, tally: &Tally) -> bool {
    let is_late = matches!(direction, Direction::Forward(_)) && !is_open(execution);
    is_late || tally.is_enough() || execution.control.halt().is_draining()
}

/// Tells whoever watches of a migration that did not get where it was to be taken.
fn tell_trouble(cx: &Context, batch: &Batch, outcome: &Outcome) {
    let (batch, migration) = (batch.name.clone(), cx.id().clone());
    let failure = match outcome {
        Outcome::Failed(failure) => failure.clone(),
        Outcome::Stuck(stuck) => {
            Failure::new(&stuck.message).hinted(format!("look at {}", stuck.look_at))
        }
        Outcome::Drifted(changes) => {
            let changes = changes.clone();
            return cx.tell(Notice::MigrationRefused { batch, migration, changes });
        }
        Outcome::Done(_) | Outcome::Halted | Outcome::Fatal(_) => return,
    };
    let step = cx.standing().ok().and_then(|standing| standing.trouble());
    cx.tell(Notice::MigrationFailed { batch, migration, step, failure });
}

async fn travel(cx: &Context, direction: Direction) -> Outcome {
    let cx = &cx.begun();
    let outcome = on_the_way(cx, direction).await;
    cx.control.end(cx.id());
    outcome
}

async fn on_the_way(cx: &Context, direction: Direction) -> Outcome {
    if cx.halt.is_draining() || cx.control.is_aborted(cx.id()) {
        return Outcome::Halted;
    }
    let word = cx.standing().map(|standing| standing.word());
    let is_resumed = word.as_ref().is_ok_and(|word| *word != MigrationStanding::Waiting);
    // Whoever was taken back begins anew: the account may have changed since.
    let is_taken_back = word.is_ok_and(|word| word == MigrationStanding::RolledBack);
    if let (Direction::Forward(_), true) = (direction, !is_resumed || is_taken_back) {
        match renewing(cx, async || drifted(cx, is_taken_back).await).await {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => return cx.refused(changes),
            Err(failure) => return saga::failed(failure),
        }
    }
    cx.tell(Notice::MigrationBegan { migration: cx.id().clone(), is_resumed });
    let outcome = match direction {
        Direction::Forward(last) => saga::forward(cx, last).await,
        Direction::Back(first) => saga::back_to(cx, first).await,
    };
    if let Ok(standing) = cx.standing() {
        cx.tell(Notice::MigrationEnded {
            migration: cx.id().clone(),
            standing: standing.word(),
            is_done: matches!(outcome, Outcome::Done(_)),
        });
    }
    outcome
}
