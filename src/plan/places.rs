//! Where batches stand in the running order, and whom the playbook names where.

use std::collections::{BTreeMap, BTreeSet};

use super::eligible::Person;
use crate::names::BatchName;
use crate::playbook::Batches;

/// Where a batch stands in the running order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Pilot,
    Canary,
    /// The number of a list of the playbook, and which of its batches.
    Listed(usize, usize, BatchName),
    Number(usize),
    /// Shared spaces, which come after everyone who may use them.
    Shared(usize),
}

impl Place {
    pub(super) fn name(&self) -> BatchName {
        match self {
            Self::Pilot => Batches::pilot_name(),
            Self::Canary => Batches::canary_name(),
            Self::Listed(_, 1, name) => name.clone(),
            Self::Listed(_, part, name) => BatchName::new(format!("{name}-{part}")),
            Self::Number(number) => BatchName::new(format!("batch-{number}")),
            Self::Shared(number) => BatchName::new(format!("shared-{number}")),
        }
    }

    pub(super) fn of(name: &BatchName, policy: &Batches) -> Option<Self> {
        if *name == Batches::pilot_name() {
            return Some(Self::Pilot);
        }
        if *name == Batches::canary_name() {
            return Some(Self::Canary);
        }
        let text = name.as_str();
        for (number, list) in policy.lists.iter().enumerate() {
            let rest = text.strip_prefix(list.name.as_str());
            let part = match rest {
                Some("") => Some(1),
                Some(rest) => rest.strip_prefix('-').and_then(|part| part.parse().ok()),
                None => None,
            };
            if let Some(part) = part {
                return Some(Self::Listed(number, part, list.name.clone()));
            }
        }
        match text.strip_prefix("shared-") {
            Some(number) => number.parse().ok().map(Self::Shared),
            None => text.strip_prefix("batch-")?.parse().ok().map(Self::Number),
        }
    }
}

/// Whom the playbook names where, by `profile` and by `domain/profile`, in lower case.
pub(super) struct Named {
    pub(super) pilot: BTreeSet<String>,
    pub(super) list: BTreeMap<String, usize>,
    pub(super) together: BTreeMap<String, usize>,
}

impl Named {
    pub(super) fn of(policy: &Batches) -> Self {
        let numbered = |groups: Vec<&Vec<String>>| {
            let mut by_name = BTreeMap::new();
            for (number, people) in groups.into_iter().enumerate() {
                for person in people {
                    by_name.entry(person.to_ascii_lowercase()).or_insert(number);
                }
            }
            by_name
        };
        Self {
            pilot: policy.pilot.iter().map(|name| name.as_str().to_ascii_lowercase()).collect(),
            list: numbered(policy.lists.iter().map(|list| &list.people).collect()),
            together: numbered(policy.together.iter().collect()),
        }
    }

    pub(super) fn number(of: &BTreeMap<String, usize>, person: &Person<'_>) -> Option<usize> {
        let name = person.name().as_str().to_ascii_lowercase();
        of.get(person.id.as_str().to_ascii_lowercase().as_str()).or_else(|| of.get(&name)).copied()
    }
}
