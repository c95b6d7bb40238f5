//! The terminal while somebody watches: another screen than the shell's, and every key read as it is pressed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event;

use super::picture::{Seen, draw};
use super::view::{View, key};
use crate::cli::drawn::Size;
use crate::cli::{Exit, Failure};
use crate::execute::Look;
use crate::journal::Journal;

/// How often the journal is looked at, and the run asked.
pub const OFTEN: Duration = Duration::from_secs(1);

/// A terminal as they have always been: what is read before the size of this one is known.
const OLD: Size = Size { width: 80, height: 24 };

/// Why watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody is at work any more.
    AtRest,
    /// Somebody had seen enough.
    Left,
}

/// The other screen, until dropped.
struct Screen(DefaultTerminal);

impl Screen {
    fn enter() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| leave())
    }

    fn size(&self) -> io::Result<Size> {
        let size = self.0.size()?;
        Ok(Size { width: size.width.into(), height: size.height.into() })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    // A terminal that has gone away needs nothing put back.
    let _gone = ratatui::try_restore();
}

/// Shows who is at work until nobody is, somebody leaves, or a signal says so. `run` is what the run last said of itself.
///
/// # Errors
///
/// The journal cannot be read, or the terminal not be used.
pub fn watch(
    journal: &Journal,
    run: impl Fn() -> Option<Look>,
    stop: &AtomicBool,
) -> Result<Ended, Failure> {
    let failed = |error| Failure::journal("read where everyone stands", error);
    let mut view = View::default();
    let first = journal.moment(&view.wanted(OLD)).map_err(failed)?;
    if first.holder.is_none() || first.plan.is_none() {
        return Ok(Ended::AtRest);
    }
    let lost = |error| Failure::of(Exit::Unexpected, "use the terminal", error);
    let mut screen = Screen::enter().map_err(lost)?;
    while !stop.load(Ordering::Relaxed) {
        let size = screen.size().map_err(lost)?;
        let moment = journal.moment(&view.wanted(size)).map_err(failed)?;
        if moment.holder.is_none() {
            return Ok(Ended::AtRest);
        }
        let seen = Seen { moment: &moment, run: run(), now: Timestamp::now() };
        screen.0.draw(|frame| draw(frame, &seen, view)).map_err(lost)?;
        // All that is pressed in the meantime is done before the next look at the journal.
        let mut patience = OFTEN;
        while event::poll(patience).map_err(lost)? {
            patience = Duration::ZERO;
            let pressed = key(&event::read().map_err(lost)?);
            if !pressed.is_none_or(|key| view.press(key, &moment, size)) {
                return Ok(Ended::Left);
            }
        }
    }
    Ok(Ended::Left)
}

/// Turns signals into a reason to stop: the terminal is then put back before the program ends.
pub fn stopped_by_signals() -> (Arc<AtomicBool>, Arc<AtomicBool>) {
    let (stop, terminated) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (stopping, terminating) = (stop.clone(), terminated.clone());
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => terminating.store(true, Ordering::Relaxed),
        }
        stopping.store(true, Ordering::Relaxed);
    });
    (stop, terminated)
}
