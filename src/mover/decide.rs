//! What happens at a place where something is already.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use super::entry::{Class, Entry, Skip, Time, mtime};
use super::error::Error;
use super::tree::{file_type, is_full, letting_in, lstat_if_there};
use crate::playbook::Conflict;

/// The most names that are tried beside one that is taken.
const MOST_NAMES: usize = 1000;

/// The longest name that Linux takes, in bytes.
const LONGEST_NAME: usize = 255;

/// What to do with one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes under this name, and may replace what has it.
    Write { name: Vec<u8>, replaces: bool },
    /// The same is there already, under this name.
    Keep { name: Vec<u8> },
}

/// Why one entry is not copied this time.
#[derive(Debug)]
pub(super) enum Hitch {
    /// It is listed with this reason.
    Skip(Skip),
    /// It changed under the reader; another attempt may do.
    Changed(&'static str),
    /// The whole copy ends.
    End(Error),
}

impl From<Error> for Hitch {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

impl Hitch {
    pub(super) fn skip(class: Class, why: impl Into<String>) -> Self {
        Self::Skip(Skip::new(class, why))
    }

    /// Judges what the destination refused: the entry, or all that would follow too.
    pub(super) fn at_destination(errno: Errno, what: &'static str, place: &[u8]) -> Self {
        let refused = |why: &str| Self::skip(Class::Unstorable, why.to_owned());
        match errno {
            // The needs are not known here; the copy fills them in.
            errno if is_full(errno) => Self::End(Error::NoRoom { needs: 0, has: 0 }),
            Errno::NAMETOOLONG => refused("the destination takes no name that long"),
            Errno::ILSEQ | Errno::INVAL => refused("the destination does not take this name"),
            Errno::FBIG => refused("the destination takes no file that large"),
            Errno::LOOP | Errno::NOTDIR | Errno::NOENT => {
                refused("its folder at the destination was replaced while the copy ran")
            }
            Errno::ISDIR => refused("a folder was put at its place while the copy ran"),
            Errno::ACCESS | Errno::PERM | Errno::OPNOTSUPP => {
                refused(&format!("the destination refuses it: {}", std::io::Error::from(errno)))
            }
            errno => Self::End(Error::io(what, place, errno)),
        }
    }
}

/// What something at a place is to what wants to go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same already.
    Same,
    /// What an earlier pass put there, and nobody changed since: it may be replaced under every policy.
    Earlier,
    /// What an earlier pass put there, and somebody changed since.
    Altered,
    /// Something else.
    Other,
}

/// Why what an earlier pass brought, and somebody changed since, is not replaced.
const ALTERED: &str =
    "an earlier move brought what is there, it was changed there since, and it stays";

/// Tells whether a skip is about what an earlier pass brought.
pub(super) fn is_altered(skip: &Skip) -> bool {
    skip.class == Class::Conflict && skip.why == ALTERED
}

/// Tells whether a pass found its entry at the destination, or what it had once brought there and somebody changed.
pub(super) fn was_brought(entry: &Entry) -> bool {
    entry.skip.as_deref().is_none_or(is_altered)
}

impl Likeness {
    pub(super) fn of(is_same: bool) -> Self {
        if is_same { Self::Same } else { Self::Other }
    }

    /// What is not the same: as an earlier pass put it there, or not, where one had brought something to that place.
    pub(super) fn to(earlier: Option<&Entry>, is_untouched: bool) -> Self {
        match earlier {
            Some(_) if is_untouched => Self::Earlier,
            Some(_) => Self::Altered,
            None => Self::Other,
        }
    }
}

/// Tells what something at a name is to what wants to go there.
type Compare<'a> = &'a mut dyn FnMut(&[u8], &Stat) -> Result<Likeness, Hitch>;

/// A place, and what wants to go there.
pub(super) struct Deciding<'a> {
    pub(super) conflict: Conflict,
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
    pub(super) mtime: Time,
    /// Tells whether the home has an entry of its own under this name in the same folder.
    pub(super) is_taken: &'a dyn Fn(&[u8]) -> bool,
}

impl Deciding<'_> {
    /// Decides; `compare` is asked only where something is.
    pub(super) fn decide(
        &self,
        there: Option<&Stat>,
        compare: Compare<'_>,
    ) -> Result<Verdict, Hitch> {
        let name = self.name.to_vec();
        let Some(there) = there else {
            return Ok(Verdict::Write { name, replaces: false });
        };
        let stays = match compare(self.name, there)? {
            Likeness::Same => return Ok(Verdict::Keep { name }),
            Likeness::Earlier => return Ok(Verdict::Write { name, replaces: true }),
            Likeness::Altered => Some(ALTERED),
            Likeness::Other => None,
        };
        match self.conflict {
            Conflict::Refuse => {
                Err(refused(stays.unwrap_or("something else is there, and it stays")))
            }
            Conflict::KeepBoth => self.beside(compare),
            Conflict::NewerWins if mtime(there) >= self.mtime => {
                Err(refused(stays.unwrap_or("what is there is not older, and it stays")))
            }
            Conflict::NewerWins | Conflict::SourceWins => {
                self.clear(there)?;
                Ok(Verdict::Write { name, replaces: true })
            }
        }
    }

    /// Finds a name beside one that is taken: `name.classic`, `name.classic-2`, ….
    fn beside(&self, compare: Compare<'_>) -> Result<Verdict, Hitch> {
        for number in 1..=MOST_NAMES {
            let name = classic_name(self.name, number);
            if (self.is_taken)(&name) {
                continue;
            }
            let there = lstat_if_there(self.folder, &name);
            let there =
                there.map_err(|errno| Hitch::at_destination(errno, "cannot look at", &name))?;
            let Some(there) = there else {
                return Ok(Verdict::Write { name, replaces: false });
            };
            match compare(&name, &there)? {
                Likeness::Same => return Ok(Verdict::Keep { name }),
                Likeness::Earlier => return Ok(Verdict::Write { name, replaces: true }),
                Likeness::Altered | Likeness::Other => {}
            }
        }
        Err(refused("every name beside it is taken"))
    }

    /// Makes way for what wins. A folder with anything in it is never deleted for a file.
    fn clear(&self, there: &Stat) -> Result<(), Hitch> {
        if file_type(there) != FileType::Directory {
            return Ok(());
        }
        let remove = || rustix::fs::unlinkat(self.folder, self.name, AtFlags::REMOVEDIR);
        match letting_in(self.folder, remove) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                Err(refused("a folder with files is there, and it stays"))
            }
            Err(errno) => {
                Err(Hitch::at_destination(errno, "cannot remove the empty folder", self.name))
            }
        }
    }
}

fn refused(why: &str) -> Hitch {
    Hitch::skip(Class::Conflict, why)
}

/// Returns the name beside `name`, shortened at a character when it would be too long.
fn classic_name(name: &[u8], number: usize) -> Vec<u8> {
    let suffix = if number == 1 { ".classic".to_owned() } else { format!(".classic-{number}") };
    let mut end = name.len().min(LONGEST_NAME - suffix.len());
    while end < name.len() && end > 1 && name[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    [&name[..end], suffix.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_are_numbered_and_never_too_long() {
        assert_eq!(classic_name(b"a.txt", 1), b"a.txt.classic");
        assert_eq!(classic_name(b"a.txt", 2), b"a.txt.classic-2");
        let long = classic_name("ü".repeat(127).as_bytes(), 1);
        assert!(long.len() <= LONGEST_NAME);
        assert!(std::str::from_utf8(&long).is_ok());
    }
}
