//! The parts of an upload: kept, chosen and joined.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use s3s::dto::CompletedPart;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::body::copy_bytes;
use super::store::read_json;
use super::sums::{Sums, composite, hex};

/// The least size of every part but the last: 5 MiB.
const LEAST: u64 = 5 * 1024 * 1024;

/// What is known about a part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    /// Seconds since the epoch.
    pub(super) modified: f64,
    pub(super) sums: Sums,
}

/// Reads what is known about the parts that are there.
pub(super) fn parts(folder: &Path) -> io::Result<BTreeMap<i32, Piece>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_prefix("part-").and_then(|name| name.strip_suffix(".json"));
        let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
        if let Some(piece) = read_json(&path)? {
            found.insert(number, piece);
        }
    }
    Ok(found)
}

/// Finds the parts that a client names, in its order.
pub(super) fn choose<'a>(
    there: &'a BTreeMap<i32, Piece>,
    asked: &[CompletedPart],
) -> S3Result<Vec<(i32, &'a Piece)>> {
    if asked.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let mut chosen: Vec<(i32, &Piece)> = Vec::new();
    for part in asked {
        let number = part.part_number.unwrap_or_default();
        if chosen.last().is_some_and(|(last, _)| *last >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        let piece = there.get(&number).filter(|piece| {
            part.e_tag.as_ref().is_some_and(|etag| etag.value() == hex(&piece.md5))
        });
        let Some(piece) = piece else {
            return Err(s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                 specified entity tag may not match the part's entity tag."
            ));
        };
        chosen.push((number, piece));
    }
    let all_but_last = chosen.len().saturating_sub(1);
    if chosen.iter().take(all_but_last).any(|(_, piece)| piece.size < LEAST) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(chosen)
}

/// Files read as one, each opened when its turn comes: there may be ten thousand.
struct Joined {
    left: std::vec::IntoIter<PathBuf>,
    now: Option<File>,
}

impl io::Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.now {
                let length = io::Read::read(file, buffer)?;
                if length > 0 {
                    return Ok(length);
                }
            }
            let Some(next) = self.left.next() else { return Ok(0) };
            self.now = Some(File::open(next)?);
        }
    }
}

/// Writes parts into one file and returns the checksums of the whole.
pub(super) fn join(files: Vec<PathBuf>, target: File, algorithms: &[String]) -> io::Result<Sums> {
    let whole = Joined { left: files.into_iter(), now: None };
    Ok(copy_bytes(whole, target, algorithms)?.sums)
}

/// Combines the checksums of parts.
pub(super) fn composite_sums(algorithm: &str, chosen: &[(i32, &Piece)]) -> Sums {
    let parts: Vec<String> = chosen
        .iter()
        .filter_map(|(_, piece)| piece.sums.get(algorithm).map(str::to_owned))
        .collect();
    let mut sums = Sums::default();
    if let Some(sum) = composite(algorithm, &parts) {
        sums.set(algorithm, sum);
    }
    sums
}
