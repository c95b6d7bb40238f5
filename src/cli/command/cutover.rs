//! `cutover`: the domain-level flip, after the last batch.
//!
//! Everyone who is moved has the new landing page of their own already. This changes what the others, and profiles that are
//! made later, inherit. What was set before is in the journal first, and `--undo` puts it back.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::cutover_back::put_back;
use super::cutover_hidden as hidden;
use super::cutover_notes::{self as notes, Ours};
use crate::aws::{self, Domain, DomainIdle, ErrorKind, Reader};
use crate::cli::context::{Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::DomainId;
use crate::plan::Plan;
use crate::playbook::AutoMount;

/// App types of Studio Classic, hidden after the cut-over. Visibility, not permission.
pub(super) const CLASSIC: [&str; 2] = ["JupyterServer", "KernelGateway"];

/// Between two looks at a domain that is changing, and how long that may take.
const LOOKS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(600));

/// Arguments of `cutover`.
#[derive(Args, Clone, Debug)]
pub struct Cutover {
    /// This domain only; may be given several times
    #[arg(long = "domain", value_name = "ID")]
    domains: Vec<DomainId>,
    /// Cut over although people of the plan are not moved yet, or not in it, whoever they are
    #[arg(long)]
    pub(super) force: bool,
    /// Cut over although this person, `name` or `domain/name`, is not moved; may be given several times
    #[arg(long = "despite", value_name = "PROFILE", conflicts_with = "force")]
    pub(super) despite: Vec<String>,
    /// Put back what was set before
    #[arg(long, conflicts_with = "force")]
    pub(super) undo: bool,
    /// Say what would be set, and who stands in the way, and make no call that changes anything
    #[arg(long)]
    dry_run: bool,
}

impl Cutover {
    /// Flips, or puts back, the default of every domain of the plan.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let snapshot = super::latest_snapshot(&journal)?;
        let domains = self.chosen(&journal, &plan)?;
        self.refuse_strangers(&plan, &snapshot)?;
        if self.dry_run {
            return self.foretell(context, &journal, &plan, &snapshot, &domains).await;
        }
        self.refuse_others(&journal, &plan, &snapshot, &domains)?;
        drop(journal);
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        for domain in &domains {
            if self.undo {
                put_back(context, &operation, &plan, domain).await?;
            } else {
                flip(context, &operation, &plan, domain).await?;
            }
        }
        self.name_the_rest(context, &snapshot, &domains);
        if !self.undo {
            let of = (&plan, domains.as_slice());
            hidden::name(context, &operation.account, &operation.journal, of).await?;
        }
        operation.end(Exit::Done)
    }

    /// Says what would be set, and then who stands in the way.
    async fn foretell(
        &self,
        context: &Context,
        journal: &Journal,
        plan: &Plan,
        snapshot: &Snapshot,
        domains: &[DomainId],
    ) -> Result<Exit, Failure> {
        let reader = context.reader(plan.playbook.limits.calls_per_second).await?;
        context.journal_of(&reader)?;
        for id in domains {
            let said = if self.undo {
                super::cutover_back::foretold(&reader, journal, plan, id).await?
            } else {
                let (domain, idle) = look(&reader, id).await?;
                Change::of(plan, &domain, idle).said
            };
            if said.is_empty() {
                context.ui.data(format_args!("{id}: nothing would be changed"));
            }
            said.iter().for_each(|said| context.ui.data(format_args!("{id}: would be: {said}")));
        }
        self.name_the_rest(context, snapshot, domains);
        if !self.undo {
            hidden::name(context, &reader, journal, (plan, domains)).await?;
        }
        self.refuse_others(journal, plan, snapshot, domains)?;
        context.ui.data("Nothing was changed");
        Ok(Exit::Done)
    }

    /// The domains that are named, or all of the plan; what is put back may be of an earlier plan.
    fn chosen(&self, journal: &Journal, plan: &Plan) -> Result<Vec<DomainId>, Failure> {
        if !self.undo {
            return domains_of(plan, &self.domains);
        }
        let mut known = notes::domains(journal)?;
        known.extend(domains_of(plan, &[])?);
        if let Some(stranger) = self.domains.iter().find(|domain| !known.contains(domain)) {
            return Err(Failure::usage(format!("this journal knows nothing of {stranger}")));
        }
        let is_all = self.domains.is_empty();
        Ok(if is_all { known.into_iter().collect() } else { self.domains.clone() })
    }

    /// A domain without anybody of the plan is not cut over, and not in silence.
    fn name_the_rest(&self, context: &Context, snapshot: &Snapshot, domains: &[DomainId]) {
        if self.undo || !self.domains.is_empty() {
            return;
        }
        for seen in snapshot.domains.iter().filter(|seen| !domains.contains(&seen.id)) {
            context.ui.warning(format_args!(
                "{}: stays as it is, because nobody of the plan is in it",
                seen.id
            ));
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

/// What a cut-over changes of a domain.
struct Change {
    /// What it sets; nothing of what stands already.
    ours: Ours,
    /// Whether the landing page is changed.
    leads: bool,
    idle: Option<DomainIdle>,
    /// All of it, in words.
    said: Vec<String>,
}

impl Change {
    fn of(plan: &Plan, domain: &Domain, idle: DomainIdle) -> Self {
        let (experience, now) = (&plan.playbook.experience, &domain.defaults);
        let (mut ours, mut said) = (Ours::default(), Vec::new());
        let leading = [
            ("StudioWebPortal", &now.studio_web_portal, "ENABLED"),
            ("DefaultLandingUri", &now.landing, "studio::"),
        ];
        let leading: Vec<_> = leading
            .into_iter()
            .filter(|(_, is, wanted)| is.as_deref() != Some(*wanted))
            .map(|(name, is, wanted)| {
                format!("{name} {} → {wanted}", is.as_deref().unwrap_or("not set"))
            })
            .collect();
        let leads = !leading.is_empty();
        said.extend(leads.then(|| leading.join(", ")));
        let is_shown = |kind: &&str| !now.hidden_app_types.iter().any(|hidden| hidden == kind);
        let added: Vec<&str> = CLASSIC.into_iter().filter(is_shown).collect();
        if experience.hide_classic && !added.is_empty() {
            said.push(format!("app types hidden: {}", added.join(", ")));
            let mut hidden = now.hidden_app_types.clone();
            hidden.extend(added.into_iter().map(str::to_owned));
            hidden.sort();
            ours.hidden = Some(hidden);
        }
        let mount = now.auto_mount.as_deref();
        if experience.auto_mount == AutoMount::Disable && mount != Some("Disabled") {
            said.push(format!("AutoMountHomeEFS {} → Disabled", mount.unwrap_or("not set")));
            ours.auto_mount = Some("Disabled".to_owned());
        }
        ours.idle_minutes = experience.idle_shutdown_minutes.filter(|it| idle.after(*it) != idle);
        said.extend(
            ours.idle_minutes
                .map(|minutes| format!("spaces shut down after {minutes} minutes without use")),
        );
        let idle = ours.idle_minutes.map(|minutes| idle.after(minutes));
        Self { ours, leads, idle, said }
    }
}

async fn flip(
    context: &Context,
    operation: &Operation,
    plan: &Plan,
    id: &DomainId,
) -> Result<(), Failure> {
    let account = &operation.account;
    let (domain, idle) = look(account, id).await?;
    let Change { ours, leads, idle: wanted, said } = Change::of(plan, &domain, idle);
    if said.is_empty() {
        context.ui.data(format_args!("{id}: leads to the new Studio already, nothing is changed"));
        return Ok(());
    }
    notes::note(operation, &domain, idle, &ours)?;
    let settle = async || settled(account, id).await.map(drop);
    if let Some(idle) = wanted {
        let set = async || account.set_domain_idle(id, &idle).await;
        aws::wait::settled(settle, set)
            .await?
            .map_err(|error| Failure::aws("set the idle shutdown of the domain", error))?;
    }
    let (hidden, mount) = (ours.hidden.as_deref(), ours.auto_mount.as_deref());
    if leads || hidden.is_some() || mount.is_some() {
        let set =
            async || account.set_domain_experience(id, "ENABLED", "studio::", hidden, mount).await;
        aws::wait::settled(settle, set)
            .await?
            .map_err(|error| Failure::aws("flip the domain", error))?;
    }
    said.iter().for_each(|said| context.ui.data(format_args!("{id}: {said}")));
    if leads {
        context.ui.data(format_args!("{id}: new profiles now begin in the new Studio"));
    }
    Ok(())
}

/// Looks at a domain, once it is in service, and at its idle shutdown.
pub(super) async fn look(reader: &Reader, id: &DomainId) -> Result<(Domain, DomainIdle), Failure> {
    let domain = settled(reader, id).await?;
    let idle = reader.domain_idle(id).await;
    Ok((domain, idle.map_err(|error| Failure::aws("look at the domain", error))?))
}

/// Waits until the domain is in service: AWS refuses to change one that is changing.
pub(super) async fn settled(reader: &Reader, id: &DomainId) -> Result<Domain, Failure> {
    let look = async || {
        let domain = reader.domain(id).await?;
        Ok((!matches!(domain.status.as_str(), "Updating" | "Pending")).then_some(domain))
    };
    match aws::wait::until(LOOKS.0, LOOKS.1, look).await {
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
