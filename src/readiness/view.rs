//! What the rules look at: the part of a snapshot that the playbook is about.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::openers::Openers;
use super::scoping::{OutOfScope, Scoping};
use super::uses::Uses;
use crate::inventory::{Domain, Home, Profile, Snapshot};
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
    /// Everyone else.
    pub(super) out: Vec<OutOfScope>,
    /// The numbers of the suppressions that fit a finding, once that is known.
    pub(super) fitted: OnceCell<BTreeSet<usize>>,
    by_role: OnceCell<BTreeMap<&'a str, Vec<Someone<'a>>>>,
    openers: OnceCell<Openers<'a>>,
    uses: OnceCell<Uses<'a>>,
}

/// A person with their domain.
pub(super) type Someone<'a> = (&'a Domain, &'a Profile);

impl<'a> View<'a> {
    /// Works the scope out.
    pub(super) fn of(snapshot: &'a Snapshot, playbook: &'a Playbook) -> Self {
        let scope = &playbook.scope;
        let scoping = Scoping::of(playbook);
        let is_domain_taken = |domain: &&Domain| {
            scope.domains.is_empty() || scope.domains.iter().any(|id| id == domain.id.as_str())
        };
        let mut out = Vec::new();
        let mut domains = Vec::new();
        for domain in &snapshot.domains {
            let mut people = Vec::new();
            for profile in &domain.profiles {
                match scoping.why_out(domain, profile) {
                    None => people.push(profile),
                    Some(because) => out.push(OutOfScope {
                        domain: domain.id.clone(),
                        profile: profile.name.clone(),
                        because,
                    }),
                }
            }
            if is_domain_taken(&domain) {
                domains.push(InScope { domain, people });
            }
        }
        Self {
            snapshot,
            playbook,
            domains,
            out,
            fitted: OnceCell::new(),
            by_role: OnceCell::new(),
            openers: OnceCell::new(),
            uses: OnceCell::new(),
        }
    }

    /// Returns every person in scope with their domain.
    pub(super) fn people(&self) -> impl Iterator<Item = Someone<'a>> {
        self.domains
            .iter()
            .flat_map(|scope| scope.people.iter().map(|profile| (scope.domain, *profile)))
    }

    /// Returns the people in scope whose homes were measured, with these.
    pub(super) fn homes(&self) -> impl Iterator<Item = (&'a Domain, &'a Profile, &'a Home)> {
        self.people()
            .filter_map(|(domain, profile)| Some((domain, profile, profile.home.as_ref()?)))
    }

    /// Returns when the snapshot was begun; `None` when it bears no time.
    pub(super) fn taken_at(&self) -> Option<Timestamp> {
        self.snapshot.taken_at.parse().ok()
    }

    /// Returns how many people are in scope.
    pub(super) fn headcount(&self) -> usize {
        self.domains.iter().map(|scope| scope.people.len()).sum()
    }

    /// Returns the people in scope who have an execution role. Worked out once: there may be a role for every person.
    pub(super) fn people_with(&self, role: &str) -> &[Someone<'a>] {
        let by_role = self.by_role.get_or_init(|| {
            let mut by_role: BTreeMap<&str, Vec<_>> = BTreeMap::new();
            for (domain, profile) in self.people() {
                if let Some(role) = profile.effective.execution_role.as_deref() {
                    by_role.entry(role).or_default().push((domain, profile));
                }
            }
            by_role
        });
        by_role.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns who opens profiles, of everyone in the snapshot.
    pub(super) fn openers(&self) -> &Openers<'a> {
        self.openers.get_or_init(|| Openers::of(self.snapshot))
    }

    /// Returns which lifecycle scripts are in force, and for whom.
    pub(super) fn uses(&self) -> &Uses<'a> {
        self.uses.get_or_init(|| Uses::of(self))
    }

    /// Tells whether something about this subject could not be seen.
    pub(super) fn is_unseen(&self, subject: &str) -> bool {
        self.snapshot.unseen.iter().any(|unseen| unseen.subject.contains(subject))
    }
}

/// Returns the first of the words in a name, which stand between whatever is no letter.
pub(super) fn word_in<'w>(name: &str, words: &[&'w str]) -> Option<&'w str> {
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(|c: char| !c.is_ascii_alphabetic());
    parts.find_map(|part| words.iter().copied().find(|word| *word == part))
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
    fn the_table_of_people_beats_include_and_not_exclude() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        let names = |snapshot: &Snapshot, playbook: &Playbook| {
            let view = View::of(snapshot, playbook);
            view.people().map(|(_, profile)| profile.name.to_string()).collect::<Vec<_>>()
        };
        snapshot.domains[0].profiles[0].note.take = Some(false);
        assert_eq!(names(&snapshot, &playbook), ["bob"]);
        playbook.scope.include = vec!["x*".to_owned()];
        snapshot.domains[0].profiles[0].note.take = Some(true);
        assert_eq!(names(&snapshot, &playbook), ["alice"]);
        playbook.scope.exclude = vec!["alice".to_owned()];
        assert!(names(&snapshot, &playbook).is_empty());
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<_> = (0..12).map(|number| format!("u{number}")).collect();
        assert!(listed(&names).ends_with("u9 and 2 more"));
    }
}
