//! `pause`, `resume`, `drain`, `set` and `abort`: steering a run from another shell, through the socket beside its journal.

use std::io::{self, ErrorKind};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::run::selection;
use super::todo::standing;
use crate::cli::context::approved_plan;
use crate::cli::steering::{self, Reply};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Limit, MigrationStanding, Steering};
use crate::journal::Journal;
use crate::names::ProfileName;
use crate::plan::Plan;

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
            Ok(to) if (1..=limit.most()).contains(&to) => Ok(Self { limit, to }),
            _ => Err(format!("{number} is no whole number from 1 to {}", limit.most())),
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
    /// Takes people out of the run. A name that is wrong keeps nobody else from being stopped: that may be urgent.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let mut exit = Exit::Done;
        for user in &self.users {
            match stop(context, &journal, &plan, user).await {
                Ok(()) => {}
                Err(failure) if self.users.len() == 1 => return Err(failure),
                Err(failure) => {
                    context.ui.error(format_args!("{user} is not stopped: {failure}"));
                    exit = failure.exit;
                }
            }
        }
        Ok(exit)
    }
}

/// Takes out of the run whoever has a name in the plan.
async fn stop(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    user: &ProfileName,
) -> Result<(), Failure> {
    let named = selection(plan, &[], std::slice::from_ref(user))?;
    for (batch, migration) in plan.migrations() {
        if !named.takes(batch, migration) {
            continue;
        }
        if standing(journal, &migration.id)?.word() == MigrationStanding::Moved {
            context.ui.data(format_args!("{} has moved already", migration.id));
        } else {
            steer(context, &Steering::Abort { migration: migration.id.clone() }).await?;
        }
    }
    Ok(())
}

/// Asks the run of this journal for something, and repeats what it says.
pub async fn steer(context: &Context, asked: &Steering) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    match ask(&journal, asked).await {
        Ok(Some(reply)) if reply.is_done => {
            context.ui.data(reply.said);
            Ok(Exit::Done)
        }
        Ok(Some(reply)) => Err(Failure::usage(reply.said)),
        Ok(None) => Err(nobody(&journal)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(nobody(&journal)),
        Err(error) => Err(Failure::of(Exit::Unexpected, "ask the run", error)),
    }
}

/// Asks, and asks again for a moment where somebody is at work here and does not answer: a run that ends takes its socket away
/// a little before it gives the lease back, and one that begins has the lease a little before it listens.
async fn ask(journal: &Journal, asked: &Steering) -> io::Result<Option<Reply>> {
    const LOOKS: (u32, Duration) = (8, Duration::from_millis(250));
    for _ in 0..LOOKS.0 {
        let reply = steering::ask(journal.path(), asked).await?;
        let is_here = || journal.lease_holder().ok().flatten().is_some_and(|one| one.is_here());
        if reply.is_some() || !is_here() {
            return Ok(reply);
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    steering::ask(journal.path(), asked).await
}

/// Says why no run answers here: nobody is at work, or somebody is who cannot be asked from here. The lease knows which.
fn nobody(journal: &Journal) -> Failure {
    let Ok(Some(holder)) = journal.lease_holder() else {
        return Failure::usage("no run is at work with this journal")
            .hinted("`studio-migrate run` begins one; `status` says where everyone stands");
    };
    let me = rustix::process::geteuid().as_raw();
    if !holder.is_here() {
        return Failure::usage(format!("{holder} is at work on another host than this one"))
            .hinted("give this command there, as the same user of the operating system");
    }
    match holder.uid() {
        Some(uid) if uid != me && me != 0 => {
            Failure::usage(format!("{holder} is at work as uid {uid}, and this command is given by uid {me}"))
                .hinted("give this command as that user, or as root")
        }
        _ => Failure::usage(format!("{holder} is at work on this host, and does not listen at {}", steering::socket(journal.path()).display()))
            .hinted(format!("only `run` and `retry`, and what reads homes again, can be steered: wait for any other command; one whose socket was taken away is stopped by `kill {}`, and the next `run` goes on", holder.pid)),
    }
}
