//! Flip: the person's default experience becomes the new Studio.
//!
//! - Changes: `StudioWebPortal=ENABLED` and `DefaultLandingUri=studio::` on the profile, both in one call and nothing else.
//! - Receipt: the two values before.
//! - Twice: the values before are noted before the first call; setting the same values again changes nothing.
//! - Undo: the two values are put back, but only where ours still stand. AWS has no way to unset them on a profile, so where
//!   there were none the domain's values are set, and the undo says so.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::hydrate::{change_profile, settled_profile};
use crate::aws::{ErrorKind, Profile};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::step::Step;

/// The value of `StudioWebPortal` that lets a person into the new Studio.
pub const PORTAL: &str = "ENABLED";

/// The value of `DefaultLandingUri` that leads there.
pub const LANDING: &str = "studio::";

/// The landing page of Studio Classic.
const CLASSIC_LANDING: &str = "app:JupyterServer:";

/// What flip replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `StudioWebPortal` on the profile before; `None` when it was not set there.
    pub portal_before: Option<String>,
    /// `DefaultLandingUri` on the profile before; `None` when it was not set there.
    pub landing_before: Option<String>,
}

/// Sets both values, unless they stand already.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    settled_profile(cx).await?;
    let profile = look(cx).await?;
    let before = cx.before(
        Step::Flip,
        "experience",
        json!({ "portal": profile.settings.studio_web_portal, "landing": profile.settings.landing }),
    )?;
    if !is_new(&profile) {
        set(cx, PORTAL, LANDING).await?;
    }
    Ok(Receipt { portal_before: text(&before, "portal"), landing_before: text(&before, "landing") })
}

/// Puts the two values back where ours still stand.
pub async fn undo(cx: &Context, _receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    put_back(cx).await.map_err(|failure| {
        Stuck::over(failure, format!("the landing page of profile {}", cx.migration.profile))
    })
}

async fn put_back(cx: &Context) -> Result<Vec<String>, Failure> {
    let Some(before) = cx.standing()?.noted(Step::Flip, "experience").cloned() else {
        return Ok(Vec::new());
    };
    match cx.account.profile(&cx.migration.domain, &cx.migration.profile).await {
        Ok(_) => settled_profile(cx).await?,
        Err(error) if error.kind == ErrorKind::NotFound => {
            return Ok(vec![format!(
                "profile {} is gone, and its landing page with it",
                cx.migration.profile
            )]);
        }
        Err(error) => return Err(error.into()),
    }
    let (portal, landing) = (text(&before, "portal"), text(&before, "landing"));
    let profile = look(cx).await?;
    if (&profile.settings.studio_web_portal, &profile.settings.landing) == (&portal, &landing) {
        return Ok(Vec::new());
    }
    if !is_new(&profile) {
        return Ok(vec![format!(
            "the landing page of {} was changed since by someone else and is left as it is",
            cx.migration.profile
        )]);
    }
    let mut remarks = Vec::new();
    if portal.is_none() || landing.is_none() {
        remarks.push(format!(
            "profile {} had no landing page of its own; AWS cannot unset one, so the domain's is now set on it",
            cx.migration.profile
        ));
    }
    let (portal, landing) = explicit(cx, portal, landing).await?;
    if (profile.settings.studio_web_portal.as_ref(), profile.settings.landing.as_ref())
        != (Some(&portal), Some(&landing))
    {
        set(cx, &portal, &landing).await?;
    }
    Ok(remarks)
}

async fn set(cx: &Context, portal: &str, landing: &str) -> Result<(), Failure> {
    let (domain, profile) = (&cx.migration.domain, &cx.migration.profile);
    change_profile(cx, async || cx.account.set_experience(domain, profile, portal, landing).await)
        .await
}

/// Fills what was not set on the profile from the domain, and from AWS's default where the domain is silent too.
async fn explicit(
    cx: &Context,
    portal: Option<String>,
    landing: Option<String>,
) -> Result<(String, String), Failure> {
    if let (Some(portal), Some(landing)) = (&portal, &landing) {
        return Ok((portal.clone(), landing.clone()));
    }
    let domain = cx.account.domain(&cx.migration.domain).await?;
    let portal = portal.or(domain.defaults.studio_web_portal).unwrap_or_else(|| PORTAL.to_owned());
    let fitting = if portal == PORTAL { LANDING } else { CLASSIC_LANDING };
    Ok((portal, landing.or(domain.defaults.landing).unwrap_or_else(|| fitting.to_owned())))
}

async fn look(cx: &Context) -> Result<Profile, Failure> {
    Ok(cx.account.profile(&cx.migration.domain, &cx.migration.profile).await?)
}

/// Tells whether a profile leads to the new Studio by its own settings.
pub(super) fn is_new(profile: &Profile) -> bool {
    profile.settings.studio_web_portal.as_deref() == Some(PORTAL)
        && profile.settings.landing.as_deref() == Some(LANDING)
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}
