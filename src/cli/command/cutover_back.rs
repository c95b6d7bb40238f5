//! `cutover --undo`: what was set before stands again, but only where ours still does. What somebody set since is theirs.

use serde_json::{Value, json};

use super::cutover::{CLASSIC, noted, settled};
use crate::aws::{self, Domain, DomainIdle};
use crate::cli::context::Operation;
use crate::cli::{Context, Failure};
use crate::execute::kind;
use crate::journal::NewEvent;
use crate::names::DomainId;
use crate::plan::Plan;
use crate::playbook::AutoMount;

/// What is to be set again. Of what is `None` AWS has what it should, or somebody else's.
struct Back {
    portal: String,
    landing: String,
    hidden: Option<Vec<String>>,
    auto_mount: Option<String>,
    idle: Option<DomainIdle>,
    /// What somebody changed since.
    stays: Vec<&'static str>,
}

impl Back {
    fn of(before: &Value, now: &Domain, now_idle: DomainIdle, plan: &Plan) -> Self {
        let mut stays = Vec::new();
        let text = |name: &str| before.get(name).and_then(Value::as_str).map(str::to_owned);
        let current = (now.defaults.studio_web_portal.clone(), now.defaults.landing.clone());
        let is_ours = current == (Some("ENABLED".to_owned()), Some("studio::".to_owned()));
        let (portal, landing) =
            if is_ours { (text("portal"), text("landing")) } else { current.clone() };
        if !is_ours && current != (text("portal"), text("landing")) {
            stays.push("the landing page");
        }
        let portal = portal.unwrap_or_else(|| "ENABLED".to_owned());
        let fitting = if portal == "ENABLED" { "studio::" } else { "app:JupyterServer:" };
        let landing = landing.unwrap_or_else(|| fitting.to_owned());

        let listed = before.get("hidden_app_types").cloned().unwrap_or_default();
        let hidden_before: Vec<String> = serde_json::from_value(listed).unwrap_or_default();
        let mut ours = [hidden_before.clone(), CLASSIC.map(str::to_owned).to_vec()].concat();
        ours.sort();
        ours.dedup();
        let mut hidden = None;
        if now.defaults.hidden_app_types == ours {
            hidden = Some(hidden_before);
        } else if now.defaults.hidden_app_types != hidden_before {
            stays.push("what is hidden");
        }

        let experience = &plan.playbook.experience;
        let mount_before = text("auto_mount");
        let is_off = now.defaults.auto_mount.as_deref() == Some("Disabled");
        let mut auto_mount = None;
        if experience.auto_mount == AutoMount::Disable && is_off {
            // Unset means enabled, and AWS cannot unset it.
            auto_mount = Some(mount_before.unwrap_or_else(|| "Enabled".to_owned()));
        } else if now.defaults.auto_mount != mount_before {
            stays.push("the auto-mount");
        }

        let noted = before.get("idle").cloned().unwrap_or_default();
        let idle_before: Option<DomainIdle> = serde_json::from_value(noted).ok();
        let mut idle = None;
        if let (Some(minutes), Some(before)) = (experience.idle_shutdown_minutes, idle_before) {
            if now_idle == before.after(minutes) {
                idle = Some(before);
            } else if now_idle != before {
                stays.push("the idle shutdown");
            }
        }
        Self { portal, landing, hidden, auto_mount, idle, stays }
    }
}

/// Puts a domain back as far as ours still stands, and says what does not.
pub(super) async fn put_back(
    context: &Context,
    operation: &Operation,
    plan: &Plan,
    id: &DomainId,
) -> Result<(), Failure> {
    let Some(before) = noted(operation, id)? else {
        context.ui.data(format_args!("{id}: was never cut over, nothing to put back"));
        return Ok(());
    };
    let failed = |error| Failure::aws("put the domain back", error);
    let account = &operation.account;
    let now = settled(operation, id).await?;
    let now_idle = account.domain_idle(id).await.map_err(failed)?;
    let back = Back::of(&before, &now, now_idle, plan);
    let (portal, landing) = (&back.portal, &back.landing);
    let (hidden, mount) = (back.hidden.as_deref(), back.auto_mount.as_deref());
    let settle = async || settled(operation, id).await.map(drop);
    let change = async || account.set_domain_experience(id, portal, landing, hidden, mount).await;
    aws::wait::settled(settle, change).await?.map_err(failed)?;
    if let Some(idle) = &back.idle {
        let change = async || account.set_domain_idle(id, idle).await;
        aws::wait::settled(settle, change).await?.map_err(failed)?;
    }
    let event = NewEvent {
        operation: Some(operation.id),
        kind: kind::UNDO_FINISHED,
        detail: json!({ "domain": id, "stays": back.stays }),
        ..NewEvent::default()
    };
    operation.journal.record(&event).map_err(|error| Failure::journal("end", error))?;
    context.ui.data(format_args!("{id}: {portal} and {landing} stand again"));
    if !back.stays.is_empty() {
        context.ui.warning(format_args!(
            "{id}: somebody changed {} since, and that stays",
            back.stays.join(" and ")
        ));
    }
    Ok(())
}
