//! One report over several targets.

use super::assess::{Looked, Readiness, order};
use super::estimate::Estimate;
use super::finding::{Finding, Subject};
use super::suppress::{Suppressed, Weighed};
use crate::names::{AccountId, Region};
use crate::playbook::Playbook;

/// Rules about the playbook itself: they speak of every target at once.
const OF_THE_PLAYBOOK: [&str; 3] = ["SM108", "SM109", "SM110"];

pub(super) fn merged(parts: Vec<Readiness>, playbook: &Playbook) -> Readiness {
    let (mut targets, mut verdicts, mut estimates) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Weighed::default();
    let mut out_of_scope = Vec::new();
    let of_the_playbook = |finding: &Finding| OF_THE_PLAYBOOK.contains(&finding.code.as_str());
    // A domain that is not in this target may be in that one: what is missing is missing in all.
    let everywhere: Vec<_> = parts
        .iter()
        .take(1)
        .flat_map(|part| &part.findings)
        .filter(|one| of_the_playbook(one) && parts.iter().all(|part| part.findings.contains(one)))
        .cloned()
        .collect();
    for part in parts {
        let whose = part.targets.first().map_or_else(String::new, Looked::place);
        let named = |mut finding: Finding| {
            if matches!(finding.subject, Subject::Account | Subject::Thing { .. }) {
                finding.evidence = format!("{whose}: {}", finding.evidence);
            }
            finding
        };
        all.findings
            .extend(part.findings.into_iter().filter(|one| !of_the_playbook(one)).map(named));
        all.suppressed.extend(
            part.suppressed
                .into_iter()
                .map(|one| Suppressed { finding: named(one.finding), ..one }),
        );
        out_of_scope.extend(part.out_of_scope);
        targets.extend(part.targets);
        verdicts.extend(part.verdicts);
        estimates.push((whose, part.estimate));
    }
    all.findings.extend(everywhere);
    all.findings.sort_by(order);
    all.suppressed.sort_by(|a, b| order(&a.finding, &b.finding));
    let estimate = Estimate::sum(estimates);
    let counted = Readiness::counted(playbook, targets, verdicts, all, estimate);
    Readiness { out_of_scope, ..counted }
}

impl Looked {
    /// The account and Region, in words.
    pub fn place(&self) -> String {
        let known = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        let account = known(self.account.as_ref().map(AccountId::as_str));
        format!("{account} in {}", known(self.region.as_ref().map(Region::as_str)))
    }
}
