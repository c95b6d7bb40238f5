//! What a pull is asked for.

use std::path::PathBuf;

use super::super::before::{Before, before};
use super::super::error::Error;
use super::super::seal::ReportKey;
use crate::playbook::Conflict;

/// What to pull, and where to.
#[derive(Clone, Debug)]
pub struct PullOrder {
    /// The bucket, which has to be the caller's.
    pub bucket: String,
    /// The prefix, without a slash at its end; it may be empty.
    pub prefix: String,
    /// Where it goes; it is made if need be.
    pub destination: PathBuf,
    /// What happens where something else is already.
    pub conflict: Conflict,
    /// One file or folder of a packed home, as bytes; `None` is all of it.
    pub only: Option<Vec<u8>>,
    /// Whether objects are fetched although size and time say that they are there already. A packed home is compared by
    /// content in any case.
    pub is_paranoid: bool,
    /// The key under which a packed home is sealed; none when it lies open.
    pub seal: Option<ReportKey>,
    /// What is known of earlier deliveries into the same destination. A packed home alone is held against it.
    pub earlier: Earlier,
}

/// What is known of earlier deliveries into the same place.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The manifest of the last one: what it brought may be replaced, unless somebody changed it since.
    pub since: Option<PathBuf>,
    /// A manifest that proves nothing, asked only where there is none that does.
    pub hints: Option<PathBuf>,
    /// A list of what is written, kept while a delivery goes on and read by the next one, should this one be killed.
    pub written: Option<PathBuf>,
    /// Whether what the home has no more is removed, unless somebody changed it since.
    pub deletes: bool,
}

impl Earlier {
    /// Opens what is known, in byte order of paths.
    pub(super) fn open(&self) -> Result<Option<Before>, Error> {
        before(self.since.as_deref(), self.hints.as_deref(), self.written.as_deref())
    }
}

impl PullOrder {
    /// Names a whole packed home, for whoever reads it and places nothing.
    pub(super) fn whole(bucket: &str, prefix: &str, seal: Option<ReportKey>) -> Self {
        Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            destination: PathBuf::new(),
            conflict: Conflict::Refuse,
            only: None,
            is_paranoid: false,
            seal,
            earlier: Earlier::default(),
        }
    }
}
