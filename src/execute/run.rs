//! A run or a rollback: batch after batch, as long as the lease beats and no rule stops it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::admission::{HeldBack, held_back};
use super::batch;
use super::context::Context;
use super::control::Control;
use super::failure::{Failure, Stuck};
use super::inventories::Inventories;
use super::notice::{Notice, Watch};
use super::planned::Planned;
use super::saga::Outcome;
use super::selection::{Direction, Selection, all_to_do};
use super::step::Step;
use super::stop_rules::alarm;
use super::tools::Tools;
use super::transfers::Transfers;
use crate::aws::Account;
use crate::journal::{BEAT, EXPIRY, Journal, Lease, NewEvent, OperationId};
use crate::names::{BatchName, MigrationId};
use crate::plan::{Batch, Migration, Plan};

/// Why a run stops when somebody asked it to.
pub(super) const ON_REQUEST: &str = "stopped on request";

/// How often a run that waits looks whether a batch may begin.
const LOOK: Duration = Duration::from_secs(10);

/// What an execution works with.
#[derive(Clone)]
pub struct Execution {
    /// The account, whose every change is journalled first.
    pub account: Account,
    /// The journal.
    pub journal: Journal,
    /// The command that someone ran.
    pub operation: OperationId,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The mover to hand to spaces.
    pub tools: Tools,
    /// Who watches.
    pub watch: Watch,
    /// How the run is steered while it goes.
    pub control: Control,
    /// Where the domains' file systems are mounted on this machine, for homes that travel packed.
    pub mount: Option<PathBuf>,
    /// Held while the settings of a domain are changed.
    pub domains: Arc<tokio::sync::Mutex<()>>,
    /// Executions of DataSync, shared by those who wait for one.
    pub transfers: Transfers,
    /// What inventories know of the homes that travel packed, read for the first of them.
    pub inventories: Arc<OnceLock<Inventories>>,
    /// How things were when the plan was drawn up.
    pub planned: Planned,
    /// Whether a rollback may destroy a space that its owner may have worked in since.
    pub may_delete_used_spaces: bool,
    /// Whether a rollback also puts back what somebody else changed since.
    pub may_overwrite_changes: bool,
    /// Whether batches may begin outside the playbook's windows, too.
    pub may_run_any_time: bool,
    /// Whether nothing of this is real.
    pub is_rehearsal: bool,
    /// Whether a batch that may not begin yet is waited for, and the run does not end.
    pub waits: bool,
    /// Whether batches may begin although people of the pilot or the canary are not well.
    pub may_follow_a_poor_trial: bool,
}

/// How a run or a rollback went.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Migrations that are where they were to be taken.
    pub done: Vec<MigrationId>,
    /// Migrations in which a step failed.
    pub failed: Vec<(MigrationId, Failure)>,
    /// Migrations that were not begun, since the plan no longer holds for them, and what has changed.
    pub drifted: Vec<(MigrationId, Vec<String>)>,
    /// Rollbacks that a person must look at.
    pub stuck: Vec<(MigrationId, Stuck)>,
    /// Migrations that were stopped in between or not begun; the next run goes on with them.
    pub left: Vec<MigrationId>,
    /// Why the run stopped before its end, if it did.
    pub stopped: Option<String>,
    /// Why nobody's migration could go on, if so.
    pub fatal: Option<Failure>,
}

impl Summary {
    pub(super) fn take(&mut self, id: MigrationId, outcome: Outcome) {
        match outcome {
            Outcome::Done(_) => self.done.push(id),
            Outcome::Failed(failure) => self.failed.push((id, failure)),
            Outcome::Stuck(stuck) => self.stuck.push((id, stuck)),
            Outcome::Drifted(changes) => self.drifted.push((id, changes)),
            Outcome::Halted => self.left.push(id),
            Outcome::Fatal(failure) => {
                self.left.push(id);
                self.fatal.get_or_insert(failure);
            }
        }
    }
}

/// Takes the selected migrations forward, batch after batch, up to and including `last`.
pub async fn run(
    execution: &Execution,
    selection: &Selection,
    last: Step,
    lease: &Lease,
) -> Summary {
    whole(execution, selection, Direction::Forward(last), lease).await
}

/// Takes the selected migrations back, last batch first, to and including the step `first`.
pub async fn roll_back(
    execution: &Execution,
    selection: &Selection,
    first: Step,
    lease: &Lease,
) -> Summary {
    whole(execution, selection, Direction::Back(first), lease).await
}

/// Finds out what there is to do, says that it begins, does it, and says how it ended. Where there is nothing, nothing is said.
async fn whole(
    execution: &Execution,
    selection: &Selection,
    direction: Direction,
    lease: &Lease,
) -> Summary {
    let (todo, fatal) = match all_to_do(execution, selection, direction) {
        Ok(todo) => (todo, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    if todo.is_empty() && fatal.is_none() {
        return Summary::default();
    }
    let migrations = todo.iter().map(|(_, todo)| todo.len()).sum();
    (execution.watch)(Notice::RunBegan { migrations });
    let work = watched(execution, direction, all(execution, todo, direction));
    let mut summary = kept_alive(execution, lease, work).await;
    summary.fatal = fatal.or(summary.fatal);
    (execution.watch)(Notice::RunEnded {
        done: summary.done.len(),
        failed: summary.failed.len() + summary.stuck.len(),
        left: summary.left.len() + summary.drifted.len(),
        why: summary.fatal.as_ref().map(Failure::told).or_else(|| summary.stopped.clone()),
    });
    summary
}

/// Works while the lease beats. A lease that is lost ends all work at once: someone else has it.
pub(super) async fn kept_alive<T: Default>(
    execution: &Execution,
    lease: &Lease,
    work: impl Future<Output = T>,
) -> T {
    let beating = async {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(BEAT).await;
            match lease.beat() {
                Ok(()) => last = Instant::now(),
                // A journal that somebody reads or copies is busy for a while, and the lease is still held.
                Err(error) if !error.is_about_lease() && last.elapsed() < EXPIRY => {}
                Err(error) => {
                    execution.control.stop(format!("the lease could not be kept: {error}"));
                    execution.control.halt().ask();
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    tokio::select! {
        done = work => done,
        () = beating => T::default(),
    }
}

/// Works until the playbook's alarm file is there: then what is under way is finished, and no more is begun.
///
/// A rollback goes on: an alarm is no reason to leave people half way. And a rehearsal is of another world than the file.
async fn watched(
    execution: &Execution,
    direction: Direction,
    work: impl Future<Output = Summary>,
) -> Summary {
    let is_heeded = matches!(direction, Direction::Forward(_)) && !execution.is_rehearsal;
    let file = execution.plan.playbook.stop_rules.alarm_file.clone().filter(|_| is_heeded);
    let Some(file) = file else { return work.await };
    let watching = async {
        execution.control.stop(alarm(&file).await);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        summary = work => summary,
        () = watching => Summary::default(),
    }
}

async fn all(
    execution: &Execution,
    todo: Vec<(&Batch, Vec<Context>)>,
    direction: Direction,
) -> Summary {
    let mut summary = Summary::default();
    for (batch, todo) in todo {
        if let (Direction::Forward(_), None) = (direction, &summary.stopped) {
            match held_back_to_the_end(execution, batch).await {
                Ok(Some(HeldBack { gate, why })) => {
                    let (batch, said) = (batch.name.clone(), why.clone());
                    match gate {
                        Some(gate) => {
                            (execution.watch)(Notice::GateWaits { batch, gate, why: said })
                        }
                        None => execution.stopped(batch, said),
                    }
                    summary.stopped = Some(why);
                }
                Ok(None) => {}
                Err(failure) => summary.fatal = Some(failure),
            }
        }
        if execution.control.halt().is_draining()
            || summary.stopped.is_some()
            || summary.fatal.is_some()
        {
            summary.left.extend(todo.iter().map(|cx| cx.id().clone()));
            continue;
        }
        batch::run(execution, batch, todo, direction, &mut summary).await;
    }
    if summary.stopped.is_none() {
        summary.stopped = why_stopped(&execution.control, &summary.left);
    }
    summary
}

/// Says why a batch may not begin. Where the run waits, it tells that once and looks again and again, until the batch may or
/// somebody asks to stop.
async fn held_back_to_the_end(
    execution: &Execution,
    batch: &Batch,
) -> Result<Option<HeldBack>, Failure> {
    let mut told = None;
    loop {
        let held_back = held_back(execution, batch).await?;
        let halt = execution.control.halt();
        let Some(held) = held_back.as_ref().filter(|_| execution.waits && !halt.is_draining())
        else {
            return Ok(held_back);
        };
        if told.as_ref() != Some(&held.why) {
            let (batch, why) = (batch.name.clone(), held.why.clone());
            (execution.watch)(match held.gate.clone() {
                Some(gate) => Notice::GateWaits { batch, gate, why },
                None => Notice::BatchWaits { batch, why },
            });
            told = Some(held.why.clone());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = halt.asked() => {}
        }
    }
}

/// Says why a run ends although no batch stopped it: a rule, a request, or people whom someone took out.
fn why_stopped(control: &Control, left: &[MigrationId]) -> Option<String> {
    if let Some(why) = control.why() {
        return Some(why);
    }
    if control.halt().is_draining() {
        return Some(ON_REQUEST.to_owned());
    }
    let aborted = left.iter().filter(|id| control.is_aborted(id)).map(MigrationId::as_str);
    let aborted: Vec<_> = aborted.collect();
    (!aborted.is_empty()).then(|| format!("aborted on request: {}", aborted.join(", ")))
}

impl Execution {
    /// Returns what the steps of a migration are given.
    pub fn context(&self, migration: &Migration) -> Context {
        Context {
            account: self.account.clone(),
            journal: self.journal.clone(),
            operation: self.operation,
            plan: self.plan.clone(),
            migration: migration.clone(),
            tools: self.tools.clone(),
            watch: self.watch.clone(),
            halt: self.control.halt().clone(),
            control: self.control.clone(),
            mount: self.mount.clone(),
            domains: self.domains.clone(),
            transfers: self.transfers.clone(),
            inventories: self.inventories.clone(),
            planned: self.planned.clone(),
            copy: None,
            may_delete_used_spaces: self.may_delete_used_spaces,
            may_overwrite_changes: self.may_overwrite_changes,
        }
    }

    /// Writes down which rule stopped a batch, and tells it.
    pub(super) fn stopped(&self, batch: BatchName, why: String) {
        // A journal that cannot be written ends the run by itself, with its own reason.
        let _written = self.journal.record(&NewEvent {
            operation: Some(self.operation),
            plan: Some(&self.plan.id),
            kind: "batch-stopped",
            detail: json!({ "batch": batch, "why": why }),
            ..NewEvent::default()
        });
        (self.watch)(Notice::BatchStopped { batch, why });
    }
}
