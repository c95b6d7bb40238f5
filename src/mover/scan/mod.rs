//! What is in a home, without reading its files: sizes, kinds, and what a planner wants to know of before.

mod habits;
mod sums;

use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::error::Error;
use super::meter::Meter;
use super::path::{escape, split};
use super::place::open;
use super::pool::Pool;
use super::rules::Rules;
use super::sorter::Sorter;
use super::ticket::{Phase, Progress};
use super::tree::{Tree, file_type, lstat};
use super::walk::{Found, Walk};
use habits::{author, names_authors};
use sums::Sums;

/// A git configuration is small; of a larger file only the beginning is read.
const LARGEST_CONFIGURATION: u64 = 64 * 1024;

/// Entries that one thread keeps to itself before it adds them to the list of all.
const SOME: usize = 512;

/// Homes whose sums one thread keeps to itself: there may be thousands of homes, and a hundred threads.
const HOMES: usize = 16;

/// Bytes and files by name.
pub type Counts = BTreeMap<String, (u64, u64)>;

/// What one scan of a home saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Bytes of regular files, each inode once.
    pub bytes: u64,
    /// Bytes as allocated, each inode once: less than `bytes` where files are sparse.
    pub allocated_bytes: u64,
    /// Regular files, each name counted.
    pub files: u64,
    /// Directories, without the home itself.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// FIFOs, sockets and devices.
    pub special: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// The largest files, at most ten: escaped path and bytes.
    pub largest: Vec<(String, u64)>,
    /// Bytes and files under names that a playbook usually leaves out: `.cache`, `conda`, `Trash`, `node_modules`,
    /// `__pycache__`, `.ipynb_checkpoints`.
    pub candidates: Counts,
    /// Bytes and files by the days since they changed: `0-30`, `31-90`, `91-365`, `366-`.
    pub ages: Counts,
    /// Bytes and files by what stands behind the last dot of a name, at most twenty with the most bytes and `others`; of
    /// names without one, under nothing.
    #[serde(default)]
    pub kinds: Counts,
    /// Further names of files that have several; their bytes are counted with the first.
    #[serde(default)]
    pub hard_links: u64,
    /// Bytes of holes, and files that have them.
    #[serde(default)]
    pub sparse: (u64, u64),
    /// The numeric user who owns the home itself.
    #[serde(default)]
    pub owner: Option<u32>,
    /// Entries of other owners, by numeric user.
    #[serde(default)]
    pub other_owners: BTreeMap<u32, u64>,
    /// Data Wrangler flows, which are files named `*.flow`.
    pub flows: u64,
    /// Distinct authors in git configurations, `name <email>`, at most twenty.
    pub git_authors: Vec<String>,
    /// Escaped paths that are longer than an S3 key or not UTF-8; at most ten.
    pub awkward_paths: Vec<String>,
    /// When a file last changed, RFC 3339.
    pub newest: Option<String>,
}

/// What one scan of a whole file system saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Homes {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// A row a home, in the order of their names.
    pub homes: Vec<Row>,
    /// What lies beside the homes.
    pub elsewhere: Scan,
}

/// One home of a file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of its folder, which is the numeric user whom SageMaker gave it to: `200005`.
    pub home: String,
    /// Whether no profile and no space has it; not known to whoever sees only the files.
    #[serde(default)]
    pub is_orphan: Option<bool>,
    /// What is in it.
    pub scan: Scan,
}

impl Homes {
    /// The version of the format that this program writes and reads.
    pub const SCHEMA: u32 = 1;

    /// Returns what is in a home.
    pub fn find(&self, home: &str) -> Option<&Scan> {
        let at = self.homes.binary_search_by(|row| row.home.as_str().cmp(home)).ok()?;
        self.homes.get(at).map(|row| &row.scan)
    }
}

/// Scans a home. Nothing is written, and of files only git configurations are read.
///
/// # Errors
/// [`Error::Io`] when the directory itself cannot be listed, [`Error::Stopped`].
pub fn scan(
    home: &Path,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Scan, Error> {
    let mut all = gather(home, &|_| (&[], true), None, &Meter::new(progress, stop))?;
    Ok(all.pop_first().map(|(_, sums)| sums.finish()).unwrap_or_default())
}

/// The same, and gives on every entry in byte order of paths, as a manifest has them but for what is in the files.
///
/// # Errors
/// As [`scan`], and those of `keep`.
pub fn scan_listing(
    home: &Path,
    keep: &mut dyn FnMut(Entry) -> Result<(), Error>,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Scan, Error> {
    let list = Sorter::new(Entry::by_path);
    let mut all = gather(home, &|_| (&[], true), Some(&list), &Meter::new(progress, stop))?;
    for entry in list.sorted()? {
        keep(entry?)?;
    }
    Ok(all.pop_first().map(|(_, sums)| sums.finish()).unwrap_or_default())
}

/// Scans a whole file system of homes at once: a folder at the top that is named by digits is a home.
///
/// # Errors
/// As [`scan`].
pub fn scan_homes(
    root: &Path,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Homes, Error> {
    let mut all = gather(root, &home_of, None, &Meter::new(progress, stop))?;
    let elsewhere = all.remove(&Vec::new()).map(Sums::finish).unwrap_or_default();
    let rows = all.into_iter().map(|(home, sums)| Row {
        home: escape(&home),
        is_orphan: None,
        scan: sums.finish(),
    });
    Ok(Homes { schema: Homes::SCHEMA, homes: rows.collect(), elsewhere })
}

/// Returns the home that a path belongs to, and whether it lies in it or is the home itself.
fn home_of(path: &[u8]) -> (&[u8], bool) {
    let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    let is_home = (1..=10).contains(&first.len()) && first.iter().all(u8::is_ascii_digit);
    if is_home { (first, path.len() > first.len()) } else { (&[], true) }
}

/// Which home an entry belongs to, and whether it lies in it.
type HomeOf<'a> = &'a (dyn Fn(&[u8]) -> (&[u8], bool) + Sync);

type Gathered = BTreeMap<Vec<u8>, Sums>;

/// What one thread gathers.
#[derive(Default)]
struct Hand {
    gathered: Gathered,
    some: Vec<Entry>,
}

/// Walks a tree and sums up by home.
fn gather(
    root: &Path,
    home_of: HomeOf<'_>,
    list: Option<&Sorter<Entry>>,
    meter: &Meter<'_>,
) -> Result<Gathered, Error> {
    let tree = Tree::open(root)?;
    meter.begin(Phase::Scanning, 0, 0);
    let (rules, pool) = (Rules::default(), Pool::new(None));
    let now = jiff::Timestamp::now().as_second();
    let links = Sorter::new(Found::by_inode);
    let all = Mutex::new(Gathered::new());
    let walk = Walk { tree: &tree, rules: &rules, reserved: &[], pool: &pool, meter };
    let hands = walk.run(&|hand: &mut Hand, found: Found| {
        let (home, is_within) = home_of(&found.entry.path);
        if hand.gathered.len() >= HOMES && !hand.gathered.contains_key(home) {
            merge(&all, std::mem::take(&mut hand.gathered));
        }
        let sums = match hand.gathered.get_mut(home) {
            Some(sums) => sums,
            None => hand.gathered.entry(home.to_vec()).or_default(),
        };
        if !is_within {
            sums.root(found.owner);
        } else if found.has_names() {
            // Which name is the first is known when all are.
            links.add([found.clone()])?;
        } else {
            sums.add(&found, relative(&found.entry.path, home), true, now);
        }
        if names_authors(&found.entry.path) && sums.wants_authors() {
            sums.add_author(read_author(&tree, &found.entry.path));
        }
        if let Some(list) = list {
            hand.some.push(found.entry);
            if hand.some.len() >= SOME {
                list.add(hand.some.drain(..))?;
            }
        }
        Ok(())
    })?;
    for hand in hands {
        if let Some(list) = list {
            list.add(hand.some)?;
        }
        merge(&all, hand.gathered);
    }
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut last = None;
    for found in links.sorted()? {
        let found = found?;
        let (home, _) = home_of(&found.entry.path);
        let is_first = last.replace(found.inode) != Some(found.inode);
        let sums = all.entry(home.to_vec()).or_default();
        sums.add(&found, relative(&found.entry.path, home), is_first, now);
    }
    // A home that is scanned alone is the root itself.
    if let Ok(stat) = lstat(tree.root(), b".") {
        all.entry(Vec::new()).or_default().root(stat.st_uid);
    }
    meter.begin(Phase::Finished, 0, 0);
    Ok(all)
}

fn merge(all: &Mutex<Gathered>, some: Gathered) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    some.into_iter().for_each(|(home, sums)| all.entry(home).or_default().merge(sums));
}

fn relative<'a>(path: &'a [u8], home: &[u8]) -> &'a [u8] {
    if home.is_empty() { path } else { path.get(home.len() + 1..).unwrap_or_default() }
}

fn read_author(tree: &Tree, path: &[u8]) -> Option<String> {
    let (folder, name) = split(path);
    let folder = tree.place(folder).ok()?;
    let stat = lstat(&folder, name).ok()?;
    if file_type(&stat) != FileType::RegularFile {
        return None;
    }
    let file = open(folder.as_fd(), name).ok()?;
    let mut text = Vec::new();
    let file = std::fs::File::from(file);
    file.take(LARGEST_CONFIGURATION).read_to_end(&mut text).ok()?;
    author(&String::from_utf8_lossy(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(home: &Path) -> Scan {
        scan(home, &|_| (), &AtomicBool::new(false)).unwrap()
    }

    fn put(home: &Path, path: &str, content: &[u8]) {
        let path = home.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    #[test]
    fn kinds_and_bytes_are_counted_each_inode_once() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "a/one", &[1; 1000]);
        std::fs::hard_link(home.path().join("a/one"), home.path().join("two")).unwrap();
        std::os::unix::fs::symlink("nowhere", home.path().join("link")).unwrap();
        std::fs::File::create(home.path().join("sparse")).unwrap().set_len(1 << 30).unwrap();
        let scan = scanned(home.path());
        assert_eq!((scan.files, scan.directories, scan.symlinks, scan.special), (3, 1, 1, 0));
        assert_eq!(scan.bytes, (1 << 30) + 1000);
        assert!(scan.allocated_bytes <= 8192);
        assert_eq!(scan.largest, [("sparse".to_owned(), 1 << 30), ("a/one".to_owned(), 1000)]);
        assert!(scan.newest.is_some());
    }

    #[test]
    fn what_is_usually_left_out_is_summed_up_by_name() {
        let home = tempfile::tempdir().unwrap();
        for path in [
            ".cache/pip/x",
            "p/node_modules/y/__pycache__/z",
            ".local/share/Trash/t",
            "miniconda3/pkgs/c",
            "n/f",
        ] {
            put(home.path(), path, b"123");
        }
        let one = (3, 1);
        let expected = [(".cache", one), ("Trash", one), ("conda", one), ("node_modules", one)];
        let candidates = scanned(home.path()).candidates;
        assert_eq!(
            candidates.iter().map(|(name, sum)| (name.as_str(), *sum)).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn flows_authors_and_awkward_paths_are_found() {
        use std::os::unix::ffi::OsStrExt;
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "data.flow", b"{}");
        put(
            home.path(),
            "repo/.git/config",
            b"[core]\n\tname = no\n[user]\n\tname = Alice\n\temail = a@example.org\n",
        );
        std::fs::write(home.path().join(std::ffi::OsStr::from_bytes(b"\xff")), b"").unwrap();
        let scan = scanned(home.path());
        assert_eq!(scan.flows, 1);
        assert_eq!(scan.git_authors, ["Alice <a@example.org>"]);
        assert_eq!(scan.awkward_paths, ["\\xff"]);
    }

    #[test]
    fn kinds_sparse_files_and_other_owners_are_told() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "a.ipynb", &[1; 100]);
        put(home.path(), "b.ipynb", &[1; 100]);
        put(home.path(), "Makefile", &[1; 10]);
        std::fs::File::create(home.path().join("hole.bin")).unwrap().set_len(1 << 20).unwrap();
        let scan = scanned(home.path());
        assert_eq!(scan.kinds.get("ipynb"), Some(&(200, 2)));
        assert_eq!(scan.kinds.get(""), Some(&(10, 1)));
        assert_eq!(scan.sparse, (1 << 20, 1));
        assert!(scan.owner.is_some() && scan.other_owners.is_empty());
    }

    #[test]
    fn a_whole_file_system_gives_a_row_a_home() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "200005/a/one", &[1; 1000]);
        put(root.path(), "200005/.git/config", b"[user]\n\tname = Alice\n");
        put(root.path(), "200010/two.flow", &[1; 10]);
        std::fs::create_dir(root.path().join("200015")).unwrap();
        put(root.path(), "stray", &[1; 7]);
        let homes = scan_homes(root.path(), &|_| (), &AtomicBool::new(false)).unwrap();
        let rows: Vec<_> = homes
            .homes
            .iter()
            .map(|row| (row.home.as_str(), row.scan.files, row.scan.bytes))
            .collect();
        assert_eq!(rows, [("200005", 2, 1021), ("200010", 1, 10), ("200015", 0, 0)]);
        let first = homes.find("200005").unwrap();
        assert_eq!(first.largest[0].0, "a/one");
        assert_eq!(first.directories, 2);
        assert_eq!(first.git_authors, ["Alice"]);
        assert_eq!((homes.elsewhere.files, homes.elsewhere.bytes), (1, 7));
    }

    #[test]
    fn every_entry_of_a_scan_is_to_be_had_in_order() {
        let home = tempfile::tempdir().unwrap();
        ["b/x", "a", "b.c"].iter().for_each(|path| put(home.path(), path, b"1"));
        let mut paths = Vec::new();
        let mut keep = |entry: Entry| {
            paths.push(String::from_utf8(entry.path.to_vec()).unwrap());
            Ok(())
        };
        scan_listing(home.path(), &mut keep, &|_| (), &AtomicBool::new(false)).unwrap();
        assert_eq!(paths, ["a", "b", "b.c", "b/x"]);
    }
}
