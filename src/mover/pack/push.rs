//! Pushing a home: walked, cut, packed, and described in the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, stream};

use super::super::entry::Entry;
use super::super::error::Error;
use super::super::manifest;
use super::super::meter::Meter;
use super::super::rules::Rules;
use super::super::seal::ReportKey;
use super::super::ticket::Totals;
use super::super::tree::Tree;
use super::contents::{Contents, MANIFEST, NAME, Object, ShardOf, below};
use super::cut::{Cutter, Shard, Sizes};
use super::error::{TransferError, blocking};
use super::frame::Reading;
use super::headway::Headway;
use super::lanes::Lanes;
use super::links::Links;
use super::outgoing::Outgoing;
use super::shard::{Packed, Packing};
use super::source;
use super::veil::Veil;
use crate::aws::Account;

/// Shards that are made at once: while one waits for its last part, the next is read.
const SHARDS: usize = 2;

/// Bytes of a manifest that are read at once to be uploaded.
const PIECE: usize = 1 << 20;

/// What to push, and where.
#[derive(Clone, Debug)]
pub struct PushOrder {
    /// The home; nothing is ever written below it.
    pub source: PathBuf,
    /// The bucket, which has to be the caller's.
    pub bucket: String,
    /// The prefix, without a slash at its end; it may be empty.
    pub prefix: String,
    /// What is left out.
    pub rules: Rules,
    /// Bytes of tar after which a shard may end; it never exceeds four times as many. `None` is 64 MiB.
    pub shard_bytes: Option<u64>,
    /// The key under which everything is sealed; none leaves it open to whoever may read the bucket.
    pub seal: Option<ReportKey>,
}

/// What a push did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// What was selected, as it was read.
    pub totals: Totals,
    /// Entries that were not copied, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// Shards that the home consists of.
    pub shards: u64,
    /// Shards that were uploaded; all others were there.
    pub uploaded: u64,
    /// Bytes of shards and their indexes that were uploaded.
    pub uploaded_bytes: u64,
}

/// Pushes a home into the packed layout, and gives every entry in byte order of paths. A second run uploads only shards that
/// are not finished.
///
/// In memory are the entries of at most four shards, the frames that are being made (1 MiB each, 64 at most), the parts of two
/// shards (five of 8 MiB each), and the names of files with hard links.
///
/// # Errors
/// [`TransferError::Aws`] when S3 refuses, and [`TransferError::Local`] when the home as such cannot be read or `stop` was
/// set. Uploads that were begun are aborted then, and `stop` is set. What concerns one entry is listed with it.
pub async fn push(
    account: &Account,
    order: &PushOrder,
    give: &mut (dyn FnMut(&Entry) + Send),
    headway: &Arc<Headway>,
    stop: &Arc<AtomicBool>,
) -> Result<Pushed, TransferError> {
    let source = order.source.clone();
    let tree = Arc::new(blocking(move || Tree::open(&source)).await??);
    let finished = finished(account, order).await?;
    let (walked, rules, stopping) = (Arc::clone(&tree), order.rules.clone(), Arc::clone(stop));
    let expecting = Arc::clone(headway);
    let items = blocking(move || {
        source::items(&walked, &rules, &Meter::new(&|_| (), &stopping), &expecting)
    })
    .await??;
    let sizes = order
        .shard_bytes
        .map_or_else(Sizes::default, |target| Sizes { target, most: target.saturating_mul(4) });
    let packing = Packing {
        account: account.clone(),
        bucket: order.bucket.clone(),
        prefix: order.prefix.clone(),
        reading: Reading {
            tree,
            lanes: Lanes::of_files(),
            stop: Arc::clone(stop),
            veil: Veil::new(order.seal.clone()),
        },
        headway: Arc::clone(headway),
        finished: Arc::new(finished),
    };
    let cutting = (Cutter::new(items, sizes), Arc::clone(stop));
    let shards = stream::try_unfold(cutting, |(cutter, stop)| async move {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped.into());
        }
        let (cutter, shard) = next(cutter).await?;
        Ok::<_, TransferError>(shard.map(|shard| (shard, (cutter, stop))))
    });
    let packed = shards
        .map(|shard| {
            let packing = packing.clone();
            async move { packing.shard(shard?).await }
        })
        .buffered(SHARDS);
    let mut telling = Telling::new()?;
    let mut packed = std::pin::pin!(packed);
    let mut failed = None;
    while let Some(one) = packed.next().await {
        match one {
            Ok(one) if failed.is_none() => telling.add(one, give)?,
            Ok(_) => {}
            Err(error) => {
                // A shard that is still on its way has to come to its end, to be aborted.
                stop.store(true, Ordering::Relaxed);
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => telling.conclude(account, order).await,
    }
}

async fn next(mut cutter: Cutter) -> Result<(Cutter, Option<Shard>), TransferError> {
    blocking(move || {
        let shard = cutter.shard()?;
        Ok((cutter, shard))
    })
    .await?
}

/// Lists which shards are there with their index, and their bytes.
async fn finished(
    account: &Account,
    order: &PushOrder,
) -> Result<HashMap<String, u64>, TransferError> {
    let prefix = below(&order.prefix, "shards/");
    let (mut shards, mut indexes) = (HashMap::new(), HashSet::new());
    let mut token = None;
    loop {
        let page = account.object_page(&order.bucket, &prefix, token).await.map_err(|error| {
            TransferError::aws(format!("list s3://{}/{prefix}", order.bucket), error)
        })?;
        for object in page.objects {
            let name = object.key.strip_prefix(&prefix).unwrap_or_default();
            if let Some(shard) = name.strip_suffix(".tar.zst") {
                shards.insert(shard.to_owned(), object.size);
            } else if let Some(shard) = name.strip_suffix(".jsonl.zst") {
                indexes.insert(shard.to_owned());
            }
        }
        token = page.next;
        if token.is_none() {
            shards.retain(|shard, _| indexes.contains(shard));
            return Ok(shards);
        }
    }
}

/// What is told of a home in the end: its manifest, in the order of its paths, and its shards.
struct Telling {
    manifest: manifest::Writer<BufWriter<File>>,
    links: Links,
    pushed: Pushed,
    shards: Vec<ShardOf>,
}

impl Telling {
    /// Begins a manifest in a file without a name.
    fn new() -> Result<Self, Error> {
        let manifest =
            manifest::Writer::new(BufWriter::new(tempfile::tempfile().map_err(unkept)?))?;
        Ok(Self {
            manifest,
            links: Links::default(),
            pushed: Pushed::default(),
            shards: Vec::new(),
        })
    }

    fn add(&mut self, packed: Packed, give: &mut (dyn FnMut(&Entry) + Send)) -> Result<(), Error> {
        self.pushed.shards += u64::from(packed.about.is_some());
        self.pushed.uploaded += u64::from(packed.uploaded.is_some());
        self.pushed.uploaded_bytes += packed.uploaded.unwrap_or_default();
        self.shards.extend(packed.about);
        for (mut entry, has_links) in packed.entries {
            self.links.follow(&mut entry, has_links);
            self.manifest.add(&entry)?;
            give(&entry);
        }
        Ok(())
    }

    /// Uploads the manifest under a name of its own, and then what makes a home of all the objects.
    async fn conclude(self, account: &Account, order: &PushOrder) -> Result<Pushed, TransferError> {
        let Self { manifest, mut pushed, shards, .. } = self;
        let (file, totals, not_copied) = manifest.finish()?;
        (pushed.totals, pushed.not_copied) = (totals, not_copied);
        let file = file.into_inner().map_err(|error| unkept(error.into_error()))?;
        let manifest = upload(account, order, file).await?;
        let (totals, not_copied) = (pushed.totals.clone(), pushed.not_copied.clone());
        let contents = Contents::new(totals, not_copied, manifest, shards);
        let mut text = serde_json::to_vec_pretty(&contents)
            .map_err(|error| Error::Manifest(error.to_string()))?;
        text.push(b'\n');
        let text = Veil::new(order.seal.clone()).object(NAME, text);
        let key = below(&order.prefix, NAME);
        let put = account.put_checked(&order.bucket, &key, text.into()).await;
        put.map_err(|error| {
            TransferError::aws(format!("write s3://{}/{key}", order.bucket), error)
        })?;
        Ok(pushed)
    }
}

/// Uploads a manifest under its hash.
async fn upload(
    account: &Account,
    order: &PushOrder,
    mut file: File,
) -> Result<Object, TransferError> {
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; PIECE]);
    if order.seal.is_some() {
        file = sealed(order, file).map_err(unkept)?;
    }
    file.rewind().map_err(unkept)?;
    hasher.update_reader(&file).map_err(unkept)?;
    let hash = hasher.finalize().to_hex().to_string();
    let bytes = file.metadata().map_err(unkept)?.len();
    file.rewind().map_err(unkept)?;
    let manifest = Object { key: format!("manifests/{hash}.jsonl.zst"), bytes, blake3: hash };
    let key = below(&order.prefix, &manifest.key);
    let mut out = Outgoing::new(account, &order.bucket, &key, bytes);
    let sent = async {
        loop {
            let read = file.read(&mut buffer).map_err(unkept)?;
            if read == 0 {
                return out.finish().await;
            }
            out.write(&buffer[..read]).await?;
        }
    };
    if let Err(error) = sent.await {
        out.abort().await;
        return Err(error);
    }
    Ok(manifest)
}

/// Seals a manifest, in another file without a name.
fn sealed(order: &PushOrder, mut file: File) -> std::io::Result<File> {
    let mut open = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut open)?;
    let mut sealed = tempfile::tempfile()?;
    sealed.write_all(&Veil::new(order.seal.clone()).object(MANIFEST, open))?;
    Ok(sealed)
}

fn unkept(error: std::io::Error) -> Error {
    Error::io("cannot keep a manifest in", std::env::temp_dir().as_os_str().as_bytes(), error)
}
