//! Where the people of a run stand, folded from notices.
//!
//! It knows no terminal and no clock: every notice comes with the time since the run began.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::execute::{MigrationStanding, Notice, Step};
use crate::mover::Progress as Copying;
use crate::names::{BatchName, MigrationId};

/// For how long a failure or a remark makes somebody worth looking at.
pub(super) const LATELY: Duration = Duration::from_secs(60);

/// How many migrations are done, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// All that are to be done.
    pub(super) all: usize,
    /// Those that are through: done, or failed.
    pub(super) ended: usize,
    /// Those among them that failed.
    pub(super) failed: usize,
    /// Those that were left on their way, for a later run.
    pub(super) left: usize,
}

/// What is done for somebody now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Doing {
    /// A step, of which nothing more is known.
    Step,
    /// Something is waited for.
    Waiting(String),
    /// The home is copied.
    Copying(Copying),
    /// It failed, and has ended.
    Failed,
}

/// Somebody who is at work, or was until lately.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Person {
    /// The step that was begun last.
    pub(super) step: Option<Step>,
    /// What is done in it.
    pub(super) doing: Doing,
    /// Since when that is done, since the run began.
    pub(super) since: Duration,
    /// The last failure or remark, and when that was.
    pub(super) remark: Option<(Duration, String)>,
}

/// Everything that can be shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    /// The whole run.
    pub(super) whole: Count,
    /// The batch that runs, while one does.
    pub(super) batch: Option<(BatchName, Count)>,
    /// Everyone at work, and who failed lately.
    pub(super) people: BTreeMap<MigrationId, Person>,
}

impl Person {
    /// Tells whether something happened to them that somebody may want to read.
    pub(super) fn is_noted(&self, now: Duration) -> bool {
        self.remark.as_ref().is_some_and(|(at, _)| now.saturating_sub(*at) < LATELY)
    }

    /// Tells whether they are still at work.
    pub(super) fn is_at_work(&self) -> bool {
        self.doing != Doing::Failed
    }
}

impl Board {
    /// An empty board for so many migrations.
    pub(super) fn new(migrations: usize) -> Self {
        Self { whole: Count { all: migrations, ..Count::default() }, ..Self::default() }
    }

    /// Takes in what happened.
    pub(super) fn take(&mut self, notice: &Notice, now: Duration) {
        match notice {
            Notice::RunBegan { migrations } => self.whole.all = *migrations,
            Notice::BatchBegan { batch, migrations } => {
                let count = Count { all: *migrations, ..Count::default() };
                self.batch = Some((batch.clone(), count));
            }
            Notice::BatchEnded { .. } | Notice::BatchStopped { .. } => self.batch = None,
            Notice::MigrationBegan { migration, .. } => {
                self.person(migration, now);
            }
            Notice::StepBegan { migration, step } => {
                self.person(migration, now).step = Some(*step);
                self.does(migration, Doing::Step, now);
            }
            Notice::Waiting { migration, what } => {
                self.does(migration, Doing::Waiting(what.clone()), now);
            }
            Notice::Copying { migration, progress } => {
                self.does(migration, Doing::Copying(progress.clone()), now);
            }
            Notice::Remark { migration, text } => {
                self.person(migration, now).remark = Some((now, text.clone()));
            }
            Notice::StepFailed { migration, failure, .. } => {
                self.person(migration, now).remark = Some((now, failure.message.clone()));
            }
            Notice::MigrationEnded { migration, standing, is_done } => {
                self.ended(migration, *standing, *is_done, now);
            }
            Notice::GateWaits { .. }
            | Notice::BatchWaits { .. }
            | Notice::StepFinished { .. }
            | Notice::StepUndone { .. }
            | Notice::MigrationFailed { .. }
            | Notice::MigrationRefused { .. }
            | Notice::RunEnded { .. } => {}
        }
        self.people.retain(|_, person| person.is_at_work() || person.is_noted(now));
    }

    fn person(&mut self, migration: &MigrationId, now: Duration) -> &mut Person {
        self.people.entry(migration.clone()).or_insert_with(|| Person {
            step: None,
            doing: Doing::Step,
            since: now,
            remark: None,
        })
    }

    /// Somebody does something; what they did already they do since then.
    fn does(&mut self, migration: &MigrationId, doing: Doing, now: Duration) {
        let person = self.person(migration, now);
        let is_the_same = match (&person.doing, &doing) {
            (Doing::Waiting(before), Doing::Waiting(after)) => before == after,
            (Doing::Copying(_), Doing::Copying(_)) => true,
            _ => false,
        };
        if !is_the_same {
            person.since = now;
        }
        person.doing = doing;
    }

    fn ended(
        &mut self,
        migration: &MigrationId,
        standing: MigrationStanding,
        is_done: bool,
        now: Duration,
    ) {
        let has_failed = matches!(standing, MigrationStanding::Failed | MigrationStanding::Stuck);
        let is_left = !is_done && !has_failed;
        let batch = self.batch.as_mut().map(|(_, count)| count);
        for count in std::iter::once(&mut self.whole).chain(batch) {
            count.ended += usize::from(!is_left);
            count.failed += usize::from(has_failed);
            count.left += usize::from(is_left);
        }
        if has_failed {
            let person = self.person(migration, now);
            (person.doing, person.since) = (Doing::Failed, now);
            person.remark.get_or_insert_with(|| (now, standing.name().to_owned()));
        } else {
            self.people.remove(migration);
        }
    }
}
