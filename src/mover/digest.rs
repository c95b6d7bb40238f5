//! The root digest: one number that two trees share when every selected entry is the same.
//!
//! It is BLAKE3 over a line with name and version, followed by one record for each selected entry in byte order of paths:
//! kind (one byte), path, mode, mtime, size, then the content hash of a file or the target of a link. Numbers are little-endian
//! of fixed width, and texts carry their length, so that no two lists of entries give the same bytes.

use super::entry::{Entry, Kind};
use super::ticket::Totals;

/// Bytes of records that are hashed at once: BLAKE3 is several times faster over a stretch than over crumbs.
const STRETCH: usize = 64 * 1024;

/// Sums up entries, one after another in the order of a manifest.
#[derive(Clone, Debug)]
pub struct Summing {
    hasher: blake3::Hasher,
    /// Records that are not hashed yet.
    records: Vec<u8>,
    totals: Totals,
}

impl Default for Summing {
    fn default() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"studio-migrate root digest 1\n");
        Self { hasher, records: Vec::new(), totals: Totals::default() }
    }
}

impl Summing {
    /// Adds an entry; one that was not copied counts for nothing.
    pub fn add(&mut self, entry: &Entry) {
        if !entry.is_selected() {
            return;
        }
        match entry.kind {
            Kind::File => {
                self.totals.files += 1;
                self.totals.bytes += entry.size;
            }
            Kind::Directory => self.totals.directories += 1,
            Kind::Symlink => self.totals.symlinks += 1,
            Kind::Special => return,
        }
        self.record(entry);
        if self.records.len() >= STRETCH {
            self.hasher.update(&self.records);
            self.records.clear();
        }
    }

    fn record(&mut self, entry: &Entry) {
        let records = &mut self.records;
        records.push(match entry.kind {
            Kind::File => b'f',
            Kind::Directory => b'd',
            Kind::Symlink => b'l',
            Kind::Special => b's',
        });
        put_text(records, &entry.path);
        records.extend_from_slice(&entry.mode.to_le_bytes());
        records.extend_from_slice(&entry.mtime.0.to_le_bytes());
        records.extend_from_slice(&entry.mtime.1.to_le_bytes());
        records.extend_from_slice(&entry.size.to_le_bytes());
        match entry.kind {
            Kind::File => records.extend_from_slice(&entry.hash.unwrap_or_default()),
            Kind::Symlink => put_text(records, entry.target.as_deref().unwrap_or_default()),
            Kind::Directory | Kind::Special => {}
        }
    }

    /// Returns the sums so far, with the digest.
    pub fn totals(&self) -> Totals {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.records);
        Totals { digest: hasher.finalize().to_hex().to_string(), ..self.totals.clone() }
    }
}

fn put_text(records: &mut Vec<u8>, text: &[u8]) {
    records.extend_from_slice(&(text.len() as u64).to_le_bytes());
    records.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mover::entry::{Class, Skip, Time};

    fn totals_of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Totals {
        let mut summing = Summing::default();
        entries.into_iter().for_each(|entry| summing.add(entry));
        summing.totals()
    }

    fn file() -> Entry {
        let mut entry = Entry::new(b"a/b", Kind::File);
        (entry.mode, entry.mtime, entry.size, entry.hash) = (0o644, Time(5, 6), 7, Some([8; 32]));
        entry
    }

    #[test]
    fn whatever_differs_gives_another_digest() {
        let base = totals_of(&[file()]).digest;
        let changes: [fn(&mut Entry); 7] = [
            |entry| entry.path = b"a/c".as_slice().into(),
            |entry| entry.kind = Kind::Directory,
            |entry| entry.mode = 0o600,
            |entry| entry.mtime.0 += 1,
            |entry| entry.mtime.1 += 1,
            |entry| entry.size += 1,
            |entry| entry.hash = Some([9; 32]),
        ];
        for change in changes {
            let mut other = file();
            change(&mut other);
            assert_ne!(totals_of(&[other]).digest, base);
        }
    }

    #[test]
    fn where_an_entry_is_stored_and_what_was_not_copied_do_not_count() {
        let mut stored = file();
        stored.stored_as = Some(b"a/b.classic".as_slice().into());
        let skipped = file().skipped(Skip::new(Class::Excluded, "a cache"));
        assert_eq!(totals_of(&[stored, skipped]), totals_of(&[file()]));
    }
}
