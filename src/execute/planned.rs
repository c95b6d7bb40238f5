//! What inventories say of how things were before anything was changed, read once for all of a run who ask: an inventory is
//! large.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::inventory::{Domain, Snapshot};
use crate::journal::{self, Journal};
use crate::names::DomainId;
use crate::plan::Plan;

/// What is read when somebody asks for the first time.
#[derive(Clone, Debug, Default)]
pub struct Planned(Arc<OnceLock<Inventoried>>);

/// What was seen before.
#[derive(Debug)]
pub(super) struct Inventoried {
    /// What the plan was drawn up from; a plan of another journal comes without it.
    snapshot: Option<Snapshot>,
    /// When the first inventory of the journal was taken.
    pub(super) first_at: Option<Timestamp>,
}

impl Planned {
    /// Returns what was seen, and reads it first if need be.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn get(
        &self,
        journal: &Journal,
        plan: &Plan,
    ) -> Result<&Inventoried, journal::Error> {
        if let Some(read) = self.0.get() {
            return Ok(read);
        }
        let kept = journal.snapshots()?;
        let read = Inventoried {
            snapshot: journal.snapshot(&plan.snapshot).ok(),
            first_at: kept.iter().find_map(|one| one.taken_at.parse().ok()),
        };
        Ok(self.0.get_or_init(|| read))
    }
}

impl Inventoried {
    /// A domain as it was when the plan was drawn up.
    pub(super) fn domain(&self, id: &DomainId) -> Option<&Domain> {
        self.snapshot.as_ref()?.domains.iter().find(|one| one.id == *id)
    }
}
