//! Looking at a tree from outside: every path with what `lstat` says, and the content of files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Returns every path below a folder with kind, mode, size, mtime, and content or link target.
///
/// With `ctime`, the time of the last change of anything about an entry is there too: then nothing at all may have touched it.
pub fn listing(root: &Path, with_ctime: bool) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut stack = vec![root.to_owned()];
    while let Some(folder) = stack.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let seen = fs::symlink_metadata(&path).unwrap();
            let content = if seen.is_file() {
                blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string()
            } else if seen.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else {
                String::new()
            };
            let ctime = if with_ctime { (seen.ctime(), seen.ctime_nsec()) } else { (0, 0) };
            let size = if seen.is_dir() { 0 } else { seen.len() };
            let line = format!(
                "{:o} {size} {}.{:09} {ctime:?} {content}",
                seen.mode(),
                seen.mtime(),
                seen.mtime_nsec()
            );
            found.insert(path.strip_prefix(root).unwrap().to_owned(), line);
            if seen.is_dir() {
                stack.push(path);
            }
        }
    }
    found
}
