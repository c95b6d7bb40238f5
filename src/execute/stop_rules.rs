//! When a batch stops by itself.

use std::path::Path;
use std::time::Duration;

use super::saga::Outcome;
use crate::names::BatchName;
use crate::playbook::StopRules;

/// How often the alarm file is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// What has gone wrong in a batch so far, held against the playbook's rules.
pub(super) struct Tally {
    rules: StopRules,
    failures: usize,
    in_a_row: usize,
    /// The text of `on_errors` that somebody's failure has, and whose.
    named: Option<String>,
    is_fatal: bool,
}

impl Tally {
    pub(super) fn of(rules: &StopRules) -> Self {
        let rules = rules.clone();
        Self { rules, failures: 0, in_a_row: 0, named: None, is_fatal: false }
    }

    /// For a rollback, which no rule leaves half way.
    pub(super) fn without_rules() -> Self {
        Self::of(&StopRules { failures: usize::MAX, ..StopRules::default() })
    }

    /// Takes one outcome into account.
    pub(super) fn count(&mut self, outcome: &Outcome) {
        let message = match outcome {
            Outcome::Failed(failure) => &failure.message,
            Outcome::Stuck(stuck) => &stuck.message,
            Outcome::Done(_) => {
                self.in_a_row = 0;
                return;
            }
            Outcome::Fatal(_) => {
                self.is_fatal = true;
                return;
            }
            Outcome::Drifted(_) | Outcome::Halted => return,
        };
        self.failures += 1;
        self.in_a_row += 1;
        let named = self.rules.on_errors.iter().find(|text| message.contains(text.as_str()));
        if let Some(text) = named {
            self.named.get_or_insert_with(|| text.clone());
        }
    }

    /// Tells whether nobody more may be begun.
    pub(super) fn is_enough(&self) -> bool {
        self.is_fatal || self.broken().is_some()
    }

    /// Says which rule stops the batch, if one does.
    pub(super) fn why(&self, batch: &BatchName) -> Option<String> {
        self.broken().map(|rule| format!("{} of {batch} failed ({rule})", self.counted()))
    }

    fn counted(&self) -> String {
        match self.failures {
            1 => "1 migration".to_owned(),
            failures => format!("{failures} migrations"),
        }
    }

    fn broken(&self) -> Option<String> {
        if let Some(text) = &self.named {
            return Some(format!("stop_rules.on_errors: {text}"));
        }
        if self.failures >= self.rules.failures.max(1) {
            return Some("stop_rules.failures".to_owned());
        }
        let row = self.rules.failures_in_a_row.filter(|row| self.in_a_row >= *row);
        row.map(|row| format!("stop_rules.failures_in_a_row: {row}"))
    }
}

/// The first line of a file; nothing of what is none, such as a pipe, which would have to be waited for.
async fn first_line(file: &Path) -> String {
    let is_file = tokio::fs::metadata(file).await.is_ok_and(|about| about.is_file());
    let text = if is_file { tokio::fs::read_to_string(file).await } else { Ok(String::new()) };
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// Waits until the alarm file is there, and says so with its first line.
pub(super) async fn alarm(file: &Path) -> String {
    loop {
        if tokio::fs::try_exists(file).await.unwrap_or(false) {
            let said: String = first_line(file).await.chars().take(200).collect();
            let said = if said.trim().is_empty() { said } else { format!(": {}", said.trim()) };
            return format!("{} is there (stop_rules.alarm_file){said}", file.display());
        }
        tokio::time::sleep(LOOK).await;
    }
}
