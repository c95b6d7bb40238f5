//! `rollback`: taking people back, as far as can be.

use clap::Args;

use super::notify;
use super::run::{execution, halted, listen, selection, tell, tools};
use crate::cli::context::approved_plan;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute;
use crate::names::{BatchName, PlanId, ProfileName};

/// Arguments of `rollback`.
#[derive(Args, Clone, Debug)]
pub struct Rollback {
    /// Take this batch back; may be given several times
    #[arg(long = "batch", value_name = "BATCH", required_unless_present = "users")]
    batches: Vec<BatchName>,
    /// Take this person back; may be given several times
    #[arg(long = "user", value_name = "PROFILE")]
    users: Vec<ProfileName>,
    /// Go by this plan, which moved them, and not by the last one that was approved
    #[arg(long, value_name = "ID")]
    plan: Option<PlanId>,
    /// Also delete spaces that their owners may have worked in since
    #[arg(long)]
    delete_spaces: bool,
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
        let selection = selection(&plan, &self.batches, &self.users)?;
        drop(journal);
        if self.delete_spaces && !self.yes {
            context.ui.warning("spaces are deleted with everything that was done in them since");
            if !context.ui.ask("Go on?") {
                return Err(Failure::new(
                    Exit::ApprovalNeeded,
                    "nobody confirmed that used spaces may be deleted",
                )
                .hinted("give --yes, or leave --delete-spaces out: used spaces are then kept"));
            }
        }
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let halt = listen(context);
        let progress = Progress::start(context.ui, 0);
        let tools = tools(None)?;
        let messenger = notify::messenger(&operation, &plan, "rollback", &progress);
        let watch = messenger.watch(progress.watch());
        let execution = execution(&operation, plan, tools, halt.clone(), watch, self.delete_spaces);
        let _listening =
            steering::listen(context.ui, &operation.journal, operation.id, &execution.control);
        let summary = execute::roll_back(&execution, &selection, &operation.lease).await;
        progress.finish();
        let exit = tell(context, &summary, "taken back");
        notify::finish(context, messenger, &halt).await;
        operation.end(halted(&halt, exit))
    }
}
