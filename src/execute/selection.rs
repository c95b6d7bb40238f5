//! Which migrations are meant, and which of those are still to be done.

use std::collections::BTreeSet;

use super::context::Context;
use super::failure::Failure;
use super::passes::takes_part;
use super::run::Execution;
use super::standing::Standing;
use super::step::Step;
use crate::names::{BatchName, MigrationId, ProfileName};
use crate::plan::{Batch, Migration, Plan};

/// Which migrations of the plan are meant. Nothing named means all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// These batches.
    pub batches: BTreeSet<BatchName>,
    /// These people, in whatever batch. Naming someone also tries again what was rolled back.
    pub users: BTreeSet<ProfileName>,
    /// These migrations and no others: two domains may have people of one name.
    pub migrations: BTreeSet<MigrationId>,
}

impl Selection {
    /// Tells whether a migration is meant.
    pub fn takes(&self, batch: &Batch, migration: &Migration) -> bool {
        (self.batches.is_empty() || self.batches.contains(&batch.name))
            && (self.users.is_empty() || self.names(migration))
            && (self.migrations.is_empty() || self.migrations.contains(&migration.id))
    }

    /// Tells whether somebody is named: by their name, or with their domain as `domain/name`.
    fn names(&self, migration: &Migration) -> bool {
        self.users.iter().any(|user| is_called(migration, user))
    }

    /// Returns the step that a run up to `last` begins with for a migration that is meant; `None` where there is nothing to do.
    ///
    /// Whoever was taken back is moved again only when somebody names them.
    pub fn next_step(
        &self,
        plan: &Plan,
        migration: &Migration,
        standing: &Standing,
        last: Step,
    ) -> Option<Step> {
        let is_taken = !standing.was_taken_back() || self.names(migration);
        let next = standing.next_step_to(last)?;
        (is_taken && takes_part(plan, migration, last)).then_some(next)
    }
}

/// Tells whether somebody calls a migration so: `name`, or `domain/name`.
pub fn is_called(migration: &Migration, name: &ProfileName) -> bool {
    migration.name() == *name || migration.id.as_str() == name.as_str()
}

/// Which way a migration goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    Forward(Step),
    /// To and including this step.
    Back(Step),
}

/// Returns the batches in which there is something to do, each with what that is, in the order in which they go.
pub(super) fn all_to_do<'a>(
    execution: &'a Execution,
    selection: &Selection,
    direction: Direction,
) -> Result<Vec<(&'a Batch, Vec<Context>)>, Failure> {
    let batches: Vec<&Batch> = match direction {
        Direction::Forward(_) => execution.plan.batches.iter().collect(),
        Direction::Back(_) => execution.plan.batches.iter().rev().collect(),
    };
    let mut all = Vec::new();
    for batch in batches {
        let todo = to_do(execution, selection, batch, direction)?;
        if !todo.is_empty() {
            all.push((batch, todo));
        }
    }
    Ok(all)
}

/// Returns what of a batch is still to be done, in the order of the plan.
fn to_do(
    execution: &Execution,
    selection: &Selection,
    batch: &Batch,
    direction: Direction,
) -> Result<Vec<Context>, Failure> {
    let mut todo = Vec::new();
    for migration in &batch.migrations {
        if !selection.takes(batch, migration) {
            continue;
        }
        let cx = execution.context(migration);
        let standing = cx.standing()?;
        let is_to_do = match direction {
            Direction::Forward(last) => {
                selection.next_step(&execution.plan, migration, &standing, last).is_some()
            }
            Direction::Back(first) => standing.to_undo().first().is_some_and(|last| *last >= first),
        };
        if is_to_do {
            todo.push(cx);
        }
    }
    Ok(todo)
}
