//! A home and a destination in memory, the mover's commands on them, and a look at both that shares no code with the mover.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::tool::{Ran, command};
use crate::common::trees;

/// A tree from outside: a line for each path.
pub(super) type Listing = BTreeMap<PathBuf, String>;

/// A home and where it goes, in a folder of their own.
pub(super) struct Pair {
    root: tempfile::TempDir,
}

impl Pair {
    pub(super) fn new() -> Self {
        // A system without memory for it has a disk.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let pair = Self { root };
        fs::create_dir(pair.home()).unwrap();
        fs::create_dir(pair.destination()).unwrap();
        pair
    }

    /// The folder that holds both.
    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub(super) fn destination(&self) -> PathBuf {
        self.root.path().join("destination")
    }

    /// Writes a file of the home.
    pub(super) fn file(&self, path: impl AsRef<Path>, content: &[u8]) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Prepares `mover copy`, to be altered or watched.
    pub(super) fn copying(&self) -> Command {
        let mut copying = command(&["mover", "copy"]);
        copying.arg(self.home()).arg(self.destination());
        copying
    }

    pub(super) fn copy(&self) -> Copied {
        self.copying().output().map(|output| Copied::of(output.into())).unwrap()
    }

    /// Starts `mover copy`, and comes back while it is at work.
    pub(super) fn start(&self) -> Child {
        self.copying().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Insists that the destination is the home, to the nanosecond.
    #[track_caller]
    pub(super) fn assert_same(&self, when: &str) {
        assert_alike(&listing(&self.destination()), &listing(&self.home()), when);
    }
}

/// What one `mover copy` said.
pub(super) struct Copied {
    pub(super) ran: Ran,
    /// Its account, if it got that far.
    pub(super) said: Value,
}

impl Copied {
    pub(super) fn of(ran: Ran) -> Self {
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        let said = serde_json::from_str(&ran.out).unwrap_or(Value::Null);
        Self { ran, said }
    }

    /// Insists that the copy was proven.
    #[track_caller]
    pub(super) fn proven(self) -> Self {
        assert_eq!(self.ran.code, Some(0), "{}\n{}", self.ran.out, self.ran.err);
        assert_eq!(self.said["proven"], true, "{}", self.ran.out);
        assert_eq!(self.said["source"], self.said["destination"], "{}", self.ran.out);
        self
    }

    #[track_caller]
    pub(super) fn number(&self, name: &str) -> u64 {
        let number = self.said[name].as_u64();
        assert!(number.is_some(), "no number `{name}`: {}", self.ran.out);
        number.unwrap()
    }

    /// What was not copied, by name: escaped path and reason.
    pub(super) fn not_copied(&self) -> BTreeMap<String, String> {
        let lines = self.ran.err.lines().filter_map(|line| line.strip_prefix("not copied: "));
        lines
            .map(|line| {
                let (path, reason) = line.split_once(": ").unwrap();
                (path.to_owned(), reason.to_owned())
            })
            .collect()
    }
}

/// Waits for the end of a copy that was started.
pub(super) fn ended(child: Child) -> Copied {
    Copied::of(child.wait_with_output().unwrap().into())
}

/// Every path below a folder with what `lstat` says of it, and its content.
pub(super) fn listing(root: &Path) -> Listing {
    trees::listing(root, false)
}

/// Insists that two trees are alike, and names what differs.
#[track_caller]
pub(super) fn assert_alike(found: &Listing, expected: &Listing, when: &str) {
    let paths: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differing: Vec<_> = paths
        .into_iter()
        .filter(|path| found.get(*path) != expected.get(*path))
        .map(|path| format!("{path:?}: {:?} instead of {:?}", found.get(path), expected.get(path)))
        .collect();
    assert!(differing.is_empty(), "{when}:\n{}", differing.join("\n"));
}

/// Tells whether a name is one under which the mover writes what is not whole yet.
pub(super) fn is_part(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with(".studio-migrate-") && name.ends_with(".part")
}
