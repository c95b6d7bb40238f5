//! What every simulated service speaks of: who calls, and how a call is refused.

use std::fmt;

/// Who made a call, from the access key that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The caller's ARN, as `sts:GetCallerIdentity` answers it.
    pub arn: String,
    /// The role whose policies hold for this caller; `None` for the account's administrator.
    pub role: Option<String>,
}

/// A refusal, before any protocol has rendered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, as the service's model names it.
    pub code: String,
    /// AWS's words.
    pub message: String,
}

impl Refusal {
    /// Makes a refusal with HTTP status 400, which the JSON protocol uses for every mistake of a client.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    /// Gives the refusal another HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)
    }
}

impl std::error::Error for Refusal {}
