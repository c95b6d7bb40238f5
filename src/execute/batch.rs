//! Batches: which migrations go, how many at once, and when to stop.
//!
//! One person's failure stops nobody else. Too many failures in a batch stop the batch, and with it the run: whatever is wrong
//! is then likely to be wrong for everyone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;

use super::admission::{HeldBack, drifted, held_back, is_open};
use super::context::Context;
use super::failure::{Failure, Stuck};
use super::halt::Halt;
use super::notice::{Notice, Watch};
use super::saga::{self, Outcome};
use super::selection::{Direction, Selection, all_to_do};
use super::standing::MigrationStanding;
use super::step::Step;
use super::tools::Tools;
use super::transfers::Transfers;
use crate::aws::Account;
use crate::journal::{BEAT, Journal, Lease, OperationId};
use crate::names::MigrationId;
use crate::plan::{Batch, Migration, Plan};

/// Why a run stops when somebody asked it to.
const ON_REQUEST: &str = "stopped on request";

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
    /// Whether someone asked to stop.
    pub halt: Halt,
    /// Where the domains' file systems are mounted on this machine, for homes that travel packed.
    pub mount: Option<PathBuf>,
    /// Held while the settings of a domain are changed.
    pub domains: Arc<tokio::sync::Mutex<()>>,
    /// Executions of DataSync, shared by those who wait for one.
    pub transfers: Transfers,
    /// Whether a rollback may destroy a space that its owner may have worked in since.
    pub may_delete_used_spaces: bool,
    /// Whether a rollback also puts back what somebody else changed since.
    pub may_overwrite_changes: bool,
    /// Whether batches may begin outside the playbook's windows, too.
    pub may_run_any_time: bool,
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
    fn take(&mut self, id: MigrationId, outcome: Outcome) {
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
    let mut summary = kept_alive(execution, lease, all(execution, todo, direction)).await;
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
        loop {
            tokio::time::sleep(BEAT).await;
            if lease.beat().is_err() {
                execution.halt.ask();
                execution.halt.ask();
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        done = work => done,
        () = beating => T::default(),
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
            match held_back(execution, batch) {
                Ok(Some(HeldBack { gate, why })) => {
                    let (batch, said) = (batch.name.clone(), why.clone());
                    (execution.watch)(match gate {
                        Some(gate) => Notice::GateWaits { batch, gate, why: said },
                        None => Notice::BatchStopped { batch, why: said },
                    });
                    summary.stopped = Some(why);
                }
                Ok(None) => {}
                Err(failure) => summary.fatal = Some(failure),
            }
        }
        if execution.halt.is_draining() || summary.stopped.is_some() || summary.fatal.is_some() {
            summary.left.extend(todo.iter().map(|cx| cx.id().clone()));
            continue;
        }
        one(execution, batch, todo, direction, &mut summary).await;
    }
    if summary.stopped.is_none() && execution.halt.is_draining() {
        summary.stopped = Some(ON_REQUEST.to_owned());
    }
    summary
}

async fn one(
    execution: &Execution,
    batch: &Batch,
    todo: Vec<Context>,
    direction: Direction,
    summary: &mut Summary,
) {
    let limits = &execution.plan.playbook.limits;
    let enough = execution.plan.playbook.stop_rules.failures.max(1);
    let failures = AtomicUsize::new(0);
    (execution.watch)(Notice::BatchBegan { batch: batch.name.clone(), migrations: todo.len() });
    let outcomes: Vec<_> = futures::stream::iter(todo)
        .map(|cx| {
            let failures = &failures;
            async move {
                let is_late = matches!(direction, Direction::Forward(_)) && !is_open(execution);
                let outcome = if is_late || failures.load(Ordering::SeqCst) >= enough {
                    Outcome::Halted
                } else {
                    travel(&cx, direction).await
                };
                if matches!(outcome, Outcome::Failed(_) | Outcome::Stuck(_)) {
                    failures.fetch_add(1, Ordering::SeqCst);
                }
                if matches!(outcome, Outcome::Fatal(_)) {
                    failures.store(enough, Ordering::SeqCst);
                }
                tell_trouble(&cx, batch, &outcome);
                (cx.migration.id, outcome)
            }
        })
        .buffer_unordered(limits.users.max(1))
        .collect()
        .await;
    let left_before = summary.left.len();
    for (id, outcome) in outcomes {
        summary.take(id, outcome);
    }
    let is_cut = summary.left.len() > left_before;
    if matches!(direction, Direction::Forward(_)) && !summary.left.is_empty() && !is_open(execution)
    {
        let why = format!("the window of {} has closed", batch.name);
        (execution.watch)(Notice::BatchStopped { batch: batch.name.clone(), why: why.clone() });
        summary.stopped = Some(why);
        return;
    }
    let count = failures.load(Ordering::SeqCst);
    let why = if let Some(fatal) = &summary.fatal {
        Some(fatal.told())
    } else if count >= enough {
        let why = format!("{count} migrations of {} failed (stop_rules.failures)", batch.name);
        summary.stopped = Some(why.clone());
        Some(why)
    } else {
        (is_cut && execution.halt.is_draining()).then(|| ON_REQUEST.to_owned())
    };
    let batch = batch.name.clone();
    (execution.watch)(match why {
        Some(why) => Notice::BatchStopped { batch, why },
        None => Notice::BatchEnded { batch },
    });
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
    if cx.halt.is_draining() {
        return Outcome::Halted;
    }
    let is_resumed =
        cx.standing().is_ok_and(|standing| standing.word() != MigrationStanding::Waiting);
    if let (Direction::Forward(_), false) = (direction, is_resumed) {
        match drifted(cx).await {
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
            halt: self.halt.clone(),
            mount: self.mount.clone(),
            domains: self.domains.clone(),
            transfers: self.transfers.clone(),
            may_delete_used_spaces: self.may_delete_used_spaces,
            may_overwrite_changes: self.may_overwrite_changes,
        }
    }
}
