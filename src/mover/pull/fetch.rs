//! Fetching bytes from S3: tried again when the connection breaks, and judged when they are not to be had.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::sync::{Semaphore, mpsc};

use super::super::entry::{Class, Skip};
use super::super::error::Error;
use super::super::pack::error::TransferError;
use super::super::pack::lanes::Lanes;
use super::super::pack::veil::Veil;
use crate::aws::{self, About, ErrorKind, Reader};

/// Bytes of a large object that are asked for at once.
pub(super) const RANGE: u64 = 8 << 20;

/// How often bytes are asked for when they break off on their way.
const ATTEMPTS: u32 = 4;

/// Bytes of objects that may be in memory at once: 256 MiB, counted in KiB.
const BUDGET: usize = 256 << 10;

/// Why bytes are not to be had.
#[derive(Debug)]
pub(super) enum Miss {
    /// What is listed with the entries that they belong to.
    Skip(Skip),
    /// The whole pull ends.
    End(TransferError),
}

/// How bytes are fetched.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    pub(super) reader: Reader,
    pub(super) bucket: String,
    pub(super) lanes: Lanes,
    pub(super) budget: Arc<Semaphore>,
    /// What opens a sealed home.
    pub(super) veil: Veil,
}

impl Fetcher {
    pub(super) fn new(reader: &Reader, bucket: &str, veil: Veil) -> Self {
        Self {
            reader: reader.clone(),
            bucket: bucket.to_owned(),
            lanes: Lanes::of_requests(),
            budget: Arc::new(Semaphore::new(BUDGET)),
            veil,
        }
    }

    /// Waits until so many bytes may be in memory; they are given back when what is returned is dropped.
    pub(super) async fn room_for(&self, bytes: u64) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let kib = u32::try_from((bytes >> 10) + 1).unwrap_or(u32::MAX);
        let most = u32::try_from(BUDGET).unwrap_or(u32::MAX);
        // It is never closed, so there always is a permit in the end.
        Arc::clone(&self.budget).acquire_many_owned(kib.min(most)).await.ok()
    }

    /// Fetches an object, or a range of it; with an entity tag only if it was not replaced.
    pub(super) async fn bytes(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<(About, Bytes), Miss> {
        let mut attempt = 1;
        loop {
            match self.once(key, range.clone(), etag).await {
                Ok(done) => return Ok(done),
                Err(error) if attempt < ATTEMPTS && is_passing(&error) => {
                    tokio::time::sleep(Duration::from_millis(100) * attempt.pow(2)).await;
                    attempt += 1;
                }
                Err(error) => return Err(self.judged(key, error)),
            }
        }
    }

    async fn once(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<(About, Bytes), aws::Error> {
        let began = Instant::now();
        let fetched = self.reader.fetch(&self.bucket, key, range, etag).await?;
        self.lanes.learn(began.elapsed());
        let about = fetched.about.clone();
        Ok((about, fetched.collect().await?))
    }

    /// Fetches an object into a file without a name; its BLAKE3 is known.
    pub(super) async fn file(&self, key: &str, blake3: &str) -> Result<File, Miss> {
        let refused = |error| self.judged(key, error);
        let unkept = |error| Miss::End(Error::io("cannot keep a file in", b"TMPDIR", error).into());
        let mut fetched =
            self.reader.fetch(&self.bucket, key, None, None).await.map_err(refused)?;
        let mut file = tempfile::tempfile().map_err(unkept)?;
        let mut hasher = blake3::Hasher::new();
        while let Some(bytes) = fetched.next().await.map_err(refused)? {
            hasher.update(&bytes);
            file.write_all(&bytes).map_err(unkept)?;
        }
        if hasher.finalize().to_hex().as_str() != blake3 {
            let why = "it is another one than packed.json names";
            return Err(Miss::Skip(Skip::new(Class::Unreadable, why)));
        }
        file.rewind().map_err(unkept)?;
        Ok(file)
    }

    /// Asks what is known of an object.
    pub(super) async fn about(&self, key: &str) -> Result<About, Miss> {
        let about = self.reader.about_object(&self.bucket, key).await;
        about.map_err(|error| self.judged(key, error))
    }

    /// Decides whether what S3 refused concerns one object, or all that would follow too.
    fn judged(&self, key: &str, error: aws::Error) -> Miss {
        let skip = |class, why: String| Miss::Skip(Skip::new(class, why));
        match error.kind {
            _ if error.code.as_deref() == Some("PreconditionFailed") => {
                skip(Class::Changed, "its object was replaced while it was fetched".to_owned())
            }
            ErrorKind::NotFound if error.code.as_deref() != Some("NoSuchBucket") => {
                skip(Class::Changed, "its object vanished".to_owned())
            }
            // An object may have a key or a storage class of its own that forbids to read it.
            ErrorKind::Denied | ErrorKind::Invalid => {
                skip(Class::Unreadable, format!("its object cannot be read: {error}"))
            }
            _ => Miss::End(TransferError::aws(format!("read s3://{}/{key}", self.bucket), error)),
        }
    }

    /// Sends a long range piece by piece, a few on their way at once, to whoever reads at the other end.
    pub(super) async fn feed(
        &self,
        key: &str,
        range: Range<u64>,
        etag: Option<&str>,
        into: mpsc::Sender<Result<Bytes, Miss>>,
    ) {
        use futures::StreamExt;
        let starts = (range.start..range.end).step_by(usize::try_from(RANGE).unwrap_or(usize::MAX));
        let pieces = starts.map(|start| {
            let piece = start..(start + RANGE).min(range.end);
            async move { self.bytes(key, Some(piece), etag).await.map(|(_, bytes)| bytes) }
        });
        let mut pieces = std::pin::pin!(futures::stream::iter(pieces).buffered(AT_ONCE));
        while let Some(piece) = pieces.next().await {
            let is_over = piece.is_err();
            // Nobody reads on when the destination failed.
            if into.send(piece).await.is_err() || is_over {
                return;
            }
        }
    }
}

/// Ranges of one object that are on their way at once.
pub(super) const AT_ONCE: usize = 3;

/// Tells whether it is worth asking again: what S3 answered wrongly once it may answer rightly.
fn is_passing(error: &aws::Error) -> bool {
    error.code.is_none() && matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Invalid)
}

/// Bytes that arrive while they are read, for a thread that may wait.
#[derive(Debug)]
pub(super) struct Feed {
    receiver: mpsc::Receiver<Result<Bytes, Miss>>,
    now: Bytes,
    /// Why no more comes, when that is no end.
    pub(super) miss: Option<Miss>,
}

impl Feed {
    pub(super) fn new(receiver: mpsc::Receiver<Result<Bytes, Miss>>) -> Self {
        Self { receiver, now: Bytes::new(), miss: None }
    }
}

impl From<Bytes> for Feed {
    /// Makes a feed of what is there already.
    fn from(now: Bytes) -> Self {
        let (_, receiver) = mpsc::channel(1);
        Self { receiver, now, miss: None }
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            if self.miss.is_some() {
                return Err(io::Error::other("it broke off"));
            }
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(Ok(bytes)) => self.now = bytes,
                Some(Err(miss)) => self.miss = Some(miss),
            }
        }
        let some = buffer.len().min(self.now.len());
        self.now.copy_to_slice(&mut buffer[..some]);
        Ok(some)
    }
}
