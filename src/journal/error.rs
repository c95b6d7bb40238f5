//! What can go wrong with a journal.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::lease::Holder;

/// An error of the journal.
#[derive(Debug, Error)]
pub enum Error {
    /// The file or its folder cannot be used.
    #[error("open the journal {path}")]
    Open {
        /// The journal's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// SQLite refused something.
    #[error("use the journal")]
    Sqlite(#[source] rusqlite::Error),
    /// There is no room left where the journal is.
    #[error("write the journal: the disk is full")]
    Full(#[source] rusqlite::Error),
    /// A body that was stored cannot be read.
    #[error("read {what} from the journal")]
    Body {
        /// What was read.
        what: String,
        /// Why it cannot be read.
        #[source]
        source: serde_json::Error,
    },
    /// A plan was altered since it was kept: its content no longer bears its id.
    #[error("read a plan from the journal")]
    Plan(#[source] crate::plan::Error),
    /// The journal was begun with another account or Region.
    #[error("this journal belongs to account {kept}, and the caller's is {asked}")]
    OtherAccount {
        /// The account and Region that the journal belongs to.
        kept: String,
        /// The account and Region that the caller has.
        asked: String,
    },
    /// Another operator holds the lease.
    #[error("{0} holds the lease")]
    LeaseHeld(Holder),
    /// The lease was taken by another operator meanwhile: nothing more may be written.
    #[error("the lease was taken over by {0}")]
    LeaseLost(Holder),
    /// The lease was taken by another operator meanwhile, who has ended since: nothing more may be written.
    #[error("the lease was taken over, and whoever took it has ended since")]
    LeaseOver,
    /// The thing asked for is not there.
    #[error("the journal has no {0}")]
    Missing(String),
    /// The system has no random numbers to give.
    #[error("make the journal's secret: {0}")]
    Secret(String),
    /// The file lies on a network file system, where SQLite's write-ahead log is not safe.
    #[error("{0} lies on a network file system, where a journal is not safe")]
    NetworkFileSystem(PathBuf),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Full(error) } else { Self::Sqlite(error) }
    }
}

impl Error {
    /// What keeps a journal from being opened.
    pub(super) fn opening(path: &Path, error: rusqlite::Error) -> Self {
        if is_full(&error) {
            Self::Full(error)
        } else {
            Self::Open { path: path.to_owned(), source: error.into() }
        }
    }
}

/// Tells whether there is no room: for what is written, or for the index of the log, which is made when a journal is opened.
fn is_full(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return false };
    matches!(
        failure.extended_code,
        ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_WRITE
    )
}

impl Error {
    /// Tells whether another operator has the lease, or nobody has it any more.
    pub fn is_about_lease(&self) -> bool {
        matches!(self, Self::LeaseHeld(_) | Self::LeaseLost(_) | Self::LeaseOver | Self::Missing(_))
    }
}
