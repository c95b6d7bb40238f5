//! What an earlier pass copied, and its owner has deleted since.

use rustix::fs::{AtFlags, FileType};

use super::Run;
use super::lists::Gone;
use crate::mover::entry::{Class, Entry, Kind, Skip, mtime, size};
use crate::mover::error::Error;
use crate::mover::path::split;
use crate::mover::sorter::Sorter;
use crate::mover::tree::{file_type, letting_in, lstat_if_there};
use crate::mover::verify::{Checked, Reading};

impl Run<'_> {
    /// Lists what is still at the destination, and removes it if the order says so and nobody changed it there.
    ///
    /// The deepest comes first, so that folders are empty when it is their turn.
    pub(super) fn remove_gone(&self, gone: Sorter<Gone>) -> Result<(), Error> {
        for gone in gone.sorted()? {
            let Gone { mut entry, is_replaced } = gone?;
            self.meter.tick(&entry.path)?;
            let why = self.say_what_became_of(&entry);
            if let Some(why) = why.filter(|_| !is_replaced) {
                entry.skip = Some(Box::new(Skip::new(Class::Gone, why)));
                self.ended.add([Checked::unread(entry)])?;
            }
        }
        Ok(())
    }

    /// Returns words about what is at an entry's place; none when nothing is.
    fn say_what_became_of(&self, entry: &Entry) -> Option<String> {
        let (folder, name) = split(entry.place());
        let folder = self.destination.place(folder).ok()?;
        let there = lstat_if_there(&folder, name).ok().flatten()?;
        if !self.order.deletes {
            return Some("it was deleted at the source since; here it stays".to_owned());
        }
        let is_folder = file_type(&there) == FileType::Directory;
        let is_untouched = match entry.kind {
            Kind::Directory => is_folder,
            Kind::File => {
                (size(&there), mtime(&there)) == (entry.size, entry.mtime)
                    && self.is_as_copied(entry)
            }
            Kind::Symlink | Kind::Special => self.is_as_copied(entry),
        };
        if !is_untouched {
            return Some(
                "it was deleted at the source since; here it changed, and stays".to_owned(),
            );
        }
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match letting_in(&folder, || rustix::fs::unlinkat(&folder, name, flags)) {
            Ok(()) => Some("it was deleted at the source since, and now here too".to_owned()),
            Err(errno) => Some(format!(
                "it was deleted at the source since; here it stays: {}",
                std::io::Error::from(errno)
            )),
        }
    }

    /// Tells whether the same content is there, which is read.
    fn is_as_copied(&self, entry: &Entry) -> bool {
        let reading = Reading::of(self.destination, self.pool, self.meter);
        let checked = reading.check(entry.clone(), &mut Default::default());
        checked.is_ok_and(|checked| checked.is_same())
    }
}
