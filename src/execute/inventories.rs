//! What inventories know of homes: what was in each, when that was, and whose it is.
//!
//! A home is held against two of them at most: the newest that measured it, and the one that the plan was drawn up from. What
//! somebody believed since is held against nothing older.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::inventory::{Domain, Home, Snapshot, Trust};
use crate::journal::{self, Journal};
use crate::names::{DomainId, FileSystemId, HomeUid};
use crate::plan::Plan;

/// What inventories know of homes: put together once, however many homes are held against it.
#[derive(Clone, Debug, Default)]
pub struct Inventories {
    domains: BTreeMap<DomainId, Arc<Homes>>,
    orphans: BTreeMap<FileSystemId, Arc<Homes>>,
}

/// Homes beside each other, of which none has the number of another.
#[derive(Clone, Debug, Default)]
struct Homes {
    seen: BTreeMap<HomeUid, Seen>,
    /// Whose the numbers are: `profile alice`.
    owners: BTreeMap<u32, (HomeUid, String)>,
    /// What each is called: `d-…/alice`.
    names: BTreeMap<HomeUid, String>,
}

/// What was seen of one home.
#[derive(Clone, Debug, Default)]
struct Seen {
    newest: Option<Measure>,
    /// What the plan's inventory says, where that is not the newest.
    planned: Option<Measure>,
    /// When somebody last said that it is the right one.
    believed: Option<String>,
}

/// What was in a home, and when that was.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub(super) home: Home,
    /// RFC 3339.
    pub(super) taken_at: String,
}

/// What inventories know of a home and of those beside it.
#[derive(Clone, Debug)]
pub struct Known {
    pub(super) uid: HomeUid,
    homes: Arc<Homes>,
    is_seen_anew: bool,
}

impl Inventories {
    /// What a run goes by: the newest measure of each home of a plan, and that of the plan's own inventory.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn of_plan(journal: &Journal, plan: &Plan) -> Result<Self, journal::Error> {
        let mut unmet: BTreeSet<_> =
            plan.migrations().map(|(_, one)| (one.domain.clone(), one.home_uid.clone())).collect();
        let mut known = Self::default();
        // A plan of another journal comes without its inventory; then all are looked through.
        let mut is_passed = false;
        for kept in journal.snapshots()?.iter().rev() {
            if is_passed && unmet.is_empty() {
                break;
            }
            known.take(&journal.snapshot(&kept.id)?, kept.id == plan.snapshot);
            is_passed |= kept.id == plan.snapshot;
            unmet.retain(|(domain, uid)| known.home(domain, uid).newest().is_none());
        }
        Ok(known)
    }

    /// What another inventory is held against: of each home that it measured, what the newest before it says.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn before(journal: &Journal, snapshot: &Snapshot) -> Result<Self, journal::Error> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let account = text(snapshot.account.as_ref().map(AsRef::as_ref));
        let region = text(snapshot.region.as_ref().map(AsRef::as_ref));
        let mut known = Self::default();
        let kept = journal.snapshots()?;
        for kept in kept.iter().rev().filter(|one| one.account == account && one.region == region) {
            if known.knows_all_of(snapshot) {
                break;
            }
            known.take(&journal.snapshot(&kept.id)?, false);
        }
        known.name_owners(snapshot);
        Ok(known)
    }

    fn knows_all_of(&self, snapshot: &Snapshot) -> bool {
        let knows = |known: Known| known.newest().is_some();
        let mut owned = snapshot.domains.iter().flat_map(|domain| {
            // Where nothing was measured, what was seen before says whether that can be.
            let is_any = homes(domain).any(|one| one.home.is_some());
            let held = homes(domain).filter(move |one| one.home.is_some() || !is_any);
            held.map(move |one| (&domain.id, one.uid))
        });
        let mut orphans = snapshot
            .file_systems
            .iter()
            .flat_map(|one| one.orphan_homes.iter().map(move |orphan| (&one.id, &orphan.uid)));
        owned.all(|(domain, uid)| knows(self.home(domain, uid)))
            && orphans.all(|(system, uid)| knows(self.orphan(system, uid)))
    }

    /// Takes in one more inventory, older than those before.
    pub(super) fn take(&mut self, snapshot: &Snapshot, is_of_plan: bool) {
        self.name_owners(snapshot);
        let take = |known: &mut Homes, uid: &HomeUid, home: &Home, trust: &Trust| {
            let taken_at = trust.as_of.as_ref().unwrap_or(&snapshot.taken_at);
            let measure = Measure { home: home.clone(), taken_at: taken_at.clone() };
            known.seen.entry(uid.clone()).or_default().take(measure, trust, is_of_plan);
        };
        for domain in &snapshot.domains {
            let known = Arc::make_mut(self.domains.entry(domain.id.clone()).or_default());
            for one in homes(domain) {
                if let Some(home) = one.home {
                    take(known, one.uid, home, one.trust);
                }
            }
        }
        for system in snapshot.file_systems.iter().filter(|one| !one.orphan_homes.is_empty()) {
            let known = Arc::make_mut(self.orphans.entry(system.id.clone()).or_default());
            for one in &system.orphan_homes {
                known.names.entry(one.uid.clone()).or_insert(format!("{}/{}", system.id, one.uid));
                take(known, &one.uid, &one.home, &one.trust);
            }
        }
    }

    /// Takes in whose the homes are; whose one was last counts.
    fn name_owners(&mut self, snapshot: &Snapshot) {
        for domain in &snapshot.domains {
            let known = Arc::make_mut(self.domains.entry(domain.id.clone()).or_default());
            for one in homes(domain) {
                let name = || format!("{}/{}", domain.id, one.name);
                known.names.entry(one.uid.clone()).or_insert_with(name);
                if let Ok(number) = one.uid.as_str().parse() {
                    let owner = || (one.uid.clone(), one.whose());
                    known.owners.entry(number).or_insert_with(owner);
                }
            }
        }
    }

    /// What they know of one home.
    pub fn home(&self, domain: &DomainId, uid: &HomeUid) -> Known {
        Known::of(uid, self.domains.get(domain))
    }

    /// What they know of a home that nobody owns.
    pub fn orphan(&self, file_system: &FileSystemId, uid: &HomeUid) -> Known {
        Known::of(uid, self.orphans.get(file_system))
    }

    /// The numbers of all homes of a file system that nobody owns.
    pub fn orphans_of(&self, file_system: &FileSystemId) -> Vec<HomeUid> {
        let known = self.orphans.get(file_system);
        known.map(|known| known.seen.keys().cloned().collect()).unwrap_or_default()
    }
}

impl Seen {
    fn take(&mut self, measure: Measure, trust: &Trust, is_of_plan: bool) {
        let moment = |text: &str| text.parse::<Timestamp>().ok();
        let is_older = |than: &String| moment(&measure.taken_at) < moment(than);
        if self.believed.as_ref().is_some_and(is_older) {
            return;
        }
        match &self.newest {
            None => self.newest = Some(measure),
            Some(newest) if is_of_plan && newest.taken_at != measure.taken_at => {
                self.planned = Some(measure);
            }
            Some(_) => {}
        }
        if self.believed.is_none() {
            self.believed.clone_from(&trust.believed);
        }
    }
}

impl Known {
    fn of(uid: &HomeUid, homes: Option<&Arc<Homes>>) -> Self {
        Self { uid: uid.clone(), homes: homes.cloned().unwrap_or_default(), is_seen_anew: false }
    }

    /// The same of a home that somebody says is the right one: what was in it before counts no more, and whose it is does.
    #[must_use]
    pub fn believed(self) -> Self {
        Self { is_seen_anew: true, ..self }
    }

    fn seen(&self) -> Option<&Seen> {
        self.homes.seen.get(&self.uid).filter(|_| !self.is_seen_anew)
    }

    pub(super) fn newest(&self) -> Option<&Measure> {
        self.seen()?.newest.as_ref()
    }

    pub(super) fn planned(&self) -> Option<&Measure> {
        self.seen()?.planned.as_ref()
    }

    /// What was in it, and when that was, RFC 3339.
    pub fn last(&self) -> Option<(&Home, &str)> {
        self.newest().map(|newest| (&newest.home, newest.taken_at.as_str()))
    }

    /// When somebody last said that it is the right one, RFC 3339.
    pub fn believed_at(&self) -> Option<String> {
        self.seen()?.believed.clone()
    }

    /// What the home is called where somebody is to name it: `d-…/alice`, `d-…/space.team`, `fs-…/200005`.
    pub(super) fn name(&self) -> &str {
        self.homes.names.get(&self.uid).map_or("PROFILE", String::as_str)
    }

    /// Whose a number is, if it is another home's.
    pub(super) fn other(&self, number: u32) -> Option<&String> {
        let (uid, whose) = self.homes.owners.get(&number)?;
        (*uid != self.uid).then_some(whose)
    }
}

/// A home that a profile or a space owns.
struct Owned<'a> {
    /// What it is called within the domain: `alice`, `space.team`.
    name: String,
    uid: &'a HomeUid,
    home: Option<&'a Home>,
    trust: &'a Trust,
}

impl Owned<'_> {
    fn whose(&self) -> String {
        match self.name.strip_prefix("space.") {
            Some(space) => format!("space {space}"),
            None => format!("profile {}", self.name),
        }
    }
}

/// Every home of a domain.
fn homes(domain: &Domain) -> impl Iterator<Item = Owned<'_>> {
    let people = domain.profiles.iter().filter_map(|one| {
        let (name, uid) = (one.name.to_string(), one.home_uid.as_ref()?);
        Some(Owned { name, uid, home: one.home.as_ref(), trust: &one.trust })
    });
    let spaces = domain.spaces.iter().filter_map(|one| {
        let (name, uid) = (format!("space.{}", one.name), one.home_uid.as_ref()?);
        Some(Owned { name, uid, home: one.home.as_ref(), trust: &one.trust })
    });
    people.chain(spaces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{FileSystem, OrphanHome, Profile};

    /// An inventory of a day that saw so many files in alice's home, and in one that nobody owns.
    fn seen(day: u32, files: u64, trust: &Trust) -> Snapshot {
        let home = Home { files, ..Home::default() };
        let alice = Profile {
            name: "alice".into(),
            home_uid: Some("200001".into()),
            home: Some(home.clone()),
            trust: trust.clone(),
            ..Profile::default()
        };
        let orphan = OrphanHome { uid: "200009".into(), home, trust: trust.clone() };
        Snapshot {
            taken_at: format!("2026-01-{day:02}T00:00:00Z"),
            domains: vec![Domain { id: "d-a".into(), profiles: vec![alice], ..Domain::default() }],
            file_systems: vec![FileSystem {
                id: "fs-a".into(),
                orphan_homes: vec![orphan],
                ..FileSystem::default()
            }],
            ..Snapshot::default()
        }
    }

    /// The files of the newest measure and of the plan's, the newest inventory first; the last one is the plan's.
    fn files(snapshots: &[Snapshot]) -> (Option<u64>, Option<u64>) {
        let mut known = Inventories::default();
        for (number, snapshot) in (1..).zip(snapshots) {
            known.take(snapshot, number == snapshots.len());
        }
        let of = |known: &Known| {
            let files = |measure: &Measure| measure.home.files;
            (known.newest().map(files), known.planned().map(files))
        };
        let alice = of(&known.home(&"d-a".into(), &"200001".into()));
        assert_eq!(of(&known.orphan(&"fs-a".into(), &"200009".into())), alice);
        alice
    }

    #[test]
    fn the_newest_and_the_plans_count_and_nothing_that_is_older_than_what_somebody_believed() {
        let plain = Trust::default();
        let of = |day: u32| Some(format!("2026-01-{day:02}T00:00:00Z"));
        let all = [seen(4, 40, &plain), seen(3, 30, &plain), seen(2, 20, &plain)];
        assert_eq!(files(&all), (Some(40), Some(20)));
        // What was kept of an earlier one is that, and is not looked at twice.
        let kept = Trust { as_of: of(2), believed: None };
        assert_eq!(files(&[seen(4, 20, &kept), seen(2, 20, &plain)]), (Some(20), None));
        // It is believed by the third of January, and a later one says so too.
        let believed = Trust { as_of: None, believed: of(3) };
        let all = [seen(4, 40, &plain), seen(3, 30, &believed), seen(2, 20, &plain)];
        assert_eq!(files(&all), (Some(40), None));
        assert_eq!(files(&[seen(4, 40, &believed), seen(2, 20, &plain)]), (Some(40), None));
        assert_eq!(files(&[seen(4, 40, &believed), seen(3, 30, &believed)]), (Some(40), Some(30)));
    }
}
