//! Exit codes, a stable part of the command line. 1 is only for the unexpected.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An unexpected error.
    Unexpected = 1,
    /// Wrong usage: arguments, a playbook, a file.
    Usage = 2,
    /// Readiness found something that blocks.
    Blocked = 3,
    /// Some migrations failed.
    SomeFailed = 4,
    /// Stopped before the end and resumable: paused, drained, a stop rule.
    Stopped = 5,
    /// Another operator holds the lease.
    LeaseHeld = 6,
    /// A plan must be approved, or a one-way door confirmed, first.
    ApprovalNeeded = 7,
    /// Credentials or permissions.
    Credentials = 8,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
