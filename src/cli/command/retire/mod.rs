//! `retire`: what still needs the Classic file systems, and what can be done about their cost. Nothing is deleted: a domain's
//! file system cannot go while the domain lives.

mod change;
mod needs;
mod preview;

use std::cell::Cell;

use clap::Args;

use self::change::Changes;
use self::needs::{Need, needs, needs_of_gone};
use crate::cli::context::{Format, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::names::DomainId;

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
        let domains = super::cutover::domains_of(&plan, &self.domains)?;
        let snapshot = super::latest_snapshot(&journal)?;
        if !self.apply && !self.undo {
            let reader = context.reader(plan.playbook.limits.calls_per_second).await?;
            context.journal_of(&reader)?;
            let mut needs = needs(&reader, &journal, &plan, &snapshot, &domains).await?;
            if self.domains.is_empty() {
                needs.extend(needs_of_gone(&reader, &journal, &snapshot).await?);
            }
            self.show(context, &needs)?;
            if self.format == Format::Table {
                preview::show(context, &journal, &plan, (&needs, &domains))?;
            }
            return Ok(Exit::Done);
        }
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
        }
        Ok(())
    }
}
