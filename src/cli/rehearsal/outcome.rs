//! How a rehearsal went, as data: what `rehearse --format json` writes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Rehearsal;
use super::record::{Heard, Times};
use crate::execute::{Failure, Summary};
use crate::names::{MigrationId, PlanId, SnapshotId};
use crate::plan::{Batch, Migration, Route};
use crate::readiness::{Range, Readiness};

/// How a rehearsal went. Times are the rehearsal's, durations in minutes.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The snapshot that was copied.
    pub snapshot: SnapshotId,
    /// The plan that was run.
    pub plan: PlanId,
    /// What decided everything that chance decides.
    pub seed: u64,
    /// When the first person began.
    pub begin: Option<Timestamp>,
    /// When the last person ended.
    pub end: Option<Timestamp>,
    /// From one to the other.
    pub minutes: f64,
    /// The planner's estimate of the same: batches run one after the other.
    pub estimate: Range,
    /// Every batch.
    pub batches: Vec<BatchOutcome>,
    /// People who would be moved.
    pub done: usize,
    /// People who would fail.
    pub failed: Vec<Failed>,
    /// People who would not even be begun with, since the plan does not hold on its own snapshot.
    pub drifted: Vec<(MigrationId, Vec<String>)>,
    /// People who would be left when the run stops.
    pub left: usize,
    /// Why it would stop before its end, if it would.
    pub stopped: Option<String>,
    /// How long people would be held.
    pub held: Held,
    /// How long each step takes.
    pub steps: Vec<StepOutcome>,
    /// Calls by operation.
    pub calls: BTreeMap<String, Calls>,
    /// USD that the estimate takes to be paid once, and a month before and afterwards.
    pub cost: BTreeMap<&'static str, Range>,
    /// Homes that nobody measured, and what each is taken to hold is the planner's assumption.
    pub assumed: usize,
    /// Who was not rehearsed, and why.
    pub not_rehearsed: Vec<NotRehearsed>,
}

/// How a batch went.
#[derive(Clone, Debug, Serialize)]
pub struct BatchOutcome {
    /// Its name.
    pub batch: String,
    /// How many were rehearsed.
    pub people: usize,
    /// When the first of them began.
    pub begin: Option<Timestamp>,
    /// When the last of them ended.
    pub end: Option<Timestamp>,
    /// From one to the other.
    pub minutes: f64,
    /// The planner's estimate of the same.
    pub estimate: Option<Range>,
    /// Who would be moved.
    pub done: usize,
    /// Who would fail.
    pub failed: usize,
}

/// Someone who would fail.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// Who.
    pub migration: MigrationId,
    /// In which batch.
    pub batch: String,
    /// In which step, where one was begun.
    pub step: Option<String>,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How long people would be held: from when they are begun with until they are moved.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Held {
    /// How many.
    pub people: usize,
    /// Half of them no longer than this, in minutes.
    pub median: f64,
    /// Nine of ten no longer than this, in minutes.
    pub ninety_percent: f64,
    /// Nobody longer than this, in minutes.
    pub longest: f64,
}

/// How long a step takes.
#[derive(Clone, Debug, Serialize)]
pub struct StepOutcome {
    /// The step.
    pub step: String,
    /// How often it ended well.
    pub times: u32,
    /// Minutes on the average.
    pub minutes: f64,
    /// Minutes at most.
    pub longest: f64,
}

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Calls {
    /// Attempts, those that were made anew included.
    pub calls: u64,
    /// Of these, those that were throttled.
    pub throttled: u64,
    /// Of these, those that a fault hit in any other way.
    pub hit: u64,
}

/// Someone who was not rehearsed.
#[derive(Clone, Debug, Serialize)]
pub struct NotRehearsed {
    /// Who.
    pub migration: MigrationId,
    /// Why.
    pub because: String,
}

impl Outcome {
    /// Tells whether everyone who was rehearsed would be moved.
    pub fn is_well(&self) -> bool {
        self.failed.is_empty()
            && self.drifted.is_empty()
            && self.left == 0
            && self.stopped.is_none()
    }
}

pub(super) fn of(rehearsal: &Rehearsal, summary: &Summary) -> Outcome {
    let heard = rehearsal.record.heard();
    let failed: BTreeMap<_, _> = summary.failed.iter().map(|(id, failure)| (id, failure)).collect();
    let people: Vec<_> = rehearsal.rehearsed().collect();
    let span = span(&heard, people.iter().map(|(_, one)| *one));
    let estimate = rehearsal.plan.batches.iter().filter_map(|batch| batch.minutes);
    let reckoned = Readiness::of(&rehearsal.script.snapshot, &rehearsal.plan.playbook).estimate;
    Outcome {
        schema: 1,
        snapshot: rehearsal.plan.snapshot.clone(),
        plan: rehearsal.plan.id.clone(),
        seed: rehearsal.script.seed,
        begin: span.began,
        end: span.ended,
        minutes: minutes(&span),
        estimate: estimate.fold(Range::default(), Range::plus),
        batches: rehearsal
            .plan
            .batches
            .iter()
            .map(|one| batch(rehearsal, &heard, &failed, one))
            .collect(),
        done: summary.done.len(),
        failed: people
            .iter()
            .filter_map(|(batch, one)| Some(failed_one(&heard, batch, one, failed.get(&one.id)?)))
            .collect(),
        drifted: summary.drifted.clone(),
        left: summary.left.len(),
        stopped: summary.fatal.as_ref().map(Failure::told).or_else(|| summary.stopped.clone()),
        held: held(&heard, &summary.done),
        steps: steps(&heard),
        calls: calls(rehearsal),
        cost: [("once", reckoned.once), ("before", reckoned.before), ("after", reckoned.after)]
            .into(),
        assumed: people.iter().filter(|(_, one)| one.bytes.is_none()).count(),
        not_rehearsed: not_rehearsed(rehearsal),
    }
}

fn batch(
    rehearsal: &Rehearsal,
    heard: &Heard,
    failed: &BTreeMap<&MigrationId, &Failure>,
    batch: &Batch,
) -> BatchOutcome {
    let people: Vec<_> =
        rehearsal.rehearsed().filter(|(of, _)| of.name == batch.name).map(|(_, one)| one).collect();
    let span = span(heard, people.iter().copied());
    let failures = people.iter().filter(|one| failed.contains_key(&one.id)).count();
    let is_done = |one: &&&Migration| heard.people.get(&one.id).is_some_and(|of| of.is_done);
    BatchOutcome {
        batch: batch.name.to_string(),
        people: people.len(),
        begin: span.began,
        end: span.ended,
        minutes: minutes(&span),
        estimate: batch.minutes,
        done: people.iter().filter(is_done).count(),
        failed: failures,
    }
}

fn failed_one(heard: &Heard, batch: &Batch, one: &Migration, failure: &Failure) -> Failed {
    Failed {
        migration: one.id.clone(),
        batch: batch.name.to_string(),
        step: heard.failed_in.get(&one.id).map(ToString::to_string),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    }
}

/// From the first who begins to the last who ends.
fn span<'a>(heard: &Heard, people: impl Iterator<Item = &'a Migration>) -> Times {
    let mut all = Times::default();
    for times in people.filter_map(|one| heard.people.get(&one.id)) {
        all.began = [all.began, times.began].into_iter().flatten().min();
        all.ended = all.ended.max(times.ended);
    }
    all
}

fn minutes(times: &Times) -> f64 {
    let Some((began, ended)) = times.began.zip(times.ended) else { return 0.0 };
    ended.duration_since(began).as_secs_f64() / 60.0
}

fn held(heard: &Heard, done: &[MigrationId]) -> Held {
    let mut held: Vec<f64> =
        done.iter().filter_map(|id| heard.people.get(id)).map(minutes).collect();
    held.sort_by(f64::total_cmp);
    let at = |percent: usize| held.get((held.len() * percent / 100).min(held.len().max(1) - 1));
    let at = |percent| at(percent).copied().unwrap_or_default();
    Held { people: held.len(), median: at(50), ninety_percent: at(90), longest: at(100) }
}

fn steps(heard: &Heard) -> Vec<StepOutcome> {
    let of = heard.steps.iter();
    of.map(|(step, of)| StepOutcome {
        step: step.to_string(),
        times: of.times,
        minutes: of.seconds / f64::from(of.times.max(1)) / 60.0,
        longest: of.longest / 60.0,
    })
    .collect()
}

fn calls(rehearsal: &Rehearsal) -> BTreeMap<String, Calls> {
    let tally = rehearsal.world.model().map(crate::sim::modelled::Model::tally).unwrap_or_default();
    tally
        .into_iter()
        .map(|(call, of)| (call, Calls { calls: of.calls, throttled: of.throttled, hit: of.hit }))
        .collect()
}

fn not_rehearsed(rehearsal: &Rehearsal) -> Vec<NotRehearsed> {
    let plan = &rehearsal.plan;
    plan.migrations()
        .filter_map(|(_, one)| {
            let because = match one.route {
                _ if rehearsal.script.moved.contains(&one.id) => "has moved already",
                Route::InSpace => return None,
                Route::Packed => "travels packed, which is not modelled",
                Route::DataSync => "travels with DataSync, which is not modelled",
            };
            Some(NotRehearsed { migration: one.id.clone(), because: because.to_owned() })
        })
        .collect()
}
