//! What a report is made from: plain facts that the caller reads out of the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mover;
use crate::names::{
    AccountId, BatchName, DomainId, MigrationId, PlanId, ProfileName, Region, SpaceName,
};
use crate::plan::{LeftOut, Route};

/// The words in which a migration's standing is told.
pub mod standing {
    /// Nothing was done yet.
    pub const WAITING: &str = "waiting";
    /// Some steps are done, or one was begun.
    pub const UNDERWAY: &str = "underway";
    /// Every step is done.
    pub const MOVED: &str = "moved";
    /// A step failed.
    pub const FAILED: &str = "failed";
    /// Everything that was done was undone.
    pub const ROLLED_BACK: &str = "rolled-back";
    /// An undo failed: a person must look.
    pub const STUCK: &str = "stuck";

    /// Every word, in the order in which reports list people: whoever needs a person first.
    pub const ALL: [&str; 6] = [STUCK, FAILED, UNDERWAY, WAITING, ROLLED_BACK, MOVED];
}

/// Everything that a report is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// When the report was made, RFC 3339.
    pub made_at: String,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The plan.
    pub plan: PlanId,
    /// The playbook's name.
    pub playbook: String,
    /// Who approved what, oldest first.
    pub approvals: Vec<Approval>,
    /// One entry for each migration of the plan, in running order.
    pub people: Vec<PersonFacts>,
    /// Who the plan left out.
    pub left_out: Vec<LeftOut>,
    /// Homes that nobody owns.
    pub orphans: Vec<OrphanFacts>,
    /// The state of the audit trail when the report was made.
    pub audit: Audit,
}

/// A home that nobody owns, and where it is by now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrphanFacts {
    /// `fs-…/200005`.
    pub name: String,
    /// The domain of its file system, where that is known.
    pub domain: Option<String>,
    /// Regular files, as the inventory counted them; `None` where it did not.
    pub files: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
    /// The place of its archive, which is proven.
    pub archived_to: Option<String>,
    /// Whose space it was delivered to, proven.
    pub delivered_to: Option<String>,
    /// What was tried last and not done, and why.
    pub not_done: Option<String>,
    /// All of that in words.
    pub is: String,
}

/// Homes that nobody owns, by where they are: one may be archived and delivered, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrphanTotals {
    /// All of them.
    pub all: usize,
    /// Those that are archived.
    pub archived: usize,
    /// Those that were delivered to somebody.
    pub delivered: usize,
    /// Those with which something was tried and not done.
    pub not_done: usize,
    /// Those that are on their file system alone.
    pub nowhere_else: usize,
}

impl OrphanTotals {
    /// Counts.
    pub fn of(orphans: &[OrphanFacts]) -> Self {
        let count =
            |is: &dyn Fn(&OrphanFacts) -> bool| orphans.iter().filter(|one| is(one)).count();
        Self {
            all: orphans.len(),
            archived: count(&|one| one.archived_to.is_some()),
            delivered: count(&|one| one.delivered_to.is_some()),
            not_done: count(&|one| one.not_done.is_some()),
            nowhere_else: count(&|one| one.archived_to.is_none() && one.delivered_to.is_none()),
        }
    }

    /// Says the numbers in a line; `None` where there is no such home.
    pub fn words(&self) -> Option<String> {
        let Self { all, archived, delivered, not_done, nowhere_else } = self;
        (*all > 0).then(|| {
            format!(
                "{all} in all; {archived} archived, {delivered} delivered, {nowhere_else} on the file system alone; {not_done} not done"
            )
        })
    }
}

/// One approval of the plan or of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What was approved: the batch's name; `None` is the whole plan.
    pub batch: Option<BatchName>,
    /// Who approved: the caller's ARN, or the operating system's user.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// What they said, e.g. the number of the change request.
    pub note: Option<String>,
}

/// The state of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Events in the trail.
    pub events: u64,
    /// The hash of the last one; empty when there is none.
    pub head: String,
    /// The first event at which the chain breaks, if it does.
    pub broken_at: Option<i64>,
}

/// What happened to one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonFacts {
    /// The migration.
    pub migration: MigrationId,
    /// The domain.
    pub domain: DomainId,
    /// The profile.
    pub profile: ProfileName,
    /// The batch.
    pub batch: BatchName,
    /// The space that was made, or would be.
    pub space: SpaceName,
    /// The size of its volume in GiB.
    pub volume_gb: i32,
    /// How the bytes travel.
    pub route: Route,
    /// One of the words of [`standing`].
    pub standing: String,
    /// The steps that were begun, in order.
    pub steps: Vec<StepFacts>,
    /// When they were held up, and how long; `None` when they never were, or what was done was undone.
    #[serde(default)]
    pub held: Option<Held>,
    /// The proof that verify recorded; `None` until it has.
    pub proof: Option<Proof>,
    /// What could not be put back, and doors that closed: stopped Classic apps, kept spaces.
    pub remarks: Vec<String>,
    /// Why it failed or is stuck.
    pub failure: Option<FailureFacts>,
    /// Where the person's folder of proof lies, from the file that this stands in, when one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// How long somebody could not work: neither in Classic any more nor in the new Studio yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// When the first of their Classic apps was stopped, or, where none ran, when the copy began that was proven; RFC 3339.
    pub from: String,
    /// When they were led to the new Studio, RFC 3339; `None` while they are not.
    pub to: Option<String>,
    /// The minutes between the two, to a tenth.
    pub minutes: Option<f64>,
}

impl Held {
    /// Reckons the minutes.
    pub fn new(from: String, to: Option<String>) -> Self {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let minutes = to.as_deref().and_then(time).zip(time(&from)).map(|(to, from)| {
            let seconds = to.duration_since(from).as_secs_f64().max(0.0);
            (seconds / 6.0).round() / 10.0
        });
        Self { from, to, minutes }
    }
}

/// One step as it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFacts {
    /// Its name: `quiesce`, `stage`, ….
    pub name: String,
    /// Where it stands: `started`, `finished`, `failed`, `undone`, `stuck`.
    pub standing: String,
    /// When it was last begun, RFC 3339.
    pub began_at: Option<String>,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
}

/// Why a migration failed, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureFacts {
    /// The step that failed, or whose undo did.
    pub step: String,
    /// What failed, the whole chain of causes in one line.
    pub message: String,
    /// What a person can do about it; what to look at, when an undo is stuck.
    pub hint: Option<String>,
    /// What may have been left behind.
    #[serde(default)]
    pub left_behind: Vec<String>,
}

/// The proof that every selected file arrived. It has the form of the receipt of the step verify.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was selected, and is there: the same at the source and at the destination.
    pub totals: mover::Totals,
    /// What tells that the home is on EBS.
    pub evidence: mover::Evidence,
    /// How many entries were not copied, by reason class.
    #[serde(default)]
    pub not_copied: BTreeMap<String, u64>,
    /// The first of them by name: path and reason.
    #[serde(default)]
    pub not_copied_named: Vec<(String, String)>,
    /// The manifest's object key.
    pub manifest: String,
    /// Its BLAKE3.
    pub manifest_blake3: String,
}

impl Proof {
    /// Reads the receipt of the step verify; `None` when it is none.
    pub fn from_receipt(receipt: &Value) -> Option<Self> {
        serde_json::from_value(receipt.clone()).ok()
    }

    /// Returns how many entries were not copied.
    pub fn left_behind(&self) -> u64 {
        self.not_copied.values().sum()
    }
}

impl PersonFacts {
    /// Tells whether the person's work is proven to have arrived and they were led to it.
    pub fn is_moved(&self) -> bool {
        self.standing == standing::MOVED
    }

    /// Returns when the first step began and the last one ended.
    pub fn span(&self) -> (Option<&str>, Option<&str>) {
        let began = self.steps.iter().filter_map(|step| step.began_at.as_deref()).min();
        let ended = self.steps.iter().filter_map(|step| step.ended_at.as_deref()).max();
        (began, ended)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_receipt_of_verify_is_a_proof_and_another_is_none() {
        let receipt = json!({
            "totals": { "files": 2, "directories": 1, "symlinks": 0, "bytes": 7, "digest": "ab" },
            "evidence": { "device": "/dev/nvme1n1", "fstype": "ext4", "df": "", "source_device": "127.0.0.1:/" },
            "not_copied": { "excluded": 3, "special": 1 },
            "not_copied_named": [["a/node_modules", "excluded: made anew"]],
            "manifest": "studio-migrate/p/alice/manifest.jsonl.zst",
            "manifest_blake3": "cd",
        });
        let proof = Proof::from_receipt(&receipt).unwrap();
        assert_eq!((proof.totals.files, proof.left_behind()), (2, 4));
        assert_eq!(Proof::from_receipt(&json!({ "stopped": [] })), None);
    }
}
