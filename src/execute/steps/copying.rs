//! Watching a copy that runs inside a space, through the reports that the mover leaves in the staging bucket.
//!
//! An app in service says nothing about the copy: only the done-marker ends the wait. A copy that shows no sign of life is
//! started again with its app; it goes on where it was, since the mover copies only what differs.

use std::time::Duration;

use tokio::time::Instant;

use super::attaching;
use super::provision::{apps, stop_app};
use crate::aws::{App, Error, ErrorKind, Owner};
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::notice::Notice;
use crate::mover::{Done, Progress, key};

/// Starts of the app before a copy that stalls again and again is given up.
const STARTS: u32 = 3;

/// The longest time between two looks at a copy that says how long it will take.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The largest report that is read; a longer one was not written by the mover.
const LARGEST_REPORT: u64 = 1 << 20;

/// Starts the space's app, waits for the copy in it to end, and returns the mover's last word.
pub(super) async fn run(cx: &Context) -> Result<Done, Failure> {
    for start in 1..=STARTS {
        start_app(cx).await?;
        match watch(cx).await? {
            Some(done) => return Ok(done),
            None if start < STARTS => {
                cx.remark("the copy shows no sign of life; its app is started again");
                stop_app(cx).await?;
            }
            None => {}
        }
    }
    Err(Failure::new(format!(
        "the copy showed no sign of life for {} minutes, {STARTS} times",
        cx.plan.playbook.limits.stall_minutes
    ))
    .hinted(format!(
        "look at the log stream {}/{}/{}/default/LifecycleConfigOnStart in /aws/sagemaker/studio, and whether the execution role may read and write the staging bucket (`studio-migrate iam execution-role`); a space that was filled before this journal was restored from a backup keeps silent: `studio-migrate rollback --user {}` and `run` begin anew",
        cx.migration.domain,
        cx.migration.space,
        cx.migration.app,
        cx.migration.name()
    )))
}

/// Starts the app, or goes on with one that an earlier try started, and waits until it is in service.
async fn start_app(cx: &Context) -> Result<(), Failure> {
    let migration = &cx.migration;
    let there = apps(cx).await?;
    if let Some(app) = there.others.first() {
        return Err(Failure::new(format!(
            "{}/{} runs in space {}, and this migration did not start it",
            app.app_type, app.name, migration.space
        ))
        .hinted("let the space's owner stop it, then run again"));
    }
    if there.ours.first().is_some_and(|app| matches!(app.status.as_str(), "Deleting" | "Failed")) {
        stop_app(cx).await?;
    }
    let instance_type = &cx.plan.playbook.target.instance_type;
    let script = attaching::script(cx).await?;
    match cx
        .account
        .create_app(
            &migration.domain,
            &migration.space,
            migration.app,
            (instance_type, script.as_deref()),
            &cx.tags(),
        )
        .await
    {
        Ok(_) => {}
        // The space has room for one app only, so one that is there is the one that this step starts.
        Err(error)
            if matches!(error.kind, ErrorKind::InUse | ErrorKind::Invalid)
                && app(cx).await?.is_some() => {}
        Err(error) if error.kind == ErrorKind::LimitExceeded => {
            return Err(Failure::from(error).hinted(format!(
                "raise the Service Quotas entry \"Studio {} Apps running on {instance_type} instance\", or lower `limits.users`",
                migration.app
            )));
        }
        Err(error) => return Err(error.into()),
    }
    let app = cx
        .until("the space to start", async || {
            Ok(app(cx).await?.filter(|app| app.status != "Pending"))
        })
        .await?;
    if app.status == "InService" {
        return Ok(());
    }
    let why = cx
        .account
        .app_detail(&migration.domain, &migration.space, &app.app_type, &app.name)
        .await?
        .failure
        .unwrap_or_else(|| "AWS gives no reason".to_owned());
    Err(Failure::new(format!("the space's app is {}: {why}", app.status))
        .leaving(format!("app of space {}", migration.space)))
}

async fn app(cx: &Context) -> Result<Option<App>, Error> {
    let owner = Owner::Space(cx.migration.space.clone());
    Ok(cx.account.apps(&cx.migration.domain, &owner).await?.into_iter().next())
}

/// Polls until the done-marker is there; `None` when the copy stalls or its app is gone.
async fn watch(cx: &Context) -> Result<Option<Done>, Failure> {
    let stall: Duration = cx.stall();
    let mut last_beat = None;
    let mut alive_at = Instant::now();
    loop {
        let was_heard = last_beat.is_some();
        let news = progress(cx).await?.filter(|progress| last_beat != Some(progress.beat));
        let left = news.as_ref().and_then(|progress| progress.eta_seconds);
        let is_news = news.is_some();
        if let Some(progress) = news {
            last_beat = Some(progress.beat);
            alive_at = Instant::now();
            cx.tell(Notice::Copying { migration: cx.id().clone(), progress });
        }
        // Whoever was heard before, and has more to do than can be done until the next look, has not said a last word.
        let is_on_its_way = was_heard && left.is_some_and(|left| left > cx.poll().as_secs());
        if !is_on_its_way && let Some(done) = done(cx).await? {
            return Ok(Some(done));
        }
        if !is_news {
            // Only a silent copy is asked after: one that gives a sign of life is at work.
            refuse_to_wait(cx).await?;
            let is_running = app(cx).await?.is_some_and(|app| app.status == "InService");
            if !is_running || alive_at.elapsed() > stall {
                // The marker may have been written between the two looks.
                return done(cx).await;
            }
        }
        cx.pause_for(until_next_look(cx.poll(), left)).await?;
    }
}

/// Returns how long a copy is left alone that will take so many seconds more: it is looked at a few times on its way, and the
/// more often the nearer it is to its end. A thousand people who copy for an hour would else be asked after all the time.
pub(super) fn until_next_look(poll: Duration, eta_seconds: Option<u64>) -> Duration {
    let left = Duration::from_secs(eta_seconds.unwrap_or_default());
    (left / 4).clamp(poll, LONGEST_PAUSE.max(poll))
}

/// Returns the mover's last word on this migration, if it has spoken in this attempt: the last word of an earlier pass, which
/// may come late, says nothing about this one.
///
/// A marker that does not open under this migration's key was written by someone else, and proves nothing.
pub(super) async fn done(cx: &Context) -> Result<Option<Done>, Failure> {
    let Some(sealed) = report(cx, key::DONE, LARGEST_REPORT).await? else { return Ok(None) };
    let found_out = "find out who wrote it: CloudTrail data events of the staging bucket name them";
    let body = cx
        .key()?
        .open(key::DONE, &sealed)
        .map_err(|broken| Failure::new(broken.to_string()).hinted(found_out))?;
    let done: Done = serde_json::from_slice(&body)
        .map_err(|error| Failure::new(format!("the done-marker cannot be read: {error}")))?;
    if done.migration != cx.migration.id.as_str() || done.space != cx.migration.space.as_str() {
        return Err(Failure::new(format!(
            "the done-marker is about {} in space {}, not about this migration",
            done.migration, done.space
        ))
        .hinted(found_out));
    }
    let attempt = cx.copy_attempt()?;
    Ok(Some(done).filter(|done| done.attempt.is_none_or(|of| of == attempt)))
}

/// Returns the last sign of life. One that does not open is none: anyone may have written it.
async fn progress(cx: &Context) -> Result<Option<Progress>, Failure> {
    let Some(sealed) = report(cx, key::PROGRESS, LARGEST_REPORT).await? else { return Ok(None) };
    let body = cx.key()?.open(key::PROGRESS, &sealed).unwrap_or_default();
    Ok(serde_json::from_slice(&body).ok())
}

/// Fails if the hook said that it could not start the mover.
async fn refuse_to_wait(cx: &Context) -> Result<(), Failure> {
    let Some(said) = report(cx, key::REFUSED, LARGEST_REPORT).await? else { return Ok(()) };
    let (what, why) = ("the copy could not be started", String::from_utf8_lossy(&said));
    let hint = if why.starts_with("~/") {
        "nothing was written there; let its owner rename it, then try again"
    } else {
        "may the execution role read the staging bucket? `studio-migrate iam execution-role` prints the policy"
    };
    Err(Failure::of_files(format!("{what}: {}", why.trim()), what).hinted(hint))
}

/// Takes away the last word of a copy that ended, so that the next one is not taken to have said it.
pub(super) async fn forget(cx: &Context) -> Result<(), Failure> {
    take_away(cx, key::DONE).await?;
    forget_refusal(cx).await
}

/// Takes away what an earlier hook said when it could not start the mover.
pub(super) async fn forget_refusal(cx: &Context) -> Result<(), Failure> {
    take_away(cx, key::REFUSED).await
}

async fn take_away(cx: &Context, name: &str) -> Result<(), Failure> {
    let bucket = cx.plan.staging_bucket();
    let key = format!("{}/{name}", cx.migration.reports);
    if cx.account.object_size(&bucket, &key).await?.is_some() {
        cx.account.delete_object(&bucket, &key).await?;
    }
    Ok(())
}

/// Returns a report as it is stored.
pub(super) async fn report(
    cx: &Context,
    name: &str,
    longest: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    let key = format!("{}/{name}", cx.migration.reports);
    match cx.account.object(&cx.plan.staging_bucket(), &key, longest).await {
        Ok(body) => Ok(Some(body)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_looked_at_more_often_towards_its_end_and_never_more_often_than_asked_for() {
        let poll = Duration::from_secs(10);
        let pauses = |eta| until_next_look(poll, eta).as_secs();
        assert_eq!([Some(36_000), Some(100), Some(1), None].map(pauses), [60, 25, 10, 10]);
        let rarely = Duration::from_mins(5);
        assert_eq!(until_next_look(rarely, Some(36_000)), rarely);
    }
}
