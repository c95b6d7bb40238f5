//! Statuses, and how they move with the clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The instant at which something that is stuck settles.
pub const NEVER: f64 = f64::MAX;

/// A status of a domain, profile, space or app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are AWS's")]
pub enum Status {
    Pending,
    #[default]
    InService,
    Updating,
    Deleting,
    /// Apps only: gone, and still listed for a day.
    Deleted,
    Failed,
    #[serde(rename = "Update_Failed")]
    UpdateFailed,
    #[serde(rename = "Delete_Failed")]
    DeleteFailed,
}

impl Status {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Deleted => "Deleted",
            Self::Failed => "Failed",
            Self::UpdateFailed => "Update_Failed",
            Self::DeleteFailed => "Delete_Failed",
        }
    }

    /// Tells whether something is on its way from one status to another.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Pending | Self::Updating | Self::Deleting)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where something stands in its life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The status as it was last set; [`Standing::status`] says what has become of it.
    pub status: Status,
    /// When a transient status ends, in seconds since the epoch; [`NEVER`] when it is stuck.
    pub settles_at: f64,
    /// AWS's `FailureReason`.
    pub failure: Option<String>,
    /// `CreationTime`.
    pub created_at: f64,
    /// `LastModifiedTime`.
    pub modified_at: f64,
}

impl Standing {
    /// Something that is in service since it was made.
    pub fn in_service(created_at: f64) -> Self {
        Self { created_at, modified_at: created_at, ..Self::default() }
    }

    /// Something that is being made.
    pub fn pending(now: f64, settles_at: f64) -> Self {
        Self {
            status: Status::Pending,
            settles_at,
            failure: None,
            created_at: now,
            modified_at: now,
        }
    }

    /// Goes into a transient status.
    pub fn move_to(&mut self, status: Status, now: f64, settles_at: f64) {
        self.status = status;
        self.settles_at = settles_at;
        self.failure = None;
        self.modified_at = now;
    }

    /// Returns the status now; `None` means that it is gone.
    pub fn status(&self, now: f64) -> Option<Status> {
        let is_settled = self.settles_at <= now;
        match self.status {
            Status::Pending | Status::Updating if is_settled => Some(Status::InService),
            Status::Deleting if is_settled => None,
            status => Some(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_moves_when_its_time_has_come() {
        let mut standing = Standing::pending(10.0, 15.0);
        assert_eq!(standing.status(14.9), Some(Status::Pending));
        assert_eq!(standing.status(15.0), Some(Status::InService));
        standing.move_to(Status::Deleting, 20.0, 22.0);
        assert_eq!(standing.status(21.0), Some(Status::Deleting));
        assert_eq!(standing.status(22.0), None);
    }

    #[test]
    fn what_is_stuck_is_still_stuck_after_a_save() {
        let standing = Standing::pending(1.0, NEVER);
        let text = serde_json::to_string(&standing).unwrap();
        let read: Standing = serde_json::from_str(&text).unwrap();
        assert_eq!(read, standing);
        assert_eq!(read.status(1e12), Some(Status::Pending));
    }
}
