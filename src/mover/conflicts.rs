//! What stays because something else is at its place, named for whoever has to mend it.

use std::path::Path;

use super::decide::is_altered;
use super::deliver::{NAMED, OWN, listed};
use super::entry::{Class, Entry};
use super::path::escape;
use super::ticket::Ticket;

/// How the words begin about what was never ours, and about what an earlier move brought.
const BEGINNINGS: [&str; 2] =
    ["something else is already at the place of", "an earlier move brought"];

/// Tells whether a delivery failed because of what is in the way: whoever reads the report tells the ways on by it.
pub fn is_of_conflicts(error: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| error.starts_with(beginning))
}

/// Entries in conflict: how many, and the first of them by name.
#[derive(Default)]
struct Named {
    all: u64,
    named: Vec<String>,
}

impl Named {
    fn note(&mut self, entry: &Entry) {
        self.all += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("`{}`", escape(&entry.path)));
        }
    }
}

/// Under the policy `refuse` a conflict fails the migration, with names.
#[derive(Default)]
pub(super) struct Conflicts {
    /// What was never ours, and whatever lies in a folder that could not be made.
    others: Named,
    /// What an earlier move brought, and somebody changed since.
    altered: Named,
    /// Whether an earlier move brought files there, and nothing tells any more which.
    is_list_lost: bool,
}

impl Conflicts {
    /// Begins with nothing in the way of what a ticket orders; `since` is the list of an earlier move that was found.
    pub(super) fn of(ticket: &Ticket, since: Option<&Path>) -> Self {
        Self { is_list_lost: ticket.brought.is_some() && since.is_none(), ..Self::default() }
    }

    pub(super) fn note(&mut self, entry: &Entry) {
        match entry.skip.as_deref() {
            Some(skip) if is_altered(skip) => self.altered.note(entry),
            Some(skip) if skip.class == Class::Conflict => self.others.note(entry),
            _ => {}
        }
    }

    pub(super) fn are_some(&self) -> bool {
        self.others.all + self.altered.all > 0
    }

    pub(super) fn words(self) -> String {
        let [another, altered] = BEGINNINGS;
        let mut words = Vec::new();
        if self.others.all > 0 {
            let named = listed(self.others.named, self.others.all);
            words.push(format!("{another} {named}"));
        }
        if self.altered.all > 0 {
            let named = listed(self.altered.named, self.altered.all);
            words.push(format!("{altered} {named}, and it was changed in the space since"));
        }
        if self.is_list_lost {
            words.push(format!(
                "the list of what an earlier move brought is gone from the space (`~/{OWN}`), so that nothing there counts as its own"
            ));
        }
        words.join("; ")
    }
}
