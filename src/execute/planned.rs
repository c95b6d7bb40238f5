//! What inventories say of how things were before anything was changed, read once for all of a run who ask: an inventory is
//! large.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::inventory::{Domain, Settings, Snapshot};
use crate::journal::{self, Journal};
use crate::names::DomainId;
use crate::plan::Plan;

/// What is read when somebody asks for the first time.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    inventoried: Arc<OnceLock<Inventoried>>,
    at_first: Arc<OnceLock<BTreeMap<DomainId, Settings>>>,
}

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
        if let Some(read) = self.inventoried.get() {
            return Ok(read);
        }
        let kept = journal.snapshots()?;
        let read = Inventoried {
            snapshot: journal.snapshot(&plan.snapshot).ok(),
            first_at: kept.iter().find_map(|one| one.taken_at.parse().ok()),
        };
        Ok(self.inventoried.get_or_init(|| read))
    }

    /// Returns what a domain set by default when the journal first saw it: before it was cut over, whenever the plan was drawn
    /// up. `None` where no inventory that is kept has it.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn at_first(
        &self,
        journal: &Journal,
        plan: &Plan,
        domain: &DomainId,
    ) -> Result<Option<&Settings>, journal::Error> {
        if let Some(read) = self.at_first.get() {
            return Ok(read.get(domain));
        }
        let wanted: BTreeSet<_> = plan.migrations().map(|(_, one)| &one.domain).collect();
        let mut found = BTreeMap::new();
        for kept in journal.snapshots()? {
            let snapshot = journal.snapshot(&kept.id)?;
            for seen in snapshot.domains {
                found.entry(seen.id).or_insert(seen.defaults);
            }
            if wanted.iter().all(|domain| found.contains_key(*domain)) {
                break;
            }
        }
        Ok(self.at_first.get_or_init(|| found).get(domain))
    }
}

impl Inventoried {
    /// A domain as it was when the plan was drawn up.
    pub(super) fn domain(&self, id: &DomainId) -> Option<&Domain> {
        self.snapshot.as_ref()?.domains.iter().find(|one| one.id == *id)
    }
}
