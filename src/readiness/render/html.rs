//! The pre-migration report as one page for a change board.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::page::{self, RenderError};
use crate::inventory::{Snapshot, Unseen};
use crate::readiness::assess::{Blocked, Homes, Looked, Readiness};
use crate::readiness::catalogue::{chapter, explain};
use crate::readiness::doors::is_one_way;
use crate::readiness::estimate::{Estimate, Range};
use crate::readiness::finding::{Finding, Severity, Subject};
use crate::readiness::scoping::OutOfScope;
use crate::readiness::suppress::Suppressed;
use crate::readiness::verdict::{self, Person, Verdict};

/// Rows beyond which a group is folded.
const UNFOLDED: usize = 12;
/// Rows of a group that stand in the page; the CSV and the JSON have all.
const ROWS: usize = 300;
/// People who stand in the page for browsers without scripts.
const FIRST: usize = 200;

/// What draws the table of people.
const SCRIPT: &str = include_str!("people.js");

/// The columns of the table of people: names that the script knows, and titles.
const COLUMNS: [(&str, &str); 10] = [
    ("domain", "Domain"),
    ("profile", "Person"),
    ("verdict", "Verdict"),
    ("codes", "Findings"),
    ("owner", "Owner"),
    ("cost_centre", "Cost centre"),
    ("wave", "Wave"),
    ("batch", "Batch"),
    ("bytes", "Home"),
    ("files", "Files"),
];

#[derive(Serialize)]
struct Page<'a> {
    readiness: Shown<'a>,
    is_simulated: bool,
    counts: Vec<(Severity, usize)>,
    groups: Vec<Group<'a>>,
    unseen: Vec<&'a Unseen>,
    homes: Homes,
    /// What holds for everyone of an account.
    accounts: Vec<Door<'a>>,
    owners: Vec<Owner<'a>>,
    /// How many people move at once, in words.
    lanes: String,
    plain: usize,
    warned: usize,
    /// Classes and percent of the bar of verdicts.
    shares: [(&'static str, f64); 3],
    running: usize,
    doors: Vec<Door<'a>>,
    /// One-way doors that are not in the page.
    more_doors: usize,
    /// Label, count and percent of the largest.
    sizes: Vec<(String, usize, f64)>,
    chapters: Vec<(String, usize, f64)>,
    /// Label, range, and percent of the highest up to the lower end and from there to the higher.
    costs: Vec<Bar>,
    times: Vec<Bar>,
    domain_names: BTreeMap<&'a str, &'a str>,
    columns: [(&'static str, &'static str); 10],
    first: Vec<Value>,
    people_json: String,
    script: &'static str,
    script_hash: String,
}

/// What the page shows as it is: not everyone's verdict and every finding, which stand there in other forms.
#[derive(Serialize)]
struct Shown<'a> {
    targets: &'a [Looked],
    playbook: &'a str,
    people: usize,
    ready: usize,
    blocked: &'a [Blocked],
    groups: &'a [verdict::Group],
    estimate: &'a Estimate,
    suppressed: &'a [Suppressed],
    out_of_scope: &'a [OutOfScope],
    missing_targets: &'a [String],
}

#[derive(Serialize)]
struct Door<'a> {
    subject: String,
    title: &'a str,
    evidence: &'a str,
    code: &'a str,
}

/// Everyone for whom somebody answers, by verdict.
#[derive(Serialize)]
struct Owner<'a> {
    name: &'a str,
    blocked: Vec<String>,
    warned: Vec<String>,
    ready: Vec<String>,
}

/// The findings of one rule that weigh the same.
#[derive(Serialize)]
struct Group<'a> {
    code: &'a str,
    severity: Severity,
    title: &'a str,
    cause: &'a str,
    remedy: &'a str,
    sources: &'a [&'a str],
    is_folded: bool,
    count: usize,
    more: usize,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    subject: String,
    evidence: &'a str,
    /// Only where it says more than the group's.
    remedy: Option<&'a str>,
}

/// Renders readiness as one self-contained HTML page: nothing is loaded from elsewhere, and no script runs but ours.
pub fn html(snapshots: &[Snapshot], readiness: &Readiness) -> Result<String, RenderError> {
    let people: Vec<_> = readiness.verdicts.iter().map(cells).collect();
    let of = |verdict| readiness.verdicts.iter().filter(|one| one.verdict == verdict).count();
    let (plain, warned) = (of(Verdict::Ready), of(Verdict::ReadyWithWarnings));
    let share = |count: usize| percent(count, readiness.people);
    let doors: Vec<_> = doors(&readiness.findings).collect();
    let page = Page {
        readiness: Shown {
            targets: &readiness.targets,
            playbook: &readiness.playbook,
            people: readiness.people,
            ready: readiness.ready,
            blocked: &readiness.blocked,
            groups: &readiness.groups,
            estimate: &readiness.estimate,
            suppressed: &readiness.suppressed,
            out_of_scope: &readiness.out_of_scope,
            missing_targets: &readiness.missing_targets,
        },
        is_simulated: readiness
            .targets
            .iter()
            .any(|looked| looked.account.as_ref().is_some_and(|account| account.is_simulated())),
        counts: Severity::ALL.map(|severity| (severity, readiness.count(severity))).to_vec(),
        groups: groups(snapshots, &readiness.findings),
        unseen: readiness.targets.iter().flat_map(|looked| &looked.unseen).collect(),
        homes: readiness.homes(),
        accounts: readiness.of_accounts().map(door).collect(),
        owners: owners(&readiness.verdicts),
        lanes: match readiness.estimate.at_once {
            0 => "one at a time once the quota allows any".to_owned(),
            lanes => format!("{lanes} at once"),
        },
        plain,
        warned,
        shares: [
            ("good", share(plain)),
            ("warning", share(warned)),
            ("blocker", share(readiness.blocked.len())),
        ],
        running: readiness.targets.iter().map(|looked| looked.classic_apps).sum(),
        more_doors: doors.len().saturating_sub(FIRST),
        doors: doors.into_iter().take(FIRST).collect(),
        sizes: sizes(&readiness.verdicts),
        chapters: chapters(&readiness.findings),
        costs: bars(vec![
            ("a month before", readiness.estimate.before),
            ("a month after", readiness.estimate.after),
            ("once", readiness.estimate.once),
        ]),
        times: bars(vec![
            ("hours for everyone", readiness.estimate.hours),
            ("hours for one person", readiness.estimate.minutes_a_person.times(1.0 / 60.0)),
        ]),
        domain_names: readiness
            .targets
            .iter()
            .flat_map(|looked| &looked.domains)
            .map(|domain| (domain.id.as_str(), domain.name.as_str()))
            .collect(),
        columns: COLUMNS,
        first: people.iter().take(FIRST).cloned().collect(),
        // In a script element nothing but its end has a meaning, so that is all that must not occur.
        people_json: serde_json::to_string(&people)?.replace('<', "\\u003c"),
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
    };
    page::render(include_str!("readiness.html"), &page)
}

fn cells(person: &Person) -> Value {
    let codes: Vec<_> =
        person.blockers.iter().chain(&person.warnings).chain(&person.advice).cloned().collect();
    json!([
        person.domain,
        person.profile,
        person.verdict.name(),
        codes.join(" "),
        person.owner,
        person.cost_centre,
        person.wave,
        person.batch,
        person.home_bytes,
        person.home_files,
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a bar in a chart needs three digits")]
fn percent(count: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { (count as f64 / of as f64 * 1000.0).round() / 10.0 }
}

fn doors(findings: &[Finding]) -> impl Iterator<Item = Door<'_>> {
    findings.iter().filter(|finding| is_one_way(&finding.code)).map(door)
}

fn door(finding: &Finding) -> Door<'_> {
    Door {
        subject: finding.subject.to_string(),
        title: &finding.title,
        evidence: &finding.evidence,
        code: &finding.code,
    }
}

fn with_shares(counts: Vec<(String, usize)>) -> Vec<(String, usize, f64)> {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    counts.into_iter().map(|(label, count)| (label, count, percent(count, most))).collect()
}

/// Label, range, percent up to its lower end, percent from there to its higher.
type Bar = (&'static str, Range, f64, f64);

fn bars(ranges: Vec<(&'static str, Range)>) -> Vec<Bar> {
    let most = ranges.iter().fold(0.0, |most: f64, (_, range)| most.max(range.high));
    let share = |value: f64| if most > 0.0 { (value / most * 1000.0).round() / 10.0 } else { 0.0 };
    let bar = |(label, range): (&'static str, Range)| {
        (label, range, share(range.low), share(range.high - range.low))
    };
    ranges.into_iter().map(bar).collect()
}

fn sizes(people: &[Person]) -> Vec<(String, usize, f64)> {
    const GIB: u64 = 1 << 30;
    const CLASSES: [(&str, u64); 5] = [
        ("below 1 GiB", GIB),
        ("1 to 5 GiB", 5 * GIB),
        ("5 to 20 GiB", 20 * GIB),
        ("20 to 100 GiB", 100 * GIB),
        ("100 GiB and more", u64::MAX),
    ];
    let class = |bytes: u64| CLASSES.iter().position(|(_, below)| bytes < *below).unwrap_or(4);
    let mut counts = [0_usize; 6];
    for person in people {
        let place = person.home_bytes.map_or(5, class);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    let labels = CLASSES.iter().map(|(label, _)| *label).chain(["not measured"]);
    with_shares(labels.map(str::to_owned).zip(counts).collect())
}

fn chapters(findings: &[Finding]) -> Vec<(String, usize, f64)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(chapter(&finding.code)).or_default() += 1;
    }
    with_shares(counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
}

fn owners(people: &[Person]) -> Vec<Owner<'_>> {
    let mut by_owner: BTreeMap<&str, Owner<'_>> = BTreeMap::new();
    for person in people {
        let Some(name) = person.owner.as_deref() else { continue };
        let owner = by_owner.entry(name).or_insert_with(|| Owner {
            name,
            blocked: Vec::new(),
            warned: Vec::new(),
            ready: Vec::new(),
        });
        let mut who = person.profile.to_string();
        let codes = match person.verdict {
            Verdict::Blocked => &person.blockers,
            Verdict::ReadyWithWarnings => &person.warnings,
            Verdict::Ready | Verdict::ReadyInPart => &Vec::new(),
        };
        if !codes.is_empty() {
            who.push_str(&format!(" ({})", codes.join(" ")));
        }
        match person.verdict {
            Verdict::Blocked => owner.blocked.push(who),
            Verdict::ReadyWithWarnings => owner.warned.push(who),
            Verdict::Ready | Verdict::ReadyInPart => owner.ready.push(who),
        }
    }
    by_owner.into_values().collect()
}

/// The snapshot that a finding is about: the one with its domain.
fn snapshot_of<'a>(snapshots: &'a [Snapshot], subject: &Subject) -> Option<&'a Snapshot> {
    let domain = match subject {
        Subject::Domain { domain }
        | Subject::Profile { domain, .. }
        | Subject::Space { domain, .. } => Some(domain),
        Subject::Account | Subject::Thing { .. } => None,
    };
    let has = |snapshot: &&Snapshot| {
        domain.is_some_and(|id| snapshot.domains.iter().any(|domain| domain.id.as_str() == id))
    };
    snapshots.iter().find(has).or(snapshots.first())
}

fn groups<'a>(snapshots: &[Snapshot], findings: &'a [Finding]) -> Vec<Group<'a>> {
    findings
        .chunk_by(|a, b| a.code == b.code && a.severity == b.severity)
        .filter_map(|chunk| Some((chunk.first()?, chunk)))
        .map(|(first, chunk)| {
            let rule = explain(&first.code);
            let remedies: BTreeSet<_> = chunk.iter().map(|finding| &finding.remedy).collect();
            // One remedy for all stands above the table; else the rule's general one does.
            let shared = if remedies.len() == 1 { Some(first.remedy.as_str()) } else { None };
            let row = |finding: &'a Finding| {
                let is_plain = shared.is_some()
                    || rule.zip(snapshot_of(snapshots, &finding.subject)).is_some_and(
                        |(rule, snapshot)| {
                            rule.remedy_for(snapshot, &finding.subject) == finding.remedy
                        },
                    );
                Row {
                    subject: finding.subject.to_string(),
                    evidence: &finding.evidence,
                    remedy: (!is_plain).then_some(finding.remedy.as_str()),
                }
            };
            Group {
                code: &first.code,
                severity: first.severity,
                title: &first.title,
                cause: rule.map_or("", |rule| rule.cause),
                remedy: shared.or(rule.map(|rule| rule.remedy)).unwrap_or(&first.remedy),
                sources: rule.map(|rule| rule.sources).unwrap_or_default(),
                is_folded: chunk.len() > UNFOLDED,
                count: chunk.len(),
                more: chunk.len().saturating_sub(ROWS),
                rows: chunk.iter().take(ROWS).map(row).collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn the_page_says_who_is_ready_and_names_who_is_not() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].effective.auto_mount = Some("Disabled".to_owned());
        let page =
            html(std::slice::from_ref(&snapshot), &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(page.contains("1 of 2 people are ready"), "{page}");
        assert!(page.contains("Ready in part"));
        assert!(page.contains("d-abc/alice") || page.contains("d-abc&#x2f;alice"));
        assert!(page.contains("SM203"));
        assert!(!page.contains("simulated account"));
    }

    #[test]
    fn the_page_loads_nothing_and_escapes_names() {
        let (mut snapshot, playbook) = cases::everything();
        snapshot.domains[0].profiles[0].name = "</script><script>alert(1)</script>".into();
        snapshot.unseen[0].why = "<img src=x>".to_owned();
        let page =
            html(std::slice::from_ref(&snapshot), &Readiness::of(&snapshot, &playbook)).unwrap();
        assert_eq!(page.matches("<script").count(), 2, "a name became a tag");
        assert!(page.contains("&lt;script&gt;"));
        assert_eq!(page::loads(&page), Vec::<&str>::new());
        for code in ["SM101", "SM403", "SM703"] {
            assert!(page.contains(code), "{code} is missing");
        }
    }

    #[test]
    fn everyone_who_answers_for_someone_has_a_list() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        let [alice, bob] = snapshot.domains[0].profiles.as_mut_slice() else {
            panic!("two people")
        };
        alice.note.owner = Some("Dr <Ada>".to_owned());
        bob.note.owner = Some("Dr <Ada>".to_owned());
        bob.home_uid = None;
        let page =
            html(std::slice::from_ref(&snapshot), &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(
            page.contains("<b>Dr &lt;Ada&gt;</b>: 1 blocked, 0 ready with warnings, 1 ready"),
            "{page}"
        );
        assert!(page.contains("bob (SM202)"));
    }

    #[test]
    fn a_simulated_account_is_called_one() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.account = Some("000000000000".into());
        let page =
            html(std::slice::from_ref(&snapshot), &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(page.contains("simulated account"));
    }
}
