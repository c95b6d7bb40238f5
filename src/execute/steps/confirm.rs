//! Confirm: what was done is read back, and nothing of ours is left running.
//!
//! - Changes: the space's idle shutdown, from "held off" to what the playbook says, and the image that it starts with. A space
//!   that the person had before gets back the idle shutdown that it had.
//! - Receipt: what was seen.
//! - Twice: setting the same idle time again changes nothing; the rest only reads.
//! - Undo: nothing to undo; the idle time goes with the space.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::closing;
use super::flip::{hidden_on, is_new};
use super::hydrate::is_hook;
use super::provision::{apps, change_space, idle_before};
use crate::aws::{Error, ErrorKind, Profile, Settings, StartWith};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::hidden::{hidden_words, is_hidden};
use crate::execute::standing::kind;
use crate::execute::step::Step;
use crate::journal::Event;

/// Looks in a row that must agree, because AWS is eventually consistent.
const GOOD_LOOKS: u32 = 3;

/// What confirm saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `StudioWebPortal` as read back.
    pub portal: String,
    /// `DefaultLandingUri` as read back.
    pub landing: String,
    /// The space's idle shutdown in minutes.
    pub idle_minutes: i32,
    /// The ARN of the image that it starts with, where the playbook names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether the profile itself hides the app that its owner moved into.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hidden: bool,
}

/// What the looks saw so far.
#[derive(Default)]
struct Seen {
    /// The profile's settings, as seen last; nothing where a space is shared, since the landing page is its people's.
    settings: Settings,
    /// Whether nothing of ours runs in the space any more. Nobody starts it again, so it is not looked for again.
    is_app_gone: bool,
    /// The same of the hook.
    is_hook_gone: bool,
}

/// Sets up the space for its owner, and looks until everything is as it should be.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let (idle_minutes, start) = (idle_afterwards(cx)?, image_afterwards(cx));
    set_up_space(cx, idle_minutes, start.as_ref()).await?;
    let (mut good, mut seen) = (0, Seen::default());
    let mut last_trouble = String::new();
    let looked = cx
        .until("the new settings to be seen", async || {
            match trouble(cx, idle_minutes, &mut seen).await? {
                None => good += 1,
                Some(trouble) => {
                    good = 0;
                    last_trouble = trouble;
                }
            }
            Ok((good >= GOOD_LOOKS).then_some(()))
        })
        .await;
    if let Err(failure) = looked {
        return Err(match last_trouble.as_str() {
            "" => failure,
            trouble => Failure { message: format!("{}: {trouble}", failure.message), ..failure },
        });
    }
    let is_hidden = is_hidden(&cx.migration, &seen.settings);
    if is_hidden {
        cx.remark(hidden_words(&cx.migration));
    }
    Ok(Receipt {
        portal: seen.settings.studio_web_portal.unwrap_or_default(),
        landing: seen.settings.landing.unwrap_or_default(),
        idle_minutes,
        image: start.map(|start| start.image),
        is_hidden,
    })
}

async fn set_up_space(
    cx: &Context,
    minutes: i32,
    start: Option<&StartWith>,
) -> Result<(), Failure> {
    let migration = &cx.migration;
    let space = cx.account.space(&migration.domain, &migration.space).await?;
    if space.idle_minutes == Some(minutes)
        && start.is_none_or(|start| space.image.as_ref() == Some(&start.image))
    {
        return Ok(());
    }
    let (domain, name, app) = (&migration.domain, &migration.space, migration.app);
    let set = async || cx.account.set_up_space(domain, name, app, minutes, start).await;
    change_space(cx, set).await
}

/// The idle shutdown that the space is to have in the end, in minutes. AWS has no way to unset one, so a space that had
/// none of its own gets the playbook's.
fn idle_afterwards(cx: &Context) -> Result<i32, Failure> {
    let playbook = cx.plan.playbook.target.idle_shutdown_minutes;
    Ok(idle_before(cx)?.unwrap_or(playbook))
}

/// What the space is to start with, where the playbook says so. What the person had before stays as they chose it.
fn image_afterwards(cx: &Context) -> Option<StartWith> {
    let target = &cx.plan.playbook.target;
    let image = target.image.clone().filter(|_| !cx.migration.is_reused)?;
    Some(StartWith { instance_type: target.instance_type.clone(), image })
}

/// Returns when someone was confirmed last, by their events.
pub fn confirmed_at(events: &[Event]) -> Option<Timestamp> {
    let is_end = |event: &&Event| {
        event.kind == kind::FINISHED && event.step.as_deref() == Some(Step::Confirm.name())
    };
    events.iter().rev().find(is_end)?.at.parse().ok()
}

/// Says what is not well with someone who was moved a while ago, and may have worked and changed much since.
pub(in crate::execute) async fn health(cx: &Context) -> Result<Option<String>, Failure> {
    let migration = &cx.migration;
    let trouble = match migration.shared {
        Some(_) => trouble_with_what_was_shared(cx).await?,
        None => match cx.account.profile(&migration.domain, &migration.profile).await {
            Ok(profile) => trouble_with_profile(cx, &profile),
            Err(error) if error.kind == ErrorKind::NotFound => {
                Some("the profile is gone".to_owned())
            }
            Err(error) => return Err(error.into()),
        },
    };
    if trouble.is_some() {
        return Ok(trouble);
    }
    match cx.account.space(&migration.domain, &migration.space).await {
        Ok(space) if space.status.ends_with("Failed") => {
            Ok(Some(format!("the space is {}", space.status)))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some("the space is gone".to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Says what is not as it should be, if anything is not.
async fn trouble(
    cx: &Context,
    idle_minutes: i32,
    seen: &mut Seen,
) -> Result<Option<String>, Error> {
    let migration = &cx.migration;
    let trouble = match migration.shared {
        Some(_) => trouble_with_what_was_shared(cx).await?,
        None => {
            let profile = cx.account.profile(&migration.domain, &migration.profile).await?;
            let trouble = trouble_with_profile(cx, &profile);
            seen.settings = profile.settings;
            trouble
        }
    };
    if trouble.is_some() {
        return Ok(trouble);
    }
    let space = cx.account.space(&migration.domain, &migration.space).await?;
    if space.status != "InService" {
        return Ok(Some(format!("the space is {}", space.status)));
    }
    if space.idle_minutes != Some(idle_minutes) {
        return Ok(Some("the space's idle shutdown is not set".to_owned()));
    }
    // An app that is not ours is its owner's, who may work in the new Studio since the flip.
    seen.is_app_gone = seen.is_app_gone || apps(cx).await?.ours.is_empty();
    if !seen.is_app_gone {
        return Ok(Some("the app that copied still runs in the space".to_owned()));
    }
    if !seen.is_hook_gone {
        match cx.account.script(&migration.hook).await {
            Ok(_) => return Ok(Some("the hook still exists".to_owned())),
            Err(error) if error.kind == ErrorKind::NotFound => seen.is_hook_gone = true,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Says what is not as it should be of what is not one person's.
async fn trouble_with_what_was_shared(cx: &Context) -> Result<Option<String>, Error> {
    match (trouble_with_domain(cx).await?, closing::of(&cx.migration)) {
        (None, Some(part)) => closing::trouble(cx, part).await,
        (trouble, _) => Ok(trouble),
    }
}

/// Says what is not as it should be of the domain's settings for shared spaces.
async fn trouble_with_domain(cx: &Context) -> Result<Option<String>, Error> {
    let scripts = cx.account.shared_space_scripts(&cx.migration.domain).await?;
    let is_left = scripts.iter().any(|arn| is_hook(cx, Some(arn)));
    Ok(is_left.then(|| "the hook is still listed for shared spaces".to_owned()))
}

/// Says what is not as it should be of the person's profile.
fn trouble_with_profile(cx: &Context, profile: &Profile) -> Option<String> {
    let migration = &cx.migration;
    if profile.status != "InService" {
        return Some(format!("the profile is {}", profile.status));
    }
    if !is_new(profile) {
        return Some("the profile does not lead to the new Studio".to_owned());
    }
    if is_hook(cx, profile.settings.built_in(migration.app)) {
        return Some("the hook is still set on the profile".to_owned());
    }
    if let Some(visibility) = &migration.visibility {
        let hidden = hidden_on(profile);
        let is_all =
            |wanted: &[String], hidden: &[String]| wanted.iter().all(|name| hidden.contains(name));
        if !is_all(&visibility.app_types, &hidden.app_types)
            || !is_all(&visibility.tools, &hidden.tools)
        {
            return Some(format!("what group {} is not to see is not hidden", visibility.group));
        }
    }
    None
}

/// Leaves everything as it is: the idle time goes with the space.
pub async fn undo(_cx: &Context, _receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    Ok(Vec::new())
}
