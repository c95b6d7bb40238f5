//! `audit`: the hash-chained trail.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::report::folder::{self, Check};
use crate::cli::{Context, Exit, Failure};
use crate::journal::exported_line;
use crate::names::counted;

/// Arguments of `audit`.
#[derive(Args, Clone, Debug)]
pub struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Recompute the chain of hashes: it shows that no event was changed or removed
    Verify,
    /// Write every event to stdout, a JSON line each
    Export,
    /// Check a folder that `report --evidence` wrote: every file is there and is as it was
    Evidence {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Audit {
    /// Does what was asked.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if let Action::Evidence { folder } = &self.action {
            return check(context, folder);
        }
        let journal = context.existing_journal()?;
        let failed = |error| Failure::journal("read the trail", error);
        match self.action {
            Action::Evidence { .. } => {}
            Action::Verify => {
                let verdict = journal.audit().map_err(failed)?;
                if let Some(at) = verdict.broken_at {
                    return Err(Failure::new(
                        Exit::Unexpected,
                        format!("the trail is broken at event {at}: it was changed or events before it were removed"),
                    )
                    .hinted("compare with the head that a report or an earlier export recorded"));
                }
                context.ui.data(format_args!(
                    "{}, unbroken; head {}",
                    counted(verdict.events as u64, "event", "events"),
                    verdict.head
                ));
            }
            Action::Export => {
                for event in journal.events().map_err(failed)? {
                    context.ui.data(exported_line(&event));
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// Checks a folder of evidence by its own index; no journal is needed for that.
fn check(context: &Context, root: &Path) -> Result<Exit, Failure> {
    let Check { good, wrong, index } = folder::check(root).map_err(|error| {
        Failure::of(Exit::Usage, format!("read the evidence in {}", root.display()), error).hinted(
            "name a folder that `report --evidence` wrote; one without index.json was not finished",
        )
    })?;
    for one in &wrong {
        context.ui.data(one);
    }
    let files = super::count(good, "file");
    context.ui.data(format_args!(
        "{files} as written, {} not; SHA-256 of index.json: {index}",
        wrong.len()
    ));
    if wrong.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::SomeFailed, "the evidence is not what was written").hinted(
        "an index can be forged as well: compare its hash with one that was kept elsewhere",
    ))
}
