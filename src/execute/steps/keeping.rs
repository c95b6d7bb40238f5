//! Manifests kept beside the journal, so that the proof outlives the staging bucket.
//!
//! They hold names of files: folders are their owner's alone (0700), and so is every file (0600). A file is whole or not there.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::execute::orphans::Orphan;
use crate::plan::Migration;

/// The folder beside the journal.
const FOLDER: &str = "manifests";

/// Where the manifest of a migration is kept: `manifests/<domain>/<profile>.jsonl.zst` beside the journal.
pub fn place(journal: &Path, migration: &Migration) -> PathBuf {
    named(journal, migration, "")
}

/// Where a kept manifest is: beside the journal, or where it was when the journal lay elsewhere.
pub fn found(beside: PathBuf, before: Option<PathBuf>) -> PathBuf {
    if beside.exists() { beside } else { before.filter(|file| file.exists()).unwrap_or(beside) }
}

/// Where the manifest of a packed home is kept, which lists what was left out when it was packed.
pub fn place_of_packed(journal: &Path, migration: &Migration) -> PathBuf {
    named(journal, migration, ".packed")
}

/// Where the manifest of an orphan home in the archive is kept: `manifests/orphans/<file system>.<folder>.jsonl.zst`.
pub fn place_of_orphan(journal: &Path, orphan: &Orphan) -> PathBuf {
    let beside = journal.parent().unwrap_or(Path::new(""));
    let name = format!("{}.{}.jsonl.zst", orphan.file_system, orphan.uid);
    beside.join(FOLDER).join("orphans").join(name)
}

/// Where the manifest of an orphan home that somebody got is kept, beside that of their own; `kind` tells two of it apart.
pub(super) fn place_of_assigned(
    journal: &Path,
    migration: &Migration,
    orphan: &Orphan,
    kind: &str,
) -> PathBuf {
    named(journal, migration, &format!(".orphan-{}-{}{kind}", orphan.file_system, orphan.uid))
}

fn named(journal: &Path, migration: &Migration, kind: &str) -> PathBuf {
    let beside = journal.parent().unwrap_or(Path::new(""));
    let folder = beside.join(FOLDER).join(migration.domain.as_str());
    folder.join(format!("{}{kind}.jsonl.zst", migration.name()))
}

/// Writes a manifest to its place; one that was there is replaced.
pub(in crate::execute) fn keep(file: &Path, manifest: &[u8]) -> io::Result<()> {
    let folders = [file.parent().and_then(Path::parent), file.parent()];
    for folder in folders.into_iter().flatten() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // One that an earlier version made may be open to others.
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    let new = file.with_extension("new");
    // What is left of a try that was killed may have another mode.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    written.write_all(manifest)?;
    written.sync_all()?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_its_owner_s_alone_even_where_it_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("manifests/d-a/ada.jsonl.zst");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "older").unwrap();
        std::fs::write(file.with_extension("new"), "torn").unwrap();
        keep(&file, b"newer").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"newer");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        assert_eq!(mode(&folder.path().join("manifests")), 0o700);
        assert!(!file.with_extension("new").exists());
    }
}
