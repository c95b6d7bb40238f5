//! The intent log: events are added before and after what they tell of, and never changed.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::audit::hash;
use super::error::Error;
use super::lease;
use super::operation::OperationId;
use super::store::Journal;
use crate::names::{MigrationId, PlanId};

/// An event about to be written.
#[derive(Clone, Debug, Default)]
pub struct NewEvent<'a> {
    /// The operation that it happens in.
    pub operation: Option<OperationId>,
    /// The plan that is executed.
    pub plan: Option<&'a PlanId>,
    /// The migration that it is about.
    pub migration: Option<&'a MigrationId>,
    /// The step that it is about.
    pub step: Option<&'a str>,
    /// What happened.
    pub kind: &'a str,
    /// The particulars.
    pub detail: Value,
}

/// An event as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the order of all events.
    pub sequence: i64,
    /// When, RFC 3339; for people, never for decisions.
    pub at: String,
    /// The operation that it happened in.
    pub operation: Option<OperationId>,
    /// The plan that was executed.
    pub plan: Option<PlanId>,
    /// The migration that it is about.
    pub migration: Option<MigrationId>,
    /// The step that it is about.
    pub step: Option<String>,
    /// What happened.
    pub kind: String,
    /// The particulars.
    pub detail: Value,
    /// The hash over this event and the hash of the one before.
    pub hash: String,
}

const COLUMNS: &str = "sequence, at, operation, plan, migration, step, kind, detail, hash";

impl Journal {
    /// Writes an event and returns its sequence number; it is on the disk when this returns.
    ///
    /// A process whose lease was taken over is refused: it may have slept while another went on.
    pub fn record(&self, event: &NewEvent<'_>) -> Result<i64, Error> {
        self.record_with(event, |_| Ok(()))
    }

    /// Writes an event together with what it tells of: both are on the disk afterwards, or neither.
    pub(super) fn record_with(
        &self,
        event: &NewEvent<'_>,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<i64, Error> {
        self.crash.pass();
        let sequence = self.append(event, also)?;
        self.crash.pass();
        Ok(sequence)
    }

    fn append(
        &self,
        event: &NewEvent<'_>,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<i64, Error> {
        let token = *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(token) = token {
            lease::still_held(&transaction, token)?;
        }
        let sequence = insert(&transaction, event, self.said_now())?;
        also(&transaction)?;
        transaction.commit()?;
        Ok(sequence)
    }

    /// Returns the events of one migration, oldest first.
    ///
    /// They are those under every plan: what was done for a person stays done when the plan is drawn up again.
    pub fn events_of(&self, migration: &MigrationId) -> Result<Vec<Event>, Error> {
        self.select("WHERE migration = ?1", params![migration.as_str()])
    }

    /// Returns every event of the journal, oldest first.
    pub fn events(&self) -> Result<Vec<Event>, Error> {
        self.select("", params![])
    }

    /// Returns every event of one kind, oldest first.
    pub fn events_of_kind(&self, kind: &str) -> Result<Vec<Event>, Error> {
        self.select("WHERE kind = ?1", params![kind])
    }

    /// Returns every event that is of no migration, oldest first: those of a plan, a domain or a command.
    pub fn events_of_no_migration(&self) -> Result<Vec<Event>, Error> {
        self.select("WHERE migration IS NULL", params![])
    }

    fn select(&self, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Event>, Error> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM event {which} ORDER BY sequence"))?;
        let rows = statement.query_map(values, from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn insert(transaction: &Transaction<'_>, new: &NewEvent<'_>, at: String) -> Result<i64, Error> {
    let (last, previous) = last_hash(transaction)?;
    let mut event = Event {
        sequence: last + 1,
        at,
        operation: new.operation,
        plan: new.plan.cloned(),
        migration: new.migration.cloned(),
        step: new.step.map(str::to_owned),
        kind: new.kind.to_owned(),
        detail: new.detail.clone(),
        hash: String::new(),
    };
    event.hash = hash(&previous, &event);
    let mut written = transaction.prepare_cached(&format!(
        "INSERT INTO event ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    ))?;
    written.execute(params![
        event.sequence,
        event.at,
        event.operation.map(|operation| operation.0),
        event.plan.as_ref().map(PlanId::as_str),
        event.migration.as_ref().map(MigrationId::as_str),
        event.step,
        event.kind,
        event.detail.to_string(),
        event.hash,
    ])?;
    Ok(event.sequence)
}

/// Returns the sequence number and the hash of the last event; an empty trail begins with an empty hash.
fn last_hash(connection: &Connection) -> Result<(i64, String), Error> {
    use rusqlite::OptionalExtension;
    let last = connection
        .prepare_cached("SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.unwrap_or_default())
}

fn from_row(row: &Row<'_>) -> Result<Event, rusqlite::Error> {
    let detail: String = row.get(7)?;
    Ok(Event {
        sequence: row.get(0)?,
        at: row.get(1)?,
        operation: row.get::<_, Option<i64>>(2)?.map(OperationId),
        plan: row.get::<_, Option<String>>(3)?.map(PlanId::from),
        migration: row.get::<_, Option<String>>(4)?.map(MigrationId::from),
        step: row.get(5)?,
        kind: row.get(6)?,
        // What is no JSON was not written by us: the text is kept, so that the hash shows that it was changed.
        detail: serde_json::from_str(&detail).unwrap_or(Value::String(detail)),
        hash: row.get(8)?,
    })
}
