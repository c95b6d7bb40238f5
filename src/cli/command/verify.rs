//! `verify`: the proof is read and summed up again, and compared with what the journal says was proven.
//!
//! It proves the proof, not the volume: only an app that runs in a space can read its volume, and people have worked there
//! since.

use clap::Args;

use super::run::{execution, selection, standing, tools};
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure};
use crate::execute::steps::verify;
use crate::execute::{Halt, Step};
use crate::names::{BatchName, ProfileName};

/// Arguments of `verify`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// This batch only; may be given several times
    #[arg(long = "batch", value_name = "BATCH")]
    batches: Vec<BatchName>,
    /// This person only; may be given several times
    #[arg(long = "user", value_name = "PROFILE")]
    users: Vec<ProfileName>,
}

impl Verify {
    /// Checks everyone whose copy was proven before.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let plan = approved_plan(&context.existing_journal()?)?;
        let selection = selection(&plan, &self.batches, &self.users)?;
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let silent = std::sync::Arc::new(|_| ());
        let execution = execution(&operation, plan, tools(None)?, Halt::default(), silent, false);
        let (mut proven, mut doubted, mut unproven) = (0, 0, 0);
        for (batch, migration) in execution.plan.migrations() {
            if !selection.takes(batch, migration) {
                continue;
            }
            let standing = standing(&operation.journal, &migration.id)?;
            let Some(before) = standing.receipt(Step::Verify) else {
                context.ui.data(format_args!("{}: not proven yet", migration.id));
                unproven += 1;
                continue;
            };
            let now = match verify::perform(&execution.context(migration)).await {
                Ok(now) => now,
                Err(failure) => {
                    context.ui.data(format_args!("{}: DOUBT: {failure}", migration.id));
                    doubted += 1;
                    continue;
                }
            };
            let digest = before.pointer("/totals/digest").and_then(|digest| digest.as_str());
            if digest == Some(now.totals.digest.as_str()) {
                context.ui.data(format_args!(
                    "{}: proven, {} files, {} on {}, digest {}",
                    migration.id,
                    now.totals.files,
                    super::bytes(now.totals.bytes),
                    now.evidence.device,
                    now.totals.digest
                ));
                proven += 1;
            } else {
                context.ui.data(format_args!("{}: DOUBT: the digest is another one", migration.id));
                doubted += 1;
            }
        }
        context.ui.data(format_args!("{proven} proven, {doubted} in doubt, {unproven} not yet"));
        operation.end(if doubted == 0 { Exit::Done } else { Exit::SomeFailed })
    }
}
