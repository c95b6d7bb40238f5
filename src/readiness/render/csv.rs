//! The findings as a table for a spreadsheet.

use std::collections::BTreeMap;

use crate::inventory::{CSV_BOM, csv_line};
use crate::readiness::assess::Readiness;
use crate::readiness::finding::Subject;

/// The columns; new ones are added at the end only.
const COLUMNS: [&str; 12] = [
    "code",
    "severity",
    "subject_kind",
    "domain",
    "profile",
    "subject",
    "title",
    "evidence",
    "remedy",
    "suppressed_until",
    "suppressed_by",
    "suppressed_because",
];

/// Renders the findings as CSV that Excel opens as it is: UTF-8 with a byte order mark, no cell that could be a formula.
pub fn csv(readiness: &Readiness) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    let counting = readiness.findings.iter().map(|finding| (finding, None));
    let suppressed = readiness.suppressed.iter().map(|one| (&one.finding, Some(one)));
    for (finding, suppressed) in counting.chain(suppressed) {
        let until = suppressed.map(|one| one.until.to_string()).unwrap_or_default();
        let (domain, profile) = match &finding.subject {
            Subject::Domain { domain } | Subject::Space { domain, .. } => (domain.as_str(), ""),
            Subject::Profile { domain, profile } => (domain.as_str(), profile.as_str()),
            Subject::Account | Subject::Thing { .. } => ("", ""),
        };
        table.push_str(&csv_line([
            finding.code.as_str(),
            finding.severity.name(),
            finding.subject.kind(),
            domain,
            profile,
            &finding.subject.to_string(),
            &finding.title,
            &finding.evidence,
            &finding.remedy,
            &until,
            suppressed.map_or("", |one| one.owner.as_str()),
            suppressed.map_or("", |one| one.reason.as_str()),
        ]));
    }
    table
}

/// The columns of the table of people; new ones are added at the end only.
const PEOPLE: [&str; 15] = [
    "domain",
    "profile",
    "verdict",
    "blockers",
    "warnings",
    "advice",
    "owner",
    "cost_centre",
    "wave",
    "home_bytes",
    "home_files",
    "execution_role",
    "volume_gb",
    "batch",
    "suppressed",
];

/// Renders everyone's verdict as CSV, a row a person.
pub fn people_csv(readiness: &Readiness) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(PEOPLE));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut suppressed: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for one in &readiness.suppressed {
        if let Subject::Profile { domain, profile } = &one.finding.subject {
            suppressed.entry((domain, profile)).or_default().push(&one.finding.code);
        }
    }
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    for person in &readiness.verdicts {
        table.push_str(&csv_line([
            person.domain.to_string(),
            person.profile.to_string(),
            person.verdict.name().to_owned(),
            person.blockers.join(" "),
            person.warnings.join(" "),
            person.advice.join(" "),
            text(&person.owner),
            text(&person.cost_centre),
            text(&person.wave),
            number(person.home_bytes),
            number(person.home_files),
            text(&person.role),
            number(person.volume_gb),
            text(&person.batch),
            suppressed
                .get(&(person.domain.as_str(), person.profile.as_str()))
                .map(|codes: &Vec<&str>| codes.join(" "))
                .unwrap_or_default(),
        ]));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn a_person_is_a_row() {
        let (snapshot, playbook) = (cases::clean(), cases::playbook());
        let table = people_csv(&Readiness::of(&snapshot, &playbook));
        let alice = table.lines().nth(1).unwrap();
        assert_eq!(
            alice,
            "d-abc,alice,ready,,,,,,,1073741824,1200,arn:aws:iam::123456789012:role/alice,5,,"
        );
    }

    #[test]
    fn a_finding_is_a_row() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].status = "=cmd".to_owned();
        let table = csv(&Readiness::of(&snapshot, &playbook));
        let lines: Vec<_> = table.split("\r\n").collect();
        assert_eq!(
            lines[0],
            "\u{feff}code,severity,subject_kind,domain,profile,subject,title,evidence,remedy,suppressed_until,suppressed_by,suppressed_because"
        );
        assert!(
            lines[1].starts_with(
                "SM201,blocker,profile,d-abc,alice,d-abc/alice,The profile is not in service,status =cmd,"
            ),
            "{}",
            lines[1]
        );
        assert_eq!(lines.len(), 3);
    }
}
