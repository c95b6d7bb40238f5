//! What comes up while an inventory is taken: what could not be seen, what vanished meanwhile, what is ours.

use super::snapshot::{Snapshot, Unseen};
use crate::aws::{self, ErrorKind};

/// Notes of one part of an inventory.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) unseen: Vec<Unseen>,
    pub(super) vanished: Vec<String>,
    pub(super) left_out: Vec<String>,
}

impl Notes {
    /// Notes that something could not be seen.
    pub(super) fn unseen(&mut self, what: &str, subject: &str, why: impl ToString) {
        self.unseen.push(Unseen {
            what: what.to_owned(),
            subject: subject.to_owned(),
            why: why.to_string(),
        });
    }

    /// Notes the requests about a subject that were refused while the rest was answered.
    pub(super) fn refused(&mut self, subject: &str, errors: Vec<aws::Error>) {
        for error in errors {
            self.unseen(&format!("{}:{}", error.service, error.operation), subject, error);
        }
    }

    /// Takes what was answered, or notes why nothing was.
    pub(super) fn or_default<T: Default>(
        &mut self,
        what: &str,
        subject: &str,
        answer: Result<T, aws::Error>,
    ) -> T {
        answer.inspect_err(|error| self.unseen(what, subject, error)).unwrap_or_default()
    }

    /// Like [`Notes::or_default`] for one thing that was listed before, which may be gone by now: that is no fault.
    pub(super) fn one<T>(
        &mut self,
        what: &str,
        subject: &str,
        answer: Result<T, aws::Error>,
    ) -> Option<T> {
        match answer {
            Ok(seen) => Some(seen),
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.vanished.push(format!("{subject} ({what})"));
                None
            }
            Err(error) => {
                self.unseen(what, subject, error);
                None
            }
        }
    }

    /// Hands the notes over to a snapshot.
    pub(super) fn into(self, snapshot: &mut Snapshot) {
        snapshot.unseen.extend(self.unseen);
        snapshot.vanished.extend(self.vanished);
        snapshot.left_out.extend(self.left_out);
    }
}
