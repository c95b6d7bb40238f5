//! The findings as a table for a spreadsheet.

use crate::inventory::{CSV_BOM, csv_line};
use crate::readiness::assess::Readiness;
use crate::readiness::finding::Subject;

/// The columns; new ones are added at the end only.
const COLUMNS: [&str; 9] = [
    "code",
    "severity",
    "subject_kind",
    "domain",
    "profile",
    "subject",
    "title",
    "evidence",
    "remedy",
];

/// Renders the findings as CSV that Excel opens as it is: UTF-8 with a byte order mark, no cell that could be a formula.
pub fn csv(readiness: &Readiness) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for finding in &readiness.findings {
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
        ]));
    }
    table
}

/// The columns of the table of people; new ones are added at the end only.
const PEOPLE: [&str; 14] = [
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
];

/// Renders everyone's verdict as CSV, a row a person.
pub fn people_csv(readiness: &Readiness) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(PEOPLE));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
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
            "d-abc,alice,ready,,,,,,,1073741824,1200,arn:aws:iam::123456789012:role/alice,5,"
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
            "\u{feff}code,severity,subject_kind,domain,profile,subject,title,evidence,remedy"
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
