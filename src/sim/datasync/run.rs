//! Running: an execution is taken from one status to the next by the world's clock.
//!
//! One task of the runtime drives an execution. It changes nothing but an execution whose status is the one that it works at, so
//! that a cancellation is never overrun, and it saves how far it is before it goes on. Whoever is cancelled, or dies, has done
//! some of the last batch twice at worst.

use std::time::Duration;

use crate::sim::World;
use crate::sim::state::State;

use super::execution::cancelled;
use super::options::word;
use super::pace::{Pace, batch, bytes, gather, rate};
use super::plan::Plan;
use super::prepare::{Route, prepare};
use super::records::{
    Behaviour, Counts, Execution, Failure, Phase, Phases, Place, Problem, Stage, Step,
};
use super::source::Source;
use super::verify::Verdict;
use super::{access, prepare as preparing, report, transfer, verify};

/// The longest that nobody looks whether an execution was cancelled or its limit changed, in seconds.
const SLICE: f64 = 0.25;
/// How long progress may go unsaved, in seconds.
const UNSAVED: f64 = 0.5;

/// What AWS says of an execution that left files out ("Troubleshooting data verification issues"). The code is inferred, and
/// so is that a single file's failure makes one of the whole.
const SKIPPED: (&str, &str) = (
    "TransferFailed",
    "Transfer and verification completed. Selected files transferred except for files skipped due to errors. If no skipped files \
     are listed in Cloud Watch Logs, please contact AWS Support for further assistance.",
);
/// What AWS says of an execution whose ends differ (the same page). The code is inferred.
const DIFFERS: (&str, &str) = (
    "VerificationFailed",
    "Transfer and verification completed. Verification detected mismatches. Files with mismatches are listed in Cloud Watch Logs",
);

/// Goes on with the executions that a process left behind when it died, for a world that was just opened.
pub fn resume(world: &World) {
    let open: Vec<String> = world.read(|state| {
        let all = state.datasync.executions.values();
        all.filter(|one| one.stage.is_running()).map(|one| one.id.clone()).collect()
    });
    for id in open {
        begin(world, &id);
    }
}

/// Begins to drive an execution, or leaves one alone that waits or is stuck. Outside of a runtime nothing is driven: such a
/// world is only looked at.
pub(super) fn begin(world: &World, id: &str) {
    let is_meant = world.read(|state| {
        let execution = state.datasync.executions.get(id);
        execution.is_some_and(|one| one.stage.is_running() && !one.is_stuck)
    });
    let (Ok(runtime), true) = (tokio::runtime::Handle::try_current(), is_meant) else { return };
    let (world, id) = (world.clone(), id.to_owned());
    runtime.spawn(async move { Driver { world, id }.run().await });
}

struct Driver {
    world: World,
    id: String,
}

impl Driver {
    async fn run(self) {
        while let Some(stage) = self.look(|_, execution| execution.stage) {
            let went_on = match stage {
                Stage::Launching => self.launch().await,
                Stage::Preparing => self.prepare().await,
                Stage::Transferring => self.transfer().await,
                Stage::Verifying => self.verify().await,
                Stage::Cancelling => self.cancel().await,
                Stage::Queued | Stage::Success | Stage::Error => return,
            };
            if let Err(problem) = went_on {
                self.fail(stage, problem);
            }
            // What cannot be saved has not happened, and is tried again before long.
            if self.look(|_, execution| execution.stage) == Some(stage) {
                sleep(SLICE).await;
            }
        }
    }

    async fn launch(&self) -> Result<(), Problem> {
        let seconds = self.world.read(|state| state.timing.datasync_launch);
        self.wait(Stage::Launching, seconds).await;
        self.enter(Stage::Launching, Stage::Preparing, |_| {});
        Ok(())
    }

    async fn prepare(&self) -> Result<(), Problem> {
        let Some(execution) = self.look(|_, execution| execution.clone()) else { return Ok(()) };
        let (world, route) = (self.world.clone(), self.route()?);
        let prepared = blocking(move || {
            let prepared = prepare(&world, &route, &execution)?;
            let saved = prepared.plan.save(&world, &execution.id);
            saved.map_err(|error| Problem::new("InternalError", error.to_string()))?;
            Ok(prepared)
        });
        let prepared = prepared.await?;
        // What was found is shown as soon as it is known.
        self.at(Stage::Preparing, |execution| {
            execution.counts = prepared.counts;
            execution.failures = prepared.failures;
        });
        self.wait_for_phase(Stage::Preparing).await;
        self.enter(Stage::Preparing, Stage::Transferring, |execution| {
            let early = [Step::List, Step::Prepare];
            let went_well = !execution.failures.iter().any(|one| early.contains(&one.step));
            execution.phases.prepare.went_well = Some(went_well);
        });
        Ok(())
    }

    async fn transfer(&self) -> Result<(), Problem> {
        let plan = self.plan().await?;
        let route = self.route()?;
        let mut done = self.look(|_, execution| execution.done).unwrap_or_default();
        let (mut gone, mut failures) = (Counts::default(), Vec::new());
        let mut saved = self.world.now();
        let mut pace = Pace::default();
        loop {
            let rest = plan.all.get(usize::try_from(done).unwrap_or(usize::MAX)..);
            let batch = batch(rest.unwrap_or_default()).to_vec();
            if batch.is_empty() {
                break;
            }
            done += batch.len() as u64;
            if !self.keep(&mut pace, bytes(&batch)).await {
                return Ok(());
            }
            let (world, route) = (self.world.clone(), route.clone());
            let some = blocking(move || Ok(transfer::perform(&world, &route, &batch))).await?;
            gather(&mut gone, &some.counts);
            failures.extend(some.failures);
            if self.world.now() - saved >= UNSAVED {
                saved = self.world.now();
                let (gone, failures) = (std::mem::take(&mut gone), std::mem::take(&mut failures));
                if !self.progress(done, &gone, failures) {
                    return Ok(());
                }
            }
        }
        if !self.progress(done, &gone, failures) {
            return Ok(());
        }
        self.wait_for_phase(Stage::Transferring).await;
        self.enter(Stage::Transferring, Stage::Verifying, |execution| {
            let late = [Step::Transfer, Step::Delete];
            let went_well = !execution.failures.iter().any(|one| late.contains(&one.step));
            execution.phases.transfer.went_well = Some(went_well);
        });
        Ok(())
    }

    fn progress(&self, done: u64, gone: &Counts, failures: Vec<Failure>) -> bool {
        self.at(Stage::Transferring, |execution| {
            execution.done = done;
            gather(&mut execution.counts, gone);
            execution.failures.extend(failures);
        })
    }

    async fn verify(&self) -> Result<(), Problem> {
        let plan = self.plan().await?;
        let (world, route) = (self.world.clone(), self.route()?);
        let Some(before) = self.look(|_, execution| execution.clone()) else { return Ok(()) };
        let mode = word(&before.options, "VerifyMode").to_owned();
        let verified = blocking(move || {
            let verdicts = verify::verify(&world, &route, &plan, &before.failures, &mode);
            Ok((verdicts, plan))
        });
        let (verdicts, plan) = verified.await?;
        self.wait_for_phase(Stage::Verifying).await;
        let now = self.world.now();
        let Some(mut ended) = self.look(|_, execution| execution.clone()) else { return Ok(()) };
        if ended.stage != Stage::Verifying {
            return Ok(());
        }
        conclude(&mut ended, &verdicts, now);
        if ended.members.contains_key("TaskReportConfig") {
            let (world, told) = (self.world.clone(), ended.clone());
            let written = blocking(move || {
                let (execution, plan, verdicts) = (&told, &plan, &verdicts[..]);
                Ok(report::write(&world, &report::Told { execution, plan, verdicts, now }))
            });
            ended.report = Some(written.await?);
        }
        let ends = |execution: &mut Execution| *execution = ended;
        if self.at(Stage::Verifying, ends) {
            self.leave();
        }
        Ok(())
    }

    async fn cancel(&self) -> Result<(), Problem> {
        self.wait_for_phase(Stage::Cancelling).await;
        let now = self.world.now();
        let ends = |execution: &mut Execution| {
            end(execution, Stage::Error, now);
            execution.error = Some(cancelled());
            execution.report = unreported(execution, cancelled());
        };
        if self.at(Stage::Cancelling, ends) {
            self.leave();
        }
        Ok(())
    }

    /// Ends the execution because the whole of it cannot go on.
    fn fail(&self, stage: Stage, problem: Problem) {
        let now = self.world.now();
        let ends = |execution: &mut Execution| {
            if let Some(phase) = phase(&mut execution.phases, stage) {
                *phase = Phase { seconds: now - execution.since, went_well: Some(false) };
            }
            end(execution, Stage::Error, now);
            execution.report = unreported(execution, problem.clone());
            execution.error = Some(problem);
        };
        if self.at(stage, ends) {
            self.leave();
        }
    }

    /// Forgets the plan, and launches what waits behind the execution.
    fn leave(&self) {
        Plan::forget(&self.world, &self.id);
        let now = self.world.now();
        let next = self.world.change(|state| {
            let Some(task) = state.datasync.executions.get(&self.id).map(|one| one.task.clone())
            else {
                return Ok(None);
            };
            let mut all = state.datasync.executions.values_mut();
            let next =
                all.find(|one| one.task == task && one.stage == Stage::Queued && !one.is_stuck);
            Ok(next.map(|next| {
                next.stage = Stage::Launching;
                next.since = now;
                next.launched_at = Some(now);
                next.id.clone()
            }))
        });
        if let Ok(Some(next)) = next {
            begin(&self.world, &next);
        }
    }

    fn look<R>(&self, look: impl FnOnce(&State, &Execution) -> R) -> Option<R> {
        self.world.read(|state| Some(look(state, state.datasync.executions.get(&self.id)?)))
    }

    /// Changes the execution if it is still at a stage, and tells whether it was.
    fn at(&self, stage: Stage, change: impl FnOnce(&mut Execution)) -> bool {
        let changed = self.world.change(|state| {
            let execution = state.datasync.executions.get_mut(&self.id);
            let Some(execution) = execution.filter(|one| one.stage == stage) else {
                return Ok(false);
            };
            change(execution);
            Ok(true)
        });
        // A world that cannot be saved has refused the same to whoever asks it next.
        changed.unwrap_or(false)
    }

    /// Goes from one stage to the next.
    fn enter(&self, from: Stage, to: Stage, change: impl FnOnce(&mut Execution)) {
        let now = self.world.now();
        self.at(from, |execution| {
            if let Some(phase) = phase(&mut execution.phases, from) {
                phase.seconds = now - execution.since;
            }
            execution.stage = to;
            execution.since = now;
            change(execution);
        });
    }

    /// Waits until a stage has lasted as long as the world says that a phase does at least.
    async fn wait_for_phase(&self, stage: Stage) {
        let seconds = self.world.read(|state| state.timing.datasync_phase);
        self.wait(stage, seconds).await;
    }

    /// Waits until the execution has been at a stage for so many seconds, or is at it no more.
    async fn wait(&self, stage: Stage, seconds: f64) {
        while let Some(since) =
            self.look(|_, one| (one.stage == stage).then_some(one.since)).flatten()
        {
            let left = since + seconds - self.world.now();
            if left <= 0.0 {
                return;
            }
            sleep(left.min(SLICE)).await;
        }
    }

    /// Waits as long as it takes to send so many bytes, and tells whether the execution still transfers.
    async fn keep(&self, pace: &mut Pace, bytes: u64) -> bool {
        pace.owed += bytes as f64;
        loop {
            let rate = self.look(|state, one| {
                (one.stage == Stage::Transferring).then(|| rate(&state.datasync.behaviour, one))
            });
            let Some(rate) = rate.flatten() else { return false };
            // What takes next to no time is owed until it comes to something.
            let seconds = (pace.owed / rate).min(SLICE);
            if seconds < 0.01 {
                return true;
            }
            sleep(seconds).await;
            pace.owed -= rate * seconds;
        }
    }

    /// Where the execution takes from and brings to, as things are now.
    fn route(&self) -> Result<Route, Problem> {
        let gone = || Problem::new("LocationNotFound", "A location of the task is not there");
        let known = self.look(|state, execution| {
            let task = state.datasync.tasks.get(&execution.task)?;
            let source = state.datasync.locations.get(&task.source)?;
            let destination = state.datasync.locations.get(&task.destination)?;
            let places = (source.place.clone(), destination.place.clone());
            Some((places, execution.options.clone(), state.datasync.behaviour.clone()))
        });
        let Some((places, options, behaviour)) = known.flatten() else { return Err(gone()) };
        let (Place::Efs { file_system, path, .. }, Place::S3 { bucket, prefix, role }) = places
        else {
            return Err(gone());
        };
        let Behaviour { symlinks, times, .. } = behaviour;
        access::try_out(&self.world, &role, &bucket, &prefix)
            .map_err(|refusal| Problem::new("LocationAccessTestFailed", refusal.message))?;
        let source = Source::mount(&self.world, &file_system, &path, symlinks)?;
        Ok(Route { source, bucket, prefix, role, options, symlinks, times })
    }

    async fn plan(&self) -> Result<Plan, Problem> {
        let (world, id) = (self.world.clone(), self.id.clone());
        blocking(move || {
            Plan::load(&world, &id)
                .map_err(|error| Problem::new("InternalError", error.to_string()))
        })
        .await
    }
}

/// Takes what verifying found, and says how the whole went.
fn conclude(execution: &mut Execution, verdicts: &[Verdict], now: f64) {
    let mut verified = execution.counts.verified;
    for verdict in verdicts.iter().filter(|verdict| verdict.problem.is_none()) {
        preparing::add(&mut verified, &verdict.item, 1);
    }
    execution.counts.verified = verified;
    let before = execution.failures.len();
    execution.failures.extend(verdicts.iter().filter_map(Verdict::failure));
    let differs = execution.failures.len() > before;
    // Whoever asked for no verification is told that there is nothing wrong with it; what AWS says then is inferred.
    execution.phases.verify = Phase { seconds: now - execution.since, went_well: Some(!differs) };
    let (code, detail) = if differs { DIFFERS } else { SKIPPED };
    execution.error = (!execution.failures.is_empty()).then(|| Problem::new(code, detail));
    let stage = if execution.error.is_some() { Stage::Error } else { Stage::Success };
    end(execution, stage, now);
}

/// What becomes of the report of an execution that did not come to its end, when one was asked for: none is written.
pub(super) fn unreported(execution: &Execution, why: Problem) -> Option<Result<(), Problem>> {
    execution.members.contains_key("TaskReportConfig").then_some(Err(why))
}

fn end(execution: &mut Execution, stage: Stage, now: f64) {
    execution.stage = stage;
    execution.since = now;
    execution.ended_at = Some(now);
}

fn phase(phases: &mut Phases, stage: Stage) -> Option<&mut Phase> {
    match stage {
        Stage::Preparing => Some(&mut phases.prepare),
        Stage::Transferring => Some(&mut phases.transfer),
        Stage::Verifying => Some(&mut phases.verify),
        _ => None,
    }
}

async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await;
}

/// Runs work that waits for the disk where it holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Problem::new("InternalError", error.to_string())))
}
