//! What `retire` changed, by the journal: what each thing was before, and what it was set to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::Failure;
use crate::cli::command::todo::standing;
use crate::execute::MigrationStanding;
use crate::inventory::Snapshot;
use crate::journal::{Error, Journal};
use crate::names::MigrationId;

/// The kinds of events that carry what was set before.
pub(super) const NOTED: &str = "retire-noted";
pub(super) const RESTORED: &str = "retire-restored";

/// A thing with a value of its own: `lifecycle fs-…`, `throughput fs-…`, `auto-mount d-…/alice`.
pub(super) type Subject = String;

/// What a thing was before, and what it was set to.
pub(super) struct Noted {
    pub(super) before: Value,
    pub(super) set: Value,
}

/// What was noted first and not put back since, by subject.
pub(super) fn noted(journal: &Journal) -> Result<BTreeMap<Subject, Noted>, Failure> {
    let mut events = journal.events_of_kind(NOTED).map_err(unread)?;
    events.extend(journal.events_of_kind(RESTORED).map_err(unread)?);
    events.sort_by_key(|event| event.sequence);
    let mut noted = BTreeMap::new();
    for event in events {
        let subject = event.detail.get("subject").and_then(Value::as_str).unwrap_or_default();
        if event.kind == RESTORED {
            noted.remove(subject);
        } else if let Some(before) = event.detail.get("before") {
            let set = event.detail.get("set").cloned().unwrap_or_default();
            let as_noted = || Noted { before: before.clone(), set: set.clone() };
            // What was before counts from the first, what is ours from the last.
            let one = noted.entry(subject.to_owned()).or_insert_with(as_noted);
            one.set = set;
        }
    }
    Ok(noted)
}

/// Makes a snapshot say of whoever has moved what held before their Classic home was mounted no more: that `retire` did that is
/// no reason to call them blocked, and to leave them out of a plan by which the domain is cut over.
pub(in crate::cli::command) fn mount_as_before(
    journal: &Journal,
    snapshot: &mut Snapshot,
) -> Result<(), Failure> {
    for (subject, noted) in noted(journal)? {
        let Some(id) = subject.strip_prefix("auto-mount ") else { continue };
        if standing(journal, &MigrationId::from(id))?.word() != MigrationStanding::Moved {
            continue;
        }
        let Some((domain, name)) = id.split_once('/') else { continue };
        let Some(domain) = snapshot.domains.iter_mut().find(|one| one.id.as_str() == domain) else {
            continue;
        };
        let of_domain = domain.defaults.auto_mount.clone();
        let mut profiles = domain.profiles.iter_mut();
        let is_it = |own: Option<&str>| own == noted.set.as_str();
        let found = profiles.find(|one| one.name.as_str() == name);
        if let Some(profile) = found.filter(|one| is_it(one.own.auto_mount.as_deref())) {
            let before = noted.before.as_str().map(str::to_owned);
            profile.own.auto_mount.clone_from(&before);
            profile.effective.auto_mount =
                before.filter(|before| before != super::change::UNSET_MOUNT).or(of_domain);
        }
    }
    Ok(())
}

fn unread(error: Error) -> Failure {
    Failure::journal("read what was set before", error)
}
