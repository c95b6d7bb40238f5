//! What `retire` changed, by the journal: what each thing was before, and what it was set to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::Failure;
use crate::journal::{Error, Journal};

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

fn unread(error: Error) -> Failure {
    Failure::journal("read what was set before", error)
}
