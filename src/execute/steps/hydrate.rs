//! Hydrate: the person's home is copied from EFS to the volume of their space, by our mover inside that space.
//!
//! - Changes: makes a lifecycle script (the hook), sets it as the profile's built-in script, starts the space's app, waits for
//!   the copy, stops the app, puts the previous built-in script back and deletes the hook. For a shared space the hook is
//!   listed in the domain's settings of shared spaces instead, and the app started with it. The mover writes to the space's
//!   volume and to the reports prefix of the staging bucket; it never writes to the Classic home.
//! - Receipt: the mover's last word, and the built-in script that was there before.
//! - Twice: the hook has the plan's name and our tag and is adopted, another's is left alone; the previous script is noted
//!   before it is first replaced; an app that runs is gone on with; a done-marker that is there is taken, and a mover that is
//!   started twice holds a lock and copies only what differs.
//! - Undo: app stopped, the noted script put back where the hook still stands, hook deleted. All are found by the plan's names,
//!   so no receipt is needed. What was copied stays on the volume, which provision's undo deletes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::provision::{change_space, hold_idle_off, stop_app};
use super::{attaching, copy_failure, copying};
use crate::aws::{Error, ErrorKind, Profile};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, FailureKind, Stuck};
use crate::execute::hook::{Hook, Pass};
use crate::execute::passes;
use crate::execute::standing::kind;
use crate::execute::step::Step;
use crate::mover::Done;

/// The kind of event that says what a home consisted of when it was packed once more. It is no part of a standing.
pub(super) const PACKED: &str = "packed-again";

/// What hydrate did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The mover's last word.
    pub done: Done,
    /// The profile's own built-in script before ours; it stands again.
    pub previous_script: Option<String>,
}

/// Copies the home and leaves nothing of ours set, whether that ends well or not.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let finished = finished_before(cx).await?;
    // Held until the app is stopped again.
    let _room = match finished {
        Some(_) => None,
        None => Some(cx.room_to_copy().await?),
    };
    let copied = match finished {
        Some(done) => Ok(done),
        None => copy(cx).await,
    };
    match copied {
        Ok(done) => {
            let previous_script = tidy(cx).await?;
            match &done.error {
                None => Ok(Receipt { done, previous_script }),
                Some(error) => {
                    passes::record_brought(cx, &done)?;
                    Err(copy_failure::of(cx, error, &done))
                }
            }
        }
        // A run that was asked to stop leaves the copy running: the next run finds it by name and goes on with it.
        Err(failure) if failure.kind != FailureKind::Step => Err(failure),
        Err(failure) => match tidy(cx).await {
            Ok(_) => Err(failure),
            Err(_) => Err(failure
                .leaving(format!("hook {} on profile {}", cx.migration.hook, cx.migration.profile))
                .leaving(format!("app of space {}", cx.migration.space))),
        },
    }
}

/// Returns the done-marker of a copy that ended well while nobody watched; what ended badly is taken away to try again.
async fn finished_before(cx: &Context) -> Result<Option<Done>, Failure> {
    match copying::done(cx).await? {
        Some(done) if done.error.is_none() => Ok(Some(done)),
        Some(done) => {
            passes::record_brought(cx, &done)?;
            copying::forget(cx).await.map(|()| None)
        }
        // A mover that an earlier run started may be at work, and speak its last word right now.
        None => copying::forget_refusal(cx).await.map(|()| None),
    }
}

/// Copies, having made sure that the mover still lies where the hook fetches it. Once more on a larger volume when the home turns out not to fit: nobody measured it before.
async fn copy(cx: &Context) -> Result<Done, Failure> {
    super::stage::upload(cx).await?;
    if let Some(packed) = super::stage::refresh(cx).await? {
        cx.record(Step::Hydrate, PACKED, json!(packed))?;
    }
    let pass = passes::pass(cx)?;
    if pass.attempt > 1 {
        hold_idle_off(cx).await?;
    }
    attach(cx, pass).await?;
    copy_with_room(cx).await
}

/// Starts the space's app with the hook that is set, and waits for its last word; once more on a larger volume, where the first
/// says that it does not fit.
pub(super) async fn copy_with_room(cx: &Context) -> Result<Done, Failure> {
    let done = copying::run(cx).await?;
    let Some(needs) = done.needs_bytes else { return Ok(done) };
    if !make_room(cx, needs).await? {
        return Ok(done);
    }
    copying::forget(cx).await?;
    copying::run(cx).await
}

/// Makes the hook and sets it where the space's app looks for it.
pub(super) async fn attach(cx: &Context, pass: Pass) -> Result<(), Failure> {
    let hook = Hook::of(&cx.plan, &cx.migration, &cx.tools, cx.key()?, pass)?;
    let arn = make_hook(cx, &hook).await?;
    match cx.migration.shared {
        Some(_) => attaching::list(cx, &arn).await,
        None => set_hook(cx, &arn).await,
    }
}

/// Grows the space's volume, if the playbook pays for that much. AWS allows it once in six hours.
async fn make_room(cx: &Context, needs_bytes: u64) -> Result<bool, Failure> {
    let volume = &cx.plan.playbook.target.volume;
    // A file system keeps a part of its volume for itself: ext4 3.6 % of 5 GiB, and less of larger ones.
    let with_overhead = needs_bytes.saturating_add(needs_bytes / 25);
    let wanted = i32::try_from(with_overhead.div_ceil(1 << 30)).unwrap_or(i32::MAX);
    let wanted = wanted.saturating_add(volume.headroom_gb);
    let space = cx.account.space(&cx.migration.domain, &cx.migration.space).await?;
    // What its owner has in a space that was there before stays there, and the copy comes on top of it.
    let theirs = space.volume_gb.filter(|_| cx.migration.is_reused).unwrap_or_default();
    let wanted = wanted.saturating_add(theirs);
    if wanted > volume.maximum_gb || space.volume_gb.is_some_and(|has| has >= wanted) {
        return Ok(false);
    }
    cx.remark(format!("the home needs a volume of {wanted} GiB; the space is stopped and grown"));
    stop_app(cx).await?;
    let (domain, space) = (&cx.migration.domain, &cx.migration.space);
    change_space(cx, async || cx.account.grow_volume(domain, space, wanted).await).await.map_err(
        |failure| match failure.message.contains("VolumeModificationRateExceeded") {
            true => failure.hinted("AWS changes a volume once in six hours: run again after that"),
            false => failure,
        },
    )?;
    Ok(true)
}

/// Makes the hook, or adopts the one that an earlier try made.
async fn make_hook(cx: &Context, hook: &Hook) -> Result<String, Failure> {
    let name = &cx.migration.hook;
    match cx.account.create_script(name, cx.migration.app, &hook.script, &cx.tags()).await {
        Ok(arn) => Ok(arn),
        Err(error) if error.kind == ErrorKind::InUse => {
            let found = cx.account.script(name).await?;
            if found.text.as_deref() == Some(hook.script.as_str()) {
                return Ok(found.arn);
            }
            if !cx.is_ours(&cx.account.tags(&found.arn).await?) {
                return Err(Failure::new(format!(
                    "a lifecycle script called {name} is already there"
                )));
            }
            // Ours, but of another build of the mover or an earlier pass: scripts cannot be changed, only replaced.
            tidy(cx).await?;
            Ok(cx.account.create_script(name, cx.migration.app, &hook.script, &cx.tags()).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Sets the hook as the profile's built-in script, noting what was there before the first time.
async fn set_hook(cx: &Context, arn: &str) -> Result<(), Failure> {
    let profile = cx.account.profile(&cx.migration.domain, &cx.migration.profile).await?;
    let built_in = profile.settings.built_in(cx.migration.app);
    let before =
        if is_hook(cx, built_in) { script_before(cx)? } else { built_in.map(str::to_owned) };
    cx.before(Step::Hydrate, "built_in_script", json!(before))?;
    if built_in == Some(arn) {
        return settled_profile(cx).await.map(drop);
    }
    set_script(cx, Some(arn)).await
}

/// Takes away everything that the copy needed, and returns the built-in script that stands again.
///
/// A script of the hook's name that is someone else's is left alone, and so is the profile that it may be set on.
pub(in crate::execute) async fn tidy(cx: &Context) -> Result<Option<String>, Failure> {
    // The person's settings come back even when the app hangs: that it is stopped matters less.
    let stopped = stop_app(cx).await;
    if is_another_s(cx).await? {
        return stopped.and_then(|()| noted_script(cx));
    }
    let previous = match cx.migration.shared {
        Some(_) => attaching::unlist(cx).await.map(|()| None)?,
        None => put_back(cx).await?,
    };
    stopped?;
    match cx.account.delete_script(&cx.migration.hook).await {
        Ok(()) => Ok(previous),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(previous),
        Err(error) if error.kind == ErrorKind::InUse => Err(Failure::from(error).hinted(
            "an app that was started with it still runs: let its owner stop it, then give the command again",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Tells whether a hook is there that was made for this migration.
pub(in crate::execute) async fn is_left(cx: &Context) -> Result<bool, Failure> {
    match cx.account.script(&cx.migration.hook).await {
        Ok(script) => Ok(cx.is_ours(&cx.account.tags(&script.arn).await?)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Tells whether a script of the hook's name is there that this migration did not make.
async fn is_another_s(cx: &Context) -> Result<bool, Failure> {
    match cx.account.script(&cx.migration.hook).await {
        Ok(script) => Ok(!cx.is_ours(&cx.account.tags(&script.arn).await?)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the profile's own built-in script, as it was noted before the hook replaced it.
fn noted_script(cx: &Context) -> Result<Option<String>, Failure> {
    let standing = cx.standing()?;
    let noted = standing.noted(Step::Hydrate, "built_in_script");
    Ok(noted.and_then(|noted| noted.as_str().map(str::to_owned)))
}

/// Returns what the hook that stands replaced. A journal that was restored from before it noted that has the inventory: what
/// was set when the plan was drawn up is the last that is known.
fn script_before(cx: &Context) -> Result<Option<String>, Failure> {
    if has_note(cx)? {
        return noted_script(cx);
    }
    let planned = cx.planned_settings();
    let planned = planned.and_then(|own| own.built_in(cx.migration.app));
    let planned = planned.filter(|arn| !is_hook(cx, Some(arn)));
    cx.remark(format!(
        "the hook is set on profile {}, and this journal does not say what was before; when the plan was drawn up it was {}, which is set again",
        cx.migration.profile,
        planned.unwrap_or("nothing")
    ));
    Ok(planned.map(str::to_owned))
}

/// Puts the previous built-in script back, but only where the hook still stands: what someone else has set since is theirs.
async fn put_back(cx: &Context) -> Result<Option<String>, Failure> {
    let (domain, name) = (&cx.migration.domain, &cx.migration.profile);
    let profile = cx.if_there(async || cx.account.profile(domain, name).await).await?;
    // Whoever deleted the profile took its settings along.
    let Some(profile) = profile else { return noted_script(cx) };
    let is_set = is_hook(cx, profile.settings.built_in(cx.migration.app));
    let previous = if is_set { script_before(cx)? } else { noted_script(cx)? };
    settled_profile(cx).await?;
    if is_set {
        set_script(cx, previous.as_deref()).await?;
    }
    if has_note(cx)? {
        cx.record(Step::Hydrate, kind::RESTORED, json!({}))?;
    }
    Ok(previous)
}

/// Tells whether this is the hook of this migration; AWS writes names in ARNs in lower case.
pub(super) fn is_hook(cx: &Context, arn: Option<&str>) -> bool {
    let ours = format!("/{}", cx.migration.hook).to_ascii_lowercase();
    arn.is_some_and(|arn| arn.to_ascii_lowercase().ends_with(&ours))
}

async fn is_hook_there(cx: &Context) -> Result<bool, Failure> {
    Ok(cx.if_there(async || cx.account.script(&cx.migration.hook).await).await?.is_some())
}

fn has_note(cx: &Context) -> Result<bool, Failure> {
    Ok(cx.standing()?.noted(Step::Hydrate, "built_in_script").is_some())
}

async fn set_script(cx: &Context, arn: Option<&str>) -> Result<(), Failure> {
    let (domain, profile, app) = (&cx.migration.domain, &cx.migration.profile, cx.migration.app);
    change_profile(cx, async || cx.account.set_built_in_script(domain, profile, app, arn).await)
        .await
}

/// Changes the profile, waiting while it is busy, and until it is in service again.
pub(super) async fn change_profile(
    cx: &Context,
    change: impl AsyncFn() -> Result<(), Error>,
) -> Result<(), Failure> {
    cx.settled(async || settled_profile(cx).await.map(drop), change).await
}

/// Waits until the profile is in service: AWS refuses to change one that is changing.
pub(super) async fn settled_profile(cx: &Context) -> Result<Profile, Failure> {
    let profile = cx
        .until("the profile to be in service", async || {
            let profile = cx.account.profile(&cx.migration.domain, &cx.migration.profile).await?;
            Ok((profile.status != "Updating" && profile.status != "Pending").then_some(profile))
        })
        .await?;
    if profile.status == "InService" {
        return Ok(profile);
    }
    let why = profile.failure.unwrap_or_else(|| "AWS gives no reason".to_owned());
    Err(Failure::new(format!("the profile is {}: {why}", profile.status)))
}

/// Stops the app, puts the previous script back and deletes the hook.
pub async fn undo(cx: &Context, receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    let look_at = format!(
        "the app of space {}, and the built-in {} script of profile {} (ours is called {})",
        cx.migration.space, cx.migration.app, cx.migration.profile, cx.migration.hook
    );
    let stuck = |failure| Stuck::over(failure, look_at);
    match undone(cx, receipt.is_some()).await {
        Ok(remarks) => Ok(remarks),
        Err(failure) => Err(stuck(failure)),
    }
}

async fn undone(cx: &Context, had_finished: bool) -> Result<Vec<String>, Failure> {
    // A step that finished has tidied up already, and what runs in the space since is its owner's; unless the home was being
    // read again, and that was cut short.
    if !had_finished || is_hook_there(cx).await? {
        tidy(cx).await?;
    }
    // A migration that is tried again after a rollback copies again: the volume may be another one by then.
    copying::forget(cx).await?;
    Ok(Vec::new())
}
