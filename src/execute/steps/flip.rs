//! Flip: the person's default experience becomes the new Studio.
//!
//! - Changes: `StudioWebPortal=ENABLED` and `DefaultLandingUri=studio::` on the profile, both in one call. Where the plan hides
//!   something from the person, the lists of hidden app types and tools go along; what was hidden before stays hidden.
//! - Receipt: the values before.
//! - Twice: the values before are noted before the first call; setting the same values again changes nothing.
//! - Undo: the values are put back, but only where ours still stand. AWS has no way to unset them on a profile, so where
//!   there were none the domain's values are set, and the undo says so.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::closing;
use super::hydrate::{change_profile, settled_profile};
use crate::aws::{ErrorKind, Hidden, Profile, Settings};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::standing::Standing;
use crate::execute::step::Step;
use crate::plan::Migration;

/// The value of `StudioWebPortal` that lets a person into the new Studio.
pub const PORTAL: &str = "ENABLED";

/// The value of `DefaultLandingUri` that leads there.
pub const LANDING: &str = "studio::";

/// The note of what was hidden.
const HIDDEN: &str = "hidden";

/// The landing page of Studio Classic.
pub(super) const CLASSIC_LANDING: &str = "app:JupyterServer:";

/// What flip replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `StudioWebPortal` on the profile before; `None` when it was not set there.
    pub portal_before: Option<String>,
    /// `DefaultLandingUri` on the profile before; `None` when it was not set there.
    pub landing_before: Option<String>,
    /// What was hidden from the person and what is now, where the plan hides something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Change>,
}

/// What is hidden from a person, on the profile itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Before.
    pub before: Hidden,
    /// Now.
    pub ours: Hidden,
}

/// Sets both values, unless they stand already. Nothing is set for a shared space, but what a team shared is closed.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    if let Some(part) = closing::of(&cx.migration) {
        return closing::perform(cx, part).await;
    }
    // A shared space leads nobody anywhere: the landing page is its people's.
    if cx.migration.shared.is_some() {
        return Ok(Receipt::default());
    }
    let profile = settled_profile(cx).await?;
    let before = cx.before(
        Step::Flip,
        "experience",
        json!({ "portal": profile.settings.studio_web_portal, "landing": profile.settings.landing }),
    )?;
    if let Some(remark) = led_there_before(cx, &before) {
        cx.remark(remark);
    }
    let hidden = to_hide(cx, &profile).await?;
    let ours = hidden.as_ref().map(|change| &change.ours);
    if !is_new(&profile) || ours.is_some_and(|ours| *ours != hidden_on(&profile)) {
        set(cx, PORTAL, LANDING, ours).await?;
    }
    Ok(Receipt {
        portal_before: text(&before, "portal"),
        landing_before: text(&before, "landing"),
        hidden,
    })
}

/// Says so where the values noted are the new ones already, and those that the plan was drawn up from are not: somebody else
/// set them, or this journal was restored from before it noted what a flip replaced. A rollback cannot tell, and leaves them.
fn led_there_before(cx: &Context, noted: &Value) -> Option<String> {
    let noted = (text(noted, "portal"), text(noted, "landing"));
    if (noted.0.as_deref(), noted.1.as_deref()) != (Some(PORTAL), Some(LANDING)) {
        return None;
    }
    let own = cx.planned_settings()?;
    let planned = (own.studio_web_portal.clone(), own.landing.clone());
    if planned == noted {
        return None;
    }
    let said = |value: Option<String>| value.unwrap_or_else(|| "not set".to_owned());
    Some(format!(
        "profile {} led to the new Studio already, as far as this journal knows, and when the plan was drawn up it did not (StudioWebPortal {}, DefaultLandingUri {}): a rollback leaves it as it is",
        cx.migration.profile,
        said(planned.0),
        said(planned.1)
    ))
}

/// Says so where the profile leads to the new Studio, did not when the plan was drawn up, and this journal flipped nothing.
pub(in crate::execute) async fn is_unknown(cx: &Context) -> Result<Option<String>, Failure> {
    if let Some(part) = closing::of(&cx.migration) {
        return closing::is_unknown(cx, part).await;
    }
    if cx.migration.shared.is_some() {
        return Ok(None);
    }
    match cx.account.profile(&cx.migration.domain, &cx.migration.profile).await {
        Ok(profile) => {
            let Settings { studio_web_portal, landing, .. } = profile.settings;
            let now = json!({ "portal": studio_web_portal, "landing": landing });
            Ok(led_there_before(cx, &now))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is to be hidden on the profile, noted together with what is hidden now before it is first changed.
async fn to_hide(cx: &Context, profile: &Profile) -> Result<Option<Change>, Failure> {
    let Some(visibility) = &cx.migration.visibility else { return Ok(None) };
    let domain = cx.account.domain(&cx.migration.domain).await?;
    let effective = profile.settings.over(&domain.defaults);
    let both = |hidden: Vec<String>, more: &[String]| -> Vec<String> {
        hidden
            .into_iter()
            .chain(more.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    let change = Change {
        before: hidden_on(profile),
        ours: Hidden {
            app_types: both(effective.hidden_app_types, &visibility.app_types),
            tools: both(effective.hidden_tools, &visibility.tools),
        },
    };
    let noted = cx.before(Step::Flip, HIDDEN, json!(change))?;
    serde_json::from_value(noted).map(Some).map_err(|error| Failure::new(error.to_string()))
}

/// What the profile itself hides, in the order of names.
pub(super) fn hidden_on(profile: &Profile) -> Hidden {
    let sorted =
        |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    Hidden {
        app_types: sorted(&profile.settings.hidden_app_types),
        tools: sorted(&profile.settings.hidden_tools),
    }
}

/// Puts the two values back where ours still stand.
pub async fn undo(cx: &Context, _receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    if let Some(part) = closing::of(&cx.migration) {
        return closing::undo(cx, part).await.map_err(|failure| {
            Stuck::over(failure, format!("the landing page of profile {}", part.profile))
        });
    }
    put_back(cx).await.map_err(|failure| {
        Stuck::over(failure, format!("the landing page of profile {}", cx.migration.profile))
    })
}

/// Says what of a flip cannot be unset, by what it noted.
pub(in crate::execute) fn cannot_unset(migration: &Migration, standing: &Standing) -> Vec<String> {
    if let Some(part) = closing::of(migration) {
        return closing::cannot_unset(part, standing);
    }
    let mut said = Vec::new();
    let before = standing.noted(Step::Flip, "experience");
    if before.is_some_and(|before| ["portal", "landing"].iter().any(|name| before[name].is_null()))
    {
        said.push(format!(
            "profile {} had no landing page of its own; AWS cannot unset one, so the domain's will be set on it",
            migration.profile
        ));
    }
    let hidden = standing.noted(Step::Flip, HIDDEN).cloned();
    let change = hidden.and_then(|hidden| serde_json::from_value::<Change>(hidden).ok());
    if change.is_some_and(|change| change.before == Hidden::default()) {
        said.push(format!(
            "profile {} hid nothing of its own; AWS cannot unset such lists, so the domain's will be set on it",
            migration.profile
        ));
    }
    said
}

async fn put_back(cx: &Context) -> Result<Vec<String>, Failure> {
    let Some(before) = cx.standing()?.noted(Step::Flip, "experience").cloned() else {
        return is_unknown(cx).await.map(|remark| remark.into_iter().collect());
    };
    let (domain, name) = (&cx.migration.domain, &cx.migration.profile);
    if cx.if_there(async || cx.account.profile(domain, name).await).await?.is_none() {
        return Ok(vec![format!("profile {name} is gone, and its landing page with it")]);
    }
    let profile = settled_profile(cx).await?;
    let (portal, landing) = (text(&before, "portal"), text(&before, "landing"));
    let mut remarks = Vec::new();
    let hidden = to_show_again(cx, &profile, &mut remarks).await?;
    let is_back =
        (&profile.settings.studio_web_portal, &profile.settings.landing) == (&portal, &landing);
    if is_back && hidden.is_none() {
        remarks.extend(led_there_before(cx, &before));
        return Ok(remarks);
    }
    let is_another_s = !is_back && !is_new(&profile);
    if is_another_s && cx.may_overwrite_changes {
        remarks.push(format!(
            "the landing page of {} was changed since by someone else, and was put back all the same",
            cx.migration.profile
        ));
    } else if is_another_s {
        remarks.push(format!(
            "the landing page of {} was changed since by someone else and is left as it is, with what is hidden",
            cx.migration.profile
        ));
        return Ok(remarks);
    }
    if portal.is_none() || landing.is_none() {
        remarks.push(format!(
            "profile {} had no landing page of its own; AWS cannot unset one, so the domain's, as it was before it was cut over, is now set on it",
            cx.migration.profile
        ));
    }
    let (portal, landing) = explicit(cx, portal, landing).await?;
    if landing == CLASSIC_LANDING && is_classic_hidden(cx).await? {
        remarks.push(format!(
            "domain {} hides Classic from everyone since it was cut over, and so from {}: `studio-migrate cutover --undo --domain {}` shows it again",
            cx.migration.domain, cx.migration.profile, cx.migration.domain
        ));
    }
    if (profile.settings.studio_web_portal.as_ref(), profile.settings.landing.as_ref())
        != (Some(&portal), Some(&landing))
        || hidden.is_some()
    {
        set(cx, &portal, &landing, hidden.as_ref()).await?;
    }
    Ok(remarks)
}

/// Says so where a flip was to hide something, the journal does not know what was hidden before, and more is hidden now than
/// when the plan was drawn up.
fn hides_what_nobody_knows(cx: &Context, profile: &Profile) -> Option<String> {
    cx.migration.visibility.as_ref()?;
    let own = cx.planned_settings()?;
    let was = |names: &[String], name: &String| names.contains(name);
    let now = hidden_on(profile);
    let is_as_planned = now.app_types.iter().all(|one| was(&own.hidden_app_types, one))
        && now.tools.iter().all(|one| was(&own.hidden_tools, one));
    (!is_as_planned).then(|| {
        format!(
            "profile {} hides more than when the plan was drawn up, and this journal does not know of it: a rollback leaves that as it is",
            cx.migration.profile
        )
    })
}

/// What the profile hid before, where it still hides what the flip made it hide.
async fn to_show_again(
    cx: &Context,
    profile: &Profile,
    remarks: &mut Vec<String>,
) -> Result<Option<Hidden>, Failure> {
    let Some(noted) = cx.standing()?.noted(Step::Flip, HIDDEN).cloned() else {
        remarks.extend(hides_what_nobody_knows(cx, profile));
        return Ok(None);
    };
    let change: Change =
        serde_json::from_value(noted).map_err(|error| Failure::new(error.to_string()))?;
    let now = hidden_on(profile);
    if now == change.before {
        return Ok(None);
    }
    if now != change.ours && cx.may_overwrite_changes {
        remarks.push(format!(
            "what is hidden from {} was changed since by someone else, and was put back all the same",
            cx.migration.profile
        ));
    } else if now != change.ours {
        remarks.push(format!(
            "what is hidden from {} was changed since by someone else and is left as it is",
            cx.migration.profile
        ));
        return Ok(None);
    }
    if change.before != Hidden::default() {
        return Ok(Some(change.before));
    }
    // A list on the profile hides the domain's, and there is no way to unset one.
    remarks.push(format!(
        "profile {} hid nothing of its own; AWS cannot unset such lists, so the domain's are now set on it",
        cx.migration.profile
    ));
    let defaults = cx.account.domain(&cx.migration.domain).await?.defaults;
    Ok(Some(Hidden { app_types: defaults.hidden_app_types, tools: defaults.hidden_tools }))
}

/// Tells whether the domain hides Studio Classic from everyone.
async fn is_classic_hidden(cx: &Context) -> Result<bool, Failure> {
    let defaults = cx.account.domain(&cx.migration.domain).await?.defaults;
    Ok(defaults.hidden_app_types.iter().any(|hidden| hidden == "JupyterServer"))
}

async fn set(
    cx: &Context,
    portal: &str,
    landing: &str,
    hidden: Option<&Hidden>,
) -> Result<(), Failure> {
    let (domain, profile) = (&cx.migration.domain, &cx.migration.profile);
    let set = async || cx.account.set_experience(domain, profile, portal, landing, hidden).await;
    change_profile(cx, set).await
}

/// Fills what was not set on the profile from the domain as it was when the plan was drawn up, since it may have been cut over
/// meanwhile, or when it was first seen, where that plan is of after the cut-over; and from AWS's default where the domain was
/// silent too.
pub(super) async fn explicit(
    cx: &Context,
    portal: Option<String>,
    landing: Option<String>,
) -> Result<(String, String), Failure> {
    if let (Some(portal), Some(landing)) = (&portal, &landing) {
        return Ok((portal.clone(), landing.clone()));
    }
    let defaults = match cx.planned_domain() {
        Some(planned) if leads_to_new(&planned.defaults) => {
            cx.defaults_at_first().unwrap_or(&planned.defaults).clone()
        }
        Some(planned) => planned.defaults.clone(),
        None => cx.account.domain(&cx.migration.domain).await?.defaults,
    };
    let portal = portal.or(defaults.studio_web_portal).unwrap_or_else(|| PORTAL.to_owned());
    let fitting = if portal == PORTAL { LANDING } else { CLASSIC_LANDING };
    Ok((portal, landing.or(defaults.landing).unwrap_or_else(|| fitting.to_owned())))
}

/// Tells whether a profile leads to the new Studio by its own settings.
pub(super) fn is_new(profile: &Profile) -> bool {
    leads_to_new(&profile.settings)
}

fn leads_to_new(settings: &Settings) -> bool {
    settings.studio_web_portal.as_deref() == Some(PORTAL)
        && settings.landing.as_deref() == Some(LANDING)
}

pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}
