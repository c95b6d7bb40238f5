//! A run of entries whose frames lie near each other: fetched with one request, unpacked, placed.

use std::io::{self, Read};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::super::decide::Hitch;
use super::super::entry::{Entry, Kind};
use super::super::folders::Made;
use super::super::pack::error::blocking;
use super::super::pack::veil::Veil;
use super::super::xattr::Xattrs;
use super::fetch::{AT_ONCE, Feed, Fetcher, Miss, RANGE};
use super::landing::Landing;

/// Stored bytes after which a unit is full; a larger file is a unit by itself.
const FULL: u64 = 4 << 20;

/// Entries of a unit, at most.
const MOST: usize = 4096;

/// The logarithm of the largest window that a frame may ask for: our own frames are smaller, and a larger window is an attack on
/// memory.
pub(super) const WINDOW: u32 = 23;

/// One entry to place.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) entry: Entry,
    /// What an earlier delivery left at its path.
    pub(super) before: Option<Box<Entry>>,
    pub(super) xattrs: Xattrs,
    /// Where its frames are in the stored shard; none when it has no data.
    pub(super) frames: Option<(u64, u64)>,
    /// Where its data begins in what they unpack to.
    pub(super) at: u64,
    pub(super) place: Arc<Made>,
}

impl Item {
    /// What is to go to its place, and what was left there.
    fn both(&self) -> (&Entry, Option<&Entry>) {
        (&self.entry, self.before.as_deref())
    }
}

/// A run of entries.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) key: String,
    items: Vec<Item>,
}

impl Unit {
    /// Begins a unit of the shard with a key.
    pub(super) fn of(key: String) -> Self {
        Self { key, items: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Tells whether an entry has to go into the next one.
    pub(super) fn is_full_with(&self, item: &Item) -> bool {
        let (Some(range), Some((offset, length))) = (range(&self.items), item.frames) else {
            return self.items.len() >= MOST;
        };
        // Entries of a frame stay together, however many they are, and however the hostile order them.
        let is_near = offset >= range.0 && offset + length <= range.1;
        !is_near
            && (offset < range.1 || offset + length - range.0 > FULL || self.items.len() >= MOST)
    }

    pub(super) fn add(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Fetches what is not there yet, and places it.
    pub(super) async fn pull(self, fetcher: Fetcher, landing: Arc<Landing>) {
        if let Err(Miss::End(error)) = self.try_pull(&fetcher, &landing).await {
            landing.fail(error);
        }
    }

    async fn try_pull(self, fetcher: &Fetcher, landing: &Arc<Landing>) -> Result<(), Miss> {
        let Self { key, items } = self;
        let veil = fetcher.veil.clone();
        let looking = Arc::clone(landing);
        let items = blocking(move || missing(&looking, items)).await.map_err(Miss::End)?;
        let Some((start, end)) = range(&items) else {
            return place(landing, items, Feed::from(bytes::Bytes::new()), 0, veil).await;
        };
        let _room = fetcher.room_for((end - start).min((AT_ONCE as u64 + 2) * RANGE)).await;
        if end - start <= RANGE {
            return match fetcher.bytes(&key, Some(start..end), None).await {
                Ok((_, bytes)) => place(landing, items, Feed::from(bytes), start, veil).await,
                Err(Miss::Skip(skip)) => {
                    items.iter().for_each(|item| landing.leave(&item.entry, skip.clone()));
                    Ok(())
                }
                Err(miss) => Err(miss),
            };
        }
        let (into, pieces) = mpsc::channel(1);
        let ((), placed) = tokio::join!(
            fetcher.feed(&key, start..end, None, into),
            place(landing, items, Feed::new(pieces), start, veil)
        );
        placed
    }
}

/// The bytes of the stored shard that entries need.
fn range(items: &[Item]) -> Option<(u64, u64)> {
    let frames = || items.iter().filter_map(|item| item.frames);
    let start = frames().map(|(offset, _)| offset).min()?;
    Some((start, frames().map(|(offset, length)| offset + length).max()?))
}

/// Returns the entries that are not there yet.
fn missing(landing: &Landing, items: Vec<Item>) -> Vec<Item> {
    let mut missing = Vec::with_capacity(items.len());
    for item in items {
        if item.entry.kind != Kind::File {
            missing.push(item);
            continue;
        }
        match landing.settled(&item.place, item.both()) {
            Ok(None) => missing.push(item),
            Ok(Some(entry)) => landing.note(entry),
            Err(hitch) => landing.conclude(&item.entry, Err(hitch)),
        }
    }
    missing
}

async fn place(
    landing: &Arc<Landing>,
    items: Vec<Item>,
    feed: Feed,
    start: u64,
    veil: Veil,
) -> Result<(), Miss> {
    let landing = Arc::clone(landing);
    blocking(move || placed(&landing, items, feed, start, &veil)).await.map_err(Miss::End)?
}

/// Places entries in their order from the stored bytes that begin at `start`.
fn placed(
    landing: &Landing,
    items: Vec<Item>,
    mut feed: Feed,
    start: u64,
    veil: &Veil,
) -> Result<(), Miss> {
    let (items, without): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.frames.is_some());
    for item in without {
        let placed = match item.entry.kind {
            Kind::Symlink => landing.symlink(&item.place, item.both()),
            _ => landing.file(&item.place, item.both(), &item.xattrs, &mut io::empty()),
        };
        landing.conclude(&item.entry, placed);
    }
    let mut at = start;
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        let Some((offset, length)) = item.frames else { continue };
        let mut frames_of = vec![item];
        while let Some(next) = items.next_if(|next| next.frames == Some((offset, length))) {
            frames_of.push(next);
        }
        let skipped = io::copy(&mut (&mut feed).take(offset.saturating_sub(at)), &mut io::sink());
        let mut frames = (&mut feed).take(length);
        if skipped.is_ok() {
            unpack(landing, &frames_of, veil.frames(&mut frames));
        }
        // What is left of the frames is passed over, for the next begin behind them.
        let passed = skipped.and_then(|_| io::copy(&mut frames, &mut io::sink()));
        at = offset + length;
        if passed.is_err() || feed.miss.is_some() {
            let rest = if feed.miss.is_some() { items.collect() } else { Vec::new() };
            match feed.miss.take() {
                Some(Miss::Skip(skip)) => {
                    rest.iter().for_each(|item| landing.leave(&item.entry, skip.clone()));
                    return Ok(());
                }
                Some(miss) => return Err(miss),
                None => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Places the entries of the same frames.
fn unpack(landing: &Landing, items: &[Item], frames: impl Read) {
    let opened = zstd::Decoder::new(frames).and_then(|mut decoder| {
        decoder.window_log_max(WINDOW)?;
        Ok(decoder)
    });
    let mut unpacked = match opened {
        Ok(decoder) => Counted { inner: decoder, count: 0 },
        Err(error) => {
            for item in items {
                landing.conclude(&item.entry, Err(torn(&error)));
            }
            return;
        }
    };
    for item in items {
        let before = item.at.checked_sub(unpacked.count);
        let placed = match before {
            None => Err(torn(&io::Error::other("its data was passed already"))),
            Some(before) => match io::copy(&mut (&mut unpacked).take(before), &mut io::sink()) {
                Err(error) => Err(torn(&error)),
                Ok(_) => {
                    let mut content = (&mut unpacked).take(item.entry.size);
                    landing.file(&item.place, item.both(), &item.xattrs, &mut content)
                }
            },
        };
        landing.conclude(&item.entry, placed);
    }
}

fn torn(error: &io::Error) -> Hitch {
    let why = format!("its frame cannot be unpacked: {error}");
    Hitch::skip(super::super::entry::Class::Unreadable, why)
}

/// Counts what was read.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}
