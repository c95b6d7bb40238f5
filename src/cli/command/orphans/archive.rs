//! `orphans archive`: every orphan home, packed to where the playbook says and read back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::readers::refuse_readers;
use super::told::archive;
use super::{begun, check_mount, plan_of, say_failure, worse};
use crate::aws::Reader;
use crate::cli::command::destination::{fit, refuse_other_account, said};
use crate::cli::command::ended::{halted, listen};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{
    Archive, Archived, Filed, Orphan, archive_all, mounted, orphan_systems, orphans,
};
use crate::inventory::Snapshot;
use crate::names::counted;
use crate::plan::Plan;

/// Requests a second of each kind: what S3 promises for one prefix (Amazon S3 User Guide, "Best practices design patterns").
const REQUESTS_PER_SECOND: f64 = 3_500.0;

/// Arguments of `orphans archive`.
#[derive(Args, Clone, Debug)]
pub(super) struct ArchiveArgs {
    /// A folder in which the EFS file systems are mounted, each under its id (`fs-…`); they are only read
    #[arg(long, value_name = "EFS_ROOT")]
    mount: PathBuf,
    /// This home only, as `orphans` names it; may be given several times
    #[arg(long = "only", value_name = "FILE_SYSTEM/UID")]
    only: Vec<String>,
    /// Do it; without it nothing is written
    #[arg(long)]
    apply: bool,
    /// Read back again what was proven before, too
    #[arg(long)]
    again: bool,
}

/// What is to be archived, and what of it cannot be.
struct Chosen {
    orphans: Vec<Orphan>,
    /// What lies at the top of a file system and is no folder.
    loose: Vec<String>,
    /// File systems that are not mounted.
    absent: Vec<(String, crate::execute::Failure)>,
}

impl ArchiveArgs {
    /// Archives them, and says where each is.
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        check_mount(&self.mount)?;
        let plan = plan_of(context)?;
        let archive = archive(&plan).ok_or_else(|| {
            Failure::usage(format!("plan {} archives orphans nowhere", plan.id)).hinted(
                "name a place with `orphans.archive_to` in the playbook, and draw up and approve the plan anew; nothing that was done is done again",
            )
        })?;
        let archive = Archive { again: self.again, ..archive };
        let snapshot = super::super::latest_snapshot(&context.existing_journal()?)?;
        let chosen = self.chosen(&snapshot)?;
        if !self.apply {
            let exit = foretell(context, &archive, &chosen);
            // What `--apply` would refuse is said here already.
            let reader = context.reader(plan.playbook.limits.calls_per_second).await?;
            context.journal_of(&reader)?;
            fit_to_hold(context, &reader, &plan, (&archive, &snapshot)).await?;
            return Ok(exit);
        }
        self.archive(context, plan, (&archive, &snapshot), &chosen).await
    }

    async fn archive(
        &self,
        context: &Context,
        plan: Plan,
        (archive, snapshot): (&Archive, &Snapshot),
        chosen: &Chosen,
    ) -> Result<Exit, Failure> {
        let operation = context.begin(REQUESTS_PER_SECOND).await?;
        fit_to_hold(context, &operation.account, &plan, (archive, snapshot)).await?;
        let mut exit = say_gaps(context, chosen);
        let halt = listen(context);
        let watch = Arc::new(|_| ());
        let execution = begun(&operation, plan, &self.mount, (None, &halt), watch)?;
        let (mut now, mut before, mut told) = (0, 0, 0);
        let mut tell = |orphan: &Orphan, filed: &Result<Filed, crate::execute::Failure>| {
            told += 1;
            match filed {
                Ok(filed) => {
                    let (archived, word) = match filed {
                        Filed::Now(archived) => (archived, "archived"),
                        Filed::Before(archived) => (archived, "archived before"),
                    };
                    now += usize::from(matches!(filed, Filed::Now(_)));
                    before += usize::from(matches!(filed, Filed::Before(_)));
                    say(context, archived, word);
                    if filed.unread() > 0 {
                        exit = worse(exit, Exit::SomeFailed);
                    }
                }
                Err(failure) => exit = worse(exit, say_failure(context, &orphan.name(), failure)),
            }
        };
        Box::pin(archive_all(&execution, archive, &chosen.orphans, &operation.lease, &mut tell))
            .await;
        if told == 0 && !chosen.orphans.is_empty() {
            exit = Exit::LeaseHeld;
        }
        context.ui.data(format_args!(
            "{now} archived and proven, {before} before, {} not; nothing was deleted",
            chosen.orphans.len() - now - before
        ));
        operation.end(halted(&halt, exit))
    }

    /// Chooses what the inventory saw, and on file systems whose domain is gone every folder that is there.
    fn chosen(&self, snapshot: &Snapshot) -> Result<Chosen, Failure> {
        let mut chosen =
            Chosen { orphans: orphans(snapshot), loose: Vec::new(), absent: Vec::new() };
        for system in orphan_systems(snapshot) {
            let top = mounted(&self.mount, &system.id).and_then(|mounted| mounted.top());
            let (folders, others) = match top {
                Ok(top) => top,
                Err(failure) => {
                    // A home of it that is to be archived says so itself.
                    if !chosen.orphans.iter().any(|orphan| orphan.file_system == system.id) {
                        chosen.absent.push((system.id.to_string(), failure));
                    }
                    continue;
                }
            };
            let known: BTreeSet<_> = chosen
                .orphans
                .iter()
                .filter(|orphan| orphan.file_system == system.id)
                .map(|orphan| orphan.uid.to_string())
                .collect();
            let further = folders.into_iter().filter(|folder| !known.contains(folder));
            chosen.orphans.extend(further.map(|folder| Orphan {
                file_system: system.id.clone(),
                uid: folder.into(),
                domain: system.domain.clone(),
                is_domain_gone: true,
                home: None,
            }));
            chosen.loose.extend(others.into_iter().map(|name| format!("{}/{name}", system.id)));
        }
        if self.only.is_empty() {
            return Ok(chosen);
        }
        let names: BTreeSet<_> = chosen.orphans.iter().map(Orphan::name).collect();
        if let Some(stranger) = self.only.iter().find(|name| !names.contains(*name)) {
            return Err(Failure::usage(format!(
                "{stranger} is no orphan that the last inventory saw"
            ))
            .hinted(
                "`studio-migrate orphans` names them; `inventory --mount` sees what is there now",
            ));
        }
        chosen.orphans.retain(|orphan| self.only.contains(&orphan.name()));
        Ok(Chosen { orphans: chosen.orphans, loose: Vec::new(), absent: Vec::new() })
    }
}

/// Says what would be done.
fn foretell(context: &Context, archive: &Archive, chosen: &Chosen) -> Exit {
    for orphan in &chosen.orphans {
        let size = orphan.home.as_ref().map_or_else(String::new, |home| {
            format!(
                ", {}, {}",
                counted(home.files, "file", "files"),
                super::super::bytes(home.bytes)
            )
        });
        context.ui.data(format_args!(
            "{}{size}: would be packed to {}",
            orphan.name(),
            archive.place_of(orphan)
        ));
    }
    let exit = say_gaps(context, chosen);
    context.ui.data(format_args!(
        "{} would be archived; nothing was written: give --apply to do it",
        super::super::count(chosen.orphans.len(), "home")
    ));
    exit
}

/// Refuses a place that is not fit to hold homes, or that an execution role may read.
async fn fit_to_hold(
    context: &Context,
    reader: &Reader,
    plan: &Plan,
    (archive, snapshot): (&Archive, &Snapshot),
) -> Result<(), Failure> {
    refuse_other_account(plan, reader)?;
    let posture = fit(reader, &archive.bucket, "orphans.archive_to").await?;
    refuse_readers(context, reader, archive, snapshot).await?;
    context.ui.status(format_args!(
        "Orphans go to s3://{}/{}: {}",
        archive.bucket,
        archive.prefix,
        said(&posture)
    ));
    Ok(())
}

/// Names what is archived by nothing.
fn say_gaps(context: &Context, chosen: &Chosen) -> Exit {
    let mut exit = Exit::Done;
    for name in &chosen.loose {
        context.ui.warning(format_args!(
            "{name} is not archived: it lies beside the homes and is no folder; `mover push` takes a folder that holds it"
        ));
        exit = Exit::SomeFailed;
    }
    for (name, failure) in &chosen.absent {
        exit = worse(exit, say_failure(context, name, failure));
    }
    exit
}

fn say(context: &Context, archived: &Archived, word: &str) {
    context.ui.data(format_args!(
        "{}: {word} at {}, proven: {}, {}, digest {}",
        archived.orphan,
        archived.to,
        counted(archived.totals.files, "file", "files"),
        super::super::bytes(archived.totals.bytes),
        archived.totals.digest
    ));
    for (path, reason) in &archived.not_copied_named {
        context.ui.warning(format_args!("{}: not archived: {path}: {reason}", archived.orphan));
    }
    let all: u64 = archived.not_copied.values().sum();
    let more = all.saturating_sub(archived.not_copied_named.len() as u64);
    if more > 0 {
        context.ui.warning(format_args!(
            "{}: not archived: {more} more, which {} names",
            archived.orphan,
            archived.manifest_file.display()
        ));
    }
}
