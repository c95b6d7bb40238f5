//! Gates: doors before batches that stay shut until somebody opens them.

use std::collections::BTreeSet;

use rusqlite::params;
use serde_json::json;

use super::error::Error;
use super::event::NewEvent;
use super::store::Journal;

/// Somebody opened a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedGate {
    /// The gate's name.
    pub name: String,
    /// The caller's ARN.
    pub opener: String,
    /// What they said about it.
    pub note: String,
    /// When, RFC 3339.
    pub at: String,
}

impl Journal {
    /// Writes down that somebody opens a gate. It stays open.
    pub fn open_gate(&self, name: &str, opener: &str, note: &str) -> Result<(), Error> {
        let event = NewEvent {
            kind: "gate-opened",
            detail: json!({ "gate": name, "opener": opener, "note": note }),
            ..NewEvent::default()
        };
        self.record_with(&event, |transaction| {
            transaction.execute(
                "INSERT INTO gate (name, opener, note, at) VALUES (?1, ?2, ?3, ?4)",
                params![name, opener, note, self.said_now()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Lists the gates that were opened, in that order.
    pub fn opened_gates(&self) -> Result<Vec<OpenedGate>, Error> {
        let connection = self.lock();
        let mut statement =
            connection.prepare("SELECT name, opener, note, at FROM gate ORDER BY sequence")?;
        let rows = statement.query_map([], |row| {
            Ok(OpenedGate {
                name: row.get(0)?,
                opener: row.get(1)?,
                note: row.get(2)?,
                at: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the names of the gates that are open.
    pub fn open_gates(&self) -> Result<BTreeSet<String>, Error> {
        Ok(self.opened_gates()?.into_iter().map(|gate| gate.name).collect())
    }
}
