//! `cutover`: the domain-level flip, after the last batch.
//!
//! Everyone who is moved has the new landing page of their own already. This changes what the others, and profiles that are
//! made later, inherit. What was set before is in the journal first, and `--undo` puts it back.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};

use super::cutover_back::put_back;
use super::todo::standing;
use crate::aws::{self, Domain, ErrorKind};
use crate::cli::context::{Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{MigrationStanding, kind};
use crate::journal::{Journal, NewEvent};
use crate::names::{DomainId, TAG_TEAM, counted};
use crate::plan::Plan;
use crate::playbook::AutoMount;

/// The name under which a domain's settings are noted before they are overwritten.
const NOTE: &str = "domain_experience";

/// App types of Studio Classic, hidden after the cut-over. Visibility, not permission.
pub(super) const CLASSIC: [&str; 2] = ["JupyterServer", "KernelGateway"];

/// Arguments of `cutover`.
#[derive(Args, Clone, Debug)]
pub struct Cutover {
    /// This domain only; may be given several times
    #[arg(long = "domain", value_name = "ID")]
    domains: Vec<DomainId>,
    /// Cut over although people of the plan are not moved yet, or not in it, whoever they are
    #[arg(long)]
    force: bool,
    /// Cut over although this person is not moved; may be given several times
    #[arg(long = "despite", value_name = "PROFILE", conflicts_with = "force")]
    despite: Vec<String>,
    /// Put back what was set before
    #[arg(long, conflicts_with = "force")]
    undo: bool,
}

impl Cutover {
    /// Flips, or puts back, the default of every domain of the plan.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let domains = domains_of(&plan, &self.domains)?;
        self.refuse_strangers(&journal, &plan)?;
        if !self.undo && !self.force {
            refuse_unmoved(&journal, &plan, &domains, &self.despite)?;
            refuse_left_out(&journal, &plan, &domains, &self.despite)?;
        }
        drop(journal);
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        for domain in &domains {
            if self.undo {
                put_back(context, &operation, &plan, domain).await?;
            } else {
                flip(context, &operation, &plan, domain).await?;
            }
        }
        operation.end(Exit::Done)
    }
}

impl Cutover {
    /// A name that nobody has is more likely a slip than somebody.
    fn refuse_strangers(&self, journal: &Journal, plan: &Plan) -> Result<(), Failure> {
        if self.despite.is_empty() {
            return Ok(());
        }
        let snapshot = super::latest_snapshot(journal)?;
        let is_known = |name: &str| {
            plan.migrations().any(|(_, one)| one.name().as_str() == name)
                || snapshot
                    .domains
                    .iter()
                    .any(|seen| seen.profiles.iter().any(|one| one.name.as_str() == name))
        };
        match self.despite.iter().find(|name| !is_known(name)) {
            Some(stranger) => Err(Failure::usage(format!(
                "neither the plan nor the last inventory knows {stranger}"
            ))),
            None => Ok(()),
        }
    }
}

/// Returns the domains that are named, or all of the plan where none is.
pub(super) fn domains_of(plan: &Plan, named: &[DomainId]) -> Result<Vec<DomainId>, Failure> {
    let known: BTreeSet<_> =
        plan.migrations().map(|(_, migration)| migration.domain.clone()).collect();
    if let Some(stranger) = named.iter().find(|domain| !known.contains(domain)) {
        return Err(Failure::usage(format!("plan {} has nobody in {stranger}", plan.id)));
    }
    Ok(if named.is_empty() { known.into_iter().collect() } else { named.to_vec() })
}

fn refuse_unmoved(
    journal: &Journal,
    plan: &Plan,
    domains: &[DomainId],
    despite: &[String],
) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    for (_, migration) in plan.migrations() {
        if domains.contains(&migration.domain)
            && !despite.iter().any(|named| named == migration.name().as_str())
            && standing(journal, &migration.id)?.word() != MigrationStanding::Moved
        {
            waiting.push(migration.id.to_string());
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let named = waiting.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    Err(Failure::new(
        Exit::Blocked,
        format!(
            "{} not moved yet: {named}",
            counted(waiting.len() as u64, "person of the plan is", "people of the plan are")
        ),
    )
    .hinted("finish them with `studio-migrate run` (whoever was taken back, with `run --user`), or name each with --despite"))
}

/// Whoever the plan left out has no copied home, and would be led away from the old one all the same.
fn refuse_left_out(
    journal: &Journal,
    plan: &Plan,
    domains: &[DomainId],
    despite: &[String],
) -> Result<(), Failure> {
    let snapshot = super::latest_snapshot(journal)?;
    let is_person = |domain: &DomainId, who: &str| {
        snapshot
            .domains
            .iter()
            .filter(|seen| seen.id == *domain)
            .flat_map(|seen| &seen.profiles)
            .filter(|profile| profile.name.as_str() == who)
            // Whoever was made for a team leads to the new Studio from the beginning.
            .any(|profile| !profile.tags.contains_key(TAG_TEAM))
    };
    let left: Vec<_> = plan
        .left_out
        .iter()
        .filter(|left| domains.contains(&left.domain) && is_person(&left.domain, &left.who))
        .filter(|left| !despite.contains(&left.who))
        .map(|left| format!("{} ({})", left.who, left.because))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Blocked,
        format!(
            "{} not in the plan: {}",
            counted(left.len() as u64, "person of the domain is", "people of the domain are"),
            left.join("; ")
        ),
    )
    .hinted(
        "they would be led to the new Studio without their files; move them first, or name each with --despite",
    ))
}

async fn flip(
    context: &Context,
    operation: &Operation,
    plan: &Plan,
    id: &DomainId,
) -> Result<(), Failure> {
    let domain = settled(operation, id).await?;
    let experience = &plan.playbook.experience;
    let mut hidden = domain.defaults.hidden_app_types.clone();
    if experience.hide_classic {
        hidden.extend(CLASSIC.map(str::to_owned));
        hidden.sort();
        hidden.dedup();
    }
    let auto_mount = (experience.auto_mount == AutoMount::Disable).then_some("Disabled");
    set_idle(context, operation, &domain, experience.idle_shutdown_minutes).await?;
    let is_there = domain.defaults.studio_web_portal.as_deref() == Some("ENABLED")
        && domain.defaults.landing.as_deref() == Some("studio::")
        && hidden == domain.defaults.hidden_app_types
        && (auto_mount.is_none() || domain.defaults.auto_mount.as_deref() == auto_mount);
    if is_there {
        context.ui.data(format_args!("{id}: leads to the new Studio already"));
        return Ok(());
    }
    note(operation, &domain).await?;
    let hidden = (hidden != domain.defaults.hidden_app_types).then_some(hidden.as_slice());
    let flip =
        || operation.account.set_domain_experience(id, "ENABLED", "studio::", hidden, auto_mount);
    aws::wait::settled(async || settled(operation, id).await.map(drop), async || flip().await)
        .await?
        .map_err(|error| Failure::aws("flip the domain", error))?;
    context.ui.data(format_args!("{id}: new profiles now begin in the new Studio"));
    Ok(())
}

/// Lets the domain's spaces shut down after so many minutes, where the playbook says so.
async fn set_idle(
    context: &Context,
    operation: &Operation,
    domain: &Domain,
    minutes: Option<i32>,
) -> Result<(), Failure> {
    let Some(minutes) = minutes else { return Ok(()) };
    let account = &operation.account;
    let failed = |error| Failure::aws("set the idle shutdown of the domain", error);
    let now = account.domain_idle(&domain.id).await.map_err(failed)?;
    let wanted = now.after(minutes);
    if now == wanted {
        return Ok(());
    }
    note(operation, domain).await?;
    aws::wait::settled(
        async || settled(operation, &domain.id).await.map(drop),
        async || account.set_domain_idle(&domain.id, &wanted).await,
    )
    .await?
    .map_err(failed)?;
    context
        .ui
        .data(format_args!("{}: spaces shut down after {minutes} minutes without use", domain.id));
    Ok(())
}

/// Writes down what is set, before it is overwritten the first time.
async fn note(operation: &Operation, domain: &Domain) -> Result<(), Failure> {
    if noted(operation, &domain.id)?.is_some() {
        return Ok(());
    }
    let idle = operation.account.domain_idle(&domain.id).await;
    let idle = idle.map_err(|error| Failure::aws("look at the domain", error))?;
    let before = json!({
        "domain": domain.id,
        NOTE: {
            "portal": domain.defaults.studio_web_portal,
            "landing": domain.defaults.landing,
            "hidden_app_types": domain.defaults.hidden_app_types,
            "auto_mount": domain.defaults.auto_mount,
            "idle": idle,
        },
    });
    let event = NewEvent {
        operation: Some(operation.id),
        kind: kind::NOTED,
        detail: before,
        ..NewEvent::default()
    };
    operation
        .journal
        .record(&event)
        .map(drop)
        .map_err(|error| Failure::journal("note what was set before", error))
}

/// Returns what was set before the first flip that has not been put back since.
pub(super) fn noted(operation: &Operation, id: &DomainId) -> Result<Option<Value>, Failure> {
    let events = operation
        .journal
        .events()
        .map_err(|error| Failure::journal("read what was set before", error))?;
    let mut standing = None;
    for event in events {
        if event.detail.get("domain").and_then(Value::as_str) != Some(id.as_str()) {
            continue;
        }
        match event.kind.as_str() {
            kind::NOTED if standing.is_none() => standing = event.detail.get(NOTE).cloned(),
            kind::UNDO_FINISHED => standing = None,
            _ => {}
        }
    }
    Ok(standing)
}

/// Waits until the domain is in service: AWS refuses to change one that is changing.
pub(super) async fn settled(operation: &Operation, id: &DomainId) -> Result<Domain, Failure> {
    let minute = std::time::Duration::from_secs(60);
    let look = async || {
        let domain = operation.account.domain(id).await?;
        Ok((!matches!(domain.status.as_str(), "Updating" | "Pending")).then_some(domain))
    };
    match aws::wait::until(std::time::Duration::from_millis(500), 10 * minute, look).await {
        Ok(domain) if domain.status == "InService" => Ok(domain),
        Ok(domain) => {
            Err(Failure::new(Exit::Unexpected, format!("domain {id} is {}", domain.status)))
        }
        Err(aws::wait::Waited::Error(error)) if error.kind == ErrorKind::NotFound => {
            Err(Failure::usage(format!("there is no domain {id}")))
        }
        Err(aws::wait::Waited::Error(error)) => Err(Failure::aws("look at the domain", error)),
        Err(aws::wait::Waited::TimedOut) => Err(Failure::new(
            Exit::Unexpected,
            format!("domain {id} did not come into service in ten minutes"),
        )),
    }
}
