//! One pull, whatever the layout: look what is there, make room, hand out work, settle.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::super::copy::{Copied, sum_up};
use super::super::entry::Entry;
use super::super::error::Error;
use super::super::gone::{Clearing, Spares};
use super::super::joining::Parted;
use super::super::meter::Meter;
use super::super::pack::contents::{Contents, LARGEST, MANIFEST, NAME, below};
use super::super::pack::error::{TransferError, blocking, lost};
use super::super::pack::headway::Headway;
use super::super::pack::veil::Veil;
use super::super::path::escape;
use super::super::pool::Pool;
use super::super::room::{self, Needs};
use super::super::seal::ReportKey;
use super::super::sorter::Sorter;
use super::super::tree::{Tree, names};
use super::super::verify::{Checked, Reading};
use super::super::written::List;
use super::fetch::{Fetcher, Miss};
use super::folders::Folders;
use super::landing::Landing;
use super::order::PullOrder;
use super::outcome::Outcome;
use super::{datasync, packed};
use crate::aws::{ErrorKind, Reader};

/// The block that a file system gives at least.
pub(super) const BLOCK: u64 = 4096;

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The same as of a copy; the proof is that everything was read back.
    pub copied: Copied,
    /// Entries that were in the bucket and could not be had from there.
    pub lost: u64,
    /// What shares its path with something that is in place, and is not: escaped path, and why. A manifest has a path once.
    pub shadowed: Vec<(String, String)>,
    /// What the push had not copied, by reason class: it never was in the bucket.
    pub not_pushed: BTreeMap<String, u64>,
}

/// Pulls a home, and gives every entry in byte order of paths. A second run fetches only what differs.
///
/// In memory are the folders, the files with hard links, the indexes of five shards, and 256 MiB of objects on their way at
/// most.
///
/// # Errors
/// What concerns the whole pull: [`TransferError::Aws`], [`TransferError::Unsound`], [`TransferError::Nothing`],
/// [`TransferError::Absent`], and [`TransferError::Local`] as for a copy. What concerns one entry is listed with it.
pub async fn pull(
    reader: &Reader,
    order: &PullOrder,
    give: Box<GiveEntry>,
    headway: &Arc<Headway>,
    stop: &Arc<AtomicBool>,
) -> Result<Pulled, TransferError> {
    let fetcher = Fetcher::new(reader, &order.bucket, Veil::new(order.seal.clone()));
    let contents = contents_at(&fetcher, order).await?;
    let (handle, order) = (Handle::current(), order.clone());
    let (headway, stop) = (Arc::clone(headway), Arc::clone(stop));
    blocking(move || work(handle, fetcher, order, contents, give, (headway, stop))).await?
}

/// Returns the manifest of a packed home, open and as it is stored otherwise; nothing where there is no packed home.
///
/// # Errors
///
/// The bucket refuses it, or it is not sealed with this key, or not the one that `packed.json` names.
pub async fn packed_manifest(
    reader: &Reader,
    bucket: &str,
    prefix: &str,
    seal: Option<ReportKey>,
) -> Result<Option<Vec<u8>>, TransferError> {
    let fetcher = Fetcher::new(reader, bucket, Veil::new(seal.clone()));
    let order = PullOrder::whole(bucket, prefix, seal);
    let Some(contents) = contents_at(&fetcher, &order).await? else { return Ok(None) };
    manifest_of(&fetcher, prefix, &contents).await.map(Some)
}

/// Reads the manifest that `packed.json` names.
pub(super) async fn manifest_of(
    fetcher: &Fetcher,
    prefix: &str,
    contents: &Contents,
) -> Result<Vec<u8>, TransferError> {
    let key = below(prefix, &contents.manifest.key);
    let (_, stored) = fetcher.bytes(&key, None, None).await.map_err(|miss| fatal(&key, miss))?;
    if blake3::hash(&stored).to_hex().as_str() != contents.manifest.blake3 {
        return Err(TransferError::unsound(&key, "it is another one than packed.json names"));
    }
    fetcher.veil.open(&key, MANIFEST, stored.to_vec())
}

/// Reads what a packed home consists of; none when it is no packed home.
pub(super) async fn contents_at(
    fetcher: &Fetcher,
    order: &PullOrder,
) -> Result<Option<Contents>, TransferError> {
    let key = below(&order.prefix, NAME);
    let refused = |error| TransferError::aws(format!("read s3://{}/{key}", order.bucket), error);
    let fetched = match fetcher.reader.fetch(&order.bucket, &key, None, None).await {
        Err(error)
            if error.kind == ErrorKind::NotFound
                && error.code.as_deref() != Some("NoSuchBucket") =>
        {
            return Ok(None);
        }
        fetched => fetched.map_err(refused)?,
    };
    if fetched.length > LARGEST {
        let why = format!("it has {} bytes, more than the {LARGEST} expected", fetched.length);
        return Err(TransferError::unsound(&key, why));
    }
    let stored = fetched.collect().await.map_err(refused)?;
    let stored = fetcher.veil.open(&key, NAME, stored.to_vec())?;
    Contents::read(&key, &stored)
}

/// Takes entries, one after another.
pub type GiveEntry = dyn FnMut(Entry) -> Result<(), Error> + Send;

/// Paths that look like a name beside another.
pub(super) type Taken = HashSet<Box<[u8]>>;

/// What is known before anything is fetched.
pub(super) struct Before<'a> {
    pub(super) handle: &'a Handle,
    pub(super) fetcher: &'a Fetcher,
    pub(super) order: &'a PullOrder,
    pub(super) tree: &'a Tree,
    /// Whether the destination has nothing in it.
    pub(super) is_fresh: bool,
    pub(super) headway: &'a Headway,
    pub(super) stop: &'a AtomicBool,
}

impl Before<'_> {
    /// Ends when somebody asked for an end.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }
}

/// A pull under way, seen from the thread that hands out its work.
pub(super) struct Run {
    pub(super) handle: Handle,
    pub(super) fetcher: Fetcher,
    pub(super) order: PullOrder,
    pub(super) landing: Arc<Landing>,
    pub(super) folders: Folders,
    tasks: TaskTracker,
}

impl Run {
    /// Hands out work, once a lane is free for it; an error when all is to end.
    pub(super) fn hand_out(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TransferError> {
        if self.landing.stop.load(Ordering::Relaxed) {
            return Err(self.landing.outcome.failure().unwrap_or(Error::Stopped.into()));
        }
        let lane = self.handle.block_on(self.fetcher.lanes.enter());
        let landing = Arc::clone(&self.landing);
        let work = async move {
            if let Err(error) = tokio::spawn(work).await {
                landing.fail(lost(error));
            }
            drop(lane);
        };
        self.tasks.spawn_on(work, &self.handle);
        Ok(())
    }

    /// Waits until all work is done; an error when some of it ended everything.
    pub(super) fn all_done(&self) -> Result<(), TransferError> {
        self.tasks.close();
        self.handle.block_on(self.tasks.wait());
        match self.landing.outcome.failure() {
            Some(error) => Err(error),
            None if self.landing.stop.load(Ordering::Relaxed) => Err(Error::Stopped.into()),
            None => Ok(()),
        }
    }
}

/// What is to be pulled.
enum Ahead {
    Packed(Contents, Option<packed::Selection>),
    DataSync(Sorter<datasync::Found>),
}

/// Does all of it, on a thread that may wait.
fn work(
    handle: Handle,
    fetcher: Fetcher,
    order: PullOrder,
    contents: Option<Contents>,
    mut give: Box<GiveEntry>,
    (headway, stop): (Arc<Headway>, Arc<AtomicBool>),
) -> Result<Pulled, TransferError> {
    let tree = Arc::new(destination(&order.destination)?);
    let is_fresh = tree
        .listing(b"")
        .and_then(names)
        .map_err(|errno| Error::io("cannot list", order.destination.as_os_str().as_bytes(), errno))?
        .is_empty();
    let before = Before {
        handle: &handle,
        fetcher: &fetcher,
        order: &order,
        tree: &tree,
        is_fresh,
        headway: &headway,
        stop: &stop,
    };
    let (needs, taken, parted, ahead) = match contents {
        Some(contents) => {
            let surveyed = packed::survey(&before, &contents)?;
            let ahead = Ahead::Packed(contents, surveyed.selection);
            (surveyed.needs, surveyed.taken, surveyed.parted, ahead)
        }
        None => {
            let (needs, taken, found) = datasync::survey(&before)?;
            (needs, taken, Parted::none(), Ahead::DataSync(found))
        }
    };
    let needed = room::check(needs, &tree)?;
    headway.begin();
    let landing = Arc::new(Landing {
        tree: Arc::clone(&tree),
        conflict: order.conflict,
        taken,
        stop: Arc::clone(&stop),
        headway: Arc::clone(&headway),
        outcome: Outcome::new(),
        written: List::at(order.earlier.written.as_deref()),
    });
    let (pool, meter) = (Pool::new(None), Meter::new(&|_| (), &stop));
    Clearing {
        tree: &tree,
        pool: &pool,
        meter: &meter,
        deletes: order.earlier.deletes,
        spares: Spares::Cleared,
    }
    .clear(parted, |entry| landing.outcome.take(entry))?;
    let folders = Folders::new(Arc::clone(&landing), is_fresh);
    let run = Run { handle, fetcher, order, landing, folders, tasks: TaskTracker::new() };
    let (landing, tasks, handle) =
        (Arc::clone(&run.landing), run.tasks.clone(), run.handle.clone());
    let (worked, not_pushed) = match ahead {
        Ahead::Packed(contents, selection) => {
            (packed::pull(run, &contents, selection), contents.not_copied)
        }
        Ahead::DataSync(found) => (datasync::pull(run, found), BTreeMap::new()),
    };
    if worked.is_err() {
        // Whoever still works is to end before anybody hears of it: nothing is written afterwards, and nothing left over.
        landing.stop.store(true, Ordering::Relaxed);
        tasks.close();
        handle.block_on(tasks.wait());
    }
    worked.map_err(|error| match error {
        TransferError::Local(error) => room::counted(error, needed, &tree).into(),
        error => error,
    })?;
    rustix::fs::syncfs(tree.root()).map_err(|errno| Error::io("cannot sync", b"", errno))?;
    let landing = Arc::into_inner(landing).ok_or_else(|| {
        let why = std::io::Error::other("a thread still works on it");
        Error::io("cannot end the pull into", b"", why)
    })?;
    headway.read_back();
    let pulled = told(landing.outcome, &tree, &mut give, &stop)?;
    Ok(Pulled { not_pushed, ..pulled })
}

/// Reads everything back, gives it on, and sums it up.
fn told(
    outcome: Outcome,
    tree: &Tree,
    give: &mut GiveEntry,
    stop: &AtomicBool,
) -> Result<Pulled, Error> {
    let done = Copied {
        written: outcome.written.load(Ordering::Relaxed),
        written_bytes: outcome.written_bytes.load(Ordering::Relaxed),
        kept: outcome.kept.load(Ordering::Relaxed),
        ..Copied::default()
    };
    let (pool, meter) = (Pool::new(None), Meter::new(&|_| (), stop));
    let checked = Sorter::new(Checked::by_path);
    let lost = outcome.lost.load(Ordering::Relaxed);
    let shadowed = Mutex::default();
    let entries = each_once(outcome.entries.sorted()?, &shadowed);
    Reading::of(tree, &pool, &meter).lifting().check_all(entries, &checked)?;
    let copied = sum_up(checked.sorted()?, true, done, give)?;
    let shadowed = shadowed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Pulled { copied, lost, shadowed, ..Pulled::default() })
}

/// Gives every path once: a bucket may hold a file and a folder of the same name, or the same file twice. What is in place
/// stands for both, and tells of the other.
fn each_once(
    entries: impl Iterator<Item = Result<Entry, Error>> + Send,
    shadowed: &Mutex<Vec<(String, String)>>,
) -> impl Iterator<Item = Result<Entry, Error>> + Send {
    let mut entries = entries.peekable();
    std::iter::from_fn(move || {
        let mut one = match entries.next()? {
            Ok(entry) => entry,
            failed => return Some(failed),
        };
        while let Some(Ok(other)) =
            entries.next_if(|next| next.as_ref().is_ok_and(|next| next.path == one.path))
        {
            let (mut kept, left) =
                if one.is_selected() || !other.is_selected() { (one, other) } else { (other, one) };
            let why = left.skip.map_or_else(|| "it is there twice".to_owned(), |skip| skip.why);
            kept.notes.push(format!("there is another object of this path, not copied: {why}"));
            let mut shadowed = shadowed.lock().unwrap_or_else(PoisonError::into_inner);
            shadowed.push((escape(&left.path), why));
            one = kept;
        }
        Some(Ok(one))
    })
}

fn destination(path: &Path) -> Result<Tree, Error> {
    std::fs::create_dir_all(path)
        .map_err(|error| Error::io("cannot make", path.as_os_str().as_bytes(), error))?;
    Tree::open(path)
}

/// What a file of so many bytes takes.
pub(super) fn need(bytes: u64) -> Needs {
    Needs { bytes: bytes.div_ceil(BLOCK) * BLOCK, inodes: 1 }
}

/// What ends a pull when bytes are not to be had that all of it hangs on.
pub(super) fn fatal(key: &str, miss: Miss) -> TransferError {
    match miss {
        Miss::End(error) => error,
        Miss::Skip(skip) => TransferError::unsound(key, skip.why),
    }
}
