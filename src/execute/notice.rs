//! What execution tells whoever watches: the only vocabulary between it and progress bars, logs and hooks.

use crate::mover::Progress;
use crate::names::{BatchName, MigrationId};

use super::failure::Failure;
use super::standing::MigrationStanding;
use super::step::Step;

/// Something that just happened.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A run or a rollback begins.
    RunBegan {
        /// How many migrations it has to do.
        migrations: usize,
    },
    /// A batch is not begun, since a gate before it is shut.
    GateWaits {
        /// The batch.
        batch: BatchName,
        /// The gate.
        gate: String,
        /// What is to be looked at first and how the gate is opened, in words.
        why: String,
    },
    /// A batch is waited for: it may not begin yet.
    BatchWaits {
        /// The batch.
        batch: BatchName,
        /// Why, and what lets it begin.
        why: String,
    },
    /// A batch begins.
    BatchBegan {
        /// Its name.
        batch: BatchName,
        /// How many migrations it still has to do.
        migrations: usize,
    },
    /// A migration begins, or goes on after a crash or a stop.
    MigrationBegan {
        /// Which.
        migration: MigrationId,
        /// Whether some of it was done before.
        is_resumed: bool,
    },
    /// A step begins.
    StepBegan {
        /// Of which migration.
        migration: MigrationId,
        /// Which step.
        step: Step,
    },
    /// Something slow is waited for.
    Waiting {
        /// Which migration waits.
        migration: MigrationId,
        /// What for, in words.
        what: String,
    },
    /// The mover gave a sign of life.
    Copying {
        /// Whose home.
        migration: MigrationId,
        /// The numbers.
        progress: Progress,
    },
    /// Something worth knowing that stops nothing.
    Remark {
        /// About which migration.
        migration: MigrationId,
        /// What, in words.
        text: String,
    },
    /// A step ended well.
    StepFinished {
        /// Of which migration.
        migration: MigrationId,
        /// Which step.
        step: Step,
    },
    /// A step failed.
    StepFailed {
        /// Of which migration.
        migration: MigrationId,
        /// Which step.
        step: Step,
        /// Why.
        failure: Failure,
    },
    /// A step was undone.
    StepUndone {
        /// Of which migration.
        migration: MigrationId,
        /// Which step.
        step: Step,
        /// What could not be put back.
        remarks: Vec<String>,
    },
    /// A migration failed, or could not be taken back.
    MigrationFailed {
        /// Of which batch.
        batch: BatchName,
        /// Which migration.
        migration: MigrationId,
        /// In which step, where one was begun.
        step: Option<Step>,
        /// Why.
        failure: Failure,
    },
    /// A migration was not begun, since the plan no longer holds for it.
    MigrationRefused {
        /// Of which batch.
        batch: BatchName,
        /// Which migration.
        migration: MigrationId,
        /// What has changed since the plan was drawn up.
        changes: Vec<String>,
    },
    /// A migration ended for now.
    MigrationEnded {
        /// Which.
        migration: MigrationId,
        /// Where it stands.
        standing: MigrationStanding,
        /// Whether that is where it was to be taken.
        is_done: bool,
    },
    /// A batch stops before its end.
    BatchStopped {
        /// Its name.
        batch: BatchName,
        /// Which rule stopped it, in words.
        why: String,
    },
    /// A batch is over: everyone was taken as far as they could be.
    BatchEnded {
        /// Its name.
        batch: BatchName,
        /// How many of those that were to be done are.
        done: usize,
        /// How many of them failed, are stuck or were not begun.
        failed: usize,
    },
    /// A run or a rollback is over.
    RunEnded {
        /// Migrations that are where they were to be taken.
        done: usize,
        /// Migrations that failed, or could not be taken back.
        failed: usize,
        /// Migrations that are left for the next run.
        left: usize,
        /// Why it stopped before its end, if it did.
        why: Option<String>,
    },
}

/// Whoever watches. Called from the tasks that do the work, so it must be quick.
pub type Watch = std::sync::Arc<dyn Fn(Notice) + Send + Sync>;
