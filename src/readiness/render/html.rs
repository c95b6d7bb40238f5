//! The pre-migration report as one page for a change board.

use std::collections::BTreeSet;

use serde::Serialize;

use super::page::{self, RenderError};
use crate::inventory::{Snapshot, Unseen};
use crate::readiness::assess::Readiness;
use crate::readiness::catalogue::explain;
use crate::readiness::finding::{Finding, Severity};

/// Rows beyond which a group is folded.
const UNFOLDED: usize = 12;

#[derive(Serialize)]
struct Page<'a> {
    readiness: &'a Readiness,
    is_simulated: bool,
    counts: Vec<(Severity, usize)>,
    groups: Vec<Group<'a>>,
    unseen: &'a [Unseen],
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
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    subject: String,
    evidence: &'a str,
    /// Only where it says more than the group's.
    remedy: Option<&'a str>,
}

/// Renders readiness as one self-contained HTML page: no scripts, nothing loaded from elsewhere.
pub fn html(snapshot: &Snapshot, readiness: &Readiness) -> Result<String, RenderError> {
    let page = Page {
        readiness,
        is_simulated: snapshot.account.as_ref().is_some_and(|account| account.is_simulated()),
        counts: Severity::ALL.map(|severity| (severity, readiness.count(severity))).to_vec(),
        groups: groups(snapshot, &readiness.findings),
        unseen: &snapshot.unseen,
    };
    page::render(include_str!("readiness.html"), &page)
}

fn groups<'a>(snapshot: &Snapshot, findings: &'a [Finding]) -> Vec<Group<'a>> {
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
                    || rule.is_some_and(|rule| {
                        rule.remedy_for(snapshot, &finding.subject) == finding.remedy
                    });
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
                rows: chunk.iter().map(row).collect(),
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
        let page = html(&snapshot, &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(page.contains("1 of 2 people are ready"), "{page}");
        assert!(page.contains("d-abc/alice") || page.contains("d-abc&#x2f;alice"));
        assert!(page.contains("SM203"));
        assert!(!page.contains("simulated account"));
    }

    #[test]
    fn the_page_loads_nothing_and_escapes_names() {
        let (mut snapshot, playbook) = cases::everything();
        snapshot.domains[0].profiles[0].name = "<script>alert(1)</script>".into();
        snapshot.unseen[0].why = "<img src=x>".to_owned();
        let page = html(&snapshot, &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(!page.contains("<script"), "a name became a tag");
        assert!(page.contains("&lt;script&gt;"));
        assert_eq!(page::loads(&page), Vec::<&str>::new());
        for code in ["SM101", "SM409", "SM703"] {
            assert!(page.contains(code), "{code} is missing");
        }
    }

    #[test]
    fn a_simulated_account_is_called_one() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.account = Some("000000000000".into());
        let page = html(&snapshot, &Readiness::of(&snapshot, &playbook)).unwrap();
        assert!(page.contains("simulated account"));
    }
}
