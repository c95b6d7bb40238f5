//! `cutover --undo`: what was set before stands again, but only where ours still does. What somebody set since is theirs.
//!
//! What is back already is no change of anybody's: an undo that was killed is finished by the next.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cutover::{CLASSIC, look, settled};
use super::cutover_notes::{self as notes, Noted, Ours};
use crate::aws::{self, Domain, DomainIdle, Reader};
use crate::cli::context::Operation;
use crate::cli::{Context, Failure};
use crate::journal::Journal;
use crate::names::DomainId;
use crate::plan::Plan;
use crate::playbook::AutoMount;

/// What is to be set again; `None` of what is as it was, or somebody else's.
#[derive(Default)]
struct Back {
    /// `StudioWebPortal` and `DefaultLandingUri`.
    landing: Option<(String, String)>,
    hidden: Option<Vec<String>>,
    auto_mount: Option<String>,
    idle: Option<DomainIdle>,
    /// What somebody changed since.
    stays: Vec<&'static str>,
}

impl Back {
    fn of(noted: &Noted, now: &Domain, now_idle: DomainIdle, plan: &Plan) -> Self {
        let before = &noted.before;
        let ours = noted.ours.clone().unwrap_or_else(|| by_playbook(before, plan));
        let mut back = Self::default();
        back.landing(before, now);
        back.hidden(before, now, &ours);
        back.auto_mount(before, now, &ours);
        let idle_before = before.get("idle").cloned().unwrap_or_default();
        let idle_before: Option<DomainIdle> = serde_json::from_value(idle_before).ok();
        if let (Some(minutes), Some(before)) = (ours.idle_minutes, idle_before) {
            if now_idle == before.after(minutes) {
                back.idle = Some(before).filter(|before| *before != now_idle);
            } else if !now_idle.is_as(&before) {
                back.stays.push("the idle shutdown");
            }
        }
        back
    }

    fn landing(&mut self, before: &Value, now: &Domain) {
        let (portal, landing) = (text(before, "portal"), text(before, "landing"));
        let wanted = explicit(portal.clone(), landing.clone());
        let is = (now.defaults.studio_web_portal.clone(), now.defaults.landing.clone());
        let is_back =
            is == (portal, landing) || is == (Some(wanted.0.clone()), Some(wanted.1.clone()));
        if is_back {
            return;
        }
        if is == (Some("ENABLED".to_owned()), Some("studio::".to_owned())) {
            self.landing = Some(wanted);
        } else {
            self.stays.push("the landing page");
        }
    }

    fn hidden(&mut self, before: &Value, now: &Domain, ours: &Ours) {
        let listed = before.get("hidden_app_types").cloned().unwrap_or_default();
        let before: Vec<String> = serde_json::from_value(listed).unwrap_or_default();
        let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        let is = set(&now.defaults.hidden_app_types);
        if is == set(&before) {
            return;
        }
        if ours.hidden.as_ref().is_some_and(|ours| set(ours) == is) {
            self.hidden = Some(before);
        } else {
            self.stays.push("what is hidden");
        }
    }

    fn auto_mount(&mut self, before: &Value, now: &Domain, ours: &Ours) {
        // Unset means enabled, and AWS cannot unset it.
        let before = text(before, "auto_mount").unwrap_or_else(|| "Enabled".to_owned());
        let is = now.defaults.auto_mount.as_deref().unwrap_or("Enabled");
        if is == before {
            return;
        }
        if ours.auto_mount.as_deref() == Some(is) {
            self.auto_mount = Some(before);
        } else {
            self.stays.push("the auto-mount");
        }
    }

    /// All of it, in words.
    fn said(&self) -> Vec<String> {
        let landing = self.landing.as_ref().map(|(portal, landing)| {
            format!("StudioWebPortal={portal} and DefaultLandingUri={landing} set again")
        });
        let hidden = self.hidden.as_ref().map(|hidden| match hidden.as_slice() {
            [] => "no app types hidden any more".to_owned(),
            hidden => format!("app types hidden as before: {}", hidden.join(", ")),
        });
        let mount = self.auto_mount.as_ref().map(|is| format!("AutoMountHomeEFS={is} set again"));
        let idle = self.idle.map(|_| "the idle shutdown set as before".to_owned());
        [landing, hidden, mount, idle].into_iter().flatten().collect()
    }

    fn stays_said(&self) -> Option<String> {
        let stays = self.stays.join(" and ");
        (!stays.is_empty()).then(|| format!("somebody changed {stays} since, and that stays"))
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A landing page as it can be set: AWS cannot unset one.
fn explicit(portal: Option<String>, landing: Option<String>) -> (String, String) {
    let portal = portal.unwrap_or_else(|| "ENABLED".to_owned());
    let fitting = if portal == "ENABLED" { "studio::" } else { "app:JupyterServer:" };
    let landing = landing.unwrap_or_else(|| fitting.to_owned());
    (portal, landing)
}

/// What a version of this tool set that did not note it.
fn by_playbook(before: &Value, plan: &Plan) -> Ours {
    let experience = &plan.playbook.experience;
    let listed = before.get("hidden_app_types").cloned().unwrap_or_default();
    let hidden: Vec<String> = serde_json::from_value(listed).unwrap_or_default();
    let off = experience.auto_mount == AutoMount::Disable;
    Ours {
        hidden: Some([hidden, CLASSIC.map(str::to_owned).to_vec()].concat()),
        auto_mount: off.then(|| "Disabled".to_owned()),
        idle_minutes: experience.idle_shutdown_minutes,
    }
}

/// Says what would be put back.
pub(super) async fn foretold(
    reader: &Reader,
    journal: &Journal,
    plan: &Plan,
    id: &DomainId,
) -> Result<Vec<String>, Failure> {
    let Some(noted) = notes::noted(journal, id)? else { return Ok(Vec::new()) };
    let (now, now_idle) = look(reader, id).await?;
    let back = Back::of(&noted, &now, now_idle, plan);
    Ok(back.said().into_iter().chain(back.stays_said()).collect())
}

/// Puts a domain back as far as ours still stands, and says what does not.
pub(super) async fn put_back(
    context: &Context,
    operation: &Operation,
    plan: &Plan,
    id: &DomainId,
) -> Result<(), Failure> {
    let Some(noted) = notes::noted(&operation.journal, id)? else {
        context.ui.data(format_args!("{id}: no cut-over stands there, nothing to put back"));
        return Ok(());
    };
    let failed = |error| Failure::aws("put the domain back", error);
    let account = &operation.account;
    let (now, now_idle) = look(account, id).await?;
    let back = Back::of(&noted, &now, now_idle, plan);
    let (hidden, mount) = (back.hidden.as_deref(), back.auto_mount.as_deref());
    let settle = async || settled(account, id).await.map(drop);
    if back.landing.is_some() || hidden.is_some() || mount.is_some() {
        let is = || explicit(now.defaults.studio_web_portal.clone(), now.defaults.landing.clone());
        let (portal, landing) = back.landing.clone().unwrap_or_else(is);
        let change =
            async || account.set_domain_experience(id, &portal, &landing, hidden, mount).await;
        aws::wait::settled(settle, change).await?.map_err(failed)?;
    }
    if let Some(idle) = &back.idle {
        let change = async || account.set_domain_idle(id, idle).await;
        aws::wait::settled(settle, change).await?.map_err(failed)?;
    }
    notes::put_back(operation, id, &back.stays)?;
    let said = back.said();
    if said.is_empty() && back.stays.is_empty() {
        context.ui.data(format_args!("{id}: is as it was before the cut-over"));
    }
    said.iter().for_each(|said| context.ui.data(format_args!("{id}: {said}")));
    if let Some(stays) = back.stays_said() {
        context.ui.warning(format_args!("{id}: {stays}"));
    }
    Ok(())
}
