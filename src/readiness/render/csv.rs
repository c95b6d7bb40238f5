//! The findings as a table for a spreadsheet.

use super::text::{CSV_BOM, csv_line};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

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
