//! Reading a home again, long after it was copied, against the manifest of that copy.
//!
//! Whoever owns it may have worked there: what they changed and deleted is told, and is no trouble. A file that has the size and
//! the time that the copy gave it and holds something else is.

use std::path::Path;

use super::entry::{Entry, Kind};
use super::error::Error;
use super::manifest;
use super::meter::Meter;
use super::path::escape;
use super::pool::Pool;
use super::sorter::Sorter;
use super::ticket::{Phase, Reread};
use super::tree::Tree;
use super::verify::{Checked, MISSING, Reading};

/// Entries that are named; all are counted.
const NAMED: usize = 100;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Same,
    Changed,
    Missing,
    Damaged,
    Unreadable,
}

/// Reads every entry of a manifest again at a destination. Nothing is written.
///
/// # Errors
/// [`Error::Stopped`], those of the manifest, and [`Error::Io`] when the destination as such cannot be read.
pub(super) fn reread(
    destination: &Path,
    manifest: &Path,
    meter: &Meter<'_>,
) -> Result<Reread, Error> {
    use std::os::unix::ffi::OsStrExt;
    let opened = std::fs::File::open(manifest).map_err(|error| {
        Error::io("cannot read the manifest", manifest.as_os_str().as_bytes(), error)
    })?;
    let tree = Tree::open(destination)?;
    let pool = Pool::new(None);
    meter.begin(Phase::Verifying, 0, 0);
    let checked = Sorter::new(Checked::by_path);
    Reading::of(&tree, &pool, meter).check_all(manifest::read(opened)?, &checked)?;
    let mut told = Reread::default();
    let mut others = Vec::new();
    for checked in checked.sorted()? {
        let checked = checked?;
        if !checked.entry.is_selected() {
            continue;
        }
        told.entries += 1;
        let became = became(&checked);
        if became != Became::Missing {
            told.bytes += checked.entry.size;
        }
        let (count, words) = match became {
            Became::Same => (&mut told.same, ""),
            Became::Changed => (&mut told.changed, "changed since it was copied"),
            Became::Missing => (&mut told.missing, "there no more"),
            Became::Damaged => (&mut told.damaged, DAMAGED),
            Became::Unreadable => (&mut told.unreadable, checked.words()),
        };
        *count += 1;
        let list = match became {
            Became::Same => continue,
            Became::Damaged => &mut told.named,
            _ => &mut others,
        };
        if list.len() < NAMED {
            list.push((escape(checked.entry.place()), words.to_owned()));
        }
    }
    let room = NAMED.saturating_sub(told.named.len());
    told.named.extend(others.into_iter().take(room));
    Ok(told)
}

/// The words for what nobody changed and is another thing all the same.
const DAMAGED: &str = "not what was copied, although it has the size and the time of that";

fn became(checked: &Checked) -> Became {
    let entry = &checked.entry;
    let Some(found) = checked.found() else {
        return match checked.words() {
            "" => Became::Same,
            MISSING => Became::Missing,
            _ => Became::Unreadable,
        };
    };
    // Whatever is made in a folder gives it another time.
    let is_folder = (entry.kind, found.kind) == (Kind::Directory, Kind::Directory);
    if is_folder && entry.mode == found.mode {
        return Became::Same;
    }
    if is_untouched(entry, found) && entry.hash != found.hash {
        return Became::Damaged;
    }
    Became::Changed
}

fn is_untouched(entry: &Entry, found: &Entry) -> bool {
    (entry.kind, found.kind) == (Kind::File, Kind::File)
        && (entry.size, entry.mtime) == (found.size, found.mtime)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::AtomicBool;
    use std::time::{Duration, SystemTime};

    use super::super::copy::{Order, copy};
    use super::*;

    #[test]
    fn what_its_owner_did_is_told_apart_from_damage() {
        let root = tempfile::tempdir().unwrap();
        let (home, there) = (root.path().join("efs"), root.path().join("ebs"));
        fs::create_dir_all(home.join("folder")).unwrap();
        for file in ["same", "changed", "deleted", "damaged", "folder/same"] {
            fs::write(home.join(file), "as it was").unwrap();
        }
        let order = Order { source: home, destination: there.clone(), ..Order::default() };
        let mut writer = manifest::Writer::new(Vec::new()).unwrap();
        let stop = AtomicBool::new(false);
        copy(&order, &mut |entry| writer.add(&entry), &|_| (), &stop).unwrap();
        let list = root.path().join("manifest");
        fs::write(&list, writer.finish().unwrap().0).unwrap();

        fs::write(there.join("changed"), "worked on").unwrap();
        fs::remove_file(there.join("deleted")).unwrap();
        fs::write(there.join("folder/new"), "made since").unwrap();
        let time = there.join("damaged").metadata().unwrap().modified().unwrap();
        fs::write(there.join("damaged"), "as it !!!").unwrap();
        fs::File::open(there.join("damaged")).unwrap().set_modified(time).unwrap();
        let later = SystemTime::now() + Duration::from_secs(60);
        fs::File::open(there.join("changed")).unwrap().set_modified(later).unwrap();

        let told = reread(&there, &list, &Meter::new(&|_| (), &stop)).unwrap();
        assert_eq!((told.entries, told.same, told.bytes), (6, 3, 36));
        assert_eq!((told.changed, told.missing, told.damaged), (1, 1, 1));
        let named: Vec<_> = told.named.iter().map(|(path, what)| (&**path, &**what)).collect();
        assert_eq!(
            named,
            [
                ("damaged", DAMAGED),
                ("changed", "changed since it was copied"),
                ("deleted", "there no more")
            ]
        );
    }
}
