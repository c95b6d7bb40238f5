//! Asking a run to stop: first gently, then at once.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Two requests to stop, shared by all migrations of a run.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    drain: CancellationToken,
    hurry: CancellationToken,
    was_terminated: Arc<OnceLock<bool>>,
}

impl Halt {
    /// Returns a request of its own for one of those who share this one: asked of it, it stops that one alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            drain: self.drain.child_token(),
            hurry: self.hurry.child_token(),
            was_terminated: self.was_terminated.clone(),
        }
    }

    /// Asks once: steps in flight are finished, none is started. Twice: steps in flight stop at the next safe point.
    pub fn ask(&self) {
        if self.drain.is_cancelled() {
            self.hurry.cancel();
        }
        self.drain.cancel();
    }

    /// Asks on behalf of a signal: SIGTERM, or else SIGINT.
    pub fn ask_by(&self, is_termination: bool) {
        self.was_terminated.get_or_init(|| is_termination);
        self.ask();
    }

    /// Tells whether the first signal was SIGTERM; `None` when no signal asked.
    pub fn was_terminated(&self) -> Option<bool> {
        self.was_terminated.get().copied()
    }

    /// Tells whether no further step may be started.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits until someone asks for the first time.
    pub async fn asked(&self) {
        self.drain.cancelled().await;
    }

    /// Waits until steps in flight are to stop too.
    pub async fn hurried(&self) {
        self.hurry.cancelled().await;
    }

    /// Does work that `stop` ends early, and sets that once steps in flight are to stop; tells whether they were. Work that fails
    /// may set `stop` by itself, so that the flag alone does not say why it ended.
    pub(super) async fn stopping<T>(
        &self,
        stop: &AtomicBool,
        work: impl Future<Output = T>,
    ) -> (T, bool) {
        let mut work = pin!(work);
        let mut was_asked = false;
        loop {
            tokio::select! {
                done = &mut work => return (done, was_asked),
                () = self.hurried(), if !was_asked => {
                    was_asked = true;
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}
