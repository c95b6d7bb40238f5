//! Every rule put to a snapshot, and who is ready.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimate::{Estimate, estimate};
use super::finding::{Finding, Severity, Subject};
use super::scoping::OutOfScope;
use super::suppress::{Suppressed, Weighed, weigh};
use super::targets;
use super::verdict::{self, Group, Person, Verdict};
use super::view::View;
use crate::inventory::{Snapshot, Unseen};
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

pub(super) fn order(a: &Finding, b: &Finding) -> Ordering {
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

/// A domain that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookedDomain {
    /// Its id.
    pub id: DomainId,
    /// Its name.
    pub name: String,
    /// People in scope.
    pub people: usize,
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
    /// Domains in scope.
    pub domains: Vec<LookedDomain>,
    /// Homes of the people in scope.
    pub homes: Homes,
    /// What could not be seen, and why not.
    pub unseen: Vec<Unseen>,
    /// Classic apps that run.
    pub classic_apps: usize,
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
    /// People who are not in scope, and why.
    #[serde(default)]
    pub out_of_scope: Vec<OutOfScope>,
    /// Targets of the playbook of which there is no snapshot: this report does not speak of them.
    #[serde(default)]
    pub missing_targets: Vec<String>,
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
        let weighed = weighed(&view);
        let verdicts = verdict::people(&view, &weighed.findings);
        let estimate = estimate(&view);
        let mut report = Self::counted(playbook, vec![looked(&view)], verdicts, weighed, estimate);
        report.out_of_scope = view.out;
        report
    }

    /// Assesses what several snapshots hold as one report: the last of every target, say.
    ///
    /// A blocker about an account blocks the people of that account only. What is said of an account, or of a thing that has
    /// its name from an account, begins with whose it is.
    pub fn over(snapshots: &[Snapshot], playbook: &Playbook) -> Self {
        let parts: Vec<_> = snapshots.iter().map(|snapshot| Self::of(snapshot, playbook)).collect();
        if parts.len() < 2 {
            return parts
                .into_iter()
                .next()
                .unwrap_or_else(|| Self::of(&Snapshot::default(), playbook));
        }
        targets::merged(parts, playbook)
    }

    /// Says which batch everyone is in, by domain and profile, and groups them by it.
    pub fn in_batches(&mut self, batches: &BTreeMap<(DomainId, ProfileName), String>) {
        for person in &mut self.verdicts {
            let key = (person.domain.clone(), person.profile.clone());
            person.batch = batches.get(&key).cloned();
        }
        self.groups = verdict::groups(&self.verdicts, &self.findings);
    }

    /// Counts what was found.
    pub(super) fn counted(
        playbook: &Playbook,
        targets: Vec<Looked>,
        verdicts: Vec<Person>,
        Weighed { findings, suppressed }: Weighed,
        estimate: Estimate,
    ) -> Self {
        let blocked = blocked(&verdicts);
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            schema: 2,
            targets,
            playbook: playbook.name.clone(),
            people: verdicts.len(),
            ready: verdicts.len() - blocked.len(),
            blocked,
            groups: verdict::groups(&verdicts, &findings),
            verdicts,
            counts: Severity::ALL.map(|s| (s.name().to_owned(), count(s))).into(),
            findings,
            suppressed,
            estimate,
            out_of_scope: Vec::new(),
            missing_targets: Vec::new(),
        }
    }

    /// Adds up the homes of every target.
    pub fn homes(&self) -> Homes {
        let mut all = Homes::default();
        for homes in self.targets.iter().map(|looked| looked.homes) {
            all.measured += homes.measured;
            all.unmeasured += homes.unmeasured;
            all.files = all.files.saturating_add(homes.files);
            all.bytes = all.bytes.saturating_add(homes.bytes);
            all.largest = all.largest.max(homes.largest);
        }
        all
    }

    /// Warnings and blockers about a whole account: they hold for everyone in it.
    pub fn of_accounts(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            finding.subject == Subject::Account && finding.severity > Severity::Advice
        })
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
    let apps = snapshot.domains.iter().flat_map(|domain| &domain.apps);
    Looked {
        id: snapshot.id.clone(),
        taken_at: snapshot.taken_at.clone(),
        caller: snapshot.caller.clone(),
        account: snapshot.account.clone(),
        region: snapshot.region.clone(),
        domains: view
            .domains
            .iter()
            .map(|scope| LookedDomain {
                id: scope.domain.id.clone(),
                name: scope.domain.name.clone(),
                people: scope.people.len(),
            })
            .collect(),
        homes,
        unseen: snapshot.unseen.clone(),
        classic_apps: apps.filter(|app| app.is_classic()).count(),
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

    #[test]
    fn several_targets_make_one_report_in_which_a_blocked_account_blocks_its_own_people_only() {
        let (here, mut playbook) = (cases::clean(), cases::playbook());
        let mut there = cases::clean();
        there.account = Some("210987654321".into());
        there.domains[0].id = "d-there".into();
        there.file_systems[0].domain = Some("d-there".into());
        let (name, _) = there.quotas.iter().find(|(name, _)| name.contains("JupyterLab")).unwrap();
        there.quotas.insert(name.clone(), 0.0);
        playbook.suppressions = vec![cases::suppression("SM601", "nobody", "2027-07-01")];
        playbook.scope.domains = ["d-abc", "d-there"].map(str::to_owned).to_vec();
        let report = Readiness::over(&[here.clone(), there.clone()], &playbook);
        assert_eq!((report.people, report.ready, report.targets.len()), (4, 2, 2));
        assert!(report.blocked.iter().all(|one| one.domain == "d-there".into()));
        let of = |code: &str| report.findings.iter().find(|one| one.code == code);
        let quota = of("SM601").unwrap();
        assert!(quota.evidence.starts_with("210987654321 in eu-west-1: "), "{}", quota.evidence);
        // The suppression fits nowhere, which is said once; both domains are somewhere.
        assert_eq!(report.findings.iter().filter(|one| one.code == "SM110").count(), 1);
        assert_eq!(of("SM108"), None);
        let alone = Readiness::over(std::slice::from_ref(&here), &playbook);
        assert_eq!(alone, Readiness::of(&here, &playbook));
        let hours = |report: &Readiness| report.estimate.hours.high;
        assert!(hours(&report) > hours(&alone) && report.estimate.measured == 4);
    }

    #[test]
    fn a_batch_has_the_verdict_of_its_people() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[1].home_uid = None;
        let mut report = Readiness::of(&snapshot, &playbook);
        let of = |profile: &str, batch: &str| (("d-abc".into(), profile.into()), batch.to_owned());
        report.in_batches(&[of("alice", "pilot"), of("bob", "batch-1")].into());
        let of =
            |name: &str| report.groups.iter().find(|group| group.name == name).unwrap().verdict;
        assert_eq!((of("pilot"), of("batch-1")), (Verdict::Ready, Verdict::Blocked));
    }
}
