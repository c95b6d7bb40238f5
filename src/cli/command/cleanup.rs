//! `cleanup`: taking away what the tool left in the account. Spaces are people's, and stay.

use std::collections::BTreeSet;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::todo::standing;
use crate::aws::ErrorKind;
use crate::cli::context::{Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::MigrationStanding;
use crate::execute::steps::confirm::confirmed_at;
use crate::journal::Journal;
use crate::mover::key;
use crate::names::{TAG_MIGRATION, counted};
use crate::plan::Plan;

/// Arguments of `cleanup`.
#[derive(Args, Clone, Debug)]
pub struct Cleanup {
    /// Also delete the manifests and reports: the proof is then in the journal and the folder `manifests` beside it alone. Those of people who were confirmed fewer
    /// days ago than the playbook's `staging.retention_days` stay
    #[arg(long)]
    reports: bool,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Cleanup {
    /// Deletes hooks that nobody needs any more, the mover in the bucket, and, when asked, the reports.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let mut underway = Vec::new();
        for (_, migration) in plan.migrations() {
            let word = standing(&journal, &migration.id)?.word();
            if matches!(word, MigrationStanding::Underway | MigrationStanding::Stuck) {
                underway.push(migration.id.to_string());
            }
        }
        drop(journal);
        if !underway.is_empty() {
            return Err(Failure::new(
                Exit::Blocked,
                format!(
                    "{} under way: {}",
                    counted(underway.len() as u64, "migration is", "migrations are"),
                    underway.join(", ")
                ),
            )
            .hinted("finish them with `run`, or take them back with `rollback`"));
        }
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let (mut left, attached) = self.hooks(context, &operation).await?;
        if attached > 0 {
            context.ui.warning(format_args!(
                "{} still attached, and need the mover: nothing else is deleted. `verify --deep` or `rollback` of whoever has one takes it away",
                super::count(attached, "hook")
            ));
            return operation.end(Exit::SomeFailed);
        }
        left += self.objects(context, &operation, &plan).await?;
        left += self.transfers(context, &operation, &plan).await?;
        left += self.transfer_reports(context, &operation, &plan).await?;
        left += self.open_homes(context, &operation, &plan).await?;
        let verb = if self.dry_run { "would be deleted" } else { "deleted" };
        let left = super::count(left, "thing");
        context.ui.data(format_args!("{left} {verb}; spaces stay, they are people's"));
        operation.end(Exit::Done)
    }

    /// Deletes lifecycle scripts that carry our tag. Returns how many, and how many are attached and stay.
    async fn hooks(
        &self,
        context: &Context,
        operation: &Operation,
    ) -> Result<(usize, usize), Failure> {
        let failed = |error| Failure::aws("clean up lifecycle scripts", error);
        let (mut count, mut attached) = (0, 0);
        for name in operation.account.script_names().await.map_err(failed)? {
            if !name.starts_with("studio-migrate-") {
                continue;
            }
            let script = operation.account.script(&name).await.map_err(failed)?;
            let tags = operation.account.tags(&script.arn).await.map_err(failed)?;
            if !tags.contains_key(TAG_MIGRATION) {
                continue;
            }
            count += 1;
            context.ui.data(format_args!("lifecycle script {name}"));
            if self.dry_run {
                continue;
            }
            match operation.account.delete_script(&name).await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::InUse => {
                    context.ui.warning(format_args!("{name} is still attached and stays: {error}"));
                    count -= 1;
                    attached += 1;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok((count, attached))
    }

    /// Deletes the mover, homes that were packed, and, when asked, the reports.
    async fn objects(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let failed = |error| Failure::aws("clean up the staging bucket", error);
        let bucket = plan.staging_bucket();
        let prefix = &plan.playbook.staging.prefix;
        let kept = kept(&operation.journal, plan)?;
        let packed = format!("/{}/", key::PACKED);
        let mut count = 0;
        let mut told = BTreeSet::new();
        for folder in ["tools", "reports"] {
            let under = format!("{prefix}/{folder}/");
            for (key, _) in operation.account.objects(&bucket, &under).await.map_err(failed)? {
                if folder == "reports" && !self.reports && !key.contains(&packed) {
                    continue;
                }
                let is_of = |(reports, _): &&(String, String)| {
                    key.strip_prefix(reports).is_some_and(|rest| rest.starts_with('/'))
                };
                if let Some((reports, until)) = kept.iter().find(is_of) {
                    if told.insert(reports) {
                        context.ui.data(format_args!(
                            "s3://{bucket}/{reports}/ stays until {until} (staging.retention_days)"
                        ));
                    }
                    continue;
                }
                count += 1;
                context.ui.data(format_args!("s3://{bucket}/{key}"));
                if !self.dry_run {
                    operation.account.delete_object(&bucket, &key).await.map_err(failed)?;
                }
            }
        }
        Ok(count)
    }
}

/// The prefixes of those whose time is not over, each with when it is.
pub(super) fn kept(journal: &Journal, plan: &Plan) -> Result<Vec<(String, String)>, Failure> {
    let days = i64::from(plan.playbook.staging.retention_days);
    let now = Timestamp::now();
    let mut kept = Vec::new();
    for (_, migration) in plan.migrations() {
        let events = journal
            .events_of(&migration.id)
            .map_err(|error| Failure::journal("read the journal", error))?;
        let until = confirmed_at(&events).and_then(|at| {
            at.checked_add(SignedDuration::from_hours(24 * days)).ok().filter(|until| *until > now)
        });
        if let Some(until) = until {
            kept.push((
                migration.reports.clone(),
                until.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            ));
        }
    }
    Ok(kept)
}
