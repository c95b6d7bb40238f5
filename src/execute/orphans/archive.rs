//! Archiving orphan homes: packed to a place on S3, read back, and only then said to be there.
//!
//! - Changes: puts objects below the orphan's prefix; the homes are only read.
//! - Twice: what is packed already is not uploaded again, and what was proven and is still the same is not read back again, unless
//!   that is asked for. What a killed run left is gone on with.
//! - Undo: none. What is archived stays until a person deletes it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::found::Orphan;
use super::whereabouts::{Archived, kind, whereabouts};
use crate::execute::failure::{Failure, FailureKind, chain};
use crate::execute::keeping;
use crate::execute::mounted::mounted;
use crate::execute::run::{Execution, kept_alive};
use crate::journal::{Lease, NewEvent};
use crate::mover::{
    self, Class, Entry, Headway, Proven, PushOrder, Pushed, Rules, TransferError, escape,
};

/// Entries not archived that an event lists by name; the manifest has them all.
const NAMED: usize = 200;

/// Where orphans are archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a slash at its end.
    pub prefix: String,
    /// Whether what was proven before is read back again.
    pub again: bool,
}

/// What became of one orphan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filed {
    /// It is archived now, and proven.
    Now(Archived),
    /// It was archived and proven before, and has not changed.
    Before(Archived),
}

impl Filed {
    /// Returns how many entries could not be read, and so are in no archive.
    pub fn unread(&self) -> u64 {
        let (Self::Now(archived) | Self::Before(archived)) = self;
        [Class::Unreadable, Class::Changed]
            .iter()
            .filter_map(|class| archived.not_copied.get(class.word()))
            .sum()
    }
}

impl Archive {
    /// The prefix of an orphan's packed home.
    pub fn prefix_of(&self, orphan: &Orphan) -> String {
        format!("{}/{}/{}", self.prefix, orphan.file_system, escape(orphan.uid.as_str().as_bytes()))
    }

    /// Where that is, as people write it.
    pub fn place_of(&self, orphan: &Orphan) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix_of(orphan))
    }
}

/// Archives these homes, one after the other, and tells each as it is done. It ends early where nothing can go on, which the last
/// that is told says, and where somebody asked to stop.
pub async fn archive_all(
    execution: &Execution,
    archive: &Archive,
    orphans: &[Orphan],
    lease: &Lease,
    tell: &mut (dyn FnMut(&Orphan, &Result<Filed, Failure>) + Send),
) {
    let work = async {
        for orphan in orphans {
            if execution.control.halt().is_draining() {
                tell(orphan, &Err(Failure::halted()));
                return;
            }
            let mut filed = Box::pin(one(execution, archive, orphan)).await;
            if let Err(failure) = &filed
                && failure.kind == FailureKind::Step
            {
                let detail = json!({ "orphan": orphan.name(), "to": archive.place_of(orphan), "why": failure.message });
                if let Err(unwritten) = record(execution, kind::NOT_ARCHIVED, detail) {
                    filed = Err(unwritten);
                }
            }
            let ends = filed.as_ref().is_err_and(|failure| failure.kind != FailureKind::Step);
            tell(orphan, &filed);
            if ends {
                return;
            }
        }
    };
    kept_alive(execution, lease, work).await;
}

async fn one(execution: &Execution, archive: &Archive, orphan: &Orphan) -> Result<Filed, Failure> {
    let Some(mount) = &execution.mount else {
        return Err(Failure::new("no file system is mounted here (--mount)"));
    };
    let home = mounted(mount, &orphan.file_system)?.home(orphan).await?;
    let (name, to) = (orphan.name(), archive.place_of(orphan));
    let earlier = whereabouts(&execution.journal)?.remove(&name).and_then(|one| one.archived);
    record(
        execution,
        kind::ARCHIVING,
        json!({ "orphan": name, "to": to, "before": earlier.as_ref().map(|(_, one)| &one.totals) }),
    )?;
    let order = PushOrder {
        source: home,
        bucket: archive.bucket.clone(),
        prefix: archive.prefix_of(orphan),
        // An archive is for whatever somebody may ask for one day: no rule leaves anything out of it.
        rules: Rules::default(),
        shard_bytes: None,
        seal: None,
    };
    let (pushed, named) = Box::pin(push(execution, &order)).await?;
    if let Some((_, earlier)) = earlier
        && !archive.again
        && earlier.to == to
        && pushed.uploaded == 0
        && earlier.totals == pushed.totals
        && earlier.not_copied == pushed.not_copied
    {
        return Ok(Filed::Before(earlier));
    }
    let proven = Box::pin(prove(execution, &order)).await?;
    if proven.totals != pushed.totals {
        return Err(doubt("it was packed by somebody else meanwhile, from something else"));
    }
    let archived = kept(execution, orphan, (to, named), proven)?;
    record(execution, kind::ARCHIVED, json!(archived))?;
    Ok(Filed::Now(archived))
}

/// Keeps the manifest of what is proven beside the journal.
fn kept(
    execution: &Execution,
    orphan: &Orphan,
    (to, named): (String, Vec<(String, String)>),
    proven: Proven,
) -> Result<Archived, Failure> {
    let manifest_file = keeping::place_of_orphan(execution.journal.path(), orphan);
    keeping::keep(&manifest_file, &proven.manifest).map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", manifest_file.display()))
            .hinted("the proof is kept beside the journal: make room there")
    })?;
    Ok(Archived {
        orphan: orphan.name(),
        to,
        totals: proven.totals,
        not_copied: proven.not_copied,
        not_copied_named: named,
        stored_bytes: proven.stored_bytes,
        manifest_blake3: blake3::hash(&proven.manifest).to_hex().to_string(),
        manifest_file,
    })
}

/// Packs a home, and returns what it consists of and the first entries that were not packed.
async fn push(
    execution: &Execution,
    order: &PushOrder,
) -> Result<(Pushed, Vec<(String, String)>), Failure> {
    let (headway, stop) = (Arc::<Headway>::default(), Arc::<AtomicBool>::default());
    let mut named = Vec::new();
    let mut give = |entry: &Entry| {
        if named.len() < NAMED {
            named.extend(entry.not_copied());
        }
    };
    let pushing = mover::push(&execution.account, order, &mut give, &headway, &stop);
    let pushed = stoppable(execution, &stop, pushing).await;
    let pushed = pushed.map_err(|failure| {
        failure.hinted("mend it and run again: what is packed already is not packed again")
    })?;
    Ok((pushed, named))
}

/// Reads the archive back.
async fn prove(execution: &Execution, order: &PushOrder) -> Result<Proven, Failure> {
    let (headway, stop) = (Headway::default(), AtomicBool::new(false));
    let place = (order.bucket.as_str(), order.prefix.as_str());
    let proving = mover::prove_packed(&execution.account, place, None, &headway, &stop);
    match stoppable(execution, &stop, proving).await? {
        Some(proven) => Ok(proven),
        None => Err(doubt("its packed.json is gone")),
    }
}

/// Works until somebody asks to stop at once; what is under way is then taken back.
async fn stoppable<T>(
    execution: &Execution,
    stop: &AtomicBool,
    work: impl Future<Output = Result<T, TransferError>>,
) -> Result<T, Failure> {
    let (done, _) = execution.control.halt().stopping(stop, work).await;
    done.map_err(|error| match error {
        TransferError::Local(mover::Error::Stopped) => Failure::halted(),
        TransferError::Aws { what, source } => {
            let failure = Failure::from(*source);
            Failure { message: format!("cannot {what}: {}", failure.message), ..failure }
        }
        error => Failure::new(chain(&error)),
    })
}

fn doubt(what: &str) -> Failure {
    Failure::new(format!("the archive is not proven: {what}"))
        .hinted("nothing was deleted; run it again")
}

fn record(execution: &Execution, kind: &str, detail: Value) -> Result<(), Failure> {
    execution.journal.record(&NewEvent {
        operation: Some(execution.operation),
        plan: Some(&execution.plan.id),
        kind,
        detail,
        ..NewEvent::default()
    })?;
    Ok(())
}
