//! `team`: a profile that several people used becomes profiles of theirs, by a table that says who they are.
//!
//! Their files move with `run`, as every plan's do; this is what has to be there before a plan can say whose they are.

mod check;
mod people;
mod undo;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Snapshot, TEAM_COLUMNS, TeamTable};
use crate::names::{counted, to_the_second};
use crate::readiness::{Draft, team_draft};

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
                draft(context, &snapshot, out)?;
                Ok(Exit::Done)
            }
            Self::Check { table, mount } => check::check(context, table, mount.as_deref()),
            Self::People(people) => people.run(context).await,
        }
    }
}

/// Writes the table, and says what is in it.
fn draft(context: &Context, snapshot: &Snapshot, out: &Path) -> Result<(), Failure> {
    let Draft { table: text, alone } = team_draft(snapshot);
    super::write_table(out, &text)?;
    for profile in &alone {
        context.ui.status(format_args!(
            "{profile} is left out: one person opened it, and the git author of its home may be the same; add it by hand if not"
        ));
    }
    let table = TeamTable::parse(&text)
        .map_err(|error| Failure::of(Exit::Unexpected, "read what was drafted", error))?;
    let teams: BTreeSet<_> = table.rows.iter().map(|row| (&row.domain, &row.team)).collect();
    if teams.is_empty() {
        context.ui.status(format_args!(
            "{}: no profile seems to be used by several people, so there is no row in it. Somebody who knows better can add them",
            out.display()
        ));
        return Ok(());
    }
    context.ui.status(format_args!(
        "{}: {} seen in {}. It is a hint: let somebody correct it who knows the people, then `studio-migrate team check {}`",
        out.display(),
        counted(table.rows.len() as u64, "person", "people"),
        counted(teams.len() as u64, "profile", "profiles"),
        out.display()
    ));
    Ok(())
}

/// Reads a table of teams, and names the columns in it that are not read.
pub(super) fn table(context: &Context, path: &Path) -> Result<TeamTable, Failure> {
    let what = format!("read the table of teams {}", path.display());
    let text = super::spreadsheet(path, &what)?;
    let table = TeamTable::parse(&text).map_err(|error| Failure::of(Exit::Usage, what, error))?;
    if !table.unread.is_empty() {
        context.ui.warning(format_args!(
            "{}: not read, since a table of teams has no such column: {}; it has {}",
            path.display(),
            table.unread.join(", "),
            TEAM_COLUMNS.join(", ")
        ));
    }
    Ok(table)
}

/// Warns of domains in which no team's files could move: a plan leaves such a team out as a whole.
pub(super) fn warn(context: &Context, table: &TeamTable, snapshot: &Snapshot) {
    for domain in &snapshot.domains {
        if domain.setup.space_role.is_none() && table.rows.iter().any(|row| row.domain == domain.id)
        {
            context.ui.warning(format_args!(
                "SM708: {} has no execution role for shared spaces (DefaultSpaceSettings.ExecutionRole), as the inventory of {} saw it, so a plan by that will leave its teams out; `studio-migrate explain SM708` says how to give it one, and `studio-migrate inventory` sees one that it was given since",
                domain.id,
                to_the_second(&snapshot.taken_at)
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
