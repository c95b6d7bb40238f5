//! `mover deliver`: a home moved inside a space, by the ticket that the hook wrote, while its reports go to the staging bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::telling::telling;
use crate::aws::{Account, Identity};
use crate::cli::command::stand_in::Unwritten;
use crate::cli::{Context, Exit, Failure, environment};
use crate::mover::{self, Done, Headway, Progress, Ticket, kept, key};
use crate::names::{AccountId, Region};

/// How often it is looked how far a home is unpacked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The largest manifest that is fetched, compressed.
const LARGEST_MANIFEST: u64 = 1 << 30;

/// Moves the home while its reports go to the staging bucket; the done-marker comes last.
pub(super) async fn deliver(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let failed = |what: &str| format!("{what} {}", file.display());
    let text = std::fs::read(file)
        .map_err(|error| Failure::of(Exit::Usage, failed("read the ticket"), error))?;
    let ticket: Ticket = serde_json::from_slice(&text)
        .map_err(|error| Failure::of(Exit::Usage, failed("read the ticket"), error))?;
    let home =
        environment::home().ok_or_else(|| Failure::usage("HOME is not set: not in a space?"))?;
    let account = account_in_a_space(context, &ticket).await?;
    if let Some(earlier) = ticket.earlier.as_ref().or(ticket.rereads.as_ref()) {
        fetch_earlier(&account, &ticket, &home, earlier).await;
    }
    let (report, progress) = watch::channel(Progress::default());
    let moving = match ticket.packed.as_ref().filter(|_| ticket.rereads.is_none()) {
        Some(_) => unpack(&account, &ticket, home.clone(), report),
        None => tokio::task::spawn_blocking({
            let (ticket, home) = (ticket.clone(), home.clone());
            let source = home.join(mover::MOUNT);
            move || {
                mover::deliver_locally(&ticket, &home, &source, &|now| {
                    // The receiver lives as long as the loop below.
                    let _ = report.send(now.clone());
                })
            }
        }),
    };
    let tell = async |progress: Vec<u8>| {
        // A sign of life that did not get through is followed by the next one.
        let _ = put(&account, &ticket, key::PROGRESS, &progress).await;
    };
    let (done, manifest) = telling(tell, progress, moving).await?;
    if let Some(manifest) = manifest {
        put(&account, &ticket, key::MANIFEST, &manifest).await?;
        if !ticket.is_beside {
            // A later pass finds it here, or else in the bucket.
            let _ = kept::keep(&home, &manifest);
        }
    }
    let marker = serde_json::to_vec(&done)
        .map_err(|error| Failure::of(Exit::Unexpected, "write the done-marker", error))?;
    put(&account, &ticket, key::DONE, &marker).await?;
    match &done.error {
        None if ticket.rereads.is_some() || ticket.is_beside => Ok(Exit::Done),
        None => {
            kept::keep_only(&home, &done.manifest_blake3);
            Ok(Exit::Done)
        }
        Some(error) => Err(Failure::new(Exit::SomeFailed, error.clone())),
    }
}

/// Fetches the manifest of the earlier pass from the bucket where it is not on the volume any more. The delivery tells when it
/// is not there either.
async fn fetch_earlier(account: &Account, ticket: &Ticket, home: &Path, blake3: &str) {
    if kept::find(home, blake3).is_some() {
        return;
    }
    let stored = format!("{}/{}", ticket.reports, key::MANIFEST);
    let sealed = account.object(&ticket.bucket, &stored, LARGEST_MANIFEST).await;
    let opened = sealed.ok().and_then(|sealed| ticket.key.open(key::MANIFEST, &sealed).ok());
    if let Some(manifest) = opened {
        let _ = kept::keep(home, &manifest);
    }
}

/// What a delivery comes to: the last word, and the manifest.
type Delivered = (Done, Option<Vec<u8>>);

/// Unpacks a home that was packed elsewhere, and says how far it is.
fn unpack(
    account: &Account,
    ticket: &Ticket,
    home: PathBuf,
    report: watch::Sender<Progress>,
) -> JoinHandle<Delivered> {
    let (account, ticket) = (account.clone(), ticket.clone());
    tokio::spawn(async move {
        let headway = Arc::<Headway>::default();
        let mut delivering =
            std::pin::pin!(mover::deliver_packed(&account, &ticket, &home, &headway));
        let mut often = tokio::time::interval(LOOK_EVERY);
        let mut beat = 0;
        loop {
            tokio::select! {
                delivered = &mut delivering => return delivered,
                _ = often.tick() => {
                    beat += 1;
                    // The receiver lives until the work has ended.
                    let _ = report.send(Progress { beat, ..headway.progress() });
                }
            }
        }
    })
}

/// The space's own credentials, with an identity that the ticket gives: a private network may have no way to STS.
async fn account_in_a_space(context: &Context, ticket: &Ticket) -> Result<Account, Failure> {
    let mut inner = context.clone();
    inner.global.region.get_or_insert_with(|| ticket.region.clone());
    let identity = Identity {
        account: AccountId::new(&ticket.bucket_owner),
        arn: ticket.space.clone(),
        region: Region::new(&ticket.region),
    };
    Ok(inner.reader_as(identity).await?.with_ledger(Arc::new(Unwritten)))
}

async fn put(account: &Account, ticket: &Ticket, name: &str, report: &[u8]) -> Result<(), Failure> {
    let key = format!("{}/{name}", ticket.reports);
    account
        .put_bytes(&ticket.bucket, &key, ticket.key.seal(name, report))
        .await
        .map_err(|error| Failure::aws("leave a report", error))
}
