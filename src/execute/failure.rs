//! How a step fails, and how an undo does: two types, because only the second needs a person.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::aws;
use crate::journal;
use crate::mover::TransferError;

/// What kind of failure it is, which decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The step failed; this person's migration stops here and the others go on.
    Step,
    /// Someone asked for the run to stop. The step stays begun and is done again next time.
    Halted,
    /// Credentials have expired or are missing: nobody's migration can go on.
    Credentials,
    /// The journal cannot be written or the lease is lost: nothing more may be done.
    Journal,
    /// Another operator has the lease: nothing goes on.
    Lease,
}

/// Why a step failed and what it may have left behind.
#[derive(Clone, Debug, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What failed, the whole chain of causes in one line.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// What the step may have left behind; a rollback or the next run takes care of it.
    pub left_behind: Vec<String>,
    /// What failed without the names of files, where the message may have some.
    #[serde(skip)]
    pub without_names: Option<String>,
}

impl Failure {
    /// Makes a failure of a step.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Step,
            message: message.into(),
            hint: None,
            left_behind: Vec::new(),
            without_names: None,
        }
    }

    /// Makes the failure of a copy, whose message names files of the person whose home it is, or of the operator.
    pub fn of_files(message: impl Into<String>, without_names: impl Into<String>) -> Self {
        Self { without_names: Some(without_names.into()), ..Self::new(message) }
    }

    /// Returns what failed in words that may leave this machine: without the names of files.
    pub fn told(&self) -> String {
        self.without_names.clone().unwrap_or_else(|| self.message.clone())
    }

    /// Makes the failure that is none: someone asked to stop.
    pub fn halted() -> Self {
        Self { kind: FailureKind::Halted, ..Self::new("stopped on request") }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what may have been left behind.
    #[must_use]
    pub fn leaving(mut self, thing: impl Into<String>) -> Self {
        self.left_behind.push(thing.into());
        self
    }
}

/// A ledger tells in words alone why it refuses a call; these are the words of [`journal::Error::LeaseLost`].
fn is_about_lease(said: &str) -> bool {
    said.contains("the lease was taken over") || said.contains("holds the lease")
}

/// What to do about a full disk under the journal.
const ROOM: &str = "make room where the journal is and run again: nothing is lost";

impl From<aws::Error> for Failure {
    fn from(error: aws::Error) -> Self {
        let said = chain(&error);
        let kind = match error.kind {
            aws::ErrorKind::Credentials => FailureKind::Credentials,
            aws::ErrorKind::Ledger if is_about_lease(&said) => FailureKind::Lease,
            aws::ErrorKind::Ledger => FailureKind::Journal,
            _ => FailureKind::Step,
        };
        let hint = match error.kind {
            aws::ErrorKind::Denied => error.statement().map(|statement| {
                let is_forbidden = said.contains("explicit deny");
                let how = if is_forbidden { "it is denied explicitly: whoever wrote that has to lift it, and this has to be allowed" } else { "allow it to the caller" };
                format!("{how}: {statement}; `studio-migrate iam operator` prints the whole policy")
            }),
            aws::ErrorKind::Ledger if said.contains("the disk is full") => Some(ROOM.to_owned()),
            _ => None,
        };
        Self { kind, hint, ..Self::new(said) }
    }
}

impl Failure {
    /// What went wrong with a home on its way to or from a bucket. What AWS refused keeps its kind, so that new credentials are
    /// waited for, and its hint; everything else gets this one.
    pub(super) fn of_transfer(what: &str, error: TransferError, hint: &str) -> Self {
        let message = format!("{what}: {}", chain(&error));
        let failure = match error {
            TransferError::Aws { source, .. } => Self { message, ..Self::from(*source) },
            _ => Self::new(message),
        };
        if failure.hint.is_some() { failure } else { failure.hinted(hint) }
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Self {
        let hint = matches!(error, journal::Error::Full(_)).then(|| ROOM.to_owned());
        let kind = match error {
            journal::Error::LeaseHeld(_) | journal::Error::LeaseLost(_) => FailureKind::Lease,
            _ => FailureKind::Journal,
        };
        Self { kind, hint, ..Self::new(chain(&error)) }
    }
}

/// Why an undo could not be finished. A person must look; the undo can then be tried again.
#[derive(Clone, Debug, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Stuck {
    /// What kind of failure stands behind it.
    pub kind: FailureKind,
    /// What failed.
    pub message: String,
    /// What to look at.
    pub look_at: String,
}

impl Stuck {
    /// Makes a stuck undo from what failed and what to look at.
    pub fn over(failure: Failure, look_at: impl Into<String>) -> Self {
        Self { kind: failure.kind, message: failure.message, look_at: look_at.into() }
    }
}

/// Renders an error and its causes in one line, each layer once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
