//! The world's clock: tokio's, so that a paused clock makes a wait of minutes cost milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time in seconds since the epoch, fractions included.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: f64,
    since: Instant,
}

impl Clock {
    /// Starts at the system's time and goes on with tokio's.
    pub fn start() -> Self {
        let base = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { base: base.as_secs_f64(), since: Instant::now() }
    }

    /// Starts at a given time, in seconds since the epoch, and goes on with tokio's.
    pub fn at(base: f64) -> Self {
        Self { base, since: Instant::now() }
    }

    /// Returns the time now.
    pub fn now(&self) -> f64 {
        self.base + self.since.elapsed().as_secs_f64()
    }
}
