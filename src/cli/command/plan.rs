//! `plan`: phase 3, drawing up, showing, comparing and approving. Nothing here changes anything in the account.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::journal::Journal;
use crate::names::{PlanId, SnapshotId};
use crate::plan::{self, Plan as Drawn};
use crate::readiness::assess;

/// Arguments of `plan`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Plan {
    #[command(subcommand)]
    action: Option<Action>,
    /// The playbook: a file, or the name of a shipped one
    #[arg(long, default_value = "standard", value_name = "PLAYBOOK")]
    playbook: String,
    /// The snapshot to plan on, instead of the last one
    #[arg(long, value_name = "ID")]
    snapshot: Option<SnapshotId>,
    /// Also write the plan to this file, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the plan is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show a plan, the last one by default
    Show {
        /// The plan's id
        id: Option<PlanId>,
        /// How the plan is written to stdout
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Compare two plans, the last two by default
    Diff {
        /// The old plan's id
        old: Option<PlanId>,
        /// The new plan's id
        #[arg(requires = "old")]
        new: Option<PlanId>,
    },
    /// Approve a plan, so that it may be run
    Approve {
        /// The plan's id
        #[arg(required_unless_present = "latest")]
        id: Option<PlanId>,
        /// Approve the plan that was drawn up last
        #[arg(long, conflicts_with = "id")]
        latest: bool,
        /// What you say about it, for the audit trail
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
}

impl Plan {
    /// Does what was asked.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        match &self.action {
            None => self.draw(context, &journal),
            Some(Action::Show { id, format }) => {
                show(context, &read(&journal, id.as_ref())?, *format)?;
                Ok(Exit::Done)
            }
            Some(Action::Diff { old, new }) => {
                let (old, new) = two(&journal, old.as_ref(), new.as_ref())?;
                for change in plan::diff(&old, &new) {
                    context.ui.data(change);
                }
                Ok(Exit::Done)
            }
            Some(Action::Approve { id, note, .. }) => {
                approve(context, &journal, id.as_ref(), note).await
            }
        }
    }

    fn draw(&self, context: &Context, journal: &Journal) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        let snapshot = super::chosen_snapshot(context, journal, self.snapshot.as_ref())?;
        let findings = assess(&snapshot, &playbook);
        let parent = journal
            .latest_plan()
            .map_err(|error| Failure::journal("read the plan before", error))?;
        let drawn = plan::draw(&snapshot, &findings, &playbook, parent.as_ref())
            .map_err(|error| Failure::of(Exit::Usage, "draw up the plan", error))?;
        if drawn.batches.is_empty() {
            context.ui.warning("nobody is left to migrate; see who is left out and why");
        }
        journal.keep_plan(&drawn).map_err(|error| Failure::journal("keep the plan", error))?;
        if let Some(out) = &self.out {
            super::write_file(out, &super::json(&drawn)?)?;
        }
        show(context, &drawn, self.format)?;
        context.ui.status(format_args!(
            "Approve it with `studio-migrate plan approve {}`, then `studio-migrate run`",
            drawn.id
        ));
        Ok(Exit::Done)
    }
}

async fn approve(
    context: &Context,
    journal: &Journal,
    id: Option<&PlanId>,
    note: &str,
) -> Result<Exit, Failure> {
    let plan = read(journal, id)?;
    let reader = context.reader(0.0).await?;
    let approver = reader.identity().arn.clone();
    context.journal_of(&reader)?;
    journal
        .approve(&plan.id, &approver, note)
        .map_err(|error| Failure::journal("approve", error))?;
    context.ui.data(format_args!("Plan {} is approved by {approver}", plan.id));
    Ok(Exit::Done)
}

fn read(journal: &Journal, id: Option<&PlanId>) -> Result<Drawn, Failure> {
    let read = |error| Failure::journal("read the plan", error);
    match id {
        Some(id) => journal.plan(id).map_err(read),
        None => journal.latest_plan().map_err(read)?.ok_or_else(|| {
            Failure::usage("there is no plan yet").hinted("draw one up with `studio-migrate plan`")
        }),
    }
}

fn two(
    journal: &Journal,
    old: Option<&PlanId>,
    new: Option<&PlanId>,
) -> Result<(Drawn, Drawn), Failure> {
    let new = read(journal, new)?;
    let old = match old.or(new.parent.as_ref()) {
        Some(old) => read(journal, Some(old))?,
        None => {
            return Err(Failure::usage(format!("plan {} is the first: nothing is older", new.id)));
        }
    };
    Ok((old, new))
}

fn show(context: &Context, plan: &Drawn, format: Format) -> Result<(), Failure> {
    let ui = context.ui;
    if format == Format::Json {
        ui.data(super::json(plan)?);
        return Ok(());
    }
    ui.data(format_args!(
        "Plan {} for account {} in {}, playbook {}",
        plan.id, plan.account, plan.region, plan.playbook.name
    ));
    for batch in &plan.batches {
        ui.data(format_args!("{} ({} people)", batch.name, batch.migrations.len()));
        for migration in &batch.migrations {
            let size = migration.bytes.map_or_else(|| "unmeasured".to_owned(), super::bytes);
            ui.data(format_args!(
                "  {}: {size} into space {} with {} GiB; {}",
                migration.profile, migration.space, migration.volume_gb, migration.because
            ));
        }
    }
    if !plan.left_out.is_empty() {
        ui.data(format_args!("left out ({})", plan.left_out.len()));
        for left in &plan.left_out {
            ui.data(format_args!("  {}/{}: {}", left.domain, left.who, left.because));
        }
    }
    Ok(())
}
