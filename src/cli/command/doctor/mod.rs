//! `doctor`: is everything in place to run at all?

mod bucket;

use clap::Args;

use crate::aws::{Question, Reader};
use crate::cli::environment;
use crate::cli::{Context, Exit, Failure};
use crate::journal::Journal;
use crate::names::counted;
use crate::notify;
use crate::playbook::Playbook;

/// What an operator must be allowed to do; IAM's simulator is asked about each.
const OPERATOR_ACTIONS: [&str; 9] = [
    "sagemaker:CreateSpace",
    "sagemaker:DeleteSpace",
    "sagemaker:UpdateSpace",
    "sagemaker:CreateApp",
    "sagemaker:DeleteApp",
    "sagemaker:AddTags",
    "sagemaker:CreateStudioLifecycleConfig",
    "sagemaker:UpdateUserProfile",
    "s3:PutObject",
];

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// The playbook: a file, or the name of a shipped one
    #[arg(long, default_value = "standard", value_name = "PLAYBOOK")]
    playbook: String,
}

/// Counts what is wrong while it is told.
struct Checks<'a> {
    context: &'a Context,
    wrong: usize,
}

impl Checks<'_> {
    fn good(&self, what: impl std::fmt::Display) {
        self.context.ui.data(format_args!("ok     {what}"));
    }

    fn unknown(&self, what: impl std::fmt::Display) {
        self.context.ui.data(format_args!("?      {what}"));
    }

    /// Writes what can be pasted somewhere, below the line that says where.
    fn paste(&self, text: &str) {
        for line in text.lines() {
            self.context.ui.data(format_args!("       {line}"));
        }
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.wrong += 1;
        self.context.ui.data(format_args!("WRONG  {what}"));
    }
}

impl Doctor {
    /// Checks everything, and ends with [`Exit::Blocked`] when something is wrong.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        let mut checks = Checks { context, wrong: 0 };
        let reader = context.reader(0.0).await?;
        let identity = reader.identity();
        checks.good(format_args!("caller {} in {}", identity.arn, identity.region));
        checks.good(format_args!("the playbook {} can be used", playbook.name));
        // AWS refuses signatures that are more than five minutes off.
        checks.good("the clock agrees with AWS's: the signature was accepted");
        journal(&mut checks, context)?;
        notifications(&mut checks, &playbook);
        permissions(&mut checks, &reader).await;
        bucket::check(&mut checks, &reader, &playbook).await?;
        quotas(&mut checks, &reader, &playbook).await;
        Ok(if checks.wrong == 0 { Exit::Done } else { Exit::Blocked })
    }
}

fn journal(checks: &mut Checks<'_>, context: &Context) -> Result<(), Failure> {
    if !context.global.state.exists() {
        checks.unknown(format_args!("no journal at {} yet", context.global.state.display()));
        return Ok(());
    }
    let journal: Journal = context.journal()?;
    let failed = |error| Failure::journal("check the journal", error);
    let complaints = journal.complaints().map_err(failed)?;
    let verdict = journal.audit().map_err(failed)?;
    match (complaints.first(), verdict.broken_at) {
        (None, None) => checks.good(format_args!(
            "journal {} is whole: {}, unbroken",
            journal.path().display(),
            counted(verdict.events as u64, "event", "events")
        )),
        (Some(complaint), _) => checks.wrong(format_args!("the journal is damaged: {complaint}")),
        (None, Some(at)) => checks.wrong(format_args!("the audit trail is broken at event {at}")),
    }
    match journal.lease_holder().map_err(failed)? {
        None => checks.good("nobody else is at work on this journal"),
        Some(holder) => checks.unknown(format_args!("{holder} is at work on this journal")),
    }
    Ok(())
}

/// Whether whoever is to be told can be, as far as that shows without telling them: `notify test` tells them.
fn notifications(checks: &mut Checks<'_>, playbook: &Playbook) {
    for target in notify::targets(playbook, environment::named) {
        match target.unusable() {
            Some(why) => {
                checks.wrong(format_args!("{} is not told of anything: {why}", target.name))
            }
            None => checks.unknown(format_args!(
                "{} is told of runs; `studio-migrate notify test` tries it",
                target.name
            )),
        }
    }
}

async fn permissions(checks: &mut Checks<'_>, reader: &Reader) {
    let arn = &reader.identity().arn;
    match reader.simulate(&policy_source(arn), &Question::about(&OPERATOR_ACTIONS)).await {
        Ok(decisions) => {
            let refused: Vec<_> = decisions
                .iter()
                .filter(|decision| decision.decision != "allowed")
                .map(|decision| decision.action.as_str())
                .collect();
            if refused.is_empty() {
                checks.good("the caller may do what a run needs");
            } else {
                checks.wrong(format_args!(
                    "the caller may not: {} (`studio-migrate iam operator`)",
                    refused.join(", ")
                ));
            }
        }
        Err(error) => checks.unknown(format_args!("permissions could not be checked: {error}")),
    }
}

/// IAM simulates roles and users, not sessions: a session's ARN is turned into its role's.
fn policy_source(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        [_, partition, "sts", _, account, rest] => match rest.split('/').collect::<Vec<_>>()[..] {
            ["assumed-role", role, _] => format!("arn:{partition}:iam::{account}:role/{role}"),
            _ => arn.to_owned(),
        },
        _ => arn.to_owned(),
    }
}

async fn quotas(checks: &mut Checks<'_>, reader: &Reader, playbook: &Playbook) {
    let quotas = match reader.studio_quotas().await {
        Ok(quotas) => quotas,
        Err(error) => {
            checks.unknown(format_args!("quotas could not be read: {error}"));
            return;
        }
    };
    let instance = &playbook.target.instance_type;
    let app = playbook.target.app_type;
    let name = format!("Studio {app} Apps running on {instance} instance");
    let needed = playbook.limits.users;
    let found = quotas.iter().find(|(quota, _)| quota.starts_with(&name));
    match found.map(|(_, value)| *value) {
        None => checks.unknown(format_args!("Service Quotas does not list \"{name}\"")),
        Some(value) if value < 1.0 => {
            checks.wrong(format_args!("\"{name}\" is {value}: no space could be started"));
        }
        Some(value) => {
            let enough = if value < needed as f64 { ", fewer than limits.users" } else { "" };
            checks.good(format_args!("\"{name}\" is {value}{enough}"));
        }
    }
}
