//! `verify`: the proof is read and summed up again, and compared with what the journal says was proven.
//!
//! It proves the proof, not the volume: only an app that runs in a space can read its volume, and people have worked there
//! since. With `--deep` such an app is started, and every byte read again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::ended::{halted, listen};
use super::run::{execution, selection, tools};
use super::todo::standing;
use crate::cli::context::approved_plan;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute::steps::{reread, verify};
use crate::execute::{self, FailureKind, Halt, Selection, Step, Told, reread_all};
use crate::mover::Reread;
use crate::names::{BatchName, MigrationId, ProfileName, counted};
use crate::plan::Plan;

/// Arguments of `verify`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// This batch only; may be given several times
    #[arg(long = "batch", value_name = "BATCH")]
    batches: Vec<BatchName>,
    /// This person only; may be given several times
    #[arg(long = "user", value_name = "PROFILE")]
    users: Vec<ProfileName>,
    /// Start each space once more and read every byte on its volume again, against the manifest of the copy
    #[arg(long)]
    deep: bool,
    /// The mover to send to spaces with --deep; this very program by default
    #[arg(long, value_name = "FILE")]
    mover: Option<PathBuf>,
}

impl Verify {
    /// Checks everyone whose copy was proven before.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let plan = approved_plan(&context.existing_journal()?)?;
        let selection = selection(&plan, &self.batches, &self.users)?;
        if self.deep {
            return self.reread(context, plan, &selection).await;
        }
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let silent = std::sync::Arc::new(|_| ());
        let execution = execution(&operation, plan, tools(None)?, Halt::default(), silent, false);
        let (mut proven, mut doubted, mut unproven) = (0, 0, 0);
        for (batch, migration) in execution.plan.migrations() {
            if !selection.takes(batch, migration) {
                continue;
            }
            let standing = standing(&operation.journal, &migration.id)?;
            let Some(before) = standing.receipt(Step::Verify) else {
                context.ui.data(format_args!("{}: not proven yet", migration.id));
                unproven += 1;
                continue;
            };
            let cx = execution.context(migration);
            let now = match verify::perform(&cx).await {
                Ok(now) => now,
                Err(_) if reread::is_kept_alone(&cx).await.is_ok_and(|is_it| is_it) => {
                    context.ui.data(format_args!(
                        "{}: proven by the manifest beside the journal; the mover's reports are gone from the bucket, as `cleanup --reports` leaves it",
                        migration.id
                    ));
                    proven += 1;
                    continue;
                }
                Err(failure) => {
                    context.ui.data(format_args!("{}: DOUBT: {failure}", migration.id));
                    doubted += 1;
                    continue;
                }
            };
            let digest = before.pointer("/totals/digest").and_then(|digest| digest.as_str());
            if digest == Some(now.totals.digest.as_str()) {
                context.ui.data(format_args!(
                    "{}: proven, {}, {} on {}, digest {}",
                    migration.id,
                    counted(now.totals.files, "file", "files"),
                    super::bytes(now.totals.bytes),
                    now.evidence.device,
                    now.totals.digest
                ));
                proven += 1;
            } else {
                context.ui.data(format_args!("{}: DOUBT: the digest is another one", migration.id));
                doubted += 1;
            }
        }
        context.ui.data(format_args!("{proven} proven, {doubted} in doubt, {unproven} not yet"));
        operation.end(if doubted == 0 { Exit::Done } else { Exit::SomeFailed })
    }

    /// Reads every byte again. What people did since is told; damage, or that somebody's home could not be read, is exit code 4.
    async fn reread(
        &self,
        context: &Context,
        plan: Plan,
        selection: &Selection,
    ) -> Result<Exit, Failure> {
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let (mut proven, mut unproven) = (BTreeSet::new(), 0);
        for (batch, migration) in plan.migrations() {
            if !selection.takes(batch, migration) {
                continue;
            }
            if standing(&operation.journal, &migration.id)?.receipt(Step::Verify).is_some() {
                proven.insert(migration.id.clone());
            } else {
                context.ui.data(format_args!("{}: not proven yet", migration.id));
                unproven += 1;
            }
        }
        let (tools, halt) = (tools(self.mover.as_deref())?, listen(context));
        let progress = Progress::start(context.ui, proven.len());
        let execution = execution(&operation, plan, tools, halt.clone(), progress.watch(), false);
        let _listening = steering::listen(operation.steered(&execution.control, &progress));
        let told = reread_all(&execution, &proven, &operation.lease).await;
        progress.finish();
        told.iter().for_each(|(id, read)| say(context, id, read));
        let sound = told.iter().filter(|(_, read)| read.as_ref().is_ok_and(Reread::is_sound));
        let (sound, unread) =
            (sound.count(), told.iter().filter(|(_, read)| read.is_err()).count());
        context.ui.data(format_args!(
            "{sound} sound, {} in doubt, {unread} not read again, {unproven} not yet",
            told.len() - sound - unread
        ));
        operation.end(halted(&halt, exit_of(&halt, &told, sound, proven.len())))
    }
}

fn exit_of(halt: &Halt, told: &Told, sound: usize, all: usize) -> Exit {
    let has_failed = |kind: FailureKind| {
        told.iter().any(|(_, read)| read.as_ref().is_err_and(|failure| failure.kind == kind))
    };
    if told.len() < all || has_failed(FailureKind::Lease) {
        Exit::LeaseHeld
    } else if has_failed(FailureKind::Credentials) {
        Exit::Credentials
    } else if halt.is_draining() {
        Exit::Stopped
    } else if sound == all {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
}

/// Says what became of one home, with names, or why it was not read.
fn say(context: &Context, id: &MigrationId, read: &Result<Reread, execute::Failure>) {
    let read = match read {
        Ok(read) => read,
        Err(failure) => {
            context.ui.data(format_args!("{id}: not read again: {failure}"));
            if let Some(hint) = &failure.hint {
                context.ui.status(format_args!("  {hint}"));
            }
            return;
        }
    };
    let word = if read.is_sound() { "sound" } else { "DOUBT" };
    context.ui.data(format_args!(
        "{id}: {word}, {} of {} entries are as they were copied, {} was read; {} changed since, {} are there no more, {} damaged, {} unreadable",
        read.same,
        read.entries,
        super::bytes(read.bytes),
        read.changed,
        read.missing,
        read.damaged,
        read.unreadable
    ));
    for (path, what) in &read.named {
        context.ui.data(format_args!("  {path}: {what}"));
    }
    let named = read.named.len() as u64;
    let more = (read.entries - read.same).saturating_sub(named);
    if more > 0 {
        context.ui.data(format_args!("  and {more} more"));
    }
    if read.damaged > 0 {
        let name = id.as_str().rsplit('/').next().unwrap_or_default();
        context.ui.status(format_args!(
            "  delete what is damaged in the space; `studio-migrate rollback --user {name} --to hydrate` and `run --user {name}` bring it again"
        ));
    }
}
