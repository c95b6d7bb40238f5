//! What the rules look at: the part of a snapshot that the playbook is about.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::inventory::{Domain, Profile, Snapshot};
use crate::playbook::Playbook;

/// A domain in scope with its people in scope.
pub(super) struct InScope<'a> {
    pub(super) domain: &'a Domain,
    pub(super) people: Vec<&'a Profile>,
}

/// A snapshot and a playbook, with the scope worked out once.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) playbook: &'a Playbook,
    pub(super) domains: Vec<InScope<'a>>,
}

impl<'a> View<'a> {
    /// Works the scope out.
    pub(super) fn of(snapshot: &'a Snapshot, playbook: &'a Playbook) -> Self {
        let scope = &playbook.scope;
        let include = globs(&scope.include);
        let exclude = globs(&scope.exclude);
        let is_taken = |profile: &&Profile| {
            include.is_match(profile.name.as_str()) && !exclude.is_match(profile.name.as_str())
        };
        let is_domain_taken = |domain: &&Domain| {
            scope.domains.is_empty() || scope.domains.iter().any(|id| id == domain.id.as_str())
        };
        let domains = snapshot
            .domains
            .iter()
            .filter(is_domain_taken)
            .map(|domain| InScope {
                domain,
                people: domain.profiles.iter().filter(is_taken).collect(),
            })
            .collect();
        Self { snapshot, playbook, domains }
    }

    /// Returns every person in scope with their domain.
    pub(super) fn people(&self) -> impl Iterator<Item = (&'a Domain, &'a Profile)> {
        self.domains
            .iter()
            .flat_map(|scope| scope.people.iter().map(|profile| (scope.domain, *profile)))
    }

    /// Returns how many people are in scope.
    pub(super) fn headcount(&self) -> usize {
        self.domains.iter().map(|scope| scope.people.len()).sum()
    }

    /// Tells whether something about this subject could not be seen.
    pub(super) fn is_unseen(&self, subject: &str) -> bool {
        self.snapshot.unseen.iter().any(|unseen| unseen.subject.contains(subject))
    }
}

/// AWS does not tell upper from lower case in profile names. A pattern that is none matches nobody: the playbook's own check
/// refuses it before.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = GlobBuilder::new(pattern).case_insensitive(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

/// Names in a sentence: the first ten, and how many more.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// Says where a setting holds: by domain, whether it is the default and for which people.
pub(super) fn settled_where(places: &BTreeMap<&str, Vec<&str>>) -> String {
    let parts: Vec<_> = places
        .iter()
        .map(|(domain, names)| match names.len() {
            0 => (*domain).to_owned(),
            1 => format!("{domain}: {}", names.join("")),
            count => format!("{domain}: {count} profiles ({})", listed(names)),
        })
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn the_scope_leaves_out_whom_the_playbook_excludes_whatever_the_case() {
        let (snapshot, mut playbook) = (cases::clean(), cases::playbook());
        playbook.scope.exclude = vec!["ALI*".to_owned()];
        let view = View::of(&snapshot, &playbook);
        let names: Vec<_> = view.people().map(|(_, profile)| profile.name.as_str()).collect();
        assert_eq!(names, ["bob"]);
        playbook.scope.domains = vec!["d-other".to_owned()];
        assert_eq!(View::of(&snapshot, &playbook).headcount(), 0);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<_> = (0..12).map(|number| format!("u{number}")).collect();
        assert!(listed(&names).ends_with("u9 and 2 more"));
    }
}
