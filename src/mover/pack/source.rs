//! A home as a stream of entries in byte order of paths: the one place here that knows the walk.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::entry::{Entry, Kind};
use super::super::error::Error;
use super::super::meter::Meter;
use super::super::pool::Pool;
use super::super::rules::Rules;
use super::super::sorter::Sorter;
use super::super::tree::Tree;
use super::super::walk::{Found, Walk};

use super::headway::Headway;

/// One entry of the home, as the walk saw it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) entry: Entry,
    /// Whether it is the first of several names.
    pub(super) has_links: bool,
}

/// Entries, one after another.
pub(super) type Items = Box<dyn Iterator<Item = Result<Item, Error>> + Send>;

/// Entries that one thread of the walk keeps to itself before it adds them to the list.
const SOME: usize = 256;

/// Walks a home. Further names of a file know the first.
pub(super) fn items(
    tree: &Tree,
    rules: &Rules,
    meter: &Meter<'_>,
    headway: &Headway,
) -> Result<Items, Error> {
    let (pool, all) = (Pool::new(None), Sorter::new(Found::by_path));
    let walk = Walk { tree, rules, reserved: &[], pool: &pool, meter };
    let rest = walk.run(&|some: &mut Vec<Found>, found| {
        if found.entry.is_selected() && found.entry.kind == Kind::File {
            headway.expect(found.entry.size, 1);
        }
        some.push(found);
        if some.len() < SOME { Ok(()) } else { all.add(some.drain(..)) }
    })?;
    all.add(rest.into_iter().flatten())?;
    headway.begin();
    // Only inodes with several names are remembered.
    let mut firsts: HashMap<(u64, u64), Arc<[u8]>> = HashMap::new();
    Ok(Box::new(all.sorted()?.map(move |found| {
        let found = found?;
        let has_names = found.has_names();
        let mut entry = found.entry;
        let mut has_links = false;
        if entry.kind == Kind::File && entry.is_selected() {
            entry.drop_special_bits();
            if has_names {
                match firsts.get(&found.inode) {
                    Some(first) => entry.link_of = Some(first.as_ref().into()),
                    None => {
                        has_links = true;
                        firsts.insert(found.inode, entry.path.as_ref().into());
                    }
                }
            }
        }
        Ok(Item { entry, has_links })
    })))
}
