//! `plan`: phase 3, drawing up, showing, comparing and approving. Nothing here changes anything in the account.

mod explain;
mod export;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use show::{PlanFormat, show};

use super::mounted::as_if_mounted;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::journal::{Approval, Journal, KeptSnapshot};
use crate::names::{BatchName, PlanId, SnapshotId, counted, to_the_second};
use crate::plan::{self, Plan as Drawn};
use crate::playbook::Playbook;
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
    /// Also write the plan as a page with its timeline
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How the plan is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show a plan, the last one by default
    Show {
        /// The plan's id
        id: Option<PlanId>,
        /// Also write it as a page with its timeline
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// How the plan is written to stdout
        #[arg(long, value_enum, default_value_t)]
        format: PlanFormat,
    },
    /// Say what a plan means for one person: when, what, why, and what readiness says of them
    Explain {
        /// The profile, or `domain/profile`
        who: String,
        /// The plan's id, the last one by default
        #[arg(long, value_name = "ID")]
        plan: Option<PlanId>,
    },
    /// Compare two plans, the last two by default, or a plan with the last snapshot
    Diff {
        /// The old plan's id
        old: Option<PlanId>,
        /// The new plan's id
        #[arg(requires = "old")]
        new: Option<PlanId>,
        /// Say what has changed in the account since the plan, by the last snapshot
        #[arg(long, conflicts_with = "new")]
        drift: bool,
    },
    /// Write a pack for a change board: the plan, the readiness that it stands on, and a table of everyone
    Export {
        /// The folder
        folder: PathBuf,
        /// The plan's id, the last one by default
        #[arg(long, value_name = "ID")]
        plan: Option<PlanId>,
    },
    /// Draw the plan up anew with everyone in the batch that a table of an exported pack says
    Import {
        /// The table, `people.csv` of the pack
        table: PathBuf,
        /// The plan that was exported, the last one by default
        #[arg(long, value_name = "ID")]
        plan: Option<PlanId>,
    },
    /// Approve a plan, so that it may be run
    Approve {
        /// The plan's id
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
            Some(Action::Show { id, html, format }) => {
                let plan = read(&journal, id.as_ref())?;
                if let Some(path) = html {
                    show::page(&plan, &approvals(&journal, &plan)?, path)?;
                }
                show(context, &plan, *format)?;
                Ok(Exit::Done)
            }
            Some(Action::Explain { who, plan }) => {
                let plan = read(&journal, plan.as_ref())?;
                explain::explain(context, &journal, &plan, who)?;
                Ok(Exit::Done)
            }
            Some(Action::Diff { old, drift: true, .. }) => {
                drift(context, &journal, &read(&journal, old.as_ref())?)
            }
            Some(Action::Diff { old, new, .. }) => {
                let (old, new) = two(&journal, old.as_ref(), new.as_ref())?;
                for change in plan::diff(&old, &new) {
                    context.ui.data(change);
                }
                Ok(Exit::Done)
            }
            Some(Action::Export { folder, plan }) => {
                export::export(context, &journal, &read(&journal, plan.as_ref())?, folder)
            }
            Some(Action::Import { table, plan }) => {
                let exported = read(&journal, plan.as_ref())?;
                let playbook = export::constrained(&exported, table)?;
                let mut snapshot = journal
                    .snapshot(&exported.snapshot)
                    .map_err(|error| Failure::journal("read the plan's snapshot", error))?;
                as_if_mounted(&journal, &mut snapshot)?;
                self.drawn(context, &journal, &snapshot, &playbook, None)
            }
            Some(Action::Approve { id: None, latest: false, .. }) => {
                let last = read(&journal, None)?.id;
                Err(Failure::usage("no plan is named").hinted(format!(
                    "name it: `plan approve {last}`, or `plan approve --latest`, is the one that was drawn up last"
                )))
            }
            Some(Action::Approve { id, note, .. }) => {
                approve(context, &journal, id.as_ref(), note).await
            }
        }
    }

    fn draw(&self, context: &Context, journal: &Journal) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        let mut snapshot = super::chosen_snapshot(context, journal, self.snapshot.as_ref())?;
        as_if_mounted(journal, &mut snapshot)?;
        let mut parent = journal
            .latest_plan()
            .map_err(|error| Failure::journal("read the plan before", error))?;
        if let Some(parent) = &mut parent {
            for migration in parent.batches.iter_mut().flat_map(|batch| &mut batch.migrations) {
                let standing = super::todo::standing(journal, &migration.id)?;
                migration.is_open = standing.is_untouched();
            }
        }
        self.drawn(context, journal, &snapshot, &playbook, parent.as_ref())
    }

    /// Draws a plan up, keeps it and shows it.
    fn drawn(
        &self,
        context: &Context,
        journal: &Journal,
        snapshot: &Snapshot,
        playbook: &Playbook,
        parent: Option<&Drawn>,
    ) -> Result<Exit, Failure> {
        let findings = assess(snapshot, playbook);
        let drawn = plan::draw(snapshot, &findings, playbook, parent)
            .map_err(|error| Failure::of(Exit::Usage, "draw up the plan", error))?;
        let is_empty = drawn.batches.is_empty();
        if is_empty {
            context.ui.warning("nobody is left to migrate; see who is left out and why");
        }
        let is_there = |name: &BatchName| drawn.batches.iter().any(|batch| batch.name == *name);
        for gate in playbook.gates.iter().filter(|gate| !is_there(&gate.before)) {
            context.ui.warning(format_args!(
                "gate {} stands before {}, which this plan does not have: nothing waits for it",
                gate.name, gate.before
            ));
        }
        journal.keep_plan(&drawn).map_err(|error| Failure::journal("keep the plan", error))?;
        if let Some(out) = &self.out {
            super::write_file(out, &super::json(&drawn)?)?;
        }
        if let Some(path) = &self.html {
            show::page(&drawn, &[], path)?;
        }
        show(context, &drawn, self.format)?;
        if !is_empty {
            context.ui.status(format_args!(
                "Approve it with `studio-migrate plan approve {}`, then `studio-migrate run`",
                drawn.id
            ));
        }
        Ok(Exit::Done)
    }
}

fn approvals(journal: &Journal, plan: &Drawn) -> Result<Vec<Approval>, Failure> {
    journal.approvals(&plan.id).map_err(|error| Failure::journal("read the approvals", error))
}

/// Says what no longer holds of a plan, by the last snapshot of its account and Region. Ends with [`Exit::Blocked`] when
/// anything does not.
fn drift(context: &Context, journal: &Journal, plan: &Drawn) -> Result<Exit, Failure> {
    let failed = |error| Failure::journal("read the snapshot", error);
    let is_of_it = |kept: &KeptSnapshot| {
        kept.account == plan.account.as_str() && kept.region == plan.region.as_str()
    };
    let last = journal.snapshots().map_err(failed)?.into_iter().rfind(is_of_it);
    let Some(last) = last else {
        return Err(Failure::usage("there is no snapshot of the plan's account and Region"));
    };
    if last.id == plan.snapshot {
        context.ui.status("The plan stands on the last snapshot; take an inventory to see what has changed since.");
        return Ok(Exit::Done);
    }
    let mut snapshot = journal.snapshot(&last.id).map_err(failed)?;
    as_if_mounted(journal, &mut snapshot)?;
    let changes = plan::drift(plan, &snapshot);
    for (migration, changes) in &changes {
        for change in changes {
            context.ui.data(format_args!("{migration}: {change}"));
        }
    }
    context.ui.status(format_args!(
        "{} drifted, by snapshot {} of {}",
        counted(changes.len() as u64, "person of the plan has", "people of the plan have"),
        last.id,
        to_the_second(&last.taken_at)
    ));
    Ok(if changes.is_empty() { Exit::Done } else { Exit::Blocked })
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
    refuse_nobody(&plan)?;
    let before = approvals(journal, &plan)?;
    if before.iter().any(|approval| approval.approver == approver) {
        return Err(Failure::new(
            Exit::ApprovalNeeded,
            format!("{approver} has approved plan {} already", plan.id),
        )
        .hinted("a second approval has to be another caller's"));
    }
    journal
        .approve(&plan.id, &approver, note)
        .map_err(|error| Failure::journal("approve", error))?;
    context.ui.data(format_args!(
        "Plan {} is approved by {approver}: {} in {}, {} left out, {} of findings",
        plan.id,
        counted(plan.migrations().count() as u64, "person", "people"),
        counted(plan.batches.len() as u64, "batch", "batches"),
        plan.left_out.len(),
        super::count(plan.playbook.suppressions.len(), "suppression")
    ));
    let wanted = plan.playbook.approvals.callers;
    if before.len() + 1 < wanted {
        context.ui.status(format_args!(
            "The playbook wants {wanted} different callers to approve: {} more",
            wanted - before.len() - 1
        ));
    }
    Ok(Exit::Done)
}

/// Refuses a plan that moves nobody, and by which no other command has anything to do either.
fn refuse_nobody(plan: &Drawn) -> Result<(), Failure> {
    let has_orphans = plan.playbook.orphans.archive_to.is_some()
        && plan.left_out.iter().any(|left| left.orphan().is_some());
    let has_notebooks = plan.playbook.shared_notebooks.copy_to.is_some();
    if plan.migrations().next().is_some() || has_orphans || has_notebooks {
        return Ok(());
    }
    let why = counted(plan.left_out.len() as u64, "is left out", "are left out");
    Err(Failure::new(
        Exit::Blocked,
        format!("plan {} moves nobody: {why}, and nobody is in a batch", plan.id),
    )
    .hinted(format!(
        "`studio-migrate plan show {}` says who is left out and why; mend that in the playbook or the account, take an inventory, and draw up another plan",
        plan.id
    )))
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
