//! Where no file system is mounted: the flows of those who have moved, by the manifests that are kept beside the journal.

use std::fs::File;

use super::owners::Owner;
use super::remark;
use super::walk::ENDING;
use crate::cli::command::todo::standing;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Step, keeping};
use crate::journal::Journal;
use crate::mover::{Kind, escape, manifest};
use crate::plan::{Migration, Plan};

/// Says which flows are in whose space, and which were copied before.
pub(super) fn list(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    owners: &[Owner],
) -> Result<Exit, Failure> {
    let mut all = 0;
    for owner in owners {
        let events = journal
            .events_of(&owner.id)
            .map_err(|error| Failure::journal("read the journal", error))?;
        if let Some(remark) = remark(&events) {
            context.ui.data(format_args!("{}: {remark}", owner.id));
        }
        let Some((_, migration)) = plan.migration(&owner.id) else { continue };
        if standing(journal, &migration.id)?.receipt(Step::Verify).is_none() {
            continue;
        }
        let flows = match flows(journal, migration) {
            Ok(flows) => flows,
            Err(why) => {
                context
                    .ui
                    .warning(format_args!("{}: its manifest cannot be read: {why}", owner.id));
                continue;
            }
        };
        all += flows.len();
        let folder = plan.folder(migration);
        let slash = if folder.is_empty() { "" } else { "/" };
        for path in flows {
            context.ui.data(format_args!(
                "{}: {path}, in ~/{folder}{slash}{path} of space {}",
                owner.id, migration.space
            ));
        }
    }
    context.ui.data(format_args!(
        "{} in the spaces of those who have moved; to copy them for Canvas, run it where the file systems are mounted, with --mount",
        super::super::count(all, "flow")
    ));
    Ok(Exit::Done)
}

fn flows(journal: &Journal, migration: &Migration) -> Result<Vec<String>, String> {
    let file = keeping::place(journal.path(), migration);
    let file = File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let said = |error: crate::mover::Error| crate::execute::chain(&error);
    let mut flows = Vec::new();
    for entry in manifest::read(file).map_err(said)? {
        let entry = entry.map_err(said)?;
        if entry.is_selected() && entry.kind != Kind::Directory && entry.path.ends_with(ENDING) {
            flows.push(escape(&entry.path));
        }
    }
    Ok(flows)
}
