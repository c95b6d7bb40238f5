//! What an earlier pass copied, and its owner has deleted since.

use rustix::fs::{AtFlags, FileType};

use super::entry::{Class, Entry, Kind, Skip, mtime, size};
use super::error::Error;
use super::joining::{Gone, Parted};
use super::meter::Meter;
use super::path::split;
use super::pool::Pool;
use super::tree::{Tree, file_type, letting_in, lstat_if_there};
use super::verify::Reading;

/// How what is gone is cleared away.
pub(super) struct Clearing<'a> {
    pub(super) tree: &'a Tree,
    pub(super) pool: &'a Pool,
    pub(super) meter: &'a Meter<'a>,
    /// Whether it goes; it is only listed otherwise.
    pub(super) deletes: bool,
    /// When it stays all the same.
    pub(super) spares: Spares,
}

/// When nothing is removed although it is at the source no more: the copy may be the last, and whoever cleared the old home need
/// not have meant the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spares {
    /// Never.
    #[default]
    Nothing,
    /// Where nothing of what was brought is at the source any more, and hardly anything else.
    Emptied,
    /// Where more than half of the files that were brought are at the source no more.
    Cleared,
}

impl Clearing<'_> {
    /// Lists what is still at the destination, and removes it if it is to go and nobody changed it there.
    ///
    /// The deepest comes first, so that folders are empty when it is their turn.
    pub(super) fn clear(
        &self,
        parted: Parted,
        mut list: impl FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_spared = match self.spares {
            Spares::Nothing => false,
            Spares::Emptied => parted.is_emptied,
            Spares::Cleared => parted.is_emptied || parted.is_cleared,
        };
        let deletes = self.deletes && !is_spared;
        for gone in parted.gone.sorted()? {
            let Gone { mut entry, is_replaced } = gone?;
            self.meter.tick(&entry.path)?;
            let why = self.say_what_became_of(&entry, deletes);
            if let Some(why) = why.filter(|_| !is_replaced) {
                entry.skip = Some(Box::new(Skip::new(Class::Gone, why)));
                list(entry)?;
            }
        }
        Ok(())
    }

    /// Returns words about what is at an entry's place; none when nothing is.
    fn say_what_became_of(&self, entry: &Entry, deletes: bool) -> Option<String> {
        let (folder, name) = split(entry.place());
        let folder = self.tree.place(folder).ok()?;
        let there = lstat_if_there(&folder, name).ok().flatten()?;
        if !deletes {
            return Some("it was deleted at the source since; here it stays".to_owned());
        }
        if entry.was_there_before() {
            let why = "it was deleted at the source since; here it was before, and stays";
            return Some(why.to_owned());
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
        let reading = Reading::of(self.tree, self.pool, self.meter).lifting();
        let checked = reading.check(entry.clone(), &mut Default::default());
        checked.is_ok_and(|checked| checked.is_same())
    }
}
