//! The hash chain over the events: it shows that none was changed or removed.
//!
//! Each hash covers the event and the hash before it, so a changed or missing row breaks every hash from there on. Cutting
//! rows off the end cannot be seen in the file alone: compare the head with the one that a report or an export recorded.

use serde_json::json;

use super::error::Error;
use super::event::Event;
use super::store::Journal;

/// What `audit verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Events that were checked.
    pub events: usize,
    /// The hash of the last event; empty when there is none.
    pub head: String,
    /// The first event at which the chain breaks, if it does.
    pub broken_at: Option<i64>,
}

impl Journal {
    /// Recomputes the whole chain.
    pub fn audit(&self) -> Result<Verdict, Error> {
        let events = self.events()?;
        let mut previous = String::new();
        for (position, event) in events.iter().enumerate() {
            let is_next = i64::try_from(position).is_ok_and(|before| event.sequence == before + 1);
            if !is_next || event.hash != hash(&previous, event) {
                return Ok(Verdict {
                    events: position,
                    head: previous,
                    broken_at: Some(event.sequence),
                });
            }
            previous.clone_from(&event.hash);
        }
        Ok(Verdict { events: events.len(), head: previous, broken_at: None })
    }
}

/// Returns the hash over an event and the hash of the one before.
pub(super) fn hash(previous: &str, event: &Event) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous.as_bytes());
    hasher.update(b"\n");
    hasher.update(content(event).to_string().as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Returns the event as one line of JSON, hash included, for `audit export`.
pub fn exported_line(event: &Event) -> String {
    let mut line = content(event);
    line["hash"] = json!(event.hash);
    line.to_string()
}

fn content(event: &Event) -> serde_json::Value {
    json!({
        "sequence": event.sequence,
        "at": event.at,
        "operation": event.operation.map(|operation| operation.0),
        "plan": event.plan,
        "migration": event.migration,
        "step": event.step,
        "kind": event.kind,
        "detail": event.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::super::event::NewEvent;
    use super::*;

    fn journal(folder: &tempfile::TempDir) -> Journal {
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        for number in 0..5 {
            let detail = json!({ "number": number });
            journal.record(&NewEvent { kind: "noted", detail, ..NewEvent::default() }).unwrap();
        }
        journal
    }

    #[test]
    fn an_untouched_trail_verifies_to_its_last_hash() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(&folder);
        let verdict = journal.audit().unwrap();
        assert_eq!((verdict.events, verdict.broken_at), (5, None));
        assert_eq!(verdict.head, journal.events().unwrap()[4].hash);
    }

    #[test]
    fn a_changed_row_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(&folder);
        journal
            .lock()
            .execute("UPDATE event SET detail = '{\"number\":9}' WHERE sequence = 3", [])
            .unwrap();
        assert_eq!(journal.audit().unwrap().broken_at, Some(3));
    }

    #[test]
    fn a_removed_row_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(&folder);
        journal.lock().execute("DELETE FROM event WHERE sequence = 2", []).unwrap();
        assert_eq!(journal.audit().unwrap().broken_at, Some(3));
    }
}
