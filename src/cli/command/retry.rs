//! `retry`: run again what failed, and nothing else.

use std::path::PathBuf;

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
    /// A folder in which the EFS file systems of the domains are mounted, each under its id (`fs-…`), for homes that travel packed
    #[arg(long, value_name = "EFS_ROOT")]
    mount: Option<PathBuf>,
    /// Do not ask before a one-way door
    #[arg(long)]
    yes: bool,
}

impl Retry {
    /// Selects everyone whose migration failed and runs them.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let mut migrations = Vec::new();
        for (_, migration) in plan.migrations() {
            if run::standing(&journal, &migration.id)?.word() == MigrationStanding::Failed {
                migrations.push(migration.id.clone());
            }
        }
        drop(journal);
        if migrations.is_empty() {
            context.ui.data("Nothing failed.");
            return Ok(Exit::Done);
        }
        let again = Run { migrations, yes: self.yes, mount: self.mount.clone(), ..Run::default() };
        again.run(context).await
    }
}
