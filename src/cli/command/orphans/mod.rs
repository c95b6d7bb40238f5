//! `orphans`: homes that nobody owns, and file systems whose domain is gone: where each is, or goes. Nothing is deleted.

mod archive;
mod assign;
mod readers;
mod rows;
mod told;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use self::told::csv;
pub(super) use self::told::{OrphanTold, Told, told};
use super::run::{execution, tools};
use crate::cli::context::{Format, Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Execution, FailureKind, Halt};
use crate::names::to_the_second;
use crate::plan::Plan;

/// Arguments of `orphans`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Orphans {
    #[command(subcommand)]
    action: Option<Action>,
    /// Write a table to fill in for `orphans assign`, as CSV that is safe to open in Excel
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// How it is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Pack them to where the playbook says (orphans.archive_to), and read every byte back
    Archive(archive::ArchiveArgs),
    /// Deliver them to those whom a table names, each into a folder of its own in their space
    Assign(assign::AssignArgs),
}

impl Orphans {
    /// Says where each orphan is, or does something about them.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            None => self.show(context),
            Some(Action::Archive(archive)) => Box::pin(archive.run(context)).await,
            Some(Action::Assign(assign)) => Box::pin(assign.run(context)).await,
        }
    }

    fn show(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let snapshot = super::latest_snapshot(&journal)?;
        let plan = journal
            .latest_approved_plan()
            .map_err(|error| Failure::journal("read the plan", error))?;
        let told = told(&journal, &snapshot, plan.as_ref())?;
        if let Some(file) = &self.csv {
            super::write_table(file, &csv(&told))?;
        }
        match self.format {
            Format::Json => context.ui.data(super::json(&told)?),
            Format::Table => show(context, &told),
        }
        Ok(Exit::Done)
    }
}

fn show(context: &Context, told: &Told) {
    let mut table = super::table(["Home", "Domain", "Files", "Bytes", "Newest", "Where it is"]);
    for orphan in &told.orphans {
        table.add_row([
            orphan.name.clone(),
            orphan.domain_said(),
            orphan.files.map_or_else(|| "?".to_owned(), |files| files.to_string()),
            orphan.bytes.map_or_else(|| "?".to_owned(), super::bytes),
            orphan.newest.as_deref().map_or_else(|| "—".to_owned(), to_the_second),
            orphan.is.clone(),
        ]);
    }
    if !told.orphans.is_empty() {
        context.ui.data(table);
    }
    for system in &told.file_systems {
        context.ui.data(format_args!(
            "{}: {} of {}, which is gone; {} seen on it",
            system.id,
            super::bytes(system.bytes),
            system.domain.as_deref().unwrap_or("no domain"),
            super::count(system.homes, "home")
        ));
    }
    if told.orphans.is_empty() {
        context.ui.data("the last inventory saw no home that nobody owns");
        context.ui.status(
            "Homes are seen by `inventory --mount EFS_ROOT`, where the file systems are mounted",
        );
    }
}

/// What is given to a command that works on mounted file systems.
fn begun(
    operation: &Operation,
    plan: Plan,
    mount: &Path,
    (mover, halt): (Option<&Path>, &Halt),
    watch: crate::execute::Watch,
) -> Result<Execution, Failure> {
    let mut execution = execution(operation, plan, tools(mover)?, halt.clone(), watch, false);
    execution.mount = Some(mount.to_owned());
    Ok(execution)
}

/// A folder in which file systems are mounted.
fn check_mount(mount: &Path) -> Result<(), Failure> {
    if mount.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is no folder", mount.display()))
        .hinted("--mount takes a folder in which each file system is mounted under its id, `fs-…`"))
}

/// Says why something was not done, and returns the exit code that asks for.
fn say_failure(context: &Context, name: &str, failure: &crate::execute::Failure) -> Exit {
    match failure.kind {
        FailureKind::Halted => context.ui.status(format_args!("{name}: {failure}; run it again")),
        _ => context.ui.warning(format_args!("{name}: not done: {failure}")),
    }
    if let Some(hint) = &failure.hint {
        context.ui.status(format_args!("  {hint}"));
    }
    match failure.kind {
        FailureKind::Step => Exit::SomeFailed,
        FailureKind::Halted => Exit::Stopped,
        FailureKind::Credentials => Exit::Credentials,
        FailureKind::Journal => Exit::Unexpected,
        FailureKind::Lease => Exit::LeaseHeld,
    }
}

/// The worse of two endings: what ends everything stands above what concerns one.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Done, other) | (Exit::SomeFailed, other) if other != Exit::Done => other,
        (one, _) => one,
    }
}

/// Returns the approved plan, and says what to do where there is none.
fn plan_of(context: &Context) -> Result<Plan, Failure> {
    approved_plan(&context.existing_journal()?)
}
