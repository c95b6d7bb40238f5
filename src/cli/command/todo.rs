//! What is still to be done, by the journal.

use std::collections::HashMap;

use super::one_way::stopping;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{self, Selection, Standing, Step};
use crate::journal::Journal;
use crate::names::{MigrationId, counted};
use crate::plan::Plan;

/// Returns where a migration stands, by the journal.
pub(super) fn standing(journal: &Journal, migration: &MigrationId) -> Result<Standing, Failure> {
    let events = journal
        .events_of(migration)
        .map_err(|error| Failure::journal("read the journal", error))?;
    Standing::of(&events).map_err(|error| Failure::of(Exit::Unexpected, "read the journal", error))
}

/// Says of teams that moved by another table what may be in nobody's space.
pub(super) fn unclaimed(
    journal: &Journal,
    plan: &Plan,
) -> Result<Vec<(MigrationId, String)>, Failure> {
    execute::unclaimed(journal, plan)
        .map_err(|failure| Failure::of(Exit::Unexpected, "read the journal", failure))
}

/// Returns who is still to be migrated, by the journal.
pub(super) fn to_do(
    journal: &Journal,
    plan: &Plan,
    selection: &Selection,
    until: Step,
) -> Result<Vec<(MigrationId, Step)>, Failure> {
    let mut waiting = Vec::new();
    for (batch, migration) in plan.migrations() {
        if !selection.takes(batch, migration) {
            continue;
        }
        let standing = standing(journal, &migration.id)?;
        if let Some(next) = selection.next_step(plan, migration, &standing, until) {
            waiting.push((migration.id.clone(), next));
        }
    }
    Ok(waiting)
}

/// Says what a run would do, and does nothing.
pub(super) fn dry_run(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    waiting: &[(MigrationId, Step)],
    until: Step,
) -> Result<Exit, Failure> {
    let open = journal.open_gates().map_err(|error| Failure::journal("read the gates", error))?;
    let next: HashMap<&MigrationId, Step> = waiting.iter().map(|(id, next)| (id, *next)).collect();
    for batch in &plan.batches {
        let todo = batch.migrations.iter();
        let mut todo = todo.filter_map(|one| Some((&one.id, *next.get(&one.id)?))).peekable();
        if todo.peek().is_some()
            && let Some(why) = execute::waits(plan, batch, &open)
        {
            context.ui.data(why);
        }
        for (id, next) in todo {
            let steps: Vec<_> = Step::ALL
                .into_iter()
                .filter(|step| *step >= next && *step <= until)
                .map(Step::name)
                .collect();
            context.ui.data(format_args!("{id}: {}", steps.join(" → ")));
        }
    }
    if let Some(stopping) = stopping(journal, plan, waiting, until)? {
        stopping.lines().iter().for_each(|line| context.ui.data(line));
    }
    context.ui.data(format_args!(
        "{} would be migrated; nothing was changed",
        counted(waiting.len() as u64, "person", "people")
    ));
    Ok(Exit::Done)
}
