//! `team people`: a profile of their own for everyone in the table. Taking them away again is next door.
//!
//! A profile is found by the name that the table gives it, and known for ours by its tag; so a command that was killed is
//! finished by the next one, and what somebody else made is never taken for ours.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::undo::{self, Owners};
use crate::aws::{self, ErrorKind, NewProfile, Reader, wait};
use crate::cli::context::Operation;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{TeamRow, TeamTable};
use crate::names::{ProfileName, TAG_TEAM};

/// Calls a second to each operation: what AWS answers without throttling.
const CALLS_PER_SECOND: f64 = 5.0;

/// Between two looks at a profile that is being made, and how long that may take.
pub(super) const LOOKS: (Duration, Duration) =
    (Duration::from_millis(500), Duration::from_secs(600));

/// Arguments of `team people`.
#[derive(Args, Clone, Debug)]
pub struct People {
    /// The table
    #[arg(value_name = "FILE")]
    table: PathBuf,
    /// Make the profiles; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Delete the profiles that were made by this table and that nobody has used
    #[arg(long, conflicts_with = "apply")]
    undo: bool,
}

/// What is there under the name that the table gives somebody.
pub(super) enum Found {
    Nothing,
    /// Made by this command, for this team, with this execution role of its own.
    Ours(Option<String>),
    /// The person's, and not made by this command.
    Theirs,
    /// Made by this command, for another team: of which.
    OfAnotherTeam(String),
    /// Somebody else's, and why it is taken for that.
    Another(String),
}

impl People {
    /// Says what would be made, makes it, or takes it away.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let table = super::table(context, &self.table)?;
        let snapshot = super::super::latest_snapshot(&context.existing_journal()?)?;
        super::refuse(&table.problems(&snapshot))?;
        if !self.undo {
            super::warn(context, &table, &snapshot);
        }
        if !self.apply && !self.undo {
            let reader = context.reader(CALLS_PER_SECOND).await?;
            context.journal_of(&reader)?;
            return foretell(context, &reader, &table).await;
        }
        let operation = context.begin(CALLS_PER_SECOND).await?;
        let mut exit = Exit::Done;
        let mut owners = Owners::default();
        for (row, teams) in table.people() {
            let done = if self.undo {
                undo::take_away(context, &operation, row, &teams, &mut owners).await
            } else {
                make(context, &operation, row, &teams).await.map(|()| true)
            };
            // The others are made all the same.
            match done {
                Ok(true) => {}
                Ok(false) => exit = worse(exit, Exit::SomeFailed),
                Err(failure) => {
                    exit = worse(exit, failure.exit);
                    context.ui.error(format_args!("line {}: {failure}", row.line));
                }
            }
        }
        if self.apply && exit == Exit::Done {
            context.ui.status(
                "Take an inventory with --teams and the table, then draw up a plan: it has the files in it",
            );
        }
        operation.end(exit)
    }
}

/// How it ends after one more of them failed: what keeps everybody from going on stands above what concerns one.
fn worse(exit: Exit, failed: Exit) -> Exit {
    match (exit, failed) {
        (Exit::Done | Exit::SomeFailed, Exit::Credentials | Exit::LeaseHeld) => failed,
        (Exit::Done, _) => Exit::SomeFailed,
        (exit, _) => exit,
    }
}

async fn foretell(context: &Context, reader: &Reader, table: &TeamTable) -> Result<Exit, Failure> {
    let mut refused = 0;
    for (row, teams) in table.people() {
        let who = who(row);
        match look(reader, row, &teams).await? {
            Found::Nothing if row.had_it => {
                refused += 1;
                context.ui.error(format_args!("line {}: {}", row.line, gone(row)));
            }
            Found::Nothing => context.ui.data(format_args!("{who}: a profile would be made")),
            Found::Ours(_) => context.ui.data(format_args!("{who}: was made before")),
            Found::Theirs => context.ui.data(format_args!("{who}: has a profile already")),
            Found::Another(why) => {
                refused += 1;
                context.ui.error(format_args!("line {}: {}", row.line, taken(row, &why)));
            }
            Found::OfAnotherTeam(team) => {
                refused += 1;
                let why = taken(row, &made_for(&team));
                context.ui.error(format_args!("line {}: {why}", row.line));
            }
        }
    }
    context.ui.status("Nothing was changed: --apply does it");
    Ok(if refused == 0 { Exit::Done } else { Exit::SomeFailed })
}

async fn make(
    context: &Context,
    operation: &Operation,
    row: &TeamRow,
    teams: &[&ProfileName],
) -> Result<(), Failure> {
    let account = &operation.account;
    let mut found = look(account, row, teams).await?;
    if matches!(found, Found::Nothing) && !row.had_it {
        found = match account.create_profile(&new(row, teams)).await {
            Ok(_) => look(account, row, teams).await?,
            // The reply to an earlier attempt may have been lost although the profile was made.
            Err(error) if error.kind == ErrorKind::InUse => {
                match look(account, row, teams).await? {
                    Found::Nothing => return Err(failed("make a profile", error)),
                    found => found,
                }
            }
            Err(error) => return Err(failed("make a profile", error)),
        };
    }
    match found {
        Found::Nothing => Err(Failure::usage(gone(row))),
        Found::Another(why) => Err(Failure::usage(taken(row, &why))),
        Found::OfAnotherTeam(team) => Err(Failure::usage(taken(row, &made_for(&team)))),
        Found::Theirs => {
            context.ui.data(format_args!("{}: has a profile already, which is kept", who(row)));
            Ok(())
        }
        Found::Ours(role) => {
            settled(account, row).await?;
            if row.execution_role.is_some() && role != row.execution_role {
                context.ui.warning(format_args!(
                    "line {}: {} has another execution role than the table says, and keeps it",
                    row.line,
                    who(row)
                ));
            }
            context.ui.data(format_args!("{}: the profile is there", who(row)));
            Ok(())
        }
    }
}

fn new(row: &TeamRow, teams: &[&ProfileName]) -> NewProfile {
    let mut tags = row.tags.clone();
    let first = teams.first().copied().unwrap_or(&row.team);
    tags.insert(TAG_TEAM.to_owned(), format!("{}/{first}", row.domain));
    NewProfile {
        domain: row.domain.clone(),
        name: row.profile.clone(),
        sso_user: row.sso_user.clone(),
        execution_role: row.execution_role.clone(),
        tags,
    }
}

/// Looks what is there under somebody's name.
pub(super) async fn look(
    reader: &Reader,
    row: &TeamRow,
    teams: &[&ProfileName],
) -> Result<Found, Failure> {
    let profile = match reader.profile(&row.domain, &row.profile).await {
        Ok(profile) => profile,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed("look at a profile", error)),
    };
    // A command that was killed may have asked for it.
    if profile.status == "Deleting" {
        until_gone(reader, row).await?;
        return Ok(Found::Nothing);
    }
    let tags = reader.tags(&profile.arn).await.map_err(|error| failed("look at tags", error))?;
    let is_of = |tag: &String| {
        let mut ours = teams.iter().map(|team| format!("{}/{team}", row.domain));
        ours.any(|team| team.eq_ignore_ascii_case(tag))
    };
    let tag = tags.get(TAG_TEAM);
    let is_ours = tag.is_some_and(is_of);
    Ok(match (&profile.sso_user, &row.sso_user) {
        (Some(user), Some(wanted)) if user != wanted => {
            Found::Another(format!("it is {user}'s, and the table says {wanted}"))
        }
        _ if is_ours => Found::Ours(profile.settings.execution_role),
        (Some(_), Some(_)) => Found::Theirs,
        _ if row.had_it => Found::Theirs,
        _ if tag.is_some() => Found::OfAnotherTeam(tag.cloned().unwrap_or_default()),
        _ => Found::Another(
            "it was not made by this table; if it is theirs, say so in column `existing`"
                .to_owned(),
        ),
    })
}

/// Waits until a profile that was made is in service.
pub(super) async fn settled(reader: &Reader, row: &TeamRow) -> Result<(), Failure> {
    let look = async || {
        let now = reader.profile(&row.domain, &row.profile).await?;
        Ok((!["Pending", "Updating"].contains(&now.status.as_str())).then_some(now))
    };
    let profile = match wait::until(LOOKS.0, LOOKS.1, look).await {
        Ok(profile) => profile,
        Err(wait::Waited::Error(error)) => return Err(failed("wait for a profile", error)),
        Err(wait::Waited::TimedOut) => {
            let message = format!("{} does not come into service", who(row));
            return Err(Failure::new(Exit::Unexpected, message));
        }
    };
    if profile.status == "InService" {
        return Ok(());
    }
    let why = profile.failure.unwrap_or_else(|| "AWS gives no reason".to_owned());
    Err(Failure::new(Exit::SomeFailed, format!("{} is {}: {why}", who(row), profile.status)))
}

/// Waits until a profile that is being deleted is gone.
pub(super) async fn until_gone(reader: &Reader, row: &TeamRow) -> Result<(), Failure> {
    let gone = async || match reader.profile(&row.domain, &row.profile).await {
        Ok(_) => Ok(None),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(())),
        Err(error) => Err(error),
    };
    match wait::until(LOOKS.0, LOOKS.1, gone).await {
        Ok(()) => Ok(()),
        Err(wait::Waited::Error(error)) => Err(failed("look whether a profile is gone", error)),
        Err(wait::Waited::TimedOut) => {
            Err(Failure::new(Exit::Unexpected, format!("{} does not go", who(row))))
        }
    }
}

pub(super) fn who(row: &TeamRow) -> String {
    format!("{}/{}", row.domain, row.profile)
}

fn gone(row: &TeamRow) -> String {
    format!("{} is said to be there, and is not", who(row))
}

fn taken(row: &TeamRow, why: &str) -> String {
    format!("a profile called {} is there: {why}", who(row))
}

pub(super) fn made_for(team: &str) -> String {
    format!("it was made for somebody of {team}, and this table has them in another team")
}

pub(super) fn failed(what: &str, error: aws::Error) -> Failure {
    Failure::aws(what, error)
}
