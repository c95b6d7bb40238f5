//! The terminal while somebody watches: another screen than the shell's, and every key read as it is pressed.
//!
//! Keys are read as bytes: crossterm's own events would bring in other features of mio, and with them another build of the SDK.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use jiff::Timestamp;

use super::picture::picture;
use super::view::{View, keys};
use crate::cli::drawn::Size;
use crate::cli::{Exit, Failure};
use crate::execute::Look;
use crate::journal::Journal;

/// How often the journal is looked at.
const OFTEN: Duration = Duration::from_secs(1);

/// Why watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody is at work any more.
    AtRest,
    /// Somebody had seen enough.
    Left,
}

/// The other screen, until dropped.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws over what was there, so that nothing flickers.
    fn draw(&self, rows: &[String]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for (row, line) in (0..).zip(rows) {
            queue!(out, MoveTo(0, row), Print(line), Clear(ClearType::UntilNewLine))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone away needs nothing put back.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Shows who is at work until nobody is, somebody leaves, or a signal says so. `ask` asks the run how it is, where it can be
/// asked.
pub fn watch(
    journal: &Journal,
    ask: impl Fn() -> Option<Look>,
    stop: &AtomicBool,
) -> Result<Ended, Failure> {
    let failed = |error| Failure::journal("read where everyone stands", error);
    let first = journal.moment(&View::default().wanted(size())).map_err(failed)?;
    if first.holder.is_none() || first.plan.is_none() {
        return Ok(Ended::AtRest);
    }
    let lost = |error| Failure::of(Exit::Unexpected, "use the terminal", error);
    let screen = Screen::enter().map_err(lost)?;
    let (pressed, mut view) = (listen(), View::default());
    while !stop.load(Ordering::Relaxed) {
        let size = size();
        let moment = journal.moment(&view.wanted(size)).map_err(failed)?;
        if moment.holder.is_none() {
            return Ok(Ended::AtRest);
        }
        let run = ask();
        let rows = picture(&moment, run.as_ref(), view, Timestamp::now(), size);
        screen.draw(&rows).map_err(lost)?;
        match pressed.recv_timeout(OFTEN) {
            Ok(sent) => {
                if !keys(&sent).into_iter().all(|key| view.press(key, &moment, size)) {
                    return Ok(Ended::Left);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody is there to press a key; there may be somebody to look.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(OFTEN),
        }
    }
    Ok(Ended::Left)
}

/// How large the terminal is now; one that does not say is taken for an old one.
fn size() -> Size {
    let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
    Size { width: width.into(), height: height.into() }
}

/// Hands on what is typed. The thread ends with the program: nothing can end its reading.
fn listen() -> Receiver<Vec<u8>> {
    let (typed, pressed) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok(read) = io::stdin().read(&mut bytes) {
            let sent = bytes.get(..read).unwrap_or_default().to_vec();
            if sent.is_empty() || typed.send(sent).is_err() {
                return;
            }
        }
    });
    pressed
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
