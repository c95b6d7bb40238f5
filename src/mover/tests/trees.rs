//! A home and a destination in a temporary folder, and a look at both that shares no code with the mover.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, UNIX_EPOCH};

use crate::mover::{Entry, Error, Order, Progress, Rules, Share, Totals, Verified, copy, verify};
use crate::playbook::{Conflict, LeaveOut};

/// What a copy did, with all entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) entries: Vec<Entry>,
    pub(super) totals: Totals,
    pub(super) not_copied: BTreeMap<String, u64>,
    pub(super) written: u64,
    pub(super) written_bytes: u64,
    pub(super) kept: u64,
}

/// A home and where it goes.
pub(super) struct Pair {
    root: tempfile::TempDir,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// Makes both in memory where the system has a place for it, so that syncing costs nothing.
    pub(super) fn in_memory() -> Self {
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::in_folder(memory.unwrap())
    }

    fn in_folder(root: tempfile::TempDir) -> Self {
        let pair = Self { root };
        fs::create_dir(pair.home()).unwrap();
        fs::create_dir(pair.destination()).unwrap();
        pair
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub(super) fn destination(&self) -> PathBuf {
        self.root.path().join("destination")
    }

    /// Writes a file of the home.
    pub(super) fn file(&self, path: impl AsRef<[u8]>, content: &[u8]) -> PathBuf {
        write(&at(&self.home(), path), content)
    }

    /// Writes a file that is at the destination before.
    pub(super) fn there(&self, path: impl AsRef<[u8]>, content: &[u8]) -> PathBuf {
        write(&at(&self.destination(), path), content)
    }

    pub(super) fn folder(&self, path: impl AsRef<[u8]>) -> PathBuf {
        let folder = at(&self.home(), path);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(super) fn link(&self, target: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> PathBuf {
        let path = at(&self.home(), path);
        symlink(OsStr::from_bytes(target.as_ref()), &path).unwrap();
        path
    }

    pub(super) fn order(&self) -> Order {
        Order { source: self.home(), destination: self.destination(), ..Order::default() }
    }

    pub(super) fn copy(&self) -> Copied {
        run(&self.order())
    }

    pub(super) fn copy_under(&self, conflict: Conflict) -> Copied {
        run(&Order { conflict, ..self.order() })
    }

    pub(super) fn copy_without(&self, patterns: &[(&str, &str)]) -> Copied {
        let rule = |(pattern, reason): &(&str, &str)| LeaveOut {
            pattern: (*pattern).to_owned(),
            reason: (*reason).to_owned(),
        };
        let rules = Rules::new(patterns.iter().map(rule).collect()).unwrap();
        run(&Order { rules, ..self.order() })
    }

    pub(super) fn verify(&self, entries: &[Entry]) -> Verified {
        let entries = entries.iter().cloned().map(Ok);
        verify(&self.destination(), entries, Share::All, &|_| (), &AtomicBool::new(false)).unwrap()
    }

    /// Makes sure that both sides are the same, by our own proof and by a look that knows nothing of it.
    pub(super) fn assert_same(&self, copied: &Copied) {
        let verified = self.verify(&copied.entries);
        assert_eq!(verified.differences, []);
        assert_eq!(verified.totals, copied.totals);
        assert_eq!(shape(&self.destination()), shape(&self.home()));
    }
}

fn run(order: &Order) -> Copied {
    try_run(order).unwrap()
}

pub(super) fn try_run(order: &Order) -> Result<Copied, Error> {
    try_run_telling(order, &|_| (), &AtomicBool::new(false))
}

pub(super) fn try_run_telling(
    order: &Order,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Copied, Error> {
    let mut entries = Vec::new();
    let mut give = |entry| {
        entries.push(entry);
        Ok(())
    };
    let done = copy(order, &mut give, progress, stop)?;
    Ok(Copied {
        entries,
        totals: done.totals,
        not_copied: done.not_copied,
        written: done.written,
        written_bytes: done.written_bytes,
        kept: done.kept,
    })
}

pub(super) fn at(root: &Path, path: impl AsRef<[u8]>) -> PathBuf {
    root.join(OsStr::from_bytes(path.as_ref()))
}

fn write(path: &Path, content: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    path.to_owned()
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(super) fn set_mtime(path: &Path, seconds: u64, nanos: u32) {
    let time = UNIX_EPOCH + Duration::new(seconds, nanos);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
}

/// Everything that has to be the same of one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    mode: u32,
    mtime: (i64, i64),
    content: Vec<u8>,
    /// The first path with the same inode.
    first: PathBuf,
}

/// Returns what a tree looks like, without its root.
pub(super) fn shape(root: &Path) -> BTreeMap<PathBuf, Look> {
    let mut firsts = BTreeMap::new();
    let mut paths = walk(root);
    paths.sort();
    let look = |path: PathBuf| {
        let full = root.join(&path);
        let metadata = full.symlink_metadata().unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&full).unwrap().into_os_string().into_vec()
        } else if metadata.is_file() {
            fs::read(&full).unwrap()
        } else {
            Vec::new()
        };
        let first = firsts.entry(metadata.ino()).or_insert_with(|| path.clone()).clone();
        let look = Look {
            mode: metadata.mode(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            content,
            first,
        };
        (path, look)
    };
    paths.into_iter().map(look).collect()
}

/// Returns everything that `lstat` says of a tree but access times, which reading may change.
pub(super) fn stats(root: &Path) -> BTreeMap<PathBuf, [i64; 9]> {
    let mut paths = walk(root);
    paths.push(PathBuf::new());
    let stat = |path: PathBuf| {
        let stat = root.join(&path).symlink_metadata().unwrap();
        let all = [
            stat.ino().cast_signed(),
            stat.mode().into(),
            stat.nlink().cast_signed(),
            stat.size().cast_signed(),
            stat.blocks().cast_signed(),
            stat.mtime(),
            stat.mtime_nsec(),
            stat.ctime(),
            stat.ctime_nsec(),
        ];
        (path, all)
    };
    paths.into_iter().map(stat).collect()
}

fn walk(root: &Path) -> Vec<PathBuf> {
    let (mut paths, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path.clone());
            }
            paths.push(path);
        }
    }
    paths
}

/// Returns what was not copied: path and reason.
pub(super) fn not_copied(copied: &Copied) -> Vec<(String, String)> {
    copied.entries.iter().filter_map(Entry::not_copied).collect()
}
