//! `team`: a profile that several people used becomes profiles of theirs, by a table that says who they are.
//!
//! Their files move with `run`, as every plan's do; this is what has to be there before a plan can say whose they are.

mod check;
mod people;
mod undo;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Snapshot, TeamTable};
use crate::readiness::team_draft;

/// What is done about profiles that teams share.
#[derive(Subcommand, Clone, Debug)]
pub enum Team {
    /// Write a table of the profiles that several people seem to use, from the last snapshot, to be filled in
    Draft {
        /// The file
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
    /// Say what is wrong with a table, and who would get how much of which home
    Check {
        /// The table
        #[arg(value_name = "FILE")]
        table: PathBuf,
        /// Look at the homes themselves: the folder in which each file system is mounted under its id
        #[arg(long, value_name = "DIR")]
        mount: Option<PathBuf>,
    },
    /// Make a profile for everyone in a table who has none
    People(people::People),
}

impl Team {
    /// Does what is asked for.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Self::Draft { out } => {
                let snapshot = super::latest_snapshot(&context.existing_journal()?)?;
                super::write_file(out, &team_draft(&snapshot))?;
                Ok(Exit::Done)
            }
            Self::Check { table, mount } => check::check(context, table, mount.as_deref()),
            Self::People(people) => people.run(context).await,
        }
    }
}

/// Reads a table of teams.
pub(super) fn table(path: &Path) -> Result<TeamTable, Failure> {
    let what = format!("read the table of teams {}", path.display());
    let text = super::spreadsheet(path, &what)?;
    TeamTable::parse(&text).map_err(|error| Failure::of(Exit::Usage, what, error))
}

/// Warns of domains in which no team's files could move: a plan leaves such a team out as a whole.
pub(super) fn warn(context: &Context, table: &TeamTable, snapshot: &Snapshot) {
    for domain in &snapshot.domains {
        if domain.setup.space_role.is_none() && table.rows.iter().any(|row| row.domain == domain.id)
        {
            context.ui.warning(format_args!(
                "SM708: {} has no execution role for shared spaces (DefaultSpaceSettings.ExecutionRole), so a plan will leave its teams out; `studio-migrate explain SM708` says how to give it one",
                domain.id
            ));
        }
    }
}

/// Refuses a table with problems, with all of them.
pub(super) fn refuse(problems: &[String]) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    Err(Failure::usage(format!("the table of teams cannot be used:{}", list.concat())))
}
