//! Progress as plain lines: what is said where there is no terminal, and above the bars where there is one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::execute::Notice;
use crate::mover::{Phase, Progress as Copying};
use crate::names::{MigrationId, counted};

/// How often a copy is told about in plain lines.
const EVERY: Duration = Duration::from_secs(10);

/// Turns notices into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    told: HashMap<MigrationId, Instant>,
}

impl Lines {
    /// Returns the line that a notice is worth, if it is.
    pub(super) fn line(&mut self, notice: &Notice) -> Option<String> {
        match notice {
            Notice::Copying { migration, progress } => self.copying(migration, progress),
            Notice::StepBegan { migration, step } => Some(format!("{migration}: {step}")),
            _ => above(notice),
        }
    }

    fn copying(&mut self, migration: &MigrationId, progress: &Copying) -> Option<String> {
        let now = Instant::now();
        // Before the home is counted there is nothing to tell.
        let is_due = progress.total_files > 0
            && self.told.get(migration).is_none_or(|last| now - *last >= EVERY);
        if !is_due {
            return None;
        }
        self.told.insert(migration.clone(), now);
        Some(format!(
            "{migration}: {} {}/{} files, {} of {}",
            phase(progress.phase),
            progress.files,
            progress.total_files,
            indicatif::HumanBytes(progress.bytes),
            indicatif::HumanBytes(progress.total_bytes)
        ))
    }
}

/// Says in words what needs no bar.
pub(super) fn above(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::BatchBegan { batch, migrations } => {
            format!("{batch}: {}", counted(*migrations as u64, "person", "people"))
        }
        Notice::GateWaits { batch, why, .. } | Notice::BatchWaits { batch, why } => {
            format!("{batch} waits: {why}")
        }
        Notice::BatchStopped { batch, why } => format!("{batch} stops: {why}"),
        Notice::BatchEnded { batch, done, failed: 0 } => {
            format!("{batch}: {} done", counted(*done as u64, "person", "people"))
        }
        Notice::BatchEnded { batch, done, failed } => {
            format!("{batch}: {} done, {failed} not", counted(*done as u64, "person", "people"))
        }
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
        Notice::MigrationEnded { migration, standing, .. } => {
            format!("{migration}: {}", standing.name())
        }
        _ => return None,
    })
}

/// The word for what a copy does.
pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Scanning => "scanning",
        Phase::Copying => "copying",
        Phase::Verifying => "verifying",
        Phase::Finished => "finished",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{copying_notice, notices_of_200, who};
    use super::*;

    #[test]
    fn two_hundred_people_are_told_a_line_each_and_a_copy_every_ten_seconds() {
        let mut lines = Lines::default();
        let mut said = Vec::new();
        said.extend(notices_of_200().iter().filter_map(|notice| lines.line(notice)));
        assert_eq!(said[0], "batch-1: 200 people");
        assert_eq!(
            said[1..3],
            [
                "d-sim1/p000: hydrate".to_owned(),
                "d-sim1/p000: copying 0/12 files, 0 B of 1.00 GiB".to_owned()
            ]
        );
        assert_eq!(said.len(), 1 + 200 + 100);
        assert_eq!(lines.line(&copying_notice(who(0), 1 << 30, 60)), None);
    }
}
