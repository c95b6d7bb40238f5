//! `pause`, `resume`, `drain`, `set` and `abort`: steering a run from another shell, through the socket beside its journal.

use std::str::FromStr;

use clap::Args;

use super::run::selection;
use super::todo::standing;
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute::{Limit, MigrationStanding, Steering};
use crate::names::ProfileName;

/// Arguments of `set`.
#[derive(Args, Clone, Debug)]
pub struct Set {
    /// What to change, and to what: concurrency=4 (people at once), apps=4 (running for copies at once), gib-in-flight=500
    #[arg(required = true, value_name = "LIMIT=NUMBER")]
    limits: Vec<Change>,
}

/// Arguments of `abort`.
#[derive(Args, Clone, Debug)]
pub struct Abort {
    /// Whom to stop at the next safe point; nobody else is touched
    #[arg(required = true, value_name = "PROFILE")]
    users: Vec<ProfileName>,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    limit: Limit,
    to: u64,
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once('=').ok_or("write LIMIT=NUMBER")?;
        let limit = match name {
            "concurrency" => Limit::Concurrency,
            "apps" => Limit::Apps,
            "gib-in-flight" => Limit::GibInFlight,
            _ => return Err("the limits are concurrency, apps and gib-in-flight".to_owned()),
        };
        match number.parse() {
            Ok(to @ 1..) => Ok(Self { limit, to }),
            _ => Err(format!("{number} is no whole number from 1 on")),
        }
    }
}

impl Set {
    /// Changes limits, one after the other.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        for Change { limit, to } in &self.limits {
            steer(context, &Steering::Set { limit: *limit, to: *to }).await?;
        }
        Ok(Exit::Done)
    }
}

impl Abort {
    /// Takes people out of the run.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let plan = approved_plan(&context.existing_journal()?)?;
        let named = selection(&plan, &[], &self.users)?;
        let journal = context.existing_journal()?;
        for (batch, migration) in plan.migrations() {
            if !named.takes(batch, migration) {
                continue;
            }
            if standing(&journal, &migration.id)?.word() == MigrationStanding::Moved {
                context.ui.data(format_args!("{} has moved already", migration.id));
            } else {
                steer(context, &Steering::Abort { migration: migration.id.clone() }).await?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Asks the run of this journal for something, and repeats what it says.
pub async fn steer(context: &Context, asked: &Steering) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let reply = steering::ask(journal.path(), asked)
        .await
        .map_err(|error| Failure::of(Exit::Unexpected, "ask the run", error))?;
    match reply {
        Some(reply) if reply.is_done => {
            context.ui.data(reply.said);
            Ok(Exit::Done)
        }
        Some(reply) => Err(Failure::usage(reply.said)),
        None => Err(nobody(&journal)),
    }
}

fn nobody(journal: &crate::journal::Journal) -> Failure {
    match journal.lease_holder() {
        Ok(Some(holder)) => {
            Failure::usage(format!("{holder} is at work, and does not listen here"))
                .hinted("give this command on that host, as that user")
        }
        _ => Failure::usage("no run is at work with this journal")
            .hinted("`studio-migrate run` begins one; `status` says where everyone stands"),
    }
}
