//! Progress: notices turned into bars on a terminal, and into plain lines elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;
use crate::execute::{Notice, Watch};
use crate::mover::{Phase, Progress as Copying};
use crate::names::MigrationId;

/// How often a copy is told about in plain lines.
const EVERY: Duration = Duration::from_secs(10);

/// How a home is shown while it is copied.
const COPYING: &str =
    "  {prefix:28} {bar:20} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta} {wide_msg}";

/// How it is shown before and after.
const WAITING: &str = "  {prefix:28} {spinner} {wide_msg}";

/// Draws, or writes lines, as notices come in.
#[derive(Clone)]
pub struct Progress {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    ui: Ui,
    /// `None` without a terminal.
    bars: Option<Bars>,
    told: HashMap<MigrationId, Instant>,
}

struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
    homes: HashMap<MigrationId, ProgressBar>,
}

impl Progress {
    /// Begins to show the progress of so many migrations.
    pub fn start(ui: Ui, migrations: usize) -> Self {
        let bars = ui.can_draw().then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let whole = all.add(ProgressBar::new(migrations as u64));
            whole.set_style(style("{bar:30} {pos}/{len} people  {elapsed_precise}  {msg}"));
            Bars { all, whole, homes: HashMap::new() }
        });
        Self { inner: Arc::new(Mutex::new(Inner { ui, bars, told: HashMap::new() })) }
    }

    /// Returns what execution tells.
    pub fn watch(&self) -> Watch {
        let inner = self.inner.clone();
        Arc::new(move |notice| {
            inner.lock().unwrap_or_else(PoisonError::into_inner).take(&notice);
        })
    }

    /// Tells of something that is wrong but does not stop the work, above the bars where there are any.
    pub fn warning(&self, line: &str) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match &inner.bars {
            Some(bars) => bars.whole.suspend(|| inner.ui.warning(line)),
            None => inner.ui.warning(line),
        }
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = &inner.bars {
            bars.whole.finish_and_clear();
            // Nothing is lost if the terminal has gone away.
            let _ = bars.all.clear();
        }
    }
}

impl Inner {
    fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::Copying { migration, progress } => self.copying(migration, progress),
            Notice::Waiting { migration, what } => {
                if let Some(bars) = &mut self.bars {
                    bars.say(migration, format!("waiting for {what}"));
                }
            }
            Notice::StepBegan { migration, step } => match &mut self.bars {
                Some(bars) => bars.say(migration, step.name().to_owned()),
                None => self.ui.status(format_args!("{migration}: {step}")),
            },
            Notice::MigrationEnded { migration, standing, .. } => {
                if let Some(bars) = &mut self.bars {
                    bars.whole.inc(1);
                    if let Some(bar) = bars.homes.remove(migration) {
                        bar.finish_and_clear();
                    }
                }
                self.say(&format!("{migration}: {}", standing.name()));
            }
            _ => {
                if let Some(line) = words(notice) {
                    self.say(&line);
                }
            }
        }
    }

    fn copying(&mut self, migration: &MigrationId, progress: &Copying) {
        if let Some(bars) = &mut self.bars {
            let bar = bars.home(migration);
            bar.set_style(style(COPYING));
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.bytes);
            bar.set_message(format!(
                "{} {}/{} files",
                phase(progress.phase),
                progress.files,
                progress.total_files
            ));
            return;
        }
        let now = Instant::now();
        // Before the home is counted there is nothing to tell.
        let is_due = progress.total_files > 0
            && self.told.get(migration).is_none_or(|last| now - *last >= EVERY);
        if is_due {
            self.told.insert(migration.clone(), now);
            self.ui.status(format_args!(
                "{migration}: {} {}/{} files, {} of {}",
                phase(progress.phase),
                progress.files,
                progress.total_files,
                indicatif::HumanBytes(progress.bytes),
                indicatif::HumanBytes(progress.total_bytes)
            ));
        }
    }

    /// Writes a line above the bars, or as it is.
    fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.whole.suspend(|| self.ui.status(line)),
            None => self.ui.status(line),
        }
    }
}

impl Bars {
    /// Says what is done for a home in words; a bar comes with the first bytes.
    fn say(&mut self, migration: &MigrationId, words: String) {
        let bar = self.home(migration);
        bar.set_style(style(WAITING));
        bar.set_message(words);
    }

    fn home(&mut self, migration: &MigrationId) -> ProgressBar {
        self.homes
            .entry(migration.clone())
            .or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(0));
                bar.set_style(style(WAITING));
                bar.set_prefix(migration.to_string());
                bar.enable_steady_tick(Duration::from_millis(250));
                bar
            })
            .clone()
    }
}

/// Says in words what needs no bar.
fn words(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::BatchBegan { batch, migrations } => format!("{batch}: {migrations} people"),
        Notice::GateWaits { batch, why, .. } | Notice::BatchStopped { batch, why } => {
            format!("{batch} stops: {why}")
        }
        Notice::BatchEnded { batch } => format!("{batch}: done"),
        Notice::MigrationBegan { migration, is_resumed: true } => {
            format!("{migration}: goes on where it was")
        }
        Notice::Remark { migration, text } => format!("{migration}: {text}"),
        Notice::StepFailed { migration, step, failure } => {
            format!("{migration}: {step} failed: {failure}")
        }
        Notice::StepUndone { migration, step, remarks } if remarks.is_empty() => {
            format!("{migration}: {step} undone")
        }
        Notice::StepUndone { migration, step, remarks } => {
            format!("{migration}: {step} undone; {}", remarks.join("; "))
        }
        _ => return None,
    })
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Scanning => "scanning",
        Phase::Copying => "copying",
        Phase::Verifying => "verifying",
        Phase::Finished => "finished",
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
