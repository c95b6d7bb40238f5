//! `retry`: run again what failed, and nothing else.

use clap::Args;

use super::run::{self, Run};
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure};
use crate::execute::MigrationStanding;

/// Arguments of `retry`.
#[derive(Args, Clone, Debug)]
pub struct Retry {
    /// Run again whatever failed
    #[arg(long, required = true)]
    failed: bool,
    /// Do not ask before a one-way door
    #[arg(long)]
    yes: bool,
}

impl Retry {
    /// Selects everyone whose migration failed and runs them.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let mut users = Vec::new();
        for (_, migration) in plan.migrations() {
            if run::standing(&journal, &migration.id)?.word() == MigrationStanding::Failed {
                users.push(migration.name());
            }
        }
        drop(journal);
        if users.is_empty() {
            context.ui.data("Nothing failed.");
            return Ok(Exit::Done);
        }
        let again = Run { users, yes: self.yes, ..Run::default() };
        again.run(context).await
    }
}
