//! Two trees, or two manifests, side by side.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::copy::Give;
use super::digest::Summing;
use super::entry::{Entry, Kind};
use super::error::Error;
use super::meter::Meter;
use super::pool::Pool;
use super::pour::Spill;
use super::rules::Rules;
use super::sorter::Sorter;
use super::ticket::{Phase, Progress, Totals};
use super::tree::Tree;
use super::verify::{Hand, Reading, Share, Verified, batches, differences};
use super::walk::{Found, Walk, unread};

/// Entries that one thread keeps to itself before it adds them to the list of all.
const SOME: usize = 64;

/// What two lists have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What the first holds.
    pub one: Totals,
    /// What the other holds; equal to the first when everything is the same.
    pub other: Totals,
    /// How many entries differ, or are in one of them only.
    pub differing: u64,
    /// The first 200 of them: escaped path, and what differs.
    pub differences: Vec<(String, String)>,
}

/// Compares two lists of entries, both in byte order of paths. Entries that were not copied count for nothing.
///
/// # Errors
/// Those of the lists.
pub fn compare(
    one: impl Iterator<Item = Result<Entry, Error>>,
    other: impl Iterator<Item = Result<Entry, Error>>,
) -> Result<Compared, Error> {
    let is_selected =
        |entry: &Result<Entry, Error>| entry.as_ref().map_or(true, Entry::is_selected);
    let (mut one, mut other) = (one.filter(is_selected), other.filter(is_selected));
    let (mut left, mut right) = (one.next().transpose()?, other.next().transpose()?);
    let (mut sum, mut other_sum, mut seen) =
        (Summing::default(), Summing::default(), Verified::default());
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.path.cmp(&right.path),
        };
        if let Some(left) = left.as_ref().filter(|_| order.is_le()) {
            sum.add(left);
            match right.as_ref().filter(|_| order.is_eq()) {
                None => seen.name(&left.path, "it is in the first only"),
                Some(right) => {
                    if let Some(words) = differences(left, right) {
                        seen.name(&left.path, &format!("its {words} differs"));
                    }
                }
            }
        }
        if let Some(right) = right.as_ref().filter(|_| order.is_ge()) {
            other_sum.add(right);
            if order.is_gt() {
                seen.name(&right.path, "it is in the second only");
            }
        }
        if order.is_le() {
            left = one.next().transpose()?;
        }
        if order.is_ge() {
            right = other.next().transpose()?;
        }
    }
    let Verified { differing, differences, .. } = seen;
    Ok(Compared { one: sum.totals(), other: other_sum.totals(), differing, differences })
}

/// Reads a whole tree, and gives on what it holds, in byte order of paths. Nothing is written.
///
/// # Errors
/// [`Error::Io`] when the directory itself cannot be listed, [`Error::Stopped`], and those of `give`. What cannot be read is
/// given on with the reason.
pub fn survey(
    directory: &Path,
    share: Share,
    give: Give<'_>,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let tree = Tree::open(directory)?;
    let (rules, pool, meter) = (Rules::default(), Pool::new(None), Meter::new(progress, stop));
    meter.begin(Phase::Scanning, 0, 0);
    let walk = Walk { tree: &tree, rules: &rules, reserved: &[], pool: &pool, meter: &meter };
    let all = Sorter::new(Entry::by_path);
    let hands = walk.run(&|some: &mut Vec<Entry>, found: Found| {
        some.push(found.entry);
        if some.len() >= SOME { all.add(some.drain(..)) } else { Ok(()) }
    })?;
    hands.into_iter().try_for_each(|some| all.add(some))?;
    let (bytes, files) = meter.done();
    meter.begin(Phase::Verifying, bytes, files);
    let reading = Reading::of(&tree, &pool, &meter).sharing(share);
    let read = Sorter::new(Entry::by_path);
    pool.feed(&mut batches(all.sorted()?), |hand: &mut Hand, batch| {
        let looked = batch.into_iter().map(|entry| look(&reading, entry, hand, &meter));
        read.add(looked.collect::<Result<Vec<_>, Error>>()?)
    })?;
    for entry in read.sorted()? {
        give(entry?)?;
    }
    meter.begin(Phase::Finished, 0, 0);
    Ok(())
}

fn look(
    reading: &Reading<'_>,
    entry: Entry,
    hand: &mut Hand,
    meter: &Meter<'_>,
) -> Result<Entry, Error> {
    if entry.kind != Kind::File || !entry.is_selected() {
        meter.tick(&entry.path)?;
        return Ok(entry);
    }
    match reading.find(&entry, hand) {
        Ok(found) => {
            meter.file(&entry.path)?;
            Ok(found)
        }
        Err(Spill::Read(errno) | Spill::Write(errno)) => {
            Ok(entry.skipped(unread(errno, "it cannot be read")))
        }
        Err(Spill::End(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mover::entry::Time;

    fn entry(path: &str, seconds: i64) -> Result<Entry, Error> {
        let mut entry = Entry::new(path.as_bytes(), Kind::Directory);
        entry.mtime = Time(seconds, 0);
        Ok(entry)
    }

    #[test]
    fn what_is_on_one_side_only_and_what_differs_is_named() {
        let one = [entry("a", 1), entry("b", 1), entry("c", 1)];
        let other = [entry("b", 1), entry("c", 2), entry("d", 1)];
        let compared = compare(one.into_iter(), other.into_iter()).unwrap();
        let expected = [
            ("a", "it is in the first only"),
            ("c", "its time differs"),
            ("d", "it is in the second only"),
        ];
        let expected = expected.map(|(path, words)| (path.to_owned(), words.to_owned()));
        assert_eq!(compared.differences, expected);
        assert_eq!(compared.differing, 3);
        assert_ne!(compared.one, compared.other);
    }

    #[test]
    fn equal_lists_have_one_digest() {
        let one = [entry("a", 1), entry("b", 1)];
        let other = [entry("a", 1), entry("b", 1)];
        let compared = compare(one.into_iter(), other.into_iter()).unwrap();
        assert_eq!((compared.differing, &compared.one), (0, &compared.other));
    }
}
