//! One entry as a member of a tar: ustar, with PAX records for what that cannot say.

use tar::{EntryType, Header};

use super::super::entry::{Entry, Kind};
use super::super::xattr::Xattrs;

/// Everything in a tar comes in blocks of so many bytes.
pub(super) const BLOCK: usize = 512;

/// Bytes of a name that a ustar header takes.
const LONGEST_NAME: usize = 100;

/// Bytes of a file that a ustar header can say: eleven octal digits.
const LARGEST: u64 = 0o777_7777_7777;

/// Who owns files in a space: `sagemaker-user` and `users`, as the images of SageMaker Distribution have it. An ordinary tar
/// gives them to whoever unpacks, unless that is root.
const OWNER: (u64, u64) = (1000, 100);

/// Returns about how many bytes of tar an entry takes.
pub(super) fn weight(entry: &Entry) -> u64 {
    // The header, and the PAX header and records that the nanoseconds of its time ask for.
    let data = if entry.kind == Kind::File && entry.link_of.is_none() { entry.size } else { 0 };
    3 * BLOCK as u64 + data.next_multiple_of(BLOCK as u64)
}

/// Returns the bytes that stand before a member's data.
pub(super) fn head(entry: &Entry, xattrs: &Xattrs) -> Vec<u8> {
    let path: Vec<u8> = match entry.kind {
        Kind::Directory => [&*entry.path, b"/"].concat(),
        _ => entry.path.to_vec(),
    };
    let (kind, link) = match (entry.kind, &entry.link_of) {
        (Kind::File, Some(first)) => (EntryType::Link, Some(first)),
        (Kind::Directory, _) => (EntryType::Directory, None),
        (Kind::Symlink, _) => (EntryType::Symlink, entry.target.as_ref()),
        _ => (EntryType::Regular, None),
    };
    let link = link.map(|link| &**link).unwrap_or_default();
    let size = if kind == EntryType::Regular { entry.size } else { 0 };
    let records = records(entry, &path, link, size, xattrs);
    let mut bytes = Vec::with_capacity(4 * BLOCK);
    if !records.is_empty() {
        let about =
            Ustar { path: b"pax", link: b"", mode: 0o644, size: records.len() as u64, seconds: 0 };
        bytes.extend_from_slice(header(EntryType::XHeader, &about).as_bytes());
        bytes.extend_from_slice(&records);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    let seconds = u64::try_from(entry.mtime.0).unwrap_or_default();
    let about = Ustar { path: &path, link, mode: entry.mode, size, seconds };
    bytes.extend_from_slice(header(kind, &about).as_bytes());
    bytes
}

struct Ustar<'a> {
    path: &'a [u8],
    link: &'a [u8],
    mode: u32,
    size: u64,
    seconds: u64,
}

fn header(kind: EntryType, about: &Ustar<'_>) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(about.mode);
    header.set_uid(OWNER.0);
    header.set_gid(OWNER.1);
    header.set_size(about.size);
    header.set_mtime(about.seconds.min(LARGEST));
    // Set as bytes: the crate's own setters take paths apart and refuse some.
    let old = header.as_old_mut();
    for (field, text) in [(&mut old.name, about.path), (&mut old.linkname, about.link)] {
        let length = text.len().min(LONGEST_NAME);
        field[..length].copy_from_slice(&text[..length]);
    }
    header.set_cksum();
    header
}

fn records(entry: &Entry, path: &[u8], link: &[u8], size: u64, xattrs: &Xattrs) -> Vec<u8> {
    let mut records = Vec::new();
    if path.len() > LONGEST_NAME {
        record(&mut records, b"path", path);
    }
    if link.len() > LONGEST_NAME {
        record(&mut records, b"linkpath", link);
    }
    if size > LARGEST {
        record(&mut records, b"size", size.to_string().as_bytes());
    }
    let (seconds, nanos) = (entry.mtime.0, entry.mtime.1);
    if nanos != 0 || !(0..=LARGEST.cast_signed()).contains(&seconds) {
        record(&mut records, b"mtime", time(seconds, nanos).as_bytes());
    }
    for (name, value) in xattrs {
        record(&mut records, &[b"SCHILY.xattr.".as_slice(), name].concat(), value);
    }
    records
}

/// Writes a time as PAX has it: a decimal number, the nanoseconds of a negative one counted from below.
fn time(seconds: i64, nanos: u32) -> String {
    let all = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let sign = if all < 0 { "-" } else { "" };
    let (seconds, nanos) = (all.abs() / 1_000_000_000, all.abs() % 1_000_000_000);
    format!("{sign}{seconds}.{nanos:09}")
}

/// Adds a record `length name=value\n`, whose length counts its own digits.
fn record(records: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let rest = name.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(name);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::super::entry::Time;
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        for length in [0, 1, 80, 85, 86, 87, 88, 89, 90, 91, 92, 990, 5000] {
            let mut records = Vec::new();
            record(&mut records, b"path", &vec![b'x'; length]);
            let told: usize =
                String::from_utf8_lossy(&records).split(' ').next().unwrap().parse().unwrap();
            assert_eq!(told, records.len());
        }
    }

    #[test]
    fn times_before_the_epoch_keep_their_nanoseconds() {
        assert_eq!(time(5, 7), "5.000000007");
        assert_eq!(time(-3, 999_999_999), "-2.000000001");
    }

    #[test]
    fn the_tar_crate_reads_back_what_ustar_cannot_say() {
        let path = [b"deep/".repeat(60).as_slice(), b"\xff name"].concat();
        let mut entry = Entry::new(&path, Kind::File);
        (entry.mode, entry.mtime, entry.size) = (0o640, Time(1_700_000_000, 123_456_789), 3);
        let mut tar = head(&entry, &vec![(b"user.tag".to_vec(), b"\x00\xff".to_vec())]);
        tar.extend_from_slice(b"abc");
        tar.resize(tar.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
        let mut archive = tar::Archive::new(tar.as_slice());
        let mut member = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(&*member.path_bytes(), path);
        assert_eq!(member.header().mode().unwrap(), 0o640);
        let records: Vec<_> = member
            .pax_extensions()
            .unwrap()
            .unwrap()
            .map(Result::unwrap)
            .map(|record| (record.key_bytes().to_vec(), record.value_bytes().to_vec()))
            .collect();
        assert!(records.contains(&(b"mtime".to_vec(), b"1700000000.123456789".to_vec())));
        assert!(records.contains(&(b"SCHILY.xattr.user.tag".to_vec(), b"\x00\xff".to_vec())));
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"abc");
    }
}
