//! Cutting a home into shards, so that the same files make the same shards again.
//!
//! A shard ends where the hash of a path says so, once it is large enough. A file that comes or goes therefore changes its own
//! shard, and seldom one or two that follow; all others keep their names. A name is made of what is known of every entry before anything
//! is read, so that a second run recognises what the first has finished.

use super::super::entry::{Entry, Kind};
use super::super::error::Error;
use super::member;
use super::source::{Item, Items};

/// Bytes of tar after which a shard may end.
pub(super) const TARGET: u64 = 64 << 20;

/// Bytes of tar that no shard exceeds, but for one file that is larger by itself.
pub(super) const MOST: u64 = 256 << 20;

/// One path in so many may begin a shard.
const ODDS: u8 = 16;

/// A run of entries that are stored together.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// BLAKE3, in hexadecimal, of what was known of its entries; the same entries have the same name.
    pub(super) name: String,
    /// Its entries, and between them those of the home that are not copied.
    pub(super) items: Vec<Item>,
    /// Bytes of tar, about.
    pub(super) weight: u64,
}

impl Shard {
    /// Tells whether there is anything to store.
    pub(super) fn is_hollow(&self) -> bool {
        !self.items.iter().any(|item| item.entry.is_selected())
    }
}

/// How large shards are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) target: u64,
    pub(super) most: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { target: TARGET, most: MOST }
    }
}

/// Cuts a stream of entries.
pub(super) struct Cutter {
    items: Items,
    sizes: Sizes,
    next: Option<Item>,
}

impl Cutter {
    pub(super) fn new(items: Items, sizes: Sizes) -> Self {
        Self { items, sizes, next: None }
    }

    /// Returns the next shard; none at the end.
    pub(super) fn shard(&mut self) -> Result<Option<Shard>, Error> {
        let mut items = Vec::new();
        let mut weight = 0;
        let mut name = blake3::Hasher::new();
        name.update(b"studio-migrate shard 1\n");
        while let Some(item) = self.item()? {
            if !item.entry.is_selected() {
                items.push(item);
                continue;
            }
            let own = member::weight(&item.entry);
            let is_full = weight >= self.sizes.target && may_begin(&item.entry.path);
            if weight > 0 && (is_full || weight + own > self.sizes.most) {
                self.next = Some(item);
                break;
            }
            weight += own;
            record(&mut name, &item.entry);
            items.push(item);
            if own > self.sizes.most {
                break;
            }
        }
        let name = name.finalize().to_hex().to_string();
        Ok((!items.is_empty()).then_some(Shard { name, items, weight }))
    }
}

impl Cutter {
    fn item(&mut self) -> Result<Option<Item>, Error> {
        match self.next.take() {
            Some(item) => Ok(Some(item)),
            None => self.items.next().transpose(),
        }
    }
}

fn may_begin(path: &[u8]) -> bool {
    blake3::hash(path).as_bytes()[0].is_multiple_of(ODDS)
}

/// Adds what is known of an entry; texts carry their length, so that no two lists of entries give the same bytes.
fn record(name: &mut blake3::Hasher, entry: &Entry) {
    let kind: &[u8] = match entry.kind {
        Kind::File if entry.link_of.is_some() => b"h",
        Kind::File => b"f",
        Kind::Directory => b"d",
        Kind::Symlink => b"l",
        Kind::Special => b"s",
    };
    let target = entry.link_of.as_deref().or(entry.target.as_deref()).unwrap_or_default();
    name.update(kind);
    for text in [&*entry.path, target] {
        name.update(&(text.len() as u64).to_le_bytes());
        name.update(text);
    }
    name.update(&entry.mode.to_le_bytes());
    name.update(&entry.size.to_le_bytes());
    // A change of a file that does not change its time changes its change time, which no program can set back.
    let ctime = entry.origin.map(|origin| origin.ctime).unwrap_or_default();
    for time in [entry.mtime, ctime] {
        name.update(&time.0.to_le_bytes());
        name.update(&time.1.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::{Origin, Time};
    use super::*;

    const SMALL: Sizes = Sizes { target: 64 << 10, most: 256 << 10 };

    fn item(path: String, size: u64) -> Item {
        let mut entry = Entry::new(path.as_bytes(), Kind::File);
        entry.size = size;
        entry.origin = Some(Origin { inode: 7, ctime: Time(1, 2) });
        Item { entry, has_links: false }
    }

    fn shards(items: Vec<Item>) -> Vec<Shard> {
        let mut cutter = Cutter::new(Box::new(items.into_iter().map(Ok)), SMALL);
        std::iter::from_fn(|| cutter.shard().unwrap()).collect()
    }

    fn files(count: usize) -> Vec<Item> {
        (0..count).map(|number| item(format!("f{number:05}"), 3000)).collect()
    }

    fn names(shards: &[Shard]) -> Vec<&str> {
        shards.iter().map(|shard| shard.name.as_str()).collect()
    }

    #[test]
    fn one_file_more_changes_one_shard_or_two_but_for_bad_luck() {
        let before = shards(files(2000));
        assert!(before.len() > 50);
        let known = names(&before);
        let new = |number: usize| {
            let mut all = files(2000);
            all.push(item(format!("f{number:05}x"), 100));
            all.sort_by(|one, other| one.entry.path.cmp(&other.entry.path));
            let after = shards(all);
            names(&after).into_iter().filter(|name| !known.contains(name)).count()
        };
        let new: Vec<usize> = (0..2000).step_by(97).map(new).collect();
        assert!(new.iter().sum::<usize>() <= 2 * new.len(), "{new:?}");
    }

    #[test]
    fn a_file_that_is_larger_than_a_shard_has_one_of_its_own() {
        let mut all = files(3);
        all.insert(1, item("f00000z".to_owned(), 300 << 10));
        let sizes: Vec<usize> = shards(all).iter().map(|shard| shard.items.len()).collect();
        assert_eq!(sizes, [1, 1, 2]);
    }

    #[test]
    fn no_shard_is_larger_than_allowed() {
        let shards =
            shards((0..50).map(|number| item(format!("{number:03}"), 100 << 10)).collect());
        assert!(shards.iter().all(|shard| shard.weight <= SMALL.most));
    }

    #[test]
    fn whatever_may_be_known_of_an_entry_is_in_the_name() {
        let base = item("a".to_owned(), 1);
        let changes: [fn(&mut Item); 6] = [
            |item| item.entry.size = 2,
            |item| item.entry.mode = 0o600,
            |item| item.entry.mtime.1 += 1,
            |item| item.entry.origin = Some(Origin { inode: 7, ctime: Time(1, 3) }),
            |item| item.entry.kind = Kind::Directory,
            |item| item.entry.link_of = Some(b"0".as_slice().into()),
        ];
        for change in changes {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(names(&shards(vec![base.clone()])), names(&shards(vec![other])));
        }
    }
}
