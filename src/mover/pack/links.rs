//! Further names of a file: what the first one came to is what they come to.

use std::collections::HashMap;

use super::super::entry::{Class, Entry, Skip};
use super::super::path::escape;

/// The hashes of files with further names, by their first; none for those that were not copied.
#[derive(Debug, Default)]
pub(in super::super) struct Links(HashMap<Box<[u8]>, Option<[u8; 32]>>);

impl Links {
    /// Takes an entry in the order of paths: remembers a first name, and gives a further one the hash of its first, or its fate.
    pub(in super::super) fn follow(&mut self, entry: &mut Entry, has_links: bool) {
        if has_links {
            self.0.insert(entry.path.clone(), entry.hash.filter(|_| entry.is_selected()));
        }
        let Some(first) = entry.link_of.as_ref().filter(|_| entry.is_selected()) else { return };
        match self.0.get(first).copied().flatten() {
            Some(hash) => entry.hash = Some(hash),
            None => {
                let why =
                    format!("it is the same file as `{}`, which was not copied", escape(first));
                entry.link_of = None;
                entry.skip = Some(Box::new(Skip::new(Class::Unreadable, why)));
            }
        }
    }
}
