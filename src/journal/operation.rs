//! Operations: one command that someone ran, with who, where, when and how it ended.

use rusqlite::{OptionalExtension, Row, params};

use super::error::Error;
use super::store::Journal;

/// The number of an operation, in the order in which they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationId(pub i64);

/// An operation about to begin.
#[derive(Clone, Debug, Default)]
pub struct NewOperation<'a> {
    /// The command line as typed, credentials never being part of one.
    pub command: &'a str,
    /// The caller's ARN.
    pub caller: &'a str,
    /// The operating system's user.
    pub os_user: &'a str,
}

/// An operation as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// The command line as typed.
    pub command: String,
    /// The caller's ARN.
    pub caller: String,
    /// The operating system's user.
    pub os_user: String,
    /// The host.
    pub host: String,
    /// When it began, RFC 3339.
    pub began_at: String,
    /// When it ended; `None` when it runs or was killed.
    pub ended_at: Option<String>,
    /// The exit code, once it ended.
    pub exit: Option<u8>,
}

const COLUMNS: &str = "id, command, caller, os_user, host, began_at, ended_at, exit";

impl Journal {
    /// Writes down that an operation begins.
    pub fn begin(&self, operation: &NewOperation<'_>) -> Result<OperationId, Error> {
        let host =
            hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let connection = self.lock();
        connection.execute(
            "INSERT INTO operation (command, caller, os_user, host, pid, began_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                operation.command,
                operation.caller,
                operation.os_user,
                host,
                std::process::id(),
                self.said_now()
            ],
        )?;
        Ok(OperationId(connection.last_insert_rowid()))
    }

    /// Writes down how an operation ended.
    pub fn end(&self, operation: OperationId, exit: u8) -> Result<(), Error> {
        self.lock().execute(
            "UPDATE operation SET ended_at = ?1, exit = ?2 WHERE id = ?3",
            params![self.said_now(), exit, operation.0],
        )?;
        Ok(())
    }

    /// Returns every operation, oldest first.
    pub fn operations(&self) -> Result<Vec<Operation>, Error> {
        let connection = self.lock();
        let mut statement =
            connection.prepare(&format!("SELECT {COLUMNS} FROM operation ORDER BY id"))?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the last operation, when it has no end: it is at work, or was killed.
    pub fn unended(&self) -> Result<Option<Operation>, Error> {
        let asked = format!("SELECT {COLUMNS} FROM operation ORDER BY id DESC LIMIT 1");
        let last = self.lock().query_row(&asked, [], from_row).optional()?;
        Ok(last.filter(|last| last.ended_at.is_none()))
    }
}

fn from_row(row: &Row<'_>) -> Result<Operation, rusqlite::Error> {
    Ok(Operation {
        id: OperationId(row.get(0)?),
        command: row.get(1)?,
        caller: row.get(2)?,
        os_user: row.get(3)?,
        host: row.get(4)?,
        began_at: row.get(5)?,
        ended_at: row.get(6)?,
        exit: row.get(7)?,
    })
}
