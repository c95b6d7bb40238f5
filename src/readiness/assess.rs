//! Every rule put to a snapshot, and who is ready.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimate::{Estimate, estimate};
use super::finding::{Finding, Severity};
use super::suppress::{Suppressed, Weighed, weigh};
use super::verdict::{self, Group, Person, Verdict};
use super::view::View;
use crate::inventory::Snapshot;
use crate::names::{AccountId, DomainId, ProfileName, Region, SnapshotId};
use crate::playbook::Playbook;

/// Puts every rule to a snapshot; blockers come first, then by code and subject. What the playbook suppresses is not among
/// them.
pub fn assess(snapshot: &Snapshot, playbook: &Playbook) -> Vec<Finding> {
    weighed(&View::of(snapshot, playbook)).findings
}

fn weighed(view: &View<'_>) -> Weighed {
    let mut weighed = weigh(view);
    weighed.findings.sort_by(order);
    weighed.suppressed.sort_by(|a, b| order(&a.finding, &b.finding));
    weighed
}

fn order(a: &Finding, b: &Finding) -> Ordering {
    b.severity
        .cmp(&a.severity)
        .then_with(|| a.code.cmp(&b.code))
        .then_with(|| a.subject.cmp(&b.subject))
        .then_with(|| a.evidence.cmp(&b.evidence))
}

/// Someone who cannot be migrated as things are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    /// The domain.
    pub domain: DomainId,
    /// The profile.
    pub profile: ProfileName,
    /// The codes of the blockers, each once, in order.
    pub codes: Vec<String>,
}

/// Homes in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Homes {
    /// Homes that were measured.
    pub measured: usize,
    /// Homes that were not.
    pub unmeasured: usize,
    /// Regular files of the measured ones.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the largest one.
    pub largest: u64,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    /// The snapshot's id, once it is kept.
    pub id: Option<SnapshotId>,
    /// When collection began, RFC 3339.
    pub taken_at: String,
    /// The caller's ARN.
    pub caller: String,
    /// The account.
    pub account: Option<AccountId>,
    /// The Region.
    pub region: Option<Region>,
    /// Domains in scope, with the people in scope of each.
    pub domains: Vec<(DomainId, usize)>,
    /// Homes of the people in scope.
    pub homes: Homes,
    /// How many things could not be seen.
    pub unseen: usize,
}

/// The pre-migration report as data: who is ready, and what stands in the way of the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// The version of this format; 2 today.
    #[schemars(range(min = 2, max = 2))]
    pub schema: u32,
    /// What was looked at: one account and Region each.
    pub targets: Vec<Looked>,
    /// The playbook's name.
    pub playbook: String,
    /// People in scope.
    pub people: usize,
    /// People without a blocker.
    pub ready: usize,
    /// People with one, by domain and name.
    pub blocked: Vec<Blocked>,
    /// Everyone in scope, by domain and name.
    pub verdicts: Vec<Person>,
    /// Domains, and whatever else people are grouped by.
    pub groups: Vec<Group>,
    /// Findings by severity.
    pub counts: BTreeMap<String, usize>,
    /// Every finding, blockers first.
    pub findings: Vec<Finding>,
    /// How long a migration takes and what it costs.
    #[serde(default)]
    pub estimate: Estimate,
    /// Findings that count no more, since the playbook names who answers for them.
    #[serde(default)]
    pub suppressed: Vec<Suppressed>,
}

/// Returns the JSON Schema of a report, as the page `docs/readiness.schema.json` has it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Readiness).to_value()
}

impl Readiness {
    /// Assesses a snapshot and counts who is ready.
    pub fn of(snapshot: &Snapshot, playbook: &Playbook) -> Self {
        let view = View::of(snapshot, playbook);
        let Weighed { findings, suppressed } = weighed(&view);
        let verdicts = verdict::people(&view, &findings);
        let groups = verdict::groups(&verdicts, &findings);
        let blocked = blocked(&verdicts);
        let people = view.headcount();
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            schema: 2,
            targets: vec![looked(&view)],
            playbook: playbook.name.clone(),
            people,
            ready: people - blocked.len(),
            blocked,
            verdicts,
            groups,
            counts: Severity::ALL.map(|s| (s.name().to_owned(), count(s))).into(),
            findings,
            suppressed,
            estimate: estimate(&view),
        }
    }

    /// Tells whether anything blocks anyone, or everyone.
    pub fn is_blocked(&self) -> bool {
        self.count(Severity::Blocker) > 0
    }

    /// Returns how many findings weigh this much.
    pub fn count(&self, severity: Severity) -> usize {
        self.counts.get(severity.name()).copied().unwrap_or(0)
    }
}

/// Those who cannot be migrated as things are.
fn blocked(people: &[Person]) -> Vec<Blocked> {
    people
        .iter()
        .filter(|person| person.verdict == Verdict::Blocked)
        .map(|person| Blocked {
            domain: person.domain.clone(),
            profile: person.profile.clone(),
            codes: person.blockers.clone(),
        })
        .collect()
}

fn looked(view: &View<'_>) -> Looked {
    let mut homes = Homes::default();
    for (_, profile) in view.people() {
        match &profile.home {
            None => homes.unmeasured += 1,
            Some(home) => {
                homes.measured += 1;
                homes.files = homes.files.saturating_add(home.files);
                homes.bytes = homes.bytes.saturating_add(home.bytes);
                homes.largest = homes.largest.max(home.bytes);
            }
        }
    }
    let snapshot = view.snapshot;
    Looked {
        id: snapshot.id.clone(),
        taken_at: snapshot.taken_at.clone(),
        caller: snapshot.caller.clone(),
        account: snapshot.account.clone(),
        region: snapshot.region.clone(),
        domains: view
            .domains
            .iter()
            .map(|scope| (scope.domain.id.clone(), scope.people.len()))
            .collect(),
        homes,
        unseen: snapshot.unseen.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn a_blocker_about_the_domain_blocks_everyone_in_it() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        "Failed".clone_into(&mut snapshot.domains[0].status);
        let readiness = Readiness::of(&snapshot, &playbook);
        assert_eq!((readiness.people, readiness.ready), (2, 0));
        assert_eq!(readiness.blocked[1].codes, ["SM101"]);
        assert!(readiness.findings[0].blocks(&"d-abc".into(), &"bob".into()));
        assert!(!readiness.findings[0].blocks(&"d-other".into(), &"bob".into()));
    }

    #[test]
    fn a_blocker_about_a_person_leaves_the_others_ready() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].effective.auto_mount = Some("Disabled".to_owned());
        snapshot.domains[0].profiles[0].home_uid = None;
        let readiness = Readiness::of(&snapshot, &playbook);
        assert_eq!((readiness.people, readiness.ready), (2, 1));
        assert_eq!(readiness.blocked[0].codes, ["SM202", "SM203"]);
        assert!(readiness.is_blocked());
    }

    #[test]
    fn blockers_come_first_then_codes_then_subjects() {
        let (snapshot, playbook) = cases::everything();
        let findings = assess(&snapshot, &playbook);
        let keys: Vec<_> = findings
            .iter()
            .map(|f| (std::cmp::Reverse(f.severity), f.code.clone(), f.subject.clone()))
            .collect();
        assert!(keys.is_sorted());
        assert_eq!(findings, assess(&snapshot, &playbook));
    }

    #[test]
    fn the_json_can_be_read_back() {
        let (snapshot, playbook) = cases::everything();
        let readiness = Readiness::of(&snapshot, &playbook);
        let json = serde_json::to_value(&readiness).unwrap();
        assert_eq!(json["schema"], 2);
        for key in ["targets", "people", "ready", "blocked", "findings"] {
            assert!(!json[key].is_null(), "{key} is missing");
        }
        assert_eq!(serde_json::from_value::<Readiness>(json).unwrap(), readiness);
    }
}
