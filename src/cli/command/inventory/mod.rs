//! `inventory`: phase 1, a snapshot into the journal, and what can be asked of snapshots. It changes nothing in the account.

mod held;
mod look;
mod take;
mod told;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

pub use take::Take;

use super::write_table;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Note, Snapshot, Table, people_csv};
use crate::names::SnapshotId;

/// Arguments of `inventory`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Inventory {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    take: Take,
}

/// What is done with snapshots that were taken.
#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// List the snapshots of the journal
    List,
    /// Say what changed between two snapshots
    Diff {
        /// The earlier snapshot
        earlier: SnapshotId,
        /// The later snapshot; the last one when it is not given
        later: Option<SnapshotId>,
        /// How the changes are written
        #[arg(long, value_enum, default_value_t)]
        format: crate::cli::context::Format,
    },
    /// Show what holds for one person, and where every setting comes from
    Show {
        /// The profile, `<domain>/<profile>` or its name alone where that is no question
        profile: String,
    },
    /// Write the table of people of the last snapshot, to be filled in
    Csv {
        /// The file
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
    /// Read the table of people anew, into a snapshot like the last one
    Scope {
        /// The file
        #[arg(value_name = "FILE")]
        table: PathBuf,
    },
}

impl Inventory {
    /// Takes a snapshot, or does what a subcommand says.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.command {
            None => self.take.run(context).await,
            Some(Command::List) => look::list(context),
            Some(Command::Diff { earlier, later, format }) => {
                look::diff(context, earlier, later.as_ref(), *format)
            }
            Some(Command::Show { profile }) => look::show(context, profile),
            Some(Command::Csv { out }) => {
                let snapshot = super::latest_snapshot(&context.existing_journal()?)?;
                write_table(out, &people_csv([&snapshot]))?;
                Ok(Exit::Done)
            }
            Some(Command::Scope { table }) => rescope(context, table),
        }
    }
}

/// Keeps snapshots like the last one of every account and Region, with what a table of people says.
fn rescope(context: &Context, path: &Path) -> Result<Exit, Failure> {
    let table = super::table_of_people(path)?;
    let journal = context.existing_journal()?;
    let failed = |error| Failure::journal("keep the snapshot", error);
    let mut last = std::collections::BTreeMap::new();
    for (place, kept) in journal.snapshots().map_err(failed)?.into_iter().enumerate() {
        last.insert((kept.account, kept.region), (place, kept.id));
    }
    if last.is_empty() {
        return super::latest_snapshot(&journal).map(|_| Exit::Done);
    }
    // The one that was last stays last.
    let mut ids: Vec<_> = last.into_values().collect();
    ids.sort();
    let mut snapshots = Vec::new();
    for (_, id) in ids {
        let mut snapshot = journal.snapshot(&id).map_err(failed)?;
        table.apply(&mut snapshot);
        let id = journal.keep_snapshot(&snapshot).map_err(failed)?;
        let noted = || {
            let notes = snapshot.people().map(|(_, profile)| &profile.note);
            notes.filter(|note| **note != Note::default())
        };
        let of = |take| noted().filter(|note| note.take == Some(take)).count();
        context.ui.data(format_args!(
            "Snapshot {id}: {}, {} of them to take and {} to leave",
            super::count(noted().count(), "noted profile"),
            of(true),
            of(false)
        ));
        for (domain, profile) in snapshot.people() {
            if profile.note.take == Some(false) && profile.note.reason.is_none() {
                context.ui.warning(format_args!(
                    "{}/{} is left out without a reason, which reports will say",
                    domain.id, profile.name
                ));
            }
        }
        snapshots.push(snapshot);
    }
    name_strangers(context, &table, &snapshots);
    Ok(Exit::Done)
}

/// Names the rows of a table that are about nobody.
fn name_strangers(context: &Context, table: &Table, snapshots: &[Snapshot]) {
    for row in table.strangers(snapshots) {
        context.ui.warning(format_args!("the table of people is about nobody in {row}"));
    }
}
