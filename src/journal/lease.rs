//! The lease that keeps two operators apart, with a heartbeat and a fencing token.
//!
//! Whoever holds it writes a heartbeat; a lease without one for [`EXPIRY`], or whose process is known to be gone from this
//! very host, may be taken over. Every takeover raises the token, and every event checks it in its own transaction, so a
//! process that slept through a takeover cannot write.

use std::fmt;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::error::Error;
use super::store::Journal;
use crate::names::to_the_second;

/// A lease whose last heartbeat is older than this may be taken over.
pub const EXPIRY: Duration = Duration::from_secs(90);

/// How often the holder should beat.
pub const BEAT: Duration = Duration::from_secs(15);

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The caller's ARN and operating system user.
    pub who: String,
    /// The host.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = to_the_second(&self.since);
        write!(f, "{} on {} (process {}) since {since}", self.who, self.host, self.pid)
    }
}

impl Holder {
    /// Tells whether this is a process of this very host, since it was booted last.
    pub fn is_here(&self) -> bool {
        self.host == this_host()
    }

    /// Returns the user of the operating system that the process belongs to; `None` where it is of another host, or gone.
    pub fn uid(&self) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;
        let process = std::fs::metadata(format!("/proc/{}", self.pid)).ok()?;
        self.is_here().then(|| process.uid())
    }
}

/// The lease, held until dropped.
#[derive(Debug)]
#[must_use = "the lease ends when this is dropped"]
pub struct Lease {
    journal: Journal,
    token: i64,
}

impl Lease {
    /// Writes a sign of life. Fails once the lease was taken over.
    pub fn beat(&self) -> Result<(), Error> {
        let connection = self.journal.lock();
        still_held(&connection, self.token)?;
        connection.execute(
            "UPDATE lease SET heartbeat_at = ?1 WHERE token = ?2",
            params![self.journal.said_now(), self.token],
        )?;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.journal.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        // A lease that cannot be given back expires by itself.
        let _ = self
            .journal
            .lock()
            .execute("UPDATE lease SET holder = NULL WHERE token = ?1", [self.token]);
    }
}

impl Journal {
    /// Takes the lease, or says who holds it.
    pub fn take_lease(&self, who: &str) -> Result<Lease, Error> {
        let host = this_host();
        let token = {
            let mut connection = self.lock();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (last, held) = current(&transaction)?;
            if let Some((holder, heartbeat_at)) = held
                && is_alive(&holder, &heartbeat_at, &host)
            {
                return Err(Error::LeaseHeld(holder));
            }
            transaction.execute(
                "INSERT OR REPLACE INTO lease (one, token, holder, host, pid, since, heartbeat_at)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?5)",
                params![last + 1, who, host, std::process::id(), self.said_now()],
            )?;
            transaction.commit()?;
            last + 1
        };
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token);
        Ok(Lease { journal: self.clone(), token })
    }

    /// Returns who holds the lease now.
    pub fn lease_holder(&self) -> Result<Option<Holder>, Error> {
        Ok(self.held()?.map(|(holder, _)| holder))
    }

    /// Returns who holds the lease now, and the last heartbeat.
    pub(super) fn held(&self) -> Result<Option<Held>, Error> {
        let (_, held) = current(&self.lock())?;
        let host = this_host();
        Ok(held.filter(|(holder, beat)| is_alive(holder, beat, &host)))
    }
}

/// Fails when the lease with this token is no longer the current one.
pub(super) fn still_held(connection: &Connection, token: i64) -> Result<(), Error> {
    let (last, held) = current(connection)?;
    match held {
        Some(_) if last == token => Ok(()),
        Some((holder, _)) => Err(Error::LeaseLost(holder)),
        None if last != token => Err(Error::LeaseOver),
        None => Err(Error::Missing("lease of this process".to_owned())),
    }
}

/// A holder, and their last heartbeat.
pub(super) type Held = (Holder, String);

/// Returns the last token and, if it is held, the holder with the last heartbeat.
fn current(connection: &Connection) -> Result<(i64, Option<Held>), Error> {
    let row = connection
        .prepare_cached("SELECT token, holder, host, pid, since, heartbeat_at FROM lease")?
        .query_row([], |row| {
            let holder: Option<String> = row.get(1)?;
            let held = match holder {
                None => None,
                Some(who) => {
                    let holder =
                        Holder { who, host: row.get(2)?, pid: row.get(3)?, since: row.get(4)? };
                    Some((holder, row.get(5)?))
                }
            };
            Ok((row.get(0)?, held))
        })
        .optional()?;
    Ok(row.unwrap_or((0, None)))
}

/// Tells whether a holder must be assumed to be at work.
fn is_alive(holder: &Holder, heartbeat_at: &str, host: &str) -> bool {
    if holder.host == host && !std::path::Path::new(&format!("/proc/{}", holder.pid)).exists() {
        return false;
    }
    let Ok(beat) = heartbeat_at.parse::<jiff::Timestamp>() else { return false };
    // A clock that was set back makes the beat lie in the future: that is a sign of life too.
    jiff::Timestamp::now().duration_since(beat).unsigned_abs() < EXPIRY
        || beat > jiff::Timestamp::now()
}

/// Returns a name for this host that also changes when it boots again, so that an old process id means nothing.
fn this_host() -> String {
    let name = hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{name}/{}", boot.trim().get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::event::NewEvent;
    use super::*;

    fn journal(folder: &tempfile::TempDir) -> Journal {
        Journal::open(&folder.path().join("journal.db")).unwrap()
    }

    #[test]
    fn a_second_operator_is_refused_and_told_who_is_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (journal(&folder), journal(&folder));
        let _lease = one.take_lease("ann").unwrap();
        let refused = two.take_lease("bob").unwrap_err().to_string();
        assert!(refused.contains("ann") && refused.contains("holds the lease"), "{refused}");
    }

    #[test]
    fn whoever_slept_through_a_lease_that_was_taken_and_given_back_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (journal(&folder), journal(&folder));
        let lease = one.take_lease("ann").unwrap();
        one.lock().execute("UPDATE lease SET host = 'other', heartbeat_at = ''", []).unwrap();
        drop(two.take_lease("bob").unwrap());
        let refused = lease.beat().unwrap_err();
        assert!(refused.is_about_lease());
        assert!(refused.to_string().contains("the lease was taken over"), "{refused}");
    }

    #[test]
    fn a_lease_given_back_can_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (journal(&folder), journal(&folder));
        drop(one.take_lease("ann").unwrap());
        let _lease = two.take_lease("bob").unwrap();
    }

    #[test]
    fn a_process_that_slept_through_a_takeover_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (journal(&folder), journal(&folder));
        let asleep = one.take_lease("ann").unwrap();
        one.lock().execute("UPDATE lease SET heartbeat_at = '2020-01-01T00:00:00Z'", []).unwrap();
        let _lease = two.take_lease("bob").unwrap();
        let event = NewEvent { kind: "started", ..NewEvent::default() };
        assert!(matches!(one.record(&event), Err(Error::LeaseLost(holder)) if holder.who == "bob"));
        assert!(asleep.beat().is_err());
        two.record(&event).unwrap();
    }

    #[test]
    fn the_lease_of_a_process_that_is_gone_is_taken_over_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (journal(&folder), journal(&folder));
        let _killed = one.take_lease("ann").unwrap();
        one.lock().execute("UPDATE lease SET pid = 4194999", []).unwrap();
        let _lease = two.take_lease("bob").unwrap();
    }
}
