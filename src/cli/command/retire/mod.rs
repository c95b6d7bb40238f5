//! `retire`: what still needs the Classic file systems, and what can be done about their cost. Nothing is deleted: a domain's
//! file system cannot go while the domain lives.

mod change;
mod needs;
mod notes;
mod preview;

use std::cell::Cell;
use std::collections::BTreeSet;

use clap::Args;

use self::change::Changes;
use self::needs::{Looking, Need, needs, needs_of_gone};
use crate::cli::context::{Format, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::names::DomainId;
use crate::plan::Plan;

/// Arguments of `retire`.
#[derive(Args, Clone, Debug)]
pub struct Retire {
    /// This domain only; may be given several times
    #[arg(long = "domain", value_name = "ID")]
    domains: Vec<DomainId>,
    /// Do what the playbook's `retire` says; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Put back what was set before
    #[arg(long, conflicts_with = "apply")]
    undo: bool,
    /// How what still needs the file systems is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Retire {
    /// Reports, and changes what is asked for.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let snapshot = super::latest_snapshot(&journal)?;
        if !self.apply && !self.undo {
            let domains = self.looked_at(&plan, &snapshot)?;
            let reader = context.reader(plan.playbook.limits.calls_per_second).await?;
            context.journal_of(&reader)?;
            let looking =
                Looking { reader: &reader, journal: &journal, plan: &plan, snapshot: &snapshot };
            let mut needs = needs(&looking, &domains).await?;
            if self.domains.is_empty() {
                needs.extend(needs_of_gone(&reader, &journal, &snapshot).await?);
            }
            self.show(context, &needs)?;
            if self.format == Format::Table {
                preview::show(context, &journal, &plan, (&needs, &domains))?;
            }
            return Ok(Exit::Done);
        }
        let domains = super::cutover::domains_of(&plan, &self.domains)?;
        drop(journal);
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let changes =
            Changes { context, operation: &operation, plan: &plan, failures: Cell::new(0) };
        if self.undo {
            changes.undo().await?;
        } else {
            changes.apply(&domains).await?;
        }
        let exit = if changes.failures.get() == 0 { Exit::Done } else { Exit::SomeFailed };
        operation.end(exit)
    }

    /// The domains that were asked for, or all that the plan or the last inventory knows: a file system costs money whether or not
    /// somebody moves from it.
    fn looked_at(&self, plan: &Plan, snapshot: &Snapshot) -> Result<Vec<DomainId>, Failure> {
        let seen = snapshot.domains.iter().map(|domain| &domain.id);
        let planned = plan.migrations().map(|(_, migration)| &migration.domain);
        let known: BTreeSet<_> = planned.chain(seen).cloned().collect();
        if let Some(stranger) = self.domains.iter().find(|domain| !known.contains(domain)) {
            return Err(Failure::usage(format!(
                "neither plan {} nor the last inventory knows {stranger}",
                plan.id
            )));
        }
        Ok(if self.domains.is_empty() { known.into_iter().collect() } else { self.domains.clone() })
    }

    fn show(&self, context: &Context, needs: &[Need]) -> Result<(), Failure> {
        if self.format == Format::Json {
            let all = serde_json::json!({ "schema": 1, "file_systems": needs });
            context.ui.data(super::json(&all)?);
            return Ok(());
        }
        for need in needs {
            context.ui.data(format_args!(
                "{} of {}: {}, {} of it in Infrequent Access or Archive; throughput {}; files move: {}",
                need.file_system,
                need.domain,
                super::bytes(need.bytes),
                super::bytes(need.bytes_infrequent),
                need.throughput.as_deref().unwrap_or("unknown"),
                preview::words(&need.lifecycle),
            ));
            for why in &need.why {
                context.ui.data(format_args!("  {why}"));
            }
            if !need.is_of_plan {
                context.ui.data("  nobody of the plan is in it, so nothing of it is changed");
            }
        }
        Ok(())
    }
}
