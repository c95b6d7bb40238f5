//! A folder of evidence: files for their owner alone, and an index by which it can be checked later.
//!
//! The index is written last, so that a folder without one is a folder that was not finished.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The index.
const INDEX: &str = "index.json";

/// The same for `sha256sum --check`, the index included.
const SUMS: &str = "SHA256SUMS";

/// What an index says it is.
const KIND: &str = "studio-migrate-evidence";

/// How large a file is and what its hash is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli::command) struct Sum {
    bytes: u64,
    sha256: String,
}

/// The index of a folder.
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    schema: u32,
    kind: String,
    /// What the folder is about.
    about: Value,
    /// Every other file but the sums, by its path in the folder.
    files: BTreeMap<String, Sum>,
}

/// A folder that is being written.
pub(super) struct Folder {
    root: PathBuf,
    files: BTreeMap<String, Sum>,
}

/// A file of it, hashed as it is written.
pub(super) struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, some: &[u8]) -> io::Result<usize> {
        let written = self.file.write(some)?;
        self.hash.update(some.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Folder {
    /// Begins a folder where there is none, or an empty one: what is there already belongs to somebody.
    pub(super) fn begin(root: &Path) -> io::Result<Self> {
        private_folder(root)?;
        if root.read_dir()?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is not empty"));
        }
        std::fs::set_permissions(root, Permissions::from_mode(0o700))?;
        Ok(Self { root: root.to_owned(), files: BTreeMap::new() })
    }

    /// Begins a file.
    pub(super) fn create(&self, path: &str) -> io::Result<Hashed> {
        let place = self.root.join(path);
        place.parent().map_or(Ok(()), private_folder)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(place)?;
        Ok(Hashed { file: BufWriter::new(file), hash: Sha256::new(), bytes: 0 })
    }

    /// Ends a file, which is then in the index.
    pub(super) fn end(&mut self, path: &str, mut written: Hashed) -> io::Result<()> {
        written.flush()?;
        let sum = Sum { bytes: written.bytes, sha256: hexadecimal(written.hash) };
        self.files.insert(path.to_owned(), sum);
        Ok(())
    }

    /// Opens a file that was ended.
    pub(super) fn open(&self, path: &str) -> io::Result<File> {
        File::open(self.root.join(path))
    }

    /// Takes a file away that turned out to be wrong.
    pub(super) fn drop_file(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.root.join(path))
    }

    /// Writes a whole file.
    pub(super) fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        let mut file = self.create(path)?;
        file.write_all(text.as_bytes())?;
        self.end(path, file)
    }

    /// Writes the index, and the sums with it.
    pub(super) fn seal(mut self, about: Value) -> io::Result<()> {
        let files = std::mem::take(&mut self.files);
        let index = Index { schema: 1, kind: KIND.to_owned(), about, files };
        self.write(INDEX, &format!("{}\n", serde_json::to_string_pretty(&index)?))?;
        let mut sums = String::new();
        for (path, sum) in self.files.iter().chain(&index.files) {
            sums.push_str(&format!("{}  {path}\n", sum.sha256));
        }
        self.write(SUMS, &sums)
    }
}

/// Makes a folder, and those above it, for its owner alone.
fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What a check came to.
pub(in crate::cli::command) struct Check {
    /// Files that are as they were.
    pub(in crate::cli::command) good: usize,
    /// What is wrong with every other.
    pub(in crate::cli::command) wrong: Vec<String>,
    /// The SHA-256 of the index.
    pub(in crate::cli::command) index: String,
}

/// Checks a folder against its index.
pub(in crate::cli::command) fn check(root: &Path) -> io::Result<Check> {
    let text = std::fs::read(root.join(INDEX))?;
    let index: Index = serde_json::from_slice(&text)?;
    if index.kind != KIND || index.schema != 1 || index.files.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "its index is one of something else, of another version, or of nothing",
        ));
    }
    let mut there = BTreeMap::new();
    walk(root, root, &mut there)?;
    [INDEX, SUMS].iter().for_each(|own| drop(there.remove(*own)));
    let (mut good, mut wrong) = (0, Vec::new());
    let own = hexadecimal(Sha256::new_with_prefix(&text));
    let sums = std::fs::read_to_string(root.join(SUMS)).unwrap_or_default();
    if !sums.lines().any(|line| line == format!("{own}  {INDEX}")) {
        wrong.push(format!("{INDEX} is not the one that {SUMS} names"));
    }
    for (path, sum) in &index.files {
        match there.remove(path) {
            None => wrong.push(format!("{path} is gone")),
            Some(place) if sum_of(&place)? == *sum => good += 1,
            Some(_) => wrong.push(format!("{path} was changed")),
        }
    }
    wrong.extend(there.into_keys().map(|path| format!("{} was added", path.escape_debug())));
    Ok(Check { good, wrong, index: own })
}

/// Lists every file below a folder by its path from the root; what is neither file nor folder is listed too, and differs.
fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let place = entry?.path();
        if place.symlink_metadata()?.is_dir() {
            walk(root, &place, found)?;
        } else {
            let path = place.strip_prefix(root).unwrap_or(&place);
            found.insert(path.to_string_lossy().into_owned(), place);
        }
    }
    Ok(())
}

fn sum_of(place: &Path) -> io::Result<Sum> {
    if !place.symlink_metadata()?.is_file() {
        return Ok(Sum { bytes: 0, sha256: String::new() });
    }
    let (mut file, mut hash, mut bytes) = (File::open(place)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Sum { bytes, sha256: hexadecimal(hash) });
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
