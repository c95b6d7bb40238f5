//! What is kept on a space's volume for a later copy into the same space: manifests, and a list of what is written meanwhile.
//!
//! They lie where whoever owns the space may change them, so a manifest is relied on only if it has the BLAKE3 that a ticket
//! gives.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::deliver::OWN;

/// How the names of kept manifests begin.
const PREFIX: &str = "manifest-";

/// How they end.
const SUFFIX: &str = ".jsonl.zst";

/// Keeps a manifest, compressed as it is stored, below a space's home.
///
/// # Errors
/// When nothing can be written there.
pub fn keep(home: &Path, manifest: &[u8]) -> io::Result<()> {
    let place = place(home, blake3::hash(manifest).to_hex().as_str());
    let new = place.with_extension("new");
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(manifest)?;
    file.sync_all()?;
    fs::rename(&new, &place)?;
    // Whatever was written is in the manifest.
    let _ = fs::remove_file(written(home));
    Ok(())
}

/// Where a copy under way lists what it writes.
pub fn written(home: &Path) -> PathBuf {
    home.join(OWN).join("written.jsonl")
}

/// Finds the manifest that was kept last, sound or not.
pub fn latest(home: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(home.join(OWN)).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| is_manifest(path))
        .max_by_key(|path| path.metadata().and_then(|seen| seen.modified()).ok())
}

fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Finds the manifest that has this BLAKE3; one that somebody changed is none.
pub fn find(home: &Path, blake3: &str) -> Option<PathBuf> {
    let place = place(home, blake3);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(&place).ok()?).ok()?;
    (hasher.finalize().to_hex().as_str() == blake3).then_some(place)
}

/// Takes away every other manifest that is kept there. What cannot be taken away stays.
pub fn keep_only(home: &Path, blake3: &str) {
    let kept = place(home, blake3);
    for entry in fs::read_dir(home.join(OWN)).into_iter().flatten().flatten() {
        if is_manifest(&entry.path()) && entry.path() != kept {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn place(home: &Path, blake3: &str) -> PathBuf {
    home.join(OWN).join(format!("{PREFIX}{blake3}{SUFFIX}"))
}
