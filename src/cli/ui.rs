//! The only file that writes to the terminal: stdout is data, stderr is talk.

#![expect(clippy::print_stderr, reason = "everything else prints through this file")]

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::context::LogFormat;
use super::progress;

/// Whether data was lost on its way to stdout.
static LOST: AtomicBool = AtomicBool::new(false);

/// Remembers that data was lost. A reader that has gone away had enough.
fn written(result: std::io::Result<()>) {
    if result.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// How much is said, and where.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    quiet: bool,
    format: LogFormat,
}

impl Ui {
    /// Makes a voice; a quiet one says only warnings and errors.
    pub fn new(quiet: bool, format: LogFormat) -> Self {
        Self { quiet, format }
    }

    /// Tells whether talk is JSON, a line each.
    pub fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Writes a line of JSON to stderr, unless asked to be quiet.
    pub fn json_line(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn say(&self, kind: &str, before: &str, line: impl Display) {
        let line = match self.format {
            LogFormat::Text => format!("{before}{line}"),
            LogFormat::Json => progress::said(kind, &line.to_string()),
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Writes one line of data to stdout. A reader that has gone away ends the output, not the work.
    pub fn data(&self, line: impl Display) {
        written(writeln!(std::io::stdout(), "{line}"));
    }

    /// Tells whether all data arrived at stdout.
    pub fn is_complete(&self) -> bool {
        written(std::io::stdout().flush());
        !LOST.load(Ordering::Relaxed)
    }

    /// Tells the person at the terminal how it goes.
    pub fn status(&self, line: impl Display) {
        if !self.quiet {
            self.say("status", "", line);
        }
    }

    /// Tells of something that is wrong but does not stop the work.
    pub fn warning(&self, line: impl Display) {
        self.say("warning", "Warning: ", line);
    }

    /// Tells why the command failed.
    pub fn error(&self, line: impl Display) {
        self.say("error", "Error: ", line);
    }

    /// Tells whether a person may be asked: both ends are terminals.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Tells whether bars may be drawn: on a terminal, and unless asked to be quiet or to write JSON.
    pub fn can_draw(&self) -> bool {
        !self.quiet && !self.is_json() && std::io::stderr().is_terminal()
    }

    /// Tells whether data may be drawn on a screen with keys: stdin and stdout are terminals.
    pub fn has_screen(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Asks a yes-or-no question; anything but `y` or `yes` is no.
    pub fn ask(&self, question: impl Display) -> bool {
        if !self.can_ask() {
            return false;
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        match std::io::stdin().read_line(&mut answer) {
            Ok(_) => matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
            Err(_) => false,
        }
    }

    /// Writes text to stdout as it is, without a line end of its own.
    pub fn text(&self, text: &str) {
        let mut stdout = std::io::stdout();
        written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    }
}
