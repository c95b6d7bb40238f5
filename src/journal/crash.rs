//! Where a rehearsed crash happens: at the nth point before or after an event is written.
//!
//! Every call that changes something is journalled before it is made and after it was answered, so these points lie on both
//! sides of every event and of every such call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A countdown to an abort; without a number it never aborts.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashPoint {
    left: Option<Arc<AtomicU64>>,
}

impl CrashPoint {
    /// Aborts at the nth point, counted from 1.
    pub(super) fn at(point: Option<u64>) -> Self {
        Self { left: point.map(|point| Arc::new(AtomicU64::new(point))) }
    }

    /// Passes one point, or ends the process there with nothing flushed and nothing said.
    pub(super) fn pass(&self) {
        if let Some(left) = &self.left
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}
