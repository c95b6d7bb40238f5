//! `cleanup`: taking away what the tool left in the account. Spaces are people's, and stay.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::todo::standing;
use crate::aws::{ErrorKind, Reader};
use crate::cli::context::{Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::steps::confirm::confirmed_at;
use crate::execute::{
    MigrationStanding, transfer_destination_uri, transfer_homes_prefix, transfer_reports_prefix,
    transfer_source_uri, transfer_task_name,
};
use crate::journal::Journal;
use crate::mover::key;
use crate::names::{DomainId, TAG_MIGRATION, TAG_PLAN, counted};
use crate::plan::{Batch, Migration, Plan, Route};

/// Arguments of `cleanup`.
#[derive(Args, Clone, Debug)]
pub struct Cleanup {
    /// Also delete the manifests and reports: the proof is then in the journal and the folder `manifests` beside it alone. Those of people who were confirmed fewer
    /// days ago than the playbook's `staging.retention_days` stay
    #[arg(long)]
    reports: bool,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
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

    /// Deletes the tasks of DataSync and their locations.
    async fn transfers(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let failed = |error| Failure::aws("clean up DataSync", error);
        let account = &operation.account;
        let mut count = 0;
        for domain in domains_of_datasync(plan) {
            let name = transfer_task_name(domain);
            // A lost reply to the call that made it may have left another one of the same name, which uses the same locations.
            let mut locations = BTreeSet::new();
            for task in account.transfer_tasks(&name).await.map_err(failed)? {
                if !account.has_transfer_tag(&task, TAG_PLAN).await.map_err(failed)? {
                    continue;
                }
                locations.extend(account.transfer_locations(&task).await.map_err(failed)?);
                count += 1;
                context.ui.data(format_args!("DataSync task {name}"));
                if !self.dry_run {
                    account.delete_transfer_task(&task).await.map_err(failed)?;
                }
            }
            locations.extend(strays(account, plan, domain).await?);
            count += locations.len();
            for location in &locations {
                context.ui.data(format_args!("DataSync location {location}"));
                if !self.dry_run {
                    account.delete_location(location).await.map_err(failed)?;
                }
            }
        }
        Ok(count)
    }

    /// Deletes what DataSync reported of its tasks: that names every file of everybody who went along, and all that matters of it is in the journal. It stays
    /// as long as what was staged of one of them.
    async fn transfer_reports(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let failed = |error| Failure::aws("clean up DataSync's bucket", error);
        let bucket = plan.datasync_bucket();
        let kept = kept(&operation.journal, plan)?;
        let mut count = 0;
        for domain in domains_of_datasync(plan) {
            let under = format!("{}/", transfer_reports_prefix(plan, domain));
            let objects = match operation.account.objects(&bucket, &under).await {
                Ok(objects) => objects,
                // Nothing was ever sent there.
                Err(error) if error.kind == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let is_theirs = |(_, one): &(&Batch, &Migration)| {
                one.route == Route::DataSync && one.domain == *domain
            };
            let until =
                |(_, one): (&Batch, &Migration)| kept.iter().find(|(of, _)| *of == one.reports);
            let until =
                plan.migrations().filter(is_theirs).filter_map(until).map(|(_, until)| until);
            if let Some(until) = until.max().filter(|_| !objects.is_empty()) {
                context.ui.data(format_args!(
                    "s3://{bucket}/{under} stays until {until} (staging.retention_days)"
                ));
                continue;
            }
            count += objects.len();
            for (key, _) in objects {
                context.ui.data(format_args!("s3://{bucket}/{key}"));
                if !self.dry_run {
                    operation.account.delete_object(&bucket, &key).await.map_err(failed)?;
                }
            }
        }
        Ok(count)
    }

    /// Deletes what DataSync wrote of homes and nobody fetched: of whoever is left out by now, or travels another way. It lies open.
    /// Whoever failed on that road may be tried again, and is named.
    async fn open_homes(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let bucket = plan.datasync_bucket();
        let mut waiting = BTreeMap::new();
        for (_, one) in plan.migrations().filter(|(_, one)| one.route == Route::DataSync) {
            if standing(&operation.journal, &one.id)?.word() == MigrationStanding::Failed {
                let under = transfer_homes_prefix(plan, &one.domain);
                waiting.insert(format!("{under}/{}/", one.home_uid), one.name());
            }
        }
        let left_out = plan.left_out.iter().map(|left| &left.domain);
        let domains: BTreeSet<_> =
            plan.migrations().map(|(_, one)| &one.domain).chain(left_out).collect();
        let mut count = 0;
        for domain in domains {
            let under = format!("{}/", transfer_homes_prefix(plan, domain));
            let objects = match operation.account.objects(&bucket, &under).await {
                Ok(objects) => objects,
                // Nothing was ever sent there.
                Err(error) if error.kind == ErrorKind::NotFound => continue,
                Err(error) => {
                    let place = format!("s3://{bucket}/{under}");
                    context.ui.warning(format_args!("{place} was not looked at: {error}"));
                    continue;
                }
            };
            let mut told = BTreeSet::new();
            for (key, _) in objects {
                let Some((uid, _)) = key[under.len()..].split_once('/') else { continue };
                let home = format!("{under}{uid}/");
                let is_new = told.insert(home.clone());
                if let Some(name) = waiting.get(&home) {
                    if is_new {
                        context.ui.warning(format_args!(
                            "s3://{bucket}/{home} stays, open to whoever may read the bucket: `run --user {name}` goes on with it, `rollback --user {name}` deletes it"
                        ));
                    }
                    continue;
                }
                if is_new {
                    context.ui.data(format_args!("s3://{bucket}/{home}"));
                }
                count += 1;
                if !self.dry_run {
                    let failed = |error| Failure::aws("clean up DataSync's bucket", error);
                    operation.account.delete_object(&bucket, &key).await.map_err(failed)?;
                }
            }
        }
        Ok(count)
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

fn domains_of_datasync(plan: &Plan) -> BTreeSet<&DomainId> {
    let is_of_datasync = |(_, one): &(&Batch, &Migration)| one.route == Route::DataSync;
    plan.migrations().filter(is_of_datasync).map(|(_, migration)| &migration.domain).collect()
}

/// Our locations of a domain, those that no task uses included: the reply to the call that made one may have been lost.
async fn strays(account: &Reader, plan: &Plan, domain: &DomainId) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::aws("clean up DataSync", error);
    let mut uris = vec![transfer_destination_uri(plan, domain)];
    match account.domain(domain).await {
        Ok(seen) => uris.extend(seen.file_system.map(|one| transfer_source_uri(plan, &one))),
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut found = Vec::new();
    for uri in uris {
        for location in account.locations_at(&uri).await.map_err(failed)? {
            if account.has_transfer_tag(&location, TAG_PLAN).await.map_err(failed)? {
                found.push(location);
            }
        }
    }
    Ok(found)
}

/// The prefixes of those whose time is not over, each with when it is.
fn kept(journal: &Journal, plan: &Plan) -> Result<Vec<(String, String)>, Failure> {
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
