//! Rules about the inventory as a whole: SM107 and SM108.

use std::collections::BTreeMap;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM107",
        severity: Severity::Warning,
        title: "Some things could not be seen",
        cause: "What the inventory was not allowed to see, no rule can judge: a person may look ready who is not.",
        remedy: "Give the caller what `studio-migrate iam operator` prints, and take the inventory again. Where a refusal is meant, note it in the change request. A home that is another than an earlier inventory saw is not taken: look at what is mounted, and say with `inventory --mount <dir> --believe <profile>` where it is right all the same.",
        sources: &[page::MIGRATE],
        look: unseen,
    },
    Rule {
        code: "SM108",
        severity: Severity::Warning,
        title: "The playbook names people or domains that are not there",
        cause: "A domain id that is mistyped, or a pattern of names that fits nobody, leaves people behind without anyone noticing.",
        remedy: "Correct `scope` in the playbook (`studio-migrate playbook show` prints it), or take an inventory that covers the domain: `studio-migrate inventory --domain <domain>`.",
        sources: &["the playbook reference, `scope`"],
        look: missing_scope,
    },
];

fn unseen(view: &View<'_>) -> Vec<Hit> {
    if view.snapshot.unseen.is_empty() {
        return Vec::new();
    }
    // A permission that is missing may be missing ten thousand times: the report lists every one, this finding tells the kinds.
    let mut kinds: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for unseen in &view.snapshot.unseen {
        kinds.entry((&unseen.what, &unseen.why)).or_default().push(&unseen.subject);
    }
    let lines: Vec<_> = kinds
        .into_iter()
        .map(|((what, why), subjects)| format!("{what} of {}: {why}", listed(&subjects)))
        .collect();
    vec![Hit::new(Subject::Account, lines.join("\n"))]
}

fn missing_scope(view: &View<'_>) -> Vec<Hit> {
    let is_there =
        |id: &&String| view.snapshot.domains.iter().any(|d| d.id.as_str() == id.as_str());
    let missing: Vec<_> = view.playbook.scope.domains.iter().filter(|id| !is_there(id)).collect();
    if !missing.is_empty() {
        return vec![Hit::new(
            Subject::Account,
            format!("scope.domains names {}, which the inventory did not find", listed(&missing)),
        )];
    }
    if view.headcount() > 0 {
        return Vec::new();
    }
    vec![Hit::new(
        Subject::Account,
        format!(
            "nobody is in scope: include {}, exclude {}",
            listed(&view.playbook.scope.include),
            if view.playbook.scope.exclude.is_empty() {
                "nothing".to_owned()
            } else {
                listed(&view.playbook.scope.exclude)
            }
        ),
    )]
}
