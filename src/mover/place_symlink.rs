//! Putting one symbolic link in its place.

use rustix::fs::{AtFlags, FileType};

use super::decide::{Hitch, Likeness, Verdict};
use super::entry::{Entry, mtime};
use super::part::Part;
use super::path::join;
use super::place::{Folder, Placer, Work, look, put, stored_as, times, unreadable};
use super::tree::{file_type, lstat};

impl Placer<'_> {
    /// Puts a link in place, with its own target and time.
    pub(super) fn symlink(
        &self,
        at: &Folder<'_>,
        name: &[u8],
        (is_fresh, earlier): (bool, Option<&Entry>),
        entry: &mut Entry,
        work: &mut Work,
    ) -> Result<(), Hitch> {
        let stat = self.pool.timed(|| lstat(at.from, name)).map_err(unreadable)?;
        if file_type(&stat) != FileType::Symlink {
            return Err(Hitch::Changed("it became something else while it was read"));
        }
        entry.take_stat(&stat);
        let target =
            rustix::fs::readlinkat(at.from, name, Vec::new()).map_err(unreadable)?.into_bytes();
        entry.target = Some(target.as_slice().into());
        let there = look(at.into, name, is_fresh)?;
        let is_taken = |name: &[u8]| at.is_in_home(name);
        let verdict = self.deciding(at, name, entry.mtime, &is_taken).decide(
            there.as_ref(),
            &mut |name, there| {
                let is_link = file_type(there) == FileType::Symlink;
                let held = if is_link {
                    rustix::fs::readlinkat(at.into, name, Vec::new()).ok()
                } else {
                    None
                };
                let Some(held) = held.map(std::ffi::CString::into_bytes) else {
                    return Ok(Likeness::to(earlier, false));
                };
                let was = earlier.and_then(|earlier| earlier.target.as_deref());
                let is_earlier = was == Some(held.as_slice())
                    && earlier.is_some_and(|earlier| {
                        earlier.is_selected() && earlier.mtime == mtime(there)
                    });
                Ok(match held == target {
                    true => Likeness::Same,
                    false => Likeness::to(earlier, is_earlier),
                })
            },
        )?;
        match verdict {
            Verdict::Keep { .. } if self.knows_its_own => entry.was_there(earlier),
            Verdict::Write { replaces: true, .. } => entry.takes_place_of(earlier),
            _ => {}
        }
        let to = self.put_symlink(at, verdict, entry, work)?;
        let stored = lstat(at.into, &to);
        entry.accept_time(mtime(
            &stored.map_err(|errno| Hitch::at_destination(errno, "cannot look at", &to))?,
        ));
        entry.stored_as = stored_as(at, name, &to);
        Ok(())
    }

    /// Makes a link, or gives the one that is there its time; returns its name.
    fn put_symlink(
        &self,
        at: &Folder<'_>,
        verdict: Verdict,
        entry: &Entry,
        work: &mut Work,
    ) -> Result<Vec<u8>, Hitch> {
        let times = times(entry.mtime);
        let set_time =
            |name: &[u8]| rustix::fs::utimensat(at.into, name, &times, AtFlags::SYMLINK_NOFOLLOW);
        match verdict {
            Verdict::Keep { name: kept } => {
                let refused = |errno| Hitch::at_destination(errno, "cannot set the time of", &kept);
                if mtime(&lstat(at.into, &kept).map_err(refused)?) != entry.mtime {
                    set_time(&kept).map_err(refused)?;
                }
                work.kept += 1;
                Ok(kept)
            }
            Verdict::Write { name: to, replaces } => {
                let place = join(at.stored, &to);
                let refused = |errno| Hitch::at_destination(errno, "cannot write the link", &place);
                let mut part = Part::new(at.into, &place);
                part.symlink(entry.target.as_deref().unwrap_or_default()).map_err(refused)?;
                set_time(part.name()).map_err(refused)?;
                put(&mut part, &to, replaces, &place)?;
                work.written += 1;
                Ok(to)
            }
        }
    }
}
