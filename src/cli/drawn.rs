//! Text that is drawn on a terminal: bars, times, and lines that fit.

use std::time::Duration;

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
}

/// A bar of a number of characters, of which a share between 0 and 1 is full.
pub fn bar(share: f64, width: usize) -> String {
    // Between nothing and the width: a share of more is a home that grew while it was copied.
    let full = (share.clamp(0.0, 1.0) * width as f64) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

/// A bar gets a quarter of the line, and never more than thirty characters.
pub fn bar_width(size: Size) -> usize {
    (size.width / 4).min(30)
}

/// So many of all, as a share; nothing of nothing is none.
pub fn share(done: usize, all: usize) -> f64 {
    done as f64 / all.max(done).max(1) as f64
}

/// A time in words that stay short: `7 s`, `12 min`, `3 h 20 min`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Cuts a line to a width. What the journal and AWS say may hold anything; a line is a line.
pub fn fit(row: &str, width: usize) -> String {
    let plain = row.replace(|letter: char| letter.is_control(), " ");
    console::truncate_str(&plain, width, "…").into_owned()
}
