//! The folders of buckets: bytes, and what is known about them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::{S3Error, S3Result, s3_error};
use serde::Serialize;

use super::known::{Bucket, Known, When};
use super::sums::Hasher;
use crate::sim::world::World;

/// Tells one state of a file from another.
type Stamp = (u64, i64, i64);

/// What was read of the files beside the bytes, by file name.
type Read = HashMap<String, (Stamp, Arc<Known>)>;

/// The buckets of a world.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) world: World,
    read: Mutex<HashMap<String, Read>>,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Store {
    pub(super) fn new(world: World) -> Self {
        Self { world, read: Mutex::default() }
    }

    /// The folder of a bucket, whether it exists or not.
    pub(super) fn folder(&self, bucket: &str) -> PathBuf {
        folder(self.world.dir(), bucket)
    }

    /// Takes the lock that is held while a condition is checked and an object changes, and while one is opened.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.world.hold_objects()
    }

    /// Reads what is known about a bucket, or refuses with `NoSuchBucket`.
    pub(super) fn bucket(&self, bucket: &str) -> S3Result<Bucket> {
        match read_json(&self.folder(bucket).join("bucket.json")).map_err(broken)? {
            Some(known) => Ok(known),
            None => Err(s3_error!(NoSuchBucket, "The specified bucket does not exist")),
        }
    }

    /// Changes what is known about a bucket.
    pub(super) fn change_bucket(
        &self,
        bucket: &str,
        change: impl FnOnce(&mut Bucket),
    ) -> S3Result<()> {
        let _held = self.hold();
        let mut known = self.bucket(bucket)?;
        change(&mut known);
        write_json(&self.folder(bucket).join("bucket.json"), &known).map_err(broken)
    }

    /// Lists the buckets by name.
    pub(super) fn buckets(&self) -> io::Result<BTreeMap<String, Bucket>> {
        let mut found = BTreeMap::new();
        let Some(entries) = absent(fs::read_dir(self.world.dir().join("s3")))? else {
            return Ok(found);
        };
        for entry in entries {
            let entry = entry?;
            if let Some(known) = read_json(&entry.path().join("bucket.json"))? {
                found.insert(entry.file_name().to_string_lossy().into_owned(), known);
            }
        }
        Ok(found)
    }

    /// Makes a new file for bytes that are on their way.
    pub(super) fn beside(&self, bucket: &str) -> io::Result<(PathBuf, File)> {
        beside(&self.folder(bucket))
    }

    /// Reads what is known about an object, or refuses with `NoSuchKey`.
    pub(super) fn known(&self, bucket: &str, key: &str) -> S3Result<Known> {
        self.find(bucket, key)?
            .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// Reads what is known about an object, if it exists.
    pub(super) fn find(&self, bucket: &str, key: &str) -> S3Result<Option<Known>> {
        let path = self.folder(bucket).join("objects").join(format!("{}.json", name_of(key)));
        read_json(&path).map_err(broken)
    }

    /// Opens the bytes of an object. What is opened stays whole when the object is replaced or removed.
    pub(super) fn open(&self, bucket: &str, key: &str) -> S3Result<(Known, File)> {
        let _held = self.hold();
        let known = self.known(bucket, key)?;
        let file =
            File::open(self.folder(bucket).join("objects").join(&known.file)).map_err(broken)?;
        Ok((known, file))
    }

    /// Puts an object into place when the conditions hold; the file with the bytes is taken in any case.
    pub(super) fn place(
        &self,
        bucket: &str,
        bytes: &Path,
        known: Known,
        when: When<'_>,
    ) -> S3Result<()> {
        let _held = self.hold();
        let placed = self
            .bucket(bucket)
            .and_then(|_| when.check(self.find(bucket, &known.key)?.as_ref()))
            .and_then(|()| place(&self.folder(bucket), bytes, known).map_err(broken));
        if placed.is_err() {
            let _ = fs::remove_file(bytes);
        }
        placed
    }

    /// Removes an object; one that does not exist is none the worse.
    pub(super) fn remove(&self, bucket: &str, key: &str) -> S3Result<()> {
        let _held = self.hold();
        let Some(known) = self.find(bucket, key)? else { return Ok(()) };
        let objects = self.folder(bucket).join("objects");
        fs::remove_file(objects.join(format!("{}.json", name_of(key)))).map_err(broken)?;
        fs::remove_file(objects.join(known.file)).map_err(broken)
    }

    /// Lists what is known about every object, in the order of their keys' bytes.
    pub(super) fn objects(&self, bucket: &str) -> S3Result<BTreeMap<String, Arc<Known>>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let before = read.remove(bucket).unwrap_or_default();
        let now = scan(&self.folder(bucket).join("objects"), before).map_err(broken)?;
        let found = now.values().map(|(_, known)| (known.key.clone(), Arc::clone(known))).collect();
        read.insert(bucket.to_owned(), now);
        Ok(found)
    }
}

/// The refusal when the simulator's own disk fails.
pub(super) fn broken(error: io::Error) -> S3Error {
    S3Error::internal_error(error)
}

fn folder(world: &Path, bucket: &str) -> PathBuf {
    world.join("s3").join(bucket)
}

/// Names the files of an object: a key may be longer than a file name, and `..` or anything else.
fn name_of(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}

fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a JSON file, if it exists.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let Some(text) = absent(fs::read(path))? else { return Ok(None) };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes a JSON file: beside, then into place.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("new{}-{number}", std::process::id()));
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    fs::rename(beside, path)
}

fn beside(folder: &Path) -> io::Result<(PathBuf, File)> {
    let arriving = folder.join("arriving");
    fs::create_dir_all(&arriving)?;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = arriving.join(format!("{}-{number}", std::process::id()));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Moves bytes into place under a name of their own, then says so in the JSON, which is the moment the object changes.
fn place(folder: &Path, bytes: &Path, mut known: Known) -> io::Result<()> {
    let objects = folder.join("objects");
    fs::create_dir_all(&objects)?;
    let name = name_of(&known.key);
    let beside = objects.join(format!("{name}.json"));
    let before: Option<Known> = read_json(&beside)?;
    let mut number = 0_u64;
    while objects.join(format!("{name}.{number}")).exists() {
        number += 1;
    }
    known.file = format!("{name}.{number}");
    fs::rename(bytes, objects.join(&known.file))?;
    write_json(&beside, &known)?;
    match before {
        Some(before) => fs::remove_file(objects.join(before.file)),
        None => Ok(()),
    }
}

fn scan(objects: &Path, mut before: Read) -> io::Result<Read> {
    let mut now = Read::new();
    let Some(entries) = absent(fs::read_dir(objects))? else { return Ok(now) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".json") {
            continue;
        }
        // An object may go between the listing of the folder and here.
        let Some(about) = absent(entry.metadata())? else { continue };
        let stamp = (about.ino(), about.mtime(), about.mtime_nsec());
        let known = match before.remove(&name) {
            Some((then, known)) if then == stamp => Some(known),
            _ => read_json(&entry.path())?.map(Arc::new),
        };
        if let Some(known) = known {
            now.insert(name, (stamp, known));
        }
    }
    Ok(now)
}

/// Makes a bucket in the folder of a world; one that exists is kept.
pub fn make_bucket(world: &Path, name: &str) -> io::Result<()> {
    make_kept(world, name, |_| {})
}

/// Makes a bucket of which more is known than its name; one that exists is kept.
pub(super) fn make_kept(
    world: &Path,
    name: &str,
    describe: impl FnOnce(&mut Bucket),
) -> io::Result<()> {
    let folder = folder(world, name);
    fs::create_dir_all(folder.join("objects"))?;
    if folder.join("bucket.json").exists() {
        return Ok(());
    }
    let mut bucket = Bucket { created: system_now(), ..Bucket::default() };
    describe(&mut bucket);
    write_json(&folder.join("bucket.json"), &bucket)
}

/// Puts an object into a bucket in the folder of a world, without any client.
pub fn put(world: &Path, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<()> {
    put_earlier(world, bucket, key, bytes, 0.0)
}

/// Puts an object that was written so many days ago.
pub(super) fn put_earlier(
    world: &Path,
    bucket: &str,
    key: &str,
    bytes: &[u8],
    days_ago: f64,
) -> io::Result<()> {
    let folder = folder(world, bucket);
    let (path, mut file) = beside(&folder)?;
    file.write_all(bytes)?;
    let mut hasher = Hasher::of(&[]);
    hasher.update(bytes);
    let digest = hasher.finish();
    let known = Known {
        key: key.to_owned(),
        size: digest.size,
        etag: digest.etag(),
        modified: system_now() - days_ago * 86_400.0,
        sums: digest.sums,
        ..Known::default()
    };
    place(&folder, &path, known)
}

/// Finds the file that holds the bytes of an object, for whoever looks at a world from outside.
pub fn file_of(world: &Path, bucket: &str, key: &str) -> io::Result<PathBuf> {
    let objects = folder(world, bucket).join("objects");
    let known: Option<Known> = read_json(&objects.join(format!("{}.json", name_of(key))))?;
    known.map(|known| objects.join(known.file)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("no object {key} in {bucket}"))
    })
}

fn system_now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let world =
            World::create(folder.path(), Path::new("/bin/true"), Default::default()).unwrap();
        make_bucket(folder.path(), "data").unwrap();
        (folder, Store::new(world))
    }

    #[test]
    fn any_key_of_any_shape_becomes_a_file_and_is_listed_by_its_bytes() {
        let (folder, store) = store();
        let long = "ä".repeat(512);
        let keys = [
            "../../etc/passwd",
            "a/",
            "a",
            "a//b",
            "Ω",
            "é",
            "Z",
            long.as_str(),
            "\u{10000}",
            "\u{ffff}",
        ];
        for key in keys {
            put(folder.path(), "data", key, key.as_bytes()).unwrap();
        }
        let mut expected: Vec<&str> = keys.to_vec();
        expected.sort_by_key(|key| key.as_bytes().to_vec());
        let found = store.objects("data").unwrap();
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        for key in keys {
            assert_eq!(
                fs::read(file_of(folder.path(), "data", key).unwrap()).unwrap(),
                key.as_bytes()
            );
        }
    }

    #[test]
    fn an_object_that_is_replaced_leaves_no_bytes_behind_and_is_seen_by_the_next_listing() {
        let (folder, store) = store();
        put(folder.path(), "data", "k", b"one").unwrap();
        assert_eq!(store.objects("data").unwrap()["k"].size, 3);
        let (_, mut open) = store.open("data", "k").unwrap();
        put(folder.path(), "data", "k", b"three").unwrap();
        assert_eq!(store.objects("data").unwrap()["k"].size, 5);
        assert_eq!(fs::read_dir(folder.path().join("s3/data/objects")).unwrap().count(), 2);
        let mut text = String::new();
        io::Read::read_to_string(&mut open, &mut text).unwrap();
        assert_eq!(text, "one");
        store.remove("data", "k").unwrap();
        assert_eq!(fs::read_dir(folder.path().join("s3/data/objects")).unwrap().count(), 0);
        assert!(store.objects("data").unwrap().is_empty());
    }

    #[test]
    fn an_unknown_bucket_is_refused() {
        let (_folder, store) = store();
        assert_eq!(store.bucket("other").unwrap_err().code().as_str(), "NoSuchBucket");
    }
}
