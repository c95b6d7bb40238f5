//! Whether a batch may begin now, and whether one person's plan still holds.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::failure::Failure;
use super::run::Execution;
use super::soak;
use crate::aws::{ErrorKind, Owner};
use crate::inventory::{Domain, Profile, Snapshot, Space};
use crate::plan::{Batch, Plan, drift_of};
use crate::playbook::Calendar;

/// Why a batch may not begin.
pub(super) struct HeldBack {
    /// The gate that is shut, if that is why.
    pub gate: Option<String>,
    /// In words.
    pub why: String,
}

/// Says why a batch may not begin: a gate is shut, a trial before it is not over or did not go well, its time has not come, or
/// it could not end in what is left of its window.
pub(super) async fn held_back(
    execution: &Execution,
    batch: &Batch,
) -> Result<Option<HeldBack>, Failure> {
    if let Some(shut) = shut_gate(&execution.plan, batch, &execution.journal.open_gates()?) {
        return Ok(Some(shut));
    }
    if let Some(held_back) = soak::held_back(execution, batch).await? {
        return Ok(Some(held_back));
    }
    if execution.may_run_any_time {
        return Ok(None);
    }
    let why = out_of_time(&execution.plan.playbook.calendar, batch, execution.journal.now());
    Ok(why.map(|why| HeldBack { gate: None, why }))
}

/// Says why a batch could not begin at this moment, as far as that can be told without asking AWS: gates and time.
pub fn waits(plan: &Plan, batch: &Batch, open: &BTreeSet<String>) -> Option<String> {
    let shut = shut_gate(plan, batch, open).map(|shut| shut.why);
    shut.or_else(|| out_of_time(&plan.playbook.calendar, batch, Timestamp::now()))
}

/// Finds the first gate that keeps a batch waiting. Every batch behind a gate waits with the one before which it stands,
/// whichever is asked for.
fn shut_gate(plan: &Plan, batch: &Batch, open: &BTreeSet<String>) -> Option<HeldBack> {
    let own = plan.batches.iter().position(|one| one.name == batch.name);
    let before = plan.batches.iter().take(own.map_or(usize::MAX, |own| own + 1));
    let gate = before.flat_map(|one| &one.gates).find(|gate| !open.contains(*gate))?;
    let what = plan.playbook.gates.iter().find(|known| known.name == *gate);
    let what = what.map(|gate| gate.what.as_str()).filter(|what| !what.is_empty());
    let why = format!(
        "{} waits for gate {gate}{}: `studio-migrate gate open {gate}`",
        batch.name,
        what.map(|what| format!(" ({what})")).unwrap_or_default()
    );
    Some(HeldBack { gate: Some(gate.clone()), why })
}

/// Says why now is not a batch's time.
fn out_of_time(calendar: &Calendar, batch: &Batch, now: Timestamp) -> Option<String> {
    if !calendar.says_when() {
        return None;
    }
    // A zone that there is not was refused with the playbook.
    let zone = calendar.zone().ok()?;
    let said = |at| Calendar::said(&zone, at);
    if let Some(slot) = batch.slot.as_ref().filter(|slot| now < slot.from) {
        return Some(format!("{} is not to begin before {}", batch.name, said(slot.from)));
    }
    let spans = calendar.spans(&zone, now);
    let open = spans.first().filter(|(from, _)| *from <= now);
    let Some((_, end)) = open else {
        let next = spans.first().map_or_else(|| "never again".to_owned(), |(from, _)| said(*from));
        return Some(format!("{} waits for its window, which opens {next}", batch.name));
    };
    let minutes = batch.minutes.map_or(0.0, |minutes| minutes.high);
    let needed = SignedDuration::try_from_secs_f64(minutes * 60.0).unwrap_or_default();
    let longest = spans.iter().map(|(from, to)| to.duration_since(*from)).max().unwrap_or_default();
    // What fits in no window begins when one opens, and is not held back for ever.
    if end.duration_since(now) < needed && longest >= needed {
        return Some(format!(
            "{} may take {minutes:.0} minutes, and its window closes {}",
            batch.name,
            said(*end)
        ));
    }
    None
}

/// Tells whether the window is open, for whoever is about to begin with one more person.
pub(super) fn is_open(execution: &Execution) -> bool {
    let calendar = &execution.plan.playbook.calendar;
    let now = execution.journal.now();
    let Ok(zone) = calendar.zone() else { return true };
    execution.may_run_any_time || !calendar.says_when() || calendar.is_open(&zone, now)
}

/// Says what no longer holds for a person since the plan was drawn up. Asked once, before anything is done; and of whoever was
/// taken back, before they begin anew. Whose the space is that they may have kept, provision asks.
pub(super) async fn drifted(cx: &Context, was_taken_back: bool) -> Result<Vec<String>, Failure> {
    let migration = &cx.migration;
    let domain = cx.account.domain(&migration.domain).await?;
    let mut profiles = Vec::new();
    let team = migration.team.as_ref().map(|part| &part.profile);
    for name in std::iter::once(&migration.profile).chain(team) {
        match cx.account.profile(&migration.domain, name).await {
            Ok(seen) => profiles.push(Profile {
                name: seen.name,
                // A change that is under way ends by itself, and is waited for where it matters.
                status: match seen.status.ends_with("ing") {
                    true => "InService".to_owned(),
                    false => seen.status,
                },
                home_uid: seen.home_uid,
                effective: seen.settings,
                ..Profile::default()
            }),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut spaces = match cx.account.space(&migration.domain, &migration.space).await {
        Ok(_) if was_taken_back && !migration.is_reused => Vec::new(),
        Ok(seen) => vec![Space {
            name: seen.name,
            status: seen.status,
            app_type: seen.app_type,
            sharing: seen.sharing,
            owner: seen.owner,
            volume_gb: seen.volume_gb,
            ..Space::default()
        }],
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if let Some(shared) = migration.shared.as_ref().filter(|_| migration.team.is_none()) {
        match cx.account.space(&migration.domain, shared).await {
            Ok(seen) => spaces.push(Space {
                name: seen.name,
                app_type: seen.app_type,
                home_uid: seen.home_uid,
                ..Space::default()
            }),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let now = Snapshot {
        domains: vec![Domain {
            id: migration.domain.clone(),
            status: domain.status,
            defaults: domain.defaults,
            profiles,
            spaces,
            ..Domain::default()
        }],
        ..Snapshot::default()
    };
    let mut changes = drift_of(&cx.plan, migration, &now);
    if migration.is_reused && changes.is_empty() {
        // Found out before a Classic app is stopped for good.
        let owner = Owner::Space(migration.space.clone());
        let apps = cx.account.apps(&migration.domain, &owner).await?;
        changes.extend(
            apps.iter().filter(|app| !["Failed", "Deleting"].contains(&app.status.as_str())).map(
                |app| {
                    format!(
                        "{}/{} runs in {}, the space to be reused: its owner has to stop it",
                        app.app_type, app.name, migration.space
                    )
                },
            ),
        );
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::Range;

    fn batch(minutes: f64) -> Batch {
        Batch {
            name: "batch-1".into(),
            migrations: Vec::new(),
            minutes: Some(Range { low: minutes, high: minutes }),
            slot: None,
            gates: Vec::new(),
        }
    }

    fn said(minutes: f64, now: &str) -> Option<String> {
        let calendar: Calendar =
            serde_saphyr::from_str("windows: [{ days: [sat], from: '08:00', to: '12:00' }]\n")
                .unwrap();
        out_of_time(&calendar, &batch(minutes), now.parse().unwrap())
    }

    #[test]
    fn a_batch_begins_only_in_a_window_in_which_it_can_end() {
        assert_eq!(said(60.0, "2026-12-05T08:30:00Z"), None);
        let early = said(60.0, "2026-12-04T08:30:00Z").unwrap();
        assert!(early.contains("opens Sat 2026-12-05 08:00 UTC"), "{early}");
        let late = said(60.0, "2026-12-05T11:30:00Z").unwrap();
        assert!(late.contains("closes Sat 2026-12-05 12:00 UTC"), "{late}");
        // What is longer than any window would wait for ever.
        assert_eq!(said(600.0, "2026-12-05T11:30:00Z"), None);
    }
}
