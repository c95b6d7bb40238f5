//! POSIX metadata as S3 user metadata.
//!
//! The names, and permissions "consistent with `st_mode`", are those of Amazon FSx for Lustre ("POSIX metadata support for data
//! repositories") and of Storage Gateway, with which DataSync's are interoperable (DataSync User Guide, "Understanding how
//! DataSync handles file and object metadata").

use std::collections::BTreeMap;

use crate::sim::studio::Members;

use super::options::word;
use super::records::Times;
use super::source::Item;

/// The time of the last access, which is copied on a best-effort basis and compared with nothing.
const ATIME: &str = "file-atime";
/// The time of the last change.
pub(super) const MTIME: &str = "file-mtime";

/// The user metadata of an object, by the options that say what is kept.
pub(super) fn of(item: &Item, options: &Members, times: Times) -> BTreeMap<String, String> {
    let is_kept = |option: &str| word(options, option) != "NONE";
    let all = [
        ("Uid", "file-owner", item.uid.to_string()),
        ("Gid", "file-group", item.gid.to_string()),
        ("PosixPermissions", "file-permissions", format!("{:07o}", item.mode)),
        ("Mtime", MTIME, time(item.mtime, times)),
        ("Atime", ATIME, time(item.atime, times)),
    ];
    let kept = all.into_iter().filter(|(option, ..)| is_kept(option));
    kept.map(|(_, name, value)| (name.to_owned(), value)).collect()
}

/// Tells whether two objects' metadata say the same of what is compared.
pub(super) fn is_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let compared = |all: &BTreeMap<String, String>| {
        let mut all = all.clone();
        all.remove(ATIME);
        all
    };
    compared(one) == compared(other)
}

fn time((seconds, nanos): (i64, u32), times: Times) -> String {
    match times {
        Times::Nanoseconds => {
            format!("{}ns", i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
        }
        Times::Milliseconds => {
            (i128::from(seconds) * 1000 + i128::from(nanos / 1_000_000)).to_string()
        }
        Times::SecondsAndNanoseconds => format!("{seconds}/{nanos}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::datasync::source::Kind;

    fn item() -> Item {
        Item {
            path: "/run.sh".to_owned(),
            kind: Kind::File,
            size: 9,
            mtime: (1_595_002_920, 123_456_789),
            atime: (-1, 999_000_000),
            mode: 0o100_755,
            uid: 200_001,
            gid: 1001,
        }
    }

    #[test]
    fn everything_is_written_as_st_mode_and_numbers() {
        let options = json!({"Uid": "INT_VALUE", "Mtime": "PRESERVE"});
        let written = of(&item(), options.as_object().unwrap(), Times::Nanoseconds);
        let expected = [
            ("file-atime", "-1000000ns"),
            ("file-group", "1001"),
            ("file-mtime", "1595002920123456789ns"),
            ("file-owner", "200001"),
            ("file-permissions", "0100755"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(written, expected.into());
    }

    #[test]
    fn what_is_not_to_be_kept_is_not_written() {
        let none =
            json!({"Uid": "NONE", "Gid": "NONE", "PosixPermissions": "NONE", "Atime": "NONE"});
        let written = of(&item(), none.as_object().unwrap(), Times::Milliseconds);
        let expected = [("file-mtime".to_owned(), "1595002920123".to_owned())];
        assert_eq!(written, expected.into());
    }

    #[test]
    fn a_time_has_the_spelling_that_the_world_chose() {
        assert_eq!(time((5, 7), Times::SecondsAndNanoseconds), "5/7");
        assert_eq!(time((5, 7), Times::Nanoseconds), "5000000007ns");
    }

    #[test]
    fn the_time_of_access_makes_no_difference() {
        let options = json!({});
        let one = of(&item(), options.as_object().unwrap(), Times::Nanoseconds);
        let mut other = one.clone();
        other.insert(ATIME.to_owned(), "5ns".to_owned());
        assert!(is_same(&one, &other));
        other.insert(MTIME.to_owned(), "5ns".to_owned());
        assert!(!is_same(&one, &other));
    }
}
