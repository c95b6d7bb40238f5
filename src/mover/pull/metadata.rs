//! POSIX metadata in S3 user metadata, as DataSync, Storage Gateway, FSx for Lustre and File Cache write it.
//!
//! `file-permissions` is octal, with or without the bits of the file type (FSx: "consistent with `st_mode`"); `file-mtime` is
//! a number with the unit `ns`, and of milliseconds where it has none (Amazon FSx for Lustre User Guide, "POSIX metadata
//! support for data repositories"). `file-owner`, `file-group` and `file-atime` are passed over: files belong to whoever
//! pulls, and access times are nobody's proof.

use std::collections::HashMap;

use super::super::entry::{Class, Entry, Kind, Skip, Time};

const TYPE: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// The mode of a file that tells none.
const MODE: u32 = 0o644;

/// What metadata says of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    /// Permission bits, and the bits of the type where they are told.
    pub(super) mode: Option<u32>,
    pub(super) mtime: Option<Time>,
}

impl Described {
    /// Reads user metadata; what is no number counts as not told.
    pub(super) fn of(metadata: &HashMap<String, String>) -> Self {
        let octal = |text: &String| u32::from_str_radix(text.trim(), 8).ok();
        Self {
            mode: metadata.get("file-permissions").and_then(octal),
            mtime: metadata.get("file-mtime").and_then(|text| time(text.trim())),
        }
    }

    /// Writes what is told into an entry, with notes about what is not. An object that stands for neither a file, a folder
    /// nor a link is refused.
    pub(super) fn apply(&self, entry: &mut Entry, now: Time) -> Result<(), Skip> {
        let mode = self.mode.unwrap_or_default();
        match (entry.kind, mode & TYPE) {
            (Kind::Directory, 0 | DIRECTORY) | (_, 0 | FILE) => {}
            (_, SYMLINK) if entry.kind != Kind::Directory => entry.kind = Kind::Symlink,
            (_, other) => {
                let why =
                    format!("its object is of the file type {other:o}, which is not restored");
                return Err(Skip::new(Class::Special, why));
            }
        }
        match self.mode {
            Some(mode) => entry.mode = mode & 0o7777,
            None => {
                entry.mode =
                    if entry.kind == Kind::Directory { super::folders::MODE } else { MODE };
                entry.notes.push(format!("nothing told its mode; it has {:04o}", entry.mode));
            }
        }
        if entry.kind != Kind::Symlink {
            entry.drop_special_bits();
        }
        match self.mtime {
            Some(mtime) => entry.mtime = mtime,
            None => {
                entry.mtime = now;
                entry.notes.push("nothing told its time; it has that of its arrival".to_owned());
            }
        }
        Ok(())
    }
}

/// Reads a time: `1595002920000000000ns`, milliseconds without a unit, or `1595002920/123456789`, seconds and nanoseconds
/// (DataSync User Guide, "Understanding how DataSync handles file and object metadata").
fn time(text: &str) -> Option<Time> {
    if let Some((seconds, nanos)) = text.split_once('/') {
        let nanos: u32 = nanos.parse().ok().filter(|nanos| *nanos < 1_000_000_000)?;
        return Some(Time(seconds.parse().ok()?, nanos));
    }
    let (number, per_second) = match text.strip_suffix("ns") {
        Some(number) => (number, 1_000_000_000),
        None => (text.strip_suffix("ms").unwrap_or(text), 1_000),
    };
    let number: i64 = number.parse().ok()?;
    let nanos = number.rem_euclid(per_second) * (1_000_000_000 / per_second);
    Some(Time(number.div_euclid(per_second), u32::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(permissions: &str, mtime: &str) -> Described {
        let metadata = [("file-permissions", permissions), ("file-mtime", mtime)];
        Described::of(&metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    #[test]
    fn times_have_the_unit_that_aws_documents() {
        assert_eq!(time("1595002920123456789ns"), Some(Time(1_595_002_920, 123_456_789)));
        assert_eq!(time("1595002920001"), Some(Time(1_595_002_920, 1_000_000)));
        assert_eq!(time("1602647222/222919600"), Some(Time(1_602_647_222, 222_919_600)));
        assert_eq!(time("-1ns"), Some(Time(-1, 999_999_999)));
        for text in ["", "ns", "1.5ns", "99999999999999999999ns", "1/", "/1", "1/1000000000"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn permissions_may_carry_the_file_type() {
        for (permissions, kind, mode) in [
            ("0100664", Kind::File, 0o664),
            ("0664", Kind::File, 0o664),
            ("100600", Kind::File, 0o600),
            ("0120777", Kind::Symlink, 0o777),
        ] {
            let mut entry = Entry::new(b"a", Kind::File);
            described(permissions, "5ns").apply(&mut entry, Time(9, 9)).unwrap();
            assert_eq!((entry.kind, entry.mode, entry.mtime), (kind, mode, Time(0, 5)));
        }
    }

    #[test]
    fn setuid_is_dropped_and_said_and_what_is_not_told_too() {
        let mut entry = Entry::new(b"a", Kind::File);
        described("0104755", "5ns").apply(&mut entry, Time(9, 9)).unwrap();
        assert_eq!((entry.mode, entry.notes.len()), (0o755, 1));
        let mut entry = Entry::new(b"a", Kind::File);
        described("?", "?").apply(&mut entry, Time(9, 9)).unwrap();
        assert_eq!((entry.mode, entry.mtime, entry.notes.len()), (0o644, Time(9, 9), 2));
        let mut entry = Entry::new(b"a", Kind::File);
        assert!(described("0010644", "5ns").apply(&mut entry, Time(9, 9)).is_err());
    }
}
