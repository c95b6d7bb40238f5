//! Closing the profile that a team shared: nobody works in it any more, and nothing of it is deleted.
//!
//! - Changes: `StudioWebPortal=DISABLED` and Classic's landing page on the profile, both in one call: Classic opens nothing any
//!   more. It is done when all of its home is proven to be in spaces, people's own parts included.
//! - Receipt: the values before.
//! - Twice: the values before are noted before the first call; setting the same values again changes nothing.
//! - Undo: the values are put back, but only where ours still stand.

use serde_json::{Value, json};

use super::flip::{CLASSIC_LANDING, Receipt, explicit, text};
use super::landed::astray;
use super::sharing_out::{self, SharedOut};
use crate::aws::{Error, ErrorKind, Profile, Settings};
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::standing::Standing;
use crate::execute::step::Step;
use crate::names::ProfileName;
use crate::plan::{Migration, Route, TeamPart};

/// The note of what was set before.
const NOTE: &str = "closed";

/// The value of `StudioWebPortal` that lets nobody into the new Studio.
const CLOSED: &str = "DISABLED";

/// The team's part that is everybody's: the one that closes the profile in the end.
pub(in crate::execute) fn of(migration: &Migration) -> Option<&TeamPart> {
    migration.team.as_ref().filter(|part| part.whose.is_none())
}

/// Closes the profile, unless somebody's files are not proven yet.
pub(super) async fn perform(cx: &Context, part: &TeamPart) -> Result<Receipt, Failure> {
    refuse_unproven(cx, part)?;
    refuse_astray(cx, part).await?;
    settled(cx, part).await?;
    let profile = look(cx, part).await?;
    let now = json!({ "portal": profile.settings.studio_web_portal, "landing": profile.settings.landing });
    let before = cx.before(Step::Flip, NOTE, now)?;
    if !is_closed(&profile) {
        set(cx, part, CLOSED, CLASSIC_LANDING).await?;
    }
    Ok(Receipt {
        portal_before: text(&before, "portal"),
        landing_before: text(&before, "landing"),
        hidden: None,
    })
}

/// Refuses to close while somebody's part is not proven to be in their space, or is not what the plan takes for theirs.
fn refuse_unproven(cx: &Context, part: &TeamPart) -> Result<(), Failure> {
    let (mut unproven, mut others) = (Vec::new(), Vec::new());
    for claim in part.claims.iter().filter(|claim| !claim.own.is_empty()) {
        let who = claim.profile.as_str();
        match moved_by(cx, part, &claim.profile)? {
            None => unproven.push(who),
            Some(then) if then.claims(who) != claim.own => others.push(who),
            Some(_) => {}
        }
    }
    let trouble = [
        (unproven, "what is theirs of its home is not proven to be in spaces of", false),
        (others, "the table says something else than when the part moved of", true),
    ];
    let found = trouble.into_iter().find(|(names, ..)| !names.is_empty());
    let Some((names, what, is_again)) = found else { return Ok(()) };
    let users: String = names.iter().map(|name| format!(" --user {name}")).collect();
    let back = if is_again { format!("`studio-migrate rollback{users}`, ") } else { String::new() };
    Err(Failure::new(format!("profile {} stays open: {what} {}", part.profile, names.join(", ")))
        .hinted(format!("{back}`studio-migrate run{users}`, then run this again")))
}

/// Refuses to close while a file of the home is in nobody's space as it is now. What DataSync took is known from its report.
async fn refuse_astray(cx: &Context, part: &TeamPart) -> Result<(), Failure> {
    if cx.migration.route != Route::Packed {
        return Ok(());
    }
    let of_people = part.claims.iter().filter_map(|claim| part_of(cx, part, &claim.profile));
    let parts: Vec<_> = std::iter::once(&cx.migration).chain(of_people).collect();
    let found = astray(cx, part, &parts).await?;
    if found.all == 0 {
        return Ok(());
    }
    let what = match found.all {
        1 => "a file of its home is in nobody's space as it is now".to_owned(),
        all => format!("{all} files of its home are in nobody's space as they are now"),
    };
    let what = format!("profile {} stays open: {what}", part.profile);
    let named: Vec<_> = found.named.iter().map(|path| format!("`{path}`")).collect();
    let more = if (named.len() as u64) < found.all { " and more" } else { "" };
    let users: String = found.whose.iter().map(|name| format!(" --user {name}")).collect();
    Err(Failure::of_files(format!("{what}: {}{more}", named.join(", ")), what).hinted(format!(
        "somebody worked in it after it was packed: see that nobody does (`classic_apps`), then `studio-migrate rollback{users}`, `studio-migrate run{users}`, and run this again"
    )))
}

/// The migration that moves somebody's part.
fn part_of<'a>(cx: &'a Context, part: &TeamPart, whose: &ProfileName) -> Option<&'a Migration> {
    let is_theirs = |one: &&Migration| {
        let own = one.team.as_ref().filter(|own| own.profile == part.profile);
        one.domain == cx.migration.domain
            && own.is_some_and(|own| own.whose.as_ref() == Some(whose))
    };
    cx.plan.migrations().map(|(_, one)| one).find(is_theirs)
}

/// How the home was shared out when somebody's part was packed that has moved; `None` while it is not proven.
pub(super) fn moved_by(
    cx: &Context,
    part: &TeamPart,
    whose: &ProfileName,
) -> Result<Option<SharedOut>, Failure> {
    let Some(theirs) = part_of(cx, part, whose) else { return Ok(None) };
    let events = cx.journal.events_of(&theirs.id)?;
    let standing = Standing::of(&events).map_err(|error| Failure::new(error.to_string()))?;
    Ok(standing.receipt(Step::Verify).and_then(|_| sharing_out::last(&events)))
}

/// Says so where the profile is closed and was not when the plan was drawn up, and this journal has closed nothing: it was
/// restored from before it noted that, or somebody else did.
pub(super) async fn is_unknown(cx: &Context, part: &TeamPart) -> Result<Option<String>, Failure> {
    let now = cx.if_there(async || look(cx, part).await).await?;
    let Some(planned) = cx.planned_domain().and_then(|domain| domain.profile(&part.profile)) else {
        return Ok(None);
    };
    let was_closed = shuts(&planned.own);
    Ok(now.filter(|now| is_closed(now) && !was_closed).map(|_| {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        format!(
            "profile {} is closed, and was not when the plan was drawn up (StudioWebPortal {}, DefaultLandingUri {}), and this journal does not know why: a rollback leaves it as it is",
            part.profile,
            said(&planned.own.studio_web_portal),
            said(&planned.own.landing)
        )
    }))
}

/// Puts back what was set before, where ours still stands.
pub(super) async fn undo(cx: &Context, part: &TeamPart) -> Result<Vec<String>, Failure> {
    let Some(before) = cx.standing()?.noted(Step::Flip, NOTE).cloned() else {
        return is_unknown(cx, part).await.map(|remark| remark.into_iter().collect());
    };
    if cx.if_there(async || look(cx, part).await).await?.is_none() {
        return Ok(vec![format!("profile {} is gone", part.profile)]);
    }
    settled(cx, part).await?;
    let profile = look(cx, part).await?;
    let (portal, landing) = (text(&before, "portal"), text(&before, "landing"));
    let now = (&profile.settings.studio_web_portal, &profile.settings.landing);
    if now == (&portal, &landing) {
        return is_unknown(cx, part).await.map(|remark| remark.into_iter().collect());
    }
    let mut remarks = Vec::new();
    if !is_closed(&profile) && !cx.may_overwrite_changes {
        remarks.push(format!(
            "profile {} was opened since by someone else and is left as it is",
            part.profile
        ));
        return Ok(remarks);
    }
    if portal.is_none() || landing.is_none() {
        remarks.push(cannot(part));
    }
    let (portal, landing) = explicit(cx, portal, landing).await?;
    set(cx, part, &portal, &landing).await?;
    Ok(remarks)
}

fn cannot(part: &TeamPart) -> String {
    format!(
        "profile {} had no landing page of its own; AWS cannot unset one, so the domain's is set on it",
        part.profile
    )
}

/// Says what of a closing cannot be unset, by what it noted.
pub(super) fn cannot_unset(part: &TeamPart, standing: &Standing) -> Vec<String> {
    let before = standing.noted(Step::Flip, NOTE);
    let is_unset = |before: &Value| ["portal", "landing"].iter().any(|name| before[name].is_null());
    before.filter(|before| is_unset(before)).map(|_| cannot(part)).into_iter().collect()
}

/// Says so where a profile that was closed is not.
pub(super) async fn trouble(cx: &Context, part: &TeamPart) -> Result<Option<String>, Error> {
    Ok(match look(cx, part).await {
        Ok(profile) if !is_closed(&profile) => {
            Some(format!("profile {} is not closed", part.profile))
        }
        Ok(_) => None,
        // Whoever deleted it closed it for good.
        Err(error) if error.kind == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    })
}

fn is_closed(profile: &Profile) -> bool {
    shuts(&profile.settings)
}

fn shuts(settings: &Settings) -> bool {
    settings.studio_web_portal.as_deref() == Some(CLOSED)
        && settings.landing.as_deref() == Some(CLASSIC_LANDING)
}

async fn look(cx: &Context, part: &TeamPart) -> Result<Profile, Error> {
    cx.account.profile(&cx.migration.domain, &part.profile).await
}

async fn set(cx: &Context, part: &TeamPart, portal: &str, landing: &str) -> Result<(), Failure> {
    let domain = &cx.migration.domain;
    let set =
        async || cx.account.set_experience(domain, &part.profile, portal, landing, None).await;
    cx.settled(async || settled(cx, part).await, set).await
}

/// Waits until the profile is in service: AWS refuses to change one that is changing.
async fn settled(cx: &Context, part: &TeamPart) -> Result<(), Failure> {
    cx.until("the team's profile to be in service", async || {
        let profile = look(cx, part).await?;
        Ok((profile.status != "Updating" && profile.status != "Pending").then_some(()))
    })
    .await
}
