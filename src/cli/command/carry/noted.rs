//! What the journal knows of what was carried: written down before it is done, and again once it is taken out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::Changes;
use crate::aws::Offer;
use crate::cli::Failure;
use crate::journal::NewEvent;

const NOTED: &str = "carry-noted";
const RESTORED: &str = "carry-restored";

/// A thing that was changed: `script NAME`, `config NAME`, `offer APP d-…/alice`, `tags ARN`.
pub(super) type Subject = String;

/// A list of offers that was added to, as it was, as it became, and what was put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OfferNote {
    pub(super) before: Offer,
    pub(super) added: Offer,
    pub(super) after: Offer,
}

impl OfferNote {
    /// Takes what was noted one after the other for one: what was before all of it counts, and what stood at last.
    pub(super) fn of(notes: &[Value]) -> Self {
        let notes: Vec<Self> =
            notes.iter().filter_map(|note| serde_json::from_value(note.clone()).ok()).collect();
        let mut whole = notes.first().cloned().unwrap_or_default();
        for note in notes.into_iter().skip(1) {
            union(&mut whole.added.scripts, note.added.scripts);
            union(&mut whole.added.images, note.added.images);
            union(&mut whole.added.repositories, note.added.repositories);
            whole.after = note.after;
        }
        whole
    }
}

/// Puts to a list what it does not have.
pub(super) fn union<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// Takes what was noted one after the other for one.
pub(super) fn added_tags(notes: &[Value]) -> BTreeMap<String, String> {
    let read = |note: &Value| serde_json::from_value::<BTreeMap<_, _>>(note.clone()).ok();
    notes.iter().filter_map(read).flatten().collect()
}

impl Changes<'_> {
    /// What was noted, in order, and not taken out since, by subject.
    pub(super) fn noted(&self) -> Result<BTreeMap<Subject, Vec<Value>>, Failure> {
        let journal = &self.operation.journal;
        let mut events = journal.events_of_kind(NOTED).map_err(in_journal)?;
        events.extend(journal.events_of_kind(RESTORED).map_err(in_journal)?);
        events.sort_by_key(|event| event.sequence);
        let mut noted: BTreeMap<Subject, Vec<Value>> = BTreeMap::new();
        for event in events {
            let subject = event.detail.get("subject").and_then(Value::as_str).unwrap_or_default();
            if event.kind == RESTORED {
                noted.remove(subject);
            } else {
                let note = event.detail.get("note").cloned().unwrap_or_default();
                noted.entry(subject.to_owned()).or_default().push(note);
            }
        }
        Ok(noted)
    }

    /// Writes down what is about to be changed.
    pub(super) fn note(&self, subject: &str, note: &impl Serialize) -> Result<(), Failure> {
        self.record(NOTED, json!({ "subject": subject, "note": note }))
    }

    /// Writes down that it was taken out, or is somebody else's by now.
    pub(super) fn restored(&self, subject: &str) -> Result<(), Failure> {
        self.record(RESTORED, json!({ "subject": subject }))
    }

    fn record(&self, kind: &str, detail: Value) -> Result<(), Failure> {
        let event =
            NewEvent { operation: Some(self.operation.id), kind, detail, ..NewEvent::default() };
        self.operation.journal.record(&event).map(drop).map_err(in_journal)
    }
}

fn in_journal(error: crate::journal::Error) -> Failure {
    Failure::journal("write down what is carried", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_notes_the_first_tells_what_was_before_and_the_last_what_stands() {
        let offer = |scripts: &[&str]| Offer {
            scripts: scripts.iter().map(|one| (*one).to_owned()).collect(),
            ..Offer::default()
        };
        let note = |before, added, after| {
            json!(OfferNote { before: offer(before), added: offer(added), after: offer(after) })
        };
        let notes =
            [note(&["a"], &["b"], &["a", "b"]), note(&["a", "b"], &["c"], &["a", "b", "c"])];
        let whole = OfferNote::of(&notes);
        assert_eq!(whole.before, offer(&["a"]));
        assert_eq!(whole.added, offer(&["b", "c"]));
        assert_eq!(whole.after, offer(&["a", "b", "c"]));
    }
}
