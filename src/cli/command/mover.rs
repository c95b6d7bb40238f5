//! `mover`: one directory, moved and proven. Inside a space `mover deliver` reports through S3; the rest works anywhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::sync::watch;

use super::stand_in::Unwritten;
use crate::aws::{Account, Identity};
use crate::cli::{Context, Exit, Failure, environment};
use crate::mover::{self, Order, Progress, Rules, Ticket, key};
use crate::names::{AccountId, Region};
use crate::playbook::Conflict;

/// How often a sign of life goes to the staging bucket.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Arguments of `mover`.
#[derive(Args, Clone, Debug)]
pub struct Mover {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Measure a directory
    Scan {
        /// The directory
        dir: PathBuf,
    },
    /// Copy a directory faithfully, and prove it
    Copy {
        /// What to copy; it is never written to
        source: PathBuf,
        /// Where to
        destination: PathBuf,
        /// Leave out what the leave-out rules of this playbook match
        #[arg(long, value_name = "PLAYBOOK")]
        playbook: Option<String>,
        /// Write the manifest here
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
    },
    /// Compare a directory with a manifest
    Verify {
        /// The directory
        dir: PathBuf,
        /// The manifest that a copy wrote
        #[arg(long, value_name = "FILE")]
        manifest: PathBuf,
    },
    /// Move a home inside a space, by the ticket that the hook wrote
    #[command(hide = true)]
    Deliver {
        /// The ticket
        #[arg(long, value_name = "FILE")]
        ticket: PathBuf,
    },
}

impl Mover {
    /// Does what was asked.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Scan { dir } => {
                let scan = mover::scan(dir, &|_| (), &AtomicBool::new(false))
                    .map_err(|error| Failure::of(Exit::Usage, "scan", error))?;
                context.ui.data(super::json(&scan)?);
                Ok(Exit::Done)
            }
            Action::Copy { source, destination, playbook, manifest } => {
                let order = order(source, destination, playbook.as_deref())?;
                copy(context, &order, manifest.as_deref())
            }
            Action::Verify { dir, manifest } => verify(context, dir, manifest),
            Action::Deliver { ticket } => deliver(context, ticket).await,
        }
    }
}

fn order(source: &Path, destination: &Path, playbook: Option<&str>) -> Result<Order, Failure> {
    let (rules, conflict) = match playbook {
        None => (Vec::new(), Conflict::default()),
        Some(name) => {
            let playbook = super::playbook(name)?;
            (playbook.leave_out, playbook.placement.conflict)
        }
    };
    let rules = Rules::new(rules)
        .map_err(|error| Failure::of(Exit::Usage, "read the leave-out rules", error))?;
    Ok(Order {
        source: source.to_owned(),
        destination: destination.to_owned(),
        rules,
        conflict,
        ..Order::default()
    })
}

fn copy(context: &Context, order: &Order, manifest: Option<&Path>) -> Result<Exit, Failure> {
    let never = AtomicBool::new(false);
    let failed = |error| Failure::of(Exit::Unexpected, "copy", error);
    let copied = mover::copy(order, &|_| (), &never).map_err(failed)?;
    let verified =
        mover::verify(&order.destination, &copied.entries, &|_| (), &never).map_err(failed)?;
    if let Some(path) = manifest {
        let file = std::fs::File::create(path).map_err(|error| {
            Failure::of(Exit::Usage, format!("write {}", path.display()), error)
        })?;
        mover::manifest::write(&copied.entries, file).map_err(failed)?;
    }
    for entry in &copied.entries {
        if let Some((path, reason)) = entry.not_copied() {
            context.ui.status(format_args!("not copied: {path}: {reason}"));
        }
    }
    let is_proven = verified.differing == 0 && verified.totals == copied.totals;
    context.ui.data(json!({
        "schema": 1,
        "proven": is_proven,
        "source": copied.totals,
        "destination": verified.totals,
        "written": copied.written,
        "written_bytes": copied.written_bytes,
        "kept": copied.kept,
        "not_copied": copied.not_copied,
        "differences": verified.differences,
    }));
    Ok(if is_proven { Exit::Done } else { Exit::SomeFailed })
}

fn verify(context: &Context, dir: &Path, manifest: &Path) -> Result<Exit, Failure> {
    let failed = |error| Failure::of(Exit::Usage, format!("read {}", manifest.display()), error);
    let stored = std::fs::read(manifest)
        .map_err(|error| Failure::of(Exit::Usage, format!("read {}", manifest.display()), error))?;
    let entries: Vec<_> = mover::manifest::read(&stored)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let verified = mover::verify(dir, &entries, &|_| (), &AtomicBool::new(false))
        .map_err(|error| Failure::of(Exit::Unexpected, "verify", error))?;
    for (path, what) in &verified.differences {
        context.ui.data(format_args!("{path}: {what}"));
    }
    context.ui.data(format_args!(
        "{} entries differ; digest {}",
        verified.differing, verified.totals.digest
    ));
    Ok(if verified.differing == 0 { Exit::Done } else { Exit::SomeFailed })
}

/// Moves the home while its reports go to the staging bucket; the done-marker comes last.
async fn deliver(context: &Context, file: &Path) -> Result<Exit, Failure> {
    let failed = |what: &str| format!("{what} {}", file.display());
    let text = std::fs::read(file)
        .map_err(|error| Failure::of(Exit::Usage, failed("read the ticket"), error))?;
    let ticket: Ticket = serde_json::from_slice(&text)
        .map_err(|error| Failure::of(Exit::Usage, failed("read the ticket"), error))?;
    let home =
        environment::home().ok_or_else(|| Failure::usage("HOME is not set: not in a space?"))?;
    let account = account_in_a_space(context, &ticket).await?;
    let (report, progress) = watch::channel(Progress::default());
    let moving = tokio::task::spawn_blocking({
        let ticket = ticket.clone();
        let source = home.join(mover::MOUNT);
        move || {
            mover::deliver_locally(&ticket, &home, &source, &|now| {
                // The receiver lives as long as the loop below.
                let _ = report.send(now.clone());
            })
        }
    });
    let (done, manifest) = telling(&account, &ticket, progress, moving).await?;
    if let Some(manifest) = manifest {
        put(&account, &ticket, key::MANIFEST, &manifest).await?;
    }
    let marker = serde_json::to_vec(&done)
        .map_err(|error| Failure::of(Exit::Unexpected, "write the done-marker", error))?;
    put(&account, &ticket, key::DONE, &marker).await?;
    match &done.error {
        None => Ok(Exit::Done),
        Some(error) => Err(Failure::new(Exit::SomeFailed, error.clone())),
    }
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

/// Uploads the latest progress every now and then until the move has ended.
async fn telling<T>(
    account: &Account,
    ticket: &Ticket,
    mut progress: watch::Receiver<Progress>,
    mut moving: tokio::task::JoinHandle<T>,
) -> Result<T, Failure> {
    let mut every = tokio::time::interval(TELL_EVERY);
    loop {
        tokio::select! {
            ended = &mut moving => {
                return ended.map_err(|error| Failure::of(Exit::Unexpected, "move the home", error));
            }
            _ = every.tick() => {
                let now = progress.borrow_and_update().clone();
                if let Ok(text) = serde_json::to_vec(&now) {
                    // A sign of life that did not get through is followed by the next one.
                    let _ = put(account, ticket, key::PROGRESS, &text).await;
                }
            }
        }
    }
}

async fn put(account: &Account, ticket: &Ticket, name: &str, report: &[u8]) -> Result<(), Failure> {
    let key = format!("{}/{name}", ticket.reports);
    account
        .put_bytes(&ticket.bucket, &key, ticket.key.seal(name, report))
        .await
        .map_err(|error| Failure::aws("leave a report", error))
}
