//! An object a file, as DataSync leaves a home in S3: keys are paths, folders end in `/`, metadata is user metadata.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::super::decide::Hitch;
use super::super::entry::{Class, Entry, Kind, Skip, Time};
use super::super::folders::Made;
use super::super::pack::contents::{below, is_of_a_shard};
use super::super::pack::error::{TransferError, blocking};
use super::super::path::split;
use super::super::room::Needs;
use super::super::sorter::{Record, Sorter};
use super::super::xattr::Xattrs;
use super::fetch::{AT_ONCE, Feed, Fetcher, Miss, RANGE};
use super::keys::unfit;
use super::landing::Landing;
use super::metadata::Described;
use super::run::{Before, Run, Taken, need};
use super::there::looks_beside;
use crate::aws::{About, Checksum, Page, Reader};

/// Bytes of an object from which on it is fetched in ranges.
const LARGE: u64 = 16 << 20;

/// A link's target is no longer.
const LONGEST_TARGET: u64 = 4096;

/// An object as it was listed. The listing is kept: of a large home it takes a thousand requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    key: String,
    size: u64,
}

impl Found {
    fn by_key(one: &Self, other: &Self) -> Ordering {
        one.key.cmp(&other.key)
    }
}

impl Record for Found {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.key.len()
    }
}

/// What folders' own objects tell of them.
type Told = Arc<Mutex<HashMap<Box<[u8]>, Entry>>>;

/// Counts what there is, before anything is fetched.
pub(super) fn survey(before: &Before<'_>) -> Result<(Needs, Taken, Sorter<Found>), TransferError> {
    let found = Sorter::new(Found::by_key);
    let (mut needs, mut taken, mut objects) = (Needs::default(), Taken::new(), 0_u64);
    let prefix = prefix(&before.order.prefix);
    if before.order.only.is_some() {
        let why = "there is no packed.json, and only a packed home can be pulled in part";
        return Err(TransferError::unsound(&prefix, why));
    }
    let mut pages = Pages::of(&before.fetcher.reader, &before.order.bucket, &prefix);
    while let Some(page) = pages.next(before.handle)? {
        before.go_on()?;
        for object in page.objects {
            objects += 1;
            if is_of_a_shard(object.key.strip_prefix(&prefix).unwrap_or_default()) {
                let why = "there are shards, but no sound packed.json: push the home again";
                return Err(TransferError::unsound(&object.key, why));
            }
            if !object.key.ends_with('/') {
                before.headway.expect(object.size, 1);
            }
            let path = object.key.strip_prefix(&prefix).unwrap_or_default().as_bytes();
            let is_there = !before.is_fresh
                && before.tree.stat(path).is_ok_and(|there| {
                    u64::try_from(there.st_size).is_ok_and(|size| size == object.size)
                });
            if !is_there {
                let one = need(object.size);
                needs.bytes += one.bytes;
                needs.inodes += one.inodes;
            }
            if looks_beside(path) {
                taken.insert(path.into());
            }
            found.add([Found { key: object.key, size: object.size }])?;
        }
    }
    if objects == 0 {
        let (bucket, prefix) = (before.order.bucket.clone(), before.order.prefix.clone());
        return Err(TransferError::Nothing { bucket, prefix });
    }
    Ok((needs, taken, found))
}

/// Pulls every object.
pub(super) fn pull(mut run: Run, found: Sorter<Found>) -> Result<(), TransferError> {
    let told = Told::default();
    let now = jiff::Timestamp::now();
    let now = Time(now.as_second(), u32::try_from(now.subsec_nanosecond()).unwrap_or_default());
    let prefix = prefix(&run.order.prefix);
    for object in found.sorted()? {
        let object = object?;
        let path: Box<[u8]> =
            object.key.strip_prefix(&prefix).unwrap_or_default().as_bytes().into();
        // The destination itself is whatever it is.
        if path.is_empty() {
            continue;
        }
        let (path, kind) = match path.strip_suffix(b"/") {
            Some(folder) => (folder, Kind::Directory),
            None => (&*path, Kind::File),
        };
        let mut entry = Entry::new(path, kind);
        if let Some(skip) = unfit(path) {
            run.landing.leave(&entry, skip);
            continue;
        }
        let object = Object { object, now, fetcher: run.fetcher.clone() };
        if kind == Kind::Directory {
            // What cannot be made is listed; its object is looked at in vain.
            let _listed_if_not = run.folders.find(path)?;
            run.hand_out(object.folder(entry, Arc::clone(&told), Arc::clone(&run.landing)))?;
            continue;
        }
        entry.size = object.object.size;
        match run.folders.find(split(path).0)? {
            Ok(at) => {
                let landing = Arc::clone(&run.landing);
                run.hand_out(object.file(entry, at, run.order.is_paranoid, landing))?;
            }
            Err(skip) => run.landing.leave(&entry, skip),
        }
    }
    run.all_done()?;
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    run.folders.tell(told);
    Ok(run.folders.settle()?)
}

fn prefix(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { below(prefix, "") }
}

/// A listing, page by page.
struct Pages<'a> {
    reader: Reader,
    bucket: &'a str,
    prefix: &'a str,
    token: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    fn of(reader: &Reader, bucket: &'a str, prefix: &'a str) -> Self {
        Self { reader: reader.clone(), bucket, prefix, token: None, is_over: false }
    }

    fn next(&mut self, handle: &tokio::runtime::Handle) -> Result<Option<Page>, TransferError> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.reader.object_page(self.bucket, self.prefix, self.token.take());
        let page = handle.block_on(page).map_err(|error| {
            TransferError::aws(format!("list s3://{}/{}", self.bucket, self.prefix), error)
        })?;
        self.token.clone_from(&page.next);
        self.is_over = self.token.is_none();
        Ok(Some(page))
    }
}

/// One object to be fetched.
struct Object {
    object: Found,
    now: Time,
    fetcher: Fetcher,
}

impl Object {
    /// Reads what a folder's object tells of it.
    async fn folder(self, mut entry: Entry, told: Told, landing: Arc<Landing>) {
        let about = match self.fetcher.about(&self.object.key).await {
            Ok(about) => about,
            Err(Miss::End(error)) => return landing.fail(error),
            // The folder is there all the same.
            Err(Miss::Skip(_)) => return,
        };
        if Described::of(&about.metadata).apply(&mut entry, self.now).is_ok() {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(entry.path.clone(), entry);
        }
    }

    /// Places a file or a link.
    async fn file(self, entry: Entry, at: Arc<Made>, is_paranoid: bool, landing: Arc<Landing>) {
        match self.try_file(entry.clone(), at, is_paranoid, &landing).await {
            Ok(()) => {}
            Err(Miss::End(error)) => landing.fail(error),
            Err(Miss::Skip(skip)) => landing.leave(&entry, skip),
        }
    }

    async fn try_file(
        &self,
        mut entry: Entry,
        at: Arc<Made>,
        is_paranoid: bool,
        landing: &Arc<Landing>,
    ) -> Result<(), Miss> {
        let key = &self.object.key;
        let mut known = None;
        if !is_paranoid && !at.is_fresh && self.is_there(&entry, &at, landing).await? {
            let about = self.about().await?;
            Described::of(&about.metadata).apply(&mut entry, self.now).map_err(Miss::Skip)?;
            let (looking, candidate, there) = (Arc::clone(landing), entry.clone(), Arc::clone(&at));
            let kept = blocking(move || looking.kept_by_time(&there, &candidate)).await;
            let kept = kept.map_err(Miss::End)?;
            match kept {
                Ok(Some(kept)) => {
                    landing.note(kept);
                    return Ok(());
                }
                Ok(None) => {}
                Err(hitch) => {
                    landing.conclude(&entry, Err(hitch));
                    return Ok(());
                }
            }
            known = Some(about);
            entry = Entry { size: self.object.size, ..Entry::new(&entry.path, Kind::File) };
        }
        let _room = self.fetcher.room_for(self.in_memory()).await;
        if self.object.size < LARGE {
            // What was put in its place since it was listed is as good: one answer is always of one object.
            let (about, bytes) = self.fetcher.bytes(key, None, None).await?;
            entry.size = about.size;
            Described::of(&about.metadata).apply(&mut entry, self.now).map_err(Miss::Skip)?;
            return place(landing, at, entry, Content::Whole(bytes)).await;
        }
        let about = match known {
            Some(about) => about,
            None => self.about().await?,
        };
        Described::of(&about.metadata).apply(&mut entry, self.now).map_err(Miss::Skip)?;
        let (into, pieces) = mpsc::channel(1);
        let content = Content::Pieces(Summed::of(Feed::new(pieces), &about).into());
        let (_, placed) = tokio::join!(
            self.fetcher.feed(key, 0..self.object.size, Some(&about.etag), into),
            place(landing, at, entry, content)
        );
        placed
    }

    /// Asks what is known of the object, which has to be as large as it was listed.
    async fn about(&self) -> Result<About, Miss> {
        let about = self.fetcher.about(&self.object.key).await?;
        if about.size != self.object.size {
            let why = "its object was replaced while it was fetched";
            return Err(Miss::Skip(Skip::new(Class::Changed, why)));
        }
        Ok(about)
    }

    async fn is_there(
        &self,
        entry: &Entry,
        at: &Arc<Made>,
        landing: &Arc<Landing>,
    ) -> Result<bool, Miss> {
        let (entry, at, landing) = (entry.clone(), Arc::clone(at), Arc::clone(landing));
        blocking(move || landing.has_size(&at, &entry)).await.map_err(Miss::End)
    }

    fn in_memory(&self) -> u64 {
        if self.object.size < LARGE { self.object.size } else { (AT_ONCE as u64 + 2) * RANGE }
    }
}

enum Content {
    Whole(Bytes),
    Pieces(Box<Summed>),
}

/// Places what arrives, on a thread that may wait.
async fn place(
    landing: &Arc<Landing>,
    at: Arc<Made>,
    mut entry: Entry,
    content: Content,
) -> Result<(), Miss> {
    let landing = Arc::clone(landing);
    let placed = blocking(move || {
        let placed = match (entry.kind, content) {
            (Kind::Symlink, Content::Whole(target)) if is_target(&target) => {
                (entry.target, entry.size) = (Some(target.as_ref().into()), 0);
                landing.symlink(&at, (&entry, None))
            }
            (Kind::Symlink, _) => Err(Hitch::skip(
                Class::Unstorable,
                "its object is a link, and holds nothing that a link could hold",
            )),
            (_, Content::Whole(bytes)) => {
                landing.file(&at, (&entry, None), &Xattrs::new(), &mut bytes.as_ref())
            }
            (_, Content::Pieces(mut summed)) => {
                let placed = landing.file(&at, (&entry, None), &Xattrs::new(), &mut *summed);
                // Why no more came says more than that it did not.
                match (placed, summed.feed.miss.take()) {
                    (Err(Hitch::Skip(_)), Some(miss)) => return Err(miss),
                    (placed, _) => placed,
                }
            }
        };
        landing.conclude(&entry, placed);
        Ok(())
    });
    placed.await.map_err(Miss::End)?
}

fn is_target(target: &[u8]) -> bool {
    !target.is_empty() && (target.len() as u64) < LONGEST_TARGET && !target.contains(&0)
}

/// Bytes that are compared with the checksum of the whole before the last of them is given out.
struct Summed {
    feed: Feed,
    sum: Option<(Checksum, String)>,
    left: u64,
}

impl Summed {
    fn of(feed: Feed, about: &About) -> Self {
        let expected = about.expected.clone();
        Self { feed, sum: expected.map(|one| (one.empty, one.text)), left: about.size }
    }
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.feed.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if let Some((sum, expected)) = &mut self.sum {
            sum.update(&buffer[..read]);
            if self.left == 0 && sum.text() != *expected {
                return Err(io::Error::other(
                    "its bytes are not those that its checksum was made of",
                ));
            }
        }
        Ok(read)
    }
}
