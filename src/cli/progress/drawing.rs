//! The board on a terminal: drawn anew four times a second, as large as the terminal is then.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::lines;
use super::rows::rows;
use crate::cli::Ui;
use crate::cli::drawn::Size;
use crate::execute::Notice;

/// How often it is drawn. Nothing is drawn before that: what is over at once needs no picture.
const OFTEN: Duration = Duration::from_millis(250);

/// A board that is drawn until it is finished.
#[derive(Clone)]
pub(super) struct Drawing {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    ui: Ui,
    board: Board,
    began: Instant,
    /// All lines are the message of one bar, so that they are drawn at one go.
    picture: ProgressBar,
}

impl Drawing {
    /// Begins to draw.
    pub(super) fn start(ui: Ui, migrations: usize) -> Self {
        let picture = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        picture.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let board = Board::new(migrations);
        let inner = Inner { ui, board, began: Instant::now(), picture };
        let inner = Arc::new(Mutex::new(inner));
        let drawn = Arc::downgrade(&inner);
        std::thread::spawn(move || draw_often(&drawn));
        Self { inner }
    }

    /// Takes in what happened, and says above the picture what is worth a line.
    pub(super) fn take(&self, notice: &Notice) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = inner.began.elapsed();
        inner.board.take(notice, now);
        if let Some(line) = lines::above(notice) {
            inner.picture.suspend(|| inner.ui.status(line));
        }
    }

    /// Says something with the picture out of the way.
    pub(super) fn aside(&self, say: impl FnOnce(Ui)) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.picture.suspend(|| say(inner.ui));
    }

    /// Takes the picture away for good.
    pub(super) fn finish(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).picture.finish_and_clear();
    }
}

/// Draws until nobody watches any more.
fn draw_often(drawn: &Weak<Mutex<Inner>>) {
    loop {
        std::thread::sleep(OFTEN);
        let Some(inner) = drawn.upgrade() else { return };
        let inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.picture.is_finished() {
            return;
        }
        // A terminal that does not say how large it is is taken for an old one.
        let (height, width) = Term::stderr().size_checked().unwrap_or((24, 80));
        let size = Size { width: width.into(), height: height.into() };
        let rows = rows(&inner.board, inner.began.elapsed(), size);
        inner.picture.set_message(rows.join("\n"));
    }
}
