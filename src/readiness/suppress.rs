//! Findings that someone answers for: which ones the playbook's suppressions take out, and what is amiss with these.
//! SM109 and SM110.

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobMatcher;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::rules;
use super::finding::{Finding, Severity, Subject};
use super::rule::{Hit, Rule};
use super::view::View;
use crate::playbook::{Suppression, name_glob};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: EXPIRED,
        severity: Severity::Warning,
        title: "A suppression is over",
        cause: "Someone answered for a finding until a day, and the snapshot is from after it. The finding counts again.",
        remedy: "Look at the finding anew. If it is still no obstacle, have the owner set another `until` in the playbook; otherwise mend it, and take the suppression out.",
        sources: &["the playbook reference, `suppressions`"],
        look: expired,
    },
    Rule {
        code: FITS_NOTHING,
        severity: Severity::Advice,
        title: "A suppression fits no finding",
        cause: "What it was for is mended, or its code or subject is mistyped. If something of the kind turns up later, nobody will see it.",
        remedy: "Take it out of `suppressions` in the playbook, or correct it: the subject is a pattern over what the report writes under \"About\".",
        sources: &["the playbook reference, `suppressions`"],
        look: fitting_nothing,
    },
];

const EXPIRED: &str = "SM109";
const FITS_NOTHING: &str = "SM110";

/// A finding that counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppressed {
    /// What was found.
    pub finding: Finding,
    /// What it is about, in words.
    #[serde(default)]
    pub about: String,
    /// Why it is no obstacle, by the playbook.
    pub reason: String,
    /// Who answers for that.
    pub owner: String,
    /// The last day on which that holds.
    #[schemars(with = "String")]
    pub until: Date,
}

/// Findings, told apart.
#[derive(Debug, Default)]
pub(super) struct Weighed {
    pub(super) findings: Vec<Finding>,
    pub(super) suppressed: Vec<Suppressed>,
}

/// A suppression with its number in the playbook, and what its subject has to be like.
type Numbered<'a> = (usize, &'a Suppression, Option<GlobMatcher>);

/// The suppressions that still hold, by the code that they are about.
struct InForce<'a> {
    by_code: BTreeMap<&'a str, Vec<Numbered<'a>>>,
}

impl<'a> InForce<'a> {
    fn of(view: &View<'a>) -> Self {
        let mut by_code: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (number, suppression) in view.playbook.suppressions.iter().enumerate() {
            if !is_over(suppression, view) {
                let glob = name_glob(&suppression.subject).ok();
                by_code.entry(&suppression.code).or_default().push((number, suppression, glob));
            }
        }
        Self { by_code }
    }

    /// Every suppression that fits a finding, in the order of the playbook.
    fn fitting(&self, finding: &Finding) -> Vec<(usize, &'a Suppression)> {
        let of_code = self.by_code.get(finding.code.as_str());
        let Some(of_code) = of_code else { return Vec::new() };
        let subject = finding.subject.to_string();
        of_code
            .iter()
            .filter(|(_, _, glob)| glob.as_ref().is_some_and(|glob| glob.is_match(&subject)))
            .map(|(number, suppression, _)| (*number, *suppression))
            .collect()
    }
}

/// The day of the snapshot; one that bears no time proves no suppression to hold.
fn is_over(suppression: &Suppression, view: &View<'_>) -> bool {
    let day = view.snapshot.taken_at.get(..10).and_then(|day| day.parse::<Date>().ok());
    day.is_none_or(|day| day > suppression.until)
}

/// Puts every rule to the snapshot, and takes out what the playbook suppresses.
pub(super) fn weigh(view: &View<'_>) -> Weighed {
    let in_force = InForce::of(view);
    let mut weighed = Weighed::default();
    let mut fitted = BTreeSet::new();
    for rule in rules().iter().filter(|rule| rule.code != FITS_NOTHING) {
        for finding in rule.check_view(view) {
            let fitting = in_force.fitting(&finding);
            fitted.extend(fitting.iter().map(|(number, _)| *number));
            match fitting.first() {
                None => weighed.findings.push(finding),
                Some((_, by)) => weighed.suppressed.push(Suppressed {
                    about: finding.subject.to_string(),
                    finding,
                    reason: by.reason.clone(),
                    owner: by.owner.clone(),
                    until: by.until,
                }),
            }
        }
    }
    // Said before the last rule is asked, which would otherwise put every other rule to the snapshot again.
    let _ = view.fitted.set(fitted);
    let last = rules().iter().filter(|rule| rule.code == FITS_NOTHING);
    weighed.findings.extend(last.flat_map(|rule| rule.check_view(view)));
    weighed
}

fn described(suppression: &Suppression) -> String {
    format!(
        "{} about {} until {}, owner {}: {}",
        suppression.code,
        suppression.subject,
        suppression.until,
        suppression.owner,
        suppression.reason
    )
}

fn expired(view: &View<'_>) -> Vec<Hit> {
    let over = view.playbook.suppressions.iter().filter(|one| is_over(one, view));
    over.map(|one| Hit::new(Subject::thing(&one.code), described(one))).collect()
}

fn fitting_nothing(view: &View<'_>) -> Vec<Hit> {
    if view.playbook.suppressions.is_empty() {
        return Vec::new();
    }
    if view.fitted.get().is_none() {
        weigh(view);
    }
    let fitted = view.fitted.get();
    (0..)
        .zip(&view.playbook.suppressions)
        .filter(|(number, one)| {
            !is_over(one, view) && !fitted.is_some_and(|fitted| fitted.contains(number))
        })
        .map(|(_, one): (usize, _)| Hit::new(Subject::thing(&one.code), described(one)))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::readiness::{Readiness, assess, cases};

    #[test]
    fn a_suppressed_blocker_blocks_nobody_and_is_kept_with_reason_owner_and_day() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        "Failed".clone_into(&mut snapshot.domains[0].profiles[0].status);
        "Failed".clone_into(&mut snapshot.domains[0].profiles[1].status);
        assert_eq!(Readiness::of(&snapshot, &playbook).ready, 0);
        playbook.suppressions = vec![cases::suppression("SM201", "D-ABC/ali*", "2026-08-01")];
        let readiness = Readiness::of(&snapshot, &playbook);
        assert_eq!((readiness.ready, readiness.blocked.len()), (1, 1));
        let [suppressed] = readiness.suppressed.as_slice() else { panic!("one") };
        assert_eq!(suppressed.finding.subject.to_string(), "d-abc/alice");
        assert_eq!((suppressed.owner.as_str(), suppressed.reason.as_str()), ("ops", "looked at"));
        assert!(readiness.findings.iter().all(|finding| finding.code == "SM201"));
        assert_eq!(assess(&snapshot, &playbook), readiness.findings);
    }

    #[test]
    fn a_suppression_holds_to_its_last_day_and_no_longer() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        "Failed".clone_into(&mut snapshot.domains[0].profiles[0].status);
        playbook.suppressions = vec![cases::suppression("SM201", "*", "2026-07-31")];
        let codes = |snapshot: &_| {
            let findings = assess(snapshot, &playbook);
            findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&snapshot), ["SM201", "SM109"]);
        "2026-07-31T23:59:59Z".clone_into(&mut snapshot.taken_at);
        assert!(codes(&snapshot).is_empty());
    }
}
