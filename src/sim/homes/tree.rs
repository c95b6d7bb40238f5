//! Building a tree whose every mode and time is set, whatever the umask and the clock say.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, mkfifoat, utimensat};

/// 2021-01-01, when the oldest files were written.
const OLDEST: i64 = 1_609_459_200;
/// Four years, to the end of Studio Classic's maintenance.
const SPAN: i64 = 126_230_400;

/// Words for names and texts.
const WORDS: [&str; 24] = [
    "model", "train", "feature", "batch", "score", "price", "sales", "churn", "sensor", "region",
    "weekly", "daily", "report", "sample", "window", "signal", "vector", "matrix", "target",
    "signup", "orders", "basket", "report", "image",
];

/// Somebody who commits.
#[derive(Clone, Debug)]
pub(super) struct Author {
    /// First and last name.
    pub(super) name: String,
    /// The address in git's configuration.
    pub(super) email: String,
}

/// A tree that is being built.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    rng: Rng,
    /// Folders in the order in which they were made, with the mode and time that they get in the end.
    folders: Vec<(PathBuf, u32, Timespec)>,
    known: BTreeSet<PathBuf>,
}

impl Tree {
    /// Begins a tree in a folder that is not there or is empty.
    pub(super) fn new(root: &Path, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            let message = format!("{} holds something already", root.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let mut tree = Self {
            root: root.to_owned(),
            rng: Rng::with_seed(seed),
            folders: Vec::new(),
            known: BTreeSet::new(),
        };
        let time = tree.time();
        tree.folders.push((root.to_owned(), 0o700, time));
        Ok(tree)
    }

    /// Gives every folder its mode and time, innermost first; until now each new entry would have changed them.
    pub(super) fn finish(self) -> io::Result<()> {
        for (path, mode, time) in self.folders.into_iter().rev() {
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
            set_time(&path, time)?;
        }
        Ok(())
    }

    /// Returns a number from `least` to `most`.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        self.rng.usize(least..=most)
    }

    /// Returns a word.
    pub(super) fn word(&mut self) -> &'static str {
        WORDS[self.rng.usize(..WORDS.len())]
    }

    /// Returns so many hexadecimal digits.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.rng.usize(..16)])).collect()
    }

    /// Returns so many bytes that do not compress.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// Returns a sentence of so many words.
    pub(super) fn sentence(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    /// Returns somebody who commits.
    pub(super) fn author(&mut self) -> Author {
        const FIRST: [&str; 8] =
            ["Anna", "Boris", "Chloé", "Dmitri", "Emeka", "Fatima", "Guo", "Hana"];
        const LAST: [&str; 8] =
            ["Ferrari", "Jensen", "Kowalska", "Meyer", "Okafor", "Sato", "Tran", "Weiß"];
        let (first, last) = (self.rng.usize(..8), self.rng.usize(..8));
        Author {
            name: format!("{} {}", FIRST[first], LAST[last]),
            email: format!("user-{first}{last}@example.invalid"),
        }
    }

    /// Returns a time in the years of Studio Classic, with nanoseconds.
    fn time(&mut self) -> Timespec {
        let tv_sec = OLDEST + self.rng.i64(0..SPAN);
        Timespec { tv_sec, tv_nsec: self.rng.i64(1..1_000_000_000) }
    }

    /// Makes a folder with those above it, each of mode 0755.
    pub(super) fn folder(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        self.folder_with(path, 0o755)
    }

    /// Makes a folder of a mode, with those above it.
    pub(super) fn folder_with(&mut self, path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() || self.known.contains(path) {
            return Ok(());
        }
        if let Some(above) = path.parent() {
            self.folder(above)?;
        }
        let time = self.time();
        let whole = self.root.join(path);
        fs::create_dir(&whole)?;
        self.known.insert(path.to_owned());
        self.folders.push((whole, mode, time));
        Ok(())
    }

    /// Writes a file of mode 0644.
    pub(super) fn file(
        &mut self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
    ) -> io::Result<()> {
        self.file_with(path, content, 0o644)
    }

    /// Writes a file of a mode.
    pub(super) fn file_with(
        &mut self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
        mode: u32,
    ) -> io::Result<()> {
        let time = self.time();
        self.file_at(path, content, mode, time)
    }

    /// Writes a file of a mode that was last written at a time.
    pub(super) fn file_at(
        &mut self,
        path: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
        mode: u32,
        time: Timespec,
    ) -> io::Result<()> {
        let whole = self.place(path)?;
        let mut file = File::create_new(&whole)?;
        file.write_all(content.as_ref())?;
        file.set_permissions(Permissions::from_mode(mode))?;
        set_time(&whole, time)
    }

    /// Writes a large file of so many MiB, in pieces that differ.
    pub(super) fn large(&mut self, path: impl AsRef<Path>, mebibytes: u64) -> io::Result<()> {
        let time = self.time();
        let mut piece = self.bytes(1 << 20);
        let whole = self.place(path)?;
        let mut file = File::create_new(&whole)?;
        for number in 0..mebibytes {
            // Only the head of a piece changes: making every byte anew takes long in a debug build.
            piece[..8].copy_from_slice(&number.to_le_bytes());
            file.write_all(&piece)?;
        }
        file.set_permissions(Permissions::from_mode(0o644))?;
        set_time(&whole, time)
    }

    /// Writes a file with holes: pieces at offsets, and nothing in between or after, up to a length.
    pub(super) fn sparse(
        &mut self,
        path: impl AsRef<Path>,
        pieces: &[(u64, &[u8])],
        length: u64,
    ) -> io::Result<()> {
        let time = self.time();
        let whole = self.place(path)?;
        let mut file = File::create_new(&whole)?;
        for (offset, piece) in pieces {
            file.seek(SeekFrom::Start(*offset))?;
            file.write_all(piece)?;
        }
        file.set_len(length)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        set_time(&whole, time)
    }

    /// Makes a symbolic link.
    pub(super) fn link(
        &mut self,
        path: impl AsRef<Path>,
        target: impl AsRef<Path>,
    ) -> io::Result<()> {
        let time = self.time();
        let whole = self.place(path)?;
        std::os::unix::fs::symlink(target, &whole)?;
        set_time(&whole, time)
    }

    /// Gives a file of the tree another name.
    pub(super) fn hard_link(
        &mut self,
        path: impl AsRef<Path>,
        of: impl AsRef<Path>,
    ) -> io::Result<()> {
        let whole = self.place(path)?;
        fs::hard_link(self.root.join(of), whole)
    }

    /// Makes a FIFO.
    pub(super) fn fifo(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        let time = self.time();
        let whole = self.place(path)?;
        mkfifoat(CWD, &whole, Mode::from_raw_mode(0o644))?;
        fs::set_permissions(&whole, Permissions::from_mode(0o644))?;
        set_time(&whole, time)
    }

    /// Makes a socket that nobody listens on.
    pub(super) fn socket(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        let time = self.time();
        let whole = self.place(path)?;
        let (Some(above), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        // A socket's address ends at 108 bytes, and a home may lie deeper: the folder goes by its descriptor.
        let folder = File::open(above)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        drop(UnixListener::bind(short)?);
        fs::set_permissions(&whole, Permissions::from_mode(0o755))?;
        set_time(&whole, time)
    }

    /// Makes the folders above a path, and returns where it is.
    fn place(&mut self, path: impl AsRef<Path>) -> io::Result<PathBuf> {
        let path = path.as_ref();
        if let Some(above) = path.parent() {
            self.folder(above)?;
        }
        Ok(self.root.join(path))
    }
}

/// Sets when an entry was last read and written; a symbolic link's own, not its target's.
fn set_time(path: &Path, time: Timespec) -> io::Result<()> {
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
