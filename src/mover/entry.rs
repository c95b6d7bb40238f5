//! One entry of a home, as the manifest keeps it.

use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

use super::path::escape;
use super::sorter::Record;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, never followed.
    Symlink,
    /// A FIFO, a socket or a device.
    Special,
}

impl From<FileType> for Kind {
    /// What the directory does not tell the type of counts as a file, until it is looked at.
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile | FileType::Unknown => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            _ => Self::Special,
        }
    }
}

/// A time of a file: seconds since the epoch, and nanoseconds, 0 to 999,999,999, to add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time(pub i64, pub u32);

/// Why an entry was not copied, as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A rule of the playbook leaves it out.
    Excluded,
    /// It is a FIFO, a socket or a device.
    Special,
    /// It could not be read.
    Unreadable,
    /// It changed or vanished while it was read.
    Changed,
    /// The destination cannot store it.
    Unstorable,
    /// Something else is at its place.
    Conflict,
    /// An earlier pass copied it, and it is at the source no more.
    Gone,
}

impl Class {
    /// Returns the word of the manifest and of reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Special => "special",
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::Unstorable => "unstorable",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
        }
    }
}

/// How much lies below a folder that is listed once for all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Below {
    /// Files and anything else that is no directory.
    pub files: u64,
    /// Directories, not counting the folder itself.
    pub directories: u64,
    /// Bytes of regular files, each name counted.
    pub bytes: u64,
}

/// That an entry was not copied, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The class of the reason.
    pub class: Class,
    /// The reason, in words for the person whose file it is.
    pub why: String,
    /// What lies below, when a whole folder was left.
    pub below: Option<Below>,
}

impl Skip {
    pub(super) fn new(class: Class, why: impl Into<String>) -> Self {
        Self { class, why: why.into(), below: None }
    }
}

/// What tells whether a file is still the one that was read, and nobody wrote to it since: any change gives it another
/// change time, which no program can set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The number of its inode.
    pub inode: u64,
    /// When anything of it last changed, be it content, mode or name.
    pub ctime: Time,
}

/// The note of what was at the destination before anything was copied.
const WAS_THERE: &str = "the same was there already";

/// One entry of a home. Everything is as it was read at the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path relative to the home, as bytes.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
    /// Its permission bits, `0o7777` at most; without those that are dropped on purpose, of which a note tells.
    pub mode: u32,
    /// When its content last changed.
    pub mtime: Time,
    /// Bytes of a regular file; 0 for everything else.
    pub size: u64,
    /// What a later pass knows a regular file by. It is no part of the digest, because a copy has its own.
    pub origin: Option<Origin>,
    /// BLAKE3 of a regular file's content, once read.
    pub hash: Option<[u8; 32]>,
    /// What a symbolic link holds.
    pub target: Option<Box<[u8]>>,
    /// The first name of the same file, when this is a further hard link to it.
    pub link_of: Option<Box<[u8]>>,
    /// The path at the destination, when it is another one.
    pub stored_as: Option<Box<[u8]>>,
    /// Why it was not copied; `None` when it was.
    pub skip: Option<Box<Skip>>,
    /// What else is to be known: bits dropped, links that became copies.
    pub notes: Vec<String>,
}

impl Entry {
    /// Makes an entry of which nothing is known but its path and what it is.
    pub fn new(path: &[u8], kind: Kind) -> Self {
        Self {
            path: path.into(),
            kind,
            mode: 0,
            mtime: Time::default(),
            size: 0,
            origin: None,
            hash: None,
            target: None,
            link_of: None,
            stored_as: None,
            skip: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn of(path: &[u8], stat: &Stat) -> Self {
        let mut entry = Self::new(path, Kind::from(FileType::from_raw_mode(stat.st_mode)));
        entry.take_stat(stat);
        entry
    }

    /// Takes mode, time and size from a fresh look.
    pub(super) fn take_stat(&mut self, stat: &Stat) {
        self.mode = stat.st_mode & 0o7777;
        self.mtime = mtime(stat);
        let is_file = self.kind == Kind::File;
        self.size = if is_file { size(stat) } else { 0 };
        self.origin = is_file.then(|| Origin { inode: stat.st_ino, ctime: ctime(stat) });
    }

    /// Drops what would let a file run as somebody else.
    pub(super) fn drop_special_bits(&mut self) {
        if self.mode & 0o7000 != 0 {
            self.notes.push(format!("the special bits of mode {:04o} were dropped", self.mode));
            self.mode &= 0o777;
        }
    }

    /// Takes note that the same was at its place, and no earlier pass had brought it: it is somebody else's, or was copied by hand.
    pub(super) fn was_there(&mut self, before: Option<&Self>) {
        if before.is_none_or(Self::was_there_before) {
            self.notes.push(WAS_THERE.to_owned());
        }
    }

    /// Keeps that note of what this takes the place of: its place was never ours.
    pub(super) fn takes_place_of(&mut self, earlier: Option<&Self>) {
        if earlier.is_some_and(Self::was_there_before) {
            self.notes.push(WAS_THERE.to_owned());
        }
    }

    /// Tells whether the same was there before anything was copied.
    pub(super) fn was_there_before(&self) -> bool {
        self.notes.iter().any(|note| note == WAS_THERE)
    }

    /// Takes the time that the destination made of the entry's, when it cannot store every time.
    pub(super) fn accept_time(&mut self, stored: Time) {
        if stored != self.mtime {
            let Time(seconds, nanos) = self.mtime;
            self.notes
                .push(format!("the destination cannot store its time, {seconds}.{nanos:09} s"));
            self.mtime = stored;
        }
    }

    pub(super) fn skipped(mut self, skip: Skip) -> Self {
        self.skip = Some(Box::new(skip));
        self
    }

    /// Compares places in a manifest: by the bytes of paths.
    pub(super) fn by_path(one: &Self, other: &Self) -> std::cmp::Ordering {
        one.path.cmp(&other.path)
    }

    /// Tells whether the entry is to be found at the destination.
    pub fn is_selected(&self) -> bool {
        self.skip.is_none()
    }

    /// Returns the path at the destination, relative to it.
    pub fn place(&self) -> &[u8] {
        self.stored_as.as_deref().unwrap_or(&self.path)
    }

    /// Returns the escaped path and the reason, when the entry was not copied.
    pub fn not_copied(&self) -> Option<(String, String)> {
        let skip = self.skip.as_ref()?;
        let below = skip.below.map_or_else(String::new, |below| {
            format!(
                " ({} files and {} folders below, {} bytes)",
                below.files, below.directories, below.bytes
            )
        });
        Some((escape(&self.path), format!("{}: {}{below}", skip.class.word(), skip.why)))
    }
}

pub(super) fn mtime(stat: &Stat) -> Time {
    Time(stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or_default())
}

fn ctime(stat: &Stat) -> Time {
    Time(stat.st_ctime, u32::try_from(stat.st_ctime_nsec).unwrap_or_default())
}

pub(super) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

impl Record for Entry {
    fn weight(&self) -> usize {
        let texts = [&self.target, &self.link_of, &self.stored_as].into_iter().flatten();
        let rare = self.notes.iter().map(String::len).sum::<usize>()
            + self.skip.as_ref().map_or(0, |skip| skip.why.len() + size_of::<Skip>());
        size_of::<Self>() + self.path.len() + texts.map(|text| text.len()).sum::<usize>() + rare
    }
}
