//! A bucket, a home with every oddity, and the mover between the two.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use studio_migrate::sim::bucket::make_bucket;

use crate::common::account::Served;
use crate::common::tool::{Ran, command_on};
use crate::common::trees;

/// An account with nothing in it but an empty bucket, `data`.
pub struct Stage {
    pub served: Served,
    folder: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::with_faults("[]")
    }

    pub fn with_faults(faults: &str) -> Self {
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = memory.unwrap();
        let world = folder.path().join("world");
        let served = Served::with_faults(&world, "name: bucket\nseed: 1\n", Some(faults));
        make_bucket(&world, "data").unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { served, folder }
    }

    /// Serves the same bucket again, in which other things go wrong.
    pub fn again(self, faults: &str) -> Self {
        let Self { served, folder } = self;
        let world = served.dir.clone();
        drop(served);
        let served = Served::with_faults(&world, "name: bucket\nseed: 1\n", Some(faults));
        Self { served, folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes a file of the home.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the mover, and returns what it said and which requests it made.
    pub fn mover(&self, words: &[&str]) -> Moved {
        let log = self.path("wire.log");
        let _none_before = fs::remove_file(&log);
        let words = [&["mover"], words, &["--wire-log", log.to_str().unwrap()]].concat();
        let ran =
            command_on(&self.served, &self.path("journal.db"), &words).output().unwrap().into();
        let log = fs::read_to_string(&log).unwrap_or_default();
        Moved {
            ran,
            requests: log.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    pub fn push(&self, more: &[&str]) -> Moved {
        let home = self.home();
        let words = [&["push", home.to_str().unwrap(), "s3://data/homes/alice"], more].concat();
        self.mover(&words)
    }

    pub fn pull(&self, name: &str, more: &[&str]) -> Moved {
        let there = self.path(name);
        let words = [&["pull", "s3://data/homes/alice", there.to_str().unwrap()], more].concat();
        self.mover(&words)
    }

    /// Insists that a directory looks as the home does, hard links and holes included.
    #[track_caller]
    pub fn assert_like_home(&self, name: &str) {
        let there = self.path(name);
        let (found, expected) =
            (trees::listing(&there, false), trees::listing(&self.home(), false));
        let differs: Vec<_> = expected
            .iter()
            .filter(|(path, look)| found.get(*path) != Some(look))
            .map(|(path, look)| format!("{}: {:?} is not {look}", path.display(), found.get(path)))
            .collect();
        assert!(differs.is_empty(), "{differs:#?}");
        assert_eq!(found.len(), expected.len());
        assert_eq!(links(&there), links(&self.home()));
    }
}

/// What a run of the mover said and asked.
pub struct Moved {
    pub ran: Ran,
    requests: Vec<Value>,
}

impl Moved {
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        Self { ran: self.ran.ended(code), ..self }
    }

    /// The data that it wrote.
    pub fn said(&self) -> Value {
        serde_json::from_str(&self.ran.out).unwrap()
    }

    /// Requests of one operation whose path ends so.
    pub fn requests(&self, operation: &str, ending: &str) -> Vec<&Value> {
        let path = |request: &Value| {
            let target = request["target"].as_str().unwrap();
            target.split('?').next().unwrap().to_owned()
        };
        let mut found = Vec::new();
        for request in &self.requests {
            if request["operation"] == operation && path(request).ends_with(ending) {
                found.push(request);
            }
        }
        found
    }
}

/// Paths that share a file, in groups.
fn links(root: &Path) -> Vec<Vec<PathBuf>> {
    let mut inodes: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    for path in trees::listing(root, false).into_keys() {
        let seen = root.join(&path).symlink_metadata().unwrap();
        if seen.is_file() && seen.nlink() > 1 {
            inodes.entry(seen.ino()).or_default().push(path);
        }
    }
    let mut groups: Vec<_> = inodes.into_values().collect();
    groups.sort();
    groups
}

/// Fills a directory with everything that a home may hold.
pub fn awkward(home: &Path) {
    let at = |name: &[u8]| home.join(OsStr::from_bytes(name));
    fs::write(at(b"\xff\xfe any\nbytes\\"), "odd").unwrap();
    fs::write(at("Übung 1.ipynb".as_bytes()), "{}").unwrap();
    fs::write(at(&[b'n'; 255]), "a long name").unwrap();
    fs::write(at(b"empty"), "").unwrap();
    let mut deep = home.to_owned();
    for _ in 0..12 {
        deep.push("d".repeat(120));
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("bottom"), "more than 1,024 bytes of path").unwrap();
    fs::create_dir_all(at(b"hollow/inner")).unwrap();
    symlink("../elsewhere/\u{fc}", at(b"dangling")).unwrap();
    symlink(OsStr::from_bytes(&[b't'; 300]), at(b"long link")).unwrap();
    fs::hard_link(at(b"empty"), at(b"hollow/empty too")).unwrap();
    fs::write(at(b"first"), "shared content").unwrap();
    fs::hard_link(at(b"first"), at(b"hollow/second")).unwrap();
    fs::hard_link(at(b"first"), at(b"third")).unwrap();
    let sparse = File::create(at(b"sparse")).unwrap();
    sparse.set_len(9 << 20).unwrap();
    sparse.write_all_at(b"in the middle", 5 << 20).unwrap();
    fs::write(at(b"large"), noise(5_000_001, 7)).unwrap();
    for number in 0..300 {
        let folder = at(format!("many/{:02}", number % 7).as_bytes());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{number}.csv")), noise(number * 11, 1)).unwrap();
    }
    fs::set_permissions(at(b"many/03/3.csv"), PermissionsExt::from_mode(0o400)).unwrap();
    fs::set_permissions(at(b"many/04"), PermissionsExt::from_mode(0o750)).unwrap();
    let time =
        |seconds, nanos| FileTimes::new().set_modified(UNIX_EPOCH + Duration::new(seconds, nanos));
    File::open(at(b"many/03/3.csv")).unwrap().set_times(time(1_234_567_890, 123_456_789)).unwrap();
    File::open(at(b"hollow")).unwrap().set_times(time(1_000_000_000, 1)).unwrap();
}

/// Bytes that do not compress, always the same.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed ^ length as u64);
    (0..length).map(|_| random.u8(..)).collect()
}
