//! What `cleanup` takes away of DataSync: tasks, locations, reports, and homes that nobody fetched.

use std::collections::{BTreeMap, BTreeSet};

use super::cleanup::{Cleanup, kept};
use super::todo::standing;
use crate::aws::{Error, ErrorKind, Reader};
use crate::cli::context::Operation;
use crate::cli::{Context, Failure};
use crate::execute::{
    MigrationStanding, transfer_destination_uri, transfer_homes_prefix, transfer_reports_prefix,
    transfer_source_uri, transfer_task_name,
};
use crate::names::{DomainId, TAG_PLAN};
use crate::plan::{Batch, Migration, Plan, Route};

impl Cleanup {
    /// Deletes the tasks of DataSync and their locations.
    pub(super) async fn transfers(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let failed = |error| Failure::aws("clean up DataSync", error);
        let account = &operation.account;
        let mut count = 0;
        for domain in domains(plan) {
            let name = transfer_task_name(domain);
            // A lost reply to the call that made it may have left another one of the same name, which uses the same locations.
            let mut locations = BTreeSet::new();
            let tasks = match account.transfer_tasks(&name).await {
                // Whoever never used DataSync need not be allowed to look at it.
                Err(error) if error.kind == ErrorKind::Denied && !goes_along(plan, domain) => {
                    context
                        .ui
                        .status(format_args!("{domain}: DataSync was not looked at: {error}"));
                    continue;
                }
                tasks => tasks.map_err(failed)?,
            };
            for task in tasks {
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
    pub(super) async fn transfer_reports(
        &self,
        context: &Context,
        operation: &Operation,
        plan: &Plan,
    ) -> Result<usize, Failure> {
        let failed = |error| Failure::aws("clean up DataSync's bucket", error);
        let bucket = plan.datasync_bucket();
        let kept = kept(&operation.journal, plan)?;
        let mut count = 0;
        for domain in domains(plan) {
            let under = format!("{}/", transfer_reports_prefix(plan, domain));
            let objects = match sent(&operation.account, &bucket, &under).await {
                Err(error) if error.kind == ErrorKind::Denied && !goes_along(plan, domain) => {
                    let place = format!("s3://{bucket}/{under}");
                    context.ui.status(format_args!("{place} was not looked at: {error}"));
                    continue;
                }
                objects => objects.map_err(failed)?,
            };
            // They may have gone along by an earlier plan, and travel another way by this one.
            let is_theirs = |(_, one): &(&Batch, &Migration)| one.domain == *domain;
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
    pub(super) async fn open_homes(
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
        let mut count = 0;
        for domain in domains(plan) {
            let under = format!("{}/", transfer_homes_prefix(plan, domain));
            let objects = match sent(&operation.account, &bucket, &under).await {
                Ok(objects) => objects,
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
}

/// What lies below a prefix of DataSync's bucket; nothing where there is no such bucket, since nothing was ever sent there.
async fn sent(account: &Reader, bucket: &str, under: &str) -> Result<Vec<(String, u64)>, Error> {
    match account.objects(bucket, under).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

/// The domains of a plan, those of whoever is left out included: somebody may have gone by DataSync as an earlier plan said.
fn domains(plan: &Plan) -> BTreeSet<&DomainId> {
    let left_out = plan.left_out.iter().map(|left| &left.domain);
    let all = plan.migrations().map(|(_, one)| &one.domain).chain(left_out);
    // What stands for no domain at all.
    all.filter(|domain| domain.as_str() != "-").collect()
}

/// Tells whether somebody of a domain goes by DataSync.
fn goes_along(plan: &Plan, domain: &DomainId) -> bool {
    plan.migrations().any(|(_, one)| one.domain == *domain && one.route == Route::DataSync)
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
        found.extend(account.tagged_locations_at(&uri, TAG_PLAN).await.map_err(failed)?);
    }
    Ok(found)
}
