//! Whether a home that is mounted here is the one that the inventory saw, by whose it is and what is in it.
//!
//! A home may grow and lose files at any time, so numbers alone say little. What cannot be of the same home is refused, with the
//! way out where the refusal may be wrong; what is merely odd is said. It is only looked at, and links are not followed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::failure::{Failure, chain};
use crate::inventory::{Domain, Home, Snapshot};
use crate::mover::{scan, unescape};
use crate::names::{DomainId, HomeUid};

/// The way out where a home was changed, and is no other.
const AGAIN: &str = "look at which file system is mounted there; if it is the right one, the home was changed since: take an inventory with --mount again, and run this again";

/// What inventories know of homes: put together once, however many homes are held against it.
#[derive(Clone, Debug, Default)]
pub struct Inventories(BTreeMap<DomainId, Arc<OfDomain>>);

#[derive(Debug, Default)]
struct OfDomain {
    /// What was in each home, and when that was.
    seen: BTreeMap<HomeUid, (Home, String)>,
    /// Whose the numbers of the file system are.
    owners: BTreeMap<u32, Vec<(HomeUid, String)>>,
}

/// What inventories know of a home and of those beside it.
#[derive(Clone, Debug)]
pub struct Known {
    uid: HomeUid,
    domain: Arc<OfDomain>,
}

impl Inventories {
    /// Puts together what these say, the newest first: of each home, what the first says that measured it counts.
    pub fn of(snapshots: &[Snapshot]) -> Self {
        let mut domains = BTreeMap::<DomainId, OfDomain>::new();
        for (snapshot, domain) in
            snapshots.iter().flat_map(|one| one.domains.iter().map(move |domain| (one, domain)))
        {
            let known = domains.entry(domain.id.clone()).or_default();
            for (whose, uid, home) in homes(domain) {
                if let Some(home) = home {
                    let seen = || (home.clone(), snapshot.taken_at.clone());
                    known.seen.entry(uid.clone()).or_insert_with(seen);
                }
                if let Some(number) = number(uid) {
                    known.owners.entry(number).or_default().push((uid.clone(), whose));
                }
            }
        }
        Self(domains.into_iter().map(|(id, known)| (id, Arc::new(known))).collect())
    }

    /// What they know of one home.
    pub fn home(&self, domain: &DomainId, uid: &HomeUid) -> Known {
        let domain = self.0.get(domain).cloned().unwrap_or_default();
        Known { uid: uid.clone(), domain }
    }
}

impl Known {
    /// What was in it, and when that was.
    fn seen(&self) -> Option<&(Home, String)> {
        self.domain.seen.get(&self.uid)
    }

    /// Whose a number is, if it is another home's.
    fn other(&self, number: u32) -> Option<&String> {
        let owners = self.domain.owners.get(&number)?;
        owners.iter().rev().find(|(uid, _)| *uid != self.uid).map(|(_, whose)| whose)
    }

    /// Looks at a home, and returns what is odd about it.
    ///
    /// # Errors
    /// It is another home, or it cannot be looked at.
    pub(super) async fn look(
        self,
        home: PathBuf,
        stop: Arc<AtomicBool>,
    ) -> Result<Vec<String>, Failure> {
        let failed = |why: String| Failure::new(format!("the home cannot be looked at: {why}"));
        let looking = tokio::task::spawn_blocking(move || {
            let now = match self.seen() {
                Some(_) => scan(&home, &|_| (), &stop).map_err(|error| failed(chain(&error)))?,
                // Nothing is there to compare it with but its owner.
                None => {
                    let top = home.metadata().map_err(|error| failed(error.to_string()))?;
                    Home { owner: Some(top.uid()), ..Home::default() }
                }
            };
            self.judge(&home, &now)
        });
        looking.await.map_err(|error| failed(error.to_string()))?
    }

    /// Judges a home by what a scan of it saw, and returns what is odd about it.
    ///
    /// # Errors
    /// It is another home.
    pub fn judge(&self, home: &Path, now: &Home) -> Result<Vec<String>, Failure> {
        let mut odd = self.judge_owner(home, now)?;
        let Some((seen, taken_at)) = self.seen() else { return Ok(odd) };
        let refused = |what: &str, public: &str| {
            let said = |what: &str| {
                format!(
                    "{} is not the home that the inventory of {taken_at} saw: {what}",
                    home.display()
                )
            };
            Failure::of_files(said(what), said(public)).hinted(AGAIN)
        };
        let files = if now.files == 1 { "file" } else { "files" };
        let counts = format!("it has {} {files}, and had {}", now.files, seen.files);
        let then = taken_at.parse::<Timestamp>().ok();
        if now.files < seen.files.div_ceil(2) {
            return Err(refused(&counts, &counts));
        }
        if let Some((largest, _)) = seen.largest.first()
            && let (same, other) = likeness(home, seen, then)
            && (same == 0 || other > same)
        {
            let public = format!(
                "its largest files are others, {same} of {} are as they were or were worked on since",
                seen.largest.len()
            );
            return Err(refused(&format!("{public}; the inventory saw `{largest}`"), &public));
        }
        if now.bytes < seen.bytes / 2 || now.files < seen.files - seen.files / 4 {
            odd.push(format!(
                "{counts} when the inventory of {taken_at} was taken, and {} of {} bytes are left",
                now.bytes, seen.bytes
            ));
        }
        if now.files > seen.files.saturating_mul(2) {
            if let Some(then) = then
                && let old = older(home, then, seen.files)
                && old > seen.files
            {
                let what = format!(
                    "it had {} files, and has more than that which nobody touched since",
                    seen.files
                );
                return Err(refused(&what, &what));
            }
            odd.push(format!("{counts} when the inventory of {taken_at} was taken"));
        }
        Ok(odd)
    }

    /// Judges by whose the folder and most of what is in it are: SageMaker gives a home to the user of its number.
    fn judge_owner(&self, home: &Path, now: &Home) -> Result<Vec<String>, Failure> {
        let seen = self.seen().map(|(seen, _)| seen);
        let refused = |what: String| {
            Failure::new(format!("{} is somebody else's home: {what}", home.display())).hinted(
                format!("look at which file system is mounted there: the home's files belong to user {} on the right one", self.uid),
            )
        };
        let Some(owner) = now.owner else { return Ok(Vec::new()) };
        if let Some(whose) = self.other(owner) {
            return Err(refused(format!("it belongs to user {owner}, which is {whose}")));
        }
        if let Some((most, whose)) = self.mostly_of_another(now)
            && seen.and_then(|seen| self.mostly_of_another(seen)).is_none()
        {
            let what = format!("most of what is in it belongs to user {most}, which is {whose}");
            return Err(refused(what));
        }
        if number(&self.uid) == Some(owner) {
            return Ok(Vec::new());
        }
        match seen.and_then(|seen| seen.owner) {
            Some(before) if before == owner => Ok(Vec::new()),
            Some(before) => Err(refused(format!(
                "it belongs to user {owner}, and belonged to {before} when the inventory was taken"
            ))
            .hinted(AGAIN)),
            None => Ok(vec![format!(
                "{} belongs to user {owner}, where a Classic home belongs to the user of its number",
                home.display()
            )]),
        }
    }

    fn mostly_of_another(&self, home: &Home) -> Option<(u32, &String)> {
        let all = home.files + home.directories + home.symlinks + home.special;
        let (most, entries) = home.other_owners.iter().max_by_key(|(_, entries)| **entries)?;
        let whose = self.other(*most)?;
        (*entries > all / 2).then_some((*most, whose))
    }
}

/// Every home of a domain: whose it is, its number, and what was in it.
fn homes(domain: &Domain) -> impl Iterator<Item = (String, &HomeUid, Option<&Home>)> {
    let people = domain.profiles.iter().filter_map(|one| {
        Some((format!("profile {}", one.name), one.home_uid.as_ref()?, one.home.as_ref()))
    });
    let spaces = domain.spaces.iter().filter_map(|one| {
        Some((format!("space {}", one.name), one.home_uid.as_ref()?, one.home.as_ref()))
    });
    people.chain(spaces)
}

fn number(uid: &HomeUid) -> Option<u32> {
    uid.as_str().parse().ok()
}

/// How many of the largest files may be those that an inventory saw, for they have their size or were worked on since, and how
/// many are others: of another size, though their content is older than the inventory. What is gone counts for neither; what
/// cannot be looked at may be the same.
fn likeness(home: &Path, seen: &Home, then: Option<Timestamp>) -> (usize, usize) {
    let (mut same, mut other) = (0, 0);
    let is_older = |there: &Metadata| {
        then.is_some_and(|then| (there.mtime(), there.mtime_nsec()) < parts(then))
    };
    for (path, bytes) in &seen.largest {
        let there = unescape(path).map(|path| home.join(OsStr::from_bytes(&path)));
        match there.map(|there| there.symlink_metadata()) {
            Ok(Ok(there)) if there.len() != *bytes && is_older(&there) => other += 1,
            Ok(Err(error))
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            _ => same += 1,
        }
    }
    (same, other)
}

/// A moment as a file system tells it.
fn parts(moment: Timestamp) -> (i64, i64) {
    (moment.as_second(), moment.subsec_nanosecond().into())
}

/// How many files are as they were before a moment, as the file system's own clock says, which no program sets: up to one more than
/// `enough`. The times of their content may come out of an archive that was unpacked since.
fn older(home: &Path, than: Timestamp, enough: u64) -> u64 {
    let (mut folders, mut old) = (vec![home.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(there) = entry.metadata() else { continue };
            if there.is_dir() {
                folders.push(entry.path());
            }
            let is_old = (there.ctime(), there.ctime_nsec()) < parts(than);
            old += u64::from(there.is_file() && is_old);
            if old > enough {
                return old;
            }
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Profile;

    /// Alice's home is 200001, bob's 200002; `seen` is what the inventory saw of hers.
    fn known(seen: Option<Home>, taken_at: &str) -> Known {
        let profile = |name: &str, uid: &str, home| Profile {
            name: name.into(),
            home_uid: Some(uid.into()),
            home,
            ..Profile::default()
        };
        let domain = Domain {
            id: "d-a".into(),
            profiles: vec![profile("alice", "200001", seen), profile("bob", "200002", None)],
            ..Domain::default()
        };
        let taken_at = taken_at.to_owned();
        let snapshot = Snapshot { taken_at, domains: vec![domain], ..Snapshot::default() };
        Inventories::of(&[Snapshot::default(), snapshot]).home(&"d-a".into(), &"200001".into())
    }

    fn owned(owner: u32) -> Home {
        Home { owner: Some(owner), files: 10, ..Home::default() }
    }

    #[test]
    fn a_home_belongs_to_the_user_of_its_number_or_to_whom_it_belonged_before() {
        let home = tempfile::tempdir().unwrap();
        let judged = |seen: Option<Home>, now: &Home| {
            known(seen, "2026-01-01T00:00:00Z").judge(home.path(), now)
        };
        assert_eq!(judged(None, &owned(200_001)).unwrap(), Vec::<String>::new());
        assert_eq!(judged(Some(owned(0)), &owned(200_001)).unwrap().len(), 0);
        assert_eq!(judged(Some(owned(0)), &owned(0)).unwrap().len(), 0);
        let odd = judged(None, &owned(0)).unwrap();
        assert!(odd[0].contains("belongs to user 0, where"), "{odd:?}");
        for (seen, now, says) in [
            (None, 200_002, "it belongs to user 200002, which is profile bob"),
            (Some(owned(200_002)), 200_002, "which is profile bob"),
            (Some(owned(0)), 7, "it belongs to user 7, and belonged to 0"),
        ] {
            let refused = judged(seen, &owned(now)).unwrap_err();
            assert!(refused.message.contains(says), "{}", refused.message);
        }
        let mixed = |of_bob| Home { other_owners: [(200_002, of_bob)].into(), ..owned(200_001) };
        let refused = judged(Some(owned(200_001)), &mixed(6)).unwrap_err();
        assert!(refused.message.contains("most of what is in it"), "{}", refused.message);
        assert!(judged(Some(owned(200_001)), &mixed(5)).is_ok());
        assert!(judged(Some(mixed(6)), &mixed(6)).is_ok());
    }

    #[test]
    fn a_home_may_grow_and_lose_some_files_and_not_be_another() {
        let home = tempfile::tempdir().unwrap();
        let (early, late) = ("2001-01-01T00:00:00Z", "2901-01-01T00:00:00Z");
        let seen = |files: u64, names: &[&str]| Home {
            files,
            largest: names.iter().map(|name| ((*name).to_owned(), 1)).collect(),
            ..owned(200_001)
        };
        let judged = |seen: Home, taken_at: &str, files: u64| {
            known(Some(seen), taken_at).judge(home.path(), &Home { files, ..owned(200_001) })
        };
        for name in ["a", "b", "c"] {
            std::fs::write(home.path().join(name), name).unwrap();
        }
        let refused = |judged: Result<Vec<String>, Failure>, says: &str| {
            let failure = judged.unwrap_err();
            assert!(failure.message.contains(says), "{}", failure.message);
            assert!(failure.hint.unwrap().contains("take an inventory with --mount again"));
        };
        assert_eq!(judged(seen(4, &["a", "gone"]), early, 3).unwrap().len(), 0);
        // A file of another size is that file only if somebody worked on it since.
        std::fs::write(home.path().join("a"), "larger").unwrap();
        assert_eq!(judged(seen(3, &["a"]), early, 3).unwrap().len(), 0);
        assert_eq!(judged(seen(3, &["a", "b"]), late, 3).unwrap().len(), 0);
        std::fs::write(home.path().join("c"), "larger").unwrap();
        refused(judged(seen(3, &["a", "b", "c"]), late, 3), "1 of 3 are as they were");
        refused(judged(seen(7, &["a"]), early, 3), "it has 3 files, and had 7");
        refused(judged(seen(1, &[]), early, 0), "it has 0 files, and had 1");
        refused(
            judged(seen(3, &["gone", "too"]), early, 3),
            "0 of 2 are as they were or were worked on since; the inventory saw `gone`",
        );
        // What came after the inventory may be any number; what was there already cannot be more than it saw.
        let grown = judged(seen(0, &[]), early, 3).unwrap();
        assert!(grown[0].contains("it has 3 files, and had 0"), "{grown:?}");
        refused(judged(seen(0, &[]), late, 3), "more than that which nobody touched since");
        assert_eq!(judged(seen(3, &["b"]), late, 7).unwrap().len(), 1);
    }
}
