//! Which homes nobody owns, as an inventory saw them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inventory::{FileSystem, Home, Snapshot};
use crate::names::{DomainId, FileSystemId, HomeUid};

/// A home that no profile and no space owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Orphan {
    /// The file system that it is on.
    pub file_system: FileSystemId,
    /// Its folder there.
    pub uid: HomeUid,
    /// The domain that the file system belongs, or belonged, to.
    pub domain: Option<DomainId>,
    /// Whether that domain is gone, and the file system an orphan itself.
    pub is_domain_gone: bool,
    /// What was in it when the inventory was taken; `None` where none saw it.
    pub home: Option<Home>,
}

impl Orphan {
    /// One of which no more is known than [what it is called](Self::name).
    pub fn called(name: &str) -> Self {
        let (file_system, uid) = name.split_once('/').unwrap_or((name, ""));
        Self { file_system: file_system.into(), uid: uid.into(), ..Self::default() }
    }

    /// What it is called in events and tables: `fs-…/200005`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.file_system, self.uid)
    }

    /// The folder under a space's home that it is delivered into. Numbers begin anew in every file system, so one of another
    /// file system than the domain's own says which.
    pub fn folder(&self, of_domain: Option<&FileSystemId>) -> String {
        if of_domain == Some(&self.file_system) {
            format!("orphan-{}", self.uid)
        } else {
            format!("orphan-{}-{}", self.file_system, self.uid)
        }
    }
}

/// Returns the file systems whose domain is gone. What belongs to a domain that was not looked at is no orphan.
pub fn orphan_systems(snapshot: &Snapshot) -> Vec<&FileSystem> {
    if !snapshot.is_whole() {
        return Vec::new();
    }
    let is_seen = |id: &DomainId| snapshot.domains.iter().any(|domain| domain.id == *id);
    let used: BTreeSet<_> =
        snapshot.domains.iter().filter_map(|domain| domain.file_system.as_ref()).collect();
    let all = snapshot.file_systems.iter();
    all.filter(|one| !one.domain.as_ref().is_some_and(is_seen) && !used.contains(&one.id)).collect()
}

/// Returns every home that nobody owns, by file system and folder.
pub fn orphans(snapshot: &Snapshot) -> Vec<Orphan> {
    let gone: BTreeSet<_> = orphan_systems(snapshot).iter().map(|one| &one.id).collect();
    let mut found: Vec<Orphan> = snapshot
        .file_systems
        .iter()
        .flat_map(|file_system| {
            let is_domain_gone = gone.contains(&file_system.id);
            file_system.orphan_homes.iter().map(move |orphan| Orphan {
                file_system: file_system.id.clone(),
                uid: orphan.uid.clone(),
                domain: file_system.domain.clone(),
                is_domain_gone,
                home: Some(orphan.home.clone()),
            })
        })
        .collect();
    found.sort_by_key(Orphan::name);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Domain, OrphanHome};

    #[test]
    fn homes_of_a_domain_that_is_gone_are_told_from_those_of_one_that_lives() {
        let system = |id: &str, domain: &str, uid: &str| FileSystem {
            id: id.into(),
            domain: Some(domain.into()),
            orphan_homes: vec![OrphanHome {
                uid: uid.into(),
                home: Home::default(),
                ..OrphanHome::default()
            }],
            ..FileSystem::default()
        };
        let snapshot = Snapshot {
            domains: vec![Domain {
                id: "d-a".into(),
                file_system: Some("fs-a".into()),
                ..Domain::default()
            }],
            file_systems: vec![system("fs-b", "d-gone", "1"), system("fs-a", "d-a", "2")],
            ..Snapshot::default()
        };
        let found = orphans(&snapshot);
        let told: Vec<_> = found.iter().map(|one| (one.name(), one.is_domain_gone)).collect();
        assert_eq!(told, [("fs-a/2".to_owned(), false), ("fs-b/1".to_owned(), true)]);
        assert_eq!(found[0].folder(Some(&"fs-a".into())), "orphan-2");
        assert_eq!(found[1].folder(Some(&"fs-a".into())), "orphan-fs-b-1");
    }
}
