//! What the journal keeps of a cut-over: what a domain set before, and what the cut-over set in its place.
//!
//! Both are written before the first call that changes anything, and count until the cut-over is put back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Domain, DomainIdle};
use crate::cli::Failure;
use crate::cli::context::Operation;
use crate::execute::kind;
use crate::journal::{Journal, NewEvent};
use crate::names::DomainId;

/// The name under which a domain's settings are noted before they are overwritten.
const BEFORE: &str = "domain_experience";

/// The name under which is noted what they are overwritten with.
const OURS: &str = "domain_set";

/// What a cut-over sets beside the landing page; `None` of what it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ours {
    /// The whole list of hidden app types.
    pub(super) hidden: Option<Vec<String>>,
    /// `AutoMountHomeEFS`.
    pub(super) auto_mount: Option<String>,
    /// Minutes without use after which spaces shut down.
    pub(super) idle_minutes: Option<i32>,
}

/// What stands of a cut-over.
pub(super) struct Noted {
    /// What was set before the first.
    pub(super) before: Value,
    /// What was set since; `None` where an earlier version of this tool did it.
    pub(super) ours: Option<Ours>,
}

/// Writes down what is set, before it is overwritten the first time, and what with.
pub(super) fn note(
    operation: &Operation,
    domain: &Domain,
    idle: DomainIdle,
    ours: &Ours,
) -> Result<(), Failure> {
    if noted(&operation.journal, &domain.id)?.is_none() {
        let before = json!({
            "portal": domain.defaults.studio_web_portal,
            "landing": domain.defaults.landing,
            "hidden_app_types": domain.defaults.hidden_app_types,
            "auto_mount": domain.defaults.auto_mount,
            "idle": idle,
        });
        record(operation, kind::NOTED, &json!({ "domain": domain.id, BEFORE: before }))?;
    }
    record(operation, kind::NOTED, &json!({ "domain": domain.id, OURS: ours }))
}

/// Writes down that a domain is put back, but for what stays.
pub(super) fn put_back(
    operation: &Operation,
    id: &DomainId,
    stays: &[&str],
) -> Result<(), Failure> {
    record(operation, kind::UNDO_FINISHED, &json!({ "domain": id, "stays": stays }))
}

fn record(operation: &Operation, kind: &str, detail: &Value) -> Result<(), Failure> {
    let (operation_id, detail) = (Some(operation.id), detail.clone());
    let event = NewEvent { operation: operation_id, kind, detail, ..NewEvent::default() };
    let written = operation.journal.record(&event).map(drop);
    written.map_err(|error| Failure::journal("note what is set", error))
}

/// Returns what stands of the cut-over of a domain; `None` where it was never cut over, or put back since.
pub(super) fn noted(journal: &Journal, id: &DomainId) -> Result<Option<Noted>, Failure> {
    let mut standing: Option<Noted> = None;
    for event in events(journal)? {
        if event.detail.get("domain").and_then(Value::as_str) != Some(id.as_str()) {
            continue;
        }
        match (event.kind.as_str(), &mut standing) {
            (kind::NOTED, None) => {
                let before = event.detail.get(BEFORE).cloned();
                standing = before.map(|before| Noted { before, ours: None });
            }
            (kind::NOTED, Some(noted)) => {
                if let Some(set) = event.detail.get(OURS).cloned() {
                    noted.ours.get_or_insert_default().add(serde_json::from_value(set).ok());
                }
            }
            (kind::UNDO_FINISHED, _) => standing = None,
            _ => {}
        }
    }
    Ok(standing)
}

impl Ours {
    /// A later cut-over, by another playbook, sets more, or something else.
    fn add(&mut self, later: Option<Self>) {
        let Some(later) = later else { return };
        self.hidden = later.hidden.or(self.hidden.take());
        self.auto_mount = later.auto_mount.or(self.auto_mount.take());
        self.idle_minutes = later.idle_minutes.or(self.idle_minutes);
    }
}

/// Every domain that something was ever noted of.
pub(super) fn domains(journal: &Journal) -> Result<BTreeSet<DomainId>, Failure> {
    let noted = events(journal)?.into_iter().filter(|event| event.detail.get(BEFORE).is_some());
    let named = noted.filter_map(|event| event.detail["domain"].as_str().map(DomainId::new));
    Ok(named.collect())
}

fn events(journal: &Journal) -> Result<Vec<crate::journal::Event>, Failure> {
    journal
        .events_of_no_migration()
        .map_err(|error| Failure::journal("read what was set before", error))
}
