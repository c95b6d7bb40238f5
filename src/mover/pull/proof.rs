//! Reading a packed home back without placing it: every byte of it is fetched, unpacked and hashed.
//!
//! What comes out is a proof that the home can be restored: the entries of all indexes sum up to what `packed.json` says, so do
//! those of the manifest, and every file has the content that its index promises. Nothing is written.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::super::digest::Summing;
use super::super::entry::{Entry, Kind};
use super::super::error::Error;
use super::super::manifest;
use super::super::pack::contents::{Contents, NAME, ShardOf, below, shard_key};
use super::super::pack::error::{TransferError, blocking};
use super::super::pack::headway::Headway;
use super::super::pack::index::Located;
use super::super::pack::links::Links;
use super::super::pack::veil::Veil;
use super::super::path::escape;
use super::super::seal::ReportKey;
use super::super::ticket::Totals;
use super::fetch::{Feed, Fetcher, Miss};
use super::order::PullOrder;
use super::packed;
use super::run::{contents_at, fatal, manifest_of};
use super::unit::{Counted, WINDOW};

/// What a packed home turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// What is in it, as it was read back.
    pub totals: Totals,
    /// What was not packed, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// Its manifest, open and as it is stored otherwise.
    pub manifest: Vec<u8>,
    /// Shards that were read.
    pub shards: u64,
    /// Their bytes as stored.
    pub stored_bytes: u64,
}

/// Reads a packed home back, every byte of it; nothing where there is no packed home. In memory are one index, a few ranges of
/// 8 MiB, and the names of files with hard links.
///
/// # Errors
/// [`TransferError::Unsound`] with the object and the path where something is not what it should be; [`TransferError::Aws`] when
/// the bucket refuses; [`TransferError::Local`] when `stop` was set.
pub async fn prove_packed(
    reader: &crate::aws::Reader,
    (bucket, prefix): (&str, &str),
    seal: Option<ReportKey>,
    headway: &Headway,
    stop: &AtomicBool,
) -> Result<Option<Proven>, TransferError> {
    let fetcher = Fetcher::new(reader, bucket, Veil::new(seal.clone()));
    let order = PullOrder::whole(bucket, prefix, seal);
    let Some(contents) = contents_at(&fetcher, &order).await? else { return Ok(None) };
    headway.expect(contents.totals.bytes, contents.totals.files);
    headway.begin();
    let (mut summing, mut links) = (Summing::default(), Links::default());
    for shard in &contents.shards {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped.into());
        }
        let all = read_back(&fetcher, prefix, shard).await?;
        for Located { mut entry, has_links, .. } in all {
            links.follow(&mut entry, has_links);
            summing.add(&entry);
            headway.count(&entry);
        }
    }
    let key = below(prefix, NAME);
    if summing.totals() != contents.totals {
        return Err(TransferError::unsound(&key, "its shards do not sum up to its totals"));
    }
    let manifest = manifest_of(&fetcher, prefix, &contents).await?;
    check_manifest(&below(prefix, &contents.manifest.key), &manifest, &contents)?;
    Ok(Some(Proven {
        totals: contents.totals,
        not_copied: contents.not_copied,
        manifest,
        shards: contents.shards.len() as u64,
        stored_bytes: contents.shards.iter().map(|shard| shard.bytes).sum(),
    }))
}

/// Makes sure that the manifest tells of the same home.
fn check_manifest(key: &str, stored: &[u8], contents: &Contents) -> Result<(), TransferError> {
    let mut summing = Summing::default();
    for entry in manifest::read(stored)? {
        summing.add(&entry?);
    }
    if summing.totals() == contents.totals {
        return Ok(());
    }
    Err(TransferError::unsound(key, "its entries do not sum up to the totals of packed.json"))
}

/// Reads one shard from its first frame to its last, and returns what its index lists.
async fn read_back(
    fetcher: &Fetcher,
    prefix: &str,
    shard: &ShardOf,
) -> Result<Vec<Located>, TransferError> {
    let all = Arc::new(packed::fetch(fetcher, prefix, shard).await?);
    let key = shard_key(prefix, &shard.name);
    let (into, pieces) = mpsc::channel(1);
    let (veil, checking, name) = (fetcher.veil.clone(), Arc::clone(&all), key.clone());
    let reading = blocking(move || check(&name, &checking, Feed::new(pieces), &veil));
    let ((), checked) = tokio::join!(fetcher.feed(&key, 0..shard.bytes, None, into), reading);
    checked??;
    Ok(Arc::unwrap_or_clone(all))
}

/// Hashes every file of a shard, as its bytes come in.
fn check(key: &str, all: &[Located], mut feed: Feed, veil: &Veil) -> Result<(), TransferError> {
    let unsound = |entry: &Entry, why: &dyn std::fmt::Display| {
        TransferError::unsound(key, format!("`{}`: {why}", escape(&entry.path)))
    };
    let is_content = |one: &&Located| {
        one.entry.is_selected() && one.entry.kind == Kind::File && one.entry.link_of.is_none()
    };
    // A file without bytes has no frames, and stands between others that share theirs.
    for one in all.iter().filter(is_content).filter(|one| one.frames.is_none()) {
        check_hash(&one.entry, &mut io::empty()).map_err(|why| unsound(&one.entry, &why))?;
    }
    let mut at = 0;
    let mut files = all.iter().filter(is_content).filter(|one| one.frames.is_some()).peekable();
    while let Some(first) = files.next() {
        let Some((offset, length)) = first.frames else { continue };
        let mut of_frames = vec![first];
        while let Some(next) = files.next_if(|next| next.frames == first.frames) {
            of_frames.push(next);
        }
        let read = skip(&mut feed, offset.saturating_sub(at)).and_then(|()| {
            let mut frames = (&mut feed).take(length);
            let read = check_frames(&of_frames, veil.frames(&mut frames));
            // What is left of the frames is passed over, for the next begin behind them.
            read.and_then(|found| io::copy(&mut frames, &mut io::sink()).map(|_| found))
        });
        at = offset + length;
        match (feed.miss.take(), read) {
            (Some(miss @ Miss::End(_)), _) => return Err(fatal(key, miss)),
            (Some(Miss::Skip(skip)), _) => return Err(unsound(&first.entry, &skip.why)),
            (None, Err(error)) => return Err(unsound(&first.entry, &error)),
            (None, Ok(Some((entry, why)))) => return Err(unsound(entry, &why)),
            (None, Ok(None)) => {}
        }
    }
    Ok(())
}

/// Hashes the files of the same frames; returns the first that is not what it should be.
fn check_frames<'a>(
    files: &[&'a Located],
    frames: impl Read,
) -> io::Result<Option<(&'a Entry, String)>> {
    let mut decoder = zstd::Decoder::new(frames)?;
    decoder.window_log_max(WINDOW)?;
    let mut unpacked = Counted { inner: decoder, count: 0 };
    for one in files {
        let Some(before) = one.at.checked_sub(unpacked.count) else {
            return Ok(Some((&one.entry, "its data lies before that of another".to_owned())));
        };
        skip(&mut unpacked, before)?;
        let mut content = (&mut unpacked).take(one.entry.size);
        if let Err(why) = check_hash(&one.entry, &mut content) {
            return Ok(Some((&one.entry, why)));
        }
    }
    Ok(None)
}

fn skip(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut from.take(bytes), &mut io::sink()).map(drop)
}

/// Says why content is not that of a file.
fn check_hash(entry: &Entry, content: &mut dyn Read) -> Result<(), String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(content).map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if hasher.count() != entry.size {
        return Err(format!("it has {} of {} bytes", hasher.count(), entry.size));
    }
    match entry.hash {
        Some(hash) if hash == *hasher.finalize().as_bytes() => Ok(()),
        Some(_) => Err("its content is another one".to_owned()),
        None => Err("the index does not say what its content is".to_owned()),
    }
}
