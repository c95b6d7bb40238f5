//! How far the mover is, drawn on a terminal.

use std::fmt::Display;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Ui;
use crate::mover::{Phase, Progress};

/// While nobody knows how much there is.
const COUNTING: &str = "{prefix} {spinner} {pos} files  {wide_msg}";

/// Once it is known.
const MOVING: &str = "{prefix} {bar:20} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta} {wide_msg}";

/// A bar, or nothing where there is no terminal.
pub(super) struct Bar {
    ui: Ui,
    bar: Option<ProgressBar>,
}

impl Bar {
    pub(super) fn new(ui: Ui) -> Self {
        let bar = ui.can_draw().then(|| {
            let bar = ProgressBar::new(0);
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { ui, bar }
    }

    /// Shows where the work is.
    pub(super) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        let name = match progress.phase {
            Phase::Scanning => "scanning ",
            Phase::Copying => "copying  ",
            Phase::Verifying => "verifying",
            Phase::Finished => return,
        };
        if bar.prefix() != name {
            bar.set_prefix(name);
            bar.reset();
        }
        let has_end = progress.total_bytes > 0;
        bar.set_style(style(if has_end { MOVING } else { COUNTING }));
        bar.set_length(if has_end { progress.total_bytes } else { progress.total_files });
        bar.set_position(if has_end { progress.bytes } else { progress.files });
        let files = match progress.total_files {
            0 => String::new(),
            total => format!("{}/{total} files  ", progress.files),
        };
        bar.set_message(format!("{files}{}", progress.path));
    }

    /// Writes a line above the bar.
    pub(super) fn say(&self, line: impl Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.status(line)),
            None => self.ui.status(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
