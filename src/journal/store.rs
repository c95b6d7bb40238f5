//! The file itself: opening it, its schema, and the account that it belongs to.
//!
//! Write-ahead log with `synchronous=FULL`, so that an event is on the disk before the call that it announces is made. WAL
//! needs a local disk: a journal on NFS or EFS is refused. A newer journal may not be opened at all by an older binary.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use rusqlite_migration::{M, Migrations};

use super::clock::Clock;
use super::crash::CrashPoint;
use super::error::Error;

/// The schema, oldest first; the position is SQLite's `user_version`. Only ever appended to.
const SCHEMA: &[M<'static>] = &[
    M::up(include_str!("../../state/schema/0001-journal.sql")),
    M::up(include_str!("../../state/schema/0002-gates-and-views.sql")),
    M::up(include_str!("../../state/schema/0003-due-again.sql")),
    M::up(include_str!("../../state/schema/0004-second-pass.sql")),
];

/// How long a writer waits for another process to finish its transaction.
const BUSY: Duration = Duration::from_secs(60);

/// `statfs` type of NFS, which EFS is.
const NFS_SUPER_MAGIC: i64 = 0x6969;

/// The journal. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Journal {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    pub(super) crash: CrashPoint,
    /// The fencing token of the lease that this process holds; events are refused once it is stale.
    pub(super) token: Arc<Mutex<Option<i64>>>,
    clock: Clock,
}

impl Journal {
    /// Opens the journal, making it and its folder when they are not there. One that may only be read is read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            path: path.to_owned(),
            source,
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        }
        refuse_network_file_system(folder.unwrap_or(Path::new(".")), path)?;
        if is_read_only(path) {
            return Self::look(path);
        }
        make_private(path).map_err(|error| failed(error.into()))?;
        let refused = |error| Error::opening(path, error);
        let mut connection = Connection::open(path).map_err(refused)?;
        if is_foreign(&connection).map_err(refused)? {
            return Err(failed("it is a database of something else, and was not touched".into()));
        }
        configure(&connection).map_err(refused)?;
        Migrations::new(SCHEMA.to_vec()).to_latest(&mut connection).map_err(
            |error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => refused(err),
                error => failed(error.into()),
            },
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: path.to_owned(),
            crash: CrashPoint::default(),
            token: Arc::default(),
            clock: Clock::default(),
        })
    }

    /// Opens a journal to look at it: on a read-only disk, as a copy of somebody else's. Whatever would be written is refused.
    fn look(path: &Path) -> Result<Self, Error> {
        let log = path.with_file_name(format!(
            "{}-wal",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        // Without a log beside it nothing can come in, and SQLite need not write beside it either.
        let is_at_rest = std::fs::metadata(&log).map_or(true, |about| about.len() == 0);
        Self::only_read(path, if is_at_rest { "?immutable=1" } else { "" })
    }

    /// Opens a journal to look at it while others write. One that nobody can write here is looked at as it is.
    pub(super) fn onlooking(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        refuse_network_file_system(folder.unwrap_or(Path::new(".")), path)?;
        if is_read_only(path) { Self::look(path) } else { Self::only_read(path, "") }
    }

    fn only_read(path: &Path, how: &str) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            path: path.to_owned(),
            source,
        };
        let encoded = percent_encode(path.as_os_str().as_bytes(), ENCODED);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(format!("file:{encoded}{how}"), flags)
            .map_err(|error| failed(error.into()))?;
        connection.busy_timeout(BUSY).map_err(|error| failed(error.into()))?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|error| failed(error.into()))?;
        if usize::try_from(version) != Ok(SCHEMA.len()) {
            let why = format!(
                "it may only be read, and is of version {version} where this program reads {}: look at a copy that may be written",
                SCHEMA.len()
            );
            return Err(failed(why.into()));
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: path.to_owned(),
            crash: CrashPoint::default(),
            token: Arc::default(),
            clock: Clock::default(),
        })
    }

    /// Opens a journal for a rehearsal: it tells the time from `begin` on, as fast as tokio's clock goes, and need not
    /// outlive a power failure.
    pub fn rehearsing(path: &Path, begin: Timestamp) -> Result<Self, Error> {
        let mut journal = Self::open(path)?;
        journal.clock = Clock::beginning(begin);
        journal.lock().pragma_update(None, "synchronous", "OFF")?;
        Ok(journal)
    }

    /// Returns the time now: the system's, or that of the rehearsal.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same as RFC 3339, for people.
    pub(super) fn said_now(&self) -> String {
        self.now().to_string()
    }

    /// Returns the file that the journal is kept in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the process abort at the nth point before or after an event is written, counted from 1.
    ///
    /// This is how a rehearsal of crashes works: the abort leaves what a power failure would.
    #[must_use]
    pub fn crashing_at(mut self, point: Option<u64>) -> Self {
        self.crash = CrashPoint::at(point);
        self
    }

    /// Binds the journal to an account and Region on first use, and refuses every other one afterwards, except those that it
    /// was bound to as well. One that is bound already is only read, so that whoever only looks need not be able to write.
    pub fn belong_to(&self, account_and_region: &str) -> Result<(), Error> {
        let is_of = |kept: String| kept.split(", ").any(|one| one == account_and_region);
        if self.owner()?.is_some_and(is_of) {
            return Ok(());
        }
        let connection = self.lock();
        connection.execute(
            "INSERT INTO fact (name, value) VALUES ('account', ?1) ON CONFLICT DO NOTHING",
            [account_and_region],
        )?;
        let kept: String =
            connection
                .query_row("SELECT value FROM fact WHERE name = 'account'", [], |row| row.get(0))?;
        if kept.split(", ").any(|one| one == account_and_region) {
            Ok(())
        } else {
            Err(Error::OtherAccount { kept, asked: account_and_region.to_owned() })
        }
    }

    /// Binds the journal to one more account and Region.
    pub fn belong_also_to(&self, account_and_region: &str) -> Result<(), Error> {
        match self.belong_to(account_and_region) {
            Err(Error::OtherAccount { kept, asked }) => {
                self.lock().execute(
                    "UPDATE fact SET value = ?1 WHERE name = 'account'",
                    [format!("{kept}, {asked}")],
                )?;
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Returns the account and Region that the journal belongs to, once it belongs to one.
    pub fn owner(&self) -> Result<Option<String>, Error> {
        Ok(self
            .lock()
            .query_row("SELECT value FROM fact WHERE name = 'account'", [], |row| row.get(0))
            .optional()?)
    }

    /// Returns the secret of this journal, from which the keys of its migrations' reports are derived.
    ///
    /// It is made on first use and never leaves the file: whoever can read the journal can read the reports.
    pub fn secret(&self) -> Result<String, Error> {
        const KEPT: &str = "SELECT value FROM fact WHERE name = 'secret'";
        let connection = self.lock();
        let mut kept = connection.prepare_cached(KEPT)?;
        let read = |row: &rusqlite::Row<'_>| row.get(0);
        if let Some(secret) = kept.query_row([], read).optional()? {
            return Ok(secret);
        }
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| Error::Secret(error.to_string()))?;
        connection.execute(
            "INSERT INTO fact (name, value) VALUES ('secret', ?1) ON CONFLICT DO NOTHING",
            [blake3::Hash::from_bytes(fresh).to_hex().as_str()],
        )?;
        Ok(kept.query_row([], read)?)
    }

    /// Runs SQLite's own check of the file and returns what it complains about.
    pub fn complaints(&self) -> Result<Vec<String>, Error> {
        let connection = self.lock();
        let mut statement = connection.prepare("PRAGMA integrity_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut complaints = rows.collect::<Result<Vec<_>, _>>()?;
        complaints.retain(|line| line != "ok");
        Ok(complaints)
    }

    /// Takes the connection. A panic elsewhere while it was held leaves SQLite whole, so poison is no reason to stop.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether a database holds tables that no version of this schema made.
fn is_foreign(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    Ok(version == 0 && tables > 0)
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")
}

/// Makes the file when it is not there, for its owner alone: it holds the secret under which reports are sealed. SQLite gives
/// the files beside it the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match new {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What stands for something in a URI of SQLite's.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?');

/// Tells whether a file is there and may not be written.
fn is_read_only(path: &Path) -> bool {
    let opened = std::fs::OpenOptions::new().write(true).open(path);
    opened.is_err_and(|error| {
        matches!(
            error.kind(),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem
        )
    })
}

fn refuse_network_file_system(folder: &Path, path: &Path) -> Result<(), Error> {
    match rustix::fs::statfs(folder) {
        Ok(found) if found.f_type == NFS_SUPER_MAGIC => {
            Err(Error::NetworkFileSystem(path.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_refuses_an_account_that_it_was_not_begun_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/journal.db");
        Journal::open(&path).unwrap().belong_to("111122223333 eu-west-1").unwrap();
        let again = Journal::open(&path).unwrap();
        again.belong_to("111122223333 eu-west-1").unwrap();
        let refused = again.belong_to("000000000000 eu-west-1").unwrap_err();
        assert!(refused.to_string().contains("111122223333"), "{refused}");
        assert_eq!(again.owner().unwrap().as_deref(), Some("111122223333 eu-west-1"));
        again.belong_also_to("444455556666 us-east-1").unwrap();
        again.belong_to("444455556666 us-east-1").unwrap();
        again.belong_to("111122223333 eu-west-1").unwrap();
        again.belong_to("444455556666 eu-west-1").unwrap_err();
    }

    #[test]
    fn a_journal_that_may_only_be_read_is_read_and_refuses_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a copy #1?.db");
        Journal::open(&path).unwrap().belong_to("111122223333 eu-west-1").unwrap();
        let looked = Journal::look(&path).unwrap();
        assert_eq!(looked.owner().unwrap().as_deref(), Some("111122223333 eu-west-1"));
        let refused = looked.open_gate("go", "me", "").unwrap_err();
        let said = format!("{refused}: {:?}", std::error::Error::source(&refused));
        assert!(said.contains("readonly"), "{said}");
        let older = folder.path().join("older.db");
        Connection::open(&older)
            .unwrap()
            .execute_batch(include_str!("../../state/schema/0001-journal.sql"))
            .unwrap();
        Connection::open(&older).unwrap().pragma_update(None, "user_version", 1).unwrap();
        let refused = Journal::look(&older).unwrap_err();
        let said = format!("{:?}", std::error::Error::source(&refused));
        assert!(said.contains("of version 1"), "{said}");
    }

    #[test]
    fn a_journal_of_the_first_version_is_brought_up_to_date_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let plan = r#"{"account":"000000000000","region":"eu-west-1","playbook":{},"batches":[{"name":"pilot","migrations":[
            {"id":"d-a/ada","domain":"d-a","profile":"ada","space":"ada-studio","volume_gb":5,"bytes":7}]}]}"#;
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../../state/schema/0001-journal.sql")).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute("INSERT INTO snapshot (id, kept_at, body) VALUES ('s', '', '{}')", []).unwrap();
        old.execute(
            "INSERT INTO plan (id, snapshot, kept_at, body) VALUES ('p', 's', '', ?1)",
            [plan],
        )
        .unwrap();
        old.execute(
            "INSERT INTO approval (plan, approver, note, at) VALUES ('p', 'me', '', '')",
            [],
        )
        .unwrap();
        for (kind, step) in [
            ("started", "quiesce"),
            ("finished", "quiesce"),
            ("started", "stage"),
            ("failed", "stage"),
        ] {
            old.execute(
                "INSERT INTO event (at, migration, step, kind, detail, hash) VALUES ('', 'd-a/ada', ?1, ?2, '{\"message\":\"no\"}', '')",
                [step, kind],
            )
            .unwrap();
        }
        drop(old);
        let journal = Journal::open(&path).unwrap();
        let head = journal.latest_approved().unwrap().unwrap();
        assert_eq!((head.id.as_str(), head.account.as_str()), ("p", "000000000000"));
        let [ada] = &journal.progress(&head.id).unwrap()[..] else { panic!("one person") };
        assert_eq!((ada.standing.as_str(), ada.next_step.as_deref()), ("failed", Some("stage")));
        assert_eq!(ada.why.as_deref(), Some("no"));
    }

    #[test]
    fn the_schema_is_valid_at_every_version() {
        Migrations::new(SCHEMA.to_vec()).validate().unwrap();
    }

    #[test]
    fn a_database_of_something_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.sqlite");
        Connection::open(&path).unwrap().execute("CREATE TABLE theirs (x)", []).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(Journal::open(&path).unwrap_err().to_string().contains("other.sqlite"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "these are only notes, and rather long ones at that".repeat(40))
            .unwrap();
        let refused = Journal::open(&path).unwrap_err();
        assert!(refused.to_string().contains("notes.txt"), "{refused}");
    }
}
