//! The index of a shard: which entries it holds and where, as JSON lines compressed with zstd. It is written after its shard,
//! so that where it is, the shard is whole.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::entry::{Class, Entry};
use super::super::manifest;
use super::super::path::{escape, unescape};
use super::super::xattr::Xattrs;
use super::error::TransferError;

const SCHEMA: u32 = 1;
const KIND: &str = "studio-migrate-shard";

/// The name under which an index is sealed.
pub(in super::super) const INDEX: &str = "index";

/// An index is unpacked to no more bytes than this: no shard has so many entries that theirs is larger.
const LARGEST: u64 = 1 << 30;

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Header {
    schema: u32,
    kind: String,
    version: String,
    /// The shard's name.
    pub(in super::super) shard: String,
    /// Its bytes as stored.
    pub(in super::super) bytes: u64,
    /// Its bytes of tar.
    pub(in super::super) tar_bytes: u64,
    /// Lines that follow.
    pub(in super::super) entries: u64,
}

/// A line, one for each entry, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: manifest::Line,
    frames: Option<(u64, u64)>,
    #[serde(default)]
    at: u64,
    #[serde(default)]
    xattrs: BTreeMap<String, String>,
    #[serde(default)]
    has_links: bool,
}

/// The same line as it is written.
#[derive(Serialize)]
struct LineOut<'a> {
    entry: manifest::LineOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<(u64, u64)>,
    #[serde(skip_serializing_if = "is_zero")]
    at: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_links: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An entry and where its data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Located {
    pub(in super::super) entry: Entry,
    /// Offset and length, in the stored shard, of the frames that hold its data; none when it has no data.
    pub(in super::super) frames: Option<(u64, u64)>,
    /// Where its data begins in what those frames unpack to.
    pub(in super::super) at: u64,
    pub(in super::super) xattrs: Xattrs,
    /// Whether entries that follow are further names of it.
    pub(in super::super) has_links: bool,
}

impl Located {
    /// Tells whether it was left out because it could not be read, which another attempt may change.
    pub(super) fn is_worth_another_try(&self) -> bool {
        let class = self.entry.skip.as_ref().map(|skip| skip.class);
        matches!(class, Some(Class::Unreadable | Class::Changed))
    }
}

/// Writes an index as it is stored.
pub(super) fn write(
    shard: &str,
    (bytes, tar_bytes): (u64, u64),
    all: &[Located],
) -> std::io::Result<Vec<u8>> {
    let mut zip = zstd::Encoder::new(Vec::new(), 3)?;
    zip.include_checksum(true)?;
    let header = Header {
        schema: SCHEMA,
        kind: KIND.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        shard: shard.to_owned(),
        bytes,
        tar_bytes,
        entries: all.len() as u64,
    };
    put(&mut zip, &header)?;
    for one in all {
        let encoded = |(name, value): &(Vec<u8>, Vec<u8>)| (escape(name), STANDARD.encode(value));
        let line = LineOut {
            entry: manifest::LineOut::from(&one.entry),
            frames: one.frames,
            at: one.at,
            xattrs: one.xattrs.iter().map(encoded).collect(),
            has_links: one.has_links,
        };
        put(&mut zip, &line)?;
    }
    zip.finish()
}

fn put(into: &mut impl Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *into, line)?;
    into.write_all(b"\n")
}

/// Reads an index as it is stored; `key` is for those who read about what is wrong with it.
pub(in super::super) fn read(
    key: &str,
    stored: &[u8],
) -> Result<(Header, Vec<Located>), TransferError> {
    let unsound = |why: &dyn std::fmt::Display| TransferError::unsound(key, why);
    let unpacked = zstd::Decoder::with_buffer(stored).map_err(|error| unsound(&error))?;
    let mut lines = BufReader::new(unpacked.take(LARGEST)).lines();
    let first = lines.next().ok_or_else(|| unsound(&"it is empty"))?;
    let first = first.map_err(|error| unsound(&error))?;
    let header: Header = serde_json::from_str(&first).map_err(|error| unsound(&error))?;
    if header.kind != KIND || header.schema != SCHEMA {
        return Err(unsound(&format!("it is a {} of schema {}", header.kind, header.schema)));
    }
    let mut all: Vec<Located> = Vec::new();
    for line in lines {
        let line = line.map_err(|error| unsound(&error))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| unsound(&error))?;
        let located = located(line).map_err(|why| unsound(&why))?;
        let path = &located.entry.path;
        if all.last().is_some_and(|last| last.entry.path >= *path) {
            return Err(unsound(&format!("`{}` is out of order", escape(path))));
        }
        if located.frames.is_some_and(|(offset, length)| {
            offset.checked_add(length).is_none_or(|end| end > header.bytes)
        }) {
            return Err(unsound(&format!("`{}` lies beyond the shard's end", escape(path))));
        }
        all.push(located);
    }
    if all.len() as u64 != header.entries {
        return Err(unsound(&format!("it has {} of {} lines", all.len(), header.entries)));
    }
    Ok((header, all))
}

fn located(line: Line) -> Result<Located, String> {
    let mut xattrs = Xattrs::new();
    for (name, value) in line.xattrs {
        let name = unescape(&name).map_err(|error| error.to_string())?;
        xattrs.push((name, STANDARD.decode(value).map_err(|error| error.to_string())?));
    }
    let entry = line.entry.entry().map_err(|error| error.to_string())?;
    Ok(Located { entry, frames: line.frames, at: line.at, xattrs, has_links: line.has_links })
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::{Kind, Skip, Time};
    use super::*;

    fn all() -> Vec<Located> {
        let mut file = Entry::new(b"a\n\xff", Kind::File);
        (file.mode, file.mtime, file.size, file.hash) = (0o600, Time(3, 4), 5, Some([1; 32]));
        let gone = Entry::new(b"b", Kind::File).skipped(Skip::new(Class::Unreadable, "no"));
        vec![
            Located {
                entry: file,
                frames: Some((10, 20)),
                at: 512,
                xattrs: vec![(b"user.\xfe".to_vec(), vec![0, 255])],
                has_links: true,
            },
            Located { entry: gone, frames: None, at: 0, xattrs: Xattrs::new(), has_links: false },
        ]
    }

    #[test]
    fn entries_come_back_with_their_places() {
        let (header, read) = read("k", &write("name", (30, 99), &all()).unwrap()).unwrap();
        assert_eq!(read, all());
        assert_eq!((header.shard.as_str(), header.bytes, header.tar_bytes), ("name", 30, 99));
        assert!(read[1].is_worth_another_try() && !read[0].is_worth_another_try());
    }

    #[test]
    fn an_index_that_is_torn_or_points_beyond_its_shard_is_refused_by_name() {
        let stored = write("name", (30, 99), &all()).unwrap();
        assert!(read("k", &stored[..stored.len() - 5]).is_err());
        let beyond = read("prefix/x.jsonl.zst", &write("name", (29, 99), &all()).unwrap());
        let said = beyond.unwrap_err().to_string();
        assert!(said.contains("prefix/x.jsonl.zst") && said.contains("beyond"), "{said}");
        let text = String::from_utf8(zstd::decode_all(stored.as_slice()).unwrap()).unwrap();
        let short: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
        assert!(read("k", &zstd::encode_all(short.as_bytes(), 0).unwrap()).is_err());
    }
}
