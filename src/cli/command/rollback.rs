//! `rollback`: taking people back, as far as can be.

use clap::Args;

use super::ended::{halted, listen, tell};
use super::notify;
use super::run::{execution, selection, tools};
use super::todo::standing;
use crate::cli::context::approved_plan;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute::{self, Selection, Step, foretold};
use crate::journal::Journal;
use crate::names::{BatchName, MigrationId, PlanId, ProfileName, counted};
use crate::plan::{Migration, Plan};

/// People of whom is said beforehand what cannot be undone; of more only the number.
const NAMED: usize = 50;

/// Arguments of `rollback`.
#[derive(Args, Clone, Debug)]
pub struct Rollback {
    /// Take this batch back; may be given several times
    #[arg(long = "batch", value_name = "BATCH", required_unless_present = "users")]
    batches: Vec<BatchName>,
    /// Take this person back; may be given several times
    #[arg(long = "user", value_name = "PROFILE")]
    users: Vec<ProfileName>,
    /// Undo back to and including this step, and leave the steps before it done
    #[arg(long, value_name = "STEP", default_value = "quiesce")]
    to: Step,
    /// Go by this plan, which moved them, and not by the last one that was approved
    #[arg(long, value_name = "ID")]
    plan: Option<PlanId>,
    /// Also delete spaces that their owners may have worked in since
    #[arg(long)]
    delete_spaces: bool,
    /// Also put back settings that somebody else changed since
    #[arg(long)]
    overwrite_changes: bool,
    /// Say what would be undone and what cannot be, and make no call that changes anything
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Rollback {
    /// Undoes what was done, last step first.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = match &self.plan {
            Some(id) => {
                journal.plan(id).map_err(|error| Failure::journal("read the plan", error))?
            }
            None => approved_plan(&journal)?,
        };
        let selection = selection(&plan, &self.batches, &self.users)
            .map_err(|failure| self.hinted(&journal, &plan, failure))?;
        self.foretell(context, &journal, &plan, &selection)?;
        drop(journal);
        if self.dry_run {
            return Ok(Exit::Done);
        }
        self.ask(context)?;
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let halt = listen(context);
        let progress = Progress::start(context.ui, 0);
        let tools = tools(None)?;
        let messenger = notify::messenger(&operation, &plan, "rollback", &progress);
        let watch = messenger.watch(progress.watch());
        let mut execution =
            execution(&operation, plan, tools, halt.clone(), watch, self.delete_spaces);
        execution.may_overwrite_changes = self.overwrite_changes;
        let _listening = steering::listen(operation.steered(&execution.control, &progress));
        let summary = execute::roll_back(&execution, &selection, self.to, &operation.lease).await;
        progress.finish();
        let done = match self.to {
            Step::Quiesce => "taken back".to_owned(),
            step => format!("taken back to before {step}"),
        };
        let exit = tell(context, &summary, &done);
        notify::finish(context, messenger, &halt).await;
        operation.end(halted(&halt, exit))
    }

    /// Says what cannot be undone before anything is; in a dry run also what would be.
    fn foretell(
        &self,
        context: &Context,
        journal: &Journal,
        plan: &Plan,
        selection: &Selection,
    ) -> Result<(), Failure> {
        let (mut count, mut with_more) = (0, 0);
        for (batch, migration) in plan.migrations() {
            if !selection.takes(batch, migration) {
                continue;
            }
            let standing = standing(journal, &migration.id)?;
            let steps: Vec<_> =
                standing.to_undo().into_iter().filter(|step| *step >= self.to).collect();
            if steps.is_empty() {
                continue;
            }
            count += 1;
            if self.dry_run {
                let names: Vec<_> = steps.iter().map(|step| step.name()).collect();
                context.ui.data(format_args!("{}: {}", migration.id, names.join(" → ")));
            }
            let mut said = foretold(migration, &standing, self.to, self.delete_spaces);
            if steps.contains(&Step::Provision) {
                said.extend(self.stranded(journal, plan, selection, migration)?);
            }
            with_more += usize::from(!said.is_empty());
            if with_more <= NAMED {
                said.iter()
                    .for_each(|said| context.ui.warning(format_args!("{}: {said}", migration.id)));
            }
        }
        if with_more > NAMED {
            let more = with_more - NAMED;
            context.ui.warning(format_args!(
                "and {} of whom not everything can be undone",
                counted(more as u64, "more person", "more people")
            ));
        }
        if self.dry_run {
            context.ui.data(format_args!(
                "{} would be taken back; nothing was changed",
                counted(count as u64, "person", "people")
            ));
        }
        Ok(())
    }

    /// Whom this plan does not know, or leaves out, an earlier one may have moved: that is the one to go by.
    fn hinted(&self, journal: &Journal, plan: &Plan, failure: Failure) -> Failure {
        let is_named = |id: &MigrationId| {
            let name = id.as_str().split_once('/').map_or("", |(_, name)| name);
            self.users.iter().any(|user| user.as_str() == name || user.as_str() == id.as_str())
        };
        let events = journal.events().unwrap_or_default();
        let earlier = events.iter().rev().find_map(|event| {
            let is_theirs = event.step.is_some() && event.migration.as_ref().is_some_and(is_named);
            event.plan.as_ref().filter(|id| is_theirs && **id != plan.id)
        });
        match earlier {
            Some(earlier) => failure.hinted(format!("plan {earlier} moved them: --plan {earlier}")),
            None => failure,
        }
    }

    /// Says where the files of somebody of a team are once they are taken back.
    fn stranded(
        &self,
        journal: &Journal,
        plan: &Plan,
        selection: &Selection,
        migration: &Migration,
    ) -> Result<Option<String>, Failure> {
        let rest = execute::closes_after(plan, migration);
        let opens_too = rest.is_some_and(|(batch, rest)| selection.takes(batch, rest));
        execute::stranded(journal, plan, migration, opens_too)
            .map_err(|failure| Failure::of(Exit::Unexpected, "read the journal", failure))
    }

    /// What is destroyed is asked about first.
    fn ask(&self, context: &Context) -> Result<(), Failure> {
        let questions = [
            (
                self.delete_spaces,
                "spaces are deleted with everything that was done in them since",
                "nobody confirmed that used spaces may be deleted",
                "give --yes, or leave --delete-spaces out: used spaces are then kept",
            ),
            (
                self.overwrite_changes,
                "settings are put back although somebody else may have changed them since",
                "nobody confirmed that settings of others may be overwritten",
                "give --yes, or leave --overwrite-changes out: what others changed then stays",
            ),
        ];
        for (_, warning, unconfirmed, hint) in
            questions.into_iter().filter(|(is_asked_for, ..)| *is_asked_for && !self.yes)
        {
            context.ui.warning(warning);
            if !context.ui.ask("Go on?") {
                return Err(Failure::new(Exit::ApprovalNeeded, unconfirmed).hinted(hint));
            }
        }
        Ok(())
    }
}
