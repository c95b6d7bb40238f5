//! Who opens profiles, told apart: people, portals that open them for everyone, and machines.

use std::collections::BTreeMap;

use super::view::Someone;
use crate::inventory::{Opened, Snapshot};

/// Profiles from which on whoever opens them is taken for a portal or an administrator.
pub(super) const MANY: usize = 3;

/// How sure it is that a principal is one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// SageMaker itself, an instance, a pipeline: no person.
    Machine,
    /// A session whose name may be a person's.
    LikelyPerson,
    /// A user of IAM, a session of Identity Center, or one that is named by a mail address.
    Person,
}

/// The principals that opened profiles, by ARN, each with the profiles that it opened.
pub(super) struct Openers<'a> {
    opened: BTreeMap<&'a str, Vec<Someone<'a>>>,
}

impl<'a> Openers<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut opened: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (domain, profile) in snapshot.people() {
            for by in &profile.opened_by {
                opened.entry(&by.by).or_default().push((domain, profile));
            }
        }
        Self { opened }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &[Someone<'a>])> {
        self.opened.iter().map(|(by, profiles)| (*by, profiles.as_slice()))
    }

    /// Tells whether a principal opens so many profiles that it stands for others.
    pub(super) fn is_portal(&self, by: &str) -> bool {
        self.opened.get(by).is_some_and(|profiles| profiles.len() >= MANY)
    }

    /// Returns the names of the people among those who opened a profile, with how sure each is. Someone who comes through
    /// two roles is one person.
    pub(super) fn people(&self, opened_by: &'a [Opened]) -> BTreeMap<String, Kind> {
        let mut people = BTreeMap::new();
        for opened in opened_by.iter().filter(|opened| !self.is_portal(&opened.by)) {
            let kind = kind(&opened.by);
            if kind != Kind::Machine {
                let known = people.entry(name(&opened.by).to_lowercase()).or_insert(kind);
                *known = kind.max(*known);
            }
        }
        people
    }
}

/// The part of an ARN that names the session or user.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

/// The role of a session, e.g. `People` of `assumed-role/People/anna`.
fn role(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":assumed-role/")?;
    rest.split('/').next()
}

/// Tells what a principal is, by its ARN alone.
pub(super) fn kind(arn: &str) -> Kind {
    let session = name(arn);
    let lower = session.to_ascii_lowercase();
    let Some(role) = role(arn) else {
        return if arn.contains(":user/") { Kind::Person } else { Kind::Machine };
    };
    if lower.contains('@') || role.starts_with("AWSReservedSSO_") {
        return Kind::Person;
    }
    // What SageMaker, the SDKs, instances and pipelines call their sessions; a function's is called as the function.
    const MACHINES: [&str; 8] = [
        "sagemaker",
        "botocore-session-",
        "aws-sdk-",
        "aws-go-sdk-",
        "awscli-session",
        "awscodebuild-",
        "githubactions",
        "i-0",
    ];
    let is_machine = MACHINES.iter().any(|machine| lower.starts_with(machine))
        || lower.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') && lower.len() > 7
        || lower == role.to_ascii_lowercase()
        || role.to_ascii_lowercase().contains("lambda");
    if is_machine { Kind::Machine } else { Kind::LikelyPerson }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_from_portals_and_machines_by_their_sessions() {
        let session = |role: &str, name: &str| format!("arn:aws:sts::1:assumed-role/{role}/{name}");
        for (arn, expected) in [
            (session("People", "anna@example.com"), Kind::Person),
            (session("AWSReservedSSO_Data_0a1b", "anna"), Kind::Person),
            ("arn:aws:iam::1:user/people/anna".to_owned(), Kind::Person),
            (session("People", "anna"), Kind::LikelyPerson),
            (session("StudioRole", "SageMaker"), Kind::Machine),
            (session("Portal", "botocore-session-1700000000"), Kind::Machine),
            (session("Bastion", "i-0abc123"), Kind::Machine),
            (session("studio-portal", "studio-portal"), Kind::Machine),
            ("arn:aws:iam::1:root".to_owned(), Kind::Machine),
        ] {
            assert_eq!(kind(&arn), expected, "{arn}");
        }
    }
}
