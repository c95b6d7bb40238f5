//! What a rehearsal hears of itself: when everyone began and ended, and how long each step took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::execute::{Notice, Step, Watch};
use crate::journal::Journal;
use crate::names::MigrationId;

/// When someone began and ended, by the rehearsal's time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// Whether they ended where they were to be taken.
    pub(super) is_done: bool,
}

/// How often a step ended well, and how long that took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepTimes {
    pub(super) times: u32,
    pub(super) seconds: f64,
    pub(super) longest: f64,
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) people: BTreeMap<MigrationId, Times>,
    pub(super) steps: BTreeMap<Step, StepTimes>,
    /// In which step everyone who failed failed last.
    pub(super) failed_in: BTreeMap<MigrationId, Step>,
    under_way: BTreeMap<(MigrationId, Step), Timestamp>,
}

/// Listens to a rehearsal.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(Arc<Mutex<Heard>>);

impl Record {
    /// Returns what was heard so far.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns who watches; times are the journal's.
    pub(super) fn watch(&self, journal: &Journal) -> Watch {
        let (record, journal) = (self.clone(), journal.clone());
        Arc::new(move |notice| record.heard().note(notice, journal.now()))
    }
}

impl Heard {
    fn note(&mut self, notice: Notice, now: Timestamp) {
        match notice {
            Notice::MigrationBegan { migration, .. } => {
                self.people.entry(migration).or_default().began.get_or_insert(now);
            }
            Notice::MigrationEnded { migration, is_done, .. } => {
                let times = self.people.entry(migration).or_default();
                (times.ended, times.is_done) = (Some(now), is_done);
            }
            Notice::StepBegan { migration, step } => {
                self.under_way.insert((migration, step), now);
            }
            Notice::StepFinished { migration, step } => {
                let Some(began) = self.under_way.remove(&(migration, step)) else { return };
                let seconds = now.duration_since(began).as_secs_f64();
                let of = self.steps.entry(step).or_default();
                of.times += 1;
                of.seconds += seconds;
                of.longest = of.longest.max(seconds);
            }
            Notice::StepFailed { migration, step, .. } => {
                self.under_way.remove(&(migration.clone(), step));
                self.failed_in.insert(migration, step);
            }
            _ => {}
        }
    }
}
