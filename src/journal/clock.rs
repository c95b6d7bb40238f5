//! What time the journal says it is: the system's, or in a rehearsal a time of its own.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// When a rehearsal began, by its own time and by tokio's; `None` leaves it to the system.
    began: Option<(Timestamp, Instant)>,
}

impl Clock {
    /// Begins at a given time and goes on with tokio's, which may be paused.
    pub(super) fn beginning(at: Timestamp) -> Self {
        Self { began: Some((at, Instant::now())) }
    }

    /// Returns the time now.
    pub(super) fn now(&self) -> Timestamp {
        let Some((at, since)) = self.began else { return Timestamp::now() };
        let gone = SignedDuration::try_from(since.elapsed()).unwrap_or_default();
        at.checked_add(gone).unwrap_or(at)
    }
}
