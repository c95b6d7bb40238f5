//! The manifest: every entry of a home, as JSON lines compressed with zstd.
//!
//! The first line says what this is, the last line holds the totals, and between them is one entry a line, in byte order of
//! paths. A manifest that was torn has no last line, and one that was tampered with does not sum up: reading ends with an error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize, Serializer};

pub use super::digest::Summing;
use super::entry::{Below, Class, Entry, Kind, Origin, Skip, Time};
use super::error::Error;
use super::path::{escape, escaped, is_plain, unescape};
use super::ticket::Totals;

const SCHEMA: u32 = 1;
const KIND: &str = "studio-migrate-manifest";

/// Bytes that are compressed at once.
const CHUNK: usize = 256 * 1024;

/// No path and no set of notes is near it; a line that is longer is an attack on memory.
const LONGEST_LINE: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    schema: u32,
    kind: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    totals: Totals,
    not_copied: BTreeMap<String, u64>,
}

/// An entry as a line, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    path: String,
    kind: Kind,
    /// Octal, as `ls` and `chmod` have it.
    mode: String,
    mtime: Time,
    size: u64,
    inode: Option<u64>,
    ctime: Option<Time>,
    blake3: Option<String>,
    target: Option<String>,
    link_of: Option<String>,
    stored_as: Option<String>,
    not_copied: Option<NotCopied>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotCopied {
    class: Class,
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<Below>,
}

/// The same line as it is written, without copies of what the entry has.
#[derive(Serialize)]
pub(super) struct LineOut<'a> {
    path: Cow<'a, str>,
    kind: Kind,
    #[serde(serialize_with = "octal")]
    mode: u32,
    mtime: Time,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctime: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hexadecimal")]
    blake3: Option<&'a [u8; 32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_of: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_as: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_copied: Option<NotCopied>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

fn hexadecimal<S: Serializer>(hash: &Option<&[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    match hash {
        Some(hash) => serializer.serialize_str(&blake3::Hash::from_bytes(**hash).to_hex()),
        None => serializer.serialize_none(),
    }
}

impl<'a> From<&'a Entry> for LineOut<'a> {
    fn from(entry: &'a Entry) -> Self {
        let text = |path: &'a Option<Box<[u8]>>| path.as_deref().map(escaped);
        Self {
            path: escaped(&entry.path),
            kind: entry.kind,
            mode: entry.mode,
            mtime: entry.mtime,
            size: entry.size,
            inode: entry.origin.map(|origin| origin.inode),
            ctime: entry.origin.map(|origin| origin.ctime),
            blake3: entry.hash.as_ref(),
            target: text(&entry.target),
            link_of: text(&entry.link_of),
            stored_as: text(&entry.stored_as),
            not_copied: entry.skip.as_deref().map(|skip| NotCopied {
                class: skip.class,
                why: skip.why.clone(),
                below: skip.below,
            }),
            notes: &entry.notes,
        }
    }
}

impl Line {
    pub(super) fn entry(self) -> Result<Entry, Error> {
        let bytes = |text: Option<String>| {
            text.map(|text| unescape(&text).map(Vec::into_boxed_slice)).transpose()
        };
        let place = |text: Option<String>| text.map(|text| place(&text)).transpose();
        let mode = u32::from_str_radix(&self.mode, 8);
        let mode = mode.map_err(|_| unsound(format!("the mode `{}`", self.mode)))?;
        let hash = self.blake3.map(|hex| {
            let hash = blake3::Hash::from_hex(&hex);
            hash.map(|hash| *hash.as_bytes()).map_err(|_| unsound(format!("the hash `{hex}`")))
        });
        Ok(Entry {
            path: self::place(&self.path)?,
            kind: self.kind,
            mode,
            mtime: self.mtime,
            size: self.size,
            origin: self.inode.zip(self.ctime).map(|(inode, ctime)| Origin { inode, ctime }),
            hash: hash.transpose()?,
            target: bytes(self.target)?,
            link_of: place(self.link_of)?,
            stored_as: place(self.stored_as)?,
            skip: self
                .not_copied
                .map(|NotCopied { class, why, below }| Box::new(Skip { class, why, below })),
            notes: self.notes,
        })
    }
}

/// Returns the bytes of a path, which has to stay within the home.
fn place(text: &str) -> Result<Box<[u8]>, Error> {
    let path = unescape(text)?;
    if is_plain(&path) { Ok(path.into()) } else { Err(unsound(format!("the path `{text}`"))) }
}

fn unsound(what: impl std::fmt::Display) -> Error {
    Error::Manifest(what.to_string())
}

/// Counts of entries that were not copied, by reason class.
pub type NotCopiedCounts = BTreeMap<String, u64>;

/// Writes a manifest, entry by entry.
pub struct Writer<W: Write> {
    zip: zstd::Encoder<'static, W>,
    /// Lines that are not compressed yet.
    lines: Vec<u8>,
    summing: Summing,
    not_copied: NotCopiedCounts,
    last: Option<Box<[u8]>>,
}

impl<W: Write> Writer<W> {
    /// Begins a manifest.
    ///
    /// # Errors
    /// [`Error::Manifest`] when nothing can be written.
    pub fn new(into: W) -> Result<Self, Error> {
        let mut zip = zstd::Encoder::new(into, 1).map_err(unsound)?;
        zip.include_checksum(true).map_err(unsound)?;
        // One thread compresses while this one goes on.
        zip.multithread(1).map_err(unsound)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let mut lines = Vec::with_capacity(2 * CHUNK);
        put(&mut lines, &Header { schema: SCHEMA, kind: KIND.to_owned(), version })?;
        let (summing, not_copied) = (Summing::default(), NotCopiedCounts::new());
        Ok(Self { zip, lines, summing, not_copied, last: None })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`Error::Manifest`] when its path does not come after the last one's, or nothing can be written.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Error> {
        follows(&mut self.last, entry)?;
        self.summing.add(entry);
        if let Some(skip) = &entry.skip {
            *self.not_copied.entry(skip.class.word().to_owned()).or_default() += 1;
        }
        put(&mut self.lines, &LineOut::from(entry))?;
        if self.lines.len() >= CHUNK {
            self.zip.write_all(&self.lines).map_err(unsound)?;
            self.lines.clear();
        }
        Ok(())
    }

    /// Writes the totals, without which a manifest is torn, and returns them with what was written to.
    ///
    /// # Errors
    /// [`Error::Manifest`] when nothing can be written.
    pub fn finish(mut self) -> Result<(W, Totals, NotCopiedCounts), Error> {
        let (totals, not_copied) = (self.summing.totals(), self.not_copied);
        let footer = Footer { totals: totals.clone(), not_copied: not_copied.clone() };
        put(&mut self.lines, &footer)?;
        self.zip.write_all(&self.lines).map_err(unsound)?;
        let mut into = self.zip.finish().map_err(unsound)?;
        into.flush().map_err(unsound)?;
        Ok((into, totals, not_copied))
    }
}

/// Makes sure that paths come in order, each once.
fn follows(last: &mut Option<Box<[u8]>>, entry: &Entry) -> Result<(), Error> {
    if last.as_ref().is_some_and(|last| *last >= entry.path) {
        return Err(unsound(format!("`{}` is out of order", escape(&entry.path))));
    }
    *last = Some(entry.path.clone());
    Ok(())
}

fn put(into: &mut Vec<u8>, line: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(&mut *into, line).map_err(unsound)?;
    into.push(b'\n');
    Ok(())
}

/// Reads a manifest as it is stored, entry by entry. The whole of it is sound only when the last item was no error.
///
/// # Errors
/// [`Error::Manifest`] when this is no manifest of ours, or of a version that this program does not know.
pub fn read<R: Read>(stored: R) -> Result<Entries<R>, Error> {
    let mut lines = BufReader::new(zstd::Decoder::new(stored).map_err(unsound)?);
    let first = next_line(&mut lines)?.ok_or_else(|| unsound("it is empty"))?;
    let header: Header = serde_json::from_str(&first).map_err(unsound)?;
    if header.kind != KIND || header.schema != SCHEMA {
        return Err(unsound(format!("it is a {} of schema {}", header.kind, header.schema)));
    }
    Ok(Entries { lines, summing: Summing::default(), last: None, is_over: false })
}

/// The entries of a manifest.
pub struct Entries<R: Read> {
    lines: BufReader<zstd::Decoder<'static, BufReader<R>>>,
    summing: Summing,
    last: Option<Box<[u8]>>,
    is_over: bool,
}

impl<R: Read> Iterator for Entries<R> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let item = self.entry().transpose();
        self.is_over = !matches!(item, Some(Ok(_)));
        item
    }
}

impl<R: Read> Entries<R> {
    /// Returns the sums of what was read so far.
    pub fn totals(&self) -> Totals {
        self.summing.totals()
    }

    fn entry(&mut self) -> Result<Option<Entry>, Error> {
        let line = next_line(&mut self.lines)?.ok_or_else(|| unsound("its end is missing"))?;
        if line.starts_with("{\"totals\":") {
            self.end(&line)?;
            return Ok(None);
        }
        let entry = serde_json::from_str::<Line>(&line).map_err(unsound)?.entry()?;
        follows(&mut self.last, &entry)?;
        self.summing.add(&entry);
        Ok(Some(entry))
    }

    fn end(&mut self, line: &str) -> Result<(), Error> {
        let footer: Footer = serde_json::from_str(line).map_err(unsound)?;
        if footer.totals != self.summing.totals() {
            return Err(unsound("its entries do not sum up to its totals"));
        }
        if next_line(&mut self.lines)?.is_some() {
            return Err(unsound("it goes on after its end"));
        }
        Ok(())
    }
}

fn next_line(lines: &mut impl BufRead) -> Result<Option<String>, Error> {
    let mut line = String::new();
    lines.take(LONGEST_LINE).read_line(&mut line).map_err(unsound)?;
    match line.strip_suffix('\n') {
        Some(whole) => Ok(Some(whole.to_owned())),
        None if line.is_empty() => Ok(None),
        None => Err(unsound("a line is torn or too long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn entries() -> Vec<Entry> {
        let mut file = Entry::new(b"a\n\xff", Kind::File);
        (file.mode, file.mtime, file.size, file.hash) =
            (0o600, Time(-3, 999_999_999), 4, Some([1; 32]));
        (file.link_of, file.stored_as) =
            (Some(b"0".as_slice().into()), Some(b"a.classic".as_slice().into()));
        file.origin = Some(Origin { inode: 7, ctime: Time(8, 9) });
        file.notes.push("a note".to_owned());
        let mut link = Entry::new(b"b", Kind::Symlink);
        link.target = Some(b"../x\\y".as_slice().into());
        let mut skip = Skip::new(Class::Excluded, "a cache");
        skip.below = Some(Below { files: 1, directories: 2, bytes: 3 });
        vec![file, link, Entry::new(b"c", Kind::Directory).skipped(skip)]
    }

    fn stored(entries: &[Entry]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        entries.iter().for_each(|entry| writer.add(entry).unwrap());
        writer.finish().unwrap().0
    }

    fn read_all(stored: &[u8]) -> Result<Vec<Entry>, Error> {
        read(stored)?.collect()
    }

    fn altered(alter: impl Fn(String) -> String) -> Vec<u8> {
        let text =
            String::from_utf8(zstd::decode_all(stored(&entries()).as_slice()).unwrap()).unwrap();
        zstd::encode_all(alter(text).as_bytes(), 0).unwrap()
    }

    #[test]
    fn entries_come_back_as_they_were() {
        assert_eq!(read_all(&stored(&entries())).unwrap(), entries());
    }

    #[test]
    fn a_torn_manifest_is_refused() {
        let whole = stored(&entries());
        assert!(read_all(&whole[..whole.len() - 9]).is_err());
        let torn = altered(|text| text[..text.find("{\"totals\"").unwrap()].to_owned());
        assert!(read_all(&torn).unwrap_err().to_string().contains("its end is missing"));
        assert!(read_all(b"").is_err());
    }

    #[test]
    fn a_manifest_that_was_tampered_with_is_refused() {
        assert!(read_all(&altered(|text| text.replace("\"0600\"", "\"0644\""))).is_err());
        assert!(read_all(&altered(|text| text.replace("\"schema\":1", "\"schema\":2"))).is_err());
        assert!(read_all(&altered(|text| text + "{}\n")).is_err());
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for place in ["../a", "/a", "a/../../b", "", "a//b", "."] {
            let place = format!("\"stored_as\":\"{place}\"");
            let led = altered(|text| text.replace("\"stored_as\":\"a.classic\"", &place));
            assert!(read_all(&led).unwrap_err().to_string().contains("the path"), "{place}");
        }
    }

    #[test]
    fn entries_out_of_order_are_neither_written_nor_read() {
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.add(&entries()[1]).unwrap();
        assert!(writer.add(&entries()[0]).unwrap_err().to_string().contains("out of order"));
        let turned = altered(|text| {
            let mut lines: Vec<_> = text.lines().collect();
            lines.swap(1, 2);
            lines.join("\n") + "\n"
        });
        assert!(read_all(&turned).unwrap_err().to_string().contains("out of order"));
    }

    #[test]
    fn what_was_not_copied_is_said_in_words() {
        let said: Vec<_> = entries().iter().filter_map(Entry::not_copied).collect();
        let reason = "excluded: a cache (1 files and 2 folders below, 3 bytes)";
        assert_eq!(said, [("c".to_owned(), reason.to_owned())]);
        let mut writer = Writer::new(Vec::new()).unwrap();
        entries().iter().for_each(|entry| writer.add(entry).unwrap());
        let (_, totals, not_copied) = writer.finish().unwrap();
        assert_eq!(not_copied, BTreeMap::from([("excluded".to_owned(), 1)]));
        assert_eq!((totals.files, totals.symlinks, totals.directories), (1, 1, 0));
    }
}
