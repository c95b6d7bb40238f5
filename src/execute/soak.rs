//! What comes after a trial: the pilot and the canary are given time, and are looked at before anyone else begins.

use jiff::SignedDuration;

use super::admission::HeldBack;
use super::credentials::renewing;
use super::failure::Failure;
use super::run::Execution;
use super::standing::MigrationStanding;
use super::steps::confirm;
use crate::plan::Batch;
use crate::playbook::{Batches, Calendar};

/// How many of those who are not well are named.
const NAMED: usize = 5;

/// Says why a batch may not follow the trials before it: one has not had its time yet, or people of it are not well.
pub(super) async fn held_back(
    execution: &Execution,
    batch: &Batch,
) -> Result<Option<HeldBack>, Failure> {
    let calendar = &execution.plan.playbook.calendar;
    if calendar.soak_hours <= 0.0 {
        return Ok(None);
    }
    let before = execution.plan.batches.iter().take_while(|one| one.name != batch.name);
    for trial in before.filter(|one| is_trial(one)) {
        // The account is asked last: whoever waits comes here again and again.
        let why = match not_moved(execution, trial)? {
            Some(why) => Some(why),
            None => soaking(execution, trial, batch)?,
        };
        let why = match why {
            Some(why) => Some(why),
            None => not_well(execution, trial).await?,
        };
        if let Some(why) = why {
            return Ok(Some(HeldBack { gate: None, why }));
        }
    }
    Ok(None)
}

fn is_trial(batch: &Batch) -> bool {
    batch.name == Batches::pilot_name() || batch.name == Batches::canary_name()
}

/// Says until when a trial is given its time, which counts from the last who was confirmed.
fn soaking(execution: &Execution, trial: &Batch, batch: &Batch) -> Result<Option<String>, Failure> {
    if execution.may_run_any_time {
        return Ok(None);
    }
    let calendar = &execution.plan.playbook.calendar;
    let mut last = None;
    for migration in &trial.migrations {
        last = last.max(confirm::confirmed_at(&execution.journal.events_of(&migration.id)?));
    }
    let soak = SignedDuration::try_from_secs_f64(calendar.soak_hours * 3600.0);
    let until = last.and_then(|at| at.checked_add(soak.unwrap_or_default()).ok());
    let (Some(until), Ok(zone)) = (until, calendar.zone()) else { return Ok(None) };
    Ok((execution.journal.now() < until).then(|| {
        format!(
            "{} waits until {}: {} hours after the last of the {} (calendar.soak_hours)",
            batch.name,
            Calendar::said(&zone, until),
            calendar.soak_hours,
            trial.name
        )
    }))
}

/// Says who of a trial is not where they should be by the journal.
fn not_moved(execution: &Execution, trial: &Batch) -> Result<Option<String>, Failure> {
    if execution.may_follow_a_poor_trial {
        return Ok(None);
    }
    let mut troubles = Vec::new();
    for migration in &trial.migrations {
        let standing = execution.context(migration).standing()?.word();
        if standing != MigrationStanding::Moved {
            troubles.push(format!("{} is {}", migration.name(), standing.name()));
        }
    }
    Ok(poor(trial, troubles))
}

/// Says who of a trial is not as they were left in the account.
async fn not_well(execution: &Execution, trial: &Batch) -> Result<Option<String>, Failure> {
    if execution.may_follow_a_poor_trial {
        return Ok(None);
    }
    let mut troubles = Vec::new();
    for migration in &trial.migrations {
        let cx = execution.context(migration);
        let trouble = renewing(&cx, async || confirm::health(&cx).await).await?;
        troubles.extend(trouble.map(|trouble| format!("{} {trouble}", migration.name())));
    }
    Ok(poor(trial, troubles))
}

/// Puts it into words that people of a trial are not well, if any are not.
fn poor(trial: &Batch, mut troubles: Vec<String>) -> Option<String> {
    if troubles.is_empty() {
        return None;
    }
    let (count, all) = (troubles.len(), trial.migrations.len());
    troubles.truncate(NAMED);
    Some(format!(
        "{count} of {all} of the {} are not well: {}; mend that, or go on with `--despite-trial`",
        trial.name,
        troubles.join("; ")
    ))
}
