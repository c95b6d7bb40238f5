//! The source of a transfer: a folder of a simulated file system, with owners as EFS would show them.
//!
//! Nothing is opened through a symbolic link unless the world has links followed, and then nothing out of the file system. A hard
//! link is a file like any other: AWS's pages say that the file behind is sent once and that there is an object for each link,
//! which FSx brings back as files of their own; the bytes are counted for each.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::sim::World;

use super::filter::Filter;
use super::records::{Failure, Problem, Step, Symlinks};

/// The group of whoever works in Classic, when no other was chosen (`CustomPosixUserConfig` in the SageMaker API reference).
const GROUP: u32 = 1001;

/// What a thing of the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Folder,
    File,
    Link,
    /// A socket, a pipe or a device, which has nothing to transfer.
    Special,
}

/// One thing of the source, as it was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Its path from the source location: `/notes/a.ipynb`, and `/` for the location itself.
    pub(super) path: String,
    pub(super) kind: Kind,
    /// Bytes; of a link those of the path that it leads to.
    pub(super) size: u64,
    /// Seconds and nanoseconds since the epoch.
    pub(super) mtime: (i64, u32),
    /// Seconds and nanoseconds since the epoch.
    pub(super) atime: (i64, u32),
    /// `st_mode`, type and permissions.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Item {
    pub(super) fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// What went wrong with this.
    pub(super) fn failure(&self, step: Step, problem: Problem) -> Failure {
        Failure { path: self.path.clone(), is_folder: self.is_folder(), step, problem }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) failures: Vec<Failure>,
}

/// A source that can be read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file system's folder.
    base: PathBuf,
    /// The location's folder.
    root: PathBuf,
    /// The location's path on the file system.
    path: String,
    /// User and group of the simulator, whose the files are here.
    own: (u32, u32),
    symlinks: Symlinks,
}

impl Source {
    /// Mounts a folder of a file system.
    ///
    /// # Errors
    ///
    /// There is no such folder. What AWS calls that is inferred.
    pub(super) fn mount(
        world: &World,
        file_system: &str,
        path: &str,
        symlinks: Symlinks,
    ) -> Result<Self, Problem> {
        let base = world.dir().join("efs").join(file_system);
        let root = base.join(path.trim_start_matches('/'));
        let found = base.canonicalize().and_then(|base| Ok((base, root.canonicalize()?)));
        let own = fs::metadata(world.dir());
        match (found, own) {
            (Ok((base, root)), Ok(own)) if root.starts_with(&base) && root.is_dir() => {
                let (path, own) = (path.to_owned(), (own.uid(), own.gid()));
                Ok(Self { base, root, path, own, symlinks })
            }
            _ => {
                let detail =
                    format!("Failed to mount {file_system}:{path}: No such file or directory");
                Err(Problem::new("MountFailed", detail))
            }
        }
    }

    /// Lists everything, or with a filter what it includes; folders stand before what is in them.
    pub(super) fn list(&self, includes: Option<&Filter>) -> Found {
        let mut found = Found::default();
        let is_wanted = |path: &str| includes.is_none_or(|filter| filter.fits(path));
        let mut folders = vec!["/".to_owned()];
        if is_wanted("/")
            && let Ok(item) = self.look("/")
        {
            found.items.push(item);
        }
        while let Some(folder) = folders.pop() {
            let mut names = match self.names(&folder) {
                Ok(names) => names,
                Err(error) => {
                    if is_wanted(&folder) {
                        let problem = Problem::new("FailedToListFolder", error.to_string());
                        let (path, step) = (folder, Step::List);
                        found.failures.push(Failure { path, is_folder: true, step, problem });
                    }
                    continue;
                }
            };
            names.sort();
            let mut inner = Vec::new();
            for name in names {
                let path = format!("{}/{}", folder.trim_end_matches('/'), name.to_string_lossy());
                let is_folder = self.is_folder(&folder, &name);
                if name.to_str().is_none() {
                    if !is_wanted(&path) {
                        continue;
                    }
                    // A key of S3 is UTF-8; what DataSync makes of another name is inferred.
                    let problem = Problem::new("InvalidName", "The name is not valid UTF-8");
                    let (is_folder, step) = (is_folder, Step::Prepare);
                    found.failures.push(Failure { path, is_folder, step, problem });
                    continue;
                }
                if is_wanted(&path) {
                    match self.look(&path) {
                        Ok(item) => found.items.push(item),
                        Err(problem) => {
                            let step = Step::Prepare;
                            let path = path.clone();
                            found.failures.push(Failure { path, is_folder, step, problem });
                        }
                    }
                }
                if is_folder {
                    inner.push(path);
                }
            }
            folders.extend(inner.into_iter().rev());
        }
        found
    }

    /// Looks at one thing.
    ///
    /// # Errors
    ///
    /// It is not there, or is a link that is to be followed and leads to no file of the file system.
    pub(super) fn look(&self, path: &str) -> Result<Item, Problem> {
        let there = self.root.join(path.trim_start_matches('/'));
        let seen = fs::symlink_metadata(&there).map_err(|error| unreadable(path, &error))?;
        let seen = match (seen.is_symlink(), self.symlinks) {
            (true, Symlinks::Follow) => self.followed(path, &there)?.1,
            _ => seen,
        };
        Ok(self.item(path, &seen))
    }

    /// Opens what a file holds.
    ///
    /// # Errors
    ///
    /// It is not there, or may not be read.
    pub(super) fn open(&self, path: &str) -> Result<File, Problem> {
        let there = self.root.join(path.trim_start_matches('/'));
        let there = match self.symlinks {
            Symlinks::Follow => self.followed(path, &there)?.0,
            Symlinks::Object | Symlinks::Skip => there,
        };
        // A pipe that took the file's place must not be waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(there);
        file.map_err(|error| unreadable(path, &error))
    }

    /// The path that a link leads to, as it stands in the link.
    ///
    /// # Errors
    ///
    /// It is not there, or is no link any more.
    pub(super) fn target(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let target = fs::read_link(self.root.join(path.trim_start_matches('/')));
        let target = target.map_err(|error| unreadable(path, &error))?;
        Ok(target.as_os_str().as_bytes().to_vec())
    }

    fn followed(&self, path: &str, there: &Path) -> Result<(PathBuf, Metadata), Problem> {
        let leads = there.canonicalize().map_err(|error| unreadable(path, &error))?;
        let seen = fs::metadata(&leads).map_err(|error| unreadable(path, &error))?;
        if !leads.starts_with(&self.base) || !seen.is_file() {
            let detail = format!("{path} leads to no file of the file system");
            return Err(Problem::new("FileNotAtSource", detail));
        }
        Ok((leads, seen))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<std::ffi::OsString>> {
        let entries = fs::read_dir(self.root.join(folder.trim_start_matches('/')))?;
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn is_folder(&self, folder: &str, name: &OsStr) -> bool {
        let there = self.root.join(folder.trim_start_matches('/')).join(name);
        fs::symlink_metadata(there).is_ok_and(|seen| seen.is_dir())
    }

    fn item(&self, path: &str, seen: &Metadata) -> Item {
        let kind = match seen.file_type() {
            one if one.is_dir() => Kind::Folder,
            one if one.is_file() => Kind::File,
            one if one.is_symlink() => Kind::Link,
            _ => Kind::Special,
        };
        let nanos = |nanos: i64| u32::try_from(nanos).unwrap_or_default();
        let (own_user, own_group) = self.own;
        Item {
            path: path.to_owned(),
            kind,
            size: if kind == Kind::Folder { 0 } else { seen.len() },
            mtime: (seen.mtime(), nanos(seen.mtime_nsec())),
            atime: (seen.atime(), nanos(seen.atime_nsec())),
            mode: seen.mode(),
            uid: if seen.uid() == own_user { self.owner(path) } else { seen.uid() },
            gid: if seen.gid() == own_group { GROUP } else { seen.gid() },
        }
    }

    /// Whose something is that belongs to the simulator here: on EFS it is theirs whose home it is in, and outside of homes
    /// root's.
    fn owner(&self, path: &str) -> u32 {
        let mut parts = self.path.split('/').chain(path.split('/')).filter(|part| !part.is_empty());
        parts.next().and_then(|home| home.parse().ok()).unwrap_or(0)
    }
}

/// What cannot be read, in the words of DataSync's log ("Troubleshooting data verification issues").
fn unreadable(path: &str, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::NotFound => "FileNotAtSource",
        io::ErrorKind::PermissionDenied => "PermissionDenied",
        _ => "FailedToOpenSourceFile",
    };
    Problem::new(code, format!("Failed to open source file {path}: {error}"))
}
