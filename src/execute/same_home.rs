//! Whether a home that is mounted here is the one that inventories saw, by whose it is and what is in it.
//!
//! A home may grow and lose files at any time, so numbers alone say little. What cannot be of the same home is refused, with the
//! way out where the refusal may be wrong; what is merely odd is said. It is only looked at, and links are not followed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::failure::{Failure, chain};
use super::inventories::{Known, Measure};
use super::largest::{Largest, older};
use crate::inventory::Home;
use crate::mover::scan;
use crate::names::{HomeUid, to_the_second};

/// A home of so many bytes that has lost more than nine tenths of them, and not by files that were deleted, is in doubt. People
/// empty notebooks of their outputs and keep every file, which adds up to hundreds of megabytes, and hardly to this.
const LARGE: u64 = 1 << 30;

/// A home of so many bytes in which every file is empty now is in doubt: nobody does that on purpose. What is less may be a few
/// settings that were reset.
const NOT_TINY: u64 = 64 << 10;

impl Known {
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
            let now = match self.newest() {
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

    /// Judges a home by what a scan of it saw, and returns what is odd about it. Where no folder is at the place, as with a scan that
    /// was made elsewhere, the scan is all that it is judged by.
    ///
    /// # Errors
    /// It is another home.
    pub fn judge(&self, home: &Path, now: &Home) -> Result<Vec<String>, Failure> {
        let mut odd = self.judge_owner(home, now)?;
        if let Some(newest) = self.newest() {
            odd.extend(self.judge_content(home, now, newest)?);
        }
        // What is odd was said of the newest; the plan's tells of another home that an inventory in between took for this one.
        if let Some(planned) = self.planned() {
            self.judge_content(home, now, planned)?;
        }
        Ok(odd)
    }

    fn judge_content(
        &self,
        home: &Path,
        now: &Home,
        Measure { home: seen, taken_at }: &Measure,
    ) -> Result<Vec<String>, Failure> {
        let (mut odd, at) = (Vec::new(), to_the_second(taken_at));
        let refused = |what: &str, public: &str| {
            let said = |what: &str| {
                format!("{} is not the home that the inventory of {at} saw: {what}", home.display())
            };
            Failure::of_files(said(what), said(public)).hinted(self.way_out())
        };
        let files = if now.files == 1 { "file" } else { "files" };
        let counts = format!("it has {} {files}, and had {}", now.files, seen.files);
        let then = taken_at.parse::<Timestamp>().ok();
        if now.files < seen.files.div_ceil(2) {
            return Err(refused(&counts, &counts));
        }
        let largest = Largest::of(home, now, seen, then);
        if let Some((name, _)) = seen.largest.first()
            && (largest.same == 0 || largest.other > largest.same)
        {
            let public = format!(
                "its largest files are others, {} of {} are as they were or were worked on since",
                largest.same,
                seen.largest.len()
            );
            return Err(refused(&format!("{public}; the inventory saw `{name}`"), &public));
        }
        let shrunk = format!("{} of {} bytes are left", now.bytes, seen.bytes);
        if is_emptied(now, seen, largest.gone_bytes) {
            let what = format!("{counts}, but {shrunk}");
            return Err(refused(&what, &what));
        }
        if now.bytes < seen.bytes / 2 || now.files < seen.files - seen.files / 4 {
            odd.push(format!("{counts} when the inventory of {at} was taken, and {shrunk}"));
        }
        if now.files > seen.files.saturating_mul(2) {
            if has_more_that_is_old(home, seen, then) {
                let what = format!(
                    "it had {} files, and has more than that which nobody touched since",
                    seen.files
                );
                return Err(refused(&what, &what));
            }
            odd.push(format!("{counts} when the inventory of {at} was taken"));
        }
        Ok(odd)
    }

    /// The way out where a home was changed, and is no other.
    fn way_out(&self) -> String {
        format!(
            "look at which file system is mounted there; if it is the right one, the home was changed since: take an inventory with --mount again, say there that it is right with `--believe {}`, and run this again",
            self.name()
        )
    }

    /// Judges by whose the folder and most of what is in it are: SageMaker gives a home to the user of its number.
    fn judge_owner(&self, home: &Path, now: &Home) -> Result<Vec<String>, Failure> {
        let seen = self.newest().map(|newest| &newest.home);
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
            .hinted(self.way_out())),
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

/// Tells whether a home that has its files holds next to nothing of what was in them. Bytes of files that are gone were tidied up,
/// and do not count.
fn is_emptied(now: &Home, seen: &Home, gone_bytes: u64) -> bool {
    let is_void = now.bytes == 0 && seen.bytes >= NOT_TINY;
    let expected = seen.bytes.saturating_sub(gone_bytes);
    is_void || (expected >= LARGE && now.bytes < expected / 10)
}

/// Tells whether more files than an inventory saw are older than it.
fn has_more_that_is_old(home: &Path, seen: &Home, then: Option<Timestamp>) -> bool {
    then.is_some_and(|then| older(home, then, seen.files) > seen.files)
}

fn number(uid: &HomeUid) -> Option<u32> {
    uid.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Inventories;
    use crate::inventory::{Domain, Profile, Snapshot};

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
        let mut inventories = Inventories::default();
        for snapshot in [Snapshot::default(), snapshot] {
            inventories.take(&snapshot, false);
        }
        inventories.home(&"d-a".into(), &"200001".into())
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
    #[test]
    fn a_home_that_has_its_files_and_next_to_nothing_in_them_is_another() {
        const GIB: u64 = 1 << 30;
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("a"), "a").unwrap();
        let of = |bytes, largest: &[(&str, u64)]| Home {
            bytes,
            largest: largest.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect(),
            ..owned(200_001)
        };
        let judged = |seen: Home, now: Home| {
            known(Some(seen), "2001-01-01T00:00:00Z").judge(home.path(), &now)
        };
        let refused = |judged: Result<Vec<String>, Failure>| {
            let failure = judged.unwrap_err();
            assert!(failure.message.contains("bytes are left"), "{}", failure.message);
            assert!(failure.hint.unwrap().contains("--believe d-a/alice"));
        };
        let a = [("a", 1)];
        refused(judged(of(2 * GIB, &a), of(GIB / 10, &a)));
        assert_eq!(judged(of(2 * GIB, &a), of(GIB / 4, &a)).unwrap().len(), 1);
        // Notebooks without their outputs, and what was deleted, are tidied up.
        assert_eq!(judged(of(GIB / 2, &a), of(GIB / 100, &a)).unwrap().len(), 1);
        let with_data = [("data.bin", 19 * GIB / 10), ("a", 1)];
        assert_eq!(judged(of(2 * GIB, &with_data), of(GIB / 10, &a)).unwrap().len(), 1);
        refused(judged(of(4 * GIB, &with_data), of(GIB / 10, &a)));
        refused(judged(of(NOT_TINY, &a), of(0, &a)));
        assert_eq!(judged(of(NOT_TINY - 1, &a), of(0, &a)).unwrap().len(), 1);
    }

    #[test]
    fn a_scan_that_was_made_elsewhere_is_judged_by_what_it_lists() {
        let scan = Path::new("/nowhere/fs-a.json");
        let of = |files: u64, names: &[&str]| Home {
            files,
            largest: names.iter().map(|name| ((*name).to_owned(), 9)).collect(),
            ..owned(200_001)
        };
        let judged = |seen: Home, now: &Home| {
            known(Some(seen), "2001-01-01T00:00:00Z").judge(scan, now).map_err(|one| one.message)
        };
        assert_eq!(judged(of(4, &["a", "b"]), &of(4, &["b", "c"])).unwrap().len(), 0);
        let refused = judged(of(4, &["a", "b"]), &of(4, &["c", "d"])).unwrap_err();
        assert!(refused.contains("0 of 2 are as they were"), "{refused}");
        // What may have been pushed out of the list by larger ones may be there.
        let larger: Vec<_> = (0..10).map(|number| (number.to_string(), 10)).collect();
        let now = Home { largest: larger, ..of(12, &[]) };
        assert_eq!(judged(of(10, &["a"]), &now).unwrap().len(), 0);
    }
}
