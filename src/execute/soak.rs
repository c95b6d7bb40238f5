//! What comes after a trial: the pilot and the canary are given time, and are looked at before anyone else begins.

use jiff::{SignedDuration, Timestamp};

use super::admission::HeldBack;
use super::context::Context;
use super::credentials::{RENEWALS, renewed};
use super::failure::{Failure, FailureKind};
use super::run::Execution;
use super::standing::{MigrationStanding, Standing, kind};
use super::step::Step;
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
        let why = match not_well(execution, trial).await? {
            Some(why) => Some(why),
            None => soaking(execution, trial, batch)?,
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
        let events = execution.journal.events_of(&migration.id)?;
        let is_end = |event: &&crate::journal::Event| {
            event.kind == kind::FINISHED && event.step.as_deref() == Some(Step::Confirm.name())
        };
        let ended = events.iter().filter(is_end).filter_map(|event| event.at.parse().ok()).max();
        last = last.max(ended);
    }
    let soak = SignedDuration::try_from_secs_f64(calendar.soak_hours * 3600.0);
    let until = last.and_then(|at: Timestamp| at.checked_add(soak.unwrap_or_default()).ok());
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

/// Looks at one of a trial, waiting for new credentials where they are what is missing.
async fn health(cx: &Context) -> Result<Option<String>, Failure> {
    for _ in 0..RENEWALS {
        match confirm::health(cx).await {
            Err(failure) if failure.kind == FailureKind::Credentials => {
                renewed(cx, failure).await?
            }
            looked => return looked,
        }
    }
    confirm::health(cx).await
}

/// Says who of a trial is not where they should be, in the journal or in the account.
async fn not_well(execution: &Execution, trial: &Batch) -> Result<Option<String>, Failure> {
    if execution.may_follow_a_poor_trial {
        return Ok(None);
    }
    let mut troubles = Vec::new();
    for migration in &trial.migrations {
        let events = execution.journal.events_of(&migration.id)?;
        let standing =
            Standing::of(&events).map_err(|error| Failure::new(error.to_string()))?.word();
        let trouble = match standing {
            MigrationStanding::Moved => health(&execution.context(migration)).await?,
            other => Some(format!("is {}", other.name())),
        };
        troubles.extend(trouble.map(|trouble| format!("{} {trouble}", migration.name())));
    }
    if troubles.is_empty() {
        return Ok(None);
    }
    let (count, all) = (troubles.len(), trial.migrations.len());
    troubles.truncate(NAMED);
    Ok(Some(format!(
        "{count} of {all} of the {} are not well: {}; mend that, or go on with `--despite-trial`",
        trial.name,
        troubles.join("; ")
    )))
}
