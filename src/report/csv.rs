//! One row for each person, for a spreadsheet.

use super::facts::PersonFacts;
use super::summary::Report;
use crate::inventory::{CSV_BOM, csv_line};

/// The columns; new ones are added at the end only.
const COLUMNS: [&str; 26] = [
    "migration",
    "domain",
    "profile",
    "batch",
    "space",
    "volume_gb",
    "standing",
    "began_at",
    "ended_at",
    "files",
    "bytes",
    "digest",
    "device",
    "fstype",
    "not_copied",
    "excluded",
    "special",
    "unreadable",
    "manifest",
    "manifest_blake3",
    "remarks",
    "failed_step",
    "failure",
    "hint",
    "held_from",
    "held_minutes",
];

/// Renders the people as CSV that Excel opens as it is: UTF-8 with a byte order mark, no cell that could be a formula.
///
/// People whom the plan left out follow, with the standing `left-out` and the reason as failure.
pub fn csv(report: &Report) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for person in &report.people {
        table.push_str(&csv_line(row(person)));
    }
    for left in &report.left_out {
        let mut cells = vec![String::new(); COLUMNS.len()];
        let values = [
            (1, left.domain.as_str()),
            (2, left.who.as_str()),
            (6, "left-out"),
            (22, left.because.as_str()),
        ];
        for (column, value) in values {
            if let Some(cell) = cells.get_mut(column) {
                value.clone_into(cell);
            }
        }
        table.push_str(&csv_line(cells));
    }
    table
}

fn row(person: &PersonFacts) -> [String; 26] {
    let (began, ended) = person.span();
    let proof = person.proof.as_ref();
    let (failure, held) = (person.failure.as_ref(), person.held.as_ref());
    let text = |text: Option<&str>| text.unwrap_or("").to_owned();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let class = |name: &str| number(proof.map(|p| p.not_copied.get(name).copied().unwrap_or(0)));
    [
        person.migration.to_string(),
        person.domain.to_string(),
        person.profile.to_string(),
        person.batch.to_string(),
        person.space.to_string(),
        person.volume_gb.to_string(),
        person.standing.clone(),
        text(began),
        text(ended),
        number(proof.map(|proof| proof.totals.files)),
        number(proof.map(|proof| proof.totals.bytes)),
        text(proof.map(|proof| proof.totals.digest.as_str())),
        text(proof.map(|proof| proof.evidence.device.as_str())),
        text(proof.map(|proof| proof.evidence.fstype.as_str())),
        number(proof.map(super::Proof::left_behind)),
        class("excluded"),
        class("special"),
        class("unreadable"),
        text(proof.map(|proof| proof.manifest.as_str())),
        text(proof.map(|proof| proof.manifest_blake3.as_str())),
        person.remarks.join("; "),
        text(failure.map(|failure| failure.step.as_str())),
        text(failure.map(|failure| failure.message.as_str())),
        text(failure.and_then(|failure| failure.hint.as_deref())),
        text(held.map(|held| held.from.as_str())),
        held.and_then(|held| held.minutes).map(|minutes| minutes.to_string()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cases;

    #[test]
    fn everyone_has_a_row_and_whoever_was_left_out_too() {
        insta::assert_snapshot!(csv(&Report::from(cases::inputs())));
    }

    #[test]
    fn a_failure_that_looks_like_a_formula_stays_text() {
        let mut inputs = cases::inputs();
        inputs.left_out[0].because = "=1+1".to_owned();
        assert!(csv(&Report::from(inputs)).contains(",'=1+1,"));
    }
}
