//! What is in a home, without reading its files: sizes, kinds, and what a planner wants to know of before.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::entry::{Class, Entry, Kind, Time};
use super::error::Error;
use super::meter::Meter;
use super::path::{escape, split};
use super::place::open;
use super::pool::Pool;
use super::rules::Rules;
use super::ticket::{Phase, Progress};
use super::tree::{Tree, file_type, lstat};
use super::walk::{Found, Walk};

/// Largest files and awkward paths that are named.
const NAMED: usize = 10;

/// Git authors that are named.
const AUTHORS: usize = 20;

/// An object key of S3 is no longer, in bytes.
const LONGEST_KEY: usize = 1024;

/// A git configuration is small; of a larger file only the beginning is read.
const LARGEST_CONFIGURATION: u64 = 64 * 1024;

const DAY: i64 = 86_400;

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
    pub candidates: BTreeMap<String, (u64, u64)>,
    /// Bytes and files by the days since they changed: `0-30`, `31-90`, `91-365`, `366-`.
    pub ages: BTreeMap<String, (u64, u64)>,
    /// Data Wrangler flows, which are files named `*.flow`.
    pub flows: u64,
    /// Distinct authors in git configurations, `name <email>`, at most twenty.
    pub git_authors: Vec<String>,
    /// Escaped paths that are longer than an S3 key or not UTF-8; at most ten.
    pub awkward_paths: Vec<String>,
    /// When a file last changed, RFC 3339.
    pub newest: Option<String>,
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
    let tree = Tree::open(home)?;
    let meter = Meter::new(progress, stop);
    meter.begin(Phase::Scanning, 0, 0);
    let (rules, pool) = (Rules::default(), Pool::new(None));
    let all =
        Walk { tree: &tree, rules: &rules, reserved: &[], pool: &pool, meter: &meter }.run()?;
    let mut scanning = Scanning::of(&tree);
    for found in &all {
        scanning.add(found);
    }
    meter.begin(Phase::Finished, 0, 0);
    Ok(scanning.finish())
}

struct Scanning<'a> {
    tree: &'a Tree,
    now: i64,
    scan: Scan,
    seen: HashSet<(u64, u64)>,
    authors: BTreeSet<String>,
    newest: Option<Time>,
}

impl<'a> Scanning<'a> {
    fn of(tree: &'a Tree) -> Self {
        Self {
            tree,
            now: jiff::Timestamp::now().as_second(),
            scan: Scan::default(),
            seen: HashSet::new(),
            authors: BTreeSet::new(),
            newest: None,
        }
    }

    fn add(&mut self, found: &Found) {
        let entry = &found.entry;
        self.note_path(&entry.path);
        if matches!(&entry.skip, Some(skip) if matches!(skip.class, Class::Unreadable | Class::Changed))
        {
            self.scan.unreadable += 1;
            return;
        }
        match entry.kind {
            Kind::File => self.file(found),
            Kind::Directory => self.scan.directories += 1,
            Kind::Symlink => self.scan.symlinks += 1,
            Kind::Special => self.scan.special += 1,
        }
    }

    fn note_path(&mut self, path: &[u8]) {
        let is_awkward = path.len() > LONGEST_KEY || std::str::from_utf8(path).is_err();
        if is_awkward && self.scan.awkward_paths.len() < NAMED {
            self.scan.awkward_paths.push(escape(path));
        }
    }

    fn file(&mut self, found: &Found) {
        let entry = &found.entry;
        let scan = &mut self.scan;
        scan.files += 1;
        scan.flows += u64::from(entry.path.ends_with(b".flow"));
        self.newest = self.newest.max(Some(entry.mtime));
        if names_authors(&entry.path) {
            self.read_authors(&entry.path);
        }
        let is_first = found.links < 2 || self.seen.insert(found.inode);
        let bytes = if is_first { entry.size } else { 0 };
        let scan = &mut self.scan;
        scan.bytes += bytes;
        scan.allocated_bytes += if is_first { found.allocated } else { 0 };
        if let Some(candidate) = candidate(&entry.path) {
            add(&mut scan.candidates, candidate, bytes);
        }
        add(&mut scan.ages, age(self.now.saturating_sub(entry.mtime.0)), bytes);
        if is_first {
            note_large(&mut scan.largest, entry);
        }
    }

    fn read_authors(&mut self, path: &[u8]) {
        if self.authors.len() >= AUTHORS {
            return;
        }
        let (folder, name) = split(path);
        let Ok(folder) = self.tree.place(folder) else { return };
        let is_file =
            lstat(&folder, name).is_ok_and(|stat| file_type(&stat) == FileType::RegularFile);
        let Ok(file) = open(folder.as_fd(), name) else { return };
        let mut text = Vec::new();
        let read = std::fs::File::from(file).take(LARGEST_CONFIGURATION).read_to_end(&mut text);
        if is_file && read.is_ok() {
            self.authors.extend(author(&String::from_utf8_lossy(&text)));
        }
    }

    fn finish(self) -> Scan {
        let newest = self.newest.and_then(|Time(seconds, nanos)| {
            jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or_default()).ok()
        });
        Scan {
            git_authors: self.authors.into_iter().take(AUTHORS).collect(),
            newest: newest.map(|newest| newest.to_string()),
            ..self.scan
        }
    }
}

fn names_authors(path: &[u8]) -> bool {
    path == b".gitconfig" || path == b".git/config" || path.ends_with(b"/.git/config")
}

fn add(counts: &mut BTreeMap<String, (u64, u64)>, under: &str, bytes: u64) {
    let (all_bytes, files) = counts.entry(under.to_owned()).or_default();
    *all_bytes += bytes;
    *files += 1;
}

/// Keeps the largest, the first by path where sizes are the same.
fn note_large(largest: &mut Vec<(String, u64)>, entry: &Entry) {
    let place = largest.partition_point(|(_, bytes)| *bytes >= entry.size);
    if place < NAMED {
        largest.insert(place, (escape(&entry.path), entry.size));
        largest.truncate(NAMED);
    }
}

fn age(seconds: i64) -> &'static str {
    match seconds.div_euclid(DAY) {
        ..=30 => "0-30",
        31..=90 => "31-90",
        91..=365 => "91-365",
        _ => "366-",
    }
}

/// Returns the name that a playbook would leave a file out under; the outermost folder counts.
fn candidate(path: &[u8]) -> Option<&'static str> {
    let (folder, _) = split(path);
    let mut before: &[u8] = b"";
    for step in folder.split(|byte| *byte == b'/') {
        let name = match step {
            b".cache" => Some(".cache"),
            b".conda" | b"anaconda3" | b"miniconda3" | b"miniforge3" | b"mambaforge" => {
                Some("conda")
            }
            b"pkgs" | b"envs" if before == b"conda" => Some("conda"),
            b".Trash" | b"Trash" => Some("Trash"),
            _ if step.starts_with(b".Trash-") => Some("Trash"),
            b"node_modules" => Some("node_modules"),
            b"__pycache__" => Some("__pycache__"),
            b".ipynb_checkpoints" => Some(".ipynb_checkpoints"),
            _ => None,
        };
        if name.is_some() {
            return name;
        }
        before = step;
    }
    None
}

/// Returns the author that a git configuration names.
fn author(configuration: &str) -> Option<String> {
    let (mut is_user, mut name, mut email) = (false, None, None);
    for line in configuration.lines().map(str::trim) {
        if line.starts_with('[') {
            is_user = line.to_ascii_lowercase().replace(' ', "") == "[user]";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_user) else { continue };
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "name" if !value.is_empty() => name = Some(value),
            "email" if !value.is_empty() => email = Some(value),
            _ => {}
        }
    }
    match (name, email) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (Some(name), None) => Some(name.to_owned()),
        (None, Some(email)) => Some(format!("<{email}>")),
        (None, None) => None,
    }
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
    fn ages_are_told_in_days() {
        assert_eq!(
            [age(-5), age(0), age(31 * DAY), age(91 * DAY), age(366 * DAY)],
            ["0-30", "0-30", "31-90", "91-365", "366-"]
        );
    }
}
