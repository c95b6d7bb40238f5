//! Objects as another service of the account reaches them, without a request: DataSync reads and writes buckets from within.
//!
//! Whoever calls has asked already whether a role may; a bucket that is another account's is not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use s3s::{S3Error, S3Result};

use super::ACCOUNT;
use super::body::{copy_bytes, discard};
use super::known::{Known, When};
use super::store::Store;
use crate::sim::World;

/// What a service sees of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::sim) struct Seen {
    /// The key.
    pub(in crate::sim) key: String,
    /// Bytes.
    pub(in crate::sim) size: u64,
    /// User metadata, names in lower case.
    pub(in crate::sim) metadata: BTreeMap<String, String>,
}

impl From<&Known> for Seen {
    fn from(known: &Known) -> Self {
        Self { key: known.key.clone(), size: known.size, metadata: known.metadata.clone() }
    }
}

/// The buckets of a world, without a door.
#[derive(Debug)]
pub(in crate::sim) struct Direct {
    store: Store,
}

impl Direct {
    pub(in crate::sim) fn new(world: &World) -> Self {
        Self { store: Store::new(world.clone()) }
    }

    /// Tells whether there is such a bucket in this account.
    pub(in crate::sim) fn has_bucket(&self, bucket: &str) -> bool {
        self.store.bucket(bucket).is_ok_and(|known| known.kept.owner == ACCOUNT)
    }

    /// Lists what is below a prefix, by key.
    pub(in crate::sim) fn below(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> io::Result<BTreeMap<String, Seen>> {
        let all = plain(self.store.objects(bucket))?;
        let below = all.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(below.map(|(key, known)| (key.clone(), Seen::from(&**known))).collect())
    }

    /// Opens an object, if there is one.
    pub(in crate::sim) fn open(&self, bucket: &str, key: &str) -> io::Result<Option<(Seen, File)>> {
        if plain(self.store.find(bucket, key))?.is_none() {
            return Ok(None);
        }
        let (known, file) = plain(self.store.open(bucket, key))?;
        Ok(Some((Seen::from(&known), file)))
    }

    /// Puts an object, and returns how many bytes it has.
    pub(in crate::sim) fn put(
        &self,
        bucket: &str,
        key: &str,
        content: &mut dyn Read,
        metadata: BTreeMap<String, String>,
    ) -> io::Result<u64> {
        let (path, file) = self.store.beside(bucket)?;
        let digest = copy_bytes(content, file, &[]).inspect_err(|_| discard(&path))?;
        let known = Known {
            key: key.to_owned(),
            size: digest.size,
            etag: digest.etag(),
            modified: self.store.world.now(),
            metadata,
            sums: digest.sums,
            ..Known::default()
        };
        plain(self.store.place(bucket, &path, known, When::default()))?;
        Ok(digest.size)
    }

    /// Removes an object; one that does not exist is none the worse.
    pub(in crate::sim) fn remove(&self, bucket: &str, key: &str) -> io::Result<()> {
        plain(self.store.remove(bucket, key))
    }
}

/// Turns S3's words into an error of the system: nobody is answered over its protocol here.
fn plain<T>(result: S3Result<T>) -> io::Result<T> {
    result.map_err(|error: S3Error| io::Error::other(error.message().unwrap_or("S3").to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sim::bucket::make_bucket;
    use crate::sim::bucket::store::make_kept;

    #[test]
    fn objects_are_put_found_and_removed_without_a_request() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::create(dir.path(), Path::new("/bin/true"), Default::default()).unwrap();
        make_bucket(dir.path(), "data").unwrap();
        make_kept(dir.path(), "theirs", |bucket| bucket.kept.owner = "111111111111".to_owned())
            .unwrap();
        let direct = Direct::new(&world);
        let is_there = ["data", "theirs", "none"].map(|bucket| direct.has_bucket(bucket));
        assert_eq!(is_there, [true, false, false]);
        let metadata: BTreeMap<_, _> = [("file-owner".to_owned(), "5".to_owned())].into();
        for key in ["a/b", "a/c", "b"] {
            direct.put("data", key, &mut &b"bytes"[..], metadata.clone()).unwrap();
        }
        let below = direct.below("data", "a/").unwrap();
        assert_eq!(below.keys().collect::<Vec<_>>(), ["a/b", "a/c"]);
        let (seen, mut file) = direct.open("data", "a/b").unwrap().unwrap();
        assert_eq!((seen.size, &seen.metadata), (5, &metadata));
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bytes");
        direct.remove("data", "a/b").unwrap();
        assert!(direct.open("data", "a/b").unwrap().is_none());
    }
}
