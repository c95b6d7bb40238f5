//! `audit`: the hash-chained trail.

use clap::{Args, Subcommand};

use crate::cli::{Context, Exit, Failure};
use crate::journal::exported_line;

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
}

impl Audit {
    /// Does what was asked.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let failed = |error| Failure::journal("read the trail", error);
        match self.action {
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
                    "{} events, unbroken; head {}",
                    verdict.events, verdict.head
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
