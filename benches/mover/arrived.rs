//! What arrived at a destination, seen by a look that shares nothing with the mover.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Failure;

/// How closely to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Names, sizes, modes and times.
    Metadata,
    /// Every byte too.
    Contents,
}

/// What a copy kept of every file beyond its name and its bytes.
struct Kept {
    modes: bool,
    /// To the nanosecond.
    times: bool,
    /// To the second at least.
    seconds: bool,
}

/// Compares a copy with its original and says what else was kept of all files. What is missing, too much or different is
/// a failure.
pub(crate) fn compare(original: &Path, copy: &Path, look: Look) -> Result<String, Failure> {
    let mut kept = Kept { modes: true, times: true, seconds: true };
    let mut files = 0_u64;
    each_file(original, &mut |file, metadata| {
        files += 1;
        let other = copy.join(file.strip_prefix(original)?);
        let there = fs::symlink_metadata(&other)
            .map_err(|error| format!("{} did not arrive: {error}", other.display()))?;
        let is_same = there.is_file()
            && there.len() == metadata.len()
            && (look == Look::Metadata || has_same_content(file, &other)?);
        if !is_same {
            return Err(format!("{} is not what it was", other.display()).into());
        }
        kept.modes &= there.mode() == metadata.mode();
        kept.seconds &= there.mtime() == metadata.mtime();
        kept.times &= there.modified()? == metadata.modified()?;
        Ok(())
    })?;
    let (arrived, _) = count(copy)?;
    if arrived != files {
        return Err(format!("{arrived} files arrived of {files}").into());
    }
    Ok(kept.say())
}

/// Counts the files below a folder, and their bytes.
pub(crate) fn count(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    each_file(folder, &mut |_, metadata| {
        files += 1;
        bytes += metadata.len();
        Ok(())
    })?;
    Ok((files, bytes))
}

/// Visits everything below a folder that is no folder itself.
pub(crate) fn each_file(
    folder: &Path,
    visit: &mut dyn FnMut(&Path, &Metadata) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            each_file(&path, visit)?;
        } else {
            visit(&path, &entry.metadata()?)?;
        }
    }
    Ok(())
}

fn has_same_content(one: &Path, other: &Path) -> io::Result<bool> {
    const CHUNK: u64 = 1 << 20;
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.by_ref().take(CHUNK).read_to_end(&mut left)?;
        other.by_ref().take(CHUNK).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

impl Kept {
    fn say(&self) -> String {
        let time = match (self.times, self.seconds) {
            (true, _) => Some("mtime"),
            (false, true) => Some("mtime to the second"),
            (false, false) => None,
        };
        let words: Vec<&str> = self.modes.then_some("mode").into_iter().chain(time).collect();
        if words.is_empty() { "neither mode nor mtime".to_owned() } else { words.join(", ") }
    }
}
