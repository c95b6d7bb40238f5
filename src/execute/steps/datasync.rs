//! Staging a home with DataSync: from the file system into a bucket that no execution role may read, and from there, sealed,
//! to where the space fetches it.
//!
//! What DataSync writes lies open, names of files included, for whoever may read the bucket. A space's execution role is shared
//! by many, so the role is asked about first, and what lies open is deleted as soon as it is sealed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::copying::until_next_look;
use super::datasync_readers;
use super::packing;
use super::scratch::Scratch;
use super::transfer_report::Reported;
use crate::aws::{EfsLocation, ErrorKind, Execution, S3Location};
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::notice::Notice;
use crate::execute::standing::kind;
use crate::execute::step::Step;
use crate::mover::{self, Entry, Phase, Progress, PullOrder, Totals};
use crate::names::{DomainId, FileSystemId, TAG_PLAN, counted};
use crate::plan::Plan;
use crate::playbook::{Conflict, Mode};

/// The note that holds the ARN of the execution.
const NOTE: &str = "execution";

/// The note that says what the home consists of that an execution delivered and that is sealed whole.
const SEALED: &str = "sealed";

/// Has the home transferred, seals it, and returns what it consists of.
pub(super) async fn stage(cx: &Context) -> Result<Totals, Failure> {
    datasync_readers::check(cx, &place(cx, "homes")?, &place(cx, "reports")?).await?;
    let execution = match noted(cx)? {
        Some(execution) if is_good(cx, &execution).await? => execution,
        Some(_) => {
            cx.record(Step::Stage, kind::RESTORED, json!({}))?;
            cx.transfers.join(cx).await?
        }
        None => cx.transfers.join(cx).await?,
    };
    let totals = match sealed(cx)? {
        // Of what lies open a part may be deleted already.
        Some(totals) => totals,
        None => {
            let ended = wait(cx, &execution).await?;
            let reported = Reported::of(cx, &place(cx, "reports")?, &execution).await?;
            reported.check(cx, &ended)?;
            let totals = seal(cx, &reported).await?;
            cx.record(Step::Stage, kind::NOTED, json!({ SEALED: totals }))?;
            totals
        }
    };
    take_away(cx).await?;
    Ok(totals)
}

/// What was sealed of what the execution delivered, if all of it was.
fn sealed(cx: &Context) -> Result<Option<Totals>, Failure> {
    let standing = cx.standing()?;
    let noted = standing.noted(Step::Stage, SEALED).cloned();
    Ok(noted.and_then(|totals| serde_json::from_value(totals).ok()))
}

/// Returns the execution that the journal knows of.
pub(in crate::execute) fn noted(cx: &Context) -> Result<Option<String>, Failure> {
    let standing = cx.standing()?;
    Ok(standing.noted(Step::Stage, NOTE).and_then(Value::as_str).map(str::to_owned))
}

/// Writes down the execution, before anybody waits for it.
pub(in crate::execute) fn note(cx: &Context, execution: &str) -> Result<(), Failure> {
    cx.record(Step::Stage, kind::NOTED, json!({ NOTE: execution }))
}

/// Has the next staging start an execution of its own: what an earlier one delivered is sealed, deleted, or old.
pub(super) fn forget(cx: &Context) -> Result<(), Failure> {
    match noted(cx)? {
        Some(_) => cx.record(Step::Stage, kind::RESTORED, json!({})),
        None => Ok(()),
    }
}

/// Tells whether an execution that was started before is worth waiting for, or has ended well.
async fn is_good(cx: &Context, execution: &str) -> Result<bool, Failure> {
    match cx.account.transfer(execution).await {
        Ok(seen) => Ok(seen.status != "ERROR"),
        // It was deleted with its task.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the domain's task once it can be started.
pub(in crate::execute) async fn ready_task(cx: &Context) -> Result<String, Failure> {
    let task = task(cx).await?;
    let (status, why) = cx
        .until("DataSync's task to be there", async || {
            let (status, why) = cx.account.transfer_task_status(&task).await?;
            Ok((status != "CREATING").then_some((status, why)))
        })
        .await?;
    if status == "UNAVAILABLE" {
        let why = why.unwrap_or_else(|| "DataSync gives no reason".to_owned());
        return Err(Failure::new(format!("DataSync's task cannot be used: {why}")));
    }
    Ok(task)
}

/// Starts one execution for the homes of all these people, who are of one domain.
pub(in crate::execute) async fn start(
    cx: &Context,
    task: &str,
    along: &[Context],
) -> Result<String, Failure> {
    let folders: Vec<String> =
        along.iter().map(|one| format!("/{}", one.migration.home_uid)).collect();
    let mib = i64::from(cx.plan.playbook.datasync.mib_per_second);
    let throttle = (mib > 0).then_some(mib << 20);
    let report = place(cx, "reports")?;
    cx.remark(format!("DataSync is started for {}", counted(along.len() as u64, "home", "homes")));
    Ok(cx.account.start_transfer(task, &folders, throttle, &report, &tags(cx)).await?)
}

/// The domain's task, made with its locations if it is not there.
async fn task(cx: &Context) -> Result<String, Failure> {
    let name = task_name(&cx.migration.domain);
    if let Some(task) = cx.account.transfer_task(&name).await? {
        return Ok(task);
    }
    let domain = cx.account.domain(&cx.migration.domain).await?;
    let Some(file_system) = domain.file_system else {
        return Err(Failure::new("the domain has no file system"));
    };
    let (targets, _) = cx.account.mount_targets(&file_system).await?;
    let Some(target) = targets.iter().find(|target| target.state == "available") else {
        return Err(Failure::new(format!("{file_system} has no mount target that is available"))
            .hinted("DataSync reaches a file system through a mount target"));
    };
    let groups = target.security_groups.clone().unwrap_or_default();
    if groups.is_empty() {
        return Err(Failure::new(format!("the security groups of {} are not known", target.id))
            .hinted("allow elasticfilesystem:DescribeMountTargetSecurityGroups"));
    }
    let of_ec2 = |resource: String| cx.account.regional_arn("ec2", &resource);
    let source = EfsLocation {
        file_system: cx
            .account
            .regional_arn("elasticfilesystem", &format!("file-system/{file_system}")),
        subnet: of_ec2(format!("subnet/{}", target.subnet)),
        security_groups: groups
            .iter()
            .take(5)
            .map(|group| of_ec2(format!("security-group/{group}")))
            .collect(),
    };
    let destination = place(cx, "homes")?;
    let source = match ours(cx, &source_uri(&cx.plan, &file_system)).await? {
        Some(found) => found,
        None => cx.account.create_efs_location(&source, &tags(cx)).await?,
    };
    let uri = destination_uri(&cx.plan, &cx.migration.domain);
    let destination = match ours(cx, &uri).await? {
        Some(found) => found,
        None => cx.account.create_s3_location(&destination, &tags(cx)).await?,
    };
    let ends = (source.as_str(), destination.as_str());
    let is_enhanced = cx.plan.playbook.datasync.mode == Mode::Enhanced;
    match cx.account.create_transfer_task(&name, ends, is_enhanced, &tags(cx)).await {
        Ok(task) => Ok(task),
        // AWS's pages differ on whether Enhanced mode takes EFS.
        Err(error) if is_enhanced && error.kind == ErrorKind::Invalid => {
            cx.remark(format!("DataSync refuses Enhanced mode, so Basic is taken: {error}"));
            Ok(cx.account.create_transfer_task(&name, ends, false, &tags(cx)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A location of this URI that an earlier try made.
async fn ours(cx: &Context, uri: &str) -> Result<Option<String>, Failure> {
    Ok(cx.account.tagged_locations_at(uri, TAG_PLAN).await?.into_iter().next())
}

/// How DataSync calls the location of a file system.
pub fn source_uri(plan: &Plan, file_system: &FileSystemId) -> String {
    format!("efs://{}.{file_system}/", plan.region)
}

/// How DataSync calls the location that a domain's homes are written to.
pub fn destination_uri(plan: &Plan, domain: &DomainId) -> String {
    format!("s3://{}/{}/", plan.datasync_bucket(), homes_prefix(plan, domain))
}

/// The prefix in DataSync's bucket under which a domain's homes lie, each below its uid, without a slash at its end.
pub fn homes_prefix(plan: &Plan, domain: &DomainId) -> String {
    prefix(plan, domain, "homes")
}

/// The name of a domain's task.
pub fn task_name(domain: &DomainId) -> String {
    format!("studio-migrate-{domain}")
}

fn tags(cx: &Context) -> std::collections::BTreeMap<String, String> {
    [(TAG_PLAN.to_owned(), cx.plan.id.to_string())].into()
}

/// The prefix in DataSync's bucket under which the reports of a domain's task lie, without a slash at its end.
pub fn reports_prefix(plan: &Plan, domain: &DomainId) -> String {
    prefix(plan, domain, "reports")
}

fn prefix(plan: &Plan, domain: &DomainId, what: &str) -> String {
    format!("{}/datasync/{domain}/{what}", plan.playbook.staging.prefix)
}

/// A place of the domain in DataSync's bucket.
fn place(cx: &Context, what: &str) -> Result<S3Location, Failure> {
    let datasync = &cx.plan.playbook.datasync;
    let Some(role) = datasync.role.clone() else {
        return Err(Failure::new("the playbook names no role for DataSync (datasync.role)"));
    };
    Ok(S3Location {
        bucket: cx.plan.datasync_bucket(),
        prefix: prefix(&cx.plan, &cx.migration.domain, what),
        role,
    })
}

/// Waits until an execution has ended, however it is asked to stop: it goes on without us, and the next run finds it.
async fn wait(cx: &Context, execution: &str) -> Result<Execution, Failure> {
    cx.tell(Notice::Waiting { migration: cx.id().clone(), what: "DataSync".to_owned() });
    let began = Instant::now();
    let mut beat = 0;
    loop {
        let seen = cx.account.transfer(execution).await?;
        if seen.has_ended() {
            return Ok(seen);
        }
        beat += 1;
        let phase = if seen.status == "TRANSFERRING" { Phase::Copying } else { Phase::Scanning };
        cx.tell(Notice::Copying {
            migration: cx.id().clone(),
            progress: Progress {
                schema: 1,
                beat,
                phase,
                bytes: seen.bytes,
                total_bytes: seen.expected_bytes,
                files: seen.files,
                total_files: seen.expected_files,
                ..Progress::default()
            },
        });
        cx.pause_for(until_next_look(cx.poll(), eta_seconds(&seen, began.elapsed()))).await?;
    }
}

/// How many seconds an execution still takes if it goes on as it has.
fn eta_seconds(seen: &Execution, elapsed: Duration) -> Option<u64> {
    let left = seen.expected_bytes.checked_sub(seen.bytes)?;
    elapsed.as_secs().saturating_mul(left).checked_div(seen.bytes)
}

/// Fetches what DataSync wrote to a folder beside the journal, seals it into the staging bucket, and takes the folder away.
async fn seal(cx: &Context, reported: &Reported) -> Result<Totals, Failure> {
    let folder = Scratch::of(cx)?;
    let homes = place(cx, "homes")?;
    let order = PullOrder {
        bucket: homes.bucket.clone(),
        prefix: format!("{}/{}", homes.prefix, cx.migration.home_uid),
        destination: folder.path().to_owned(),
        conflict: Conflict::SourceWins,
        only: None,
        is_paranoid: false,
        seal: None,
        earlier: mover::Earlier::default(),
    };
    let stop = Arc::<AtomicBool>::default();
    let give = Box::new(|_: Entry| Ok(()));
    let headway = Arc::default();
    let pulling = mover::pull(&cx.account, &order, give, &headway, &stop);
    let (pulled, was_asked) = cx.halt.stopping(&stop, pulling).await;
    let pulled = match pulled {
        Ok(pulled) => pulled,
        Err(_) if was_asked => return Err(Failure::halted()),
        Err(error) => {
            return Err(Failure::of_transfer(
                "what DataSync wrote cannot be fetched",
                error,
                "make room beside the journal, where it is kept for a moment, and run again",
            ));
        }
    };
    if pulled.lost > 0 || !pulled.shadowed.is_empty() {
        return Err(Failure::new(format!(
            "{} that DataSync wrote cannot be read",
            counted(pulled.lost + pulled.shadowed.len() as u64, "object", "objects")
        )));
    }
    if let Err(failure) = reported.reconcile(cx, folder.path()) {
        // The next try has DataSync transfer what is missing.
        forget(cx)?;
        return Err(failure);
    }
    let (totals, unreadable) = packing::push(cx, folder.path().to_owned()).await?;
    if unreadable > 0 {
        return Err(Failure::new(format!(
            "{unreadable} files of the home cannot be read on this machine, because their mode lets nobody"
        ))
        .hinted("run as root, or leave them out"));
    }
    Ok(totals)
}

/// Deletes what DataSync wrote of this home, and what a try that was killed left of it on this machine.
pub(super) async fn take_away(cx: &Context) -> Result<(), Failure> {
    Scratch::forget(cx);
    let Ok(homes) = place(cx, "homes") else { return Ok(()) };
    let prefix = format!("{}/{}", homes.prefix, cx.migration.home_uid);
    packing::delete_below(cx, &homes.bucket, &prefix).await
}
