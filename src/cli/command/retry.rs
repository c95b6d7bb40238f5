//! `retry`: run again what failed, and nothing else.

use std::path::PathBuf;

use clap::Args;

use super::run::Run;
use super::todo;
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{MigrationStanding, Step};
use crate::names::MigrationId;

/// Arguments of `retry`.
#[derive(Args, Clone, Debug)]
pub struct Retry {
    /// Run again whatever failed
    #[arg(long, required = true)]
    failed: bool,
    /// A folder in which the EFS file systems of the domains are mounted, each under its id (`fs-…`), for homes that travel packed
    #[arg(long, value_name = "EFS_ROOT")]
    mount: Option<PathBuf>,
    /// The mover to send to spaces; this very program by default
    #[arg(long, value_name = "FILE")]
    mover: Option<PathBuf>,
    /// Do not ask before a one-way door
    #[arg(long)]
    yes: bool,
}

impl Retry {
    /// Selects everyone whose migration failed and runs them.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let (mut in_first_pass, mut others) = (Vec::new(), Vec::new());
        for (_, migration) in plan.migrations() {
            let standing = todo::standing(&journal, &migration.id)?;
            if standing.word() == MigrationStanding::Failed {
                let failed = if standing.is_put_off() { &mut in_first_pass } else { &mut others };
                failed.push(migration.id.clone());
            }
        }
        drop(journal);
        if in_first_pass.is_empty() && others.is_empty() {
            context.ui.data("Nothing failed.");
            return Ok(Exit::Done);
        }
        // Whoever failed in the first of two passes goes on working: only that pass is tried again.
        let first = self.again(context, in_first_pass, Some(Step::Hydrate)).await?;
        if !matches!(first, Exit::Done | Exit::SomeFailed) {
            return Ok(first);
        }
        let last = self.again(context, others, None).await?;
        Ok(if first == Exit::Done { last } else { first })
    }

    async fn again(
        &self,
        context: &Context,
        migrations: Vec<MigrationId>,
        until: Option<Step>,
    ) -> Result<Exit, Failure> {
        if migrations.is_empty() {
            return Ok(Exit::Done);
        }
        let (yes, mount, mover) = (self.yes, self.mount.clone(), self.mover.clone());
        Run { migrations, until, yes, mount, mover, ..Run::default() }.run(context).await
    }
}
