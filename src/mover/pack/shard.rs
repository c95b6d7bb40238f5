//! One shard: read, compressed, uploaded, indexed; or found finished.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use super::super::entry::{Entry, Kind};
use super::super::error::Error;
use super::super::path::escape;
use super::contents::{ShardOf, index_key, shard_key};
use super::cut::Shard;
use super::error::{TransferError, blocking, lost};
use super::frame::{ATTEMPTS, FRAME, Frame, Reading, Stored, again};
use super::headway::Headway;
use super::index::{self, INDEX, Located};
use super::large::Large;
use super::member::{self, BLOCK};
use super::outgoing::Outgoing;
use crate::aws::Account;

/// What all shards share.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    pub(super) account: Account,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) reading: Reading,
    pub(super) headway: Arc<Headway>,
    /// Shards that are there with their index, and their bytes.
    pub(super) finished: Arc<HashMap<String, u64>>,
}

/// A shard that is there now.
#[derive(Debug)]
pub(super) struct Packed {
    /// Its entries as they were read, those between them that are not copied, and which of them have further names.
    pub(super) entries: Vec<(Entry, bool)>,
    /// Nothing when it holds nothing.
    pub(super) about: Option<ShardOf>,
    /// Bytes that were uploaded; none when it was finished before.
    pub(super) uploaded: Option<u64>,
}

/// What a finished shard is good for.
enum Found {
    /// All of it is as it should be.
    Whole(Box<Packed>),
    /// It is to be made once more, under this name: what an earlier push names is never changed.
    Another(String),
}

/// Frames in their order, each being made, with the lane that it takes.
type Making = (Option<OwnedSemaphorePermit>, JoinHandle<Result<Frame, Error>>);

impl Packing {
    /// Makes sure that a shard is there.
    pub(super) async fn shard(self, mut shard: Shard) -> Result<Packed, TransferError> {
        if shard.is_hollow() {
            let entries =
                shard.items.into_iter().map(|item| (item.entry, item.has_links)).collect();
            return Ok(Packed { entries, about: None, uploaded: None });
        }
        while let Some(&bytes) = self.finished.get(&shard.name) {
            match self.found(&shard, bytes).await? {
                Found::Whole(packed) => return Ok(*packed),
                Found::Another(name) => shard.name = name,
            }
        }
        let key = shard_key(&self.prefix, &shard.name);
        let mut out = Outgoing::new(&self.account, &self.bucket, &key, shard.weight);
        let (mut located, tar_bytes) = match self.fill(&shard, &mut out).await {
            Ok(done) => done,
            Err(error) => {
                out.abort().await;
                return Err(error);
            }
        };
        let selected = shard.items.iter().filter(|item| item.entry.is_selected());
        for (one, item) in located.iter_mut().zip(selected) {
            one.has_links = item.has_links;
        }
        self.conclude(shard, located, (out.size(), tar_bytes)).await
    }

    /// Uploads all frames of a shard, and makes the object.
    async fn fill(
        &self,
        shard: &Shard,
        out: &mut Outgoing,
    ) -> Result<(Vec<Located>, u64), TransferError> {
        let (frames, made) = mpsc::unbounded_channel::<Making>();
        let selected = shard.items.iter().filter(|item| item.entry.is_selected());
        let work: Vec<Entry> = selected.map(|item| item.entry.clone()).collect();
        let (produced, taken) =
            tokio::join!(self.produce(work, frames), take(made, out, &self.headway));
        let done = taken?;
        produced?;
        out.finish().await?;
        Ok(done)
    }

    /// Hands out entries in groups of about a frame; a larger file is handed out in pieces.
    async fn produce(
        &self,
        work: Vec<Entry>,
        frames: mpsc::UnboundedSender<Making>,
    ) -> Result<(), TransferError> {
        let mut group: Vec<Entry> = Vec::new();
        let mut weight = 0;
        for entry in work {
            let own = member::weight(&entry);
            let is_large = own > FRAME as u64 + 3 * BLOCK as u64;
            if is_large || weight + own > FRAME as u64 {
                self.group(std::mem::take(&mut group), &frames).await;
                weight = 0;
            }
            if is_large {
                self.large(entry, &frames).await?;
            } else {
                weight += own;
                group.push(entry);
            }
        }
        self.group(group, &frames).await;
        let reading = self.reading.clone();
        let end = tokio::task::spawn_blocking(move || {
            // Two blocks of zeros end a tar.
            let end = [0; 2 * BLOCK];
            Ok(Frame { bytes: reading.packed(&end)?, raw: end.len() as u64, ..Frame::default() })
        });
        let _taker_gave_up = frames.send((None, end));
        Ok(())
    }

    async fn group(&self, group: Vec<Entry>, frames: &mpsc::UnboundedSender<Making>) {
        if group.is_empty() || frames.is_closed() {
            return;
        }
        let lane = self.reading.lanes.enter().await;
        let reading = self.reading.clone();
        let made = tokio::task::spawn_blocking(move || reading.group(group));
        // When nobody takes frames any more, the taker knows why.
        let _taker_gave_up = frames.send((lane, made));
    }

    /// Reads a large file; what it was found to have changed is read again, and the last reading counts.
    async fn large(
        &self,
        seen: Entry,
        frames: &mpsc::UnboundedSender<Making>,
    ) -> Result<(), TransferError> {
        for attempt in 1..=ATTEMPTS {
            let (reading, entry) = (self.reading.clone(), seen.clone());
            let mut large = match blocking(move || Large::open(&reading, entry)).await? {
                Ok(large) => large,
                Err(stored) => {
                    let news = Frame { stored: vec![*stored], ..Frame::default() };
                    let _taker_gave_up = frames.send((None, tokio::spawn(async { Ok(news) })));
                    return Ok(());
                }
            };
            loop {
                if frames.is_closed() {
                    return Ok(());
                }
                let lane = self.reading.lanes.enter().await;
                let reading = self.reading.clone();
                let (back, piece) = blocking(move || {
                    let piece = large.piece(&reading);
                    (large, piece)
                })
                .await?;
                large = back;
                let mut piece = piece?;
                let is_done = piece.done.is_some();
                let retry = attempt < ATTEMPTS
                    && piece.done.as_ref().is_some_and(|done| !done.entry.is_selected());
                let stored = piece.done.take().filter(|_| !retry).map(said_again);
                let reading = self.reading.clone();
                let made = tokio::task::spawn_blocking(move || {
                    Ok(Frame {
                        bytes: reading.packed(&piece.tar)?,
                        raw: piece.tar.len() as u64,
                        begins: piece.begins,
                        stored: stored.into_iter().collect(),
                    })
                });
                let _taker_gave_up = frames.send((lane, made));
                match (is_done, retry) {
                    (true, true) => break,
                    (true, false) => return Ok(()),
                    (false, _) => {}
                }
            }
        }
        Ok(())
    }

    /// Writes the index, which says that the shard is finished.
    async fn conclude(
        &self,
        shard: Shard,
        located: Vec<Located>,
        (bytes, tar_bytes): (u64, u64),
    ) -> Result<Packed, TransferError> {
        let name = shard.name.clone();
        let (index, located) =
            blocking(move || (index::write(&name, (bytes, tar_bytes), &located), located)).await?;
        let index = index.map_err(|error| Error::io("cannot compress the index of", b"", error))?;
        let index = self.reading.veil.object(INDEX, index);
        let about = about(&shard.name, (bytes, tar_bytes), &located, &index);
        let key = index_key(&self.prefix, &shard.name);
        let uploaded = bytes + index.len() as u64;
        let put = self.account.put_checked(&self.bucket, &key, index.into()).await;
        put.map_err(|error| {
            TransferError::aws(format!("write s3://{}/{key}", self.bucket), error)
        })?;
        Ok(Packed { entries: merged(shard, located), about, uploaded: Some(uploaded) })
    }

    /// Takes a shard that is there from its index, unless some of it is worth another try.
    async fn found(&self, shard: &Shard, bytes: u64) -> Result<Found, TransferError> {
        let key = index_key(&self.prefix, &shard.name);
        let what = || format!("read s3://{}/{key}", self.bucket);
        let fetched = self.account.fetch(&self.bucket, &key, None, None).await;
        let fetched = fetched.map_err(|error| TransferError::aws(what(), error))?;
        let index = fetched.collect().await.map_err(|error| TransferError::aws(what(), error))?;
        let (named, stored, veil) = (key.clone(), index.to_vec(), self.reading.veil.clone());
        let read =
            blocking(move || index::read(&named, &veil.open(&named, INDEX, stored)?)).await?;
        let another = || {
            let mut name = blake3::Hasher::new();
            name.update(b"studio-migrate shard 1, another try\n");
            name.update(shard.name.as_bytes());
            name.update(&index);
            Ok(Found::Another(name.finalize().to_hex().to_string()))
        };
        // What is not sound is made anew.
        let Ok((header, located)) = read else { return another() };
        let selected = shard.items.iter().filter(|item| item.entry.is_selected());
        let is_the_same = header.shard == shard.name
            && header.bytes == bytes
            && selected.map(|item| &item.entry.path).eq(located.iter().map(|one| &one.entry.path));
        if !is_the_same || located.iter().any(Located::is_worth_another_try) {
            return another();
        }
        let about = about(&shard.name, (header.bytes, header.tar_bytes), &located, &index);
        located.iter().for_each(|one| self.headway.count(&one.entry));
        let entries = merged(shard.clone(), located);
        Ok(Found::Whole(Packed { entries, about, uploaded: None }.into()))
    }
}

fn said_again(stored: Stored) -> Stored {
    let Stored { mut entry, .. } = stored;
    if let Some(skip) = entry.skip.take() {
        let skip =
            if skip.class == super::super::entry::Class::Changed { again(*skip) } else { *skip };
        entry.skip = Some(Box::new(skip));
    }
    Stored { entry, ..stored }
}

/// Takes frames in their order and uploads them; returns where each entry is, and the bytes of tar.
async fn take(
    mut made: mpsc::UnboundedReceiver<Making>,
    out: &mut Outgoing,
    headway: &Headway,
) -> Result<(Vec<Located>, u64), TransferError> {
    let mut located = Vec::new();
    let (mut tar_bytes, mut began) = (0, 0);
    while let Some((lane, frame)) = made.recv().await {
        let frame = frame.await.map_err(lost)??;
        if frame.begins {
            began = out.size();
        }
        out.write(&frame.bytes).await?;
        drop(lane);
        tar_bytes += frame.raw;
        let frames = (began, out.size() - began);
        frame.stored.iter().for_each(|stored| headway.count(&stored.entry));
        located.extend(frame.stored.into_iter().map(|stored| {
            let has_data = stored.entry.is_selected()
                && stored.entry.kind == Kind::File
                && stored.entry.link_of.is_none()
                && stored.entry.size > 0;
            let at = if has_data { stored.at } else { 0 };
            let Stored { entry, xattrs, .. } = stored;
            Located { entry, frames: has_data.then_some(frames), at, xattrs, has_links: false }
        }));
    }
    Ok((located, tar_bytes))
}

fn about(
    name: &str,
    (bytes, tar_bytes): (u64, u64),
    located: &[Located],
    index: &[u8],
) -> Option<ShardOf> {
    let (first, last) = (located.first()?, located.last()?);
    Some(ShardOf {
        name: name.to_owned(),
        bytes,
        tar_bytes,
        entries: located.len() as u64,
        first: escape(&first.entry.path),
        last: escape(&last.entry.path),
        index_blake3: blake3::hash(index).to_hex().to_string(),
    })
}

/// Puts what was read in the place of what was seen before.
fn merged(shard: Shard, located: Vec<Located>) -> Vec<(Entry, bool)> {
    let mut read: HashMap<Box<[u8]>, Entry> =
        located.into_iter().map(|one| (one.entry.path.clone(), one.entry)).collect();
    let items = shard.items.into_iter();
    items
        .map(|item| (read.remove(&item.entry.path).unwrap_or(item.entry), item.has_links))
        .collect()
}
